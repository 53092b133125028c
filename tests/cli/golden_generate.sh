#!/bin/sh
# drift golden generate and list: every kind, the same bytes on every ISA that runs natively, and verify passes there; the
# graded suite; copies as npz and json; what is refused.
. tests/support/cli.sh

"$DRIFT" golden list > "$dir/kinds"
kinds=$(sed '/(verify alone)/d; s/ .*//' "$dir/kinds")
[ "$(echo "$kinds" | wc -l)" -ge 18 ] || fail "few kinds: $kinds"
mkdir "$dir/first"
for kind in $kinds; do
    DRIFT_ISA=c "$DRIFT" golden generate "$kind" --seed 3 --out "$dir/first/$kind.safetensors"
done
for isa in c avx2 avx512 neon ref; do
    DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1 || continue
    for kind in $kinds; do
        DRIFT_ISA=$isa "$DRIFT" golden generate "$kind" --seed 3 --out "$dir/$kind.safetensors"
        cmp "$dir/first/$kind.safetensors" "$dir/$kind.safetensors"
        cmp "$dir/first/$kind.npz" "$dir/$kind.npz"
    done
    DRIFT_ISA=$isa status 0 "$DRIFT" golden verify "$dir/first"
    grep -q "^$(echo "$kinds" | wc -l) ok" "$dir/out" || fail "$isa: $(cat "$dir/out")"
done
OMP_NUM_THREADS=1 "$DRIFT" golden generate train_step --seed 3 --out "$dir/train_step.safetensors"
cmp "$dir/first/train_step.safetensors" "$dir/train_step.safetensors"
"$DRIFT" golden generate drift_exact --seed 4 --out "$dir/drift_exact.safetensors"
! cmp -s "$dir/first/drift_exact.safetensors" "$dir/drift_exact.safetensors" || fail "the seed does nothing"

# settings, from the command line and from a file; results as floats
status 0 "$DRIFT" golden generate drift_exact --config '{"tau": 0.25, "shape": {"generated": 3}}' --out "$dir/a.json"
grep -q '"out/V": {"shape": \[3,3\]' "$dir/a.json" || fail "a.json: $(cat "$dir/a.json")"
echo '{"model": {"depth": 1, "use_rope": false}, "shape": {"batch": 1}}' > "$dir/config"
status 0 "$DRIFT" golden generate dit --config "$dir/config" --precision float --out "$dir/folder"
status 0 "$DRIFT" golden verify "$dir/folder"
[ -e "$dir/folder/dit.npz" ] || fail "no npz in the folder"
! grep -q F64 "$dir/folder/dit.safetensors" || fail "doubles in spite of --precision float"
status 0 "$DRIFT" golden list drift_exact --json
grep -q '"in/gen": "\[7,3\] float32"' "$dir/out" || fail "list drift_exact: $(cat "$dir/out")"
status 0 "$DRIFT" golden list dit
grep -q 'grad/LightningDiT_0/blocks_1/Attention_0' "$dir/out" || fail "list dit: $(cat "$dir/out")"
grep -q '"use_qknorm": true' "$dir/out" || fail "list dit: $(cat "$dir/out")"

# the suite
status 0 "$DRIFT" golden generate --suite --out "$dir/suite"
status 0 "$DRIFT" golden verify "$dir/suite"
grep -q '^23 ok' "$dir/out" || fail "$(cat "$dir/out")"
for case in "$dir"/suite/*.safetensors; do
    grep -q "^| \`$(basename "$case" .safetensors)\`" "$dir/suite/README.md" || fail "README.md: no $case"
done

# what is refused
rm -rf "$dir/folder"
status 2 "$DRIFT" golden generate dit
status 2 "$DRIFT" golden generate --out "$dir/folder"
status 2 "$DRIFT" golden generate drift_exakt --out "$dir/folder"
grep -q 'did you mean "drift_exact"' "$dir/err"
status 2 "$DRIFT" golden generate dit_init --out "$dir/folder"
status 2 "$DRIFT" golden generate --suite dit --out "$dir/folder"
status 2 "$DRIFT" golden generate dit --config '{"model": {"hidden": 3}}' --out "$dir/folder"
grep -q 'model.hidden' "$dir/err"
status 2 "$DRIFT" golden generate dit --config '{"model": 3}' --out "$dir/folder"
status 2 "$DRIFT" golden generate dit --config '{"model": {"hidden_size": 33}}' --out "$dir/folder"
status 2 "$DRIFT" golden generate conv --config '{"shape": {"height": 0}}' --out "$dir/folder"
status 2 "$DRIFT" golden generate conv --config '{"stride": 2' --out "$dir/folder"
status 2 "$DRIFT" golden generate conv --config "$dir/nothing" --out "$dir/folder"
status 2 "$DRIFT" golden generate resize --config '{"size": [0, 3]}' --out "$dir/folder"
status 2 "$DRIFT" golden generate drift_exact --config '{"tau": -1}' --out "$dir/folder"
status 2 "$DRIFT" golden generate queue --config '{"shape": {"pushes": 0}}' --out "$dir/folder"
[ -z "$(find "$dir/folder" -type f 2> /dev/null)" ] || fail "something was written"
