#!/bin/bash
# kill -9 of a node at any time under load, 200 cycles: what was acknowledged is there afterwards, the hub sees no fork, the node never loses its place.
set -u
build=$1
cycles=${CYCLES:-200}
griot=$(realpath "$build")/griot
work=$(mktemp -d)
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/*log*; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }

"$griot" sandbox create "$region" --hubs 1 --edges sn,gm || fail "create"
"$griot" sandbox up "$region" || fail "up"
: > "$work/acknowledged"
load() { # records as fast as they are acknowledged, until the file stop appears
    n=0
    while [ ! -e "$work/stop" ]; do
        n=$((n + 1))
        id=$("$griot" -H "$region/sn" record seizure date=2026-11-01 country=SN heading=DRG description="kill cycle $1 number $n" quantity=1 unit=KGM 2> /dev/null) &&
            echo "$id" >> "$work/acknowledged"
    done
}
cycle=0
while [ $cycle -lt "$cycles" ]; do
    cycle=$((cycle + 1))
    rm -f "$work/stop"
    load $cycle &
    loader=$!
    sleep "0.0$((RANDOM % 9 + 1))"
    victim=sn
    [ $((cycle % 10)) -ne 0 ] || victim=rilo-dakar
    pkill -KILL -f -- "-H $region/$victim run"
    touch "$work/stop"
    wait $loader
    "$griot" sandbox up "$region" > /dev/null || fail "up in cycle $cycle"
done
want=$(sort -u "$work/acknowledged" | wc -l)
[ "$want" -gt 0 ] || fail "nothing was acknowledged in $cycles cycles"
deadline=$((SECONDS + 60))
for node in sn rilo-dakar gm; do
    while :; do
        have=$("$griot" -H "$region/$node" --json status | jq '.kinds.seizure - (.index.journal - .index.followed)')
        [ "$have" -lt "$want" ] || break
        [ $SECONDS -lt $deadline ] || fail "$node holds $have of $want acknowledged records"
        sleep 0.2
    done
done
while read -r id; do
    "$griot" -H "$region/gm" show "$id" > /dev/null || fail "acknowledged record $id is not at gm"
done < <(sort -u "$work/acknowledged" | shuf -n 50)
for node in sn rilo-dakar gm; do
    "$griot" -H "$region/$node" --json status | jq -e '[.refused[] | select(.code == "ERR_FORK" or .code == "ERR_BADSIG")] == []' > /dev/null || fail "$node saw a fork"
done
digests=$(for node in sn rilo-dakar gm; do "$griot" -H "$region/$node" --json status | jq -r .heads_digest; done | sort -u | wc -l)
[ "$digests" -eq 1 ] || fail "heads differ"
echo "$cycles kills, $want acknowledged records, none lost, no fork"
