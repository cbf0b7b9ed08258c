#!/bin/bash
# A node on a small disk that fills up: intake stops with a clear message, reads and search go on, nothing that peers have is lost, and when there is room again
# intake goes on by itself. Exit 77: this needs root, to mount a small file system.
set -u
build=$1
griot=$(realpath "$build")/griot
[ "$(id -u)" -eq 0 ] || { echo "skip: only root can mount a small disk"; exit 77; }
work=$(realpath "$(mktemp -d)")
region=$work/region
home=$region/sn
finish() {
    "$griot" sandbox down "$region" > /dev/null 2>&1
    mountpoint -q "$home" && umount "$home"
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*"; df "$home"; "$griot" -H "$home" --lang en status; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 8 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err" < /dev/null
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
err() { for text in "$@"; do grep -qF -- "$text" "$work/err" || { cat "$work/err"; fail "$what: no \"$text\" on stderr"; }; done; }
out() { for text in "$@"; do grep -qF -- "$text" "$work/out" || { cat "$work/out"; fail "$what: no \"$text\" on stdout"; }; done; }
status() { "$griot" -H "$region/$1" --json status; }
await() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
at() { status "$1" 2> /dev/null | jq -e "$2" > /dev/null; } # NODE JQ-CONDITION
record() { "$griot" -H "$region/$1" record seizure date=2026-11-01 country=SN heading=DRG description="$2" quantity=1 unit=KGM; } # NODE TEXT
fill() { # leave so many KiB
    local left
    left=$(($(df --output=avail -k "$home" | tail -n 1) - $1))
    [ "$left" -le 0 ] || head -c "${left}K" /dev/zero >> "$home/filler" 2> /dev/null
}
digests() { for node in rilo-dakar sn gm; do status $node | jq -r .heads_digest; done | sort -u; }
converged() { # COUNT
    for node in rilo-dakar sn gm; do
        at $node ".kinds.seizure == $1 and .missing.total == 0 and .missing.unknown == [] and .index.journal == .index.followed" || return 1
    done
    [ "$(digests | wc -l)" -eq 1 ]
}
export LANG=en_GB.UTF-8

expect 0 "sandbox create" "$griot" sandbox create "$region" --hubs 1 --edges sn,gm
mv "$home" "$work/home" && mkdir -m 700 "$home"
mount -t tmpfs -o size=64m,mode=700 tmpfs "$home" 2> /dev/null || { mv "$work/home"/* "$home"; echo "skip: no small disk can be mounted here"; exit 77; }
cp -a "$work/home/." "$home"
printf '\n[store]\ndisk_reserve_mib = 16\n' >> "$home/griot.ini"
expect 0 "sandbox up" "$griot" sandbox up "$region"
record sn "before the disk was full" > "$work/first" 2> /dev/null || fail "record"
await 30 "the first record did not arrive" converged 1

# ---- below the reserve, and at nothing at all ----
number=1
for left in 8192 0; do
    fill $left
    before=$number
    expect 1 "record on a full disk ($left KiB left)" record sn "one too many"
    err "error[ERR_FULL]" "free disk space" "reading goes on"
    expect 1 "record in JSON" "$griot" -H "$home" --json record seizure date=2026-11-01 country=SN heading=DRG description=x quantity=1 unit=KGM
    jq -e '.schema == "griot.error/1" and .code == "ERR_FULL" and (.do | length) > 0' "$work/err" > /dev/null || fail "record in JSON: $(cat "$work/err")"
    expect 1 "import on a full disk" "$griot" -H "$home" import tests/e2e/cli-exercise.csv --map tests/e2e/cli-exercise.ini --rejected "$work/rejected.csv"
    err "error[ERR_FULL]" "free disk space"
    expect 0 "status on a full disk" "$griot" -H "$home" status
    out "ATTENTION" "[DISK-FULL]" "nothing new is taken in"
    at sn '.store.intake == "stopped" and ([.warnings[].code] | index("DISK-FULL") != null)' || fail "status does not say that intake has stopped"
    for n in 1 2 3; do record gm "meanwhile $number" > /dev/null 2>&1 || fail "record at gm"; number=$((number + 1)); done
    await 30 "the others do not go on" at rilo-dakar ".kinds.seizure == $number"
    await 30 "the full node does not say that it misses something" at sn '.missing.total > 0'
    at sn ".kinds.seizure == $before" || fail "something was taken in on a full disk"
    expect 0 "search on a full disk" "$griot" -H "$home" search before
    out "1 "
    expect 0 "show on a full disk" "$griot" -H "$home" show "$(cat "$work/first")"
    expect 0 "trace on a full disk" "$griot" -H "$home" trace "$(cat "$work/first")"
    expect 0 "verify on a full disk" "$griot" -H "$home" verify
    expect 0 "backup of a full disk to another one" "$griot" -H "$home" backup "$work/copy.$left"
    if [ $left -eq 0 ]; then
        expect 1 "backup onto the full disk" "$griot" -H "$home" backup "$home/copy"
        err "error[ERR_FULL]" "room"
        rm -rf "$home/copy" # what a failed backup leaves
        fill $left
    fi
    # Killed and started again on the full disk: reads go on.
    pkill -KILL -f -- "-H $home run"
    expect 0 "status of a stopped node on a full disk" "$griot" -H "$home" status
    expect 0 "up on a full disk" "$griot" sandbox up "$region"
    expect 0 "search after a start on a full disk" "$griot" -H "$home" search before
    out "1 "

    rm "$home/filler"
    await 60 "intake did not go on by itself" converged "$number"
    at sn '.store.intake == "open" and ([.warnings[].code] | index("DISK-FULL") == null)' || fail "status still says that intake has stopped"
done

# ---- an import that meets the end of the disk: what was taken in stays, and the same again brings the rest, each row once ----
rows=30000
{
    echo "numéro;jour;produit;poids;lieu"
    for n in $(seq $rows); do echo "B-$n;19/11/2026;cocaine;$n,5;Quai numéro $n"; done
} > "$work/many.csv"
fill $((20 * 1024))
expect 1 "an import that fills the disk" "$griot" -H "$home" import "$work/many.csv" --map tests/e2e/cli-exercise.ini
err "error[ERR_FULL]" "what was recorded before stays"
held=$(status sn | jq '.kinds.seizure')
[ "$held" -gt "$number" ] && [ "$held" -lt $((number + rows)) ] || fail "the import did not stop in the middle: $held records"
rm "$home/filler"
mount -o remount,size=256m "$home" || fail "remount"
expect 0 "the same import with room" "$griot" -H "$home" import "$work/many.csv" --map tests/e2e/cli-exercise.ini --json
jq -e ".rows == $rows and .accepted == $rows and .rejected == 0 and .new < $rows and .unchanged > 0" "$work/out" > /dev/null || fail "the second import: $(jq -c 'del(.fields)' "$work/out")"
await 120 "the import did not arrive everywhere" converged $((number + rows))
expect 0 "fsck" "$griot" -H "$home" fsck
expect 0 "down" "$griot" sandbox down "$region"
echo "full twice, filled by an import once: nothing was lost, intake went on by itself, $((number + rows)) records everywhere"
