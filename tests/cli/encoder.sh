#!/bin/sh
# Training of an encoder: same bits for threads, ISA, and after a kill; a generator that is trained in its feature space;
# what is wrong is said in one line.
. tests/support/cli.sh

cat > "$dir/mae.yaml" << 'RECIPE'
dataset: {name: digits, batch_size: 12}
model: {base_channels: 6, in_channels: 1, patch_size: 2, layers: [1, 2, 1, 1]}
optimizer: {lr_schedule: {learning_rate: 4.0e-3, warmup_steps: 2}, weight_decay: 0.01}
train:
  total_steps: 6
  save_per_step: 3
  keep_every: 3
  eval_per_step: 6
  eval_samples: 70
  ema_decay: 0.5
  accumulate: 2
  forward_dict: {mask_ratio_min: 0.4, mask_ratio_max: 0.6}
  finetune_last_steps: 4
  warmup_finetune: 2
  finetune_cls: 0.3
RECIPE
train() { # OUT OPTIONS...
    out=$1
    shift
    "$DRIFT" train "$dir/mae.yaml" --out "$dir/$out" "$@" > "$dir/log" 2>&1 || fail "$out: $(cat "$dir/log")"
}
same() { cmp -s "$dir/one/params_ema/ema_params.msgpack" "$dir/$1/params_ema/ema_params.msgpack" || fail "$1: other parameters"; }

train one
[ "$(wc -l < "$dir/one/log.csv")" = 7 ] || fail "log: $(cat "$dir/one/log.csv")"
cut -d, -f8 "$dir/one/log.csv" | tr '\n' ' ' | grep -q '^lambda_cls 0 0 0 0.15 0.3 0.3 $' || fail "lambda: $(cat "$dir/one/log.csv")"
grep -q '"kind": "mae"' "$dir/one/params_ema/metadata.json"
grep -q '"step": 6' "$dir/one/params_ema/metadata.json"
for file in report.html report.json samples.png recipe.yaml; do
    [ -s "$dir/one/$file" ] || fail "no $file"
done
export OMP_NUM_THREADS=3
train threads
same threads
unset OMP_NUM_THREADS
for isa in c avx2 avx512 neon; do
    DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1 || continue
    DRIFT_ISA=$isa "$DRIFT" train "$dir/mae.yaml" --out "$dir/$isa" > "$dir/log" 2>&1 || fail "$isa: $(cat "$dir/log")"
    same "$isa"
done
# in bfloat16: other parameters, the same on every ISA
train bf16 --set model.use_bf16=true
cmp -s "$dir/one/params_ema/ema_params.msgpack" "$dir/bf16/params_ema/ema_params.msgpack" && fail "use_bf16 does nothing"
DRIFT_ISA=c train bf16-c --set model.use_bf16=true
cmp -s "$dir/bf16/params_ema/ema_params.msgpack" "$dir/bf16-c/params_ema/ema_params.msgpack" || fail "bf16: other bits on c"
# killed after step 3: what is left is its checkpoint
mkdir "$dir/killed"
cp "$dir/one/checkpoint-3.safetensors" "$dir/killed/checkpoint.safetensors"
train killed --resume
same killed
cmp -s "$dir/one/log.csv" "$dir/killed/log.csv" || fail "another log after resuming"
train again --set train.seed=7
cmp -s "$dir/one/params_ema/ema_params.msgpack" "$dir/again/params_ema/ema_params.msgpack" && fail "the seed does nothing"

refused "checkpoint.safetensors: the checkpoint was made with train.seed = 42, not 43" \
    "$DRIFT" train "$dir/mae.yaml" --out "$dir/killed" --resume --set train.seed=43
refused "model.in_channels: 3, but digits has images of 1" \
    "$DRIFT" train "$dir/mae.yaml" --out "$dir/x" --set model.in_channels=3
refused "mask cells of 6 x 6 pixels do not divide images of 8 x 8" \
    "$DRIFT" train "$dir/mae.yaml" --out "$dir/x" --set model.patch_size=3 --set model.input_patch_size=2
refused "train.forward_dict.mask_ratio_max: 1.5 is not within 0 .. 1" \
    "$DRIFT" train "$dir/mae.yaml" --out "$dir/x" --set train.forward_dict.mask_ratio_max=1.5
refused "dataset.num_classes: 7, but digits has 10" \
    "$DRIFT" train "$dir/mae.yaml" --out "$dir/x" --set dataset.num_classes=7
refused "checkerboard: expected a set of images" "$DRIFT" train "$dir/mae.yaml" --out "$dir/x" --data checkerboard
refused "dataset.batch_size: expected the images of a step" \
    "$DRIFT" train "$dir/mae.yaml" --out "$dir/x" --set dataset.batch_size=0
"$DRIFT" train "$dir/mae.yaml" --out "$dir/x" --set optimizer.lr_schedule.learning_rate=10 --set train.max_grad_norm=0 \
    --set optimizer.lr_schedule.warmup_steps=0 --set optimizer.weight_decay=10 --set train.total_steps=400 \
    > "$dir/log" 2>&1 && fail "trained with infinite parameters" || [ $? = 1 ] || fail "status $?"
tail -n 1 "$dir/log" | grep -q '^drift: step [0-9]*: the .* not finite' || fail "$(cat "$dir/log")"

# what --dry-run predicts is what a run takes
"$DRIFT" train digits-mae --dry-run > "$dir/plan"
grep -q '^parameters   3319643$' "$dir/plan" || fail "$(cat "$dir/plan")"
refused "model.in_channels: 1, but tests/data/cifar.bin.gz has images of 3" \
    "$DRIFT" train digits-mae --data tests/data/cifar.bin.gz --dry-run
case $BUILD in
*/*) ;; # a sanitizer takes memory of its own
*)
    "$DRIFT" train digits-mae --set train.total_steps=1 --set train.eval_samples=20 --out "$dir/once" > /dev/null 2> "$dir/err"
    planned=$(sed -n 's/^memory *\([0-9.]*\) MB:.*/\1/p' "$dir/plan") taken=$(sed -n 's/^memory: \([0-9.]*\) MB with.*/\1/p' "$dir/err")
    awk "BEGIN { exit !($taken > 0.8 * $planned && $taken < 1.1 * $planned) }" || fail "planned $planned MB, took $taken MB"
    echo "REPORT digits-mae: $planned MB planned, $taken MB taken"
    ;;
esac

# what it sees, and how well that tells the digits apart
"$DRIFT" features "$dir/one" digits --n 20 --out "$dir/features.npz" > "$dir/log" || fail "features: $(cat "$dir/log")"
grep -q '^layer2_blk2 *16 *12 ' "$dir/log" || fail "features: $(cat "$dir/log")"
grep -q '^global *1 *64 ' "$dir/log"
"$DRIFT" features "$dir/one" digits --n 20 --set train.activation_kwargs.every_k_block=0 > "$dir/log"
grep -q blk "$dir/log" && fail "features: $(cat "$dir/log")"
"$DRIFT" eval "$dir/one" --data digits --encoder --n 400 > "$dir/probe" || fail "eval --encoder"
# pixels tell the digits apart, their size alone (norm_x) does not; "all" is all but the image
awk '$1 == "global" { pixels = $3 > 0.85 && $4 > 0.85 } $1 == "norm_x" { size = $4 > 0.1 && $4 < 0.6 } $1 == "all" { all = $2 }
    NR > 1 && $1 != "global" && $1 != "all" && NF == 4 { sum += $2 }
    END { exit !(pixels && size && all == sum) }' "$dir/probe" || fail "eval --encoder: $(cat "$dir/probe")"
grep -q 'on 360 test images, learnt from 400 training images' "$dir/probe"
"$DRIFT" eval "$dir/one" --data digits --encoder --n 400 --json | grep -q '"test_n": 360'
refused "checkerboard: expected a set of images" "$DRIFT" features "$dir/one" checkerboard
refused "points.csv: has no labelled images" "$DRIFT" eval "$dir/one" --data tests/data/points.csv --encoder
refused "expected images of 4 channels" "$DRIFT" features tests/golden/artifact/mae_latent digits
refused "expected an encoder (kind mae), got a generator" "$DRIFT" features tests/golden/artifact/gen_latent digits
refused "expected one of them" "$DRIFT" eval "$dir/one" --data digits --encoder --classifier
refused "expected a name that ends with .npz" "$DRIFT" features "$dir/one" digits --out "$dir/features.csv"
refused "metadata.json: No such file" "$DRIFT" features "$dir" digits

# a generator in the encoder's feature space
feature() { # OPTIONS...
    "$DRIFT" train digits-dit --out "$dir/feature" --set train.cfg_list=1 --set train.total_steps=2 --set train.eval_samples=20 \
        --set train.train_batch_size=2 --set dataset.batch_size=4 --set train.pos_per_sample=3 --set train.neg_per_sample=2 \
        --set train.forward_dict.gen_per_label=2 --set train.ema_decay=0.9 --set train.cfg_list=1 --set model.hidden_size=16 \
        --set model.depth=1 "$@"
}
feature --set "feature.mae_path=$dir/one" > "$dir/log" 2>&1 || fail "feature space: $(cat "$dir/log")"
refused "feature.mae_path: $dir/none" feature --set "feature.mae_path=$dir/none"
refused "expected images of 4 channels" feature --set feature.mae_path=tests/golden/artifact/mae_latent
refused "expected an encoder (kind mae), got a generator" feature --set feature.mae_path=tests/golden/artifact/gen_latent
head -c 20000 "$dir/one/params_ema/ema_params.msgpack" > "$dir/threads/params_ema/ema_params.msgpack"
refused "ema_params.msgpack" feature --set "feature.mae_path=$dir/threads"

# weights that are damaged: anywhere, or numbers that are none
bytes=$(wc -c < "$dir/one/params_ema/ema_params.msgpack")
for at in 0 1 7 $((bytes * 3 / 5)) $((bytes * 3 / 4)); do # the decoder's come first, and are not read
    { head -c $at "$dir/one/params_ema/ema_params.msgpack" && printf '\377\377\377\377\377\377\377' &&
        tail -c +$((at + 8)) "$dir/one/params_ema/ema_params.msgpack"; } > "$dir/threads/params_ema/ema_params.msgpack"
    [ "$(wc -c < "$dir/threads/params_ema/ema_params.msgpack")" = "$bytes" ]
    refused "$dir/threads/params_ema/ema_params.msgpack" "$DRIFT" features "$dir/threads" digits
done
refused "is not finite" "$DRIFT" eval "$dir/threads" --data digits --encoder
cp "$dir/one/params_ema/ema_params.msgpack" "$dir/threads/params_ema"
sed 's/"in_channels": 1/"in_channels": 2/' "$dir/one/params_ema/metadata.json" > "$dir/threads/params_ema/metadata.json"
refused "encoder/conv1/kernel: expected [3,3,2,6]" "$DRIFT" features "$dir/threads" digits

# a file of CIFAR-10 is so many records, each with a label
head -c 6145 /dev/zero > "$dir/data_batch_1.bin"
refused "data_batch_1.bin: 6145 bytes: expected CIFAR-10's records of 3073 bytes" \
    "$DRIFT" train cifar10-mae --data "$dir/data_batch_1.bin" --out "$dir/y"
: > "$dir/data_batch_1.bin"
refused "data_batch_1.bin: 0 bytes" "$DRIFT" features "$dir/one" "$dir/data_batch_1.bin"
printf '\012' > "$dir/data_batch_1.bin"
head -c 3072 /dev/zero >> "$dir/data_batch_1.bin"
refused "data_batch_1.bin: byte 0: expected a label of 0 to 9, got 10" \
    "$DRIFT" train cifar10-mae --data "$dir/data_batch_1.bin" --out "$dir/y"
for ratio in -0.1 1.0001 nan; do
    refused "train.forward_dict.mask_ratio_min: " \
        "$DRIFT" train "$dir/mae.yaml" --out "$dir/y" --set train.forward_dict.mask_ratio_min=$ratio
done
[ ! -e "$dir/y" ] || fail "something was written: $(ls "$dir/y")"
