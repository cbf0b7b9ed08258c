#!/bin/bash
# Orders to erase: the owner's at once and everywhere, also at a node that was cut off, at one that begins later, and in a backup from before; two hubs' for an office that is
# suspended; nobody else's. Then the store is compacted, and no file of any home holds a trace, whatever is killed in between.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 6 "$log"; done; exit 1; }
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8
expect() { # CODE WHAT COMMAND...
    local want=$1 what=$2 got
    shift 2
    "$@" > "$work/out" 2> "$work/err"
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
at() { "$griot" -H "$region/$1" "${@:2}"; }
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { # NODE MARKER [OPTION...]: prints the id
    at "$1" record seizure date=2026-11-03 country=SN heading=DRG description="$2" quantity=1 unit=KGM --yes "${@:3}" 2> /dev/null
}
pid_of() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
stop() { # NODE
    local pid
    pid=$(pid_of "$1")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
}
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail "sandbox up"; }
found() { # MARKER COUNT NODE...: each finds as many
    local marker=$1 count=$2 node; shift 2
    for node in "$@"; do
        at "$node" search "$marker" --json 2> /dev/null | jq -e ".total == $count" > /dev/null || return 1
    done
}
erased() { # ID NODE...: each says that an order has erased it
    local id=$1 node; shift
    for node in "$@"; do
        at "$node" show "$id" --json 2> /dev/null | jq -e '(.versions | length) > 0 and all(.versions[]; .missing == "erased" and .erasure.state == "in force" and (has("fields") | not))' > /dev/null || return 1
    done
}
settled() { # NODE...: nobody lacks anything, and all hold the same
    local node
    for node in "$@"; do at "$node" status --json 2> /dev/null | jq -e '.missing.total == 0' > /dev/null || return 1; done
    [ "$(for node in "$@"; do at "$node" status --json 2> /dev/null | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
traces() { grep -rliF "$1" "$region/$2" 2> /dev/null; } # MARKER NODE: files of its home that hold it

nodes="rilo-dakar rilo-douala sn gm bj"
expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm,bj,tg
up
stop tg # it begins later
one=qzxmarkerone two=qzxmarkertwo three=qzxmarkerthree four=qzxmarkerfour
first=$(record sn $one) || fail "record"
more="" # free pages are used again, and some commits are stored compressed: with several, some stay to be seen
for i in 1 2 3 4 5; do more="$more $(record sn $one)" || fail "record"; done
keep=$(record sn $two) || fail "record"
third=$(record gm $three) || fail "record"
sealed=$(record sn $four --to gm) || fail "record for gm"
within 30 "the records do not arrive" found $one 6 $nodes
within 30 "the records do not arrive" found $two 1 $nodes
within 30 "the records do not arrive" found $three 1 $nodes

# ---- a backup from before, and a node that is cut off ----
expect 0 "identity" at bj card --export-identity "$work/bj.identity"
expect 0 "backup" at bj backup "$work/backup"
stop bj

# ---- the owner ----
expect 2 "an order without a reason" at sn erase "$first"
expect 4 "an order for nobody's record" at sn erase 00112233445566778899aabbccddeeff --why "no such thing"
expect 5 "an order by another edge" at gm erase "$first" --why "not mine"
expect 1 "a reason that draws on the terminal" at sn erase "$first" --why $'a\eb'
expect 1 "a reason that is too long" at sn erase "$first" --why "$(printf 'x%.0s' $(seq 201))"
found $one 6 sn gm rilo-dakar rilo-douala || fail "a refused order has erased something"
expect 0 "the order" at sn erase "$first" --why "entered by mistake" --json
jq -e '.state == "erased" and .versions == 1 and .ordered == 1' "$work/out" > /dev/null || fail "the order: $(cat "$work/out")"
expect 0 "the order again" at sn erase "$first" --why "entered by mistake" --json
jq -e '.state == "erased" and .ordered == 0' "$work/out" > /dev/null || fail "the order again: $(cat "$work/out")"
for id in $more; do expect 0 "an order" at sn erase "$id" --why "entered by mistake"; done
found $one 0 sn || fail "the owner still finds it"
within 20 "others still find it" found $one 0 rilo-dakar rilo-douala gm
within 20 "others do not say why" erased "$first" sn gm rilo-dakar rilo-douala
found $two 1 sn gm rilo-dakar rilo-douala || fail "more has gone than was ordered"
at gm show "$first" | grep -q "ordered by its owner sn.*entered by mistake" || fail "show at gm: $(at gm show "$first")"
at gm trace "$first" | grep -q "erased by order" || fail "trace at gm: $(at gm trace "$first")"

# ---- who was cut off, and who begins now: the order reaches both, and nobody is blamed for a copy without its payload ----
up
within 30 "who was cut off still finds it" found $one 0 bj
within 30 "who was cut off does not say why" erased "$first" bj
within 30 "who begins later does not come to the same" settled $nodes tg
found $one 0 tg && found $two 1 tg || fail "what tg has taken in"
! grep -q 'event=peer_dropped.*err=ERR_MALFORMED' "$region"/*/log.txt || fail "a peer was dropped for a copy without its payload: $(grep -h peer_dropped "$region"/*/log.txt)"

# ---- sealed: whoever may read it sees it go, the hubs never saw more than its length ----
if at sn show "$sealed" > /dev/null 2>&1; then
    expect 0 "the order for a sealed record" at sn erase "$sealed" --why "sealed for the wrong office" --json
    jq -e '.state == "erased"' "$work/out" > /dev/null || fail "sealed: $(cat "$work/out")"
    within 20 "a sealed record stays" found $four 0 sn gm
    within 20 "of a sealed record is not said why" erased "$sealed" sn gm
else
    echo "sealed records cannot be asked for by id in this build: not tried"
fi

# ---- a backup from before the order ----
stop bj
rm -rf "$region/bj"
expect 0 "restore" "$griot" restore "$work/backup" --identity "$work/bj.identity" -H "$region/bj"
at bj search $one --json | jq -e '.total == 6' > /dev/null || fail "the backup does not hold what it held"
up
within 30 "a restored backup keeps what was erased" found $one 0 bj
within 30 "a restored backup does not say why" erased "$first" bj

# ---- two hubs, for an office that is suspended ----
sleep 3 # both hubs sign frontiers that name what gm wrote
expect 0 "suspend gm" at rilo-dakar suspend gm --reason "gone"
expect 5 "an edge for another's record" at sn erase "$third" --why "court order"
expect 0 "one hub" at rilo-dakar erase "$third" --why "court order 12" --json
jq -e '.state == "proposed" and .erasure.state == "proposed"' "$work/out" > /dev/null || fail "one hub: $(cat "$work/out")"
proposed() { at "$1" show "$third" --json 2> /dev/null | jq -e '.versions[0].erasure.state == "proposed" and .versions[0].current' > /dev/null; }
within 20 "the other hub does not see what was proposed" proposed rilo-douala
found $three 1 rilo-dakar rilo-douala sn bj || fail "one hub has erased something"
expect 0 "the other hub" at rilo-douala erase "$third" --why "court order 12" --json
jq -e '.state == "erased"' "$work/out" > /dev/null || fail "two hubs: $(cat "$work/out")"
within 20 "two hubs do not erase" found $three 0 rilo-dakar rilo-douala sn bj tg
within 20 "two hubs are not told" erased "$third" rilo-dakar rilo-douala sn bj tg
at sn show "$third" | grep -c "ordered by the hub rilo-d" | grep -qx 2 || fail "show at sn: $(at sn show "$third")"

# By its hash, as a hub does that cannot read it.
hash=$(at sn show "$keep" --json | jq -r '.versions[0].version')
expect 1 "half a hash" at rilo-dakar erase "${hash:0:40}" --of sn --why "court order 13"
expect 4 "a hash of nobody" at rilo-dakar erase "$hash" --of nobody --why "court order 13"
expect 5 "a hash, at an edge" at bj erase "$hash" --of sn --why "court order 13"
expect 0 "a hash" at rilo-dakar erase "$hash" --of sn --why "court order 13" --json
jq -e '.state == "proposed" and .id == null' "$work/out" > /dev/null || fail "a hash: $(cat "$work/out")"
within 20 "what is proposed by hash is not seen" eval "at sn show $keep --json | jq -e '.versions[0].erasure.state == \"proposed\"' > /dev/null"

# ---- compaction ----
traces $one . | grep -q log/data.mdb && traces $one . | grep -q views/data.mdb || fail "there is nothing to compact away: this would show nothing"
before=$(at sn status --json | jq .store.freed)
[ "$before" -ge 2 ] || fail "freed: $before"
for round in 1 2 3 4; do # the daemon dies while it compacts
    at sn compact > /dev/null 2>&1 &
    asking=$!
    sleep 0.0$((round * 2))
    kill -9 "$(pid_of sn)" 2> /dev/null
    kill "$asking" 2> /dev/null
    wait "$asking" 2> /dev/null
    up
    expect 0 "fsck after a kill in the middle of it" at sn fsck --json
    within 20 "a record is lost by a kill" found $two 1 sn
done
for node in $nodes tg; do
    [ "$node" = gm ] && continue # suspended: it has not heard of the hubs' order
    if [ "$node" = bj ]; then stop bj; fi
    expect 0 "compact at $node" at "$node" compact --json
    jq -e '.state == "done" and .after > 0' "$work/out" > /dev/null || fail "compact at $node: $(cat "$work/out")"
    for marker in $one $three; do
        [ -z "$(traces $marker "$node")" ] || fail "after compaction $(traces $marker "$node") still holds $marker"
    done
done
for node in sn rilo-dakar; do [ -z "$(traces $four "$node")" ] || fail "after compaction $(traces $four "$node") still holds $four"; done
up
within 30 "the index is not made anew" found $two 1 rilo-dakar rilo-douala sn bj tg
erased "$first" rilo-dakar rilo-douala sn bj tg || fail "after compaction nobody knows why it is not here"
[ "$(at sn status --json | jq .store.freed)" -eq 0 ] || fail "freed is not counted from the compaction on"
for node in rilo-dakar rilo-douala sn bj tg; do expect 0 "fsck at $node" at "$node" fsck; done
late=$(record tg after) || fail "record after compaction"
within 30 "the region does not go on" found after 1 rilo-dakar rilo-douala sn bj tg
at tg show "${late:0:12}" > /dev/null || fail "show after compaction"
expect 0 "down" "$griot" sandbox down "$region"
echo "erase: an owner's order and that of two hubs reached every node, one cut off, one that began later, one restored from before; nobody else's did; after compaction no file of any home held a trace"
