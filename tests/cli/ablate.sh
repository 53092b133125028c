#!/bin/sh
# plain build
# Tables of ablations: a table that was killed twice and gone on with ends with the same bytes, finished runs stay, rows that
# differ in the guidance scale alone share their runs, and what is wrong is said in one line.
. tests/support/cli.sh
refuses() { # TEXT ARGUMENTS...
    text=$1
    shift
    refused "$text" "$DRIFT" ablate "$@" --out "$dir/x"
}

cat > "$dir/points.yaml" << 'TABLE'
name: Two fields
about: "a \"small\" table | of < points"
recipe: checkerboard
set:
  train: {total_steps: 60, save_per_step: 7, eval_per_step: 60, eval_samples: 60}
  model.hidden_size: [16, 16]
  train.pos_per_sample: 64
  train.forward_dict.gen_per_label: 64
seeds: [0, 3]
figures: [energy_distance2, one_nn_accuracy]
rows:
- {name: "1 : 1", set: {}, paper: 8.46}
- {name: repulsion & none, set: {train.loss_kwargs.repulsion: 0}}
- {name: normalized, set: {train: {loss_kwargs: {form: normalized, R_list: [0.02, 0.05]}}}}
TABLE
table() { # OUT OPTIONS...
    out=$1
    shift
    "$DRIFT" ablate "$dir/points.yaml" --out "$dir/$out" "$@" > "$dir/log" 2>&1
}
same() { # OUT: but for the command, whose --out differs
    cmp "$dir/plain/table.csv" "$dir/$1/table.csv" || fail "$1: another table.csv"
    for file in table.md table.html; do
        sed "s|$dir/$1|$dir/plain|" "$dir/$1/$file" | cmp - "$dir/plain/$file" || fail "$1: another $file"
    done
    cmp "$dir/plain/normalized/seed-3/model.safetensors" "$dir/$1/normalized/seed-3/model.safetensors" || fail "$1: another model"
}
table plain || fail "$(cat "$dir/log")"
grep -q '5/6, repulsion & none, seed 3: step' "$dir/log" || fail "no progress: $(cat "$dir/log")"
[ "$(wc -l < "$dir/plain/table.csv")" = 7 ] || fail "$(cat "$dir/plain/table.csv")"
grep -q '^"1 : 1",energy_distance2,2,' "$dir/plain/table.csv" || fail "$(cat "$dir/plain/table.csv")"
grep -q '^| repulsion & none | .* ± .* (.*) |' "$dir/plain/table.md" || fail "$(cat "$dir/plain/table.md")"
grep -q 'repulsion &amp; none' "$dir/plain/table.html" || fail "names are not escaped"
[ "$(grep -o 'data:image/png' "$dir/plain/table.html" | wc -l)" = 3 ] || fail "not a grid for each row"
grep -q 'https*:\|url(' "$dir/plain/table.html" && fail "the page needs a network"
# mean, spread and difference, from the runs' figures
awk -F, '$2 == "energy_distance2" {
    mean = ($10 + $11) / 2; error = ($10 - $11) / 2; error = error < 0 ? -error : error
    if (!(($4 - mean) ^ 2 <= 1e-14 && ($5 - error) ^ 2 <= 1e-14)) exit 1
    if (NR == 2) { first = mean; spread = error }
    else if (!(($7 - (mean - first) / sqrt(error ^ 2 + spread ^ 2)) ^ 2 <= 1e-6)) exit 1
}' "$dir/plain/table.csv" || fail "$(cat "$dir/plain/table.csv")"

# finished: nothing is trained again
before=$(ls -l --time-style=full-iso "$dir"/plain/*/seed-*/model.safetensors)
table plain || fail "$(cat "$dir/log")"
grep -q 'step' "$dir/log" && fail "trained again: $(cat "$dir/log")"
[ "$before" = "$(ls -l --time-style=full-iso "$dir"/plain/*/seed-*/model.safetensors)" ] || fail "written again"

# kill -9 in the first and in a later run, then to the end
for row in 1-1 normalized; do
    "$DRIFT" ablate "$dir/points.yaml" --out "$dir/killed" > /dev/null 2>&1 &
    pid=$! tries=0
    while [ "$(cat "$dir/killed/$row/seed-0/log.csv" 2> /dev/null | wc -l)" -le 10 ]; do
        tries=$((tries + 1))
        [ $tries -lt 3000 ] || fail "no step of $row after 30 s"
        sleep 0.01
    done
    kill -9 $pid
    wait $pid 2> /dev/null || true
done
[ -e "$dir/killed/normalized/seed-3" ] && fail "not killed in time"
table killed || fail "$(cat "$dir/log")"
grep -q 'normalized, seed 0: step [0-9]' "$dir/log" || fail "no progress: $(cat "$dir/log")"
grep -q 'normalized, seed 0: step [1-7]/60' "$dir/log" && fail "a broken run began anew"
same killed

# Ctrl-C saves and says how to go on; a longer table goes on from what is there
status=0
"$DRIFT" ablate "$dir/points.yaml" --out "$dir/stopped" --set train.total_steps=100000 > /dev/null 2> "$dir/log" &
pid=$!
while [ ! -s "$dir/stopped/1-1/seed-0/log.csv" ]; do sleep 0.01; done
kill -TERM $pid
wait $pid || status=$?
[ $status = 130 ] || fail "stopped: status $status"
grep -q "to go on: drift ablate $dir/points.yaml" "$dir/log" || fail "$(cat "$dir/log")"
[ -e "$dir/stopped/1-1/seed-0/checkpoint.safetensors" ] || fail "nothing saved"
status=0
table plain --set train.pos_per_sample=65 || status=$?
[ $status = 2 ] && grep -q 'made with train.pos_per_sample = 64, not 65' "$dir/log" || fail "$status: $(cat "$dir/log")"

# an encoder trained first, classes, a classifier that judges, and two scales of the same runs
cat > "$dir/mae.yaml" << 'RECIPE'
dataset: {name: digits, batch_size: 12}
model: {base_channels: 6, in_channels: 1, patch_size: 2, layers: [1, 1, 1, 1]}
train: {total_steps: 3, eval_samples: 20}
RECIPE
cat > "$dir/digits.yaml" << TABLE
name: Features
recipe: digits-dit
set: {model: {depth: 1, hidden_size: 16, cond_dim: 8}, dataset.batch_size: 20, train.push_per_step: 20,
      optimizer.lr_schedule.warmup_steps: 0,
      train: {total_steps: 3, eval_samples: 20, train_batch_size: 2, pos_per_sample: 3, neg_per_sample: 2, ema_decay: 0.9,
      cfg_list: 1, forward_dict.gen_per_label: 3}}
figures: [frechet_distance, class_accuracy, energy_distance2]
encoders:
- {name: random, recipe: $dir/mae.yaml, set: {train.total_steps: 0}}
- {name: trained, recipe: $dir/mae.yaml}
rows:
- {name: pixels}
- {name: pixels at 3, cfg: 3}
- {name: random features, encoder: random}
- {name: features, encoder: trained, set: {train.activation_kwargs.every_k_block: 1}}
TABLE
"$DRIFT" ablate "$dir/digits.yaml" --out "$dir/digits" --set model.base_channels=5 --set model.depth=2 > "$dir/log" 2>&1 || fail "$(cat "$dir/log")"
grep -q 'base_channels: 5' "$dir/digits/encoders/trained/recipe.yaml" && grep -q 'depth: 2' "$dir/digits/features/seed-0/recipe.yaml" ||
    fail "--set is not for the model that has the key"
grep -q '^"features",frechet_distance,1,[0-9]' "$dir/digits/table.csv" || fail "$(cat "$dir/digits/table.csv")"
[ -e "$dir/digits/pixels-at-3/seed-0/model.safetensors" ] && fail "trained twice"
[ -s "$dir/digits/pixels-at-3/seed-0/grid.png" ] || fail "no grid of its own"
frechet() { grep -m1 frechet "$dir/digits/$1/seed-0/figures.json"; }
[ "$(frechet pixels)" != "$(frechet pixels-at-3)" ] || fail "the scale does nothing"
for file in "$dir"/digits/encoders/random "$dir"/digits/encoders/trained; do
    [ -s "$file/params_ema/metadata.json" ] || fail "no encoder $file"
done
# the figures are those that the run's report has, and drift eval
energy=$(sed -n 's/^  "energy_distance2": \(.*\),/\1/p' "$dir/digits/features/seed-0/report.json")
"$DRIFT" ablate "$dir/digits.yaml" --out "$dir/digits" --set model.base_channels=5 --set model.depth=2 > "$dir/log" 2>&1 || fail "$(cat "$dir/log")"
grep -qF "\"features\",energy_distance2,1,$energy," "$dir/digits/table.csv" || fail "energy distance2 $energy: $(cat "$dir/digits/table.csv")"
frechet=$("$DRIFT" eval "$dir/digits/pixels/seed-0/model.safetensors" --data digits --n 20 --classifier --json 2> /dev/null | grep -o '"frechet_distance": [0-9.]*' | tail -n 1)
grep -qF "${frechet#*: }" "$dir/digits/table.csv" || fail "$frechet: $(cat "$dir/digits/table.csv")"
grep -q 'step' "$dir/log" && fail "trained again: $(cat "$dir/log")"

# what is wrong
edit() { # SED
    sed "$1" "$dir/points.yaml" > "$dir/bad.yaml"
}
refuses 'ablations/anti-symetry.yaml: not found' anti-symetry
edit 's/^recipe:/recpie:/'
refuses 'bad.yaml:3: recpie: unknown key; did you mean recipe?' "$dir/bad.yaml"
edit 's/paper: 8.46/papre: 8.46/'
refuses 'bad.yaml:12: rows[0].papre: unknown key; did you mean paper?' "$dir/bad.yaml"
edit 's/one_nn_accuracy/one_n_accuracy/'
refuses 'unknown figure one_n_accuracy; did you mean one_nn_accuracy?' "$dir/bad.yaml"
edit 's/loss_kwargs.repulsion/loss_kwargs.repulsoin/'
refuses 'row repulsion & none: ' "$dir/bad.yaml"
grep -q 'bad.yaml:13: unknown key train.loss_kwargs.repulsoin; did you mean train.loss_kwargs.repulsion?' "$dir/log" || fail "$(cat "$dir/log")"
edit 's/seeds: .*/seeds: [0, 0]/'
refuses 'seeds: 0 stands there twice' "$dir/bad.yaml"
edit 's/seeds: .*/seeds: [1.5]/'
refuses 'expected whole numbers' "$dir/bad.yaml"
edit 's/name: normalized/name: "1:1"/'
refuses 'the folder of 1:1 would be that of 1 : 1' "$dir/bad.yaml"
edit 's/name: normalized/name: ".."/'
refuses 'expected a name that begins with a letter or digit' "$dir/bad.yaml"
edit 's/name: normalized/encoder: mae, name: n/'
refuses 'unknown encoder mae' "$dir/bad.yaml"
edit 's/name: normalized, set: {/name: n, set: {train.seed: 4, /'
refuses 'in a row' "$dir/bad.yaml"
edit '/^- /d; s/^rows:/rows: []/'
refuses 'expected rows' "$dir/bad.yaml"
refuses '--seeds: 2 stands there twice' "$dir/points.yaml" --seeds 2,2
refuses '--set: unknown key train.totl_steps' "$dir/points.yaml" --set train.totl_steps=3
refuses '--set model.depth=3: no model of the table has this key' "$dir/points.yaml" --set model.depth=3
printf '{' > "$dir/plain/1-1/seed-0/figures.json"
status=0
table plain || status=$?
[ $status = 2 ] && grep -q 'seed-0/figures.json:1: ' "$dir/log" || fail "$status: $(cat "$dir/log")"
[ ! -e "$dir/x" ] || [ -z "$(ls "$dir/x")" ] || fail "something was written: $(ls "$dir/x")"
echo "REPORT a table killed twice and gone on with ends with the same bytes"
