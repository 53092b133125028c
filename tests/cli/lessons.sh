#!/bin/sh
# Lessons: each quotes the source as it is, has a command and a figure, and is listed; a quote that differs is found.
# (docs.sh runs their commands and follows their links.)
. tests/support/cli.sh

sh tests/support/quotes.sh --check
for page in docs/lessons/[0-9]*.md; do
    name=$(basename "$page")
    grep -q '^<!-- quote ' "$page" || fail "$page quotes no function"
    grep -q '^    drift [a-z]' "$page" || fail "$page has no command"
    grep -qE '^!\[[^]]+\]\([^)]+\.(png|svg)\)' "$page" || fail "$page has no figure"
    grep -qF "($name)" docs/lessons/README.md || fail "docs/lessons/README.md does not list $name"
done

# what must be found
page=docs/lessons/01-field.md
caught() { # WHAT EXPECTED
    sh tests/support/quotes.sh --check "$dir/page.md" > "$dir/log" 2>&1 && fail "$1 was not found"
    grep -q "$2" "$dir/log" || fail "$1: $(cat "$dir/log")"
}
sed 's/force\[k\] = 0;/force[k] = 1;/' "$page" > "$dir/page.md"
cmp -s "$page" "$dir/page.md" && fail "nothing was planted in $page"
caught "a changed line" "quotes what the source does not say"
sh tests/support/quotes.sh --write "$dir/page.md"
cmp -s "$page" "$dir/page.md" || fail "--write did not mend a changed line"
sed 's/^\(<!-- quote .*: \)[a-z_]* -->/\1nothing -->/' "$page" > "$dir/page.md"
caught "a function that is not there" "has no function nothing"
sed 's/^```c$/```/' "$page" > "$dir/page.md"
caught "a block that is not C" 'expected ```c'
