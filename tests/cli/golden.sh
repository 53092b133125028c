#!/bin/sh
# Golden values on every ISA that runs natively; that an error of twice the bound is seen and of half is not; bad files.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for isa in ref c avx2 avx512 neon; do
    DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1 || continue
    DRIFT_ISA=$isa "$DRIFT" golden verify tests/golden > "$dir/out" || { grep -v '^ok' "$dir/out"; exit 1; }
    echo "REPORT golden values, $isa: $(tail -n 1 "$dir/out")"
done

status() { # EXPECTED COMMAND...
    expected=$1
    shift
    "$@" > "$dir/out" 2> "$dir/err" && got=0 || got=$?
    [ "$got" = "$expected" ] || { echo "status $got, expected $expected: $*"; cat "$dir/out" "$dir/err"; exit 1; }
    [ "$expected" != 2 ] || [ "$(wc -l < "$dir/err")" = 1 ] || { echo "not one line: $*"; cat "$dir/err"; exit 1; }
}
case=tests/golden/drift_normalized/normalized_plain.safetensors
status 2 "$DRIFT" golden verify "$dir/none.safetensors"
head -c 100 "$case" > "$dir/cut.safetensors"
status 2 "$DRIFT" golden verify "$dir/cut.safetensors"
status 2 "$DRIFT" golden verify "$dir"
sed 's/"drift_normalized"/"drift_normalises"/' "$case" > "$dir/kind.safetensors"
rm "$dir/cut.safetensors"
status 0 "$DRIFT" golden verify "$dir/kind.safetensors"
grep -q 'unknown .*drift_normalises' "$dir/out"
