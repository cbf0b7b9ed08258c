#!/bin/bash
# The process that owns a node's sockets dies again and again, by kill -9 and by a peer that fills its memory: the node goes on, links are back at once, nothing is lost.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 8 "$log"; done; exit 1; }
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.05
    done
}
at() { "$griot" -H "$region/$1" status --json 2> /dev/null | jq -e "$2" > /dev/null; }
pid() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
gateway() { pgrep -P "$(pid "$1")" | head -n 1; }
other() { local now; now=$(gateway "$1"); [ -n "$now" ] && [ "$now" != "$2" ]; }
all_current() { at "$1" '[.peers[].state] | all(. == "current" or . == "catching up") and length > 0'; }
all_hold() { # COUNT
    local node
    for node in rilo-dakar rilo-douala sn gm; do
        at "$node" ".kinds.seizure == $1 and .missing.total == 0" || return 1
    done
    [ "$(for node in rilo-dakar rilo-douala sn gm; do "$griot" -H "$region/$node" status --json | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}

"$griot" sandbox create "$region" --edges sn,gm > /dev/null 2>&1 || fail "sandbox create"
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "sandbox up"
within 30 "the hub hears nobody" all_current rilo-dakar
hub=$(pid rilo-dakar)
first=$(gateway rilo-dakar)
[ -n "$first" ] || fail "the hub has no gateway process"
[ "$(cat "/proc/$first/comm")" = griot-gateway ] || fail "the hub's child is not its gateway"
grep -Eq '^Max data size +[0-9]+ +[0-9]+' "/proc/$first/limits" || fail "the gateway's memory is not capped"
grep -q '^NoNewPrivs:[[:space:]]*1' "/proc/$first/status" || fail "the gateway may gain privileges"
find "/proc/$first/fd" -lname '*.mdb' | grep -q . && fail "the gateway has the store open"

# ---- killed while records flow ----
awk 'BEGIN {print "id,day,goods,weight"; for (i = 1; i <= 3000; i++) printf "G-%d,2026-11-03,cocaine,%d\n", i, i}' > "$work/rows.csv"
cat > "$work/rows.ini" << 'INI'
[mapping]
name = gateway-exercise
kind = seizure
delimiter = comma
id_column = id

[dates]
formats = YYYY-MM-DD

[columns]
id = external_id
day = date
goods = commodity
weight = quantity unit=KGM

[constants]
is_exercise = true
INI
"$griot" -H "$region/sn" import "$work/rows.csv" --map "$work/rows.ini" --json > "$work/import" 2> "$work/import.err" &
import=$!
for i in 1 2 3 4 5 6 7 8 9 10; do
    node=$([ $((i % 2)) -eq 0 ] && echo rilo-dakar || echo sn)
    old=$(gateway "$node")
    begin=$(date +%s%N)
    kill -9 "$old"
    within 5 "the gateway of $node is not started again" other "$node" "$old"
    took=$((($(date +%s%N) - begin) / 1000000))
    [ $took -lt 2000 ] || fail "the gateway of $node was away for $took ms"
done
wait $import || fail "the import failed: $(cat "$work/import.err")"
[ "$(jq .new "$work/import")" -eq 3000 ] || fail "the import: $(cat "$work/import")"
within 90 "records are lost, or do not arrive" all_hold 3000
[ "$(pid rilo-dakar)" = "$hub" ] || fail "the hub itself has died"
grep -q 'event=gateway_lost' "$region/rilo-dakar/log.txt" || fail "the hub's log does not say it"

# ---- stopped: a gateway ends with its node, also when that is killed ----
last=$(gateway rilo-dakar)
kill -9 "$(pid rilo-dakar)"
ended() { ! kill -0 "$last" 2> /dev/null; }
within 5 "a gateway lives longer than its node" ended
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "the hub does not start again at its address"
within 30 "the hub hears nobody after a restart" all_current rilo-dakar
echo "gateway: 10 gateways killed while 3,000 records flowed, each back within 2 s, nothing lost; no gateway outlives its node"
