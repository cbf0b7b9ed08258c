#!/bin/bash
# One node is put out: nobody speaks with it any more, within a second where it is known and within a minute everywhere, and the others keep their links. EDGES=24 for a whole region.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 4 "$log"; done; exit 1; }
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
edges=${EDGES:-bj,bf,gm,sn,tg,cm,ga}
"$griot" sandbox create "$region" --hubs 2 --edges "$edges" 2> /dev/null || fail "create"
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up"
others=$(for home in "$region"/*/; do name=$(basename "$home"); [ "$name" = root ] || [ "$name" = tg ] || echo "$name"; done)
count=$(echo "$others" | wc -l)
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
linked() { # every edge with both hubs, and the hubs with all
    for node in $others; do
        status "$node" | jq -e '[.peers[] | select(.state == "current")] | length >= 2' > /dev/null || return 1
    done
    for hub in rilo-dakar rilo-douala; do
        status "$hub" | jq -e "[.peers[] | select(.state == \"current\")] | length == $((count))" > /dev/null || return 1
    done
}
within 60 "not everybody is linked" linked
ups() { for node in $others; do echo "$node $(grep -c 'event=peer_up peer=' "$region/$node/log.txt") $(grep -c 'event=peer_up peer=tg ' "$region/$node/log.txt")"; done; }
ups > "$work/before"
speaks() { "$griot" -H "$region/$1" peers --json | jq -e '.peers[] | select(.name == "tg" and .state != "blocked")' > /dev/null; }
speaks rilo-douala || fail "tg is not linked with rilo-douala"
begin=$(date +%s%N)
"$griot" suspend tg -H "$region/rilo-dakar" --reason stolen > /dev/null 2>&1 || fail "suspend"
while speaks rilo-dakar; do [ $((($(date +%s%N) - begin) / 1000000)) -lt 2000 ] || fail "rilo-dakar speaks with tg after a second"; done # and one more for asking
here=$((($(date +%s%N) - begin) / 1000000))
warned() { for node in $others; do status "$node" | jq -e '[.warnings[] | select(.code == "ACT-SUSPEND" and .whom == "tg")] | length == 1' > /dev/null || return 1; done; }
within 60 "not everybody has heard within a minute" warned
everywhere=$((($(date +%s%N) - begin) / 1000000))
for hub in rilo-dakar rilo-douala; do ! speaks "$hub" || fail "$hub speaks with tg"; done
# Something goes through the whole region over the links that there are.
"$griot" -H "$region/sn" record seizure date=2026-11-03 country=SN heading=DRG description="after it" quantity=1 unit=KGM > /dev/null 2>&1 || fail "record"
arrived() { for node in $others; do status "$node" | jq -e '.kinds.seizure == 1 and .missing.total == 0' > /dev/null || return 1; done; }
within 60 "a record does not arrive" arrived
ups > "$work/after"
most=$(paste -d' ' "$work/before" "$work/after" | awk '{n = ($5 - $6) - ($2 - $3); if (n > most) most = n; if (n > 0) print "a link again at " $1 > "/dev/stderr"} END {print most + 0}')
[ "$most" -le 1 ] || fail "it cost another node $most reconnects"
! paste -d' ' "$work/before" "$work/after" | awk '$6 != $3 {exit 1}' && fail "tg was let in again"
echo "revoke: one of $((count + 1)) nodes was put out: not spoken with after $here ms, known everywhere after $everywhere ms, $most reconnects at the others"
