#!/bin/bash
# Mistakes that are compiled in on purpose are found within 100 seeds, and none is found without them: tests/sim/bugs.sh BUILD.
set -u
build=$1
for bug in GRIOT_BUG_SKIP_PREFIX GRIOT_BUG_ACK_BEFORE_FSYNC; do
    make --no-print-directory B="$build/$bug" BUG="-D$bug" "$build/$bug/sim/sim" || exit 1
    "$build/$bug/sim/sim" --seeds 100 --bug-expected || { echo "$bug is not found within 100 seeds"; exit 1; }
done
"$build/sim/sim" --seeds 100
