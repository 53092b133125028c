#!/bin/sh
# coverage.sh BUILD: share of lines that ran, by folder of src/, ref/ and simd/ (gcov's figures, added up).
set -eu
build=$1
find "$build/obj/src" "$build/obj/ref" "$build/obj/simd" -name '*.gcda' | while read -r data; do
    gcov -n -o "$data" "$data" 2> /dev/null
done | awk -F"'" '
    /^File/ { file = $2; sub(/\/[^\/]*$/, "", file) }
    /^Lines executed/ && file ~ /^(src|ref|simd)/ {
        split($0, part, /[:% ]+/)
        of = part[length(part)]; ran[file] += part[3] / 100 * of; all[file] += of; total_ran += part[3] / 100 * of; total += of
    }
    END { for (f in all) printf "%6.1f %%  %6d lines  %s\n", 100 * ran[f] / all[f], all[f], f | "sort -k5"; close("sort -k5")
          printf "%6.1f %%  %6d lines  all\n", 100 * total_ran / total, total }'
