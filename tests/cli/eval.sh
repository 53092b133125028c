#!/bin/sh
# plain build
# drift eval --classifier: judges a model's images by class, the same figures for any number of threads and on every ISA; what
# it refuses.
. tests/support/cli.sh

"$DRIFT" train data/recipes/digits-dit.yaml --set train.total_steps=2 --set train.eval_samples=16 --set model.depth=1 --set train.cfg_list=1 \
    --out "$dir/run" > /dev/null 2>&1
model=$dir/run/model.safetensors
"$DRIFT" eval "$model" --data digits --classifier --cfg 1,2 --json > "$dir/two" 2> /dev/null
OMP_NUM_THREADS=1 "$DRIFT" eval "$model" --data digits --classifier --cfg 1,2 --json > "$dir/one" 2> /dev/null
cmp "$dir/one" "$dir/two"
[ "$(grep -c frechet_distance "$dir/two")" = 3 ] || { echo "expected two rows and the floor"; cat "$dir/two"; exit 1; }
# the classifier knows real digits, and an untrained generator draws none
awk '/"class_accuracy"/ { n++; gsub(/[^0-9.]/, "", $2); value[n] = $2 }
     END { exit !(value[1] > 0.97 && value[2] < 0.6 && value[3] < 0.6) }' "$dir/two" || { cat "$dir/two"; exit 1; }

# every ISA, judged by a classifier of few images
few_images "$dir/few" 40 8
for isa in c avx2 avx512 neon; do
    DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1 || continue
    DRIFT_ISA=$isa "$DRIFT" eval "$model" --data "$dir/few" --classifier --json > "$dir/now" 2> "$dir/err" || {
        cat "$dir/err"
        exit 1
    }
    [ -e "$dir/first" ] || cp "$dir/now" "$dir/first"
    cmp "$dir/first" "$dir/now"
    echo "REPORT judged with DRIFT_ISA=$isa: the same figures"
done

"$DRIFT" sample "$model" --n 40 --out "$dir/unlabelled.npy"
refused labelled "$DRIFT" eval "$model" --data "$dir/unlabelled.npy" --classifier
refused "samples of 64 numbers" "$DRIFT" eval "$model" --data checkerboard --classifier
refused "No such file" "$DRIFT" eval "$dir/none.safetensors" --data digits --classifier
