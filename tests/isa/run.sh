#!/bin/sh
# Runs the kernel checks on every ISA, natively where this machine has it, else in an emulator, and compares the hashes of
# all results with those of c. One line per ISA says how it ran. Then: is the right ISA chosen on older machines?
#   EMULATE=1       emulate even what runs natively          SKIP_ISA="avx512 neon"   leave out by name
# An ISA that runs nowhere is a failure. The emulated set is small; the full one is tests/unit/kernels.c.
set -u
BUILD=${BUILD:-build}
kernels=$BUILD/static/kernels arm=build/arm64/static/kernels out=$BUILD/isa
here=$(dirname "$0") machine=$(uname -m) failed=0
mkdir -p "$out"

skipped() { case " ${SKIP_ISA:-} " in *" $1 "*) echo "REPORT $1: not at all (SKIP_ISA)" ;; *) false ;; esac; }
native() { [ -z "${EMULATE:-}" ] && grep -qw "$1" /proc/cpuinfo; }
fail() {
    echo "FAIL $*"
    failed=1
}

# The kernel for Bochs: 27 MB, fetched once.
linux() {
    [ -s "$out/linux" ] && return
    package=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/.*Depends: //p' | head -1)
    (cd "$out" && rm -rf linux-image-*.deb kernel && apt-get download "$package" && dpkg -x linux-image-*.deb kernel) > "$out/linux.log" 2>&1 &&
        cp "$out"/kernel/boot/vmlinuz-* "$out/linux" && rm -rf "$out"/linux-image-*.deb "$out/kernel"
}

# NAME HOW COMMAND...: runs the small set of the ISA; all but ref must print the hashes that c prints.
check() {
    name=$1 how=$2 start=$(date +%s)
    shift 2
    "$@" > "$out/$name.txt" 2> "$out/$name.log"
    status=$?
    took=$(($(date +%s) - start))
    if [ $status != 0 ]; then
        fail "$name: $how, status $status"
        tail -n 20 "$out/$name.txt" "$out/$name.log"
    elif [ "$name" != ref ] && ! cmp "$out/c.txt" "$out/$name.txt"; then
        fail "$name: $how, other bits than c"
        diff "$out/c.txt" "$out/$name.txt" | head -n 20
    else
        echo "REPORT $name: $how, $took s, $(wc -l < "$out/$name.txt") kernels"
    fi
}

set="--emulated --hash"
check c native "$kernels" --isa c $set
[ -s "$out/c.txt" ] || fail "c: no hashes"
check ref native "$kernels" --isa ref $set
if [ "$machine" = x86_64 ]; then
    check c-nehalem "emulated (qemu, no AVX)" qemu-x86_64 -cpu Nehalem "$kernels" $set
    skipped avx2 ||
        if native avx2; then check avx2 native "$kernels" --isa avx2 $set
        else # qemu reads all of a masked load, hardware only what the mask asks for
            check avx2 "emulated (qemu, guard bands only)" qemu-x86_64 -cpu Haswell "$kernels" --isa avx2 --no-pages $set
        fi
    skipped avx512 ||
        if native avx512dq; then check avx512 native "$kernels" --isa avx512 $set
        elif linux; then check avx512 "emulated (bochs)" env VMLINUZ="$out/linux" sh "$here/bochs.sh" "$kernels" -- --isa avx512 $set
        else fail "avx512: not at all; no kernel for bochs, see $out/linux.log"; fi
    skipped neon || check neon "emulated (qemu)" qemu-aarch64 "$arm" --isa neon $set
else
    skipped neon || check neon native "$kernels" --isa neon $set
    for isa in avx2 avx512; do
        skipped $isa || fail "$isa: not at all (this machine is $machine; SKIP_ISA=$isa leaves it out)"
    done
fi

# Dispatch: what a CPU gets, and that asking for what it lacks is an error (exit 2, and a line that says so).
chosen() { # CPU WANTED
    found=$(qemu-x86_64 -cpu "$1" "$kernels" --which 2> /dev/null)
    [ "$found" = "$2" ] || fail "on $1: chose '$found' instead of '$2'"
}
missing() { # ISA COMMAND...
    isa=$1
    shift
    DRIFT_ISA=$isa "$@" > "$out/missing.txt" 2>&1
    status=$?
    [ $status = 2 ] && grep -q "DRIFT_ISA=$isa" "$out/missing.txt" || fail "DRIFT_ISA=$isa $*: status $status, $(cat "$out/missing.txt")"
}
if [ "$machine" = x86_64 ]; then
    chosen Nehalem "c: ref c"
    chosen SandyBridge "c: ref c"
    chosen Haswell "avx2: ref c avx2"
    missing avx2 qemu-x86_64 -cpu SandyBridge "$kernels" --which
    missing avx512 qemu-x86_64 -cpu Haswell "$kernels" --which
    missing neon "$kernels" --which
    [ -e "$BUILD/drift" ] && missing neon "$BUILD/drift" info
fi
missing sse9 "$kernels" --which
[ "$(DRIFT_ISA=c "$kernels" --which | cut -d: -f1)" = c ] || fail "DRIFT_ISA=c is not obeyed"
exit $failed
