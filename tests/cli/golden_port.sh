#!/bin/sh
# drift golden compare and diagnose: a right port, one that keeps itself among its negatives, bad input of every sort; and
# docs/golden.md: its lists are complete, and its Python runs where NumPy is at hand.
. tests/support/cli.sh
case=$dir/case.safetensors
"$DRIFT" golden generate drift_exact --out "$case"
"$DRIFT" golden generate drift_exact --config '{"self": "kept"}' --precision float --out "$dir/kept.npz"
"$DRIFT" golden generate drift_exact --config '{"self": "kept", "repulsion": -1}' --out "$dir/both.npz"
"$DRIFT" golden generate drift_exact --precision float --out "$dir/single.npz"

status 0 "$DRIFT" golden compare "$case" "$case"
status 0 "$DRIFT" golden compare "$dir/single.npz" "$case"
[ "$(grep -c '^ok .*1.0000000' "$dir/out")" = 3 ] || fail "$(cat "$dir/out")"
status 0 "$DRIFT" golden diagnose "$dir/single.npz" "$case"
grep -q '^right' "$dir/out"
status 1 "$DRIFT" golden compare "$dir/kept.npz" "$case"
grep -q '^off .*out/V .*\[[0-9],[0-9]\]' "$dir/out" || fail "$(cat "$dir/out")"
status 1 "$DRIFT" golden diagnose "$dir/kept.npz" "$case"
grep -q '^mistake: self not masked$' "$dir/out" || fail "$(cat "$dir/out")"
[ "$(grep -c '^mistake' "$dir/out")" = 1 ] || fail "$(cat "$dir/out")"
status 1 "$DRIFT" golden diagnose "$dir/both.npz" "$case" --json
tr -d ' \n' < "$dir/out" | grep -q '"mistakes":\[\["selfnotmasked","signoftherepulsion"\]\]' || fail "$(cat "$dir/out")"
# the authors' own numbers, and a mistake that a case cannot show
golden=tests/golden/drift_joint/joint_log_plain.safetensors
status 0 "$DRIFT" golden diagnose "$golden" "$golden"
grep -q 'floor missing; this one does: drift golden generate drift_joint' "$dir/out" || fail "$(cat "$dir/out")"
status 0 "$DRIFT" golden compare "$golden" "$golden" --json
grep -q '"cosine": 1.0' "$dir/out" || fail "$(cat "$dir/out")"
# two that this case cannot tell apart
"$DRIFT" golden generate drift_joint --config '{"floor": 1e-12, "tau": 0.1}' --out "$dir/floor.safetensors"
"$DRIFT" golden generate drift_joint --config '{"tau": 0.1}' --out "$dir/none.npz"
status 1 "$DRIFT" golden diagnose "$dir/none.npz" "$dir/floor.safetensors"
grep -q 'cannot tell them apart' "$dir/out" || fail "$(cat "$dir/out")"
command=$(sed -n 's/^this case tells the first two apart: drift //p' "$dir/out" | sed "s|CASE|$dir/apart|")
eval "\"\$DRIFT\" $command"
"$DRIFT" golden generate drift_joint --config '{"tau": 0.03}' --out "$dir/none.npz"
status 1 "$DRIFT" golden diagnose "$dir/none.npz" "$dir/apart.safetensors"
grep -q '^mistake: floor missing$' "$dir/out" || fail "$(cat "$dir/out")"

# bad input
status 2 "$DRIFT" golden compare "$dir/nothing.npz" "$case"
status 2 "$DRIFT" golden compare "$case" "$dir/nothing.safetensors"
status 2 "$DRIFT" golden compare "$case"
echo 'V = 1, 2, 3' > "$dir/text.npz"
cp "$dir/text.npz" "$dir/text.safetensors"
cp "$dir/text.npz" "$dir/text.txt"
for end in npz safetensors txt; do
    status 2 "$DRIFT" golden compare "$dir/text.$end" "$case"
    grep -q "text.$end" "$dir/err" || fail "$(cat "$dir/err")"
    status 2 "$DRIFT" golden diagnose "$dir/text.$end" "$case"
done
status 2 "$DRIFT" golden compare "$dir/single.npz" "$dir/text.safetensors"
"$DRIFT" golden generate dit_rope --out "$dir/rope.npz"
status 2 "$DRIFT" golden compare "$dir/rope.npz" "$case"
grep -q 'expected a tensor named' "$dir/err" || fail "$(cat "$dir/err")"
"$DRIFT" golden generate drift_exact --config '{"shape": {"generated": 6}}' --out "$dir/other.npz"
status 2 "$DRIFT" golden compare "$dir/other.npz" "$case"
grep -q 'expected \[7,3\]' "$dir/err" || fail "$(cat "$dir/err")"
# NaN: the last eight bytes of out/V's data in the first of the file's tensors, doubles
cp "$case" "$dir/nan.safetensors"
size=$(od -An -tu8 -N8 "$case" | tr -d ' ')
printf '\377\377\377\377\377\377\377\177' | dd of="$dir/nan.safetensors" bs=1 seek=$((8 + size)) conv=notrunc 2> /dev/null
status 2 "$DRIFT" golden compare "$dir/nan.safetensors" "$case"
grep -q 'is NaN' "$dir/err" || fail "$(cat "$dir/err")"
status 2 "$DRIFT" golden diagnose "$dir/nan.safetensors" "$case"
# and in the case itself, whoever reads it
for how in "verify" "compare $case" "diagnose $case"; do
    status 2 "$DRIFT" golden $how "$dir/nan.safetensors"
    grep -q 'nan.safetensors: .*element .* is NaN' "$dir/err" || fail "$how: $(cat "$dir/err")"
done
# an input that is missing, or has another shape
sed 's/"in\/pos"/"in\/sop"/' "$case" > "$dir/missing.safetensors"
for how in "verify" "diagnose $case"; do
    status 2 "$DRIFT" golden $how "$dir/missing.safetensors"
    grep -qE '^drift: [^ ]*missing.safetensors: expected a tensor named in/pos$' "$dir/err" || fail "$how: $(cat "$dir/err")"
done
sed 's/\("in\/pos":{[^}]*"shape":\)\[9,3\]/\1[3,9]/' "$case" > "$dir/shape.safetensors"
! cmp -s "$case" "$dir/shape.safetensors" || fail "no in/pos of [9,3] in $case"
for how in "verify" "diagnose $case"; do
    status 2 "$DRIFT" golden $how "$dir/shape.safetensors"
done
status 2 "$DRIFT" golden diagnose tests/golden/artifact/gen_latent.safetensors tests/golden/artifact/gen_latent.safetensors
# an .npy is the result of its shape; --partial
printf '0,0\n1,0\n' > "$dir/points.csv"
"$DRIFT" toy "$dir/points.csv" --steps 1 --batch 4 --set train.eval_samples=16 --set "model.hidden_size=[4]" --out "$dir/run" \
    > /dev/null 2>&1
"$DRIFT" sample "$dir/run/model.safetensors" --n 5 --out "$dir/x.npy"
"$DRIFT" golden generate drift_exact --config '{"shape": {"generated": 5, "dim": 2}}' --out "$dir/five.safetensors"
status 1 "$DRIFT" golden compare "$dir/x.npy" "$dir/five.safetensors" # of out/V and grad/gen it is the former
grep -q '^off .*out/V' "$dir/out" || fail "$(cat "$dir/out")"
status 1 "$DRIFT" golden diagnose "$dir/x.npy" "$dir/five.safetensors"
grep -q '^unknown' "$dir/out" || fail "$(cat "$dir/out")"
status 2 "$DRIFT" golden compare "$dir/x.npy" "$case"

# the page
sed -n 's/^MISTAKE([A-Z_]*, "\([^"]*\)", "\([^"]*\)".*/| \1 | \2 |/p' src/golden/mistakes.def > "$dir/mistakes"
[ "$(wc -l < "$dir/mistakes")" -ge 30 ] || fail "few mistakes"
while read -r row; do
    grep -qF "$row" docs/golden.md || fail "docs/golden.md: no row $row"
done < "$dir/mistakes"
for kind in $("$DRIFT" golden list | sed 's/ .*//'); do
    grep -q "\`$kind\`" docs/golden.md || fail "docs/golden.md: no $kind"
done
python=${PYTHON:-python3}
if "$python" -c 'import numpy' 2> /dev/null; then
    cp "$dir/single.npz" "$dir/case.npz"
    sed -n '/^```python/,/^```/p' docs/golden.md | grep -v '^```' > "$dir/port.py"
    (cd "$dir" && "$python" port.py)
    status 0 "$DRIFT" golden compare "$dir/mine.npz" "$case"
    sed -i 's/^own = .*/own = np.zeros((len(x), len(x)))/' "$dir/port.py"
    (cd "$dir" && "$python" port.py)
    status 1 "$DRIFT" golden diagnose "$dir/mine.npz" "$case"
    grep -q '^mistake: self not masked$' "$dir/out" || fail "$(cat "$dir/out")"
    echo "REPORT the Python of docs/golden.md runs"
else
    echo "REPORT the Python of docs/golden.md was not run: no NumPy here"
fi
