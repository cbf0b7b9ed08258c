#!/bin/bash
# A sandbox from create to down: real processes, a pulled cable under standing links, under a dead node and under a dead relay; nothing is lost, nothing is started twice.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; "$griot" sandbox status "$region" 2>&1; for log in "$region"/*/log.txt "$region"/root/wire.log; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2>&1
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out"; fail "$what: exit code $got, not $want"; }
}
sandbox() { "$griot" sandbox "$@"; }
all() { sandbox status "$region" --json | jq -e "$1" > /dev/null; }
pid_of() { sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\") | .pid"; }
record() { # NODE NUMBER
    "$griot" -H "$region/$1" record seizure date=2026-11-02 country=SN heading=DRG description="exercise $2" quantity=1 unit=KGM > /dev/null 2>&1 || fail "record $2 at $1"
}
holds() { # NODE COUNT: so many once its index has followed its log, and not one more
    deadline=$((SECONDS + 30))
    until "$griot" -H "$region/$1" --json status | jq -e ".index.followed == .index.journal and .kinds.seizure == $2" > /dev/null; do
        [ $SECONDS -lt $deadline ] || return 1
        sleep 0.05
    done
}
await() { # WHAT JQ-CONDITION on griot.sandbox/1
    deadline=$((SECONDS + 60))
    until all "$2"; do
        [ $SECONDS -lt $deadline ] || fail "$1"
        sleep 0.1
    done
}
converged() { # COUNT: every node holds so many records, misses none, and all heads are equal
    await "not everybody holds $1 records" "[.nodes[].status] | all(. != null and .kinds.seizure == $1 and .missing.total == 0 and .missing.unknown == []) and ([.[].heads_digest] | unique | length) == 1"
}

# Refusals, before anything exists.
expect 4 "up of what is no sandbox" sandbox up "$work"
expect 2 "an unknown edge" sandbox create "$region" --edges sn,zz
expect 2 "an edge twice" sandbox create "$region" --edges sn,sn
expect 4 "a parent that is not there" sandbox create "$work/no/where"
[ ! -e "$region" ] || fail "a refused create left something"

expect 0 "create" sandbox create "$region" --edges sn,gm,gw,cm
expect 1 "create on an existing one" sandbox create "$region"
[ "$(ls "$region" | tr '\n' ' ')" = "cm gm gw rilo-dakar rilo-douala root sn " ] || fail "other things than homes and root: $(ls "$region")"
[ -z "$(find "$region" -perm /077 -path '*unlock/*')" ] || fail "a sealing key that others may read"
all '[.nodes[].up] | any | not' || fail "something runs before up"
expect 0 "up" sandbox up "$region"
all '[.nodes[] | .up and .status != null and (.cut | not)] | all' || fail "not everybody is up"
for node in rilo-dakar rilo-douala sn gm gw cm; do
    tr '\0' ' ' < "/proc/$(pid_of $node)/cmdline" | grep -q -- "-H $region/$node run" || fail "the command line of $node does not name its home"
done
record sn 1
converged 1

# Idempotent: the same processes.
before=$(sandbox status "$region" --json | jq -c '[.wire.pid, .nodes[].pid]')
expect 0 "up again" sandbox up "$region"
[ "$(sandbox status "$region" --json | jq -c '[.wire.pid, .nodes[].pid]')" = "$before" ] || fail "up restarted what ran"

# A pulled cable: both sides go on alone, and find each other again.
expect 4 "cut of an unknown node" sandbox cut "$region" zz
expect 0 "cut" sandbox cut "$region" gw
expect 0 "cut again" sandbox cut "$region" gw
record gw 2
record cm 3
await "the others do not hear each other" '[.nodes[] | select(.name != "gw") | .status.kinds.seizure == 2] | all'
holds gw 2 || fail "gw holds something else than the first record and its own"
all '.nodes[] | select(.name == "gw") | .cut' || fail "status does not show the cut"

# The node dies behind the pulled cable; only it is started again, and it is still cut.
victim=$(pid_of gw)
kill -KILL "$victim"
tail --pid="$victim" -f /dev/null
others=$(sandbox status "$region" --json | jq -c '[.wire.pid, (.nodes[] | select(.name != "gw") | .pid)]')
expect 0 "up after a crash" sandbox up "$region"
[ "$(sandbox status "$region" --json | jq -c '[.wire.pid, (.nodes[] | select(.name != "gw") | .pid)]')" = "$others" ] || fail "up restarted what had not died"
record gw 4
holds gw 3 || fail "gw lost or got a record behind its cable"
holds rilo-dakar 2 || fail "something came through a pulled cable"

# Alone, it claims nothing of the others, shows whom it should hear, and from outside one sees what it lacks.
at() { "$griot" -H "$region/$1" --json "${@:3}" | jq -e "$2" > /dev/null || fail "$1 ${*:3}: not $2"; }
at gw '.records == 3 and .kinds == {"seizure": 3, "alert": 0} and .missing.alone and .missing.heard_ms == null and (.missing.unknown | length) == 5' status
at gw '[.peers[] | [.name, .state]] | sort == [["rilo-dakar", "unknown"], ["rilo-douala", "unknown"]]' peers
at gw '.complete | .origins == 1 and .of == 6 and .alone and .heard_ms == null and (.unknown | length) == 5' search exercise
at rilo-dakar '[.peers[].name] | sort == ["cm", "gm", "gw", "rilo-douala", "sn"]' peers
at sn '.complete | .origins == 6 and (.alone | not) and .heard_ms != null' search exercise
for what in status "search exercise"; do
    # shellcheck disable=SC2086
    "$griot" --lang en -H "$region/gw" $what --strict > "$work/out" 2>&1
    [ $? -eq 6 ] || fail "$what --strict of a node that hears nobody does not exit with 6"
    grep -q "nobody is heard" "$work/out" || fail "$what does not say that nobody is heard"
done
sandbox status "$region" --json | jq -e '([.nodes[].status.entries] | max) as $most | [.nodes[] | .missing == ([$most - .status.entries, .status.missing.total] | max)] | all' > /dev/null ||
    fail "what each node lacks is not what is seen from outside"
expect 0 "heal" sandbox heal "$region" gw
expect 0 "heal again" sandbox heal "$region" gw
converged 4

# The relay dies: nobody reaches anybody, and only it is started again.
wire=$(sandbox status "$region" --json | jq .wire.pid)
kill -KILL "$wire"
tail --pid="$wire" -f /dev/null
record sn 5
expect 0 "up after the relay's death" sandbox up "$region"
converged 5

# A cable pulled while all is down is still pulled afterwards.
expect 0 "down" sandbox down "$region"
all '(.wire.up | not) and ([.nodes[].up] | any | not)' || fail "something runs after down"
expect 0 "down again" sandbox down "$region"
expect 0 "cut while down" sandbox cut "$region" sn
expect 0 "up" sandbox up "$region"
record sn 6
record gm 7
await "the others do not hear each other" '[.nodes[] | select(.name != "sn") | .status.kinds.seizure == 6] | all'
holds sn 6 || fail "a cut made while down did not hold"
expect 0 "heal" sandbox heal "$region" sn
converged 7

expect 0 "down" sandbox down "$region"
[ -z "$(pgrep -f -- "$region")" ] || fail "processes are left: $(pgrep -af -- "$region")"
echo "sandbox: cut, healed, crashed and restarted; 7 records everywhere, none lost"
