#!/bin/sh
# Sample i depends on model, seed, temperature and i alone.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "$*"
    exit 1
}
"$DRIFT" toy checkerboard --steps 3 --batch 32 --set "model.hidden_size=[32,16]" --set train.eval_samples=50 \
    --set "train.ema_decay=[0.5,0.9]" --out "$dir/run" > /dev/null 2>&1
model=$dir/run/model.safetensors

"$DRIFT" sample "$model" --n 1300 --seed 5 > "$dir/many"
"$DRIFT" sample "$model" --n 7 --seed=5 | cmp - "$(head -n 7 "$dir/many" > "$dir/head" && echo "$dir/head")"
[ "$(sort -u "$dir/many" | wc -l)" = 1300 ] || fail "samples repeat"
OMP_NUM_THREADS=3 DRIFT_ISA=c "$DRIFT" sample "$model" --n 1300 --seed 5 | cmp - "$dir/many"
for option in "--seed 6" "--temperature 0.5" "--ema none" "--ema 0.9"; do
    # shellcheck disable=SC2086
    "$DRIFT" sample "$model" --n 1300 --seed 5 $option > "$dir/other"
    cmp -s "$dir/other" "$dir/many" && fail "$option changes nothing"
done
"$DRIFT" sample "$model" --n 1300 --seed 5 --ema 0.5 | cmp - "$dir/many" || fail "the first mean is not the default"
for ending in npy npz png csv; do
    "$DRIFT" sample "$model" --n 9 --out "$dir/a.$ending" && [ -s "$dir/a.$ending" ] || fail "no a.$ending"
done
"$DRIFT" sample "$model" --ema 0.7 2> "$dir/err" && fail "an unknown decay is taken"
grep -q 'there is none, 0.5, 0.9' "$dir/err" || fail "$(cat "$dir/err")"
