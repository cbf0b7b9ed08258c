#!/bin/bash
# Seeds that once failed: tests/sim/seeds.sh BUILD. `make torture` adds to tests/sim/seeds.txt; a line is the number of nodes and the seed.
set -u
failed=0 count=0
while read -r nodes seed; do
    case $nodes in "" | "#"*) continue ;; esac
    count=$((count + 1))
    "$1/sim/sim" --seed "$seed" --nodes "$nodes" || failed=1
done < "$(dirname "$0")/seeds.txt"
echo "$count seeds that once failed were run again"
exit $failed
