#!/bin/bash
# A node that comes back from an older state: a griot backup, a copy of the whole home taken while it ran, the same beside its original, the same recording before it
# has seen anybody. In each: no fork anywhere, what it had sent since comes back, what it recorded meanwhile is everywhere exactly once. Last, two lives that could
# not know of each other: nothing is lost or doubled either, and all nodes end in the same state.
set -u
build=$1
griot=$(realpath "$build")/griot
here=$(realpath "$(dirname "$0")")
work=$(realpath "$(mktemp -d)")
region=$work/region
nodes="rilo-dakar rilo-douala sn gm"
clone=""
finish() {
    [ -z "$clone" ] || kill -9 "$clone" 2> /dev/null
    "$griot" sandbox down "$region" > /dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt "$work"/*.log; do echo "== $log"; tail -n 8 "$log"; done; exit 1; }
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8
told=0
record() { # HOME TEXT: one record, its id is remembered
    id=$("$griot" -H "$1" record seizure date=2026-11-01 country=SN heading=DRG description="$2" quantity=1 unit=KGM 2> /dev/null) || fail "$1 did not record $2"
    echo "$id" >> "$work/ids"
    told=$((told + 1))
}
stop() { # NODE: kill -9, as a machine is lost
    pid=$(pgrep -f -- "^$griot -H $region/$1 run") || fail "$1 does not run"
    kill -9 "$pid"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
}
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail "sandbox up"; }
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
settled() { # WHAT [two]: every record at every node, and the same at all; "two": two lives of one log have met, and nodes may have said so
    deadline=$((SECONDS + 60))
    while :; do
        seen=$(for node in $nodes; do status "$node" | jq -r '"\(.heads_digest) \(.missing.total) \(.kinds.seizure) \(.index.journal - .index.followed)"'; done | sort -u)
        [ "$(echo "$seen" | wc -l)" -eq 1 ] && [ "$(echo "$seen" | cut -d' ' -f2-)" = "0 $told 0" ] && break
        [ $SECONDS -lt $deadline ] || fail "$1: not $told records everywhere: $seen"
        sleep 0.2
    done
    for node in $nodes; do
        [ $# -gt 1 ] || status "$node" | jq -e '[.refused[] | select(.code == "ERR_FORK" or .code == "ERR_BADSIG" or .code == "ERR_CHAIN")] == []' > /dev/null || fail "$1: $node refused: $(status "$node" | jq -c .refused)"
        "$griot" -H "$region/$node" fsck --json > "$work/fsck" 2>&1 || fail "$1: fsck of $node: $(cat "$work/fsck")"
        [ $# -gt 1 ] || ! grep -q -i fork "$region/$node/log.txt" || fail "$1: $node speaks of a fork"
        while read -r one; do
            "$griot" -H "$region/$node" show "$one" --json | jq -e '(.versions | length) == 1' > /dev/null || fail "$1: $one at $node is not there exactly once: $("$griot" -H "$region/$node" show "$one" --json | jq -c .versions)"
        done < "$work/ids"
    done
    echo "$1: $told records everywhere, once${2:+, after $2 lives have met}"
}
ahead() { status sn | jq -e '[.warnings[].code] | index("OWN-AHEAD") != null' > /dev/null || fail "$1: the operator is not warned"; }

"$griot" sandbox create "$region" --hubs 2 --edges sn,gm 2> /dev/null || fail "create"
: > "$work/ids"
cp "$here"/cli-exercise.* "$work"
up
for i in 1 2 3; do record "$region/sn" "early $i"; done
record "$region/gm" "of another node"
settled "the start"

# ---- a: a griot backup, on a new machine ----
"$griot" -H "$region/sn" card --export-identity "$work/sn.identity" 2> "$work/err" || fail "export: $(cat "$work/err")"
"$griot" -H "$region/sn" card --export-identity "$work/sn.identity" 2> /dev/null && fail "an identity file was written over"
"$griot" -H "$region/gm" card --export-identity "$work/gm.identity" 2> /dev/null || fail "export of gm"
"$griot" -H "$region/sn" backup "$work/backup" > /dev/null 2> "$work/err" || fail "backup: $(cat "$work/err")"
grep -q -- --export-identity "$work/err" || fail "backup does not say what is missing in it"
[ ! -e "$work/backup/keys/identity" ] && [ ! -e "$work/backup/keys/transport" ] && ! ls "$work/backup/keys" | grep -q '^log-' || fail "the backup holds $(ls "$work/backup/keys")"
for i in 1 2 3 4; do record "$region/sn" "gap after the backup $i"; done
settled "before the machine is lost"
stop sn
mv "$region/sn" "$work/lost"
"$griot" restore "$work/backup" -H "$region/sn" 2> "$work/err" && fail "restored without an identity"
"$griot" restore "$work/backup" --identity "$work/gm.identity" -H "$region/sn" 2> "$work/err" && fail "restored as another node"
grep -q "of another node" "$work/err" || fail "it does not say why: $(cat "$work/err")"
"$griot" restore "$work" --identity "$work/sn.identity" -H "$region/sn" 2> /dev/null && fail "restored from what is no backup"
"$griot" restore "$work/backup" --identity "$work/backup/node" -H "$region/sn" 2> /dev/null && fail "restored with what is no identity file"
"$griot" restore "$work/backup" --identity "$work/sn.identity" -H "$region/gm" 2> /dev/null && fail "restored over a node"
[ ! -e "$region/sn" ] && [ -z "$(ls -d "$region"/sn.* 2> /dev/null)" ] || fail "a refused restore left something"
"$griot" restore "$work/backup" --identity "$work/sn.identity" -H "$region/sn" > "$work/out" 2> "$work/err" || fail "restore: $(cat "$work/err")"
grep -q "send it back" "$work/out" || fail "restore does not say what happens to the gap: $(cat "$work/out")"
for lang in fr pt; do
    "$griot" restore "$work/backup" --identity "$work/sn.identity" -H "$work/$lang" --lang $lang > "$work/out.$lang" 2> /dev/null || fail "restore in $lang"
    cmp -s "$work/out" "$work/out.$lang" && fail "restore speaks no $lang"
done
up
record "$region/sn" "after the restore"
settled "a: a backup is restored"
ahead "a"
rm -rf "$work/lost" "$work/fr" "$work/pt"

# ---- b: cp -a of the running home with its log keys; the original lost ----
cp -a "$region/sn" "$work/copy"
for i in 1 2 3; do record "$region/sn" "gap after the copy $i"; done
imported() { # FIELD: import the same rows
    "$griot" -H "$region/sn" import "$work/cli-exercise.csv" --map "$work/cli-exercise.ini" --json 2> /dev/null | jq -r ".$1"
}
rows=$(imported new)
[ "$rows" -gt 0 ] || fail "b: nothing was imported"
told=$((told + rows))
settled "b: before the disk is lost"
stop sn
rm -rf "$region/sn"
mv "$work/copy" "$region/sn"
up
record "$region/sn" "after the copy came back"
settled "b: a copy of the disk runs"
ahead "b"
[ "$(imported new)" = 0 ] || fail "b: rows imported in the life that was lost are new again"
[ "$(imported unchanged)" = "$rows" ] || fail "b: the import does not know its rows again"

# ---- d: the same, recording before anybody is seen, over two starts ----
cp -a "$region/sn" "$work/copy"
for i in 1 2 3; do record "$region/sn" "gap after the second copy $i"; done
settled "d: before the disk is lost"
stop sn
rm -rf "$region/sn"
mv "$work/copy" "$region/sn"
for life in 1 2; do
    (exec 3>&-; "$griot" sandbox cut "$region" sn > /dev/null 2>&1)
    "$griot" -H "$region/sn" record seizure date=2026-11-01 country=SN heading=DRG description="recorded while the node is stopped $life" quantity=1 unit=KGM > "$work/id" 2> /dev/null &&
        cat "$work/id" >> "$work/ids" && told=$((told + 1))
    up
    for i in 1 2 3; do record "$region/sn" "offline, life $life, $i"; done
    status sn | jq -e '.released == false' > /dev/null || fail "d: the node has seen somebody"
    [ $life -eq 2 ] || stop sn
done
"$griot" sandbox heal "$region" sn > /dev/null 2>&1 || fail "heal"
settled "d: a copy of the disk that recorded alone"
ahead "d"
status sn | jq -e '[.warnings[] | select(.code == "OWN-AHEAD") | .text] | any(test("moved into new logs"))' > /dev/null || fail "d: the operator is not told what became of the records"

# ---- c: a copy started beside its original ----
cp -a "$region/sn" "$work/clone"
record "$region/sn" "by the original, with a clone waiting"
"$griot" -H "$work/clone" run > "$work/clone.log" 2>&1 &
clone=$!
deadline=$((SECONDS + 40))
until grep -q clone_alarm "$region"/rilo-*/log.txt; do
    [ $SECONDS -lt $deadline ] || fail "c: no hub raises the alarm"
    sleep 0.2
done
for i in 1 2 3; do record "$region/sn" "by the original $i"; done
"$griot" -H "$work/clone" record seizure date=2026-11-01 country=SN heading=DRG description="by the clone" quantity=1 unit=KGM > "$work/cloned" 2> /dev/null || fail "c: the clone does not record"
settled "c: a clone runs beside its original, and is refused"
kill -9 "$clone"
wait "$clone" 2> /dev/null
clone=""
# The original is lost too, and the clone takes its place with what it has recorded alone.
stop sn
rm -rf "$region/sn"
mv "$work/clone" "$region/sn"
cat "$work/cloned" >> "$work/ids"
told=$((told + 1))
up
settled "c: the clone takes the place of its original"
ahead "c"

# ---- e: both lives were let in, at different times, and have gone on with the same log: neither could know ----
cp -a "$region/sn" "$work/clone"
sed -i '/^\[peer/,$d' "$work/clone/griot.ini"
sed -n '/^\[peer/,$p' "$region/gm/griot.ini" >> "$work/clone/griot.ini" # by the cable of gm
"$griot" sandbox cut "$region" sn > /dev/null 2>&1 || fail "cut"
for i in 1 2; do record "$region/sn" "by the original, cut off $i"; done
"$griot" -H "$work/clone" run > "$work/clone.log" 2>&1 &
clone=$!
deadline=$((SECONDS + 60))
until grep -q own_released "$work/clone.log"; do
    [ $SECONDS -lt $deadline ] || fail "e: the clone is not let in although the original is silent"
    sleep 0.2
done
for i in 1 2 3; do record "$work/clone" "by the clone, let in $i"; done
deadline=$((SECONDS + 30))
until [ "$(status gm | jq .kinds.seizure)" -ge $((told - 2)) ]; do
    [ $SECONDS -lt $deadline ] || fail "e: what the clone recorded does not arrive"
    sleep 0.2
done
kill -9 "$clone"
wait "$clone" 2> /dev/null
clone=""
"$griot" sandbox heal "$region" sn > /dev/null 2>&1 || fail "heal"
settled "e: two lives have gone on with one log" two
ahead "e"
record "$region/sn" "the original goes on"
settled "e: afterwards" two
echo "$told records, five ways back, nothing lost, nothing doubled"
