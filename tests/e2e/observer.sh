#!/bin/bash
# An observer: made, admitted by two hubs' desks, joined; it reads everything and enters nothing, and what it writes all the same, with its own valid keys, is taken by nobody.
# One that dials before it is admitted gets in by itself.
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
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
stop() { # NODE
    local pid
    pid=$("$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
}
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM; }
all_hold() { # COUNT NODE...
    local count=$1 node; shift
    for node in "$@"; do
        at "$node" ".kinds.seizure == $count and .missing.total == 0 and .missing.unknown == []" || return 1
    done
    [ "$(for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
nodes="rilo-dakar rilo-douala sn"

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn
expect 0 "sandbox up" "$griot" sandbox up "$region"
expect 0 "record at sn" record sn "before"
(umask 077; head -c 32 /dev/urandom > "$region/root/unlock/wco")
expect 2 "init with no such role" "$griot" init wco -H "$region/wco" --region "$region/root/region" --role reader --key-file "$region/root/unlock/wco"
expect 0 "init" "$griot" init wco -H "$region/wco" --region "$region/root/region" --role observer --key-file "$region/root/unlock/wco" --json
shows '.role == "observer"'
expect 0 "card" "$griot" card -H "$region/wco" --out "$work/wco.card" --json
shows '.role == "observer"'
print=$(jq -r .fingerprint "$work/out")
expect 5 "record before it is a member" record wco "never"

# ---- the early bird knocks, and is let in without being touched again ----
expect 0 "up" "$griot" sandbox up "$region"
turned_away() { at rilo-dakar '[.refused[] | select(.code == "ERR_UNKNOWN_KEY" and .count >= 2)] | length > 0'; }
within 30 "the early bird does not knock twice" turned_away
pid=$("$griot" sandbox status "$region" --json | jq '.nodes[] | select(.name == "wco").pid')
expect 0 "admit at the first desk" "$griot" admit "$work/wco.card" -H "$region/rilo-dakar" --fingerprint "$print" --json
shows '.state == "proposed"'
admitted() { "$griot" admit "$work/wco.card" -H "$region/rilo-douala" --fingerprint "$print" --json | jq -e '.state != "proposed"' > /dev/null; }
within 30 "the second desk does not complete it" admitted
within 60 "the early bird does not get in by itself" all_hold 1 $nodes wco
[ "$("$griot" sandbox status "$region" --json | jq '.nodes[] | select(.name == "wco").pid')" -eq "$pid" ] || fail "it was started again"

# ---- it reads and does not write ----
expect 0 "search" "$griot" -H "$region/wco" search kind:seizure --json
shows '.total == 1'
expect 5 "record" record wco "never"
grep -q ERR_PERMISSION "$work/err" || fail "not refused by name: $(cat "$work/err")"
expect 0 "record at sn, while somebody is refused" record sn "second"
within 60 "the observer does not get what comes later" all_hold 2 $nodes wco
expect 5 "an observer admits nobody" "$griot" admit "$work/wco.card" -H "$region/wco"
expect 5 "an observer suspends nobody" "$griot" suspend sn -H "$region/wco"
"$griot" -H "$region/rilo-dakar" peers --json | jq -e '.peers[] | select(.name == "wco" and .role == "observer" and .state == "current")' > /dev/null || fail "the hub does not call it an observer"

# ---- one that writes all the same ----
stop wco
expect 0 "it writes into its own log, with its own keys" "$(realpath "$build")/e2e/member" "$region/wco" rilo-dakar writes
expect 0 "up" "$griot" sandbox up "$region"
connected() { "$griot" -H "$region/wco" peers --json | jq -e '[.peers[] | select(.state != "silent" and .state != "unknown")] | length == 2' > /dev/null; }
within 60 "it does not connect" connected
expect 0 "record at sn" record sn "third"
within 60 "the region does not go on" all_hold 3 $nodes
for node in $nodes; do
    logs=$("$griot" -H "$region/$node" status --json | jq .logs)
    [ "$logs" -eq 1 ] || fail "$node holds $logs logs: one is the observer's"
done
[ "$("$griot" -H "$region/wco" status --json | jq .logs)" -eq 2 ] || fail "the observer has not written"
echo "observer: an early bird let in by itself, reads everything and enters nothing; what it wrote with its own keys was taken by nobody"
