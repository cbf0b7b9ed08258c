#!/bin/bash
# A node that comes back from an older state and imports the same files again: not before what it had recorded since is back, so that no row stands twice; unless it is told to. And a disk that
# lied: only the log goes back to an older sync, everything beside it is newer.
set -u
build=$1
griot=$(realpath "$build")/griot
here=$(realpath "$(dirname "$0")")
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED T25: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 8 "$log"; done; exit 1; }
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
nodes="rilo-dakar rilo-douala sn gm"
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up"; }
stop() {
    local pid
    pid=$("$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid")
    kill -9 "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
}
equal() { [ "$(for node in $nodes; do status "$node" | jq -r '"\(.heads_digest) \(.missing.total) \(.kinds.seizure) \(.index.journal - .index.followed)"'; done | sort -u | sed 's/^[0-9a-f]* //')" = "0 $1 0" ]; }
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM > /dev/null 2>&1 || fail "$1 did not record $2"; }
import() { "$griot" -H "$region/sn" import "$work/cli-exercise.csv" --map "$work/cli-exercise.ini" --json "$@"; }
warned() { status sn | jq -e "[.warnings[].code] | index(\"$1\") != null" > /dev/null; }
no_fork() { ! grep -q -i fork "$region"/*/log.txt && for node in $nodes; do "$griot" -H "$region/$node" forks > /dev/null 2>&1; [ $? -eq 4 ] || return 1; done; }

cp "$here"/cli-exercise.* "$work"
expect 0 "create" "$griot" sandbox create "$region" --hubs 2 --edges sn,gm
up
record sn "before the backup"
expect 0 "identity" "$griot" -H "$region/sn" card --export-identity "$work/sn.identity"
expect 0 "backup" "$griot" -H "$region/sn" backup "$work/backup"
expect 0 "import" import
rows=$(jq .new "$work/out")
[ "$rows" -gt 0 ] || fail "nothing was imported"
within 30 "the rows do not arrive" equal $((rows + 1))

# ---- restored; the same file again before anybody is connected ----
stop sn
mv "$region/sn" "$work/lost"
expect 0 "restore" "$griot" restore "$work/backup" --identity "$work/sn.identity" -H "$region/sn"
grep -q "files are not imported" "$work/out" || grep -q "fichiers" "$work/out" || fail "restore does not say it: $(cat "$work/out")"
expect 1 "import before the gap is back" import
jq -e '.code == "ERR_GAP"' "$work/err" > /dev/null || fail "it is not refused for the gap: $(cat "$work/err")"
record sn "offline, after the restore"
warned GAP-OPEN || fail "the operator is not warned"
up
within 60 "not everything is back" equal $((rows + 2))
gone() { ! warned GAP-OPEN; }
within 30 "the warning stays" gone
expect 0 "import again" import
jq -e ".new == 0 and .updated == 0 and .unchanged == $rows" "$work/out" > /dev/null || fail "the rows are not known again: $(cat "$work/out")"
no_fork || fail "a fork"

# ---- restored again; told not to wait: both versions of each row stand, which the owner sees ----
stop sn
mv "$region/sn" "$work/lost2"
expect 0 "restore again" "$griot" restore "$work/backup" --identity "$work/sn.identity" -H "$region/sn"
expect 1 "import" import
expect 0 "import --anyway" import --anyway
jq -e ".new == $rows" "$work/out" > /dev/null || fail "imported anyway: $(cat "$work/out")"
gone || fail "it waits still"
up
within 60 "not equal after an import in spite of it" equal $((2 * rows + 2))
no_fork || fail "a fork after --anyway"

# ---- a disk that lied: the log of an earlier sync, with keys, index and files of now ----
stop sn
cp "$region/sn/log/data.mdb" "$work/data.mdb"
up
for i in 1 2 3; do record sn "synced, said the disk $i"; done
within 30 "they do not arrive" equal $((2 * rows + 5))
stop sn
cp "$work/data.mdb" "$region/sn/log/data.mdb"
up
record sn "after the lost sync"
within 60 "not equal after a lost sync" equal $((2 * rows + 6))
warned OWN-AHEAD || fail "the operator is not told that others held more"
no_fork || fail "a fork after a lost sync"
for node in $nodes; do expect 0 "fsck of $node" "$griot" -H "$region/$node" fsck; done
echo "rollback: $rows rows imported again after a restore stand once, twice when told to, and a lost sync made no fork"
