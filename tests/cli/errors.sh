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

for recipe in data/recipes/authors/latent_*.yaml; do
    says 2 'not supported yet' train "$recipe" --out "$dir/authors"
done
for recipe in data/recipes/authors/pixel_*.yaml; do
    says 2 'no data set is named: --data NAME|FILE' train "$recipe" --out "$dir/authors"
done
[ ! -e "$dir/authors" ]
printf 'dataset: {name: digits, resolution: 28}\nmodel: {depth: 1, input_size: 8}\n' > "$dir/side.yaml"
says 2 'dataset.resolution: 28, but digits has images of 8 x 8' train "$dir/side.yaml" --out "$dir/authors"

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
fi
[ "$before" = "$(cksum < "$dir/run/model.safetensors")" ]
