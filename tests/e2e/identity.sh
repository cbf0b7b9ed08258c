#!/bin/bash
# An office's machine is copied by a thief: a hub suspends the node, the office makes a new identity key, the root names it with a cut for the old one. The node goes on under its id in new logs;
# what it had written stays; the thief is heard by nobody, whatever he signs.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
thief_pid=
finish() { [ -z "$thief_pid" ] || kill "$thief_pid" 2> /dev/null; "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt "$work"/thief/log.txt; do echo "== $log"; tail -n 6 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err"
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
shows() { jq -e "$1" "$work/out" > /dev/null || { cat "$work/out"; fail "$what: not $1"; }; }
at() { "$griot" -H "$region/$1" status --json | jq -e "$2" > /dev/null; }
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { "$griot" -H "$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM; }
hubs="rilo-dakar rilo-douala"
all="$hubs sn gm"
all_hold() { # COUNT NODE...
    local count=$1 node; shift
    for node in "$@"; do
        at "$node" ".kinds.seizure == $count and .missing.total == 0" || return 1
    done
    [ "$(for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
root() { "$griot" root "$@" --key-file "$region/root/unlock/root"; }

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm
expect 0 "sandbox up" "$griot" sandbox up "$region"
expect 0 "record at sn" record "$region/sn" "before the theft"
expect 0 "record at gm" record "$region/gm" "of gm"
within 60 "the region does not converge" all_hold 2 $all

# ---- the theft: a copy with all its keys ----
cp -a "$region/sn" "$work/thief"
rm -f "$work/thief/control.sock"
sleep 3 # the hubs sign frontiers that name it
expect 0 "a hub suspends" "$griot" suspend sn -H "$region/rilo-dakar" --reason "machine copied"
expect 0 "sn goes on by itself" record "$region/sn" "while suspended"

# ---- a new identity key, made at the node and named by the root ----
before=$("$griot" card -H "$region/sn" --json | jq -r .fingerprint)
expect 0 "a new identity key" "$griot" card -H "$region/sn" --new-identity --out "$work/sn.card" --json
shows '.name == "sn"'
print=$(jq -r .fingerprint "$work/out")
expect 0 "the same key again" "$griot" card -H "$region/sn" --new-identity --out "$work/sn.card" --json
[ "$("$griot" card -H "$region/sn" --json | jq -r .fingerprint)" = "$before" ] || fail "the node uses a key that the root has not named"
expect 0 "what the hub knows" "$griot" region -H "$region/rilo-dakar" --out "$work/region-of-hub" --json
expect 1 "an identity card given as any card" root roster "$region/root" "$work/sn.card"
expect 0 "the present card" "$griot" card -H "$region/sn" --out "$work/old.card"
expect 1 "a card with the present key" root roster "$region/root" --identity "$work/old.card"
expect 5 "hubs cannot give it" "$griot" admit "$work/sn.card" -H "$region/rilo-douala"
expect 0 "propose" "$griot" root propose "$region/root" --region "$work/region-of-hub" --identity "$work/sn.card" --out "$work/proposal" --json
shows '([.changes[].change] | sort) == ["cut", "identity", "lifted"] and (.changes[] | select(.change == "cut").logs >= 1)'
jq -e --arg print "$print" '.changes[] | select(.change == "identity") | .fingerprint != null and .fingerprint != ""' "$work/out" > /dev/null || fail "no fingerprint of the new card"
expect 0 "the roster" root roster "$region/root" --region "$work/region-of-hub" --identity "$work/sn.card" --json
shows '.roster == 2 and .members == 4'
expect 0 "join at a hub" "$griot" join "$region/root/region" -H "$region/rilo-douala"
within 30 "the hubs do not see the roster" at rilo-dakar '.roster.number == 2'
expect 0 "join at sn" "$griot" join "$region/root/region" -H "$region/sn" --json
within 30 "sn does not take its new key" grep -q identity_key_replaced "$region/sn/log.txt"
[ ! -e "$region/sn/keys/identity-next" ] && [ ! -e "$region/sn/card-next" ] || fail "sn still keeps a key for later"

# ---- the node goes on ----
within 60 "sn does not come back" all_hold 3 $all
expect 0 "record at sn" record "$region/sn" "under the new key"
expect 0 "record at gm" record "$region/gm" "to sn"
within 60 "sn is not heard under its new key" all_hold 5 $all
for node in $all; do
    at "$node" '[.warnings[] | select(.code == "ACT-SUSPEND")] == []' || fail "$node: the suspension goes on"
done
logs=$("$griot" -H "$region/gm" status --json | jq .logs)

# ---- the thief ----
"$griot" -H "$work/thief" run 2> "$work/thief/log.txt" &
thief_pid=$!
within 30 "the thief's node does not run" "$griot" -H "$work/thief" status --json > /dev/null
expect 0 "the thief records" record "$work/thief" "by the thief"
for node in $hubs; do
    within 30 "the thief does not knock at $node" at "$node" '[.refused[] | select(.count > 0)] | length > 0'
done
sleep 5
all_hold 5 $all || fail "the thief is heard"
"$griot" -H "$work/thief" peers --json | jq -e 'all(.peers[]; .state != "current" and .state != "catching up")' > /dev/null || fail "somebody speaks with the thief"
kill "$thief_pid"
wait "$thief_pid" 2> /dev/null
thief_pid=

# ---- and after a restart of everybody ----
expect 0 "down" "$griot" sandbox down "$region"
expect 0 "up" "$griot" sandbox up "$region"
expect 0 "record at sn" record "$region/sn" "after a restart"
within 60 "sn is not heard after a restart" all_hold 6 $all
[ "$("$griot" -H "$region/gm" status --json | jq .logs)" -eq "$logs" ] || fail "sn begins a log at every start"
for node in $all; do expect 0 "fsck at $node" "$griot" fsck -H "$region/$node"; done
expect 0 "down" "$griot" sandbox down "$region"
echo "identity: a copied node has a new identity key by roster 2, went on under its id and kept its records; the thief was heard by nobody"
