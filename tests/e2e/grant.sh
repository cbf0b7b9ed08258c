#!/bin/bash
# Who reads what, over time: a node that joins later reads what was before only when its author grants it the keys, and nothing that comes after unless it is named; a node that is left
# out, or put out, reads nothing that comes after; keys are rotated and nodes started again in between, and everybody still reads what was his.
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
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
json() { jq -e "$1" "$work/out" > /dev/null || { cat "$work/out"; fail "$what: not $1"; }; }
error() { jq -e "$1" "$work/err" > /dev/null || { cat "$work/err"; fail "$what: not $1"; }; }
stop() { # NODE
    local pid
    pid=$("$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
}
record() { # NODE LIST WORDS: the id in $id
    expect 0 "record at $1 for $2" "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$3" quantity=1 unit=KGM --to "$2" --json
    id=$(jq -r .id "$work/out")
}
total() { "$griot" -H "$region/$1" --json search "$2" | jq -r .total; }
finds() { [ "$(total "$1" "$2")" = "$3" ]; } # NODE WORD COUNT
one_state() { # NODE...: all hold the same, and nothing is missing
    local node
    for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -e '.missing.total == 0' > /dev/null || return 1; done
    [ "$(for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
reads() { "$griot" -H "$region/sn" readers --to "$1" --json | jq -e ".readers[] | select(.name == \"$1\").reads" > /dev/null; }
counter() { "$griot" -H "$region/$1" status --json | jq -e '.warnings == []' > /dev/null; }
hubs="rilo-dakar rilo-douala"
nodes="$hubs sn gm bj"
root() { "$griot" root roster "$region/root" --key-file "$region/root/unlock/root" "$@" && "$griot" join "$region/root/region" -H "$region/sn"; }

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm,bj
expect 0 "sandbox up" "$griot" sandbox up "$region"
within 30 "the nodes do not find one another" one_state $nodes
record sn gm "acajou un"; first=$id
record sn gm "acajou deux"
record sn gm,bj "ebene un"
within 30 "what sn recorded does not arrive" one_state $nodes
finds gm acajou 2 && finds gm ebene 1 && finds bj ebene 1 && finds bj acajou 0 || fail "not read by those named"

# ---- a late joiner ----
key=$region/root/unlock/tg
(umask 077; head -c 32 /dev/urandom > "$key")
expect 0 "init tg" "$griot" init tg -H "$region/tg" --region "$region/root/region" --key-file "$key" --rilo rilo-dakar
expect 0 "card of tg" "$griot" card -H "$region/tg" --out "$work/tg.card"
expect 4 "nobody can be granted anything before he is a member" "$griot" -H "$region/sn" grant tg --to gm --json
error '.value == "tg"'
expect 0 "a roster with tg" root "$work/tg.card"
expect 0 "start tg" "$griot" sandbox up "$region"
within 60 "tg does not come in" one_state $nodes tg
finds tg acajou 0 && finds tg ebene 0 || fail "tg reads what was recorded before it joined"
expect 0 "sealed at tg" "$griot" -H "$region/tg" sealed --json
json '.unreadable.entries == 3 and .readable.entries == 0 and .unreadable.opened == 0'
expect 0 "a dry run" "$griot" -H "$region/sn" grant tg --to gm --dry-run --json
json '.dry_run and .entries == 2 and (.keys | length) == 1 and .keys[0].entries == 2'
finds tg acajou 0 || fail "a dry run has given something"
expect 0 "not since tomorrow" "$griot" -H "$region/sn" grant tg --to gm --since 2199-01-01 --dry-run --json
json '.entries == 0 and .keys == []'
expect 0 "grant" "$griot" -H "$region/sn" grant tg --to gm --json
json '(.dry_run | not) and .entries == 2 and .name == "tg"'
grep -q 'event=keys_granted to=tg keys=1 entries=2' "$region/sn/log.txt" || fail "the grant is not in the log"
given() { finds tg acajou 2; }
within 30 "tg does not read what it was granted" given
finds tg ebene 0 || fail "tg reads what it was not granted"
finds bj acajou 0 || fail "a grant to tg lets bj read"
expect 0 "readers of what was granted" "$griot" -H "$region/tg" readers "$first" --json
json '[.versions[0].readers[] | select(.reads) | .name] | sort == ["gm", "sn", "tg"]'
json '.versions[0].readers[] | select(.name == "tg") | .granted'
expect 0 "again" "$griot" -H "$region/sn" grant tg --to gm --json
json '.keys == [] and .held == 1'
# What comes next for the same readers is not for him.
record sn gm "acajou trois"
within 30 "the third does not arrive" one_state $nodes tg
finds gm acajou 3 || fail "gm does not read what is for it"
finds tg acajou 2 || fail "tg reads what was recorded after the grant, for others"
# One record, by its id; and named, he reads like anybody else.
record sn bj "palissandre"; single=$id
expect 5 "of another office's record" "$griot" -H "$region/bj" grant tg --record "$single" --json
expect 0 "by record" "$griot" -H "$region/sn" grant tg --record "$single" --json
json '.entries == 1'
record sn tg "iroko"
within 30 "tg does not read one record, or what is for it" finds tg palissandre 1
within 30 "tg does not read what is for it" finds tg iroko 1
expect 1 "what is for all has no keys" "$griot" -H "$region/sn" grant tg --to region
expect 2 "the keys of nothing" "$griot" -H "$region/sn" grant tg

# ---- left out ----
record sn bj "ebene deux"
within 30 "what bj alone reads does not arrive" one_state $nodes tg
finds bj ebene 2 && finds gm ebene 1 || fail "gm reads what is for bj alone"

# ---- keys are rotated, nodes started again ----
expect 0 "rotate gm" "$griot" rotate -H "$region/gm" --json
json '.counter == 2 and .published'
within 30 "the card does not arrive" one_state $nodes tg
keys_of() { "$griot" -H "$region/gm" sealed --json | jq -r '[.keys[] | select(.author == "sn" and .state == "readable").key] | length'; }
before=$(keys_of)
new_key() { # a card is no entry: it may still be on its way when all hold the same entries
    record sn gm "acajou encore"
    within 30 "what was recorded after the rotation does not arrive" one_state $nodes tg
    [ "$(keys_of)" -gt "$before" ]
}
within 30 "no new key after the rotation" new_key
acajou=$(total sn acajou)
finds gm acajou "$acajou" || fail "gm does not read by its new key, or not any more by the old one"
for node in sn gm tg rilo-dakar; do stop "$node"; done
expect 0 "up again" "$griot" sandbox up "$region"
within 60 "they do not find one another again" one_state $nodes tg
finds gm acajou "$acajou" && finds sn acajou "$acajou" && finds tg acajou 2 && finds tg palissandre 1 || fail "not everybody reads after a restart what was his"
before=$(keys_of)
record sn gm "acajou enfin"
within 30 "what was recorded after the restart does not arrive" one_state $nodes tg
finds gm acajou $((acajou + 1)) || fail "gm does not read after a restart"
[ "$(keys_of)" -eq "$before" ] || fail "a restart makes a new key"
expect 0 "a rebuilt index" "$griot" -H "$region/gm" rebuild
finds gm acajou $((acajou + 1)) || fail "gm does not find it in a rebuilt index"

# ---- put out ----
expect 0 "an operation" "$griot" -H "$region/sn" record operation name=BAOBAB purpose=Exercise participant=bj participant=tg
expect 0 "remove tg" root --remove tg
gone() { "$griot" -H "$region/sn" readers --to tg --json 2>&1 | jq -e '.code == "ERR_NOT_MEMBER"' > /dev/null; }
within 30 "sn does not hear that tg has left" gone
expect 5 "for one who has left" "$griot" -H "$region/sn" record seizure date=2026-11-03 country=SN heading=DRG description=x quantity=1 unit=KGM --to bj,tg --json
error '.value == "tg"'
expect 4 "keys for one who has left" "$griot" -H "$region/sn" grant tg --to bj --json
record sn operation:BAOBAB "sapelli"
json '[.readers[].name] == ["sn", "bj"]'
within 30 "the rest does not converge" one_state $nodes
finds bj sapelli 1 || fail "bj does not read what is for the operation"
finds tg sapelli 0 || fail "tg, removed, reads what came after"
"$griot" -H "$region/tg" sealed --json | jq -e '.unreadable.opened == 0' > /dev/null || fail "tg opens more than it should"
expect 0 "down" "$griot" sandbox down "$region"
echo "grant: a late joiner read what it was granted and nothing else, one who was left out or put out nothing that came after; keys rotated, nodes started again, and everybody read what was his"
