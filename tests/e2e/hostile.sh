#!/bin/bash
# A member with valid keys sends what must be refused: each misbehaviour is refused by name, with the clause, counted in status; the hub lives, loses nothing, and the next
# good message works.
set -u
build=$1
griot=$(realpath "$build")/griot
member=$(realpath "$build")/e2e/member
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/*log*; do echo "== $log"; tail -n 8 "$log"; done; exit 1; }

"$griot" sandbox create "$region" --hubs 1 --edges sn,gm > /dev/null 2>&1 || fail "create"
# Records made at sn while everything is down: its log is what the misbehaving member bends.
for n in 1 2 3; do
    "$griot" -H "$region/sn" record seizure date=2026-11-01 country=SN heading=DRG description="offline $n" quantity="$n" unit=KGM > /dev/null 2>&1 || fail "record offline $n"
done
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up"
pkill -KILL -f -- "-H $region/sn run"; sleep 0.3
hub_pid=$(pgrep -f -- "-H $region/rilo-dakar run")
refused() { "$griot" -H "$region/rilo-dakar" --json status | jq -r --arg code "$1" '[.refused[] | select(.code == $code and (.clause | length) > 0) | .count] | add // 0'; }

while read -r behaviour code; do
    before=$(refused "$code")
    timeout 60 "$member" "$region/sn" rilo-dakar "$behaviour" || fail "$behaviour could not be carried out"
    after=$(refused "$code")
    [ "$after" -gt "$before" ] || fail "$behaviour: no $code with its clause in status: $("$griot" -H "$region/rilo-dakar" --json status | jq -c .refused)"
done << 'TABLE'
region ERR_REGION
protocol ERR_VERSION
protocol-0 ERR_MALFORMED
ack ERR_BADSIG
garbage ERR_MALFORMED
type ERR_MALFORMED
truncated ERR_TRUNCATED
noncanonical ERR_NONCANONICAL
bomb ERR_LIMIT
oversize ERR_OVERSIZE
unasked ERR_UNEXPECTED
birth ERR_BADSIG
flip ERR_BADSIG
order ERR_MALFORMED
gap ERR_UNEXPECTED
notice ERR_NONCANONICAL
roster ERR_BADSIG
roster-changed ERR_BADSIG
roster-format-0 ERR_MALFORMED
roster-format-2 ERR_VERSION
card-format-0 ERR_MALFORMED
card-format-2 ERR_VERSION
TABLE
[ "$(pgrep -f -- "-H $region/rilo-dakar run")" = "$hub_pid" ] || fail "the hub was restarted"
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up again"
deadline=$((SECONDS + 30))
until [ "$("$griot" -H "$region/gm" --json search offline | jq .total)" = 3 ]; do
    [ $SECONDS -lt $deadline ] || fail "the good messages afterwards did not arrive"
    sleep 0.2
done
"$griot" -H "$region/rilo-dakar" fsck > /dev/null 2>&1 || fail "the hub's store is not sound"
echo "every misbehaviour was refused by name, and the good records arrived"
