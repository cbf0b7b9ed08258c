#!/bin/bash
# The speed goals with real daemons, one JSON line each, beside the limit measured in the same run. README.md in this folder explains the figures.
#   region.sh BUILD [PART...]     parts: ingest import catchup live wire idle node region; all but idle when none is named
# RECORDS (100000), ROUNDS (200) and IDLE_S (610) may be set. TMPDIR says on which disk.
set -u
build=$(realpath "$1")
shift
parts=${*:-ingest import catchup live wire node region}
here=$(realpath "$(dirname "$0")")
# A network of our own: what passes on its loopback is ours alone.
if [ -z "${GRIOT_BENCH_NET:-}" ]; then
    for how in "-n" "-rn"; do
        if unshare $how true 2> /dev/null; then exec env GRIOT_BENCH_NET=own unshare $how bash "$0" "$build" $parts; fi
    done
    echo "no network namespace here: bytes on the wire include what other programs send on the loopback" >&2
    export GRIOT_BENCH_NET=shared
fi
[ "$GRIOT_BENCH_NET" = shared ] || ip link set lo up
griot=$build/griot
region=$build/bench/bench_region
limit=$build/bench/bench_pipeline
records=${RECORDS:-100000}
rounds=${ROUNDS:-200}
idle_s=${IDLE_S:-610}
work=$(realpath "$(mktemp -d)")
pids=()
halt() { # all daemons that we have started
    [ ${#pids[@]} -eq 0 ] || kill "${pids[@]}" 2> /dev/null
    for pid in "${pids[@]}"; do tail --pid="$pid" -f /dev/null; done
    pids=()
}
finish() {
    halt
    [ ! -d "$work/all" ] || "$griot" sandbox down "$work/all" > /dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
has() { [[ " $parts " == *" $1 "* ]]; }
lo() { awk '/lo:/ {print $2 - 14 * $3}' /proc/net/dev; }                # of IP packets: the loopback counts an Ethernet header that no wire has
tcp() { awk '/lo:/ {print $2 - (14 + 52) * $3}' /proc/net/dev; }         # in TCP streams: a segment has 52 bytes of headers
quietly() { # until nothing passes for two seconds
    local before=-1
    while [ "$(lo)" != "$before" ]; do before=$(lo); sleep 2; done
}
# NAME VALUE UNIT LIMIT GOAL [FLOOR]: "ratio" is ours to the limit's, null where there is none to compare with; a goal for less begins with <.
say() {
    jq -cn --arg name "$1" --argjson value "$2" --arg unit "$3" --argjson limit "${4:-null}" --arg goal "$5" --arg floor "${6:-}" --argjson records "$records" '
        {bench: $name, value: ($value * 1000 | round / 1000), unit: $unit, limit: $limit, ratio: (if $limit then ($value / $limit * 1000 | round / 1000) else null end), goal: $goal}
        + (if $floor != "" then {never: $floor} else {} end) + {records: $records}'
}
take() { jq -r "select(.bench == \"$2\") | .$3" <<< "$1"; }
share() { # PERCENT NAME FILE: of the pooled times
    awk -v name="$2" '$1 == name {print $2}' "$3" | sort -n | awk -v p="$1" '{v[NR] = $1} END {print v[int(NR * p / 100) + (NR * p / 100 < NR)]}'
}
begin() { # HOME ENTRIES [AT]: start a daemon; the line of bench_region in $line
    line=$("$region" start "$1" "$2" "$griot" "${3:-$1}") || { echo "$1 did not start or did not catch up" >&2; tail -n 5 "$1/log.txt" >&2; exit 1; }
    pids+=("$(jq .pid <<< "$line")")
}
direct() { # REGION: edges dial the hub itself, not the sandbox's relay
    local port
    port=$(awk '/^node rilo-dakar/ {print $4}' "$1/root/sandbox")
    sed -i "s#^address = .*#address = tcp://127.0.0.1:$port#" "$1"/??/griot.ini
}
settled() { # HOME: the index has followed all
    until "$griot" -H "$1" --json status | jq -e '.index.followed == .index.journal' > /dev/null; do sleep 0.1; done
}
entries() { "$griot" -H "$1" --json status | jq .entries; }

"$griot" sandbox create "$work/r" --hubs 1 --edges sn,gm,gw > /dev/null 2>&1 || { echo "no sandbox in $work" >&2; exit 1; }
direct "$work/r"
sn=$work/r/sn hub=$work/r/rilo-dakar gm=$work/r/gm gw=$work/r/gw

# ---- what one node takes in ----
begin "$sn" 0
if has ingest; then
    for i in $(seq 10); do # in turns, pooled: what else the machine does meets both alike
        BENCH_SAMPLES=$work/single "$limit" commit $((rounds / 5)) > /dev/null
        BENCH_SAMPLES=$work/single "$region" single "$sn" $((rounds / 5)) > /dev/null
        sleep 0.2
    done
    say ingest.single.p50 "$(share 50 ingest.single "$work/single")" ms "$(share 50 limit.commit "$work/single")" "<1.8 x limit"
fi
line=$("$region" append "$sn" "$records")
! has ingest || say ingest.bulk "$(take "$line" ingest.bulk records_per_s)" records/s null 40000
settled "$sn"
total=$(entries "$sn")
if has import; then
    begin "$gw" 0
    "$region" csv "$records" > "$work/rows.csv"
    start=$EPOCHREALTIME
    "$griot" -H "$gw" --json import "$work/rows.csv" --map "$here/bench.ini" > "$work/import.json" || { echo "the import failed" >&2; exit 1; }
    stored=$EPOCHREALTIME
    settled "$gw"
    found=$EPOCHREALTIME
    [ "$(jq .accepted "$work/import.json")" -eq "$records" ] || echo "rows were refused" >&2
    say import.durable "$(bc <<< "scale=0; $records / ($stored - $start)")" rows/s null 20000
    say import.searchable "$(bc <<< "scale=0; $records / ($found - $start)")" rows/s null 20000
    kill "${pids[-1]}"
    unset 'pids[-1]'
fi

# ---- cold catch-up: edge to hub, then hub to edge ----
catchup() { # NAME LINE
    local bare
    bare=$("$limit" catchup "$records" | jq .records_per_s)
    say "catchup.durable.$1" "$(take "$2" start durable_per_s)" records/s "$bare" 90000 61000
    say "catchup.searchable.$1" "$(take "$2" start searchable_per_s)" records/s "$bare" 50000 30000
}
halt
begin "$hub" 0
begin "$sn" "$total" "$hub" # the edge dials when it starts
up=$line
settled "$hub"
begin "$gm" "$total"
settled "$gm"
if has catchup; then
    catchup edge_to_hub "$up"
    catchup hub_to_edge "$line"
fi
if has wire; then
    bare=$("$limit" catchup 20000 | jq .wire_per_payload)
    say wire.edge_to_hub "$(take "$up" start wire_per_payload)" "bytes/payload byte" "$bare" "<0.35"
    say wire.hub_to_edge "$(take "$line" start wire_per_payload)" "bytes/payload byte" "$bare" "<0.35"
fi

# ---- live: one record every 10 ms, durable at the hub and behind it ----
if has live; then
    for i in $(seq 10); do
        BENCH_SAMPLES=$work/live "$limit" live $((rounds / 5)) 10 > /dev/null
        BENCH_SAMPLES=$work/live "$region" live "$sn" "$hub" "$gm" $((rounds / 5)) 10 > /dev/null
        sleep 0.2
    done
    for p in 50 99; do
        goal="<1.5 x limit"
        [ $p = 50 ] || goal="<2.5 x limit"
        say live.recorded.p$p "$(share $p live.recorded "$work/live")" ms null none
        say live.1_hop.p$p "$(share $p live.1_hop "$work/live")" ms null none
        say live.2_hops.p$p "$(share $p live.2_hops "$work/live")" ms "$(share $p limit.live_2_hops "$work/live")" "$goal"
    done
    total=$(entries "$gm")
fi

# ---- a node at rest, and from its start ----
if has node || has wire || has idle; then
    quietly
    halt
    begin "$hub" "$total"
    say node.start "$(take "$line" start serving_ms)" ms null "<2000"
    begin "$gm" "$total"
    quietly
    if has wire; then
        before=$(lo) before_tcp=$(tcp)
        if ss -K dport = ":$(awk '/^node rilo-dakar/ {print $4}' "$work/r/root/sandbox")" > /dev/null 2>&1; then # the same two dial anew
            quietly
            say wire.session.tcp $(($(tcp) - before_tcp)) bytes null "<2560"
            say wire.session.ip $(($(lo) - before)) bytes null none
        else
            echo "no connection can be cut here: wire.session is left out" >&2
        fi
    fi
    if has node; then
        say node.private "$(awk '/RssAnon/ {print $2 / 1024}' "/proc/${pids[-1]}/status")" MiB null "<64"
        line=$("$region" status "$gm" 100)
        say node.status.p99 "$(take "$line" status p99_ms)" ms null "<50"
        cp "$griot" "$work/stripped"
        strip "$work/stripped"
        say node.binary "$(stat -c %s "$work/stripped" | awk '{print $1 / 1048576}')" MiB null "<3"
        say node.disk "$(du -sk "$gm" | awk -v n="$total" '{print $1 * 1024 / n}')" bytes/record null "<600"
    fi
    if has idle; then
        quietly
        before=$(lo)
        sleep "$idle_s"
        passed=$(($(lo) - before))
        # Two pings in ten minutes, twelve in an hour.
        say wire.idle "$(bc <<< "scale=1; $passed * 3600 / ($idle_s / 300 * 300)")" bytes/h null "<4096"
    fi
fi
halt

# ---- the whole region: 26 nodes behind the sandbox's relay ----
if has region; then
    all=$work/all
    "$griot" sandbox create "$all" --hubs 2 --edges 24 > /dev/null 2>&1 && "$griot" sandbox up "$all" > /dev/null 2>&1 || { echo "26 nodes did not come up" >&2; exit 1; }
    homes=()
    nodes=()
    for home in "$all"/*/; do [ "$(basename "$home")" = root ] || homes+=("${home%/}"); done
    while read -r pid; do nodes+=("$pid"); done < <("$griot" sandbox status "$all" --json | jq '.nodes[].pid')
    ticks() { for pid in "${nodes[@]}"; do sed 's/.*) //' "/proc/$pid/stat"; done | awk '{sum += $12 + $13} END {print sum}'; }
    quietly
    before=$(ticks)
    sleep 30
    say region.idle.cpu "$(bc <<< "scale=3; ($(ticks) - $before) * 100 / $(getconf CLK_TCK) / 30")" "% of a core" null "<5"
    line=$("$region" everywhere 104 "${homes[@]}")
    say region.recorded.p99 "$(take "$line" everywhere.recorded p99_ms)" ms null "none"
    say region.found.p50 "$(take "$line" everywhere.found p50_ms)" ms null "none"
    say region.found.p99 "$(take "$line" everywhere.found p99_ms)" ms null "<250"
    "$griot" sandbox down "$all" > /dev/null 2>&1
fi
