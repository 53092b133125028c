#!/bin/sh
# Released models: folder to safetensors and back to the byte, where a folder is looked for, and what is refused.
set -eu
dir=$(mktemp -d)
trap 'chmod -R u+w "$dir"; rm -rf "$dir"' EXIT
golden=tests/golden/artifact
latent=$golden/gen_latent/params_ema
convert() { "$DRIFT" convert "$@" > "$dir/stdout" 2> "$dir/stderr" || { echo "convert $*:"; cat "$dir/stderr"; exit 1; }; }
refused() { # TEXT ARGUMENTS...
    text=$1 status=0
    shift
    "$DRIFT" convert "$@" > "$dir/stdout" 2> "$dir/stderr" || status=$?
    if [ $status != 2 ] || ! grep -qF -- "$text" "$dir/stderr" || [ "$(wc -l < "$dir/stderr")" != 1 ]; then
        echo "convert $*: status $status, or not \"$text\":"
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
(export HF_ROOT="$dir/hub" && refused "hf://other: $dir/hub/models/{gen,mae}/jax/other: no such folder" hf://other "$dir/x.safetensors")
(unset HF_ROOT && refused "hf://small: expected \$HF_ROOT" hf://small "$dir/x.safetensors")

# what is refused leaves nothing
refused 'usage: drift convert' "$dir/old"
refused 'not two of a kind' "$dir/old" "$dir/x"
refused 'not two of a kind' "$dir/a.safetensors" "$dir/x.safetensors"
refused "$dir/none: expected a folder with ema_params.msgpack" "$dir/none" "$dir/x.safetensors"
mkdir "$dir/part"
refused "$dir/part/metadata.json: No such file" "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gan", "model_config": {}}' > "$dir/part/metadata.json"
refused 'metadata: kind: expected "gen" or "mae"' "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gen", "kind": "mae"' > "$dir/part/metadata.json"
refused "$dir/part/metadata.json:1: expected a JSON object" "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gen", "model_config": 3}' > "$dir/part/metadata.json"
refused 'metadata: model_config: expected an object' "$dir/part" "$dir/x.safetensors"
echo '{"kind": "gen", "model_config": {}, "ema_decay": "much"}' > "$dir/part/metadata.json"
refused 'metadata: ema_decay: expected a number' "$dir/part" "$dir/x.safetensors"
cp $latent/metadata.json "$dir/part"
refused "$dir/part/ema_params.msgpack: No such file" "$dir/part" "$dir/x.safetensors"
head -c 100000 $latent/ema_params.msgpack > "$dir/part/ema_params.msgpack"
refused "$dir/part/ema_params.msgpack: byte " "$dir/part" "$dir/x.safetensors"
head -c 1000 "$dir/b.safetensors" > "$dir/cut.safetensors"
refused "$dir/cut.safetensors: " "$dir/cut.safetensors" "$dir/x"
refused '__metadata__: expected metadata.json' tests/data/small.safetensors "$dir/x"
touch "$dir/file"
refused "$dir/file: cannot make the folder" "$dir/b.safetensors" "$dir/file"
[ ! -e "$dir/x" ] && [ ! -e "$dir/x.safetensors" ]
