#!/bin/sh
# slow
# The x86-64 build holds nothing newer than its baseline outside the ISA files: the whole program runs on a Nehalem.
# And the arm64 build runs, emulated. Both train to the bits of this machine.
set -eu
case $(uname -m) in x86_64) ;; *) exit 0 ;; esac
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

set -- toy checkerboard --steps 3 --batch 64 --set model.hidden_size=[16,16] --set train.eval_samples=100
"$DRIFT" "$@" --out "$dir/native" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
qemu-x86_64 -cpu Nehalem "$DRIFT" "$@" --out "$dir/nehalem" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
qemu-x86_64 -cpu Nehalem "$DRIFT" info | grep -q 'isa  *c' || { echo "Nehalem does not choose c"; exit 1; }
qemu-aarch64 build/arm64/drift "$@" --out "$dir/arm64" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
for other in nehalem arm64; do
    cmp "$dir/native/model.safetensors" "$dir/$other/model.safetensors"
done
echo "REPORT drift toy on Nehalem (qemu) and arm64 (qemu): same model.safetensors as here"
