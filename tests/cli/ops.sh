#!/bin/sh
# docs/ops: every op of src/op/op.h and src/op/drift.h, every op file and every kernel has its page; the tables of kernels are
# those of src/kernel/kernels.def.
set -eu
fail() {
    echo "$*"
    exit 1
}
sh tests/support/ops_pages.sh --check
for op in $(sed -n 's/^drift_tensor \*drift_\([a-z0-9_]*\)(.*/\1/p' src/op/op.h src/op/drift.h); do
    grep -qw "$op" docs/ops/*.md || fail "docs/ops: no page has the op $op"
done
for file in src/op/*.c; do
    grep -qF "$file" docs/ops/*.md || fail "docs/ops: no page names $file"
done
kernels=$(sed -n 's/^KERNEL(\([a-z0-9_]*\),.*/\1/p' src/kernel/kernels.def | grep -v '^peak_') # of no op: it measures the machine
for kernel in $kernels; do
    [ "$(cat docs/ops/*.md | grep -c "^| \`$kernel\` |")" = 1 ] || fail "docs/ops: expected one row for the kernel $kernel"
done
echo "REPORT $(echo "$kernels" | wc -l) kernels have their rows in docs/ops"
