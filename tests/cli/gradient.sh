#!/bin/sh
# drift gradient: every quotient comes near its gradient but that of the target let go; the drawing; what is refused.
. tests/support/cli.sh

for seed in 0 1 2; do
    status 0 "$DRIFT" gradient --seed $seed --out "$dir/gradient.svg"
    [ "$(grep -c '^1e-' "$dir/out")" = 12 ] || fail "not 12 steps: $(cat "$dir/out")"
    # the last column, quotients of a loss whose target moves, stays off; the others fall with h^2
    awk '/^1e-/ { if (!($NF > 0.1)) bad = 1 } /^1e-04/ { for (i = 2; i < NF; i++) if (!($i < 1e-7)) bad = 1 } END { exit bad }' \
        "$dir/out" || fail "seed $seed: $(cat "$dir/out")"
done
[ "$(grep -o '<path class="curve c' "$dir/gradient.svg" | wc -l)" = 6 ] || fail "not six curves"
grep -q '</svg>$' "$dir/gradient.svg" || fail "gradient.svg is cut off"
status 2 "$DRIFT" gradient --out "$dir/gradient.png"
status 2 "$DRIFT" gradient softmax
status 2 "$DRIFT" gradient --out "$dir/none/gradient.svg"
