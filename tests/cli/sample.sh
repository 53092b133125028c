#!/bin/sh
# Sample i depends on model, seed, temperature and i alone.
. tests/support/cli.sh
"$DRIFT" toy checkerboard --steps 3 --batch 32 --set "model.hidden_size=[32,16]" --set train.eval_samples=50 \
    --set "train.ema_decay=[0.5,0.9]" --out "$dir/run" > /dev/null 2>&1
model=$dir/run/model.safetensors

"$DRIFT" sample "$model" --n 1300 --seed 5 > "$dir/many"
"$DRIFT" sample "$model" --n 7 --seed=5 | cmp - "$(head -n 7 "$dir/many" > "$dir/head" && echo "$dir/head")"
[ "$(sort -u "$dir/many" | wc -l)" = 1300 ] || fail "samples repeat"
OMP_NUM_THREADS=3 DRIFT_ISA=c "$DRIFT" sample "$model" --n 1300 --seed 5 | cmp - "$dir/many"
for option in "--seed 6" "--temperature 0.5" "--ema none" "--ema 0.9"; do
    # shellcheck disable=SC2086
    "$DRIFT" sample "$model" --n 1300 --seed 5 $option > "$dir/other"
    cmp -s "$dir/other" "$dir/many" && fail "$option changes nothing"
done
"$DRIFT" sample "$model" --n 1300 --seed 5 --ema 0.5 | cmp - "$dir/many" || fail "the first mean is not the default"
# a run's folder is its model
for model_of in sample "eval --data checkerboard --n 50" info; do
    command=${model_of%% *} options=${model_of#"$command"}
    # shellcheck disable=SC2086
    "$DRIFT" $command "$model" $options | grep -v "$dir" > "$dir/file"
    # shellcheck disable=SC2086
    "$DRIFT" $command "$dir/run" $options | grep -v "$dir" | cmp - "$dir/file" || fail "drift $command: a run's folder is not its model"
done
# standard output may be a file with something in it already
{ echo before && "$DRIFT" sample "$model" --n 7 --seed 5 && echo after; } > "$dir/shared"
sed '1d;$d' "$dir/shared" | cmp - "$dir/head" && [ "$(sed -n '1p;$p' "$dir/shared" | tr '\n' ' ')" = "before after " ] ||
    fail "what stood in the file is gone: $(cat "$dir/shared")"
"$DRIFT" sample "$model" --n 7 --seed 5 >> "$dir/shared"
[ "$(wc -l < "$dir/shared")" = 16 ] || fail "not appended: $(cat "$dir/shared")"
for ending in npy npz png csv; do
    "$DRIFT" sample "$model" --n 9 --out "$dir/a.$ending" && [ -s "$dir/a.$ending" ] || fail "no a.$ending"
done
"$DRIFT" sample "$model" --ema 0.7 2> "$dir/err" && fail "an unknown decay is taken"
grep -q 'there is none, 0.5, 0.9' "$dir/err" || fail "$(cat "$dir/err")"

# by class and guidance scale: sample i has the class whose turn it is, and all scales have the same noise
"$DRIFT" train digits-dit --set train.total_steps=3 --set train.eval_samples=16 --set model.depth=1 --set train.cfg_list=1 \
    --set optimizer.lr_schedule.warmup_steps=0 --out "$dir/dit" > /dev/null 2>&1
model=$dir/dit/model.safetensors
"$DRIFT" sample "$model" --n 20 > "$dir/all"
"$DRIFT" sample "$model" --n 20 --class all --cfg 1 | cmp - "$dir/all" || fail "classes are not in order"
"$DRIFT" sample "$model" --n 15 --class 4 | sed -n '5p;15p' > "$dir/four"
sed -n '5p;15p' "$dir/all" | cmp - "$dir/four" || fail "--class 4 is not class 4"
"$DRIFT" sample "$model" --n 4 --class 7,1 | sed -n 2p > "$dir/one"
sed -n 2p "$dir/all" | cmp - "$dir/one" || fail "--class 7,1 does not alternate"
"$DRIFT" sample "$model" --n 20 --cfg 3 > "$dir/three"
cmp -s "$dir/three" "$dir/all" && fail "--cfg changes nothing"
"$DRIFT" sample "$model" --n 20 --cfg 1,3 > "$dir/both"
cat "$dir/all" "$dir/three" | cmp - "$dir/both" || fail "--cfg 1,3 is not --cfg 1, then --cfg 3"
[ "$("$DRIFT" sample "$model" --class 0,1,2 | wc -l)" = 66 ] || fail "not as many of each class as make 64"
for options in "--class all" "--class all --cfg 1,2" "--class 3"; do
    # shellcheck disable=SC2086
    "$DRIFT" sample "$model" $options --out "$dir/a.png" && [ -s "$dir/a.png" ] || fail "no picture with $options"
done
# labels go with the samples: a model trained on them knows as many classes
"$DRIFT" sample "$model" --n 80 --class 0,1,2,3,4 --out "$dir/a.npz"
"$DRIFT" train digits-dit --data "$dir/a.npz" --set train.total_steps=1 --set train.eval_samples=16 --set model.depth=1 --set train.cfg_list=1 \
    --set dataset.batch_size=32 --out "$dir/again" > "$dir/log" 2>&1 || fail "$(cat "$dir/log")"
refuses() { # TEXT ARGUMENTS...
    text=$1
    shift
    refused "$text" "$DRIFT" sample "$@"
}

# between two samples: the ends are these samples, in the first one's class where none is asked for
"$DRIFT" sample "$model" --n 20 --class 6 > "$dir/six"
"$DRIFT" sample "$model" --interpolate 4,13,5 --class 6 > "$dir/way"
[ "$(wc -l < "$dir/way")" = 5 ] && [ "$(sort -u "$dir/way" | wc -l)" = 5 ] || fail "not five steps"
sed -n '5p;14p' "$dir/six" > "$dir/ends"
sed -n '1p;5p' "$dir/way" | cmp - "$dir/ends" || fail "the ends are not samples 4 and 13"
OMP_NUM_THREADS=3 DRIFT_ISA=c "$DRIFT" sample "$model" --interpolate 4,13,5 --class 6 | cmp - "$dir/way"
"$DRIFT" sample "$model" --interpolate 4,13 | sed -n 1p > "$dir/one"
sed -n 5p "$dir/all" | cmp - "$dir/one" || fail "the class is not that of sample 4"
"$DRIFT" sample "$model" --interpolate 2,9,5 --interpolate 4,13,5 --class 1,6 --cfg 3,1 > "$dir/rows"
[ "$(wc -l < "$dir/rows")" = 40 ] && tail -n 5 "$dir/rows" | cmp - "$dir/way" || fail "rows are not pairs, classes, scales"
"$DRIFT" sample "$model" --interpolate 2,9 --class 1,6 --cfg 3,1 --out "$dir/way.png" && [ -s "$dir/way.png" ]
"$DRIFT" sample "$dir/run/model.safetensors" --interpolate 0,1 --out "$dir/points.png" && [ -s "$dir/points.png" ]

# the nearest of what was trained on: of one's own samples they are themselves, the last fifth left out as in training
"$DRIFT" sample "$model" --n 20 --out "$dir/own.npz"
"$DRIFT" sample "$model" --n 20 --nearest "$dir/own.npz" --out "$dir/near.csv"
awk -F, 'NF != 66 || ($66 == 0) != (NR <= 16) || (NR <= 16 && $65 != NR - 1) { exit 1 }' "$dir/near.csv" || fail "$(cut -d, -f65- "$dir/near.csv")"
cut -d, -f1-64 "$dir/near.csv" | cmp - "$dir/all" || fail "--nearest changes samples"
for options in "--class all" "--cfg 1,2" "--class 3 --n 5" "--interpolate 1,2"; do
    # shellcheck disable=SC2086
    "$DRIFT" sample "$model" $options --nearest digits --out "$dir/near.png" > "$dir/log"
    grep -q 'nearest of 1437 rows of digits: mean .* least ' "$dir/log" && [ -s "$dir/near.png" ] || fail "$(cat "$dir/log")"
done
"$DRIFT" sample "$model" --n 3 --nearest digits --out "$dir/near.npz" > "$dir/log"
grep -q distance.npy "$dir/near.npz" && grep -q nearest.npy "$dir/near.npz" || fail "no distances in the npz"

refuses "--interpolate: 1 steps are not within 2 .. 1000" "$model" --interpolate 1,2,1
refuses 'not "1;2"' "$model" --interpolate '1;2'
refuses 'not "1"' "$model" --interpolate 1
refuses 'not "-1,2"' "$model" --interpolate=-1,2
refuses 'not "1,2,"' "$model" --interpolate 1,2,
refuses 'not "1,2,3,4"' "$model" --interpolate 1,2,3,4
refuses "3 steps, but 10 in another" "$model" --interpolate 1,2 --interpolate 1,2,3
refuses "--n: --interpolate" "$model" --interpolate 1,2 --n 3
refuses "--nearest: checkerboard is endless" "$model" --nearest checkerboard
refuses "--nearest: tests/data/points.csv has 2 numbers" "$model" --nearest tests/data/points.csv
refuses "--nearest: $dir/none.npz" "$model" --nearest "$dir/none.npz"
refuses "makes points" "$dir/run/model.safetensors" --nearest tests/data/points.csv --out "$dir/no.png"
[ ! -e "$dir/no.png" ] || fail "a picture all the same"
refuses "5 is not a class of $dir/again/model.safetensors: expected 0 .. 4" "$dir/again/model.safetensors" --class 5
refuses "10 is not a class" "$model" --class 3,10
refuses '"3;4"' "$model" --class '3;4'
refuses '"3,"' "$model" --class 3,
refuses "--cfg: -1 is not within" "$model" --cfg 1,-1
refuses "without classes" "$dir/run/model.safetensors" --class 0
refuses "nothing to guide" "$dir/run/model.safetensors" --cfg 2
