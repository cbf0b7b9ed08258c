#!/bin/bash
# What a region does when one of it has turned, or its clocks are wrong: tests/sim/threats.sh BUILD [hub|eclipse|clocks|liars|replay]. A line of failure begins with the threat
# (crypto/SECURITY.md). SEEDS multiplies the seeds.
set -u
build=$1
shift
[ $# -gt 0 ] || set -- hub eclipse clocks liars replay
bad=0
run() { # THREAT WHAT ARGUMENTS...
    local threat=$1 what=$2 out
    shift 2
    out=$("$build/sim/sim" "$@" 2>&1) && { echo "$what: $(echo "$out" | tail -n 1)"; return; }
    echo "$out"
    echo "FAILED $threat: $what"
    bad=1
}
for plan in "$@"; do
    case $plan in
        hub) # one hub of two is hostile in all seeds, for ever
            for nodes in 4 8 26; do
                run T21 "one hub of two hostile, $nodes nodes" --threat hub --seeds $((200 * ${SEEDS:-1})) --nodes $nodes
            done
            ;;
        eclipse) run T08 "an office with nobody but a liar for a day" --threat eclipse --seeds $((40 * ${SEEDS:-1})) --nodes 8 ;;
        clocks) run T11 "clocks up to ten years off" --seeds $((50 * ${SEEDS:-1})) --nodes 8 ;;
        liars) run T15 "a hub that keeps things back in three seeds of ten" --seeds $((200 * ${SEEDS:-1})) --nodes 8 ;;
        replay) run T06 "all that one node was sent comes ten times more" --threat replay --seeds $((60 * ${SEEDS:-1})) --nodes 8 ;;
        *) echo "plans: hub eclipse clocks liars replay" >&2; exit 2 ;;
    esac
done
exit $bad
