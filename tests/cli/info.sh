#!/bin/sh
# drift info: what runs here; and a model's parameters and FLOP, of recipes, model files and released models.
. tests/support/cli.sh
info() { "$DRIFT" info "$@" > "$dir/out" 2> "$dir/err" || fail "info $*: $(cat "$dir/err")"; }
number() { sed -n "s/^  \"$1\": \([0-9.e+]*\),*$/\1/p" "$dir/out"; }

info
grep -q '^isa ' "$dir/out" || fail "$(cat "$dir/out")"
info --json
grep -q '"packages"' "$dir/out" || fail "$(cat "$dir/out")"

# the paper's sizes: 133 M and 463 M; and the FLOP of B/2's products by hand, to which norms and the like add little
authors=data/recipes/authors
info $authors/latent_sota_L.yaml
grep -q '^parameters 462909456 in 433 arrays' "$dir/out" || fail "$(head -5 "$dir/out")"
info $authors/latent_sota_B.yaml --json
[ "$(number parameters)" = 132708880 ] || fail "$(head -9 "$dir/out")"
awk -v flop="$(number forward_flop)" 'BEGIN {
    h = 768; inner = 2048; tokens = 256 + 16
    block = 2 * tokens * h * (4 * h + 3 * inner) + 4 * tokens * tokens * h + 12 * h * h
    products = 12 * block + 4 * 256 * 16 * h + 2 * h * (256 + 4 * h)
    exit !(flop > products && flop < 1.01 * products)
}' || fail "FLOP of B/2: $(number forward_flop)"

# every branch is the sum of what is below it, down to the arrays' shapes
sums() {
    awk 'function close_down_to(depth) {
        for (; deepest > depth; deepest--)
            if (sum[deepest] != want[deepest]) wrong = "before line " NR ": " sum[deepest] " of " want[deepest]
    }
    /^parameters / { want[0] = $2 }
    NR > 5 {
        match($0, /[^ ]/); depth = (RSTART - 1) / 2
        close_down_to(depth)
        sum[depth] += $NF
        if (NF == 2) { deepest = depth + 1; want[deepest] = $NF; sum[deepest] = 0; next }
        gsub(/[][]/, "", $2); n = split($2, size, ","); product = 1
        for (i = 1; i <= n; i++) product *= size[i]
        if (product != $NF) wrong = "line " NR ": the shape has " product " numbers"
    }
    END { close_down_to(-1); if (wrong) print wrong; exit wrong != "" }' "$dir/out"
}
golden=tests/golden/artifact
for model in digits checkerboard rings-guided $authors/pixel_sota_B.yaml $authors/latent_640.yaml $golden/gen_latent $golden/mae_latent; do
    info $model
    sums || fail "$model"
done
grep -q "^encoder    mae, images of 32 x 32 x 4" "$dir/out" || fail "$(head -5 "$dir/out")"

# one's own models, what drift convert makes of released ones, the hub's layout
"$DRIFT" train digits-dit --set train.total_steps=1 --set train.eval_samples=16 --set model.depth=1 --out "$dir/run" > /dev/null 2>&1
info "$dir/run/model.safetensors"
sed 1d "$dir/out" > "$dir/own"
sed 's/^  depth: .*/  depth: 1/' data/recipes/digits-dit.yaml > "$dir/recipe.yaml"
info "$dir/recipe.yaml"
sed 1d "$dir/out" | cmp - "$dir/own" || fail "a recipe is not its model"
for model in gen_latent mae_latent; do
    info $golden/$model
    sed 1d "$dir/out" > "$dir/own"
    "$DRIFT" convert $golden/$model "$dir/$model.safetensors" > /dev/null
    info "$dir/$model.safetensors"
    sed 1d "$dir/out" | cmp - "$dir/own" || fail "$model converted is another"
done
mkdir -p "$dir/hub/models/mae/jax"
cp -R $golden/mae_latent/params_ema "$dir/hub/models/mae/jax/small"
HF_ROOT=$dir/hub info hf://small
sed 1d "$dir/out" | cmp - "$dir/own" || fail "hf:// is another"

refused 'No such file' "$DRIFT" info "$dir/none"
refused 'No such file' "$DRIFT" info "$dir/none.safetensors"
refused 'not a model of drift' "$DRIFT" info tests/data/small.safetensors
refused 'no safetensors file' "$DRIFT" info tests/data/scalar.npy
refused 'unknown key model.dept; did you mean model.depth?' "$DRIFT" info "$(sed 's/depth/dept/' data/recipes/digits-dit.yaml > "$dir/bad.yaml" && echo "$dir/bad.yaml")"
# settings that the arrays do not have, and arrays that the settings do not have
cp -R $golden/gen_latent/params_ema "$dir/other"
chmod u+w "$dir"/other/*
sed -i 's/"depth": [0-9]*/"depth": 50/' "$dir/other/metadata.json"
refused 'blocks_' "$DRIFT" info "$dir/other"
sed -i 's/"depth": [0-9]*/"depth": 1/' "$dir/other/metadata.json"
info "$dir/other"
grep -q 'note: .* arrays that the model does not have, such as .*blocks_' "$dir/err" || fail "$(cat "$dir/err")"
