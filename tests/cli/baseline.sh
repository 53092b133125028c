#!/bin/sh
# slow
# The x86-64 build holds nothing newer than its baseline outside the ISA files: the whole program runs on a Nehalem. And the
# arm64 build runs, emulated. Both find one golden file of each kind right, and both train to the bits of this machine: an MLP
# on points, and with EMULATE=1 (minutes) digits-dit, two steps of eight entries. EMULATE=1 does all of it on an AVX2 too.
case $(uname -m) in x86_64) ;; *) exit 0 ;; esac
. tests/support/cli.sh

qemu-x86_64 -cpu Nehalem "$DRIFT" info | grep -q 'isa  *c' || { echo "Nehalem does not choose c"; exit 1; }

run() { # KIND MACHINE COMMAND...
    out=$dir/$1-$2
    shift 2
    "$@" --out "$out" > "$dir/log" 2>&1 || { cat "$dir/log"; exit 1; }
}
everywhere() { # KIND ARGUMENTS...
    kind=$1
    shift
    run "$kind" native "$DRIFT" "$@"
    run "$kind" nehalem qemu-x86_64 -cpu Nehalem "$DRIFT" "$@"
    run "$kind" arm64 qemu-aarch64 build/arm64/drift "$@"
    [ -z "${EMULATE:-}" ] || run "$kind" avx2 env DRIFT_ISA=avx2 qemu-x86_64 -cpu Haswell "$DRIFT" "$@"
    for other in "$dir/$kind"-*; do
        cmp "$dir/$kind-native/model.safetensors" "$other/model.safetensors"
        cmp "$dir/$kind-native/log.csv" "$other/log.csv"
        echo "REPORT $kind: ${other##*-}: model.safetensors $(sha256sum < "$other/model.safetensors" | cut -c1-16)"
    done
}

# golden values: the smallest file of each kind
small=$(for kind in tests/golden/*/; do ls -S "$kind"*.safetensors "$kind"*.yaml 2> /dev/null | tail -n 1; done)
golden() { # MACHINE PROGRAM...
    machine=$1
    shift
    # shellcheck disable=SC2086
    "$@" golden verify $small > "$dir/log" 2>&1 || { grep -v '^ok' "$dir/log"; exit 1; }
    echo "REPORT golden values, one file a kind: $machine: $(tail -n 1 "$dir/log")"
}
golden nehalem qemu-x86_64 -cpu Nehalem "$DRIFT"
golden arm64 qemu-aarch64 build/arm64/drift
[ -z "${EMULATE:-}" ] || golden avx2 env DRIFT_ISA=avx2 qemu-x86_64 -cpu Haswell "$DRIFT"

everywhere toy toy checkerboard --steps 3 --batch 64 --set model.hidden_size=[16,16] --set train.eval_samples=100

[ -n "${EMULATE:-}" ] || exit 0
# forty digits, so that evaluations are short
few_images "$dir/few" 40 8
everywhere digits-dit train digits-dit --data "$dir/few" --set train.total_steps=2 --set train.train_batch_size=8 \
    --set train.forward_dict.gen_per_label=4 --set train.pos_per_sample=8 --set train.neg_per_sample=4 --set dataset.batch_size=40 \
    --set train.eval_samples=16 --set train.cfg_list=2
