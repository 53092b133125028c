#!/bin/sh
# tools/peers.py beside a program that stands for the peers: figures of both, ratios, gaps, the record.
set -eu
if ! command -v python3 > /dev/null; then
    echo "REPORT tools/peers.py: skipped, no python3"
    exit 0
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() {
    echo "$*"
    cat "$dir/out" "$dir/err"
    exit 1
}
cat > "$dir/fake.py" << 'END'
import argparse, json, sys
parser = argparse.ArgumentParser()
for name in ("task", "framework", "threads", "seconds"):
    parser.add_argument("--" + name)
parser.add_argument("--json", action="store_true")
args = parser.parse_args()
if args.framework == "jax":
    sys.exit("no such framework")
row = dict(min_s=100 if args.framework == "torch" else 200, flops=2e9)
print(json.dumps(dict(row, peak_rss_mib=300) if args.task == "startup" else row))
END
peers() {
    python3 tools/peers.py "$@" --drift "$DRIFT" --seconds 0.001 > "$dir/out" 2> "$dir/err"
}

tasks=toy_field,startup,softmax,gemm_2048x2x256
peers "$dir/fake.py" --tasks $tasks --frameworks libdrift,torch,jax,torch-compile --rounds 1 --threads 1,2 --record "$dir/record" || fail "status"
[ "$(grep -c '^| [a-z]' "$dir/out")" = 9 ] || fail "expected a title and 8 rows" # 4 tasks, 2 numbers of threads
grep -q '^| task | threads | libdrift ms | torch | torch-compile | blis | best / ours | of peak |' "$dir/out" || fail "title"
grep -q '^| toy_field | 2 | [0-9.e+-]* ± [0-9.e+-]* | 1e+05 | 2e+05 |  | [0-9]*\.[0-9][0-9] | [0-9]*\.[0-9][0-9] |' "$dir/out" || fail "row"
grep -q '^| gemm_2048x2x256 | 1 | [^|]* | 1e+05 | 2e+05 | [0-9.]* | [0-9.]* |' "$dir/out" || fail "BLIS"
grep -q '^startup, 1 threads, MiB: libdrift [0-9.]*, torch 300.0' "$dir/out" || fail "memory"
grep -q 'fake.py --task softmax --framework jax .*: no such framework' "$dir/err" || fail "what failed"
[ "$(wc -l < "$dir/record")" = $((8 * 3 + 2)) ] || fail "record"

# the ratio is of the record's medians
cp "$dir/out" "$dir/first"
peers --record "$dir/record" || fail "status"
cmp "$dir/out" "$dir/first" || fail "the same record, another table"
printf '%s\n' '{"task": "softmax", "threads": 1, "who": "libdrift", "min_s": 2}' \
    '{"task": "softmax", "threads": 1, "who": "libdrift", "min_s": 4}' '{"task": "softmax", "threads": 1, "who": "libdrift", "min_s": 3}' \
    '{"task": "softmax", "threads": 1, "who": "jax", "min_s": 6}' '{"task": "softmax", "threads": 1, "who": "torch", "min_s": 7.5}' > "$dir/made"
peers --record "$dir/made" || fail "status"
grep -q '^| softmax | 1 | 3000 ± 1e+03 | 6000 | 7500 | 2.00 |  |' "$dir/out" || fail "medians and ratio"

if peers "$dir/fake.py" --tasks nothing; then fail "an unknown task"; fi
grep -q 'no such task' "$dir/err" || fail "an unknown task"
if peers; then fail "nothing to do"; fi
