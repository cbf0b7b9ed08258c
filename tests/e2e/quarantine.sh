#!/bin/bash
# What a node writes after its cut: some took it in before they heard of the suspension, others never saw it. It counts nowhere, is kept and shown where it is held, and when the root extends the
# cut it counts everywhere: those who lack it fetch it. All nodes are equal at each step.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
finish() { "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 8 "$log"; done; exit 1; }
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
hubs="rilo-dakar rilo-douala"
honest="$hubs sn gm"
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
at() { status "$1" | jq -e "$2" > /dev/null; }
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=TG heading=DRG description="$2" quantity=1 unit=KGM tlp="${3:-GREEN}" 2> "$work/err" > "$work/id" || fail "$1 did not record $2"; }
stop() {
    local pid
    pid=$("$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done
}
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail "up"; }
unlink() { sed -i "/^\[peer \"$2\"\]/{n;s/^address.*/address = tcp:\/\/127.0.0.1:1/}" "$region/$1/griot.ini"; } # NODE PEER
equal() { # COUNT NODE...
    local count=$1
    shift
    [ "$(for node in "$@"; do status "$node" | jq -r '"\(.heads_digest) \(.missing.total) \(.kinds.seizure) \(.index.journal - .index.followed)"'; done | sort -u | sed 's/^[0-9a-f]* //')" = "0 $count 0" ]
}
late() { # NODE: entries beyond the cut of tg
    "$griot" -H "$region/$1" quarantine --json 2> /dev/null | jq '[.nodes[] | select(.name == "tg") | .entries] | add // 0'
}

expect 0 "create" "$griot" sandbox create "$region" --hubs 2 --edges sn,gm,tg
up
record tg "in time"
within 30 "the region does not converge" equal 1 $honest tg
dakar_names_it() { "$griot" -H "$region/gm" trace "$(cat "$work/id")" --json | jq -e '.versions[0].hubs == 2' > /dev/null; }
within 30 "no frontier names it" dakar_names_it
expect 4 "quarantine where there is none" "$griot" quarantine -H "$region/gm"

# ---- Dakar suspends, out of the sight of Douala, gm and tg, which go on ----
expect 0 "down" "$griot" sandbox down "$region"
for node in $honest tg; do cp "$region/$node/griot.ini" "$region/$node/whole.ini"; done
unlink sn rilo-douala
unlink gm rilo-dakar
unlink tg rilo-dakar
unlink rilo-dakar rilo-douala
unlink rilo-douala rilo-dakar
up
expect 0 "suspend" "$griot" suspend tg --reason "stolen at Aflao" -H "$region/rilo-dakar"
for i in 1 2 3; do
    record tg "too late $i" RED
    cat "$work/id" >> "$work/ids"
done
within 30 "Douala and gm do not take it in" equal 4 rilo-douala gm
equal 1 rilo-dakar sn || fail "Dakar and sn are not as they were"

expect 0 "a stick" "$griot" bundle out --for sn --out "$work/stick" -H "$region/gm"

# ---- Douala hears of it ----
for hub in $hubs; do
    cp "$region/$hub/whole.ini" "$region/$hub/griot.ini"
    stop "$hub"
done
up
within 60 "not all are equal, with what was in time" equal 1 $honest
[ "$(late rilo-douala) $(late gm) $(late rilo-dakar) $(late sn)" = "3 3 0 0" ] || fail "beyond the cut: $(late rilo-douala) $(late gm) $(late rilo-dakar) $(late sn), not 3 3 0 0"
expect 0 "quarantine of tg" "$griot" quarantine tg --show --json -H "$region/gm"
jq -e '(.nodes | length) == 1 and (.nodes[0] | .name == "tg" and .cause == "suspended" and .by == "rilo-dakar" and .reason == "stolen at Aflao" and (.logs | length) == 1) and
    ([.records[] | select(.state == "quarantined" and .origin == "tg") | .fields.item[0].description] | sort) == ["too late 1", "too late 2", "too late 3"]' "$work/out" > /dev/null || fail "quarantine says $(cat "$work/out")"
"$griot" -H "$region/gm" audit --json | jq -e '[.rows[] | select(.action == "show") | .subjects | length] == [3]' > /dev/null || fail "who has read what is quarantined left no row"
"$griot" --lang en -H "$region/gm" quarantine tg --show > "$work/out" || fail "quarantine for people"
grep -q "suspended by rilo-dakar" "$work/out" && grep -q "^quarantined: " "$work/out" || fail "quarantine for people says $(cat "$work/out")"
"$griot" -H "$region/gm" show "$(head -n 1 "$work/ids")" --json | jq -e '(.versions | length) == 1 and (.versions[0] | .state == "quarantined" and .disputed and (.current | not))' > /dev/null || fail "show does not mark what is quarantined"
expect 4 "a late record at sn" "$griot" show "$(head -n 1 "$work/ids")" -H "$region/sn"
[ "$("$griot" -H "$region/gm" search "late" --json | jq .total)" = 0 ] || fail "a search finds what is quarantined"
expect 4 "quarantine of who is in" "$griot" quarantine sn -H "$region/gm"
expect 4 "quarantine of nobody" "$griot" quarantine nobody -H "$region/gm"
expect 2 "a file of nobody" "$griot" quarantine --out "$work/x" -H "$region/gm"
expect 4 "a file of a nobody" "$griot" quarantine nobody --out "$work/x" -H "$region/gm"
[ ! -e "$work/x" ] || fail "a refused file was written"
stop gm
up
within 60 "not equal after a restart" equal 1 $honest
[ "$(late gm)" = 3 ] || fail "a restart has lost what is beyond the cut"

# ---- the same by stick, made in good faith before gm had heard of it ----
expect 0 "take in the stick" "$griot" bundle in "$work/stick" -H "$region/sn" --json
jq -e '.files[0].aside == 3 and .files[0].refused == 0' "$work/out" > /dev/null || fail "the stick: $(cat "$work/out")"
[ "$(late sn)" = 3 ] || fail "sn keeps $(late sn) of the stick, not 3"
within 30 "the stick has changed what counts" equal 1 $honest

# ---- the root: what stays out stays out; then it counts after all ----
expect 0 "a file for the root" "$griot" quarantine tg --out "$work/tg.extension" -H "$region/gm"
expect 1 "over it" "$griot" quarantine tg --out "$work/tg.extension" -H "$region/gm"
root() { "$griot" root roster "$region/root" --key-file "$region/root/unlock/root" "$@"; }
expect 0 "the region as Dakar knows it" "$griot" region --out "$work/region.now" -H "$region/rilo-dakar"
expect 1 "extend while it is in" root --extend "tg=$work/tg.extension"
expect 0 "remove" root --region "$work/region.now" --remove tg
expect 0 "join" "$griot" join "$region/root/region" -H "$region/sn"
removed() { "$griot" -H "$region/$1" quarantine --json 2> /dev/null | jq -e '.nodes[0].cause == "removed"' > /dev/null; }
within 60 "gm does not hear that tg is removed" removed gm
within 60 "not equal after the removal" equal 1 $honest
[ "$(late rilo-douala) $(late gm)" = "3 3" ] || fail "the removal has changed what is beyond the cut"
expect 2 "extend by no file" root --extend tg
expect 1 "extend another node by it" root --extend "sn=$work/tg.extension"
head -c 40 "$work/tg.extension" > "$work/cut.extension"
expect 1 "extend by half a file" root --extend "tg=$work/cut.extension"
expect 0 "extend" root --extend "tg=$work/tg.extension"
expect 0 "join" "$griot" join "$region/root/region" -H "$region/sn"
within 60 "it does not count everywhere after the extension" equal 4 $honest
[ "$(late rilo-douala) $(late gm) $(late rilo-dakar) $(late sn)" = "0 0 0 0" ] || fail "something is beyond the cut still"
while read -r id; do
    for node in $honest; do
        "$griot" -H "$region/$node" show "$id" --json | jq -e '(.versions | length) == 1 and .versions[0].current' > /dev/null || fail "$id is not in force at $node"
    done
done < "$work/ids"
for node in $honest; do expect 0 "fsck of $node" "$griot" -H "$region/$node" fsck; done

# ---- a node that leaves in peace: what the cut names counts, whether the hubs have made it final or not ----
record sn "the last of sn"
within 60 "the last record of sn does not arrive" equal 5 $honest
expect 0 "a file of who is in" "$griot" quarantine sn --out "$work/sn.extension" -H "$region/gm"
expect 0 "remove sn, with all that it wrote" root --remove sn --extend "sn=$work/sn.extension"
expect 0 "join" "$griot" join "$region/root/region" -H "$region/gm"
left() { "$griot" -H "$region/rilo-dakar" peers --json | jq -e 'all(.peers[]; .name != "sn")' > /dev/null; }
within 60 "sn is not out" left
within 60 "what sn wrote does not count any more" equal 5 $hubs gm
expect 0 "down" "$griot" sandbox down "$region"
echo "quarantine: three records came too late, were kept by two nodes, counted nowhere, and everywhere once the root had extended the cut"
