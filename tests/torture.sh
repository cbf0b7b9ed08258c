#!/bin/bash
# Everything that finds rare faults, for hours, with fresh randomness each time: tests/torture.sh BUILD [HOURS]; `make torture HOURS=n` builds first.
# One round: fresh seeds of the simulator, kill -9 under load, the other tests with real processes, every fuzzer. Rounds go on until the time is over; a round is
# not cut short, and a failure does not end it. Seeds that fail are added to tests/sim/seeds.txt, which every `make sim` replays.
#   SEEDS   of each size of region and round (400)      CYCLES  kills a round (300)      SECONDS_EACH  for each fuzzer a round (60)
# Exit 1 when anything failed.
set -u
cd "$(dirname "$0")/.." || exit 2
build=$1
seconds=$(awk -v hours="${2:-1}" 'BEGIN { if (hours !~ /^[0-9]+([.][0-9]+)?$/) exit 1; printf "%d", hours * 3600 }') || { echo "torture: HOURS=${2:-} is not a number" >&2; exit 2; }
seeds=${SEEDS:-400}
kept=tests/sim/seeds.txt
logs=$(mktemp -d)
failed=""
round=0

run() { # NAME COMMAND...: its output is kept when it fails
    local name=$1 begin=$SECONDS code
    shift
    "$@" > "$logs/$name" 2>&1
    code=$?
    case $code in
        0) printf '  %-22s %5ss  %s\n' "$name" "$((SECONDS - begin))" "$(tail -n 1 "$logs/$name")" ;;
        77) printf '  %-22s skipped: %s\n' "$name" "$(tail -n 1 "$logs/$name")" ;;
        *)
            printf '  %-22s FAILED with %s, round %s; its end (all of it: %s):\n' "$name" "$code" "$round" "$logs/$round.$name"
            cp "$logs/$name" "$logs/$round.$name"
            tail -n 20 "$logs/$name" | sed 's/^/      /'
            failed="$failed $round.$name"
            ;;
    esac
    return $code
}

simulate() { # NODES: fresh seeds
    local first
    first=$(od -An -N6 -tu8 /dev/urandom | tr -d ' ')
    echo "  seeds $first to $((first + seeds - 1)) of $1 nodes"
    run "sim.$1" "$build/sim/sim" --seeds "$seeds" --seed "$first" --nodes "$1" && return
    sed -n 's/^    again with: sim --seed \([0-9]*\) --nodes \([0-9]*\).*/\2 \1/p' "$logs/sim.$1" | while read -r line; do
        grep -qx "$line" "$kept" || echo "$line" >> "$kept"
    done
}

while [ $SECONDS -lt "$seconds" ] || [ $round -eq 0 ]; do
    round=$((round + 1))
    echo "round $round, after $((SECONDS / 60)) of $((seconds / 60)) minutes"
    for nodes in 3 4 8 26; do simulate $nodes; done
    run kill env CYCLES="${CYCLES:-300}" bash tests/e2e/kill.sh "$build"
    for test in tests/e2e/*.sh; do
        name=$(basename "$test" .sh)
        [ "$name" = kill ] || run "$name" timeout --kill-after=20 900 bash "$test" "$build"
    done
    for fuzzer in "$build"/fuzz/*; do
        [ -x "$fuzzer" ] || continue
        name=$(basename "$fuzzer")
        # New inputs go into a folder of their own, so that the corpus in the tree stays small; what crashes is kept beside the logs.
        mkdir -p "$logs/corpus.$name"
        run "$name" "$fuzzer" -max_total_time="${SECONDS_EACH:-60}" -print_final_stats=0 -artifact_prefix="$logs/$name." "$logs/corpus.$name" "tests/fuzz/corpus/${name#fuzz_}"
    done
done
if [ -n "$failed" ]; then
    echo "$round rounds; failed:$failed (logs and crashing inputs: $logs; seeds: $kept)"
    exit 1
fi
rm -rf "$logs"
echo "$round rounds in $((SECONDS / 60)) minutes, nothing failed"
