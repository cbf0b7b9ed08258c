#!/bin/bash
# Transport and encryption keys are rotated while the region runs; an office that was away, and one that rotated while it was away, both get in by the old keys.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err"
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
stop() { # NODE
    local pid
    pid=$("$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
}
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM; }
all_hold() { # COUNT
    "$griot" sandbox status "$region" --json |
        jq -e "[.nodes[].status] | all(. != null and .kinds.seizure == $1 and .missing.total == 0) and ([.[].heads_digest] | unique | length) == 1" > /dev/null
}
current() { # NODE PEER
    "$griot" -H "$region/$1" peers --json | jq -e ".peers[] | select(.name == \"$2\" and .state == \"current\")" > /dev/null
}

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm
expect 0 "sandbox up" "$griot" sandbox up "$region"
expect 0 "record at sn" record sn "before"
within 60 "the region does not converge" all_hold 1

stop sn
expect 0 "record at sn, stopped" record sn "while away"
for node in rilo-dakar rilo-douala gm; do
    expect 0 "rotate $node" "$griot" rotate -H "$region/$node" --json
    jq -e '.counter == 2 and .published and (.until | length) == 10' "$work/out" > /dev/null || fail "rotate says: $(cat "$work/out")"
    [ -e "$region/$node/keys/encryption-1" ] && [ -e "$region/$node/keys/encryption-2" ] && [ -e "$region/$node/keys/transport-next" ] || fail "$node keeps $(ls "$region/$node/keys")"
    expect 1 "rotate $node again" "$griot" rotate -H "$region/$node"
done
expect 0 "a card renewed in between" "$griot" card -H "$region/gm" --renew --json
jq -e '.counter == 3' "$work/out" > /dev/null || fail "the renewed card: $(cat "$work/out")"
# Everybody starts again: those who know the new cards find one another, whichever key is served.
for node in rilo-dakar rilo-douala gm; do stop "$node"; done
expect 0 "rotate sn, while it is away" "$griot" rotate -H "$region/sn" --json
jq -e '.counter == 2' "$work/out" > /dev/null || fail "rotate says: $(cat "$work/out")"
expect 0 "up" "$griot" sandbox up "$region"
expect 0 "record at gm" record gm "after"
within 60 "the office that was away is locked out" all_hold 3
for node in sn gm; do
    within 30 "$node is not let in by rilo-dakar" current "$node" rilo-dakar
    within 30 "$node is not let in by rilo-douala" current "$node" rilo-douala
done
# A cut in the middle of everything: those with the new cards dial again.
expect 0 "cut" "$griot" sandbox cut "$region" sn
expect 0 "record at gm" record gm "while sn is cut off"
expect 0 "heal" "$griot" sandbox heal "$region" sn
within 60 "sn does not come back" all_hold 4

# ---- the overlap ends: the new key is served and the old one gone ----
key() { "$griot" -H "$region/rilo-dakar" card --json | jq -r .counter; }
expect 0 "down" "$griot" sandbox down "$region"
member=$(realpath "$build")/e2e/member
for node in rilo-dakar rilo-douala sn; do
    rm "$region/$node/keys/transport-next" # as if the first rotation had been the last but one
    expect 0 "rotate $node in the past" "$member" "$region/$node" 12 rotated
done
over=$((SECONDS + 13))
expect 0 "up" "$griot" sandbox up "$region"
expect 0 "record at gm" record gm "in the last seconds of the overlap"
within 60 "the region does not converge at the end of the overlap" all_hold 5
# One of them does so while it runs; the others are stopped meanwhile.
for node in rilo-dakar sn gm; do stop "$node"; done
within 40 "rilo-douala does not take the new key while it runs" grep -q transport_key_rotated "$region/rilo-douala/log.txt"
while [ $SECONDS -lt $over ]; do sleep 0.2; done
before=$(key)
expect 0 "up" "$griot" sandbox up "$region"
for node in rilo-dakar sn; do
    [ ! -e "$region/$node/keys/transport-next" ] || fail "$node has not taken the new key"
    grep -q transport_key_rotated "$region/$node/log.txt" || fail "$node does not say that it took the new key"
done
[ "$(key)" -gt "$before" ] || fail "no card without the old key was signed"
expect 0 "record at sn" record sn "by the new keys"
within 60 "the new keys are not accepted" all_hold 6
for node in sn gm rilo-douala; do
    within 30 "$node is not let in by the new key" current "$node" rilo-dakar
done
expect 0 "down" "$griot" sandbox down "$region"
echo "rotate: four nodes have new keys, one of them rotated while away, three took them into use, one of them while it ran; nobody was locked out"
