#!/bin/sh
# Golden values on every ISA that runs natively; that an error of twice the bound is seen and of half is not; bad files.
. tests/support/cli.sh

for isa in ref c avx2 avx512 neon; do
    DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1 || continue
    DRIFT_ISA=$isa "$DRIFT" golden verify tests/golden > "$dir/out" || { grep -v '^ok' "$dir/out"; exit 1; }
    echo "REPORT golden values, $isa: $(tail -n 1 "$dir/out")"
done

case=tests/golden/drift_normalized/normalized_plain.safetensors
mkdir "$dir/cases"
status 2 "$DRIFT" golden verify "$dir/none.safetensors"
status 2 "$DRIFT" golden verify "$dir/cases"
status 2 "$DRIFT" golden check "$case"
sed 's/"drift_normalized"/"drift_normalises"/' "$case" > "$dir/cases/kind.safetensors"
status 0 "$DRIFT" golden verify "$dir/cases"
grep -q 'unknown .*drift_normalises' "$dir/out"
head -c 100 "$case" > "$dir/cases/cut.safetensors"
status 2 "$DRIFT" golden verify "$dir/cases" # the other file is still looked at
grep -q 'unknown .*drift_normalises' "$dir/out"

# a recipe is a pair of files; a .yaml or .json alone is no case
cp tests/golden/recipe/recipe_generator.yaml "$dir/cases/a.yaml"
rm "$dir"/cases/*.safetensors
status 2 "$DRIFT" golden verify "$dir/cases"
sed 's/"cond_dim": 64/"cond_dim": 65/' tests/golden/recipe/recipe_generator.json > "$dir/cases/a.json"
status 1 "$DRIFT" golden verify "$dir/cases"
grep -q 'off .*a.yaml: model.cond_dim' "$dir/out"
cp tests/golden/recipe/recipe_generator.json "$dir/cases/a.json"
status 0 "$DRIFT" golden verify "$dir/cases/a.json" "$dir/cases"
grep -q '^2 ok' "$dir/out"

# a model's folder is part of its case
cp -R tests/golden/artifact "$dir/models"
status 0 "$DRIFT" golden verify "$dir/models"
grep -q '^ok .*gen_latent.safetensors' "$dir/out"
sed -i 's/"step": 43667/"step": 43668/' "$dir/models/gen_latent/params_ema/metadata.json"
status 1 "$DRIFT" golden verify "$dir/models/gen_latent.safetensors"
grep -q 'off .*metadata.json' "$dir/out"
rm "$dir/models/gen_latent/params_ema/ema_params.msgpack"
status 2 "$DRIFT" golden verify "$dir/models/gen_latent.safetensors"

# drift field: every form runs, and equal sets do not drift
printf '0,0\n1,0\n' > "$dir/points.csv"
"$DRIFT" toy "$dir/points.csv" --steps 1 --batch 4 --set train.eval_samples=16 --set "model.hidden_size=[4]" --out "$dir/run" \
    > /dev/null 2>&1
"$DRIFT" sample "$dir/run/model.safetensors" --n 5 --out "$dir/x.npy"
"$DRIFT" sample "$dir/run/model.safetensors" --n 5 --seed 1 --out "$dir/p.npy"
for form in exact joint normalized; do
    status 0 "$DRIFT" field --x "$dir/x.npy" --pos "$dir/p.npy" --form $form --out "$dir/v.npy"
    grep -q '^loss ' "$dir/out"
    [ "$(wc -c < "$dir/v.npy")" = $((128 + 5 * 2 * 4)) ] || { echo "v.npy is not [5,2] float32"; exit 1; }
done
status 0 "$DRIFT" field --x "$dir/x.npy" --pos "$dir/x.npy" --form exact --self kept --out "$dir/v.npy"
grep -qE '^loss +(0|[0-9.]+e-1[0-9])$' "$dir/out" || { echo "equal sets drift:"; cat "$dir/out"; exit 1; }
status 2 "$DRIFT" field --x "$case" --pos "$case" --out "$dir/v.npy"
status 2 "$DRIFT" field --x "$case"
# images are rows of their numbers: the field of [5,2,1,2] is that of [5,4], in the images' shape
npy() { # SHAPE NUMBERS...: small whole numbers as bytes
    shape=$1
    shift
    printf '\223NUMPY\001\000\166\000%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': ($shape), }"
    for number; do printf "\\$(printf %03o "$number")"; done
}
numbers="1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 21"
for shape in 5,4 5,2,1,2; do
    npy $shape $numbers > "$dir/x.npy"
    npy $shape 1 1 2 3 5 8 9 4 3 5 1 3 2 4 6 8 6 4 2 1 > "$dir/p.npy"
    status 0 "$DRIFT" field --x "$dir/x.npy" --pos "$dir/p.npy" --tau 5 --out "$dir/v$shape.npy"
    grep -aq "'shape': ($(echo $shape | sed 's/,/, */g'))" "$dir/v$shape.npy" || { echo "not of shape $shape"; exit 1; }
    tail -c 80 "$dir/v$shape.npy" > "$dir/numbers$shape"
done
cmp "$dir/numbers5,4" "$dir/numbers5,2,1,2" || exit 1
[ "$(tr -d '\000' < "$dir/numbers5,4" | wc -c)" -gt 40 ] || { echo "the field is 0"; exit 1; }
npy 5,1,2,2 $numbers > "$dir/p.npy"
status 2 "$DRIFT" field --x "$dir/x.npy" --pos "$dir/p.npy" --out "$dir/v.npy"
npy 20, $numbers > "$dir/x.npy"
status 2 "$DRIFT" field --x "$dir/x.npy" --pos "$dir/p.npy" --out "$dir/v.npy"
