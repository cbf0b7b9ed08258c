#!/bin/bash
# A hub suspends: a stolen edge is dropped within a second and everywhere within a minute, what it writes stays with it, a suspended hub relays and does no more; and what must be refused.
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
at() { "$griot" -H "$region/$1" status --json | jq -e "$2" > /dev/null; }
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM; }
stop() { # NODE
    local pid
    pid=$("$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
}
hubs="rilo-dakar rilo-douala"
honest="$hubs sn gm bj"
all_hold() { # COUNT NODE...
    local count=$1 node; shift
    for node in "$@"; do
        at "$node" ".kinds.seizure == $count and .missing.total == 0" || return 1
    done
    [ "$(for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
warned() { # JQ NODE...
    local what=$1 node; shift
    for node in "$@"; do
        at "$node" "[.warnings[] | select($what)] | length == 1" || return 1
    done
}

warned_of_nothing() {
    local node
    for node in "$@"; do at "$node" '.warnings == []' || return 1; done
}
dropped() {
    local node
    for node in "$@"; do
        "$griot" -H "$region/$node" peers --json | jq -e 'all(.peers[]; .name != "tg")' > /dev/null || return 1
    done
}

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm,bj,tg
expect 0 "sandbox up" "$griot" sandbox up "$region"
expect 0 "record at tg" record tg "before it was stolen"
expect 0 "record at sn" record sn "of sn"
within 60 "the region does not converge" all_hold 2 $honest tg
sleep 3 # the hubs sign frontiers that name it
at rilo-dakar '.warnings == []' || fail "warnings without a cause"

# ---- what is refused ----
expect 5 "suspend at an edge" "$griot" suspend tg -H "$region/sn"
expect 4 "suspend of nobody" "$griot" suspend nobody -H "$region/rilo-dakar"
expect 1 "suspend of itself" "$griot" suspend rilo-dakar -H "$region/rilo-dakar"
expect 1 "a reason that is too long" "$griot" suspend tg -H "$region/rilo-dakar" --reason "$(printf 'x%.0s' $(seq 201))"
expect 1 "a reason that draws on the terminal" "$griot" suspend tg -H "$region/rilo-dakar" --reason $'a\eb'
at rilo-dakar '.warnings == []' || fail "a refused suspension left something"

# ---- the edge ----
up() { "$griot" -H "$region/rilo-dakar" peers --json | jq -e '.peers[] | select(.name == "tg")' > /dev/null; }
up || fail "tg is not connected with rilo-dakar"
expect 0 "suspend" "$griot" suspend tg -H "$region/rilo-dakar" --reason "stolen at Aflao" --json
begin=$(date +%s%N)
jq -e '.state == "suspended" and .role == "edge" and .left == 2' "$work/out" > /dev/null || fail "suspend says: $(cat "$work/out")"
while up; do [ $((($(date +%s%N) - begin) / 1000000)) -lt 1000 ] || fail "rilo-dakar still speaks with tg after a second"; done
grep -q 'peer_dropped.*peer=tg' "$region/rilo-dakar/log.txt" || fail "rilo-dakar has not dropped the live connection"
within 60 "not everybody is warned" warned '.code == "ACT-SUSPEND" and .whom == "tg" and .who == "rilo-dakar" and .reason == "stolen at Aflao"' $honest
grep -q 'peer_dropped.*peer=tg' "$region/rilo-douala/log.txt" || fail "rilo-douala has not dropped the live connection"
"$griot" --lang en -H "$region/sn" status > "$work/out" || fail "status at sn"
grep -q "tg, by rilo-dakar" "$work/out" || fail "status does not say who and whom: $(cat "$work/out")"
expect 0 "the same again" "$griot" suspend tg -H "$region/rilo-douala" --json
jq -e '.state == "already suspended"' "$work/out" > /dev/null || fail "again: $(cat "$work/out")"

expect 0 "record at tg, suspended" record tg "after it was stolen"
expect 0 "another" record tg "after it was stolen, again"
expect 0 "record at gm" record gm "of gm"
within 60 "the others do not converge" all_hold 3 $honest
sleep 12 # tg dials again meanwhile
"$griot" -H "$region/tg" peers --json | jq -e 'all(.peers[]; .state != "current" and .state != "catching up")' > /dev/null || fail "tg is let in again"
all_hold 3 $honest || fail "what tg wrote after its suspension has reached others"
stop tg
stop rilo-douala
expect 0 "start them again" "$griot" sandbox up "$region"
expect 0 "record at bj" record bj "of bj"
within 60 "the others do not converge after a restart" all_hold 4 $honest

# ---- a hub ----
sleep 5 # both hubs sign frontiers that name everything: it is final, whoever is removed later
expect 0 "suspend a hub" "$griot" suspend rilo-douala -H "$region/rilo-dakar"
within 60 "not everybody hears of the hub" warned '.code == "ACT-SUSPEND" and .whom == "rilo-douala"' $honest
key=$region/root/unlock/ci
(umask 077; head -c 32 /dev/urandom > "$key")
expect 0 "init ci" "$griot" init ci -H "$work/ci" --region "$region/root/region" --key-file "$key"
expect 0 "card of ci" "$griot" card -H "$work/ci" --out "$work/ci.card"
expect 5 "a suspended hub admits nobody" "$griot" admit "$work/ci.card" -H "$region/rilo-douala"
# It relays: with the other hub away it is the only way from sn to gm.
stop rilo-dakar
expect 0 "record at sn" record sn "by way of the suspended hub"
within 60 "a suspended hub does not relay" all_hold 5 rilo-douala sn gm bj
expect 0 "start the other hub" "$griot" sandbox up "$region"
within 60 "the region does not converge in the end" all_hold 5 $honest

# ---- so many and no more; of two hubs neither silences the other ----
expect 0 "the third" "$griot" suspend bj -H "$region/rilo-dakar" --json
jq -e '.left == 0' "$work/out" > /dev/null || fail "the third: $(cat "$work/out")"
expect 1 "the fourth" "$griot" suspend gm -H "$region/rilo-dakar"
expect 0 "a suspended hub suspends back" "$griot" suspend rilo-dakar -H "$region/rilo-douala"
within 60 "mutual suspension is not seen everywhere" warned '.code == "ACT-SUSPEND" and .whom == "rilo-dakar"' $hubs sn gm
within 60 "the rest holds different things" all_hold 5 $hubs sn gm

# ---- the root decides ----
root() { "$griot" root roster "$region/root" --key-file "$region/root/unlock/root" "$@" && "$griot" join "$region/root/region" -H "$region/sn"; }
expect 4 "lift of nobody" "$griot" root roster "$region/root" --key-file "$region/root/unlock/root" --lift nobody
expect 0 "lift the hubs and tg, remove bj" root --lift rilo-dakar --lift rilo-douala --lift tg --remove bj
within 60 "warnings stay" warned_of_nothing $hubs sn gm
record_back() { all_hold 7 $hubs sn gm tg; } # the two that tg wrote while it was suspended count again
within 90 "tg does not come back with what it wrote" record_back
expect 0 "record at tg" record tg "in again"
within 60 "tg is not in again" all_hold 8 $hubs sn gm tg
sleep 5 # final
expect 0 "record at bj" record bj "removed"
expect 0 "remove tg" root --remove tg
within 60 "tg is not dropped everywhere" dropped rilo-dakar rilo-douala
sleep 6
all_hold 8 $hubs sn gm || fail "a removed node goes on writing, or what was final is lost"
expect 0 "down" "$griot" sandbox down "$region"
echo "suspend: an edge was put out by one hub, what it wrote stayed with it; a suspended hub relays; the root lifted three suspensions and removed two nodes"
