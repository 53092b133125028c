#!/bin/sh
# plain build
# One result: a run killed three times and resumed, on 1, 2 or 3 threads, on every ISA of this machine, ends with the same
# bytes as one that was left alone; points and an MLP, and digits by class and a DiT, rings of samples and all. And the log
# comes out right.
. tests/support/cli.sh
steps=${STEPS:-60} few=${FEW:-12} # steps of the run that is killed, and of those on every ISA
common="--set train.save_per_step=7 --set train.eval_samples=200"
points="toy checkerboard --batch 128 --set model.hidden_size=[48,32] --set train.ema_decay=[0.9,0.99] --set train.eval_per_step=20 $common"
digits="train digits-dit --set model.hidden_size=16 --set model.cond_dim=12 --set model.depth=1 --set train.train_batch_size=5
    --set train.forward_dict.gen_per_label=6 --set train.pos_per_sample=9 --set train.neg_per_sample=4 --set dataset.batch_size=40
    --set train.push_per_step=50 --set train.positive_bank_size=8 --set train.accumulate=2 --set dataset.mirror=true
    --set train.activation_kwargs.has_scale=true --set train.cfg_list=2 --set train.eval_per_step=45 $common"
same() { # KIND NAME OTHER
    cmp "$dir/$1-$2/model.safetensors" "$dir/$1-$3/model.safetensors" || fail "$1 $3: another model"
    cmp "$dir/$1-$2/log.csv" "$dir/$1-$3/log.csv" || fail "$1 $3: another log"
}

# kill -9 while the log grows; each time at a later step
killed() { # KIND ARGUMENTS...
    kind=$1 out=$dir/$1-killed
    shift
    for at in 10 25 40; do
        resume=$([ -e "$out" ] && echo --resume || true)
        "$DRIFT" "$@" --set train.total_steps=100000 --out "$out" $resume > /dev/null 2>&1 &
        pid=$!
        tries=0
        while [ "$(cat "$out/log.csv" 2> /dev/null | wc -l)" -le $at ]; do
            tries=$((tries + 1))
            [ $tries -lt 3000 ] || fail "no step $at after 30 s"
            sleep 0.01
        done
        kill -9 $pid
        wait $pid 2> /dev/null || true
        [ -e "$out/report.json" ] && fail "not killed in time"
    done
    reached=$(($(wc -l < "$out/log.csv") - 1)) last=$steps plain=plain
    if [ $reached -ge "$steps" ]; then # a fast machine was killed later than that
        last=$((reached + 10)) plain=longer
        "$DRIFT" "$@" --set train.total_steps=$last --out "$dir/$kind-longer" > /dev/null 2>&1
    fi
    "$DRIFT" "$@" --set train.total_steps="$last" --out "$out" --resume > /dev/null 2> "$dir/err" || fail "$(cat "$dir/err")"
    grep -q 'going on at step' "$dir/err" || fail "did not resume"
    same $kind $plain killed
    echo "REPORT $kind: killed three times (last beyond step $reached of $last) and resumed: same model, same log"
}

one_result() { # KIND ARGUMENTS...
    kind=$1
    shift
    "$DRIFT" "$@" --set train.total_steps="$steps" --out "$dir/$kind-plain" > /dev/null 2> "$dir/err" || fail "$(cat "$dir/err")"
    for file in recipe.yaml log.csv report.json report.html curves.svg evolution.png samples.png samples.npy model.safetensors; do
        [ -s "$dir/$kind-plain/$file" ] || fail "$kind: not written: $file"
    done
    [ "$(wc -l < "$dir/$kind-plain/log.csv")" = $((steps + 1)) ] || fail "$kind: log.csv has not a row per step"
    killed "$kind" "$@"
    "$DRIFT" "$@" --set train.total_steps=$few --out "$dir/$kind-plain-few" > /dev/null 2>&1
    for isa in c avx2 avx512 neon; do
        if DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1; then
            for threads in 1 2 3; do
                OMP_NUM_THREADS=$threads DRIFT_ISA=$isa "$DRIFT" "$@" --set train.total_steps=$few \
                    --out "$dir/$kind-$isa-$threads" > /dev/null 2>&1
                same $kind plain-few $isa-$threads
            done
            echo "REPORT $kind: DRIFT_ISA=$isa on 1, 2 and 3 threads: same model, same log"
        fi
    done
}
# shellcheck disable=SC2086
one_result points $points
# shellcheck disable=SC2086
one_result digits $digits

# older checkpoints: multiples for good, and the latest few; one of them put in place is gone on from
# shellcheck disable=SC2086
"$DRIFT" $points --steps "$steps" --set train.keep_every=14 --set train.keep_last=2 --out "$dir/kept" > /dev/null 2>&1
cmp "$dir/points-plain/log.csv" "$dir/kept/log.csv" || fail "keeping checkpoints changes the run"
kept=$(cd "$dir/kept" && echo checkpoint-*.safetensors)
[ "$steps" != 60 ] || [ "$kept" = "$(printf 'checkpoint-%s.safetensors ' 14 28 42 56 60 | sed 's/ $//')" ] || fail "kept: $kept"
cp "$dir/kept/checkpoint-14.safetensors" "$dir/kept/checkpoint.safetensors"
# shellcheck disable=SC2086
"$DRIFT" $points --steps "$steps" --set train.keep_every=14 --out "$dir/kept" --resume > /dev/null 2> "$dir/err"
grep -q 'going on at step 14' "$dir/err" || fail "did not go on from a kept checkpoint"
cmp "$dir/points-plain/log.csv" "$dir/kept/log.csv" || fail "another log from a kept checkpoint"

# Ctrl-C, kill and a terminal that closes finish the step, save, say how to go on
for signal in TERM HUP; do
    [ $signal = TERM ] || ! sh -c 'kill -HUP $$; :' 2> /dev/null || continue # it is ignored here, as under nohup
    # shellcheck disable=SC2086
    "$DRIFT" $points --steps 100000 --out "$dir/stopped-$signal" > /dev/null 2> "$dir/err" &
    pid=$!
    while [ ! -s "$dir/stopped-$signal/log.csv" ]; do sleep 0.01; done
    kill -$signal $pid
    status=0
    wait $pid || status=$?
    [ $status = 130 ] || fail "stopped by $signal: status $status, not 130"
    grep -q 'to go on: drift toy checkerboard.* --resume' "$dir/err" || fail "does not say how to resume: $(cat "$dir/err")"
    "$DRIFT" sample "$dir/stopped-$signal" --n 2 > /dev/null || fail "nothing saved"
done

# a resumed run needs the same settings; a longer one is allowed
# shellcheck disable=SC2086
"$DRIFT" $points --steps "$steps" --out "$dir/points-plain" --resume --seed 1 > /dev/null 2> "$dir/err" && fail "resumed with another seed"
grep -q 'train.seed = 0, not 1' "$dir/err" || fail "$(cat "$dir/err")"
# shellcheck disable=SC2086
"$DRIFT" $points --steps $((steps + 5)) --out "$dir/points-plain" --resume > /dev/null 2>&1
[ "$(wc -l < "$dir/points-plain/log.csv")" = $((steps + 6)) ] || fail "not trained further"

# a finished run looked at again: nothing trained, the same report, guidance and all
# shellcheck disable=SC2086
"$DRIFT" $digits --set train.total_steps=4 --set train.cfg_list=1,3 --set train.eval_samples=30 --out "$dir/guided" > /dev/null 2>&1
cp "$dir/guided/report.json" "$dir/first.json"
cp "$dir/guided/model.safetensors" "$dir/first.safetensors"
rm "$dir/guided/report.json" "$dir/guided/report.html"
# shellcheck disable=SC2086
"$DRIFT" $digits --set train.total_steps=4 --set train.cfg_list=1,3 --set train.eval_samples=30 --out "$dir/guided" --resume > /dev/null 2>&1
cmp "$dir/first.safetensors" "$dir/guided/model.safetensors" || fail "looking again trains"
for json in first guided/report; do
    [ "$(grep -c '"cfg": ' "$dir/$json.json")" = 10 ] || fail "$json: not two means at five scales"
    sed -n '/"judged"/,/"settings"/p' "$dir/$json.json" > "$dir/$json.guidance"
done
cmp "$dir/first.guidance" "$dir/guided/report.guidance" || fail "looking again judges otherwise"
grep -q '"memory_planned": [1-9]' "$dir/first.json" && grep -q '"memory_step": [1-9]' "$dir/first.json" || fail "no memory in report.json"
grep -q '<h2>Guidance</h2>' "$dir/guided/report.html" || fail "no section on guidance"

# what --dry-run predicts is what a run takes
"$DRIFT" train digits-dit --dry-run > "$dir/plan"
grep -q '^parameters   356100$' "$dir/plan" || fail "$(cat "$dir/plan")"
"$DRIFT" train data/recipes/authors/latent_sota_L.yaml --dry-run > "$dir/authors"
grep -q '^parameters   462909456$' "$dir/authors" || fail "$(cat "$dir/authors")"
grep -q '^missing      dataset.use_cache: true' "$dir/authors" || fail "$(cat "$dir/authors")"
case $BUILD in
*/*) ;; # a sanitizer takes memory of its own
*)
    "$DRIFT" train digits-dit --set train.total_steps=1 --set train.eval_samples=20 --set train.cfg_list=1 --out "$dir/once" > /dev/null 2> "$dir/err"
    planned=$(sed -n 's/^memory *\([0-9.]*\) MB:.*/\1/p' "$dir/plan") taken=$(sed -n 's/^memory: \([0-9.]*\) MB with.*/\1/p' "$dir/err")
    awk "BEGIN { exit !($taken > 0.8 * $planned && $taken < 1.1 * $planned) }" || fail "planned $planned MB, took $taken MB"
    echo "REPORT digits-dit: $planned MB planned, $taken MB taken"
    ;;
esac
