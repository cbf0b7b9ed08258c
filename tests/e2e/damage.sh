#!/bin/bash
# Damage of a stopped node's log, byte by byte and page by page: fsck and verify end with exit code 0 or 1 and a sentence, never by a signal or in silence.
#   tests/e2e/damage.sh BUILD_FOLDER [SEED]
set -u
build=$1
griot=$(realpath "$build")/griot
seed=${2:-$(od -An -N2 -tu2 /dev/urandom | tr -d ' ')}
work=$(realpath "$(mktemp -d)")
region=$work/region
home=$region/sn
trap 'rm -rf "$work"' EXIT
export LANG=en_GB.UTF-8
RANDOM=$seed
echo "seed $seed"
fail() { echo "FAILED: $* (seed $seed)"; tail -n 5 "$work/out" "$work/err"; exit 1; }
"$griot" sandbox create "$region" --hubs 1 --edges sn > "$work/out" 2>&1 || fail "sandbox create"
{
    echo "numéro;jour;produit;poids;lieu"
    for n in $(seq 400); do echo "D-$n;19/11/2026;cocaine;$n,5;Quai numéro $n"; done
} > "$work/some.csv"
"$griot" -H "$home" import "$work/some.csv" --map tests/e2e/cli-exercise.ini > "$work/out" 2> "$work/err" || fail "import"
for command in fsck verify; do
    "$griot" -H "$home" $command > "$work/out" 2> "$work/err" || fail "$command of a good store"
done
file=$home/log/data.mdb
[ -s "$file" ] || fail "no $file"
cp -r "$home" "$work/good"
pages=$(($(stat -c %s "$file") / 4096))
named=0
for round in $(seq 10); do
    rm -rf "$home" && cp -r "$work/good" "$home"
    page=$(((RANDOM * 32768 + RANDOM) % pages))
    kind=$((RANDOM % 4))
    case $kind in
        0) damage="page $page zeroed" && head -c 4096 /dev/zero | dd of="$file" bs=4096 seek=$page conv=notrunc status=none ;;
        1) # noise from the seed, so that a failure can be had again
            damage="page $page filled with noise"
            for _ in $(seq 2048); do printf '%04x' $((RANDOM * 2 % 65536)); done | tac -rs .. | sed 's/../\\x&/g' > "$work/noise"
            printf "$(cat "$work/noise")" | dd of="$file" bs=4096 seek=$page conv=notrunc status=none ;;
        2) # the head of a page: its number, flags, where its free space begins and ends, the first places of its rows
            damage="bytes in the head of page $page"
            for _ in 1 2 3 4; do printf "\\x$(printf %02x $((RANDOM % 256)))" | dd of="$file" bs=1 seek=$((page * 4096 + RANDOM % 32)) conv=notrunc status=none; done ;;
        3) damage="cut off after page $page" && truncate -s $(((page + 1) * 4096)) "$file" ;;
    esac
    for command in fsck verify; do
        timeout 60 "$griot" -H "$home" $command > "$work/out" 2> "$work/err" < /dev/null
        code=$?
        case $code in
            0) ;;
            1) named=$((named + 1)); grep -q 'ERR_[A-Z]' "$work/out" "$work/err" || fail "$damage: $command says no code" ;;
            *) fail "$damage: $command ends with $code" ;;
        esac
    done
    echo "$damage: exit $code $(grep -ho 'ERR_[A-Z]*' "$work/out" "$work/err" | sort | uniq -c | tr -s ' \n' ' ')"
done

# The index is damaged: fsck names it or the node has made it anew by itself, and the second check finds nothing.
for round in 1 2 3; do
    rm -rf "$home" && cp -r "$work/good" "$home"
    pages=$(($(stat -c %s "$home/views/data.mdb") / 4096))
    page=$((2 + RANDOM % (pages - 2)))
    head -c 4096 /dev/zero | dd of="$home/views/data.mdb" bs=4096 seek=$page conv=notrunc status=none
    timeout 60 "$griot" -H "$home" fsck > "$work/out" 2> "$work/err" < /dev/null
    code=$?
    [ $code -le 1 ] || fail "page $page of the index zeroed: fsck ends with $code"
    [ $code -eq 0 ] || grep -q 'ERR_CORRUPT' "$work/out" "$work/err" || fail "page $page of the index zeroed: no code"
    timeout 60 "$griot" -H "$home" fsck > "$work/out" 2> "$work/err" < /dev/null || fail "page $page of the index zeroed: it did not heal"
    "$griot" -H "$home" --json search Quai > "$work/out" 2> "$work/err" && jq -e '.total == 400' "$work/out" > /dev/null || fail "page $page of the index zeroed: search"
    echo "index page $page zeroed: exit $code, then healed"
done
echo "10 damages: $named checks named a fault, the others met none; seed $seed"
