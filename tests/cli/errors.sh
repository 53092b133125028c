#!/bin/sh
# What is wrong is said in one line, with exit status 2 (1 where a run did not stay finite).
set -eu
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
says() { # STATUS TEXT ARGUMENTS...
    expected=$1 text=$2 status=0
    shift 2
    "$DRIFT" "$@" > "$dir/stdout" 2> "$dir/stderr" || status=$?
    if [ $status != "$expected" ] || ! grep -qF -- "$text" "$dir/stderr" || [ "$(grep -c '^drift: ' "$dir/stderr")" != 1 ]; then
        echo "drift $*: status $status instead of $expected, or not \"$text\":"
        cat "$dir/stderr"
        exit 1
    fi
}
small="--steps 3 --batch 16 --set model.hidden_size=[8] --set train.eval_samples=20"

says 2 'did you mean "toy"?' tyo
says 2 'usage: drift toy NAME|FILE' toy
says 2 'did you mean --steps?' toy checkerboard --step 3
says 2 '--out needs a value' toy checkerboard --out
says 2 '--resume takes no value' toy checkerboard --resume=yes
says 2 '--steps: train.total_steps: expected a number, not "many"' toy checkerboard --steps many
says 2 '--n: expected a whole number, not "3.5"' sample x --n 3.5
says 2 '--n: 0 is not within 1 .. 1000000000' sample x --n 0
says 2 'one argument too many' toy checkerboard swiss_roll
says 2 'did you mean checkerboard?' toy chekerboard --out "$dir/out"
says 2 '--field: train.loss_kwargs.form: expected exact|joint|normalized' toy checkerboard --field jiont
says 2 'did you mean train.total_steps?' toy checkerboard --set train.total_step=3
says 2 'expected key=value' toy checkerboard --set train.total_steps

printf 'train:\n  seed: 1\n  totl_steps: 2\n' > "$dir/key.yaml"
says 2 'key.yaml:3: unknown key train.totl_steps; did you mean train.total_steps?' train "$dir/key.yaml"
printf 'train:\n  seed: one\n' > "$dir/type.yaml"
says 2 'type.yaml:2: train.seed: expected a number, not "one"' train "$dir/type.yaml"
printf 'train: {seed: 1\n' > "$dir/broken.yaml"
says 2 'broken.yaml' train "$dir/broken.yaml"
says 2 "$dir/missing.yaml" train "$dir/missing.yaml"
says 2 "$dir/missing.npy" toy "$dir/missing.npy"
says 2 "$dir/missing.safetensors" sample "$dir/missing.safetensors"
says 2 'key.yaml' sample "$dir/key.yaml"
says 2 'ends with .png, .npy, .npz or .csv' sample x --out a.jpg
says 2 'ends with .npy or .npz' field --x x.npy --pos p.npy --out v.csv

for recipe in data/recipes/authors/latent_*.yaml; do
    says 2 'not supported yet' train "$recipe" --out "$dir/authors"
done
for recipe in data/recipes/authors/pixel_*.yaml; do
    says 2 'no data set is named: --data NAME|FILE' train "$recipe" --out "$dir/authors"
done
[ ! -e "$dir/authors" ]
printf 'dataset: {name: digits, resolution: 28}\nmodel: {depth: 1, input_size: 8}\n' > "$dir/side.yaml"
says 2 'dataset.resolution: 28, but digits has images of 8 x 8' train "$dir/side.yaml" --out "$dir/authors"

# impossible sizes and classes name file and key, checkpoints of another model file and key or byte; and the run in the
# folder stays as it is
tiny="--set train.total_steps=1 --set train.eval_samples=16 --set model.depth=1 --set train.train_batch_size=2"
# shellcheck disable=SC2086
"$DRIFT" train digits-dit $tiny --out "$dir/dit" > /dev/null 2>&1
kept=$(cat "$dir"/dit/* | cksum)
while IFS='|' read -r from to text; do
    sed "s/$from/$to/" data/recipes/digits-dit.yaml > "$dir/impossible.yaml"
    says 2 "$text" train "$dir/impossible.yaml" --out "$dir/dit"
    says 2 "impossible.yaml" train "$dir/impossible.yaml" --out "$dir/dit"
done << 'END'
patch_size: 2|patch_size: 3|model: patch_size 3 does not divide input_size 8
num_heads: 4|num_heads: 5|model: num_heads 5 does not divide hidden_size 64
num_heads: 4|num_heads: 64|use_rope needs an even width of a head, not 1
input_size: 8|input_size: 16|model.input_size: 16, but samples are 8 x 8
out_channels: 1|out_channels: 3|model.out_channels: 3, but samples have 1
hidden_size: 64|hidden_size: [64, 64]|model.hidden_size: a dit has one width, not 2
depth: 4|depth: 65|model: depth 65: expected 1 to 64
name: digits$|name: digits\n  num_classes: 11|class 10 of dataset.num_classes 11 has no sample
name: digits$|name: digits\n  num_classes: 9|digits has a sample of class 9
name: digits$|name: checkerboard|model.input_size: 8, but samples are 1 x 1
cfg_min: 1.0|cfg_min: 0.5|impossible.yaml:42: train.forward_dict.cfg_min: 0.5 is not within 1
cfg_min: 1.0|cfg_min: one|impossible.yaml:42: train.forward_dict.cfg_min: expected a number
R_list: .*|R_list: []|train.loss_kwargs.R_list: expected 1 to 8 temperatures
train_batch_size: 16|train_batch_size: 200|128 is less than the 200 of train.train_batch_size
END
# shellcheck disable=SC2086
says 2 'checkpoint.safetensors: the checkpoint was made with model.hidden_size = [64], not [32]' train digits-dit $tiny \
    --set model.hidden_size=32 --out "$dir/dit" --resume
model=$dir/dit/model.safetensors released=tests/golden/artifact/gen_latent/params_ema
# shellcheck disable=SC2086
says 2 'train.init_from: tests/golden/artifact/gen_latent: has Embed_0/embedding [7,16] where' train digits-dit $tiny \
    --set train.init_from=tests/golden/artifact/gen_latent --out "$dir/dit"
# shellcheck disable=SC2086
says 2 'digits-dit: train.init_from: nowhere: No such file' train digits-dit $tiny --set train.init_from=nowhere \
    --out "$dir/nothing" --resume
[ ! -e "$dir/nothing" ]
says 2 "10 is not a class of $model: expected 0 .. 9" sample "$model" --class 10 --out "$dir/dit/samples.npy"
mkdir "$dir/released" "$dir/cut"
cp $released/metadata.json "$dir/released"
for bytes in 0 1 5 100 20000 200000; do
    head -c $bytes $released/ema_params.msgpack > "$dir/released/ema_params.msgpack"
    for command in sample info "eval --data digits"; do
        # shellcheck disable=SC2086
        says 2 "$dir/released/ema_params.msgpack: byte " ${command%% *} "$dir/released" $(echo "$command" | cut -s -d' ' -f2-)
    done
    head -c $bytes "$dir/dit/checkpoint.safetensors" > "$dir/cut/checkpoint.safetensors"
    # shellcheck disable=SC2086
    says 2 "$dir/cut/checkpoint.safetensors: " train digits-dit $tiny --out "$dir/cut" --resume
done
# a map that claims 2^32 - 1 entries, an array that claims 2^30 numbers
printf '\337\377\377\377\377' > "$dir/released/ema_params.msgpack"
says 2 'ema_params.msgpack: byte ' sample "$dir/released"
printf '\201\241a\307\024\001\223\221\316\100\000\000\000\247float32\304\004abcd' > "$dir/released/ema_params.msgpack"
says 2 'ema_params.msgpack: byte ' sample "$dir/released"
[ "$kept" = "$(cat "$dir"/dit/* | cksum)" ] || { echo "a refused command changed $dir/dit"; exit 1; }
[ "$(ls "$dir/cut")" = checkpoint.safetensors ] || { echo "a refused command left files"; exit 1; }

touch "$dir/file"
# shellcheck disable=SC2086
says 2 "$dir/file" toy checkerboard $small --out "$dir/file"
# shellcheck disable=SC2086
"$DRIFT" toy checkerboard $small --out "$dir/run" > /dev/null 2>&1
before=$(cksum < "$dir/run/model.safetensors")
# shellcheck disable=SC2086
says 1 ': the loss is not finite' toy checkerboard $small --learning-rate 10 --set optimizer.adam_eps=0 \
    --set optimizer.name=adamw --set optimizer.weight_decay=10 --set model.activation=relu --steps 200 \
    --set train.save_per_step=1 --out "$dir/wild"
"$DRIFT" sample "$dir/wild/model.safetensors" --n 100 --ema none | grep -q nan && { echo "no good checkpoint is kept"; exit 1; }
if [ -w /dev/full ]; then
    says 2 'No space left' sample "$dir/run/model.safetensors" --n 100000 --out /dev/full
    for command in help --version info "sample $dir/run/model.safetensors"; do
        # shellcheck disable=SC2086
        "$DRIFT" $command > /dev/full 2> "$dir/stderr" && got=0 || got=$?
        [ $got = 2 ] || { echo "drift $command on a full disk: status $got"; exit 1; }
    done
fi
[ "$before" = "$(cksum < "$dir/run/model.safetensors")" ]
