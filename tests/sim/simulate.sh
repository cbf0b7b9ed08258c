#!/bin/bash
# At least 1,000 regions of 26 nodes with everything that goes wrong: tests/sim/simulate.sh BUILD. SEEDS and SEED choose others.
"$1/sim/sim" --seeds "${SEEDS:-1000}" --seed "${SEED:-1}"
