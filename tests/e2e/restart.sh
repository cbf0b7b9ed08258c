#!/bin/bash
# Stops and starts: a graceful stop is quick and clean, a restart under load loses nothing, a power cut of everybody at once neither, a node that was cut off finds the
# others again, and an alert passes a bulk import.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
nodes="rilo-dakar sn gm gw cm"
finish() {
    touch "$work/stop"
    "$griot" sandbox down "$region" > /dev/null 2>&1
    wait
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 6 "$log"; done; exit 1; }
sandbox() { "$griot" sandbox "$@" > "$work/out" 2>&1 || { cat "$work/out"; fail "sandbox $*"; }; }
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
await() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { "$griot" -H "$region/$1" record seizure date=2026-11-01 country=SN heading=DRG description="$2" quantity=1 unit=KGM 2> /dev/null; } # NODE TEXT
converged() { # COUNT of seizures
    local node
    for node in $nodes; do
        status "$node" | jq -e ".kinds.seizure == $1 and .missing.total == 0 and .missing.unknown == [] and .index.journal == .index.followed" > /dev/null || return 1
    done
    [ "$(for node in $nodes; do status "$node" | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
pid_of() { pgrep -f -- "-H $region/$1 run"; }
load() { # NODE: records one by one until the file stop appears; what is acknowledged is written down
    local n=0 id
    while [ ! -e "$work/stop" ]; do
        n=$((n + 1))
        id=$(record "$1" "load at $1 number $n") && echo "$id" >> "$work/acknowledged"
    done
}
acknowledged() { wc -l < "$work/acknowledged"; }
more() { [ "$(acknowledged)" -ge "$1" ]; }

sandbox create "$region" --hubs 1 --edges sn,gm,gw,cm

# ---- a graceful stop: at rest, and in the middle of work ----
for signal in TERM INT; do
    : > "$work/log" # what the first has said must not be taken for the second's
    "$griot" -H "$region/sn" run 2> "$work/log" &
    pid=$!
    await 20 "the node did not start" grep -q "event=started" "$work/log"
    begin=$(date +%s%N)
    kill -$signal $pid
    timeout 20 tail --pid=$pid -f /dev/null || fail "SIG$signal does not stop it"
    wait $pid
    code=$?
    took=$((($(date +%s%N) - begin) / 1000000))
    [ $code -eq 0 ] || fail "SIG$signal: exit code $code"
    [ $took -lt 2000 ] || fail "SIG$signal: stopping took $took ms"
    grep -q "event=stopped err=ERR_OK" "$work/log" || fail "SIG$signal: not in the log: $(cat "$work/log")"
    [ ! -e "$region/sn/control.sock" ] || fail "SIG$signal: the control socket is left"
done

: > "$work/acknowledged"
sandbox up "$region"
load sn &
await 30 "nothing is recorded" more 3
before=$(pid_of rilo-dakar)
"$griot" -H "$region/sn" run 2> "$work/log" && fail "a second daemon ran"
for victim in rilo-dakar sn; do
    pid=$(pid_of $victim)
    begin=$(date +%s%N)
    kill -TERM "$pid"
    tail --pid="$pid" -f /dev/null
    took=$((($(date +%s%N) - begin) / 1000000))
    [ $took -lt 3000 ] || fail "stopping $victim under load took $took ms"
    grep -q "event=stopped err=ERR_OK" "$region/$victim/log.txt" || fail "$victim did not stop cleanly under load"
    sandbox up "$region"
    await 30 "recording does not go on after the restart of $victim" more $(($(acknowledged) + 3))
done
[ "$(pid_of rilo-dakar)" != "$before" ] || fail "the hub was not restarted"
touch "$work/stop"
wait
want=$(sort -u "$work/acknowledged" | wc -l)
[ "$want" -eq "$(acknowledged)" ] || fail "an id was given twice"
held=$(status sn | jq '.kinds.seizure + .index.journal - .index.followed')
[ "$held" -ge "$want" ] || fail "$want were acknowledged, $held are there"
await 60 "no convergence after restarts under load" converged "$held"

# ---- a power cut of everybody at once, in the middle of work ----
rm "$work/stop"
load gm &
load cm &
await 30 "nothing is recorded" more $((want + 6))
kill -KILL $(for node in $nodes; do pid_of "$node"; done)
touch "$work/stop"
wait
sandbox up "$region"
want=$(sort -u "$work/acknowledged" | wc -l)
held=$(for node in gm cm; do status $node | jq '.kinds.seizure + .index.journal - .index.followed'; done | sort -n | tail -n 1)
await 60 "$want were acknowledged before the power cut, not all are everywhere" eval 'status gw | jq -e ".kinds.seizure >= $want" > /dev/null'
held=$(status gw | jq .kinds.seizure)
await 60 "no convergence after a power cut" converged "$held"
while read -r id; do
    "$griot" -H "$region/gw" show "$id" > /dev/null || fail "acknowledged record $id is not at gw"
done < <(tail -n 5 "$work/acknowledged")
for node in $nodes; do
    status "$node" | jq -e '[.refused[] | select(.code == "ERR_FORK" or .code == "ERR_BADSIG" or .code == "ERR_BADHASH")] == []' > /dev/null || fail "$node refused something of an honest node: $(status "$node" | jq -c .refused)"
done

# ---- gw is cut off; a bulk import at cm, an alert at sn in the middle of it ----
rows=40000
{ echo "numéro;jour;produit;poids;lieu"; for n in $(seq $rows); do echo "R-$n;19/11/2026;cocaine;1,5;Quai $n"; done; } > "$work/bulk.csv"
sandbox cut "$region" gw
record gw "behind the cable" > /dev/null || fail "record at gw"
"$griot" -H "$region/cm" --json import "$work/bulk.csv" --map tests/e2e/cli-exercise.ini > "$work/import" 2>&1 &
import=$!
total=$((held + 1 + rows))
await 60 "the bulk does not arrive at gm" eval 'status gm | jq -e ".kinds.seizure > $held" > /dev/null'
"$griot" -H "$region/sn" record alert date=2026-11-20 title="Conteneur" threat="Exercise: passes the bulk" valid_until=2027-01-31 requested_action=INFORM > /dev/null 2>&1 || fail "alert"
first() { # NODE: what it holds when its index first knows the alert. The index follows the journal in order, so this is the order of arrival
    local seen deadline=$((SECONDS + 90))
    while [ $SECONDS -lt $deadline ]; do
        seen=$(status "$1" | jq -r 'select(.kinds.alert == 1) | .kinds.seizure')
        [ -z "$seen" ] || { echo "$seen"; return; }
    done
    echo never
}
at=$(first gm)
[ "$at" != never ] && [ "$at" -lt $((total - 1)) ] || fail "gm knew the alert only with the whole bulk: $at of $((total - 1))"
wait $import || fail "the import: $(cat "$work/import")"
status gw | jq -e ".kinds.alert == 0 and .kinds.seizure == $((held + 1))" > /dev/null || fail "something came through the pulled cable"
sandbox heal "$region" gw
late=$(first gw)
[ "$late" != never ] && [ "$late" -lt "$total" ] || fail "gw, catching up, knew the alert only with the whole bulk: $late of $total"
await 90 "no convergence after the heal" converged "$total"
sandbox down "$region"
echo "stopped cleanly, restarted under load, cut and healed: $total records and an alert everywhere; the alert came after $at and $late of them"
