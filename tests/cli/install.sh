#!/bin/sh
# The installed library as a stranger finds it: pkg-config, header in C and C++, the example of docs/examples, symbols.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
case ${SANITIZER:-$BUILD} in */*) exit 0 ;; esac # other builds are not for installing

make -s BUILD="$BUILD" PREFIX="$dir" install > "$dir/log"
for file in bin/drift lib/libdrift.a lib/libdrift.so include/drift.h lib/pkgconfig/libdrift.pc share/man/man1/drift.1; do
    [ -s "$dir/$file" ] || { echo "not installed: $file"; exit 1; }
done

export PKG_CONFIG_PATH="$dir/lib/pkgconfig" LD_LIBRARY_PATH="$dir/lib"
# shellcheck disable=SC2046
${CC:-gcc} -std=c99 -pedantic -Wall -Wextra -Werror docs/examples/field.c -o "$dir/field" $(pkg-config --cflags --libs libdrift)
"$dir/field" > "$dir/out"
grep -q 'sample 2 drifts by' "$dir/out" || { cat "$dir/out"; exit 1; }
# shellcheck disable=SC2046
${CC:-gcc} -std=c99 docs/examples/field.c -o "$dir/field-static" -I"$dir/include" "$dir/lib/libdrift.a" \
    $(pkg-config --static --libs libdrift | sed 's/-ldrift//')
"$dir/field-static" | cmp - "$dir/out"

# the installed program finds the built-in data from any folder
(cd / && "$dir/bin/drift" train "$dir/share/libdrift/recipes/digits.yaml" --set train.total_steps=1 --out "$dir/run" > "$dir/log" 2>&1) || { cat "$dir/log"; exit 1; }

foreign=$(nm -D --defined-only "$dir/lib/libdrift.so" | awk '$2 ~ /[A-Z]/ && $3 !~ /^drift_/ { print $3 }')
[ -z "$foreign" ] || { echo "libdrift.so exports: $foreign"; exit 1; }
foreign=$(nm -g --defined-only "$dir/lib/libdrift.a" 2> /dev/null | awk 'NF == 3 && $3 !~ /^drift_/ { print $3 }')
[ -z "$foreign" ] || { echo "libdrift.a has global: $foreign"; exit 1; }
if command -v g++ > /dev/null; then
    printf '#include <drift.h>\nint main() { return drift_version() == 0; }\n' > "$dir/a.cpp"
    # shellcheck disable=SC2046
    g++ -Wall -Wextra -Werror "$dir/a.cpp" -o "$dir/a" $(pkg-config --cflags --libs libdrift) && "$dir/a"
fi
