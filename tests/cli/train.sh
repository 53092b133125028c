#!/bin/sh
# One result: a run killed three times and resumed, on 1, 2 or 3 threads, on every ISA of this machine, ends with the same
# bytes as one that was left alone. And the log comes out right.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
steps=${STEPS:-60}
set -- toy checkerboard --steps "$steps" --batch 128 --set "model.hidden_size=[48,32]" --set train.save_per_step=7 \
    --set train.eval_per_step=20 --set train.eval_samples=200 --set "train.ema_decay=[0.9,0.99]"
fail() {
    echo "$*"
    exit 1
}
same() { # NAME
    cmp "$dir/plain/model.safetensors" "$dir/$1/model.safetensors" || fail "$1: another model"
    cmp "$dir/plain/log.csv" "$dir/$1/log.csv" || fail "$1: another log"
}

"$DRIFT" "$@" --out "$dir/plain" > /dev/null 2> "$dir/err" || fail "$(cat "$dir/err")"
for file in recipe.yaml log.csv report.json report.html evolution.png samples.png samples.npy model.safetensors; do
    [ -s "$dir/plain/$file" ] || fail "not written: $file"
done
[ "$(wc -l < "$dir/plain/log.csv")" = $((steps + 1)) ] || fail "log.csv has not a row per step"

# kill -9 while the log grows; each time at a later step
for at in 10 25 40; do
    resume=$([ -e "$dir/killed" ] && echo --resume || true)
    "$DRIFT" "$@" --steps 100000 --out "$dir/killed" $resume > /dev/null 2>&1 &
    pid=$!
    tries=0
    while [ "$(cat "$dir/killed/log.csv" 2> /dev/null | wc -l)" -le $at ]; do
        tries=$((tries + 1))
        [ $tries -lt 1000 ] || fail "no step $at after 10 s"
        sleep 0.01
    done
    kill -9 $pid
    wait $pid 2> /dev/null || true
    [ -e "$dir/killed/report.json" ] && fail "not killed in time"
done
reached=$(($(wc -l < "$dir/killed/log.csv") - 1))
if [ $reached -lt "$steps" ]; then
    "$DRIFT" "$@" --out "$dir/killed" --resume > /dev/null 2> "$dir/err" || fail "$(cat "$dir/err")"
    grep -q 'going on at step' "$dir/err" || fail "did not resume"
    same killed
    echo "REPORT killed three times (last beyond step $reached of $steps) and resumed: same model, same log"
fi

for threads in 1 2 3; do
    OMP_NUM_THREADS=$threads "$DRIFT" "$@" --out "$dir/threads$threads" > /dev/null 2>&1
    same threads$threads
done
for isa in c avx2 avx512 neon; do
    if DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1; then
        DRIFT_ISA=$isa "$DRIFT" "$@" --out "$dir/$isa" > /dev/null 2>&1
        same $isa
        echo "REPORT DRIFT_ISA=$isa: same model, same log"
    fi
done

# older checkpoints: multiples for good, and the latest few; one of them put in place is gone on from
"$DRIFT" "$@" --set train.keep_every=14 --set train.keep_last=2 --out "$dir/kept" > /dev/null 2>&1
cmp "$dir/plain/log.csv" "$dir/kept/log.csv" || fail "keeping checkpoints changes the run"
kept=$(cd "$dir/kept" && echo checkpoint-*.safetensors)
[ "$steps" != 60 ] || [ "$kept" = "$(printf 'checkpoint-%s.safetensors ' 14 28 42 56 60 | sed 's/ $//')" ] || fail "kept: $kept"
cp "$dir/kept/checkpoint-14.safetensors" "$dir/kept/checkpoint.safetensors"
"$DRIFT" "$@" --set train.keep_every=14 --out "$dir/kept" --resume > /dev/null 2> "$dir/err"
grep -q 'going on at step 14' "$dir/err" || fail "did not go on from a kept checkpoint"
cmp "$dir/plain/log.csv" "$dir/kept/log.csv" || fail "another log from a kept checkpoint"

# Ctrl-C finishes the step, saves, says how to go on
"$DRIFT" "$@" --steps 100000 --out "$dir/stopped" > /dev/null 2> "$dir/err" &
pid=$!
while [ ! -s "$dir/stopped/log.csv" ]; do sleep 0.01; done
kill -TERM $pid
status=0
wait $pid || status=$?
[ $status = 130 ] || fail "stopped: status $status, not 130"
grep -q 'to go on: drift toy checkerboard.* --resume' "$dir/err" || fail "does not say how to resume: $(cat "$dir/err")"
"$DRIFT" sample "$dir/stopped/model.safetensors" --n 2 > /dev/null || fail "nothing saved"

# a resumed run needs the same settings; a longer one is allowed
"$DRIFT" "$@" --out "$dir/plain" --resume --seed 1 > /dev/null 2> "$dir/err" && fail "resumed with another seed"
grep -q 'train.seed = 0, not 1' "$dir/err" || fail "$(cat "$dir/err")"
"$DRIFT" "$@" --steps $((steps + 5)) --out "$dir/plain" --resume > /dev/null 2>&1
[ "$(wc -l < "$dir/plain/log.csv")" = $((steps + 6)) ] || fail "not trained further"
