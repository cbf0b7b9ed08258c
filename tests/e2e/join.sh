#!/bin/bash
# A region founded by hand, as offices do it: root ceremony, init, card, roster, join; then one more node that two hubs admit. And what must be refused on the way.
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
    "$@" > "$work/out" 2> "$work/err"
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
key() { (umask 077; head -c 32 /dev/urandom > "$1"); }

# ---- the ceremony ----
key "$work/root-key"
expect 0 "root create" "$griot" root create "$work/root" --name exercise --key-file "$work/root-key"
id=$(cat "$work/out")
[ ${#id} -eq 64 ] || fail "root create prints no region id: $id"
expect 1 "root create again" "$griot" root create "$work/root" --key-file "$work/root-key"
[ "$(ls "$work/root" | tr '\n' ' ')" = "charter key-1 key-2 key-3 key-4 key-5 region " ] || fail "root holds $(ls "$work/root")"
mkdir "$work/cards"
for node in hub-a:hub hub-b:hub sn:edge; do
    name=${node%%:*} role=${node##*:}
    key "$work/$name.key"
    listen=()
    [ "$role" = edge ] || listen=(--listen "tcp://127.0.0.1:7001")
    expect 0 "init $name" "$griot" init "$name" -H "$work/$name" --region "$work/root/region" --role "$role" "${listen[@]}" --key-file "$work/$name.key"
    expect 0 "card of $name" "$griot" card -H "$work/$name" --out "$work/cards/$name.card"
done
expect 1 "init on an existing home" "$griot" init sn -H "$work/sn" --region "$work/root/region" --key-file "$work/sn.key"
expect 2 "init with a bad name" "$griot" init "Sao Tome" -H "$work/x" --region "$work/root/region" --key-file "$work/sn.key"
expect 2 "init without a region" "$griot" init x -H "$work/x" --key-file "$work/sn.key"
expect 1 "init with a file that is no region" "$griot" init x -H "$work/x" --region "$work/cards/sn.card" --key-file "$work/sn.key"
chmod 644 "$work/sn.key"
expect 5 "init with a key that others may read" "$griot" init x -H "$work/x" --region "$work/root/region" --key-file "$work/sn.key"
chmod 600 "$work/sn.key"
[ ! -e "$work/x" ] || fail "a refused init left something"

sed '2s/^./f/;2s/^f\(.\)/e\1/' "$work/cards/sn.card" > "$work/bent.card"
expect 1 "a bent card" "$griot" root roster "$work/root" "$work/bent.card" --key-file "$work/root-key"
expect 1 "a roster without a hub" "$griot" root roster "$work/root" "$work/cards/sn.card" --key-file "$work/root-key"
mkdir "$work/away"
mv "$work"/root/key-[123] "$work/away"
expect 4 "too few root keys" "$griot" root roster "$work/root" --from-cards "$work/cards" --key-file "$work/root-key"
mv "$work"/away/key-2 "$work/root"
expect 0 "three of five root keys" "$griot" root roster "$work/root" --from-cards "$work/cards" --key-file "$work/root-key" --json
jq -e '.roster == 1 and .members == 3 and .signatures == 3' "$work/out" > /dev/null || fail "the roster: $(cat "$work/out")"
expect 0 "join" "$griot" join "$work/root/region" -H "$work/sn" --json
jq -e '.member and .roster == 1 and ([.hubs[].name] | sort) == ["hub-a", "hub-b"]' "$work/out" > /dev/null || fail "join says: $(cat "$work/out")"
expect 0 "join again" "$griot" join "$work/root/region" -H "$work/sn"
# The second roster adds to the first.
key "$work/gm.key"
expect 0 "init gm by region id" "$griot" init gm -H "$work/gm" --region-id "$id" --key-file "$work/gm.key"
expect 0 "card of gm" "$griot" card -H "$work/gm" --out "$work/cards/gm.card"
expect 0 "the second roster" "$griot" root roster "$work/root" "$work/cards/gm.card" --key-file "$work/root-key" --json
jq -e '.roster == 2 and .members == 4 and .added == 1' "$work/out" > /dev/null || fail "the second roster: $(cat "$work/out")"
expect 0 "join of gm, which knows nothing but the id" "$griot" join "$work/root/region" -H "$work/gm" --json
jq -e '.member and .roster == 2' "$work/out" > /dev/null || fail "join says: $(cat "$work/out")"

# ---- a node that two hubs admit, in a running region ----
expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm
expect 0 "sandbox up" "$griot" sandbox up "$region"
expect 1 "join of another region" "$griot" join "$region/root/region" -H "$work/sn"
key "$region/root/unlock/tg"
expect 0 "init tg" "$griot" init tg -H "$region/tg" --region "$region/root/region" --key-file "$region/root/unlock/tg"
expect 0 "card of tg" "$griot" card -H "$region/tg" --out "$work/tg.card" --json
print=$(jq -r .fingerprint "$work/out")
expect 1 "admit with another fingerprint" "$griot" admit "$work/tg.card" -H "$region/rilo-dakar" --fingerprint aaaa-bbbb-cccc-dddd-eeee
expect 5 "admit at an edge" "$griot" admit "$work/tg.card" -H "$region/sn"
expect 1 "admit of a card of another region" "$griot" admit "$work/cards/gm.card" -H "$region/rilo-dakar"
expect 1 "admit of a bent card" "$griot" admit "$work/bent.card" -H "$region/rilo-dakar"
expect 0 "admit at the first hub" "$griot" admit "$work/tg.card" -H "$region/rilo-dakar" --fingerprint "$print" --json
jq -e '.state == "proposed" and .by == ["rilo-dakar"]' "$work/out" > /dev/null || fail "first admit: $(cat "$work/out")"
expect 0 "the same again" "$griot" admit "$work/tg.card" -H "$region/rilo-dakar" --json
jq -e '.state == "proposed"' "$work/out" > /dev/null || fail "first admit again: $(cat "$work/out")"
expect 0 "join before it is admitted" "$griot" join "$region/root/region" -H "$region/tg" --json
jq -e '.member == false and (.hubs | length) == 2' "$work/out" > /dev/null || fail "join says: $(cat "$work/out")"
# The second hub hears of the first one's act by itself.
deadline=$((SECONDS + 30))
while :; do
    expect 0 "admit at the second hub" "$griot" admit "$work/tg.card" -H "$region/rilo-douala" --json
    jq -e '.state != "proposed"' "$work/out" > /dev/null && break
    [ $SECONDS -lt $deadline ] || fail "the second hub never heard of the first one's act"
    sleep 0.1
done
expect 0 "up starts the new node" "$griot" sandbox up "$region"
expect 4 "a guest has no cable" "$griot" sandbox cut "$region" tg
expect 0 "record at tg" "$griot" -H "$region/tg" record seizure date=2026-11-03 country=TG heading=DRG description="first of tg" quantity=1 unit=KGM
expect 0 "record at sn" "$griot" -H "$region/sn" record seizure date=2026-11-03 country=SN heading=DRG description="to tg too" quantity=1 unit=KGM
deadline=$((SECONDS + 60))
until "$griot" sandbox status "$region" --json |
    jq -e '[.nodes[].status] | all(. != null and .kinds.seizure == 2 and .missing.total == 0 and .missing.unknown == []) and ([.[].heads_digest] | unique | length) == 1' > /dev/null; do
    [ $SECONDS -lt $deadline ] || { "$griot" sandbox status "$region"; fail "the new node and the others do not hold the same"; }
    sleep 0.1
done
expect 0 "join after" "$griot" join "$region/root/region" -H "$region/tg" --json
jq -e '.member' "$work/out" > /dev/null || fail "tg does not know that it is a member: $(cat "$work/out")"

# ---- what the two hubs did goes to the root on a stick, and the next roster confirms it ----
warned() { "$griot" -H "$region/$1" status --json | jq -e '[.warnings[] | select(.code == "ACT-ADMIT")] | length == '"$2" > /dev/null; }
for node in rilo-dakar rilo-douala sn gm tg; do warned $node 2 || fail "$node does not warn of the two admissions"; done
expect 0 "the root knows of nothing" "$griot" root propose "$region/root" --out "$work/without.proposal" --json
jq -e '.members == 4 and .changes == []' "$work/out" > /dev/null || fail "the proposal without the acts: $(cat "$work/out")"
expect 0 "region at a hub" "$griot" region -H "$region/rilo-dakar" --out "$work/carried"
expect 0 "propose with the acts" "$griot" root propose "$region/root" --region "$work/carried" --out "$work/with.proposal" --json
jq -e '.members == 5 and ([.changes[] | [.change, .name]] == [["joins", "tg"]])' "$work/out" > /dev/null || fail "the proposal with the acts: $(cat "$work/out")"
expect 0 "the roster that confirms it" "$griot" root roster "$region/root" --region "$work/carried" --key-file "$region/root/unlock/root" --json
jq -e '.roster == 2 and .members == 5' "$work/out" > /dev/null || fail "the roster: $(cat "$work/out")"
expect 0 "join with it at one office" "$griot" join "$region/root/region" -H "$region/gm"
deadline=$((SECONDS + 30))
until warned rilo-dakar 0 && warned rilo-douala 0 && warned sn 0 && warned gm 0 && warned tg 0; do
    [ $SECONDS -lt $deadline ] || fail "the confirmed admission is still warned of"
    sleep 0.1
done
expect 0 "down" "$griot" sandbox down "$region"
echo "join: region founded, two rosters signed, a new node admitted by two hubs; everybody holds its records; the next roster confirms it"
