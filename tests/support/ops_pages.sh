#!/bin/sh
# Writes the table of kernels at the end of each page of docs/ops, out of src/kernel/kernels.def, where the page has a line
#     <!-- kernels of ref/NAME.c ref/OTHER.c -->
# Everything below that line is replaced. With --check writes nothing and fails where a page is stale.
set -eu
check=${1:-}
new=$(mktemp)
rows=$(mktemp)
trap 'rm -f "$new" "$rows"' EXIT

# one line a kernel: name, bound, flop, bytes, separated by tabs
awk '
/^KERNEL\(/ { text = ""; open = 1 }
open {
    text = text " " $0
    depth = gsub(/\(/, "(", text) - gsub(/\)/, ")", text)
    if (depth <= 0) {
        open = 0
        n = 1; depth = 0
        delete part
        for (i = index(text, "(") + 1; i <= length(text); i++) {
            c = substr(text, i, 1)
            if (c == "," && depth == 0) { n++; continue }
            if (c == "(") depth++
            if (c == ")" && depth-- == 0) break
            part[n] = part[n] c
        }
        for (k = 1; k <= n; k++) { gsub(/[ \t]+/, " ", part[k]); sub(/^ /, "", part[k]); sub(/ $/, "", part[k]) }
        printf "%s\t%s\t%s\t%s\n", part[1], part[n - 2], part[n - 1], part[n]
    }
}' src/kernel/kernels.def > "$rows"

for page in docs/ops/*.md; do
    files=$(sed -n 's/^<!-- kernels of \(.*\) -->$/\1/p' "$page")
    [ -n "$files" ] || continue
    {
        sed '/^<!-- kernels of /q' "$page"
        echo '| kernel | error bound (2⁻²⁴ of its scale) | floating-point operations | bytes |'
        echo '|---|---|---|---|'
        # shellcheck disable=SC2086
        for name in $(sed -n 's/^void K(\([a-z0-9_]*\)).*/\1/p' $files); do
            awk -F'\t' -v name="$name" '$1 == name { printf "| `%s` | `%s` | `%s` | `%s` |\n", $1, $2, $3, $4 }' "$rows"
        done
    } > "$new"
    if [ "$check" = --check ]; then
        cmp -s "$new" "$page" || { echo "$page is stale: run sh tests/support/ops_pages.sh"; exit 1; }
    else
        cmp -s "$new" "$page" || cp "$new" "$page"
    fi
done
