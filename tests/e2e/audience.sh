#!/bin/bash
# Audiences: what is released to some is read by them alone, also when both hubs hold it and pass it on; who will be able to read it is shown before it is saved; one's own RILO, this node
# alone, an operation's participants; a node that joins later reads what was before only when it is granted the keys, a node that is left out reads nothing that comes after; keys are
# rotated and nodes started again in between.
set -u
build=$1
griot=$(realpath "$build")/griot
data=${GRIOT_DATA:-$(dirname "$0")/../../../shared/data}/routes-airport-seizures/tot.csv
mappings=$(realpath "$(dirname "$0")/../../deploy/mappings")
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
json() { jq -e "$1" "$work/out" > /dev/null || { cat "$work/out"; fail "$what: not $1"; }; }
error() { jq -e "$1" "$work/err" > /dev/null || { cat "$work/err"; fail "$what: not $1"; }; }
stop() { # NODE
    local pid
    pid=$("$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid")
    kill "$pid" || fail "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.1; done
}
record() { # NODE LIST WORDS: the id in $id
    expect 0 "record at $1 for $2" "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN heading=DRG description="$3" quantity=1 unit=KGM --to "$2" --json
    id=$(jq -r .id "$work/out")
}
total() { "$griot" -H "$region/$1" --json search "$2" | jq -r .total; }
finds() { [ "$(total "$1" "$2")" = "$3" ]; } # NODE WORD COUNT
one_state() { # NODE...: all hold the same, and nothing is missing
    local node
    for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -e '.missing.total == 0' > /dev/null || return 1; done
    [ "$(for node in "$@"; do "$griot" -H "$region/$node" status --json | jq -r .heads_digest; done | sort -u | wc -l)" -eq 1 ]
}
read_by() { # ID WORD READERS -- OTHERS: found and shown there, and only there; call it when all hold the same
    local id=$1 word=$2 node is_reader=1
    shift 2
    for node in "$@"; do
        if [ "$node" = -- ]; then is_reader=0; continue; fi
        if [ $is_reader = 1 ]; then
            finds "$node" "$word" 1 || fail "$node does not find $word"
            expect 0 "show at $node" "$griot" -H "$region/$node" show "$id" --json
            json '.versions[0].restricted and (.versions[0].fields.item[0].description | contains("'"$word"'"))'
        else
            finds "$node" "$word" 0 || fail "$node finds $word"
            expect 4 "show at $node" "$griot" -H "$region/$node" show "$id"
            expect 4 "trace at $node" "$griot" -H "$region/$node" trace "$id"
        fi
    done
}
has_bytes() { # FOLDER HEX: in any file, whatever bytes there are around it
    find "$1" -type f -exec cat {} + | od -An -v -tx1 | tr -d ' \n' | grep -qF "$2"
}
nodes="rilo-dakar rilo-douala sn gm bj cm"

expect 0 "sandbox create" "$griot" sandbox create "$region" --edges sn,gm,bj,cm
expect 0 "sandbox up" "$griot" sandbox up "$region"
within 30 "the nodes do not find one another" one_state $nodes

# ---- bad lists leave nothing ----
while IFS='|' read -r code list why; do
    expect "$code" "a list: $list" "$griot" -H "$region/sn" --lang en record seizure date=2026-11-03 country=SN heading=DRG description=x quantity=1 unit=KGM --to "$list" --json
    error ".what + (if .value then .value else \"\" end) | contains(\"$why\")"
done << 'TABLE'
2||nobody is named
2|gm,|nobody is named
4|gm,xx|xx
2|gm,gm|twice
2|region,gm|region
2|local,gm|local
4|operation:RIEN|RIEN
TABLE
expect 2 "readers by a field" "$griot" -H "$region/sn" record seizure date=2026-11-03 country=SN heading=DRG description=x quantity=1 unit=KGM release=gm
finds sn '' 0 || fail "a refused list left a record"

for name in region rilo local; do expect 2 "a node named $name" "$griot" init "$name" -H "$work/x" --region "$region/root/region" --key-file "$region/root/unlock/sn"; done

# ---- one office for another, through both hubs ----
expect 0 "readers" "$griot" -H "$region/sn" readers --to gm --json
json '.restricted and [.readers[].name] == ["sn", "gm"] and all(.readers[]; .reads) and (.relays | sort) == ["rilo-dakar", "rilo-douala"]'
expect 0 "readers of all" "$griot" -H "$region/sn" readers --to region --json
json '(.restricted | not) and (.readers | length) == 6 and .relays == []'
record sn gm "zibeline marquee aubergine"
secret=$id
json '.restricted and [.readers[].name] == ["sn", "gm"]'
record sn region "girafe publique"
within 30 "what sn recorded does not arrive" one_state $nodes
for node in $nodes; do finds "$node" girafe 1 || fail "$node does not find what is for all"; done
read_by "$secret" zibeline sn gm -- rilo-dakar rilo-douala bj cm
expect 0 "show at gm" "$griot" -H "$region/gm" show "$secret" --json
json '.versions[0] | .readers == ["gm", "sn"] and .fields.release == ["sn", "gm"]'
expect 0 "search at gm" "$griot" -H "$region/gm" search zibeline --json
json '.hits[0] | .restricted and .readers == ["gm", "sn"]'
expect 0 "search at gm" "$griot" -H "$region/gm" search girafe --json
json '.hits[0].restricted == false'
expect 0 "trace at sn" "$griot" -H "$region/sn" trace "$secret" --json
json '.versions[0] | .restricted and .readers == ["gm", "sn"]'
expect 0 "readers of the record" "$griot" -H "$region/gm" readers "$secret" --json
json '.versions[0] | .restricted and ([.readers[] | select(.reads) | .name] | sort) == ["gm", "sn"]'
for word in 'zib*' 'kind:seizure zibeline' "release:gm"; do
    for node in rilo-dakar rilo-douala bj cm; do
        [ "$(total "$node" "$word")" = 0 ] || [ "$(total "$node" "$word")" = null ] || fail "$node answers something to $word"
    done
done
for node in rilo-dakar rilo-douala bj cm; do
    "$griot" -H "$region/$node" status --json | jq -e '.records == 1 and .kinds.seizure == 1' > /dev/null || fail "$node counts what it cannot read"
    for word in zibeline marquee aubergine "$secret" "$(printf '%s' "$secret" | tr a-f A-F)"; do
        ! grep -rqaiF -- "$word" "$region/$node" || fail "$node has $word on its disk: $(grep -rlaiF -- "$word" "$region/$node")"
    done
    ! has_bytes "$region/$node" "$secret" || fail "$node has the record's id on its disk"
done
grep -rqaiF publique "$region/bj/views" || fail "a marker cannot be found on a disk where it must be"
has_bytes "$region/gm/views" "$secret" || fail "the id cannot be found on a disk where it must be"

# ---- what a hub relays and cannot read ----
for hub in rilo-dakar rilo-douala; do
    expect 0 "sealed at $hub" "$griot" -H "$region/$hub" sealed --json
    json '.unreadable.entries == 1 and .readable.entries == 0 and (.keys | length) == 1 and (.keys[0] | .author == "sn" and .state == "not entitled" and (.audience | sort) == ["gm", "sn"] and .tried > 0 and .opened == 0)'
done
frontiers() { "$griot" -H "$region/rilo-dakar" sealed --json | jq -e '.keys[0].held_by | length >= 4' > /dev/null; }
within 30 "no hub sees who else holds it" frontiers
expect 0 "sealed at gm" "$griot" -H "$region/gm" sealed --json
json '.readable.entries == 1 and .unreadable.entries == 0 and .keys[0].state == "readable"'

# ---- own RILO, this node alone, an operation ----
record sn rilo "okapi du bureau regional"; own=$id
record cm rilo "lamantin du bureau regional"; other=$id
record bj local "pangolin de ce poste"; alone=$id
expect 0 "an operation" "$griot" -H "$region/sn" record operation name='COCAIR VIII' purpose='Exercise' participant=gm participant=cm participant=zz --json
json '.restricted == false'
within 30 "the operation does not arrive" one_state $nodes
expect 0 "its readers" "$griot" -H "$region/gm" readers --to 'operation:cocair viii' --json
json '([.readers[].name] | sort) == ["cm", "gm", "sn"] and .left_out == [{"name": "zz", "why": "unknown"}]'
record gm 'operation:COCAIR VIII' "antilope du groupe"; group=$id
within 30 "the region does not converge" one_state $nodes
read_by "$own" okapi sn rilo-dakar -- rilo-douala gm bj cm
read_by "$other" lamantin cm rilo-douala -- rilo-dakar sn gm bj
read_by "$alone" pangolin bj -- rilo-dakar rilo-douala sn gm cm
read_by "$group" antilope sn gm cm -- rilo-dakar rilo-douala bj
expect 0 "the same name again" "$griot" -H "$region/bj" record operation name='Cocair VIII' purpose='Another' participant=bj participant=cm
within 30 "the other operation does not arrive" one_state $nodes
expect 1 "two of one name" "$griot" -H "$region/gm" readers --to 'operation:COCAIR VIII' --json
error '.code == "ERR_EXISTS"'

# ---- a person at a terminal sees who will read it, and is asked ----
typed() { # ANSWER: its exit code
    printf '%s\n' "$1" | script -qec "'$griot' -H '$region/sn' --lang en record seizure date=2026-11-03 country=SN heading=DRG description=tamarin quantity=1 unit=KGM --to local" /dev/null > "$work/typed"
}
if command -v script > /dev/null; then
    typed n && fail "who says no has recorded it"
    finds sn tamarin 0 || fail "what a person did not agree to was recorded"
    tr -d '\r' < "$work/typed" | grep -A9 '^who will be able to read it: sn$' | grep -q 'Record it for these readers?' || { cat "$work/typed"; fail "it is asked before the readers are shown"; }
    typed '' && fail "who says nothing has recorded it"
    typed y || fail "who says yes has not recorded it"
    finds sn tamarin 1 || fail "what a person agreed to was not recorded, or what he did not"
fi

# ---- a file ----
if [ -e "$data" ]; then
    head -n 61 "$data" > "$work/tot.csv"
    expect 0 "a dry run" "$griot" -H "$region/bj" import "$work/tot.csv" --map "$mappings/routes-airport-seizures.ini" --to gm --dry-run --json
    json '.dry_run and .restricted and [.readers[].name] == ["bj", "gm"]'
    accepted=$(jq .accepted "$work/out")
    expect 0 "import" "$griot" -H "$region/bj" import "$work/tot.csv" --map "$mappings/routes-airport-seizures.ini" --to gm --json
    json ".new == $accepted and .restricted"
    within 30 "the import does not arrive" one_state $nodes
    source='source:routes-airport-seizures'
    finds bj "$source" "$accepted" && finds gm "$source" "$accepted" || fail "readers do not find what was imported"
    for node in rilo-dakar rilo-douala sn cm; do finds "$node" "$source" 0 || fail "$node finds what was imported for others"; done
    expect 0 "the same again" "$griot" -H "$region/bj" import "$work/tot.csv" --map "$mappings/routes-airport-seizures.ini" --to gm --json
    json ".unchanged == $accepted and .new == 0 and .updated == 0"
    expect 0 "the same for others" "$griot" -H "$region/bj" import "$work/tot.csv" --map "$mappings/routes-airport-seizures.ini" --to gm,cm --json
    json ".updated == $accepted and .new == 0"
    within 30 "the new versions do not arrive" one_state $nodes
    finds cm "$source" "$accepted" && finds gm "$source" "$accepted" && finds bj "$source" "$accepted" || fail "the new readers do not find it, or find it twice"
    finds sn "$source" 0 || fail "sn finds what is for others"
else
    accepted="no"
    echo "skipped the import: no $data"
fi
# ---- whoever wants to pass it on asks its owner ----
expect 1 "of its own record" "$griot" -H "$region/sn" request "$secret" --pass-to bj --why x
expect 4 "about what it cannot read" "$griot" -H "$region/bj" request "$secret" --pass-to cm --why x
expect 2 "for no reason" "$griot" -H "$region/gm" request "$secret" --pass-to bj
expect 2 "to an empty name" "$griot" -H "$region/gm" request "$secret" --pass-to bj,, --why x
expect 0 "request" "$griot" -H "$region/gm" request "$secret" --pass-to 'bj, Interpol' --why "same consignee" --json
json '.restricted and ([.readers[].name] | sort) == ["gm", "sn"]'
request=$(jq -r .id "$work/out")
within 30 "the request does not arrive" one_state $nodes
expect 0 "what sn is asked" "$griot" -H "$region/sn" requests --json
json '.requests | length == 1 and (.[0] | .incoming and .answer == null and .from == "gm" and .pass_to == ["bj", "Interpol"] and .why == "same consignee" and .about == "'"$secret"'")'
for node in rilo-dakar bj cm; do "$griot" -H "$region/$node" requests --json | jq -e '.requests == []' > /dev/null || fail "$node sees a request of others"; done
expect 0 "an answer by nobody who was asked" "$griot" -H "$region/bj" record answer about="$secret" request="$request" decision=GRANTED pass_to=bj --to gm
within 30 "it does not arrive" one_state $nodes
expect 0 "what gm has asked" "$griot" -H "$region/gm" requests --json
json '.requests[0] | (.incoming | not) and .answer == null'
expect 0 "a request to the wrong office" "$griot" -H "$region/gm" record request about="$secret" asked=bj pass_to=cm why=x --to bj --json
wrong=$(jq -r .id "$work/out")
within 30 "it does not arrive" one_state $nodes
expect 0 "an answer by an office whose record it is not" "$griot" -H "$region/bj" answer "$wrong" --grant --json
within 30 "it does not arrive" one_state $nodes
expect 0 "what it is worth" "$griot" -H "$region/gm" requests --json
json '[.requests[] | select(.id == "'"$wrong"'")] | .[0].owner == "sn" and .[0].answer == null'
expect 5 "an answer at the office that asks" "$griot" -H "$region/gm" answer "$request" --grant
expect 2 "a refusal without a ground" "$griot" -H "$region/sn" answer "${request:0:8}" --refuse
expect 0 "the answer" "$griot" -H "$region/sn" answer "${request:0:8}" --grant --no-release --pass-to bj --why "customs use only" --json
json '.restricted and ([.readers[].name] | sort) == ["gm", "sn"]'
within 30 "the answer does not arrive" one_state $nodes
expect 0 "what gm was answered" "$griot" -H "$region/gm" requests --json
json '.requests[] | select(.id == "'"$request"'").answer | .decision == "GRANTED" and .pass_to == ["bj"] and .why == "customs use only"'

# ---- and the owner releases it ----
expect 5 "release by another office" "$griot" -H "$region/gm" release "$secret" --to gm,bj
expect 0 "release to the same" "$griot" -H "$region/sn" release "$secret" --to gm --json
json '.state == "unchanged"'
expect 0 "release" "$griot" -H "$region/sn" release "$secret" --to gm,bj --json
json '.state == "released" and ([.readers[].name] | sort) == ["bj", "gm", "sn"]'
within 30 "what was released does not arrive" one_state $nodes
read_by "$secret" zibeline sn gm bj -- rilo-dakar rilo-douala cm
expect 0 "show at bj" "$griot" -H "$region/bj" show "$secret" --json
json '(.versions | length) == 1 and .versions[0].depth == 2 and (.not_here | length == 1 and .[0].missing == "not entitled")'
expect 0 "show at gm" "$griot" -H "$region/gm" show "$secret" --json
json '(.versions | length) == 2 and .not_here == [] and ([.versions[] | select(.current)] | length) == 1'
expect 0 "release to all" "$griot" -H "$region/sn" release "$secret" --to region --json
json '.state == "released" and (.restricted | not)'
within 30 "what is for all does not arrive" one_state $nodes
for node in $nodes; do finds "$node" zibeline 1 || fail "$node does not find what is for all, or finds it twice"; done
expect 0 "down" "$griot" sandbox down "$region"
echo "audience: read by those named and nobody else, through two hubs that hold it, say so and cannot open it; own RILO, one node, an operation, $accepted imported records; passed on when its owner was asked and had said yes"
