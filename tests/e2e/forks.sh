#!/bin/bash
# Two live copies of one node, each let in by another hub while the hubs are cut from each other, both in good faith. When the hubs meet: one proof everywhere, the part before the fork final,
# what comes after it disputed where it is held, every record of both copies stands again, once, and all nodes are equal. Hubs then classify the fork, each as it sees it.
set -u
build=$1
griot=$(realpath "$build")/griot
member=$(realpath "$build")/e2e/member
work=$(realpath "$(mktemp -d)")
region=$work/region
clone=""
finish() {
    [ -z "$clone" ] || kill -9 "$clone" 2> /dev/null
    "$griot" sandbox down "$region" > /dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt "$work"/*.log; do echo "== $log"; tail -n 12 "$log"; done; exit 1; }
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
hubs="rilo-dakar rilo-douala"
nodes="$hubs sn gm bj"
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
at() { status "$1" | jq -e "$2" > /dev/null; }
record() { # HOME TEXT
    "$griot" -H "$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM 2> /dev/null >> "$work/ids" || fail "$1 did not record $2"
}
pid_of() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
stop() {
    local pid
    pid=$(pid_of "$1")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
}
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up"; }
unlink() { sed -i "/^\[peer \"$2\"\]/{n;s/^address.*/address = tcp:\/\/127.0.0.1:1/}" "$1/griot.ini"; } # HOME PEER: a cable that leads nowhere
holds() { at "$1" ".kinds.seizure == $2"; }
equal() { # COUNT: everybody
    [ "$(for node in $nodes; do status "$node" | jq -r '"\(.heads_digest) \(.missing.total) \(.kinds.seizure) \(.index.journal - .index.followed)"'; done | sort -u | sed 's/^[0-9a-f]* //')" = "0 $1 0" ]
}

expect 0 "create" "$griot" sandbox create "$region" --hubs 2 --edges sn,gm,bj
up
record "$region/sn" "before the disk was copied"
within 30 "the region does not converge" equal 1
named() { # both hubs have signed that they hold it
    "$griot" -H "$region/bj" trace "$(head -n 1 "$work/ids")" --json | jq -e '.versions[0].hubs == 2' > /dev/null
}
within 30 "no frontier of the hubs names it" named
expect 4 "forks where there are none" "$griot" forks -H "$region/gm"
expect 4 "classify what is not there" "$griot" classify sn accident -H "$region/rilo-dakar"

# ---- apart: sn and bj with Dakar, the copy of sn and gm with Douala ----
expect 0 "down" "$griot" sandbox down "$region"
cp -a "$region/sn" "$work/clone"
for node in $nodes; do cp "$region/$node/griot.ini" "$region/$node/whole.ini"; done
unlink "$region/sn" rilo-douala
unlink "$region/bj" rilo-douala
unlink "$region/gm" rilo-dakar
unlink "$work/clone" rilo-dakar
unlink "$region/rilo-dakar" rilo-douala
unlink "$region/rilo-douala" rilo-dakar
up
"$griot" -H "$work/clone" run > "$work/clone.log" 2>&1 &
clone=$!
within 30 "the copy is not let in" grep -q own_released "$work/clone.log"
within 30 "the original is not let in" at sn .released
for i in 1 2; do record "$region/sn" "by the original $i"; done
for i in 1 ${MORE-2 3}; do record "$work/clone" "by the copy $i"; done
told=$(wc -l < "$work/ids")
within 30 "Dakar does not take in the original" holds rilo-dakar 3
within 30 "Douala does not take in the copy" holds rilo-douala $((told - 2))
within 30 "bj lacks something" holds bj 3
within 30 "gm lacks something" holds gm $((told - 2))

# ---- the hubs meet ----
for hub in $hubs; do
    cp "$region/$hub/whole.ini" "$region/$hub/griot.ini"
    stop "$hub"
done
up
within 60 "not every record of both copies stands everywhere" equal "$told"
proven() {
    [ "$(for node in $nodes; do "$griot" -H "$region/$node" forks --json | jq -c '[.forks[] | [.log, .origin, .seq, .proof, .state, .counts, .final]]'; done | sort -u | wc -l)" -eq 1 ] &&
        "$griot" -H "$region/bj" forks --json | jq -e '(.forks | length) == 1 and .hubs == [] and (.forks[0] | .origin == "sn" and .state == "disputed" and .final and .counts == .seq - 1)' > /dev/null
}
within 60 "not one proof everywhere, or what is before it is not final" proven
for node in rilo-dakar bj; do
    "$griot" -H "$region/$node" forks --json | jq -e '.forks[0].disputed == 2' > /dev/null || fail "$node does not show the original's branch as disputed"
done
for node in rilo-douala gm; do
    "$griot" -H "$region/$node" forks --json | jq -e ".forks[0].disputed == $((told - 3))" > /dev/null || fail "$node does not show the copy's branch as disputed"
done
while read -r id; do
    for node in $nodes; do
        "$griot" -H "$region/$node" show "$id" --json | jq -e '[.versions[] | select(.current)] | length == 1' > /dev/null || fail "$id is not in force once at $node"
    done
done < "$work/ids"
for node in $nodes; do expect 0 "fsck of $node" "$griot" -H "$region/$node" fsck; done
at sn '[.warnings[].code] | index("FORK") != null and index("OWN-AHEAD") != null' || fail "sn is not warned"
at gm '[.warnings[] | select(.code == "FORK")] | length == 1 and .[0].whom == "sn" and .[0].verdicts == []' || fail "gm is not warned"

# ---- the hubs say what it was ----
log=$("$griot" -H "$region/gm" forks --json | jq -r '.forks[0].log')
expect 5 "classify at an edge" "$griot" classify sn accident -H "$region/gm"
expect 2 "classify as something else" "$griot" classify sn mistake -H "$region/rilo-dakar"
expect 1 "a reason that is too long" "$griot" classify sn accident --why "$(printf 'x%.0s' $(seq 201))" -H "$region/rilo-dakar"
expect 1 "a reason that draws" "$griot" classify sn accident --why $'a\eb' -H "$region/rilo-dakar"
expect 4 "classify another log" "$griot" classify ffff0000ffff accident -H "$region/rilo-dakar"
expect 0 "classify" "$griot" classify "${log:0:8}" accident --why "the disk was copied before the move" -H "$region/rilo-dakar" --json
jq -e '.state == "classified" and .origin == "sn"' "$work/out" > /dev/null || fail "classify says $(cat "$work/out")"
"$griot" -H "$region/rilo-dakar" audit --json | jq -e '[.rows[] | select(.action == "classify" and .outcome == "ERR_OK") | .subjects | length] == [2]' > /dev/null || fail "the verdict left no row in the trail"
expect 0 "the same again" "$griot" classify sn accident --why "the disk was copied before the move" -H "$region/rilo-dakar" --json
jq -e '.state == "already classified"' "$work/out" > /dev/null || fail "again: $(cat "$work/out")"
expect 0 "classify at the other hub" "$griot" classify sn malice --why "stolen" -H "$region/rilo-douala"
expect 0 "which takes it back" "$griot" classify sn malice --why "stolen at Aflao" -H "$region/rilo-douala"
said() { "$griot" -H "$region/$1" forks --json | jq -e '.forks[0].verdicts | sort_by(.by) | map([.by, .class, .reason]) == [["rilo-dakar", "accident", "the disk was copied before the move"], ["rilo-douala", "malice", "stolen at Aflao"]]' > /dev/null; }
for node in $nodes; do within 30 "$node does not show what both hubs say" said "$node"; done
at bj '[.warnings[] | select(.code == "FORK")][0].verdicts | length == 2' || fail "the warning does not say what hubs say"
"$griot" --lang en -H "$region/gm" forks > "$work/out" || fail "forks at gm"
grep -q "stolen at Aflao" "$work/out" && grep -q "an accident" "$work/out" || fail "forks for people: $(cat "$work/out")"
"$griot" --lang en -H "$region/gm" status > "$work/out" || fail "status at gm"
grep -q "stolen at Aflao" "$work/out" || fail "status does not say what hubs say: $(cat "$work/out")"

# ---- the original goes on, the copy is gone, everybody is linked again ----
kill "$clone"
wait "$clone" 2> /dev/null
clone=""
for node in sn gm bj; do
    cp "$region/$node/whole.ini" "$region/$node/griot.ini"
    stop "$node"
done
up
record "$region/sn" "the original goes on"
within 60 "the original does not go on" equal $((told + 1))

# ---- a hub says to hold one branch of its own log, and then another ----
stop rilo-douala
timeout 60 "$member" "$region/rilo-douala" rilo-dakar liar > "$work/out" 2>&1 || fail "the lie could not be told: $(cat "$work/out")"
lies() { at "$1" '[.warnings[] | select(.code == "HUB-LIES")] | length == 1 and .[0].who == "rilo-douala"'; }
within 30 "Dakar does not see that Douala lies" lies rilo-dakar
"$griot" -H "$region/rilo-dakar" forks --json | jq -e '(.hubs | length) == 1 and (.hubs[0] | .hub == "rilo-douala" and (.frontiers | length) == 2 and .frontiers[0].seq == .frontiers[1].seq and
    .frontiers[0].hash != .frontiers[1].hash and all(.frontiers[]; (.frontier | length) > 0 and (.heads | length) > 0))' > /dev/null || fail "the evidence is not there: $("$griot" -H "$region/rilo-dakar" forks --json | jq -c .hubs)"
"$griot" --lang en -H "$region/rilo-dakar" forks > "$work/out" || fail "forks at Dakar"
grep -q "rilo-douala has signed two statements" "$work/out" || fail "forks for people: $(cat "$work/out")"
up
within 60 "the region does not go on" equal $((told + 1))
lies rilo-dakar || fail "the evidence is gone"
echo "forks: $((told + 1)) records, two copies let in by two hubs, one proof, nothing lost, nothing doubled, two verdicts side by side"
