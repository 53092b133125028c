# What the scripts of tests/cli share: . tests/support/cli.sh
# A folder $dir that goes when the script ends, and functions that end it with a word about what is wrong.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() { # WORD...
    echo "$*"
    exit 1
}

# What the command says is left in $dir/out and $dir/err; with status 2 it is one line.
status() { # EXPECTED COMMAND...
    expected=$1
    shift
    "$@" > "$dir/out" 2> "$dir/err" && got=0 || got=$?
    [ "$got" = "$expected" ] || fail "status $got, expected $expected: $* $(cat "$dir/out" "$dir/err")"
    [ "$expected" != 2 ] || [ "$(wc -l < "$dir/err")" = 1 ] || fail "not one line: $* $(cat "$dir/err")"
}

# Status 2, and all that the command says is one line with TEXT, which is left in $dir/log.
refused() { # TEXT COMMAND...
    text=$1 got=0
    shift
    "$@" > "$dir/log" 2>&1 || got=$?
    [ $got = 2 ] && [ "$(wc -l < "$dir/log")" = 1 ] && grep -qF -- "$text" "$dir/log" || fail "status $got: $*: $(cat "$dir/log")"
}

# The first N (below 65,536) images of SIDE x SIDE that the built-in digits' bytes make, and their labels, as idx files.
idx_pair() { # IMAGES LABELS N SIDE
    n=$(printf '\\%o\\%o' $(($3 / 256)) $(($3 % 256))) side=$(printf '\\%o' "$4")
    {
        printf "\0\0\10\3\0\0$n\0\0\0$side\0\0\0$side"
        tail -c +17 data/digits/images.idx3-ubyte | head -c $(($3 * $4 * $4))
    } > "$1"
    {
        printf "\0\0\10\1\0\0$n"
        tail -c +9 data/digits/labels.idx1-ubyte | head -c "$3"
    } > "$2"
}

# A folder with MNIST's names: N images of SIDE x SIDE.
few_images() { # FOLDER N SIDE
    mkdir "$1"
    for part in train t10k; do
        idx_pair "$1/$part-images-idx3-ubyte" "$1/$part-labels-idx1-ubyte" "$2" "$3"
    done
}
