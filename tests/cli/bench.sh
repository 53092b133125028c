#!/bin/sh
# drift bench: every benchmark runs, in words and as JSON, and --only leaves the others out.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "$*"
    cat "$dir/out" "$dir/err"
    exit 1
}
bench() {
    "$DRIFT" bench "$@" --seconds 0.001 > "$dir/out" 2> "$dir/err" || fail "bench $*"
}

# benchmark, word, what a chosen figure is called, and one that is not chosen
while IFS=: read -r name word chosen other; do
    bench "$name" --only "$word" --threads 1
    grep -q "$chosen" "$dir/out" || fail "$name: no $chosen"
    ! grep -q "$other" "$dir/out" || fail "$name: $other in spite of --only $word"
    bench "$name" --only "$word" --threads 2 --json
    grep -q '"peak_flops": [0-9.e+]*' "$dir/out" || fail "$name: no peak"
    grep -q 'seconds": [0-9.e-]*' "$dir/out" || fail "$name: no seconds"
    ! grep -q "$other" "$dir/out" || fail "$name: $other in spite of --only $word"
done << 'END'
gemm:2048x2x256: 2048     2   256: 4096
attention:small DiT, 32:small DiT, 32 images:long
rows:soft:softmax:RMSNorm
field:normalized, wide:normalized, wide:joint
encoder:GroupNorm:GroupNorm:MAE
encoder:3x3, stage 4:3x3, stage 4:3x3, stage 1
END
case $BUILD in
*/*) exit 0 ;; # a sanitizer needs minutes for whole models
esac
bench dit --only small --threads 2
grep -q '^small DiT training step *2 ' "$dir/out" || fail "dit"
! grep -q 'DiT-B/2 forward' "$dir/out" || fail "dit: all in spite of --only small"
bench encoder --only "MAE forward" --threads 1
grep -q 'MAE forward, backward to the input' "$dir/out" || fail "encoder"
bench toy --threads 2 --json
grep -q '"gain_over_peak_gain": [0-9.]*' "$dir/out" || fail "toy"
