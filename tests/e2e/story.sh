#!/bin/bash
# The story of a region of two hubs and four offices, told with real processes: an insider with valid keys tries what it can; an office's machine is stolen, noticed,
# suspended by one hub and put out by the root; another comes back from yesterday's disk. In the end all that are honest hold the same.
# story.sh BUILD [CHAPTER...]: all chapters in order, or some of them, each in a region of its own. A line of failure begins with the threat (crypto/SECURITY.md):
# "FAILED T20: ...". tests/e2e/without.sh takes each mitigation out and demands that its chapter then fails.
set -u
build=$1
shift
griot=$(realpath "$build")/griot
member=$(realpath "$build")/e2e/member
chapters="forged stripped downgraded bombed routed neighbour stolen restored end"
apart="flooded" # in a region of its own: there is no common end to it

work="" region="" thief=""
hubs="rilo-dakar rilo-douala"
offices="sn gm tg bj"
honest="$hubs $offices"
told=0
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME
export LANG=en_GB.UTF-8

close_region() {
    [ -z "$thief" ] || kill -9 "$thief" 2> /dev/null
    [ -z "$region" ] || "$griot" sandbox down "$region" > /dev/null 2>&1
    [ -z "$work" ] || rm -rf "$work"
    work="" region="" thief=""
}
trap close_region EXIT
fail() { # THREAT TEXT
    local log
    for log in "$region"/*/log.txt "$work"/*.log; do [ -r "$log" ] && echo "== $log" && tail -n 5 "$log"; done
    echo "FAILED $1: $2"
    exit 1
}
status() { "$griot" -H "$region/$1" --json status 2> /dev/null; }
at() { status "$1" | jq -e "$2" > /dev/null 2>&1; }
within() { # SECONDS THREAT WHAT COMMAND...
    local deadline=$((SECONDS + $1)) threat=$2 what=$3
    shift 3
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$threat" "$what"
        sleep 0.1
    done
}
record() { # HOME TEXT: one record, on the disk
    "$griot" -H "$1" record seizure date=2026-11-01 country=SN heading=DRG description="$2" quantity=1 unit=KGM 2> "$work/err" > "$work/id" || fail story "$1 does not record '$2': $(cat "$work/err")"
}
recorded() { record "$region/$1" "$2"; told=$((told + 1)); } # NODE TEXT: one that all are to hold in the end
pid_of() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
stop() { # NODE: as a machine is lost
    local pid
    pid=$(pid_of "$1")
    kill -9 "$pid" || fail story "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
}
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail story "the region does not start"; }
all_hold() { # RECORDS NODE...: so many, missing nothing, and the same heads
    local count=$1 node seen=""
    shift
    for node in "$@"; do
        seen="$seen$(status "$node" | jq -r "select(.kinds.seizure == $count and .missing.total == 0 and .missing.unknown == []) | .heads_digest")
"
    done
    [ "$(echo -n "$seen" | grep -c .)" -eq $# ] && [ "$(echo -n "$seen" | sort -u | wc -l)" -eq 1 ]
}
settled() { within 60 "$1" "$2: not $told records everywhere" all_hold "$told" $honest; } # THREAT WHAT
refusals() { # NODE CODE [CLAUSE]
    status "$1" | jq -r --arg code "$2" --arg clause "${3:-}" '[.refused[] | select(.code == $code and (.clause | contains($clause))) | .count] | add // 0'
}

open_region() { # [LINE OF EVERY griot.ini]
    local home
    work=$(realpath "$(mktemp -d)")
    region=$work/region
    "$griot" sandbox create "$region" --hubs 2 --edges sn,gm,tg,bj > /dev/null 2>&1 || fail story "the region is not made"
    for home in "$region"/*/griot.ini; do printf '%b' "${1:-}" >> "$home"; done
    up
    told=0 honest="$hubs $offices"
    recorded sn "of sn"
    recorded tg "of tg, in good days"
    settled story "the first records"
}

# ---- an insider: valid keys, bad intentions ----

# THREAT BEHAVIOUR CODE [CLAUSE]: the hub refuses it by name, keeps running, and takes the honest records afterwards
insider() {
    local threat=$1 behaviour=$2 code=$3 clause=${4:-} before pid
    stop tg
    recorded tg "before $behaviour"
    recorded tg "before $behaviour, a second"
    pid=$(pid_of rilo-dakar)
    before=$(refusals rilo-dakar "$code" "$clause")
    timeout 60 "$member" "$region/tg" rilo-dakar "$behaviour" > "$work/member" 2>&1 || fail "$threat" "$behaviour: $(cat "$work/member")"
    [ "$(refusals rilo-dakar "$code" "$clause")" -gt "$before" ] || fail "$threat" "$behaviour was not refused as $code $clause: $(status rilo-dakar | jq -c .refused)"
    [ "$(pid_of rilo-dakar)" = "$pid" ] || fail "$threat" "$behaviour ended the hub"
    up
    settled "$threat" "after $behaviour"
}
chapter_forged() { insider T09 flip ERR_BADSIG; }
chapter_stripped() { insider T15 strip ERR_GAP "payload is missing"; }
chapter_downgraded() { insider T34 protocol ERR_VERSION "another protocol"; }
chapter_routed() { insider T14 route ERR_MALFORMED "not one frame"; }
memory_of() { awk -v row="$2:" '$1 == row {print $2}' "/proc/$1/status" 2> /dev/null; } # PID VmRSS|VmHWM: KiB
chapter_bombed() {
    local behaviour core gateway before core_before grown core_grown
    insider T13 bomb ERR_LIMIT
    insider T13 pair ERR_MALFORMED "not one frame"
    stop tg
    core=$(pid_of rilo-dakar)
    gateway=$(pgrep -P "$core" -f gateway) || fail T13 "the hub has no gateway"
    for behaviour in parts dust; do
        echo 5 > "/proc/$gateway/clear_refs" 2> /dev/null # the peak begins anew
        before=$(memory_of "$gateway" VmRSS) core_before=$(memory_of "$core" VmRSS)
        timeout 120 "$member" "$region/tg" rilo-dakar "$behaviour" > "$work/member" 2>&1 || fail T13 "$behaviour: the connection is not ended: $(cat "$work/member")"
        kill -0 "$gateway" 2> /dev/null || fail T13 "$behaviour ended the gateway"
        grown=$(($(memory_of "$gateway" VmHWM) - before)) core_grown=$(($(memory_of "$core" VmRSS) - core_before))
        [ "$grown" -lt 131072 ] || fail T13 "$behaviour took $grown KiB of the gateway's memory"
        [ "$core_grown" -lt 32768 ] || fail T13 "$behaviour took $core_grown KiB of the core's memory"
        [ -z "${VERBOSE:-}" ] || echo "$behaviour: gateway $grown KiB, core $core_grown KiB"
    done
    [ "$(pid_of rilo-dakar)" = "$core" ] || fail T13 "the bombs ended the hub"
    up
    recorded tg "after the bombs"
    settled T13 "after the bombs"
}

# ---- another user of the same machine ----

as_neighbour() { timeout 20 setpriv --reuid 65534 --regid 65534 --clear-groups "$@" < /dev/null; }
verbs() { "$griot" --help --lang en | sed -n '/^Commands/,/^$/s/^  \([a-z]*\) .*/\1/p' | grep -v -x -e explain -e root -e init -e sandbox -e completion -e help; }
# What a verb asks for; those that are not listed need nothing.
operands() {
    case $1 in
        record) echo seizure date=2026-11-01 country=SN heading=DRG description=intruder quantity=1 unit=KGM ;;
        search) echo marker ;;
        show | trace) cat "$work/id" ;;
        import) echo "$work/open/rows.csv" --map "$work/open/rows.ini" ;;
        card) echo --out "$work/open/card" ;;
        admit) echo "$work/open/card" ;;
        suspend) echo tg ;;
        join) echo "$work/open/region" ;;
        backup) echo "$work/open/backup" ;;
        restore) echo "$work/open/backup" --identity "$work/open/identity" ;;
        config) echo check ;;
    esac
}
chapter_neighbour() {
    local verb count=0 code before
    [ "$(id -u)" -eq 0 ] || { echo "skip: only root can become another user"; return; }
    recorded rilo-dakar "marker of the hub"
    before=$(status rilo-dakar | jq -r .heads_digest)
    mkdir -m 777 "$work/open"
    cp "$(dirname "$0")/cli-exercise.csv" "$work/open/rows.csv" && cp "$(dirname "$0")/cli-exercise.ini" "$work/open/rows.ini" && cp "$region/root/region" "$work/open/region"
    cp "$griot" "$work/open/griot" # the neighbour has the program, too
    chmod 711 "$work" "$region"
    for verb in $(verbs); do
        # shellcheck disable=SC2046
        as_neighbour "$work/open/griot" -H "$region/rilo-dakar" "$verb" $(operands "$verb") > "$work/out" 2> "$work/err"
        code=$?
        [ $code -ne 0 ] || fail T33 "another user may call $verb: $(head -n 3 "$work/out")"
        [ $code -ne 124 ] || fail T33 "$verb of another user is not refused but waits"
        ! grep -q "marker of the hub" "$work/out" "$work/err" || fail T33 "another user reads a record by $verb"
        count=$((count + 1))
    done
    [ $count -ge 20 ] || fail T33 "only $count verbs were tried"
    # Somebody has opened the folder and its socket for all: the daemon looks who it is.
    chmod 755 "$region/rilo-dakar" && chmod 666 "$region/rilo-dakar/control.sock"
    for verb in status search record suspend; do
        # shellcheck disable=SC2046
        as_neighbour "$work/open/griot" -H "$region/rilo-dakar" "$verb" $(operands "$verb") > "$work/out" 2> "$work/err" && fail T33 "through the open socket another user may call $verb"
        ! grep -q "marker of the hub" "$work/out" "$work/err" || fail T33 "another user reads a record by $verb through the open socket"
    done
    chmod 700 "$region/rilo-dakar" && chmod 600 "$region/rilo-dakar/control.sock"
    chmod 700 "$work" "$region"
    [ "$(status rilo-dakar | jq -r .heads_digest)" = "$before" ] || fail T33 "another user has changed what the hub holds"
    settled T33 "after the neighbour"
}

# ---- one office writes without end ----

holds() { [ "$("$griot" -H "$region/$1" --json search "$2" 2> /dev/null | jq .total)" = 1 ]; } # NODE WORD
flood_size() { echo $(($(status rilo-dakar | jq .records) - told)); }
chapter_flooded() {
    local i began slowest=0 held
    awk 'BEGIN {srand(7); print "numéro;jour;produit;poids;texte"; for (i = 0; i < 12000; i++) {t = ""; for (k = 0; k < 24; k++) t = t sprintf("%08x ", rand() * 4294967296)
        printf "F-%d;%02d/%02d/2026;cocaine;%d;Aflao %s\n", i, 1 + i % 28, 1 + i % 12, 1 + i % 90, t}}' > "$work/flood.csv"
    sed 's/^lieu = place/texte = description/' "$(dirname "$0")/cli-exercise.ini" > "$work/cli-exercise.ini"
    "$griot" -H "$region/tg" import "$work/flood.csv" --map "$work/cli-exercise.ini" > "$work/import.log" 2>&1 &
    for i in 1 2 3 4 5 6; do
        recorded sn "honest$i"
        began=$(date +%s%N)
        within 20 T12 "what sn records does not arrive while tg floods" holds gm "honest$i"
        began=$((($(date +%s%N) - began) / 1000000))
        [ $began -le $slowest ] || slowest=$began
    done
    wait $! || fail T12 "the flood does not begin: $(tail -n 3 "$work/import.log")"
    within 60 T12 "no node says that tg has written more than its share" at rilo-dakar '[.warnings[] | select(.code == "AUTHOR-SHARE" and .whom == "tg")] | length == 1'
    held=$(flood_size)
    sleep 1
    [ "$(flood_size)" -eq "$held" ] && [ "$held" -gt 0 ] || fail T12 "the hub goes on taking what tg writes: $held, now $(flood_size)"
    at rilo-dakar '.missing.total > 0' || fail T12 "what waits is not counted as missing"
    recorded gm "afterwards"
    within 20 T12 "others have to wait for tg" holds bj "afterwards"
    [ -z "${VERBOSE:-}" ] || echo "of 12000 records of the flood $held were taken; the slowest honest one took $slowest ms"
}

# ---- a machine is stolen ----

suspended_everywhere() {
    local node
    for node in $honest; do
        at "$node" '[.warnings[] | select(.code == "ACT-SUSPEND" and .whom == "tg")] | length == 1' || return 1
    done
}
settled_by_root() {
    local node
    for node in $honest; do
        at "$node" '.roster.number == 2 and ([.warnings[] | select(.code == "ACT-SUSPEND")] == [])' || return 1
    done
}
refused_everywhere() { "$griot" -H "$work/thief" peers --json | jq -e '.peers | length == 2 and all(.[]; .state == "blocked")' > /dev/null; }
chapter_stolen() {
    local begin
    recorded tg "before the theft"
    settled T20 "before the theft"
    sleep 3 # the hubs sign frontiers that name it: it is final
    cp -a "$region/tg" "$work/thief"
    # Noticed: two machines speak with the keys of one office.
    "$griot" -H "$work/thief" run > "$work/thief.log" 2>&1 &
    thief=$!
    within 40 T20 "no hub notices that two machines speak with the keys of tg" grep -q clone_alarm "$region"/rilo-*/log.txt
    honest="$hubs sn gm bj"
    # Suspended: the hub drops the connection within a second, all know within a minute.
    "$griot" suspend tg -H "$region/rilo-dakar" --reason "stolen at Aflao" > /dev/null 2> "$work/err" || fail T20 "suspend: $(cat "$work/err")"
    begin=$(date +%s%N)
    while "$griot" -H "$region/rilo-dakar" peers --json | jq -e '.peers[] | select(.name == "tg")' > /dev/null; do
        [ $((($(date +%s%N) - begin) / 1000000)) -lt 1000 ] || fail T20 "the hub still speaks with the stolen machine after a second"
    done
    within 60 T20 "not all know of the suspension within a minute" suspended_everywhere
    stop tg # the office has been told; the thief goes on
    record "$work/thief" "by the thief"
    record "$work/thief" "by the thief, again"
    recorded gm "while the thief goes on"
    settled T20 "while the thief goes on"
    # Put out by the root, with a cut.
    "$griot" root roster "$region/root" --key-file "$region/root/unlock/root" --remove tg > /dev/null 2> "$work/err" || fail T20 "the roster: $(cat "$work/err")"
    "$griot" join "$region/root/region" -H "$region/sn" > /dev/null 2> "$work/err" || fail T20 "join: $(cat "$work/err")"
    within 60 T20 "the roster that puts tg out does not reach all" settled_by_root
    kill -9 "$thief" 2> /dev/null
    wait "$thief" 2> /dev/null
    "$griot" -H "$work/thief" run >> "$work/thief.log" 2>&1 & # it dials at once
    thief=$!
    within 30 T20 "the thief is not refused" refused_everywhere
    settled T20 "what the stolen machine wrote has come in"
    kill -9 "$thief" 2> /dev/null
    wait "$thief" 2> /dev/null
    thief=""
}

# ---- yesterday's disk ----

no_fork() {
    local node
    for node in $honest; do
        at "$node" '[.refused[] | select(.code == "ERR_FORK")] == []' && ! grep -q -i fork "$region/$node/log.txt" || return 1
    done
}
chapter_restored() {
    local i
    for i in 1 2; do recorded gm "before yesterday's backup, $i"; done
    settled T25 "before the backup"
    cp -a "$region/gm" "$work/yesterday"
    for i in 1 2; do recorded gm "after yesterday's backup, $i"; done
    settled T25 "after the backup"
    stop gm
    rm -rf "$region/gm"
    mv "$work/yesterday" "$region/gm"
    # It writes more than it lost, before it has seen anybody.
    for i in 1 2 3 4; do recorded gm "on yesterday's disk, $i"; done
    up
    recorded gm "on yesterday's disk, connected"
    within 60 T25 "not $told records everywhere after the restore" all_hold "$told" $honest
    no_fork || fail T25 "the restored office has forked its log: $(grep -h -i fork "$region"/*/log.txt | tail -n 1)"
    at gm '[.warnings[].code] | index("OWN-AHEAD") != null' || fail T25 "the operator is not told"
}

# ---- the end ----

chapter_end() {
    local node
    settled story "the end"
    for node in $honest; do
        "$griot" -H "$region/$node" fsck > /dev/null 2> "$work/err" || fail story "the store of $node is not sound: $(cat "$work/err")"
    done
}

begin=$SECONDS
if [ $# -eq 0 ]; then
    open_region
    for chapter in $chapters; do
        "chapter_$chapter"
        echo "$((SECONDS - begin)) s: $chapter"
    done
    all=$told
    close_region
    set -- $apart
fi
for chapter in "$@"; do
    case " $chapters $apart " in *" $chapter "*) ;; *) echo "chapters: $chapters $apart" >&2; exit 2 ;; esac
    case $chapter in
        flooded) open_region "[store]\nauthor_mib_day = 1\n" ;;
        *) open_region ;;
    esac
    "chapter_$chapter"
    echo "$((SECONDS - begin)) s: $chapter"
    close_region
done
[ -z "${all:-}" ] || echo "the whole story: $all records, and all honest nodes hold the same"
