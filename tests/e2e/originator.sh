#!/bin/bash
# Originator control with real processes: a restricted record, its reader asks whether it may be passed on, the owner refuses or grants, and a grant releases it; who is not among
# its readers reads nothing, nobody else can answer or release, and all of it stands in records and in the audit trails of the two.
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
said() { grep -qF -- "$1" "$work/err" || grep -qF -- "$1" "$work/out" || { cat "$work/out" "$work/err"; fail "$what: it does not say \"$1\""; }; }
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8
at() { "$griot" -H "$region/$1" "${@:3}" --json 2> /dev/null | jq -e "$2" > /dev/null; } # NODE JQ COMMAND...
reads() { at "$1" ".versions[0].fields.item[0].description == \"$3\"" show "$2"; } # NODE ID TEXT
has_no() { ! "$griot" -H "$region/$1" show "$2" --json > /dev/null 2>&1; }
record() { "$griot" -H "$region/$1" record seizure date=2026-11-01 country=SN heading=DRG description="$2" quantity=1 unit=KGM handling=H2 tlp=AMBER "${@:3}" --yes 2> /dev/null; }
caught_up() { for node in rilo-dakar rilo-douala sn gm tg; do at $node '.missing.total == 0 and .missing.unknown == []' status || return 1; done; }

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm,tg
expect 0 "sandbox up" "$griot" sandbox up "$region"
cards() { at sn 'all(.readers[]; .reads)' readers --to gm,tg && at gm 'all(.readers[]; .reads)' readers --to sn && at tg 'all(.readers[]; .reads)' readers --to sn; }
within 30 "the cards do not arrive" cards
within 30 "the region does not come up" caught_up

# ---- a record of sn for gm ----
id=$(record sn "Zwqlab behind the port" --to gm) || fail "record"
open=$(record sn "for everybody") || fail "record for all"
within 30 "gm does not read it" reads gm "$id" "Zwqlab behind the port"
within 30 "tg does not hear what is for all" reads tg "$open" "for everybody"
within 30 "not everything arrives" caught_up
has_no tg "$id" || fail "tg reads what is for gm"
has_no rilo-dakar "$id" || fail "rilo-dakar reads what is for gm"
at gm '.versions[0].fields | .handling == "H2" and .tlp == "AMBER" and (.release | sort) == ["gm", "sn"]' show "$id" || fail "handling code, TLP and release list are not in the record"

# ---- what cannot be asked for ----
expect 2 "a request without a reason" "$griot" -H "$region/gm" request "$id" --pass-to tg
expect 1 "a request by its owner" "$griot" -H "$region/sn" request "$id" --pass-to tg --why because
said "griot release"
expect 4 "a request for what it does not read" "$griot" -H "$region/tg" request "$id" --pass-to rilo-dakar --why because
expect 1 "a request by a day that is none" "$griot" -H "$region/gm" request "$id" --pass-to tg --why because --answer-by 2026-02-31
expect 5 "a release by a reader" "$griot" -H "$region/gm" release "$id" --to tg --yes

# ---- refused ----
expect 0 "a request" "$griot" -H "$region/gm" request "$id" --pass-to "Police nationale, tg" --why "Zwqreason" --answer-by 2026-11-01
first=$(cat "$work/out")
at gm '.requests | length == 1 and (.[0].incoming | not) and .[0].overdue and .[0].pass_to == ["Police nationale", "tg"]' requests || fail "requests at gm"
within 30 "sn does not get the request" at sn ".requests | length == 1 and .[0].incoming and .[0].from == \"gm\" and .[0].about == \"$id\"" requests
within 30 "not everything arrives" caught_up
has_no tg "$first" || fail "tg reads a request between gm and sn"
at tg '.requests == []' requests || fail "requests at tg"
expect 5 "an answer by who was not asked" "$griot" -H "$region/gm" answer "$first" --grant --why because --yes
expect 4 "an answer to what is not here" "$griot" -H "$region/tg" answer "$first" --grant --why because --yes
expect 4 "an answer to what is no request" "$griot" -H "$region/sn" answer "$id" --grant --why because --yes
expect 2 "yes and no" "$griot" -H "$region/sn" answer "$first" --grant --refuse --why because
expect 0 "a refusal" "$griot" -H "$region/sn" answer "$first" --refuse --why "the source must be protected"
within 30 "gm does not get the answer" at gm '.requests[0] | .answer.decision == "REFUSED" and .answer.why == "the source must be protected" and (.overdue | not)' requests
within 30 "not everything arrives" caught_up
has_no tg "$id" || fail "a refusal has released the record"

# ---- granted: the answer, and a release to whoever is a node ----
expect 0 "another request" "$griot" -H "$region/gm" request "$id" --pass-to "Police nationale,tg,rilo-dakar" --why "a case is open"
second=$(cat "$work/out")
within 30 "sn does not get the second request" at sn '[.requests[] | select(.answer == null)] | length == 1 and (.[0].overdue | not)' requests
expect 0 "a grant" "$griot" -H "$region/sn" answer "$second" --grant --pass-to "Police nationale,tg" --why "for this case" --valid-until 2031-01-01 --yes
said "who will be able to read it: sn, gm, tg"
said "Police nationale"
within 30 "tg does not read what was released to it" reads tg "$id" "Zwqlab behind the port"
within 30 "gm does not hear of the grant" at gm '[.requests[].answer | select(.decision == "GRANTED")] | length == 1 and .[0].pass_to == ["Police nationale", "tg"] and .[0].valid_until == "2031-01-01"' requests
within 30 "not everything arrives" caught_up
has_no rilo-dakar "$id" || fail "rilo-dakar reads it: the grant was not for it"
reads gm "$id" "Zwqlab behind the port" || fail "gm reads it no more"
for node in sn gm; do at $node '.versions | length == 2 and .[0].current and .[0].depth == 2 and (.[1].current | not)' show "$id" || fail "$node does not see two versions"; done
at tg '.versions | length == 1 and .[0].depth == 2 and (.[0].fields.release | sort) == ["gm", "sn", "tg"] and .[0].fields.handling == "H2"' show "$id" || fail "tg does not see one version, released to it: $("$griot" -H "$region/tg" show "$id" --json | jq -c .versions)"

# ---- a permission alone ----
third=$(record sn "Zwqlab under the floor" --to gm) || fail "record"
within 30 "gm does not read the third" reads gm "$third" "Zwqlab under the floor"
expect 0 "a third request" "$griot" -H "$region/gm" request "$third" --pass-to tg --why "Zwqreason"
ask=$(cat "$work/out")
within 30 "sn does not get the third request" at sn "[.requests[] | select(.id == \"$ask\")] | length == 1" requests
expect 0 "a grant without a release" "$griot" -H "$region/sn" answer "$ask" --grant --no-release --yes
within 30 "gm does not hear of it" at gm "[.requests[] | select(.id == \"$ask\" and .answer.decision == \"GRANTED\")] | length == 1" requests
within 30 "not everything arrives" caught_up
has_no tg "$third" || fail "a permission alone has released the record"

# ---- the owner releases by himself ----
expect 4 "a release to nobody known" "$griot" -H "$region/sn" release "$id" --to nobody --yes
expect 0 "a release" "$griot" -H "$region/sn" release "$id" --to gm,tg,rilo-douala --yes
said "who will be able to read it: sn, gm, rilo-douala, tg"
within 30 "rilo-douala does not read it" reads rilo-douala "$id" "Zwqlab behind the port"
expect 0 "a release to all" "$griot" -H "$region/sn" release "$id" --to region --yes
within 30 "rilo-dakar does not read what all may" reads rilo-dakar "$id" "Zwqlab behind the port"
at rilo-dakar '.versions | length == 1 and .[0].depth == 4 and .[0].fields.release == null' show "$id" || fail "the last version names readers"

# ---- who did what ----
actions() { "$griot" -H "$region/$1" audit --limit 1000 --json | jq -c '[.rows[] | select(.action == "request" or .action == "answer" or .action == "release") | "\(.action) \(.outcome)"]'; }
[ "$(actions gm | jq '[.[] | select(. == "request ERR_OK")] | length')" -eq 3 ] || fail "requests in the trail of gm: $(actions gm)"
[ "$(actions sn | jq '[.[] | select(. == "answer ERR_OK")] | length')" -eq 3 ] || fail "answers in the trail of sn: $(actions sn)"
[ "$(actions sn | jq '[.[] | select(. == "release ERR_OK")] | length')" -eq 3 ] || fail "releases in the trail of sn: $(actions sn)"
[ "$(actions gm | jq '[.[] | select(. == "release ERR_PERMISSION")] | length')" -eq 1 ] || fail "the reader's attempt left no row: $(actions gm)"
for node in sn gm tg; do expect 0 "audit of $node" "$griot" -H "$region/$node" audit --verify; done
for file in "$region"/*/log.txt; do ! grep -aqi zwq "$file" || fail "$file holds what a record or a request says"; done
for node in rilo-dakar rilo-douala; do ! grep -aqF Zwqreason "$region/$node/log/data.mdb" || fail "$node holds in clear what gm has asked of sn"; done
expect 0 "fsck" "$griot" -H "$region/sn" fsck
expect 0 "down" "$griot" sandbox down "$region"
echo "originator: a reader asked twice, was refused and granted, the grant released the record to those of the names that are nodes; nobody else could answer or release"
