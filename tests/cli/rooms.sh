#!/bin/sh
# The house is as CONTRIBUTING draws it: every room in its table is a folder, every folder of the source is in the table,
# and a file includes only its own room or rooms that stand below it.
. tests/support/cli.sh

awk -F'|' '/^\| `/ { row++; n = split($2, name, "`"); for (i = 2; i <= n; i += 2) if (name[i] ~ /\/$/) print row, name[i] }' \
    CONTRIBUTING.md > "$dir/rooms"
while read -r _ room; do
    [ -d "$room" ] || fail "CONTRIBUTING.md: no such folder: $room"
done < "$dir/rooms"
for room in src/*/ ref/ simd/; do
    grep -q " $room\$" "$dir/rooms" || fail "CONTRIBUTING.md has no row for $room"
done
grep -H '^#include "[a-z]*/' src/*/*.[ch] ref/*.[ch] simd/*.[ch] |
    awk -v rooms="$dir/rooms" '
        BEGIN {
            while ((getline line < rooms) > 0) {
                split(line, word, " ")
                row[word[2]] = word[1]
            }
        }
        {
            split($0, part, ":")
            split(part[2], quoted, "\"")
            from = part[1]
            sub(/[^\/]*$/, "", from)
            to = quoted[2]
            sub(/[^\/]*$/, "", to)
            if (!(to in row))
                to = "src/" to
            if (to in row && to != from && row[to] <= row[from])
                print part[1] " includes " quoted[2] ", of a room that is not below its own"
        }' > "$dir/upwards"
[ ! -s "$dir/upwards" ] || fail "$(cat "$dir/upwards")"
