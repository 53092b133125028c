#!/bin/sh
# Released models: folder to safetensors and back to the byte, where a folder is looked for, and what is refused.
set -eu
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
golden=tests/golden/artifact
latent=$golden/gen_latent/params_ema
convert() { "$DRIFT" convert "$@" > "$dir/stdout" 2> "$dir/stderr" || { echo "convert $*:"; cat "$dir/stderr"; exit 1; }; }
refused() { # TEXT COMMAND...
    text=$1 status=0
    shift
    "$DRIFT" "$@" > "$dir/stdout" 2> "$dir/stderr" || status=$?
    if [ $status != 2 ] || ! grep -qF -- "$text" "$dir/stderr" || [ "$(wc -l < "$dir/stderr")" != 1 ]; then
        echo "$*: status $status, or not \"$text\":"
        cat "$dir/stderr"
        exit 1
    fi
}

# every golden folder, chunks and all: both files to the byte, and the safetensors of those again
for model in gen_latent/params_ema gen_pixel_chunked mae_latent/params_ema; do
    convert "$golden/${model%/params_ema}" "$dir/a.safetensors"
    convert "$dir/a.safetensors" "$dir/back"
    cmp "$golden/$model/ema_params.msgpack" "$dir/back/ema_params.msgpack"
    cmp "$golden/$model/metadata.json" "$dir/back/metadata.json"
    convert "$dir/back" "$dir/b.safetensors"
    cmp "$dir/a.safetensors" "$dir/b.safetensors"
    [ ! -s "$dir/stderr" ]
done

# half precision, scalars and {"params": ...}; the older names
mkdir "$dir/old"
cp tests/data/small.msgpack "$dir/old/ema_model.msgpack"
cp $latent/metadata.json "$dir/old/ema_model.metadata.json"
convert "$dir/old" "$dir/a.safetensors"
convert "$dir/a.safetensors" "$dir/back"
cmp tests/data/small.msgpack "$dir/back/ema_params.msgpack"
(printf '\201\246params' && cat tests/data/small.msgpack) > "$dir/old/ema_model.msgpack"
convert "$dir/old" "$dir/a.safetensors"
convert "$dir/a.safetensors" "$dir/back"
cmp "$dir/old/ema_model.msgpack" "$dir/back/ema_params.msgpack"
# keys in another order: the same arrays, and a note
printf '\202\241b\330\001\223\220\247float32\304\004abcd\241a\330\001\223\220\247float32\304\004efgh' > "$dir/old/ema_model.msgpack"
convert "$dir/old" "$dir/a.safetensors"
grep -q 'drift: note: .*ema_model.msgpack has other forms' "$dir/stderr"

# the hub's layout, once and twice
for root in "$dir/hub" "$dir/hub/models/gen/jax/small"; do
    mkdir -p "$root/models/gen/jax/small"
    cp $latent/* "$root/models/gen/jax/small"
done
rm "$dir/hub/models/gen/jax/small/metadata.json" # the inner one counts
mkdir -p "$dir/hub/models/mae/jax/encoder"
cp $golden/mae_latent/params_ema/* "$dir/hub/models/mae/jax/encoder"
HF_ROOT=$dir/hub convert hf://small "$dir/a.safetensors"
HF_ROOT=$dir/hub convert hf://encoder "$dir/a.safetensors"
(export HF_ROOT="$dir/hub" && refused "hf://other: $dir/hub/models/{gen,mae}/jax/other: no such folder" convert hf://other "$dir/x.safetensors")
(unset HF_ROOT && refused "hf://small: expected \$HF_ROOT" convert hf://small "$dir/x.safetensors")

# a released model makes samples, from the folder or the file, with styles and classes in turn
"$DRIFT" sample $golden/gen_latent --n 9 --out "$dir/folder.npy"
convert $golden/gen_latent "$dir/a.safetensors"
"$DRIFT" sample "$dir/a.safetensors" --n 9 --ema 0.999 --out "$dir/file.npy"
cmp "$dir/folder.npy" "$dir/file.npy"
"$DRIFT" sample $golden/gen_pixel_chunked --n 4 --out "$dir/grid.png"
[ -s "$dir/grid.png" ]
for ema in none 0.99; do
    refused "no running mean with decay $ema" sample $golden/gen_latent --ema $ema
done
refused 'decoder of the Stable Diffusion VAE' sample $golden/gen_latent --out "$dir/no.png"
refused 'expected a generator, got an encoder' sample $golden/mae_latent
[ ! -e "$dir/no.png" ]

# one's own model as a released one: the same samples, and a run that starts from it
cat > "$dir/own.yaml" << 'END'
dataset: {name: digits}
model: {depth: 1, input_size: 8, in_channels: 1, out_channels: 1, hidden_size: 16, num_heads: 2, noise_classes: 3}
train: {total_steps: 2, eval_samples: 16, train_batch_size: 2, pos_per_sample: 2, ema_decay: [0.5, 0.9]}
END
"$DRIFT" train "$dir/own.yaml" --out "$dir/own" > /dev/null 2>&1
for ema in 0.5 0.9 none; do
    convert "$dir/own/model.safetensors" "$dir/export" --ema $ema
    "$DRIFT" sample "$dir/own/model.safetensors" --ema $ema --n 9 --out "$dir/file.npy"
    "$DRIFT" sample "$dir/export" --n 9 --out "$dir/folder.npy"
    cmp "$dir/folder.npy" "$dir/file.npy"
done
grep -q '"step": 2' "$dir/export/metadata.json"
"$DRIFT" train "$dir/own.yaml" --set train.total_steps=0 --set "train.init_from=$dir/export" --out "$dir/tuned" > /dev/null 2>&1
"$DRIFT" sample "$dir/tuned/model.safetensors" --n 9 --out "$dir/folder.npy"
cmp "$dir/folder.npy" "$dir/file.npy"
refused "train.init_from: $golden/gen_latent: has " train "$dir/own.yaml" --set train.init_from=$golden/gen_latent --out "$dir/other"

# what is refused leaves nothing
refused 'usage: drift convert' convert "$dir/old"
refused 'not two of a kind' convert "$dir/old" "$dir/x"
refused 'not two of a kind' convert "$dir/a.safetensors" "$dir/x.safetensors"
refused "$dir/none: expected a folder with ema_params.msgpack" convert "$dir/none" "$dir/x.safetensors"
mkdir "$dir/part"
refused "$dir/part/metadata.json: No such file" convert "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gan", "model_config": {}}' > "$dir/part/metadata.json"
refused 'metadata: kind: expected "gen" or "mae"' convert "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gen", "kind": "mae"' > "$dir/part/metadata.json"
refused "$dir/part/metadata.json:1: expected a JSON object" convert "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gen", "model_config": 3}' > "$dir/part/metadata.json"
refused 'metadata: model_config: expected an object' convert "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gen", "model_config": {}, "ema_decay": "much"}' > "$dir/part/metadata.json"
refused 'metadata: ema_decay: expected a number' convert "$dir/part" "$dir/x.safetensors"
cp $latent/metadata.json "$dir/part"
refused "$dir/part/ema_params.msgpack: No such file" convert "$dir/part" "$dir/x.safetensors"
head -c 100000 $latent/ema_params.msgpack > "$dir/part/ema_params.msgpack"
refused "$dir/part/ema_params.msgpack: byte " convert "$dir/part" "$dir/x.safetensors"
head -c 1000 "$dir/b.safetensors" > "$dir/cut.safetensors"
refused "$dir/cut.safetensors: " convert "$dir/cut.safetensors" "$dir/x"
refused 'small.safetensors: not a model of drift' convert tests/data/small.safetensors "$dir/x"
"$DRIFT" toy checkerboard --steps 1 --batch 4 --set train.eval_samples=16 --set "model.hidden_size=[4]" --out "$dir/mlp" > /dev/null 2>&1
refused 'released models are DiTs' convert "$dir/mlp/model.safetensors" "$dir/x"
touch "$dir/file"
refused "$dir/file: cannot make the folder" convert "$dir/b.safetensors" "$dir/file"
[ ! -e "$dir/x" ] && [ ! -e "$dir/x.safetensors" ]
