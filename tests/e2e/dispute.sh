#!/bin/bash
# The root contradicts itself: two rosters of one number, each given to another hub. Every node falls back to the one before, less whom either removes, and says so; a roster that names both settles it.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 6 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err"
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
shows() { jq -e "$1" "$work/out" > /dev/null || { cat "$work/out"; fail "$what: not $1"; }; }
at() { "$griot" -H "$region/$1" status --json | jq -e "$2" > /dev/null; }
all() { # JQ NODE...
    local jq=$1 node; shift
    for node in "$@"; do at "$node" "$jq" || return 1; done
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
same_hash() { [ "$(for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -r .roster.hash; done | sort -u | wc -l)" -eq 1 ]; }
all_hold() { # COUNT NODE...
    local count=$1; shift
    all ".kinds.seizure == $count and .missing.total == 0" "$@" && [ "$(for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
root() { "$griot" root "$@" --key-file "$region/root/unlock/root"; }
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8
nodes="rilo-dakar rilo-douala gm bj"

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm,bj
expect 0 "sandbox up" "$griot" sandbox up "$region"
expect 0 "record at sn" record sn "before the dispute"
within 60 "the region does not converge" all_hold 1 $nodes sn
sleep 3 # the hubs sign frontiers: it is final

# ---- two rosters number 2: one admits tg, the other removes sn ----
(umask 077; head -c 32 /dev/urandom > "$region/root/unlock/tg")
expect 0 "init tg" "$griot" init tg -H "$region/tg" --region "$region/root/region" --key-file "$region/root/unlock/tg"
expect 0 "card of tg" "$griot" card -H "$region/tg" --out "$work/tg.card"
expect 0 "card of sn" "$griot" card -H "$region/sn" --out "$work/sn.card"
cp "$region/root/region" "$work/region-1"
cp -a "$region/root" "$work/root-b" # keys that were copied: each key alone signs no second roster of one number
expect 0 "roster 2 that admits tg" root roster "$region/root" "$work/tg.card"
expect 0 "roster 2 that removes sn" root roster "$work/root-b" --remove sn
cp -a "$work/root-b" "$work/root-c"
cp "$work/region-1" "$work/root-c/region"
expect 1 "a third one: the keys remember what they have signed" root roster "$work/root-c" "$work/tg.card"
grep -q "divide the region" "$work/err" || fail "not refused by the keys: $(cat "$work/err")"
expect 0 "one to the one hub" "$griot" join "$region/root/region" -H "$region/rilo-dakar"
expect 0 "the other to the other hub" "$griot" join "$work/root-b/region" -H "$region/rilo-douala"
disputed='[.warnings[] | select(.code == "ROOT-DISPUTED" and .roster == 2)] | length == 1'
within 60 "the dispute is not seen everywhere" all "$disputed" $nodes
within 30 "the nodes name the dispute differently" same_hash $nodes
all '.roster.number == 2 and .roster.members == 4' $nodes || fail "not the members of roster 1 less sn"
for node in $nodes; do
    grep -q root_disputed "$region/$node/log.txt" || fail "$node does not log it"
done
expect 0 "status in words" "$griot" -H "$region/gm" status
grep -q "ROOT-DISPUTED" "$work/out" || fail "status does not warn: $(cat "$work/out")"
gone() { "$griot" -H "$region/$1" peers --json | jq -e 'all(.peers[]; .name != "sn")' > /dev/null; }
for node in rilo-dakar rilo-douala; do within 30 "sn is not dropped by $node" gone "$node"; done

# ---- meanwhile: nobody is admitted, the rest goes on ----
for hub in rilo-dakar rilo-douala; do
    "$griot" admit "$work/tg.card" -H "$region/$hub" > /dev/null 2>&1
done
expect 0 "record at gm" record gm "during the dispute"
within 60 "records do not spread during the dispute" all_hold 2 $nodes
all '.roster.members == 4' $nodes || fail "somebody was admitted during the dispute"

# ---- settled: the next one names both ----
expect 0 "what a node knows" "$griot" region -H "$region/gm" --out "$work/both"
expect 0 "a proposal of one side only" "$griot" root propose "$work/root-b" "$work/sn.card" --out "$work/one-side"
expect 0 "a proposal" "$griot" root propose "$region/root" --region "$work/both" "$work/sn.card" "$work/tg.card" --out "$work/settle" --json
shows '.roster == 3 and .members == 6 and (.changes[0] | .change == "settles" and (.rosters | split(" ") | length) == 2)'
expect 0 "in words" "$griot" root show "$work/settle"
grep -q "two rosters number 2" "$work/out" || fail "show says: $(cat "$work/out")"
for holder in 1 3 5; do
    expect 0 "sign $holder" root sign "$work/settle" --key "$region/root/key-$holder" --out "$work/$holder.signature" --yes
done
expect 0 "combined where one side only was known" "$griot" root combine "$work/root-b" "$work/settle" "$work"/[135].signature
cmp -s "$work/root-b/region" "$region/root/region" && fail "nothing was combined"
expect 0 "combined" "$griot" root combine "$region/root" "$work/settle" "$work"/[135].signature --json
shows '.roster == 3 and .members == 6'
expect 0 "join" "$griot" join "$region/root/region" -H "$region/rilo-douala"
within 60 "the dispute goes on" all '.warnings == [] and .roster.number == 3 and .roster.members == 6' $nodes
expect 0 "up" "$griot" sandbox up "$region"
expect 0 "join at sn" "$griot" join "$region/root/region" -H "$region/sn"
expect 0 "record at sn" record sn "in again"
expect 0 "record at tg" record tg "in for the first time"
within 90 "the region does not converge after the dispute" all_hold 4 $nodes sn tg
for node in $nodes; do grep -q root_settled "$region/$node/log.txt" || fail "$node does not log that it is settled"; done
expect 0 "down" "$griot" sandbox down "$region"
echo "dispute: two rosters of one number, seen and named alike by every node; roster 3 named both and settled it"
