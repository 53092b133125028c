#!/bin/sh
# Runs every test program below $BUILD/unit and every script in tests/cli, then the kernels on every ISA, as many at a time as
# there are processors.
# FAST=1: without the slow ones (a script says so in a line "# slow") and the emulators. ONLY=word: those with it in their name.
# Sanitizer and coverage builds leave out the tests that say "plain build" in a line of their head: these run what others run too, at length.
# Each test prints one line here; what a failing one said follows it. The last line counts.
set -u
BUILD=${BUILD:-build}
DRIFT=$PWD/$BUILD/drift
export BUILD DRIFT
export OMP_WAIT_POLICY=passive # tests beside each other: threads that wait leave the processor
export CK_DEFAULT_TIMEOUT=600  # a hang fails; a busy machine does not
case $BUILD in
*/*) export CK_TIMEOUT_MULTIPLIER=10 ;; # not optimised
esac
case $BUILD in
*/asan | */ubsan | */sanitize | */tsan | */coverage) slowed=1 ;;
*) slowed= ;;
esac

# Leak checking trips over OpenMP's threads in the process that Check forks for each test: so one process for all, but for the
# tests that need their own (they crash, limit memory, or share a folder's name).
command_of() { # NAME
    case $1 in
    unit/backend | unit/hostile | unit/io) echo "$BUILD/$1" ;;
    unit/*) case $BUILD in */asan | */sanitize) echo "env CK_FORK=no $BUILD/$1" ;; *) echo "$BUILD/$1" ;; esac ;;
    cli/*) echo "sh tests/$1.sh" ;;
    every-ISA) echo "sh tests/isa/run.sh" ;;
    esac
}

run() { # NAME LOG
    $(command_of "$1") > "$2" 2>&1 < /dev/null
}

# clang 14's leak checker now and then crashes itself, on a thread that ends meanwhile: then the test runs once more.
one() { # NAME
    log=$(mktemp)
    trap 'rm -f "$log"' EXIT
    start=$(date +%s)
    run "$1" "$log"
    got=$?
    if [ $got != 0 ] && grep -q 'LeakSanitizer has encountered a fatal error' "$log"; then
        run "$1" "$log"
        got=$?
    fi
    if [ $got = 0 ]; then
        lines="ok    $1 ($(($(date +%s) - start)) s)
$(grep '^REPORT ' "$log" | sed 's/^REPORT /      /')"
    else
        lines="FAIL  $1 (status $got, $(($(date +%s) - start)) s)
$(tail -n 40 "$log" | sed 's/^/      /')"
    fi
    printf '%s\n' "$lines" | grep . # in one piece, whatever else prints
}

wanted() { # SOURCE
    [ -z "$slowed" ] || ! grep -qE '^(#|/\*) plain build' "$1"
}

names() { # the long ones first
    for script in tests/cli/*.sh; do
        [ -z "${FAST:-}" ] || ! grep -q '^# slow' "$script" || continue
        ! wanted "$script" || echo "cli/$(basename "$script" .sh)"
    done
    [ -n "${FAST:-}" ] || echo every-ISA
    for source in tests/unit/*.c; do
        ! wanted "$source" || echo "unit/$(basename "$source" .c)"
    done
}

if [ $# = 1 ]; then
    one "$1"
    exit 0
fi
all=$(mktemp)
trap 'rm -f "$all"' EXIT
names | grep -F -- "${ONLY:-}" | xargs -r -P "$(getconf _NPROCESSORS_ONLN)" -n 1 sh tests/run.sh | tee "$all"
passed=$(grep -c '^ok ' "$all")
failed=$(grep -c '^FAIL ' "$all")
echo "$passed passed, $failed failed"
[ "$failed" = 0 ] && [ "$passed" -gt 0 ]
