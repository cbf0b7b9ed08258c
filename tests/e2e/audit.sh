#!/bin/bash
# The audit trail with real processes: what people do leaves rows, frontiers carry their head, whoever edits or cuts the trail is named by the node itself and by its peers; what was typed is
# readable for the auditor alone; nothing of records or searches stands in any log; another user of the machine is refused at every command; the daemon leaves no core and no memory to read.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
other=
finish() {
    [ -z "$other" ] || kill "$other" 2> /dev/null
    "$griot" sandbox down "$region" > /dev/null 2>&1
    rm -rf "$work" "/tmp/$(basename "$work").nobody"
}
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err" < /dev/null
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
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8
at() { "$griot" -H "$region/$1" status --json 2> /dev/null | jq -e "$2" > /dev/null; }
rows() { "$griot" -H "$region/$1" audit --limit 1000 --json "${@:3}" | jq -e "$2" > /dev/null; } # NODE JQ OPTION...
record() { "$griot" -H "$region/$1" record seizure date=2026-11-01 country=SN heading=DRG description="$2" quantity=1 unit=KGM "${@:3}" 2> /dev/null; }
pid_of() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
stop() { # NODE
    local pid
    pid=$(pid_of "$1")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
}
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail "sandbox up"; }
remembers() { # AT NODE COUNT: the last head of NODE that AT has been told is of at least so many rows
    "$griot" -H "$region/$1" audit --heads --of "$2" --json | jq -e ".nodes[0].heads[-1].count >= $3" > /dev/null
}
named() { "$griot" -H "$region/$1" audit --verify --json | jq -e ".ok and .named >= $2" > /dev/null; } # NODE ROWS
warned() { at "$1" "[.warnings[] | select(.code == \"$2\" and .whom == \"$3\")] | length == 1"; } # AT CODE WHOM

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm
up

# ---- what people do leaves rows ----
marker=Zwqmarkerrecord query=Zwqmarkerquery
id=$(record sn "$marker in the hold" tlp=RED) || fail "record"
open=$(record sn "$marker for everybody") || fail "record"
expect 0 "search" "$griot" -H "$region/sn" search "$marker"
expect 4 "search without hits" "$griot" -H "$region/sn" search "$query"
expect 1 "search that is not understood" "$griot" -H "$region/sn" search "nosuchfield:${query}"
expect 0 "show of what is for everybody" "$griot" -H "$region/sn" show "$open"
expect 0 "show of what is for few" "$griot" -H "$region/sn" show "$id"
expect 0 "trace" "$griot" -H "$region/sn" trace "$id"
expect 0 "import" "$griot" -H "$region/sn" import tests/e2e/cli-exercise.csv --map tests/e2e/cli-exercise.ini --rejected "$work/rejected.csv"
expect 0 "backup" "$griot" -H "$region/sn" backup "$work/backup-$query"
expect 1 "backup onto it" "$griot" -H "$region/sn" backup "$work/backup-$query"
expect 5 "suspend at an edge" "$griot" -H "$region/sn" suspend gm
expect 0 "rotate" "$griot" -H "$region/sn" rotate
expect 0 "erase" "$griot" -H "$region/sn" erase "$open" --why "entered twice"
expect 0 "bundle out" "$griot" -H "$region/sn" bundle out --for gm --since nothing --out "$work/gm.bundle"
expect 0 "bundle in" "$griot" -H "$region/gm" bundle in "$work/gm.bundle"
who=$(id -un)
rows sn "[.rows[].action] == [\"life\", \"start\", \"record\", \"record\", \"search\", \"search\", \"search\", \"show\", \"trace\", \"import\", \"backup\", \"backup\", \"backup\", \"suspend\", \"rotate\", \"erase\", \"bundle\"]" ||
    fail "the rows are: $("$griot" -H "$region/sn" audit --json | jq -c '[.rows[].action]')"
rows sn "all(.rows[]; .login == \"$who\" and .uid == $(id -u))" || fail "the rows do not say who"
rows sn "[.rows[] | select(.action == \"show\")] | length == 1 and .[0].subjects[0].id == \"$id\"" || fail "show"
rows sn '[.rows[] | select(.action == "search").counts] == [{"total": 2, "shown": 2, "guarded": 1}, {"total": 0, "shown": 0, "guarded": 0}, {"total": 0, "shown": 0, "guarded": 0}]' || fail "search"
rows sn '[.rows[] | select(.action == "search").outcome] == ["ERR_OK", "ERR_OK", "ERR_INVALID"]' || fail "outcome of a search"
rows sn '.rows[] | select(.action == "import").counts.new > 1' || fail "import"
rows sn ".rows[] | select(.action == \"erase\") | .subjects[0].id == \"$open\"" || fail "erase"
rows gm '[.rows[] | select(.action == "bundle-in") | .outcome] == ["ERR_OK"]' || fail "bundle in"
rows sn '[.rows[] | select(.action == "backup").outcome] == ["ERR_OK", "ERR_OK", "ERR_EXISTS"]' || fail "backup"
rows sn '.rows[] | select(.action == "suspend") | .outcome == "ERR_PERMISSION"' || fail "suspend"
rows sn '[.rows[].action] | all(. == "search")' --action search || fail "--action"
rows sn '.rows == []' --since 2031-01-01 || fail "--since"
expect 2 "an action that there is not" "$griot" -H "$region/sn" audit --action nothing
expect 2 "a time that there is not" "$griot" -H "$region/sn" audit --since yesterday
expect 2 "too many" "$griot" -H "$region/sn" audit --limit 1001
expect 0 "verify" "$griot" -H "$region/sn" audit --verify
grep -q "the trail is whole" "$work/out" || fail "verify says: $(cat "$work/out")"

# ---- what was typed: sealed in the trail, opened with this node's keys, and that is a row too ----
rows sn '[.rows[] | select(.action == "search") | .typed] | all(. == null)' || fail "searches are shown unasked"
rows sn "[.rows[] | select(.action == \"search\") | .typed] == [\"$marker\", \"$query\", \"nosuchfield:${query}\"]" --open || fail "what was searched for"
rows sn '.rows[-1].action == "open"' || fail "opening leaves no row"

# ---- the auditor's key: then the node itself cannot ----
stop gm
(umask 077; head -c 32 /dev/urandom > "$work/unlock")
expect 0 "audit key" "$griot" audit key "$work/auditor" --key-file "$work/unlock"
cat "$work/out" >> "$region/gm/griot.ini"
expect 1 "audit key over another" "$griot" audit key "$work/auditor" --key-file "$work/unlock"
expect 0 "config check" "$griot" -H "$region/gm" config check
up
expect 4 "search at gm" "$griot" -H "$region/gm" search "$query"
rows gm '[.rows[] | select(.action == "search") | .typed] == [null]' --open || fail "the node opens what is the auditor's"
rows gm "[.rows[] | select(.action == \"search\") | .typed] == [\"$query\"]" --auditor "$work/auditor" --key-file "$work/unlock" || fail "the auditor cannot read it"

# ---- frontiers carry the head; the daemon stopped, all of it works ----
record sn "so that a frontier is signed" > /dev/null || fail "record"
within 30 "no frontier names the rows" named sn 16
within 30 "rilo-dakar does not hear of them" remembers rilo-dakar sn 16
stop sn
rows sn '.rows[-1].action == "stop"' || fail "stop"
expect 4 "search, stopped" "$griot" -H "$region/sn" search "$query"
rows sn '.rows[-1].action == "search"' || fail "search at a stopped node leaves no row"
expect 0 "verify, stopped" "$griot" -H "$region/sn" audit --verify
expect 0 "fsck, stopped" "$griot" -H "$region/sn" fsck
expect 0 "heads" "$griot" -H "$region/rilo-dakar" audit --heads --json
cp "$work/out" "$work/heads.json"
expect 0 "verify against rilo-dakar" "$griot" -H "$region/sn" audit --verify --against "$work/heads.json"
expect 1 "verify against what is no such file" "$griot" -H "$region/sn" audit --verify --against "$work/auditor"

# ---- no record, no search, in any log ----
for file in "$region"/*/log.txt "$region"/*/status; do
    [ -e "$file" ] || continue
    ! grep -aqi "zwqmarker" "$file" || fail "$file holds what was recorded or searched for: $(grep -ai zwqmarker "$file" | head -n 2)"
done
[ "$(cat "$region"/*/log.txt | wc -l)" -gt 8 ] || fail "there is no log to look at"
! grep -aqi "$query" "$region"/sn/log/data.mdb || fail "a search stands in the store as it was typed"
grep -aq "^" "$region/sn/log/data.mdb" || fail "no store to look at"

# ---- put back to an older state: named by its peers, and a new life by itself ----
cp -a "$region/sn" "$work/older"
up
for i in 1 2 3; do expect 0 "search $i" "$griot" -H "$region/sn" search "$marker"; done
record sn "before it is put back" > /dev/null || fail "record"
count=$("$griot" -H "$region/sn" audit --limit 1 --json | jq .count)
within 30 "no frontier names them" named sn $((count - 1))
within 30 "rilo-dakar does not hear of them" remembers rilo-dakar sn $((count - 1))
within 30 "rilo-douala does not hear of them" remembers rilo-douala sn $((count - 1))
stop sn
rm -rf "$region/sn"
mv "$work/older" "$region/sn"
up
record sn "after it was put back" > /dev/null || fail "record"
seen() { warned "$1" AUDIT-BACK sn || warned "$1" AUDIT-AGAIN sn; }
for node in rilo-dakar rilo-douala; do within 30 "$node does not see that the trail of sn went back" seen $node; done
within 30 "sn begins no new life" rows sn '[.rows[] | select(.action == "life")] | length == 2'
for node in rilo-dakar rilo-douala; do within 30 "$node does not hear of the new life" warned $node AUDIT-AGAIN sn; done
expect 0 "verify after it was put back" "$griot" -H "$region/sn" audit --verify --json
jq -e '.ok' "$work/out" > /dev/null || fail "verify: $(cat "$work/out")"
"$griot" -H "$region/rilo-dakar" audit --heads --of sn --json > "$work/heads.json" || fail "heads"
expect 0 "verify against rilo-dakar" "$griot" -H "$region/sn" audit --verify --against "$work/heads.json" --json
jq -e '.lost | length > 0' "$work/out" > /dev/null || fail "what was lost is not said: $(cat "$work/out")"
expect 0 "explain" "$griot" explain AUDIT-BACK
"$griot" -H "$region/rilo-dakar" status > "$work/out"
grep -q "AUDIT-AGAIN" "$work/out" && grep -q "sn, 20" "$work/out" || fail "status does not say whose: $(cat "$work/out")"

# ---- the daemon: no core, no memory to read, a socket for its user alone ----
pid=$(pid_of sn)
grep -E '^Max core file size +0 +0 ' "/proc/$pid/limits" > /dev/null || fail "core files: $(grep core "/proc/$pid/limits")"
gate=$(pgrep -P "$pid" -f gateway) || fail "no process of its own for the sockets"
grep -E '^Max core file size +0 +0 ' "/proc/$gate/limits" > /dev/null || fail "core files of the gateway: $(grep core "/proc/$gate/limits")"
[ "$(stat -c %a "$region/sn/control.sock")" = 600 ] || fail "the socket's mode is $(stat -c %a "$region/sn/control.sock")"
[ "$(awk '/^VmLck/ {print $2}' "/proc/$pid/status")" -gt 0 ] || fail "no memory is locked"
if [ "$(id -u)" -eq 0 ] && setpriv --reuid=65534 --regid=65534 --clear-groups true 2> /dev/null; then
    nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
    cp "$griot" "$work/griot"
    chmod 755 "$work" "$work/griot"
    card=$work/some.card
    "$griot" -H "$region/sn" card --out "$card" > /dev/null 2>&1 || fail "card"
    chmod 644 "$card" "$region/root/region"
    commands=(status peers lag "search x" "show $id" "trace $id" "record seizure date=2026-11-01 country=SN heading=DRG quantity=1 unit=KGM" "admit $card" "suspend gm" "join $region/root/region" "backup $work/nobodys"
        rotate fsck verify rebuild audit "audit --verify" "audit --heads" doctor "watch --since 0" check card "config check")
    refused() { # WHY
        local command
        for command in "${commands[@]}"; do
            # shellcheck disable=SC2086
            nobody "$work/griot" -H "$region/sn" $command > "$work/out" 2> "$work/err" < /dev/null
            got=$?
            [ $got -eq 5 ] || [ $got -eq 3 ] || fail "another user, $1: $command: exit code $got: $(cat "$work/out" "$work/err")"
            [ ! -s "$work/out" ] || [ "$command" = check ] || fail "another user, $1: $command prints $(head -c 200 "$work/out")"
        done
    }
    before=$("$griot" -H "$region/sn" audit --limit 1 --json | jq .count)
    refused "as it is"
    # Somebody has opened folder and socket to all: the kernel still says who is at the other end.
    chmod 755 "$region" "$region/sn"
    chmod 666 "$region/sn/control.sock"
    refused "with the socket open to all"
    chmod 600 "$region/sn/control.sock"
    chmod 700 "$region" "$region/sn"
    rows sn "[.rows[] | select(.number > $before and .action == \"refused\")] | length == 1 and .[0].uid == 65534 and .[0].outcome == \"ERR_PERMISSION\"" || fail "the refusal left no row"
    # A daemon of another user than root: its memory is closed to that user too.
    expect 0 "sandbox of another user" nobody "$work/griot" sandbox create "/tmp/$(basename "$work").nobody" --hubs 1 --edges tg
    nobodys=/tmp/$(basename "$work").nobody
    setpriv --reuid=65534 --regid=65534 --clear-groups "$work/griot" -H "$nobodys/tg" run > /dev/null 2> "$work/tg.log" &
    other=$!
    answers() { nobody "$work/griot" -H "$nobodys/tg" status --json 2> /dev/null | jq -e '.from == "daemon"' > /dev/null; }
    within 30 "the other user's node does not start" answers
    [ "$(stat -c %u "/proc/$other/mem")" = 0 ] || fail "the daemon's memory belongs to its user: it is dumpable"
    nobody head -c 1 "/proc/$other/environ" > /dev/null 2>&1 && fail "another process of the user may look into the daemon"
    for gate in $(pgrep -P "$other" -f gateway); do [ "$(stat -c %u "/proc/$gate/mem")" = 0 ] || fail "the gateway's memory belongs to its user: it is dumpable"; done
    kill "$other"
    wait "$other" 2> /dev/null
    other=
    rm -rf "$nobodys"
    users="another user was refused at ${#commands[@]} commands"
else
    users="another user: skipped, only root can become one"
fi

# ---- somebody edits the trail of a stopped node: tests/unit/test_audit.c does so to every row; here the bytes of the file ----
stop gm
expect 0 "verify of gm" "$griot" -H "$region/gm" audit --verify
python3 - "$region/gm/log/data.mdb" "$(id -un)" << 'PYTHON' || fail "nothing to edit"
import re, sys
path, login = sys.argv[1], sys.argv[2].encode()
data = bytearray(open(path, "rb").read())
# Row 1 is an array of 12: version 1, number 1, life ... and the login. Every copy that is there, also in pages that are not used any more; nothing else is touched.
found = 0
for m in re.finditer(re.escape(bytes([0x9c, 1, 1, 0xce])), bytes(data)):
    at = bytes(data).find(bytes([0xa0 + len(login)]) + login, m.start(), m.start() + 100)
    if at > 0:
        data[at + 1] = ord("x")
        found += 1
if not found: sys.exit(1)
open(path, "wb").write(data)
PYTHON
expect 1 "verify of an edited trail" "$griot" -H "$region/gm" audit --verify
grep -q "row 2 does not follow row 1" "$work/out" || fail "verify says: $(cat "$work/out")"
expect 1 "fsck of an edited trail" "$griot" -H "$region/gm" fsck
expect 0 "down" "$griot" sandbox down "$region"
echo "audit: rows of 14 kinds of action, searches open to the auditor alone, no marker in a log, an older state named by both hubs, an edited trail found; $users"
