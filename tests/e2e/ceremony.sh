#!/bin/bash
# The ceremony of OPERATE.md 10 with five holders at five desks: a roster is proposed, carried, shown, signed, carried back and combined; then root keys and threshold change; and what must be
# refused on the way: too few, twice, the wrong proposal, the wrong key, out of date, damaged.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
finish() { rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err"
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
says() { grep -q -- "$1" "$work/err" || { cat "$work/out" "$work/err"; fail "$want: not \"$1\""; }; }
code() { jq -e ".code == \"$1\"" "$work/err" > /dev/null || { cat "$work/err"; fail "$what: not $1"; }; }
shows() { jq -e "$1" "$work/out" > /dev/null || { cat "$work/out"; fail "$what: not $1"; }; }
key() { (umask 077; head -c 32 /dev/urandom > "$1"); }
at_terminal() { # COMMAND [ASKED TYPED]...: what a holder sees and types
    local command=$1 deadline status
    shift
    rm -f typing && mkfifo typing && : > screen
    script -qefc "$command" screen < typing > /dev/null &
    local terminal=$!
    exec 9> typing
    while [ $# -gt 0 ]; do
        deadline=$((SECONDS + 20))
        until grep -q -- "$1" screen; do
            [ $SECONDS -lt $deadline ] || { cat screen; echo "nobody was asked: $1"; kill "$terminal"; return 99; }
            sleep 0.05
        done
        printf '%s\r' "$2" >&9
        shift 2
    done
    wait "$terminal"
    status=$?
    exec 9>&-
    return $status
}
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8

# ---- founding: each holder takes his folder away ----
cd "$work" || exit 1
mkdir root-desk offices cards
key root-desk/key
expect 0 "root create" "$griot" root create root-desk/root --name exercise --key-file root-desk/key
for holder in 1 2 3 4 5 6 7; do
    mkdir "desk-$holder"
    cp -p root-desk/key "desk-$holder/unlock" # a test has nobody to type passphrases
done
for holder in 1 2 3 4 5; do mv "root-desk/root/key-$holder" "desk-$holder/key-$holder"; done
rm root-desk/key
[ "$(ls root-desk/root | tr '\n' ' ')" = "charter region " ] || fail "root holds $(ls root-desk/root)"
for node in hub-a:hub hub-b:hub sn:edge; do
    name=${node%%:*} role=${node##*:} listen=()
    key "offices/$name.key"
    [ "$role" = edge ] || listen=(--listen "tcp://127.0.0.1:7001")
    expect 0 "init $name" "$griot" init "$name" -H "offices/$name" --region root-desk/root/region --role "$role" "${listen[@]}" --key-file "offices/$name.key"
    expect 0 "card of $name" "$griot" card -H "offices/$name" --out "cards/$name.card"
done

# ---- roster 1: proposed ----
region() { sha256sum root-desk/root/region | cut -d ' ' -f 1; }
before=$(region)
expect 2 "propose without --out" "$griot" root propose root-desk/root --from-cards cards
expect 1 "propose without a hub" "$griot" root propose root-desk/root cards/sn.card --out x
expect 4 "propose where no region is" "$griot" root propose cards --from-cards cards --out x
[ ! -e x ] || fail "a refused proposal was written"
expect 0 "propose" "$griot" root propose root-desk/root --from-cards cards --out roster-1.proposal --json
shows '.roster == 1 and .members == 3 and .hubs == 2 and ([.changes[] | select(.change == "joins").name] | sort) == ["hub-a", "hub-b", "sn"] and .before.threshold == 3'
print=$(jq -r .fingerprint "$work/out")
cards=$(jq -r '[.changes[] | select(.change == "joins").fingerprint] | sort | join(" ")' "$work/out")
[ "$cards" = "$(for name in hub-a hub-b sn; do "$griot" card -H "offices/$name" --json | jq -r .fingerprint; done | sort | tr '\n' ' ' | sed 's/ $//')" ] ||
    fail "the proposal shows other cards than the offices read out: $cards"
expect 1 "propose over a proposal" "$griot" root propose root-desk/root --from-cards cards --out roster-1.proposal
[ "$(region)" = "$before" ] || fail "proposing changed the region file"
expect 0 "show" "$griot" root show roster-1.proposal
grep -q "sn joins as edge" "$work/out" && grep -q "$print" "$work/out" || fail "show says: $(cat "$work/out")"
expect 0 "another proposal of that number" "$griot" root propose root-desk/root cards/hub-a.card --out other-1.proposal

# ---- signed, each at his own desk with his folder alone ----
sign() { # HOLDER PROPOSAL OUT [OPTION...]
    local holder=$1 proposal=$2 out=$3; shift 3
    (cd "desk-$holder" && cp "../$proposal" proposal && "$griot" root sign proposal --key "key-$holder" --key-file unlock --out "$out" --yes "$@") && mv "desk-$holder/$out" .
}
expect 2 "sign without anybody to ask" "$griot" root sign roster-1.proposal --key desk-1/key-1 --key-file desk-1/unlock --out x
expect 2 "sign without a key" "$griot" root sign roster-1.proposal --out x --yes
expect 4 "sign with no key folder" "$griot" root sign roster-1.proposal --key desk-6 --key-file desk-1/unlock --out x --yes
expect 5 "sign with the wrong sealing key" "$griot" root sign roster-1.proposal --key desk-1/key-1 --key-file offices/sn.key --out x --yes
for holder in 1 4; do expect 0 "sign at desk $holder" sign "$holder" roster-1.proposal "$holder.signature"; done
grep -q "sn joins as edge" "$work/out" || fail "the signer was not shown what changes"
expect 1 "the same key signs another roster of that number" sign 4 other-1.proposal 4o.signature
says "divide the region"
expect 0 "the same key signs the same again" sign 4 roster-1.proposal 4b.signature
cmp -s 4.signature 4b.signature || fail "the same signature is not the same"
expect 0 "a key signs the other one" sign 5 other-1.proposal 5o.signature
expect 0 "and, since all have given that up, the right one" sign 5 roster-1.proposal 5.signature --again

# ---- combined ----
combine() { "$griot" root combine root-desk/root "$@" --json; }
expect 4 "no signature" combine roster-1.proposal
expect 4 "two of five" combine roster-1.proposal 1.signature 4.signature
code ERR_NOT_FOUND
jq -e '.why | test("1 more must sign.*: 2 .*, 3 .*, 5 ")' "$work/err" > /dev/null || fail "who is missing: $(cat "$work/err")"
expect 1 "the same holder twice" combine roster-1.proposal 1.signature 4.signature 4b.signature
code ERR_EXISTS
expect 1 "a signature of another proposal" combine roster-1.proposal 1.signature 4.signature 5o.signature
code ERR_BADHASH
expect 0 "another root" "$griot" root create elsewhere --key-file desk-1/unlock
mkdir desk-x && mv elsewhere/key-1 desk-x/key-x && cp -p desk-1/unlock desk-x/
expect 1 "a key of another root" sign x roster-1.proposal x.signature
says "no root key"
expect 1 "the proposal in another region's folder" "$griot" root combine elsewhere roster-1.proposal 1.signature 4.signature 5.signature
sed '2s/^\(.\{10\}\)./\10/;2s/^\(.\{11\}\)./\11/' 5.signature > bent.signature
cmp -s 5.signature bent.signature && fail "nothing was bent"
expect 1 "a bent signature" combine roster-1.proposal 1.signature 4.signature bent.signature
head -c 90 5.signature > cut.signature
expect 1 "a signature cut short" combine roster-1.proposal 1.signature 4.signature cut.signature
expect 1 "a card for a signature" combine roster-1.proposal 1.signature 4.signature cards/sn.card
[ "$(region)" = "$before" ] || fail "a refused combination changed the region file"
expect 0 "three of five" combine roster-1.proposal 5.signature 1.signature 4.signature
shows ".roster == 1 and .members == 3 and .signatures == 3 and .fingerprint == \"$print\""
expect 1 "the same again" combine roster-1.proposal 5.signature 1.signature 4.signature
code ERR_EXISTS
expect 0 "join" "$griot" join root-desk/root/region -H offices/sn --json
shows '.member and .roster == 1'

# ---- a proposal damaged on the way ----
size=$(stat -c %s roster-1.proposal)
for at in 3 16 20 60 100 300 $((size - 40)) $((size - 1)); do
    cp roster-1.proposal bent.proposal
    printf '\xc1' | dd of=bent.proposal bs=1 seek="$at" conv=notrunc status=none
    expect 1 "a proposal with byte $at changed" "$griot" root show bent.proposal
    head -c "$at" roster-1.proposal > bent.proposal
    expect 1 "a proposal cut at $at" "$griot" root show bent.proposal
done

# ---- root keys and threshold change: 2 gives up his office, 6 and 7 take part ----
cp root-desk/root/region region-1
expect 1 "out of date where its roster is known already" sign 2 other-1.proposal x.signature --region ../region-1
says "out of date"
for holder in 7; do
    expect 0 "root key at desk $holder" "$griot" root key "desk-$holder/key-$holder" --key-file "desk-$holder/unlock" --region root-desk/root/region --json
    cp "desk-$holder/key-$holder/public" "$holder.public"
done
# Holder 6 has no key file: a passphrase, typed twice.
expect 0 "root key with a passphrase" at_terminal "'$griot' root key desk-6/key-6 --region root-desk/root/region" "assphrase" "six words that nobody else knows" "once more" "six words that nobody else knows"
cp desk-6/key-6/public 6.public
grep -q "$(sed -n '3s/fingerprint //p' 6.public)" screen || fail "the fingerprint of the new key is not shown: $(cat screen)"
grep -q "six words" screen && fail "the passphrase is shown"
expect 1 "root key over a root key" "$griot" root key desk-6/key-6 --key-file desk-6/unlock
sed '2s/^././;2s/^\(.\)\(.\)/\2\1/' 6.public > bent.public
cmp -s 6.public bent.public || expect 1 "a public file with a digit exchanged" "$griot" root propose root-desk/root --new-key bent.public --out x
expect 1 "a root key twice" "$griot" root propose root-desk/root --new-key 6.public --new-key 6.public --out x
expect 4 "a root key that is not there" "$griot" root propose root-desk/root --drop-key 6 --out x
expect 1 "a threshold above the keys" "$griot" root propose root-desk/root --drop-key 1 --drop-key 2 --threshold 4 --out x
expect 0 "propose another threshold alone" "$griot" root propose root-desk/root --threshold 4 --out threshold.proposal --json
shows '[.changes[] | [.change, .before, .after]] == [["threshold", 3, 4]]'
expect 0 "propose other root keys" "$griot" root propose root-desk/root --new-key 6.public --new-key 7.public --drop-key 2 --threshold 4 --out roster-2.proposal --json
shows '.before.threshold == 3 and .after.threshold == 4 and (.after.keys | length) == 6 and ([.changes[].change] | sort) == ["key added", "key added", "key dropped", "threshold"]'
jq -e --arg six "$(sed -n '3s/fingerprint //p' 6.public)" '.after.keys[1] == $six and (.changes[] | select(.change == "key dropped").place == 2)' "$work/out" > /dev/null ||
    fail "the new key did not take the place of the old: $(cat "$work/out")"
for holder in 1 2 7; do expect 0 "sign at desk $holder" sign "$holder" roster-2.proposal "$holder.signature" --region ../region-1; done
# Holder 6 reads it, is asked, thinks better of it; tries with a wrong passphrase; and signs.
asked="'$griot' root sign roster-2.proposal --key desk-6/key-6 --region region-1 --out 6.signature"
rm -f 6.signature
expect 2 "a holder who does not agree" at_terminal "$asked" "Sign it" no
grep -q "not agreed" screen && grep -q "from then on 4 root keys must sign, before 3" screen || fail "what the holder saw: $(cat screen)"
expect 5 "a wrong passphrase" at_terminal "$asked" "Sign it" yes "assphrase of" "six words that nobody knows"
[ ! -e 6.signature ] || fail "signed all the same"
expect 0 "sign at desk 6" at_terminal "$asked" "Sign it" yes "assphrase of" "six words that nobody else knows"
rm 6.signature
exec 7< <(echo "six words that nobody else knows")
expect 0 "and again, with the passphrase on a descriptor" env GRIOT_PASSPHRASE_FD=7 "$griot" root sign roster-2.proposal --key desk-6/key-6 --region region-1 --out 6.signature --yes
exec 7<&-
expect 1 "a signature of the last roster" combine roster-2.proposal 1.signature 2.signature 6.signature 4.signature
code ERR_BADHASH
expect 4 "too few old ones" combine roster-2.proposal 1.signature 6.signature 7.signature
jq -e '.why | test("1 more must sign, of the root keys before") or test("2 more must sign, of the root keys before")' "$work/err" > /dev/null || fail "who is missing: $(cat "$work/err")"
expect 4 "too few new ones" combine roster-2.proposal 1.signature 2.signature 6.signature
for holder in 3 4; do expect 0 "sign at desk $holder" sign "$holder" roster-2.proposal "$holder.signature"; done
expect 4 "enough old ones, too few new ones" combine roster-2.proposal 1.signature 2.signature 3.signature 7.signature
jq -e '.why | test("1 more must sign, of the new root keys") and (test("before") | not)' "$work/err" > /dev/null || fail "who is missing: $(cat "$work/err")"
expect 0 "three old and four new ones" combine roster-2.proposal 1.signature 3.signature 4.signature 6.signature
shows '.roster == 2 and .signatures == 4'
expect 0 "join" "$griot" join root-desk/root/region -H offices/sn --json
shows '.member and .roster == 2'

# ---- from then on the old keys alone sign nothing ----
expect 0 "propose" "$griot" root propose root-desk/root --remove sn --out roster-3.proposal --json
shows '[.changes[].change] == ["leaves", "cut"]'
expect 1 "a key that was dropped" sign 2 roster-3.proposal x.signature
says "no root key"
for holder in 1 3 4; do expect 0 "sign at desk $holder" sign "$holder" roster-3.proposal "$holder.signature"; done
expect 4 "three of six" combine roster-3.proposal 1.signature 3.signature 4.signature
expect 0 "sign at desk 7" sign 7 roster-3.proposal 7.signature
expect 0 "four of six" combine roster-3.proposal 1.signature 3.signature 4.signature 7.signature
expect 1 "a proposal of an earlier number" sign 1 roster-2.proposal x.signature
says "out of date\|higher number"
expect 1 "combining what is out of date" combine other-1.proposal 5o.signature
code ERR_STALE

# ---- and the same at one desk ----
mkdir one && cp -a root-desk/root one/root
for holder in 1 3 4; do cp -a "desk-$holder/key-$holder" one/root/; done
expect 4 "three of six at one desk" "$griot" root roster one/root cards/sn.card --key-file desk-1/unlock
cp -a desk-7/key-7 one/root/
expect 0 "four of six at one desk" "$griot" root roster one/root --lift sn cards/sn.card --key-file desk-1/unlock --json
shows '.roster == 4 and .members == 3'
echo "ceremony: five holders at five desks signed a roster, changed root keys and threshold, and refused what must be"
