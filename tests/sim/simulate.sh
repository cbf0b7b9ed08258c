#!/bin/bash
# At least 1,000 regions of 26 nodes with everything that goes wrong, and small ones, where two nodes meet in every state: tests/sim/simulate.sh BUILD.
# SEEDS and SEED choose others.
set -e
for nodes in 3 4 8; do
    "$1/sim/sim" --seeds 500 --seed "${SEED:-1}" --nodes "$nodes"
done
"$1/sim/sim" --seeds "${SEEDS:-1000}" --seed "${SEED:-1}"
