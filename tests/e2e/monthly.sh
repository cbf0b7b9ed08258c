#!/bin/bash
# Nodes make new keys by themselves when their card is a month old, and when a rotation has ended; not before, and not where griot.ini says never. Old encryption keys stay.
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
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM; }
all_hold() { # COUNT
    "$griot" sandbox status "$region" --json |
        jq -e "[.nodes[].status] | all(. != null and .kinds.seizure == $1 and .missing.total == 0) and ([.[].heads_digest] | unique | length) == 1" > /dev/null
}
current() { # NODE PEER
    "$griot" -H "$region/$1" peers --json | jq -e ".peers[] | select(.name == \"$2\" and .state == \"current\")" > /dev/null
}

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm
member=$(realpath "$build")/e2e/member
fresh() { ls "$region/$1/keys" | grep -c encryption; }
expect 0 "a card of 31 days" "$member" "$region/gm" 31 aged
expect 0 "a card of 29 days" "$member" "$region/sn" 29 aged
expect 0 "a card of 99 days" "$member" "$region/rilo-douala" 99 aged
expect 0 "a rotation that ends in a moment" "$member" "$region/rilo-dakar" 8 rotated
printf '[keys]\nrotate = never\n' >> "$region/rilo-douala/griot.ini"
dakar=$(fresh rilo-dakar)
expect 0 "up" "$griot" sandbox up "$region"
expect 0 "record at sn" record sn "before"
within 60 "the region does not converge" all_hold 1
within 40 "gm does not rotate by itself" grep -q "event=keys_rotated err=ERR_OK" "$region/gm/log.txt"
[ "$(fresh gm)" -eq 2 ] && [ -e "$region/gm/keys/encryption-1" ] && [ -e "$region/gm/keys/transport-next" ] || fail "gm keeps $(ls "$region/gm/keys")"
within 40 "rilo-dakar does not take the new key while it runs" grep -q "event=transport_key_rotated err=ERR_OK" "$region/rilo-dakar/log.txt"
within 40 "rilo-dakar does not begin the next rotation" grep -q "event=keys_rotated err=ERR_OK" "$region/rilo-dakar/log.txt"
[ "$(fresh rilo-dakar)" -eq $((dakar + 1)) ] || fail "rilo-dakar keeps $(ls "$region/rilo-dakar/keys")"
expect 0 "record at gm" record gm "after its own rotation"
within 60 "somebody is locked out" all_hold 2
for node in sn gm; do within 30 "$node is not let in by rilo-dakar" current "$node" rilo-dakar; done
expect 1 "rotate by command while one is under way" "$griot" rotate -H "$region/gm"
[ "$(fresh sn)" -eq 1 ] || fail "a card of 29 days was rotated"
[ "$(fresh rilo-douala)" -eq 1 ] || fail "rotate = never rotates"
expect 0 "rotate by command all the same" "$griot" rotate -H "$region/rilo-douala"
expect 0 "down" "$griot" sandbox down "$region"
echo "monthly: a card of 31 days was rotated and one of 29 was not; a rotation ended while its node ran, and the next began; nobody was locked out"
