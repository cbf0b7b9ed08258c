#!/bin/bash
# The story of a region of two hubs and four offices, told with real processes. One office, bj, has no line the whole time. What is for one office passes through both hubs
# and nobody else reads it; an insider with valid keys tries what it can; an office's machine is stolen, noticed, suspended by one hub and put out by the root; another
# comes back from yesterday's disk and writes again; bj catches up by stick alone. In the end all that are honest hold the same.
# story.sh BUILD [CHAPTER...]: all chapters in order, or some of them, each in a region of its own; those joined by + in one. A line of failure begins with the threat (crypto/SECURITY.md):
# "FAILED T20: ...". tests/e2e/without.sh takes each mitigation out and demands that its chapter then fails.
set -u
build=$1
shift
griot=$(realpath "$build")/griot
member=$(realpath "$build")/e2e/member
chapters="restricted curious forged stripped downgraded bombed routed neighbour erased stolen restored cutoff end"
apart="flooded" # in a region of its own: there is no common end to it

work="" region="" thief=""
hubs="rilo-dakar rilo-douala"
honest="$hubs sn gm tg" # of those with a line
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
searched() { "$griot" -H "$region/$1" --json search "$2" 2> /dev/null | jq .total; } # NODE WORDS: how many
pid_of() { "$griot" sandbox status "$region" --json | jq -r ".nodes[] | select(.name == \"$1\").pid"; }
stop() { # NODE: as a machine is lost
    local pid
    pid=$(pid_of "$1")
    kill -9 "$pid" || fail story "$1 does not run"
    while kill -0 "$pid" 2> /dev/null; do sleep 0.02; done
}
up() { "$griot" sandbox up "$region" > /dev/null 2>&1 || fail story "the region does not start"; }
declare -A sealed_for # NODE: how many records it reads that not all do
all_hold() { # RECORDS NODE...: so many for all and what is sealed for it, nothing missing, and the same heads. Who has no line is sure of nobody, and nobody of him
    local count=$1 node seen=""
    shift
    for node in "$@"; do
        seen="$seen$(status "$node" | jq -r "select(.kinds.seizure == $((count + ${sealed_for[$node]:-0})) and .missing.total == 0 and (.missing.alone or .missing.unknown - [\"bj\"] == [])) | .heads_digest")
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
    "$griot" sandbox cut "$region" bj > /dev/null 2>&1 || fail story "bj has a line" # for good
    up
    told=0 honest="$hubs sn gm tg" sealed_for=()
    recorded sn "of sn"
    recorded tg "of tg, in good days"
    settled story "the first records"
}

# ---- for one office, through both hubs ----

chapter_restricted() {
    local id node hub word=zibeline i
    id=$("$griot" -H "$region/sn" record seizure date=2026-11-02 country=SN heading=DRG description="$word marquee" quantity=1 unit=KGM --to gm 2> "$work/err") || fail T17 "sn does not record for gm: $(cat "$work/err")"
    sealed_for[sn]=$((${sealed_for[sn]:-0} + 1)) sealed_for[gm]=$((${sealed_for[gm]:-0} + 1))
    finds() { [ "$(searched "$1" "$2")" = 1 ]; }
    for node in sn gm; do within 60 T17 "$node does not find what is for it" finds "$node" "$word"; done
    for node in $hubs tg; do [ "$(searched "$node" "$word")" = 0 ] || fail T17 "$node finds what is not for it"; done
    settled T17 "a record for gm alone"
    for node in $hubs tg; do
        [ "$(searched "$node" "$word")" = 0 ] || fail T17 "$node finds what is not for it"
        ! "$griot" -H "$region/$node" show "$id" > "$work/out" 2>&1 || fail T17 "$node shows what is not for it"
        ! grep -rqai -e "$word" -e "$id" "$region/$node" || fail T17 "$node has it in the clear on its disk: $(grep -rlai -e "$word" -e "$id" "$region/$node")"
    done
    grep -rqai "$word" "$region/gm/views" || fail T17 "the marker cannot be found where it must be"
    for hub in $hubs; do
        "$griot" -H "$region/$hub" --json sealed | jq -e '.unreadable.entries >= 1 and .readable.entries == 0 and all(.keys[]; .state == "not entitled" and .tried > 0 and .opened == 0)' > /dev/null ||
            fail T17 "$hub does not hold it, or can open it: $("$griot" -H "$region/$hub" --json sealed)"
    done
    # One at a time, so that what a hub stores is told apart: of records of any length it sees six sizes at most.
    "$griot" -H "$region/rilo-dakar" --json sealed | jq -r .unreadable.bytes > "$work/sizes"
    for i in 0 20 50 90 140 200 300 450 600; do
        "$griot" -H "$region/sn" record seizure date=2026-11-02 country=SN heading=DRG quantity=1 unit=KGM --to gm description=size narrative="a$(head -c "$i" /dev/urandom | od -An -tx1 | tr -d ' \n')" > /dev/null 2> "$work/err" ||
            fail T07 "sn does not record $i bytes: $(cat "$work/err")"
        sealed_for[sn]=$((${sealed_for[sn]} + 1)) sealed_for[gm]=$((${sealed_for[gm]} + 1))
        settled T07 "a record of $i bytes for gm"
        "$griot" -H "$region/rilo-dakar" --json sealed | jq -r .unreadable.bytes >> "$work/sizes"
    done
    awk 'NR > 1 {print $1 - before} {before = $1}' "$work/sizes" | sort -n | uniq -c > "$work/classes"
    awk '$2 != 176 && $2 != 288 && $2 != 464 && $2 != 688 && $2 != 1152 && $2 != 2048 {exit 1}' "$work/classes" || fail T07 "a relay sees sizes that tell of the content: $(tr '\n' ' ' < "$work/classes")"
    [ "$(wc -l < "$work/classes")" -ge 3 ] || fail T07 "records of all lengths have one size: $(cat "$work/classes")"
}

# ---- who asked about whom ----

chapter_curious() {
    local marker=qxnomcherche
    recorded gm "a person whom somebody looks for"
    "$griot" -H "$region/gm" search "person $marker" > /dev/null 2>&1
    "$griot" -H "$region/gm" audit --action search --json > "$work/out" || fail T23 "no audit: $(cat "$work/out")"
    ! grep -q $marker "$work/out" || fail T23 "the trail says in the clear what was searched for"
    ! grep -rqa $marker "$region/gm" || fail T23 "what was searched for stands in $(grep -rla $marker "$region/gm")"
    "$griot" -H "$region/gm" audit --action search --open --json | grep -q $marker || fail T23 "nobody can say any more what was searched for"
    "$griot" -H "$region/gm" audit --verify > "$work/out" || fail T24 "the trail is not whole: $(cat "$work/out")"
    settled T23 "after the search"
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
    within 20 T12 "others have to wait for tg" holds rilo-douala "afterwards"
    [ -z "${VERBOSE:-}" ] || echo "of 12000 records of the flood $held were taken; the slowest honest one took $slowest ms"
}

# ---- what must be forgotten ----

nobody_finds() { # WORD NODE...
    local word=$1 node
    shift
    for node in "$@"; do [ "$(searched "$node" "$word")" = 0 ] || return 1; done
}
chapter_erased() {
    local id node marker=qzxmarker
    id=$("$griot" -H "$region/sn" record seizure date=2026-11-02 country=SN heading=DRG description=$marker narrative="about $marker" quantity=1 unit=KGM 2> /dev/null) || fail T18 "sn does not record"
    within 60 T18 "the marked record does not arrive" all_hold $((told + 1)) $honest
    [ -n "$(grep -rlF $marker "$region/rilo-dakar")" ] || fail T18 "the marker cannot be found where it must be"
    "$griot" -H "$region/sn" erase "$id" --why "entered by mistake" > "$work/out" 2> "$work/err" || fail T18 "the order: $(cat "$work/err")"
    within 60 T18 "the order does not reach all" nobody_finds $marker $honest
    for node in $honest; do
        "$griot" -H "$region/$node" compact > "$work/out" 2> "$work/err" || fail T18 "compact at $node: $(cat "$work/out" "$work/err")"
        [ -z "$(grep -rlF $marker "$region/$node")" ] || fail T18 "what was erased is still in $(grep -rlF $marker "$region/$node")"
    done
    settled T18 "after an erasure"
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
    honest="$hubs sn gm"
    # Suspended: the hub drops the connection within a second, all know within a minute.
    "$griot" suspend tg -H "$region/rilo-dakar" --reason "stolen at Aflao" > /dev/null 2> "$work/err" || fail T20 "suspend: $(cat "$work/err")"
    begin=$(date +%s%N)
    while "$griot" -H "$region/rilo-dakar" peers --json | jq -e '.peers[] | select(.name == "tg")' > /dev/null; do
        [ $((($(date +%s%N) - begin) / 1000000)) -lt 1000 ] || fail T20 "the hub still speaks with the stolen machine after a second"
    done
    within 60 T20 "not all know of the suspension within a minute" suspended_everywhere
    recorded gm "confidential since the theft" # and neither of the two machines hears of it any more
    settled T20 "since the theft"
    [ "$(searched tg confidential)" = 0 ] || fail T20 "the suspended machine goes on hearing what the others write"
    stop tg # the office has been told; the thief goes on
    record "$work/thief" "by a burglar"
    record "$work/thief" "by a burglar, again"
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
    [ "$("$griot" -H "$work/thief" --json search confidential | jq .total)" = 0 ] || fail T20 "the thief hears what the others write"
    kill -9 "$thief" 2> /dev/null
    wait "$thief" 2> /dev/null
    thief=""
}

# ---- yesterday's disk ----

forked() { grep -l -i fork "$region"/*/log.txt; }
back_or_forked() { all_hold "$told" $honest || forked > /dev/null; }
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
    within 60 T25 "not $told records everywhere after the restore" back_or_forked
    no_fork || fail T25 "the restored office has forked its log: $(grep -h -i fork "$region"/*/log.txt | tail -n 1)"
    at gm '[.warnings[].code] | index("OWN-AHEAD") != null' || fail T25 "the operator is not told"
}

# ---- no line at all ----

bundle() { local node=$1; shift; "$griot" -H "$region/$node" bundle "$@" 2> "$work/err"; }
by_stick() { # THREAT FROM TO: what TO lacks, in one file, taken in
    rm -f "$work/stick"
    bundle "$2" out --for "$3" --out "$work/stick" > "$work/out" || fail "$1" "$2 writes no bundle for $3: $(cat "$work/err")"
    bundle "$3" in "$work/stick" > "$work/out" || fail "$1" "$3 does not take the bundle of $2: $(cat "$work/out" "$work/err")"
}
chapter_cutoff() {
    local i byte size before
    "$griot" -H "$region/bj" --json status | jq -e '.released == false and .kinds.seizure == 0' > /dev/null || fail T32 "bj has heard somebody"
    recorded sn "before the stick"
    settled T32 "before the stick"
    by_stick T32 rilo-dakar bj
    within 30 T32 "by stick alone bj does not catch up" all_hold "$told" $honest bj
    [ "$(searched bj "marquee")" = 0 ] || fail T17 "bj reads by stick what is not for it"
    # It writes, the stick goes back, and its word that it holds the rest goes with it.
    for i in 1 2; do recorded bj "of bj, without a line $i"; done
    by_stick T32 bj rilo-douala
    within 60 T32 "what bj writes does not arrive" all_hold "$told" $honest bj
    # Sticks that were bent on the way, each refused, and nothing of them is in.
    recorded gm "after the stick went back"
    settled T32 "after the stick went back"
    before=$(status bj | jq -r '"\(.heads_digest) \(.entries)"')
    rm -f "$work/stick"
    bundle rilo-dakar out --for bj --out "$work/stick" > "$work/out" || fail T32 "no bundle: $(cat "$work/err")"
    size=$(stat -c %s "$work/stick")
    for byte in 0 9 60 $((size / 3)) $((size / 2)) $((size - 40)) $((size - 1)); do
        cp "$work/stick" "$work/bent"
        printf "\\x$(printf %02x $(($(od -An -tu1 -j $byte -N1 "$work/bent") ^ 4)))" | dd of="$work/bent" bs=1 seek="$byte" conv=notrunc 2> /dev/null
        ! bundle bj in "$work/bent" > "$work/out" || fail T32 "a bundle with byte $byte of $size bent is taken in: $(cat "$work/out")"
    done
    for i in 0 1 $((size / 2)) $((size - 1)); do
        head -c "$i" "$work/stick" > "$work/bent"
        ! bundle bj in "$work/bent" > "$work/out" || fail T32 "a bundle of which $i of $size bytes are left is taken in"
    done
    ! bundle sn in "$work/stick" > "$work/out" || fail T32 "a bundle for bj is taken in by sn"
    [ "$(status bj | jq -r '"\(.heads_digest) \(.entries)"')" = "$before" ] || fail T32 "a bent bundle left something"
    bundle bj in "$work/stick" > "$work/out" || fail T32 "the whole one is not taken in after that: $(cat "$work/err")"
    within 30 T32 "after the bent ones bj does not catch up" all_hold "$told" $honest bj
    # The thief sends a stick, too.
    if [ -d "$work/thief" ]; then
        rm -f "$work/thiefs"
        "$griot" -H "$work/thief" bundle out --for bj --out "$work/thiefs" > /dev/null 2> "$work/err"
        ! bundle bj in "$work/thiefs" > "$work/out" || fail T32 "bj takes in a bundle of a node that was put out"
        [ "$(searched bj burglar)" = 0 ] || fail T32 "bj takes what the thief sends by stick"
        within 10 T32 "the thief's stick has changed what bj holds" all_hold "$told" $honest bj
    fi
}

# ---- the end ----

chapter_end() {
    local node
    settled story "the end"
    by_stick story rilo-dakar bj
    by_stick story bj rilo-dakar
    within 60 story "in the end not all that are honest hold the same" all_hold "$told" $honest bj
    for node in $honest bj; do
        "$griot" -H "$region/$node" fsck > "$work/out" 2> "$work/err" || fail story "the store of $node is not sound: $(cat "$work/out" "$work/err")"
        "$griot" -H "$region/$node" audit --verify > "$work/out" 2> "$work/err" || fail T24 "the audit of $node does not verify: $(cat "$work/out" "$work/err")"
        "$griot" -H "$region/rilo-douala" audit --heads --of "$node" --json > "$work/heads.json" 2> "$work/err" || fail T24 "rilo-douala remembers no audit trail: $(cat "$work/err")"
        "$griot" -H "$region/$node" audit --verify --against "$work/heads.json" > "$work/out" 2> "$work/err" || fail T24 "the audit trail of $node is not whole: $(cat "$work/out" "$work/err")"
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
for part in "$@"; do
    for chapter in ${part//+/ }; do
        case " $chapters $apart " in *" $chapter "*) ;; *) echo "chapters: $chapters $apart" >&2; exit 2 ;; esac
    done
    case $part in
        flooded) open_region "[store]\nauthor_mib_day = 1\n" ;;
        *) open_region ;;
    esac
    for chapter in ${part//+/ }; do
        "chapter_$chapter"
        echo "$((SECONDS - begin)) s: $chapter"
    done
    close_region
done
[ -z "${all:-}" ] || echo "the whole story: $all records, and all honest nodes hold the same"
