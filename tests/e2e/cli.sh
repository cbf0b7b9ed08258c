#!/bin/bash
# The command line on a real node: every exit code, errors in three languages and as JSON, entry, search, import, and what must leave the store as it was.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
home=$region/sn
stopped=""
finish() {
    [ -z "$stopped" ] || kill -CONT "$stopped" 2> /dev/null
    "$griot" sandbox down "$region" > /dev/null 2>&1
    rm -rf "$work"
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
out() { grep -qF -- "$1" "$work/out" || { cat "$work/out"; fail "$what: no \"$1\" on stdout"; }; }
err() { grep -qF -- "$1" "$work/err" || { cat "$work/err"; fail "$what: no \"$1\" on stderr"; }; }
json() { jq -e "$1" "$work/out" > /dev/null || { cat "$work/out"; fail "$what: not $1"; }; }
json_err() { jq -e "$1" "$work/err" > /dev/null || { cat "$work/err"; fail "$what: not $1"; }; }
settled() { # the index follows the log a moment behind
    for _ in $(seq 100); do
        "$griot" -H "$home" status --json | jq -e '.index.followed == .index.journal' > /dev/null && return
        sleep 0.05
    done
    fail "the index does not follow"
}
unset LC_ALL LC_MESSAGES LANG LANGUAGE GRIOT_HOME
unset NO_COLOR

# ---- no node ----
expect 3 "a home that is not there" "$griot" -H "$work/none" status
err "erreur[ERR_NOT_FOUND]"
expect 3 "the same in Portuguese" "$griot" -H "$work/none" --lang pt peers
err "erro[ERR_NOT_FOUND]: não há nenhum nó aqui"
expect 3 "the same in JSON" "$griot" -H "$work/none" --lang en status --json
json_err '.schema == "griot.error/1" and .code == "ERR_NOT_FOUND" and .what == "there is no node here" and (.do | length) > 0'
[ ! -s "$work/out" ] || fail "an error wrote to stdout"
expect 2 "an unknown command" "$griot" --lang en peer
err "did you mean: peers?"

# ---- a stopped node answers from its store ----
expect 0 "sandbox create" "$griot" sandbox create "$region" --hubs 1 --edges sn
export LANG=en_GB.UTF-8
expect 0 "a bare griot" "$griot" -H "$home"
out "the node is stopped; read from its store"
expect 0 "status of a stopped node" env GRIOT_HOME="$home" "$griot" --json
json '.schema == "griot.status/1" and .from == "store" and .node.name == "sn" and .kinds.seizure == 0'
expect 6 "not everything is known" "$griot" -H "$home" status --strict
expect 6 "a search that nobody has confirmed" "$griot" -H "$home" search x --strict
expect 4 "nothing is found" "$griot" -H "$home" search x
cp -a "$home/griot.ini" "$work/ini" && (umask 077; head -c 32 /dev/urandom > "$work/open.key") && chmod 644 "$work/open.key"
key=$(sed -n 's/^key_file *= *//p' "$home/griot.ini")
cp "$key" "$work/key"
(umask 077; head -c 32 /dev/urandom > "$key")
expect 5 "a wrong sealing key" "$griot" -H "$home" status
err "ERR_PASSPHRASE"
cp "$work/key" "$key"
cp "$home/griot.ini" "$work/ini"
printf '[store]\ndisk_reserve_mib = 5\nnonsense = 1\n' >> "$home/griot.ini"
expect 1 "config check" "$griot" -H "$home" config check
out "griot.ini:$(($(wc -l < "$work/ini") + 2)): disk_reserve_mib = 5 is not allowed"
out "unknown key nonsense in [store]"
expect 1 "config check in JSON" "$griot" -H "$home" config check --json
json '.ok == false and (.faults | length) == 2 and .faults[0].line > 0'
expect 1 "a node with a bad configuration" "$griot" -H "$home" run
err "ERR_CONFIG"
cp "$work/ini" "$home/griot.ini"

# ---- a running node ----
expect 0 "sandbox up" "$griot" sandbox up "$region"
expect 0 "record" "$griot" -H "$home" record seizure date=2026-11-19 commodity=cocaine quantity=12.5 unit=kg place=Dakar
id=$(cat "$work/out")
[ ${#id} -eq 32 ] || fail "record printed no id: $id"
settled
expect 0 "search" "$griot" -H "$home" search cocaine
out "${id:0:12}"
expect 0 "show by a beginning" "$griot" -H "$home" show "${id:0:8}" --json
json ".id == \"$id\" and .versions[0].fields.country == \"SN\" and .versions[0].fields.owner == \"sn\" and .versions[0].fields.item[0].quantity == \"12.5\""
expect 0 "show in French" "$griot" -H "$home" show "$id" --lang fr
out "Saisie $id"
out "(cocaïne)"
expect 0 "trace" "$griot" -H "$home" trace "$id" --json
json '.versions[0].held_by | index("sn") != null'
expect 4 "show what is not here" "$griot" -H "$home" show 00000000000000000000000000000000
expect 1 "a faulty record" "$griot" -H "$home" record seizure date=2026-31-11 commodity=xyz blah=1 --json
json_err '.code == "ERR_INVALID" and ([.faults[].rule] | index("field.unknown") != null) and ([.faults[] | select(.field == "date")] | length) == 1'
expect 1 "a faulty record in Portuguese" "$griot" -H "$home" --lang pt record seizure date=2026-31-11
err "Data: "
expect 2 "a kind that does not exist" "$griot" -H "$home" record siezure a=b
expect 2 "no field" "$griot" -H "$home" record seizure
expect 2 "no field name" "$griot" -H "$home" record seizure Dakar
expect 0 "dry run" "$griot" -H "$home" record seizure date=2026-11-19 commodity=heroin unit=UNKNOWN --dry-run --json
json '.id == null and .dry_run'
printf '{"date": "2026-11", "country": "GM", "flight": ["AF1", "AF2"], "item": [{"commodity": "cocaine", "quantity": 1.5, "unit": "kg"}, {"commodity": "heroin", "unit": "UNKNOWN"}]}' > "$work/one.json"
expect 0 "record from JSON" "$griot" -H "$home" record seizure --from "$work/one.json" --json
json '.schema == "griot.record/1" and .state == "new" and (.id | length) == 32'
id=$(jq -r .id "$work/out")
settled
expect 0 "show its two lines" "$griot" -H "$home" show "$id" --json
json '.versions[0].fields | (.item | length) == 2 and .flight == ["AF1", "AF2"] and .item[0].quantity == "1.5" and .country == "GM"'
for bad in '{"date": ' '[1]' '{"date": {"a": {"b": 1}}}' '{"date": "2026-11", "date": "2025"}' $'{"place": "\xff"}' '{"item": [{"quantity": {}}]}'; do
    printf '%s' "$bad" > "$work/bad.json"
    expect 1 "record from $bad" "$griot" -H "$home" record seizure --from "$work/bad.json"
done
head -c 300000 /dev/zero > "$work/bad.json"
expect 1 "record from a file that is too long" "$griot" -H "$home" record seizure --from "$work/bad.json"
expect 0 "an alert" "$griot" -H "$home" record alert date=2026-11-20 title="Conteneur" threat="Cocaine dans du sucre" valid_until=2027-01-31 requested_action=INFORM --json
settled
expect 0 "status" "$griot" -H "$home" status --json
json '.records == 3 and .kinds == {"seizure": 2, "alert": 1} and .aggregates == 0'
expect 0 "an aggregate" "$griot" -H "$home" record seizure date=2026-11 country=GM commodity=gold description=yearly quantity=12 unit=KGM is_aggregate=true event_count=1234
settled
expect 0 "status with an aggregate" "$griot" -H "$home" status --json
json '.records == 4 and .kinds.seizure == 3 and .aggregates == 1'
expect 0 "status in words" "$griot" -H "$home" --lang en status
out "2 seizures, 1 aggregate, 1 alert"
expect 0 "search of an aggregate" "$griot" -H "$home" search yearly --json
json '.hits | length == 1 and .[0].is_aggregate and .[0].event_count == 1234'
expect 0 "the same in words" "$griot" -H "$home" --lang en search yearly
out "aggregate of 1,234"
if "$griot" -H "$home" status > /dev/full 2> /dev/null; then fail "a full disk behind stdout looked like success"; fi

# ---- import ----
cp tests/e2e/cli-exercise.csv "$work/exercise.csv"
cp tests/e2e/cli-exercise.ini "$work/exercise.ini"
expect 0 "import, dry run" "$griot" -H "$home" import "$work/exercise.csv" --map "$work/exercise.ini" --dry-run --json
json '.rows == 4 and .accepted == 3 and .rejected == 1 and .new == 0 and .dry_run'
[ ! -e "$work/exercise.rejected.csv" ] || fail "a dry run wrote a file"
expect 0 "import" "$griot" -H "$home" import "$work/exercise.csv" --map "$work/exercise.ini" --json
json '.rows == 4 and .accepted == 3 and .rejected == 1 and .new == 3 and (.errors | length) == 1 and .errors[0].row == 4 and .errors[0].column == "poids"'
[ "$(wc -l < "$work/exercise.rejected.csv")" -eq 2 ] || fail "the file of refused rows: $(cat "$work/exercise.rejected.csv")"
expect 0 "the same import again" "$griot" -H "$home" import "$work/exercise.csv" --map "$work/exercise.ini" --json
json '.new == 0 and .unchanged == 3'
expect 6 "a refused row with --strict" "$griot" -H "$home" import "$work/exercise.csv" --map "$work/exercise.ini" --strict
out "refused: 1"
settled
before=$("$griot" -H "$home" status --json | jq .kinds.seizure)
head -c 100000 /dev/urandom > "$work/garbage.csv"
expect 1 "an import of garbage" "$griot" -H "$home" import "$work/garbage.csv" --map "$work/exercise.ini"
settled
[ "$("$griot" -H "$home" status --json | jq .kinds.seizure)" -eq "$before" ] || fail "garbage changed the store"
expect 2 "no mapping" "$griot" -H "$home" import "$work/exercise.csv"
expect 2 "a mapping that does not exist" "$griot" -H "$home" import "$work/exercise.csv" --map nonsense
echo "[mapping]" > "$work/bad.ini"
expect 1 "a bad mapping" "$griot" -H "$home" import "$work/exercise.csv" --map "$work/bad.ini"
expect 4 "a file that is not there" "$griot" -H "$home" import "$work/none.csv" --map "$work/exercise.ini"

# ---- care ----
expect 0 "verify" "$griot" -H "$home" verify --json
json '.ok and .fault_count == 0 and .commits > 0'
expect 0 "fsck" "$griot" -H "$home" fsck
out "no fault found"
expect 0 "rebuild" "$griot" -H "$home" rebuild --json
json '.schema == "griot.rebuild/1"'
expect 0 "backup" "$griot" -H "$home" backup "$work/copy" --json
json '.commits > 0 and (.left_out | length) > 0'
expect 1 "backup into a folder that exists" "$griot" -H "$home" backup "$work/copy"
err "ERR_EXISTS"

# ---- every command's JSON, in three languages ----
# What people read is translated; keys, codes and states are not, so a script sees the same in every language (but for times, and texts meant for people).
same='del(.. | .at?, .took_ms?, .uptime_ms?, .heard_ms?, .since_ms?, .last_ms?, .rtt_ms?, .label?, .text?, .what?, .why?, .do?, .pid?, .bytes_in?, .bytes_out?, .disk_free?)'
settled() { "$griot" -H "$home" --json trace "$id" | jq -e '.versions | all(.not_yet == [] and .unknown == [])' > /dev/null && "$griot" -H "$home" --json status | jq -e '.peers | all(.they_miss == 0 and .state == "current")' > /dev/null; }
for n in $(seq 300); do
    settled && break
    [ "$n" -lt 300 ] || fail "the hub does not say that it holds everything"
    sleep 0.1
done
while read -r schema code command; do
    seen=""
    for language in fr en pt; do
        # shellcheck disable=SC2086 # words of a command
        expect "$code" "$command ($language, JSON)" "$griot" -H "$home" --lang $language --json ${command//ID/$id}
        jq -e ".schema == \"$schema\"" "$work/out" > /dev/null || { cat "$work/out"; fail "$what: not $schema"; }
        [ ! -s "$work/err" ] || { cat "$work/err"; fail "$what: something on stderr"; }
        now=$(jq -S -c "$same" "$work/out")
        [ -z "$seen" ] || [ "$now" = "$seen" ] || { diff <(echo "$seen" | jq .) <(echo "$now" | jq .); fail "$what: not the same JSON"; }
        seen=$now
    done
done << TABLE
griot.status/1 0 status
griot.peers/1 0 peers
griot.peers/1 0 peers rilo-dakar
griot.lag/1 0 lag --all
griot.search/1 0 search cocaine
griot.search/1 4 search nothing-of-that-name
griot.show/1 0 show ID
griot.trace/1 0 trace ID
griot.fields/1 0 record seizure --fields
griot.fields/1 0 record alert --fields
griot.record/1 0 record seizure date=2026-11-19 commodity=heroin unit=UNKNOWN --dry-run
griot.import/1 0 import $work/exercise.csv --map $work/exercise.ini --dry-run
griot.card/1 0 card
griot.join/1 0 join $region/root/region
griot.verify/1 0 verify
griot.fsck/1 0 fsck
griot.rebuild/1 0 rebuild
griot.config/1 0 config check
griot.sandbox/1 0 sandbox status $region
TABLE
while read -r code command; do
    texts=""
    for language in fr en pt; do
        # shellcheck disable=SC2086
        expect "$code" "$command ($language)" "$griot" -H "$home" --lang $language ${command//ID/$id}
        now=$(cat "$work/out" "$work/err")
        [ -n "$now" ] && [[ $texts != *"<$now>"* ]] || { echo "$now"; fail "$what: no text of its own in this language"; }
        texts="$texts<$now>"
    done
done << TABLE
0 status
0 peers
0 lag
0 search cocaine
4 search nothing-of-that-name
0 show ID
0 trace ID
0 card
0 verify
0 fsck
0 config check
0 help
0 help import
2 recrod
2 status --nonsense
2 search
4 show 0000000000000000
1 record seizure date=x
4 admit $work/none.card
TABLE

# ---- exit codes by table ----
(umask 077; head -c 32 /dev/urandom > "$work/x.key")
"$griot" card -H "$home" --out "$work/sn.card" > /dev/null 2>&1
while IFS='|' read -r code error command; do
    for json in "" --json; do
        # shellcheck disable=SC2086
        expect "$code" "$command $json" env LANG=en_GB.UTF-8 "$griot" -H "$home" $json ${command//ID/$id}
        [ -z "$error" ] && continue
        if [ -n "$json" ]; then
            json_err ".schema == \"griot.error/1\" and .code == \"$error\" and ([.what, .why, .do] | all(length > 0))"
        else
            err "error[$error]"
        fi
        [ ! -s "$work/out" ] || fail "$what: an error wrote to stdout"
    done
done << TABLE
0||status --json
1|ERR_INVALID|record seizure date=x
1|ERR_EXISTS|backup $work/copy
1|ERR_INVALID|search (
1|ERR_INVALID|show xyz
2|ERR_USAGE|import $work/exercise.csv
2|ERR_USAGE|record seizure
2|ERR_USAGE|record parrot a=b
2|ERR_USAGE|show
2|ERR_USAGE|search a --limit -1
2|ERR_USAGE|status --timeout x
2|ERR_USAGE|status --lang de
2|ERR_USAGE|config nonsense
3|ERR_NOT_FOUND|-H $work/none status
3|ERR_NOT_FOUND|-H $work/none record seizure date=2026-11-19
3|ERR_NOT_FOUND|-H $work/none card
4|ERR_NOT_FOUND|show 00000000000000000000000000000000
4|ERR_NOT_FOUND|trace 00000000000000000000000000000000
4|ERR_NOT_FOUND|import $work/none.csv --map $work/exercise.ini
4|ERR_NOT_FOUND|peers nobody
4|ERR_NOT_FOUND|admit $work/none.card
5|ERR_PERMISSION|admit $work/sn.card
5|ERR_PERMISSION|init x -H $work/x --region $region/root/region --key-file $work/open.key
TABLE

# ---- backup while it runs; a damaged store; an index made anew ----
answer() { "$griot" -H "$1" --json search cocaine --limit 100 | jq -S -c '[.total, .hits]'; }
before=$(answer "$home")
[ "$(echo "$before" | jq '.[0]')" -gt 3 ] || fail "nothing to compare: $before"
expect 0 "rebuild" "$griot" -H "$home" rebuild
for n in $(seq 100); do
    "$griot" -H "$home" status --json | jq -e '.index.followed == .index.journal' > /dev/null && break
    [ "$n" -lt 100 ] || fail "the index is not made anew"
    sleep 0.1
done
[ "$(answer "$home")" = "$before" ] || fail "search finds something else after rebuild"

# ---- a node that does not answer ----
stopped=$(pgrep -f -- "-H $home run")
kill -STOP "$stopped"
expect 3 "a node that hangs" "$griot" -H "$home" status --timeout 1
err "the node did not answer within 1 s"
expect 3 "a node that hangs, in JSON" "$griot" -H "$home" --json status --timeout 1
json_err '.code == "ERR_UNREACHABLE"'
kill -CONT "$stopped"
stopped=""
expect 0 "and then answers" "$griot" -H "$home" status

# ---- a damaged store is named, and nothing wrong is served ----
expect 0 "sandbox down" "$griot" sandbox down "$region"
expect 0 "a record to damage" "$griot" -H "$home" record seizure date=2026-11-19 commodity=cocaine quantity=1 unit=kg description="original words of an officer"
victim=$(cat "$work/out")
expect 0 "one behind it" "$griot" -H "$home" record seizure date=2026-11-19 commodity=cocaine quantity=1 unit=kg
cp -a "$home" "$work/damaged"
expect 0 "fsck before" "$griot" -H "$work/damaged" fsck
out "no fault found"
places=$(grep -abo "original words" "$work/damaged/log/data.mdb" | cut -d: -f1)
[ -n "$places" ] || fail "the record is not found in the file"
for place in $places; do printf 'O' | dd of="$work/damaged/log/data.mdb" bs=1 seek="$place" conv=notrunc 2> /dev/null; done
expect 1 "fsck of a damaged store" "$griot" -H "$work/damaged" fsck
out "✗ ERR_BADSIG  log"
expect 1 "verify of a damaged store, in JSON" "$griot" -H "$work/damaged" verify --json
json '.ok == false and .fault_count == 1 and (.faults[0] | .code == "ERR_BADSIG" and (.what | test("log [0-9]+, commit [0-9]+")))'
"$griot" -H "$work/damaged" show "$victim" > "$work/out" 2> "$work/err" # found damaged, or no longer found: never shown
[ -s "$work/err" ] && [ ! -s "$work/out" ] || fail "the damaged record is shown: $(cat "$work/out")"
expect 0 "another record" "$griot" -H "$work/damaged" show "$id"
expect 1 "rebuild of a damaged store" "$griot" -H "$work/damaged" rebuild
err "ERR_CORRUPT"
expect 0 "status of a damaged store" "$griot" -H "$work/damaged" status --json
json '.index.followed < .index.journal'
expect 6 "a search says that it is not complete" "$griot" -H "$work/damaged" search officer --strict
if grep -rq "Original words" "$work/out"; then fail "damaged content was shown"; fi
echo "every exit code seen"
