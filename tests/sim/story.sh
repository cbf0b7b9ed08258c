#!/bin/bash
# The protocol as a story of three nodes, one record and a second: tests/sim/story.sh BUILD. What differs is a change of protocol: look at it, then
# BUILD/sim/sim --story >tests/sim/story.txt
diff -u tests/sim/story.txt <("$1/sim/sim" --story)
