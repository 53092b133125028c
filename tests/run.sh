#!/bin/sh
# Runs every test program below $BUILD/unit and every script in tests/cli, then the kernels on every ISA.
# FAST=1: without the slow ones (a script says so in a line "# slow") and the emulators. ONLY=word: those with it in their name.
# Each test prints one line here; what a failing one said follows it. The last line counts.
set -u
BUILD=${BUILD:-build}
DRIFT=$PWD/$BUILD/drift
export BUILD DRIFT
log=$(mktemp)
trap 'rm -f "$log"' EXIT
passed=0 failed=0

run() { # NAME COMMAND...
    name=$1
    shift
    case $name in *"${ONLY:-}"*) ;; *) return ;; esac
    start=$(date +%s)
    if "$@" > "$log" 2>&1 < /dev/null; then
        passed=$((passed + 1))
        echo "ok    $name ($(($(date +%s) - start)) s)"
        grep '^REPORT ' "$log" | sed 's/^REPORT /      /'
    else
        failed=$((failed + 1))
        echo "FAIL  $name (status $?, $(($(date +%s) - start)) s)"
        tail -n 40 "$log" | sed 's/^/      /'
    fi
}

# Sanitizer builds are slow, and the leak checker trips over OpenMP's threads in the process that Check forks for each test:
# so one process for all, but for the tests that need their own (they crash, limit memory, or share a folder's name).
export CK_DEFAULT_TIMEOUT=300 # a hang fails; a busy machine does not
case $BUILD in
*/*) export CK_TIMEOUT_MULTIPLIER=10 ;;
esac
for source in tests/unit/*.c; do
    name=$(basename "$source" .c)
    fork=yes
    case $BUILD:$name in
    *:backend | *:hostile | *:io) ;;
    */asan:*) fork=no ;;
    esac
    run "unit/$name" env CK_FORK=$fork "$BUILD/unit/$name"
done
for script in tests/cli/*.sh; do
    [ -e "$script" ] || continue
    if [ -n "${FAST:-}" ] && grep -q '^# slow' "$script"; then
        continue
    fi
    run "cli/$(basename "$script" .sh)" sh "$script"
done
if [ -z "${FAST:-}" ] && [ -e tests/isa/run.sh ]; then
    run "every ISA" sh tests/isa/run.sh
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
