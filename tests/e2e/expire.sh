#!/bin/bash
# A day passes: what expires is hidden from it on, on every node, and freed when a week is past by this node's clock and those of two others. A node that believes to live in 2036
# hides, frees nothing, and shows again once its clock is put right. Then the night compacts by itself. The clock of unchanged programs is moved by clock.so.
set -u
build=$1
griot=$(realpath "$build")/griot
clock=$(realpath "$build")/e2e/clock.so
[ -e "$clock" ] || { echo "skipped: $clock is not built"; exit 77; }
work=$(realpath "$(mktemp -d)")
region=$work/region
alone=""
finish() { [ -z "$alone" ] || kill -9 "$alone" 2> /dev/null; "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 6 "$log"; done; exit 1; }
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8 TZ=UTC ASAN_OPTIONS=verify_asan_link_order=0
set_clock() { # FILE SECONDS: by which it is ahead
    local n=$2 bytes="" i
    [ -e "$1" ] || head -c 8 /dev/zero > "$1"
    for i in 1 2 3 4 5 6 7 8; do bytes+=$(printf '\\x%02x' $((n & 255))); n=$((n >> 8)); done
    printf '%b' "$bytes" | dd of="$1" conv=notrunc status=none
}
ahead() { set_clock "$work/clock" $(($1 * 86400 + ${2:-0})); }
export GRIOT_TEST_CLOCK=$work/clock
ahead 0
export LD_PRELOAD=$clock
at() { "$griot" -H "$region/$1" "${@:2}"; }
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { # NODE TEXT [OPTION...]
    at "$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM --yes "${@:3}" 2> /dev/null || fail "$1 did not record $2"
}
found() { # WORD COUNT NODE...
    local word=$1 count=$2 node; shift 2
    for node in "$@"; do at "$node" search "$word" --json 2> /dev/null | jq -e ".total == $count" > /dev/null || return 1; done
}
says() { # ID WORD NODE...: why it is not shown
    local id=$1 word=$2 node; shift 2
    for node in "$@"; do at "$node" show "$id" --json 2> /dev/null | jq -e ".versions[0].missing == \"$word\" and (.versions[0] | has(\"fields\") | not)" > /dev/null || return 1; done
}
freed() { # COUNT NODE...
    local count=$1 node; shift
    for node in "$@"; do at "$node" status --json 2> /dev/null | jq -e ".store.freed == $count" > /dev/null || return 1; done
}
pid_of() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
speak() { # NODE...: something new there, so that it signs a frontier with its clock
    local node
    for node in "$@"; do record "$node" "news" > /dev/null; done
}

"$griot" sandbox create "$region" --edges sn,gm > /dev/null 2>&1 || fail "create"
printf '[store]\ncompact = never\n' >> "$region/gm/griot.ini"
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up"
nodes="rilo-dakar rilo-douala sn gm"
five=$(record sn qzxfivedays --expires 5d)
ever=$(record sn qzxforever)
within 30 "the records do not arrive" found qzxfivedays 1 $nodes
at gm show "$five" --json | jq -e '.versions[0].expires != null and .versions[0].missing == null' > /dev/null || fail "show does not say when it expires"

# ---- 2036, at one node ----
kill "$(pid_of gm)" || fail "gm does not run"
within 10 "gm does not stop" eval '! at gm peers > /dev/null 2>&1 || [ "$(at gm status --json | jq -r .from)" = store ]'
set_clock "$work/clock.gm" $((3650 * 86400))
GRIOT_TEST_CLOCK=$work/clock.gm "$griot" -H "$region/gm" run 2>> "$region/gm/log.txt" &
alone=$!
hidden_at_gm() { GRIOT_TEST_CLOCK=$work/clock.gm at gm search qzxfivedays --json 2> /dev/null | jq -e '.from == "daemon" and .total == 0' > /dev/null; }
within 20 "a node in 2036 shows what has expired there" hidden_at_gm
record sn "while one is mistaken" > /dev/null
sleep 11 # its sweeper has looked, and heard the others' clocks
GRIOT_TEST_CLOCK=$work/clock.gm at gm status --json | jq -e '.store.freed == 0' > /dev/null || fail "a node in 2036 has freed something alone"
set_clock "$work/clock.gm" 0
speak sn
within 20 "a clock put right does not give back what was hidden" found qzxfivedays 1 gm
kill "$alone"
wait "$alone" 2> /dev/null
alone=""
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up"

# ---- the day ----
ahead 4
speak sn
sleep 0.5
found qzxfivedays 1 $nodes || fail "hidden a day early"
ahead 5
speak sn
within 20 "not hidden on its day" found qzxfivedays 0 $nodes
within 20 "it is not said why" says "$five" expired $nodes
found qzxforever 1 $nodes || fail "what does not expire is hidden too"
at gm show "$five" | grep -q "expired on" || fail "show: $(at gm show "$five")"
ahead 11
speak $nodes
sleep 11
freed 0 $nodes || fail "freed before a week was past"
ahead 12
speak rilo-dakar
sleep 3
freed 0 rilo-dakar || fail "freed with its own clock and nobody else's"
speak rilo-douala sn gm
within 40 "not freed after a week" freed 1 $nodes
for node in $nodes; do at "$node" fsck > "$work/out" 2>&1 || fail "fsck at $node: $(cat "$work/out")"; done
says "$five" expired $nodes || fail "what was freed is not said to have expired"

# ---- the night: sn compacts by itself, and goes on; nobody else was told to ----
started() { grep -c event=started "$region/sn/log.txt"; }
lives=$(started)
now=$(LD_PRELOAD='' date +%s)
ahead 13 $((3 * 3600 + 31 * 60 - now % 86400)) # 03:31: the hour after 02:30 is over
speak rilo-dakar
compacted() { grep -q 'event=compacted err=ERR_OK' "$region/sn/log.txt" && [ "$(started)" -gt "$lives" ]; }
within 90 "the night does not compact" compacted
within 20 "it does not go on by itself" found qzxforever 1 sn
freed 0 sn || fail "freed is not counted from the compaction on"
[ -z "$(grep -rliF qzxfivedays "$region/sn")" ] || fail "a trace is left in $(grep -rliF qzxfivedays "$region/sn")"
speak sn
within 30 "peers do not hear of it again" eval '[ "$(at rilo-dakar search news --json | jq .total)" = "$(at sn search news --json | jq .total)" ]'
! grep -q 'event=compacted' "$region/gm/log.txt" || fail "gm has compacted, and never was to"
"$griot" sandbox down "$region" > /dev/null 2>&1 || fail "down"
echo "expire: hidden on its day everywhere, freed a week later by three clocks and not before, never by a node in 2036 alone; the night compacted and the node went on"
