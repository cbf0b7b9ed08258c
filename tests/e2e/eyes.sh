#!/bin/bash
# The operator's eyes: check, doctor, watch, metrics and top say the same of a region that is well, cut and stopped.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
export LC_ALL=C.UTF-8
terminal() { tmux -L "griot-$$" "$@"; }
finish() { terminal kill-server 2> /dev/null; "$griot" sandbox down "$region" > /dev/null 2>&1; rm -rf "$work"; }
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }
within() { # SECONDS WHAT COMMAND...
    local deadline=$((SECONDS + $1)) what=$2
    shift 2
    until "$@"; do
        [ $SECONDS -lt $deadline ] || fail "$what"
        sleep 0.1
    done
}
record() { "$griot" -H "$region/$1" record seizure date=2026-11-03 country=SN commodity=COCAINE description="$2" quantity=1 unit=KGM > /dev/null || fail "record at $1"; }
checked() { # CODE WORD OPTIONS...
    local code=$1 word=$2 got
    shift 2
    "$griot" --lang en -H "$region/sn" check "$@" > "$work/check" 2> "$work/check.err"
    got=$?
    [ "$got" -eq "$code" ] && grep -q "^GRIOT $word - " "$work/check"
}

port=$((21000 + RANDOM % 8000))
"$griot" sandbox create "$region" --edges sn,gm > /dev/null 2>&1 || fail "sandbox create"
printf '\n[metrics]\nlisten = 127.0.0.1:%s\n' "$port" >> "$region/sn/griot.ini"
"$griot" config check -H "$region/sn" > /dev/null || fail "the configuration is not accepted"
"$griot" sandbox up "$region" > /dev/null 2>&1 || fail "sandbox up"

# ---- well ----
within 30 "check does not say OK: $(cat "$work/check" "$work/check.err" 2> /dev/null)" checked 0 OK
grep -Eq '\| missing=0;100;1000;0 silent=0;;;0 ' "$work/check" || fail "no performance data: $(cat "$work/check")"
for wrong in 5 9:1 a:b 1:2:3 :; do
    "$griot" -H "$region/sn" check --behind "$wrong" > /dev/null 2>&1
    [ $? -eq 3 ] || fail "the limit $wrong is taken"
done
"$griot" -H "$region/sn" doctor --json > "$work/doctor" || fail "doctor finds something wrong: $(cat "$work/doctor")"
jq -e '.failed == 0 and ([.checks[].name] | contains(["store", "disk", "keys", "config", "index", "region", "link", "incoming"]))' "$work/doctor" > /dev/null || fail "doctor: $(cat "$work/doctor")"
"$griot" -H "$region/sn" doctor --peer nobody > /dev/null 2>&1
[ $? -eq 4 ] || fail "doctor knows a peer that is not there"

# ---- watch: ids rise by one, and a program that comes back misses nothing ----
"$griot" -H "$region/sn" watch --since 0 > "$work/first" &
watcher=$!
record gm "first"
seen() { jq -es "any(.[]; .type == \"commit\" and .origin == \"gm\" and .entries == 1)" "$1" > /dev/null 2>&1; }
within 30 "watch does not tell what arrives" seen "$work/first"
kill "$watcher"
wait "$watcher" 2> /dev/null
last=$(jq -s '[.[].id // 0] | max' "$work/first")
record gm "second"
record sn "third"
"$griot" -H "$region/sn" watch --since "$last" > "$work/second" &
watcher=$!
both() { [ "$(jq -s '[.[] | select(.type == "commit")] | length' "$work/second" 2> /dev/null)" = 2 ]; }
within 30 "watch does not go on where it stopped" both
kill "$watcher"
cat "$work/first" "$work/second" | jq -es '[.[].id | select(. != null)] | . == [range(1; length + 1)]' > /dev/null || fail "ids do not rise by one: $(cat "$work/first" "$work/second")"
jq -es 'any(.[]; .type == "peer" and .name == "rilo-dakar") and any(.[]; .type == "missing")' "$work/first" > /dev/null || fail "watch does not tell peers and what is missing"
"$griot" -H "$region/sn" watch --since 100000 > /dev/null 2>&1
[ $? -eq 1 ] || fail "watch takes an id that never was"

# ---- metrics ----
if command -v curl > /dev/null; then
    curl -sf "http://127.0.0.1:$port/metrics" > "$work/metrics" || fail "no metrics"
    grep -q '^griot_peer_state{peer="rilo-dakar",state="current"} 1$' "$work/metrics" || fail "metrics do not say that rilo-dakar is current"
    grep -q '^griot_records{kind="seizure"} 3$' "$work/metrics" || fail "metrics do not count three seizures: $(grep griot_records "$work/metrics")"
    awk '/^# TYPE/ {typed[$3] = 1; next} /^#/ {next} {name = $1; sub(/\{.*/, "", name); if (!(name in typed) || $NF !~ /^[-+0-9.e]+$/) {print; bad = 1}} END {exit bad}' "$work/metrics" ||
        fail "not the text format of Prometheus"
    if command -v promtool > /dev/null; then promtool check metrics < "$work/metrics" || fail "promtool"; fi
    [ "$(curl -s -o /dev/null -w '%{http_code}' -H 'Host: evil.example' "http://127.0.0.1:$port/metrics")" = 403 ] || fail "metrics under a foreign name"
    [ "$(curl -s -o /dev/null -w '%{http_code}' -X POST "http://127.0.0.1:$port/metrics")" = 405 ] || fail "metrics by POST"
    [ "$(curl -s -o /dev/null -w '%{http_code}' "http://127.0.0.1:$port/../etc/passwd")" = 404 ] || fail "another path"
fi
for address in 0.0.0.0:9469 192.0.2.1:80 127.0.0.1:0 127.0.0.1:70000 '[::]:80' 127.0.0.1; do
    printf '[metrics]\nlisten = %s\n' "$address" > "$work/griot.ini"
    mkdir -p "$work/home" && cp -a "$region/sn/node" "$work/home/" && cp "$work/griot.ini" "$work/home/griot.ini"
    "$griot" config check -H "$work/home" > /dev/null 2>&1 && fail "metrics may listen on $address"
done

# ---- top ----
terminal -f /dev/null new-session -d -x 80 -y 24 "$griot --lang en -H $region/sn top" || fail "no terminal"
shown() { terminal capture-pane -p > "$work/screen" 2> /dev/null && grep -q "$1" "$work/screen"; }
within 20 "top does not show the peers: $(cat "$work/screen" 2> /dev/null)" shown '^rilo-dakar .*current'
[ "$(wc -L < "$work/screen")" -le 80 ] || fail "top is wider than the terminal"
terminal send-keys l
within 10 "top does not show the lag" shown '^ORIGIN '
terminal send-keys q
closed() { ! terminal has-session 2> /dev/null; }
within 10 "top does not end" closed

# ---- cut ----
"$griot" sandbox cut "$region" sn > /dev/null 2>&1 || fail "cut"
record sn "written while cut" # something is outstanding: the links are probed
within 60 "check does not notice that nobody is heard" checked 1 WARNING
alone() { "$griot" -H "$region/sn" doctor --json > "$work/doctor"; jq -e '.checks | map(select(.state != "ok").code) | index("ALONE")' "$work/doctor" > /dev/null; }
within 30 "doctor does not say that nobody answers: $(cat "$work/doctor")" alone
jq -e '[.checks[] | select(.name == "link")] == []' "$work/doctor" > /dev/null || fail "doctor lists consequences beside their cause: $(cat "$work/doctor")"

# ---- stopped ----
"$griot" sandbox down "$region" > /dev/null 2>&1 || fail "down"
checked 2 CRITICAL || fail "a stopped node is not critical: $(cat "$work/check")"
"$griot" -H "$region/sn" doctor --json > "$work/doctor"
[ $? -eq 1 ] || fail "doctor is content with a stopped node"
jq -e '[.checks[] | select(.state == "fail").code] == ["NOT-RUNNING"]' "$work/doctor" > /dev/null || fail "doctor, stopped: $(cat "$work/doctor")"
[ "$("$griot" -H "$region/sn" watch --since 0 | jq -s '[.[] | select(.id != null)] | length')" -ge 10 ] || fail "watch does not tell the journal of a stopped node"
echo "eyes: check, doctor, watch, metrics and top agree on a node that is well, cut off and stopped"
