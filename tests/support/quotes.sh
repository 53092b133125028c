#!/bin/sh
# The C that a page quotes is the C that is compiled: below a line
#     <!-- quote ref/NAME.c: FUNCTION -->
# stands a block ```c with that function as the file has it, from the comment above it to its closing brace.
# --write puts the functions in; without it nothing is written, and a block that differs fails. Pages: docs/lessons/*.md.
set -eu
mode=${1:-}
shift || true
[ $# -gt 0 ] || set -- docs/lessons/*.md
new=$(mktemp)
trap 'rm -f "$new"' EXIT

count=0
for page in "$@"; do
    [ -e "$page" ] || { echo "quotes: no page $page"; exit 1; }
    awk -v page="$page" '
    function fail(what) { print page ":" NR ": " what > "/dev/stderr"; failed = 1; exit 1 }
    # A definition starts in the first column with its name before "(", and is no declaration or call.
    function function_of(file, name,    line, text, above, inside, found) {
        while ((getline line < file) > 0) {
            if (inside) {
                text = text line "\n"
                if (line == "}") { found = 1; break }
                continue
            }
            if (line ~ "^[a-z].*[ *(]" name "\\)?\\(" && line !~ /;$/) {
                text = above line "\n"
                inside = 1
                if (line ~ /\}$/) { found = 1; break }
            } else if (line ~ /^(\/\*| \*)/)
                above = above line "\n"
            else
                above = ""
        }
        close(file)
        return found ? text : ""
    }
    waiting { if ($0 != "```c") fail("expected ```c below the marker"); print; printf "%s", text; waiting = 0; quoted = 1; next }
    quoted { if ($0 != "```") next; quoted = 0 }
    { print }
    /^<!-- quote / {
        if (!match($0, /^<!-- quote [^ :]+: [a-z0-9_]+ -->$/)) fail("expected <!-- quote FILE: FUNCTION -->")
        file = $3; sub(/:$/, "", file)
        text = function_of(file, $4)
        if (text == "") fail(file " has no function " $4)
        waiting = 1
    }
    END { if (!failed && (waiting || quoted)) fail("a quoted block has no end") }' "$page" > "$new"
    count=$((count + $(grep -c '^<!-- quote ' "$page" || true)))
    if [ "$mode" = --write ]; then
        cmp -s "$new" "$page" || cp "$new" "$page"
    else
        cmp -s "$new" "$page" || {
            echo "$page quotes what the source does not say: run sh tests/support/quotes.sh --write"
            diff "$page" "$new" || true
            exit 1
        }
    fi
done
[ "$mode" = --write ] || echo "REPORT $count functions quoted in the docs are those of the source"
