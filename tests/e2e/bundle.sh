#!/bin/bash
# Replication by stick: an office that was cut off from the start catches up, writes and is acknowledged by bundles alone; parts in any order, twice, to the wrong office, damaged; a full stick,
# kill -9 in the middle, with and without a daemon. At the end all nodes hold the same, and when the line is there again nothing is sent twice and nothing contradicts.
set -u
build=$1
griot=$(realpath "$build")/griot
data=${GRIOT_DATA:-../shared/data}
cbp=$data/cbp-drug-seizures/nationwide-drugs-fy19-fy22.csv
work=$(realpath "$(mktemp -d)")
region=$work/region
stick=$work/stick
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 6 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err" < /dev/null
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
json() { jq -e "$1" "$work/out" > /dev/null || { cat "$work/out" "$work/err"; fail "$what: not $1"; }; }
err() { for text in "$@"; do grep -qF -- "$text" "$work/err" || { cat "$work/err"; fail "$what: no \"$text\" on stderr"; }; done; }
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
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
digest() { status "$1" | jq -r .heads_digest; }
same() { [ "$(for node in "$@"; do digest "$node"; done | sort -u | wc -l)" -eq 1 ]; }
settled() { # RECORDS NODE...
    local count=$1 node; shift
    for node in "$@"; do
        status "$node" | jq -e ".kinds.seizure == $count and .index.journal == .index.followed" > /dev/null || return 1
    done
    same "$@"
}
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM 2> /dev/null; }
bundle() { local node=$1; shift; "$griot" -H "$region/$node" bundle "$@"; }
pid_of() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
gone() { ! kill -0 "$1" 2> /dev/null; }
online="rilo-dakar rilo-douala sn bj"

mkdir "$stick"
expect 0 "sandbox create" "$griot" sandbox create "$region" --hubs 2 --edges sn,gm,bj,tg
expect 0 "cut off from the start" "$griot" sandbox cut "$region" gm
expect 0 "cut off too" "$griot" sandbox cut "$region" tg
expect 0 "sandbox up" "$griot" sandbox up "$region"
if [ -r "$cbp" ]; then
    cp "$cbp" "$work/cbp.csv" && chmod u+w "$work/cbp.csv"
    expect 0 "import of real data" "$griot" -H "$region/sn" --json import "$work/cbp.csv" --map cbp-drug-seizures
    told=$(jq .new "$work/out")
    with="$told real records"
else
    (echo "numéro;jour;produit;poids;lieu"; seq 12000 | sed 's/$/;19\/11\/2026;cocaine;1,5;Kédougou/') > "$work/made-up.csv"
    expect 0 "import of made-up rows" "$griot" -H "$region/sn" --json import "$work/made-up.csv" --map tests/e2e/cli-exercise.ini
    told=$(jq .new "$work/out")
    with="$told made-up records (the real data sets are not beside the project)"
fi
record rilo-dakar "of a hub" > /dev/null && told=$((told + 1))
within 60 "those on the line do not converge" settled "$told" $online
status gm | jq -e '.kinds.seizure == 0 and .released == false' > /dev/null || fail "gm is not cut off"
expect 0 "an alert that only gm may read" "$griot" -H "$region/sn" record alert date=2026-11-20 title="Conteneur" threat="for gm alone" valid_until=2027-01-31 requested_action=INFORM --to gm --json
secret=$(jq -r .id "$work/out")
within 30 "the alert does not reach the hub" settled "$told" $online

# ---- one file, there ----
expect 0 "out for gm" bundle rilo-dakar out --for gm --out "$stick/gm.bundle" --json
json '.parts == 1 and .entries >= 1 and .files[0].bytes > 1000 and .base == [{"node": "gm", "frontier": null}] and .damaged == 0'
[ "$(stat -c %s "$stick/gm.bundle")" -eq "$(jq '.files[0].bytes' "$work/out")" ] || fail "the file is not as long as is said"
[ ! -e "$stick/gm.bundle.new" ] || fail "something half made was left"
expect 1 "over a file that is there" bundle rilo-dakar out --for gm --out "$stick/gm.bundle"
err ERR_EXISTS "name another file"
expect 0 "show at gm" bundle gm show "$stick/gm.bundle" --json
json '.writer == "rilo-dakar" and .signed == true and .for == "nodes" and ([.ranges[].origin] | unique == ["rilo-dakar", "sn"]) and .notices.cards == 6 and .notices.rosters == 1 and .unreadable == 0'
expect 0 "show at sn, without a key" bundle sn show "$stick/gm.bundle" --json
json '.locked and .sealed_for == ["gm"] and .part == 1 and (has("writer") | not)'

# ---- to the wrong office, damaged, cut short: nothing is changed ----
before=$(digest sn)
expect 5 "at the wrong office" bundle sn in "$stick/gm.bundle"
err ERR_PERMISSION "it is sealed for gm" "nothing was changed"
[ "$(digest sn)" = "$before" ] || fail "the wrong office has changed"
before=$(digest gm)
size=$(stat -c %s "$stick/gm.bundle")
head -c $((size - 1)) "$stick/gm.bundle" > "$stick/short.bundle"
expect 1 "one byte short" bundle gm in "$stick/short.bundle"
err ERR_TRUNCATED "nothing was changed" "copy it again"
cp "$stick/gm.bundle" "$stick/bent.bundle"
printf '\x55' | dd of="$stick/bent.bundle" bs=1 seek=$((size * 2 / 3)) conv=notrunc status=none
cmp -s "$stick/gm.bundle" "$stick/bent.bundle" && printf '\x56' | dd of="$stick/bent.bundle" bs=1 seek=$((size * 2 / 3)) conv=notrunc status=none
expect 1 "a byte bent" bundle gm in "$stick/bent.bundle"
err ERR_BADSIG "nothing was changed"
: > "$stick/empty.bundle"
expect 1 "an empty file" bundle gm in "$stick/empty.bundle"
err ERR_TRUNCATED
expect 1 "a folder" bundle gm in "$stick"
expect 4 "no file" bundle gm in "$stick/nowhere.bundle"
expect 1 "a csv file" bundle gm in "$0"
err ERR_MALFORMED
[ "$(digest gm)" = "$before" ] || fail "a damaged bundle has changed gm"

# ---- names never become paths ----
mkdir "$work/here" && cd "$work/here" || exit 1
expect 2 "for a path" bundle rilo-dakar out --for ../../evil
expect 2 "for an absolute path" bundle rilo-dakar out --for /tmp/evil
expect 4 "for nobody" bundle rilo-dakar out --for nobody
expect 1 "for itself" bundle rilo-dakar out --for rilo-dakar
expect 2 "for whom?" bundle rilo-dakar out
expect 2 "a size too small" bundle rilo-dakar out --for gm --size 4K
expect 2 "a size that is none" bundle rilo-dakar out --for gm --size much
expect 2 "a frontier that is none" bundle rilo-dakar out --for gm --since yesterday
expect 4 "a frontier that nobody has signed" bundle rilo-dakar out --for gm --since 17
[ -z "$(ls -A)" ] || fail "a refused bundle has left $(ls -A)"
expect 0 "without a name" bundle rilo-dakar out --for gm
[ "$(ls)" = "griot-for-gm-$(date -u +%F).bundle" ] || fail "a file without a name is called $(ls)"
mv griot-for-gm-* "./-x ;\$(touch evil).bundle"
expect 0 "a file with a name that tricks" bundle gm show "./-x ;\$(touch evil).bundle" --json
[ ! -e evil ] || fail "a name was run"
cd - > /dev/null || exit 1

# ---- a stick that fills up ----
full() { (trap '' XFSZ; ulimit -f "$1"; shift; "$@"); } # KIB COMMAND...
expect 1 "a stick without room" full 2 bundle rilo-dakar out --for gm --out "$stick/full.bundle"
err ERR_FULL "the medium is full" "--size"
[ -z "$(ls "$stick" | grep full)" ] || fail "a full stick holds $(ls "$stick")"

# ---- taken in, twice ----
expect 0 "in at gm" bundle gm in "$stick/gm.bundle" --json
json ".files[0] | .entries == $(jq '.entries' <(bundle gm show "$stick/gm.bundle" --json)) and .waiting == 0 and .refused == 0 and .aside == 0"
within 30 "gm has not caught up" settled "$told" rilo-dakar gm
expect 0 "gm reads what the hub that wrote the bundle cannot" "$griot" -H "$region/gm" show "$secret" --json
json '.versions[0].fields.threat == "for gm alone"'
"$griot" -H "$region/rilo-dakar" show "$secret" --json 2> /dev/null | grep -q "for gm alone" && fail "the hub reads what is not for it"
expect 0 "in again" bundle gm in "$stick/gm.bundle" --json
json '.files[0] | .entries == 0 and .notices == 0 and .commits_held > 0'

# ---- and back: what gm writes, and its word that it holds the rest ----
first=$(record gm "of gm, by stick") || fail "gm does not record"
record gm "of gm, again" > /dev/null
told=$((told + 2))
expect 0 "out of gm" bundle gm out --for rilo-dakar --out "$stick/back.bundle" --json
json '.entries == 2 and .issued_again == 0'
expect 0 "in at rilo-dakar" bundle rilo-dakar in "$stick/back.bundle" --json
json '.files[0] | .entries == 2 and .writer == "gm"'
within 60 "what gm has written does not arrive" settled "$told" $online gm
lacks_nothing() { "$griot" -H "$region/rilo-dakar" lag --json | jq -e '[.nodes[] | select(.name == "gm").missing_total] == [0]' > /dev/null; }
within 10 "rilo-dakar does not know what gm holds" lacks_nothing
held_by_all() { "$griot" -H "$region/rilo-dakar" trace "$first" --json | jq -e '.versions[0] | .not_yet == [] and .unknown == ["tg"]' > /dev/null; }
within 30 "not everybody has signed that it holds it" held_by_all
expect 0 "out for gm, with nothing lacking" bundle rilo-dakar out --for gm --out "$stick/ack.bundle" --json
json '.entries == 0'
expect 0 "in at gm" bundle gm in "$stick/ack.bundle" --json
json '.files[0].released' # a hub has named what gm has written since its start
expect 0 "trace at gm" "$griot" -H "$region/gm" trace "$first" --json
json '.versions[0] | (.held_by | index("rilo-dakar") != null and index("sn") != null) and .not_yet == []'

# ---- gm stopped: the same from the store ----
pid=$(pid_of gm)
kill "$pid" && within 10 "gm does not stop" gone "$pid"
for i in 1 2 3; do record sn "while gm is stopped $i" > /dev/null && told=$((told + 1)); done
within 30 "those on the line do not converge again" settled "$told" $online
expect 0 "out for the region" bundle rilo-dakar out --for region --out "$stick/region.bundle" --json
json '.entries >= 3 and (.base | length == 5)'
expect 0 "in without a daemon" bundle gm in "$stick/region.bundle" --json
json '.files[0] | .entries == 3 and .from == "store"'
record gm "without a daemon" > /dev/null && told=$((told + 1)) # in an older log: it must not go on with that
expect 0 "out without a daemon" bundle gm out --for region --out "$stick/gm-region.bundle" --json
json '.entries >= 1 and .issued_again == 1'
expect 0 "in at rilo-douala" bundle rilo-douala in "$stick/gm-region.bundle" --json
json '.files[0].entries == 1'
expect 0 "in at bj from a pipe" bash -c "cat '$stick/gm-region.bundle' | '$griot' -H '$region/bj' bundle in -"
expect 0 "start gm" "$griot" sandbox up "$region"
within 60 "not all hold the same" settled "$told" $online gm

# ---- parts: in any order, killed in the middle ----
for i in $(seq 30); do record sn "for the parts $i" > /dev/null && told=$((told + 1)); done
within 30 "those on the line do not converge once more" settled "$told" $online
rm -f "$stick"/*
expect 0 "out in parts" bundle rilo-dakar out --for gm --since nothing --size 200K --out "$stick/p.bundle" --json
parts=$(jq .parts "$work/out")
if [ "$parts" -gt 1 ]; then
    [ "$(ls "$stick"/p-*-of-"$parts".bundle | wc -l)" -eq "$parts" ] || fail "not $parts files: $(ls "$stick")"
    for file in "$stick"/p-*; do [ "$(stat -c %s "$file")" -le 204800 ] || fail "$file is larger than asked for"; done
else
    mv "$stick/p.bundle" "$stick/p-1-of-1.bundle"
fi
expect 0 "out in parts for the region" bundle rilo-dakar out --for region --since nothing --size 200K --out "$stick/r.bundle" --json
files=$(ls -r "$stick"/r*.bundle)
last=$(ls "$stick"/r*.bundle | tail -n 1)
if [ "$parts" -gt 1 ]; then
    expect 6 "the last part first" bundle tg in "$last" --strict --json
    json '.files[0] | .waiting > 0 and .entries < '"$told"' and (.reasons | map(.code) | index("ERR_GAP") != null or index("ERR_UNKNOWN_LOG") != null)'
    expect 0 "again, in words" bundle tg in "$last"
    err "Take in part 1 first"
fi
# Half of a part has come, and is in, when the node is killed.
part=$(ls "$stick"/r*.bundle | head -n 1)
before=$(status tg | jq .entries)
(head -c $(($(stat -c %s "$part") * 5 / 6)) "$part"; until [ -e "$work/killed" ] || [ ! -d "$work" ]; do sleep 0.05; done) | bundle tg in - > "$work/out" 2> "$work/err" &
import=$!
begun() { status tg | jq -e ".entries > $before" > /dev/null; }
within 30 "nothing of the first part is in" begun
pid=$(pid_of tg)
kill -9 "$pid"
touch "$work/killed"
wait $import && fail "the import went well without a node"
expect 0 "start tg after kill -9" "$griot" sandbox up "$region"
half=$(status tg | jq .entries)
[ "$half" -gt "$before" ] && [ "$half" -lt "$told" ] || fail "after kill -9 tg holds $half, of $told; before it held $before"
expect 0 "all parts from behind" bundle tg in $files --json
json '[.files[].waiting] | add == 0'
within 60 "tg does not hold the same" settled "$told" rilo-dakar tg
expect 0 "fsck of tg" "$griot" -H "$region/tg" fsck
expect 0 "all parts at gm, which has most of it" bundle gm in "$stick"/p-* --json
json '[.files[] | .waiting, .refused] | add == 0'
(bundle rilo-dakar out --for gm --since nothing --out "$stick/killed.bundle" > /dev/null 2>&1) &
writer=$!
sleep 0.0$((RANDOM % 5))
kill -9 $writer 2> /dev/null
wait $writer 2> /dev/null
[ ! -e "$stick/killed.bundle" ] || expect 0 "what a killed command has left under its name is whole" bundle gm show "$stick/killed.bundle"

# ---- an order to erase comes by stick, and the stick of before it later ----
expect 0 "an alert" "$griot" -H "$region/sn" record alert date=2026-11-20 title="Conteneur" threat="entered by mistake" valid_until=2027-01-31 requested_action=INFORM --json
mistake=$(jq -r .id "$work/out")
knows() { "$griot" -H "$region/rilo-dakar" show "$mistake" --json 2> /dev/null | grep -q "$1"; }
within 30 "the alert does not arrive" knows "entered by mistake"
expect 0 "out with it" bundle rilo-dakar out --for gm --out "$stick/before.bundle"
expect 0 "erase" "$griot" -H "$region/sn" erase "$mistake" --why "by mistake"
erased_there() { ! knows "entered by mistake"; }
within 30 "the order does not arrive" erased_there
expect 0 "out with the order" bundle rilo-dakar out --for gm --out "$stick/after.bundle"
expect 0 "in with the order" bundle gm in "$stick/after.bundle" --json
json '.files[0] | .waiting == 0 and .refused == 0'
expect 0 "in, of before the order" bundle gm in "$stick/before.bundle" --json
json '.files[0] | .waiting == 0 and .refused == 0'
"$griot" -H "$region/gm" show "$mistake" --json 2> /dev/null | grep -q "entered by mistake" && fail "an old bundle has brought back what was erased"

# ---- the line is back ----
expect 0 "heal" "$griot" sandbox heal "$region" gm
expect 0 "heal tg" "$griot" sandbox heal "$region" tg
record gm "live" > /dev/null && told=$((told + 1))
within 60 "not all hold the same in the end" settled "$told" $online gm tg
for node in $online gm tg; do
    status "$node" | jq -e '[.refused[] | select(.code == "ERR_FORK" or .code == "ERR_BADSIG" or .code == "ERR_CHAIN")] == [] and ([.warnings[].code] | index("OWN-AHEAD") == null)' > /dev/null ||
        fail "$node: $(status "$node" | jq -c '.refused, .warnings')"
done

# ---- what a thief writes: the home of tg is stolen, suspended, and does not know it ----
expect 0 "cut tg" "$griot" sandbox cut "$region" tg
expect 0 "suspend tg" "$griot" -H "$region/rilo-dakar" suspend tg --reason stolen
record tg "by the thief" > /dev/null
expect 0 "out of tg" bundle tg out --for rilo-dakar --out "$stick/thief.bundle"
before=$(digest rilo-dakar)
expect 5 "in at rilo-dakar" bundle rilo-dakar in "$stick/thief.bundle"
err ERR_NOT_MEMBER "nothing was changed"
[ "$(digest rilo-dakar)" = "$before" ] || fail "a suspended node has written by stick"
expect 0 "down" "$griot" sandbox down "$region"
echo "bundle: an office without a line caught up by stick, wrote, was acknowledged, and holds the same as all; $with, $parts parts, a full stick, kill -9"
