#!/bin/sh
# drift toy learns, writes a report, and is a recipe like any other.
. tests/support/cli.sh
field() { sed -n "s/^  \"$1\": \([^,]*\),*/\1/p" "$dir/run/report.json"; }

"$DRIFT" toy gaussians8 --steps 150 --batch 256 --set "model.hidden_size=[64,64]" --set train.eval_samples=500 \
    --set "train.ema_decay=[]" --tau 0.1 --out "$dir/run" > /dev/null 2> "$dir/err" || fail "$(cat "$dir/err")"
for key in steps seconds steps_per_second loss loss_ema energy_distance2 energy_distance2_floor sliced_wasserstein \
    one_nn_accuracy; do
    [ -n "$(field $key)" ] || fail "report.json lacks $key"
done
first=$(awk -F, '$8 != "" && NR > 1 { print $8; exit }' "$dir/run/log.csv")
awk "BEGIN { exit !($(field energy_distance2) < 0.25) }" || fail "nothing learnt: $(field energy_distance2), first $first"

# the printed recipe is the run's recipe, and trains to the same model
"$DRIFT" toy gaussians8 --print-recipe > "$dir/a.yaml"
"$DRIFT" train "$dir/a.yaml" --print-recipe | cmp - "$dir/a.yaml" || fail "a printed recipe is not itself"
"$DRIFT" toy gaussians8 --dry-run | grep -E "^(parameters|FLOP) " > "$dir/plan"
"$DRIFT" train "$dir/a.yaml" --dry-run | grep -E "^(parameters|FLOP) " | cmp - "$dir/plan" || fail "drift toy plans another run"
"$DRIFT" train "$dir/run/recipe.yaml" --out "$dir/again" > /dev/null 2>&1
cmp "$dir/run/model.safetensors" "$dir/again/model.safetensors" || fail "recipe.yaml gives another model"
for name in checkerboard swiss_roll; do
    "$DRIFT" toy $name --set "name=" --set dataset.name=x --print-recipe > "$dir/a.yaml"
    "$DRIFT" toy two_moons --set dataset.name=x --print-recipe | cmp - "$dir/a.yaml" || fail "$name is not the demo"
done
"$DRIFT" help toy | grep -q 'drift toy swiss_roll --out roll' || fail "no examples in the help"
