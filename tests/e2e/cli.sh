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
json '.kinds.seizure == 2 and .kinds.alert == 1'
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
echo "every exit code seen"
