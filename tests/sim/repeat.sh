#!/bin/bash
# The same seed gives the same run: tests/sim/repeat.sh BUILD.
"$1/sim/sim" --seeds 20 --repeat
