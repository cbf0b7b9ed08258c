#!/bin/bash
# A region of 2 hubs and 24 edges takes in the real files at two edges, with a third edge's cable pulled meanwhile and a hub killed in the middle; then every node
# holds the same heads, misses nothing and finds the same records. Exit 77: the data is not here.
set -u
build=$1
griot=$(realpath "$build")/griot
data=${GRIOT_DATA:-../shared/data}
routes=$data/routes-airport-seizures/tot.csv
cbp=$data/cbp-drug-seizures/nationwide-drugs-fy19-fy22.csv
[ -r "$routes" ] && [ -r "$cbp" ] || { echo "skip: the real data sets are not beside the project"; exit 77; }
work=$(mktemp -d)
cp "$routes" "$cbp" "$work" && chmod u+w "$work"/*.csv # refused rows are written beside the file
routes=$work/tot.csv cbp=$work/nationwide-drugs-fy19-fy22.csv
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/*log*; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }

"$griot" sandbox create "$region" --hubs 2 --edges 24 || fail "create"
"$griot" sandbox up "$region" || fail "up"
nodes=$(for home in "$region"/*/; do name=$(basename "$home"); [ "$name" = root ] || echo "$name"; done)
[ "$(echo "$nodes" | wc -l)" -eq 26 ] || fail "not 26 nodes: $nodes"

"$griot" sandbox cut "$region" ml || fail "cut"
"$griot" -H "$region/sn" --json import "$routes" --map deploy/mappings/routes-airport-seizures.ini > "$work/routes.json" 2> "$work/routes.err" &
first=$!
"$griot" -H "$region/cm" --json import "$cbp" --map deploy/mappings/cbp-drug-seizures.ini > "$work/cbp.json" 2> "$work/cbp.err" &
second=$!
sleep 0.3
pkill -KILL -f -- "-H $region/rilo-dakar run" || fail "no process of rilo-dakar to kill"
wait $first || fail "import of routes: $(cat "$work/routes.err")"
wait $second || fail "import of cbp: $(cat "$work/cbp.err")"
jq -e '.schema == "griot.import/1" and .accepted > 700' "$work/routes.json" > /dev/null || fail "routes: $(head -c 600 "$work/routes.json")"
jq -e '.accepted > 9000' "$work/cbp.json" > /dev/null || fail "cbp: $(head -c 600 "$work/cbp.json")"
"$griot" sandbox up "$region" || fail "up again"
"$griot" sandbox heal "$region" ml || fail "heal"

expected=$(($(jq .accepted "$work/routes.json") + $(jq .accepted "$work/cbp.json")))
states() {
    for node in $nodes; do
        "$griot" -H "$region/$node" --json status | jq -c '[.heads_digest, .missing.total, (.missing.unknown | length), .kinds.seizure, (.index.journal - .index.followed)]'
    done | sort -u
}
until_deadline=$((SECONDS + 120))
while :; do
    seen=$(states)
    if [ "$(echo "$seen" | wc -l)" -eq 1 ] && [ "$(echo "$seen" | jq -c '.[1:]')" = "[0,0,$expected,0]" ]; then break; fi
    [ $SECONDS -lt $until_deadline ] || fail "no convergence to $expected records within 120 s: $seen"
    sleep 0.5
done
answers=$(for node in $nodes; do "$griot" -H "$region/$node" --json search "methamphetamine" --limit 50 | jq -c '[.total, [.hits[].id]]'; done | sort -u)
[ "$(echo "$answers" | wc -l)" -eq 1 ] || fail "nodes find different records"
[ "$(echo "$answers" | jq '.[0]')" -gt 100 ] || fail "search found too little: $answers"
"$griot" -H "$region/sn" --json import "$routes" --map deploy/mappings/routes-airport-seizures.ini > "$work/again.json" || fail "import again"
jq -e '.new == 0 and .updated == 0' "$work/again.json" > /dev/null || fail "the same file again made records: $(jq -c '[.new, .updated, .unchanged]' "$work/again.json")"
echo "26 nodes hold the same $expected records"
