#!/bin/bash
# What goes wrong around a node: passphrase, keys, configuration, home, port, store, control socket. Each is refused by one clear sentence that says what to do,
# with the documented exit code, and the daemon lives.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
holders=""
finish() {
    [ -z "$holders" ] || kill $holders 2> /dev/null
    "$griot" sandbox down "$region" > /dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    timeout 60 "$@" > "$work/out" 2> "$work/err" < /dev/null
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
err() { # the error's first line, why and what to do are there
    for text in "$@"; do grep -qF -- "$text" "$work/err" || { cat "$work/err"; fail "$what: no \"$text\" on stderr"; }; done
    [ "$(grep -c '^error\[' "$work/err")" -eq 1 ] || { cat "$work/err"; fail "$what: not one error"; }
    grep -q '^  → .' "$work/err" || { cat "$work/err"; fail "$what: nothing says what to do"; }
}
json_err() { jq -e '.schema == "griot.error/1" and ([.code, .what, .why, .do] | all(length > 0)) and ('"$1"')' "$work/err" > /dev/null || { cat "$work/err"; fail "$what: not $1"; }; }
key() { (umask 077; head -c 32 /dev/urandom > "$1"); }
unset LC_ALL LC_MESSAGES LANGUAGE GRIOT_HOME GRIOT_PASSPHRASE_FD CREDENTIALS_DIRECTORY
export LANG=en_GB.UTF-8 PERL_BADLANG=0

expect 0 "sandbox create" "$griot" sandbox create "$region" --hubs 1 --edges sn
home=$region/sn hub=$region/rilo-dakar
sealed=$(sed -n 's/^key_file *= *//p' "$home/griot.ini")

# ---- passphrase ----
exec 7< <(echo "correct horse")
expect 0 "init with a passphrase" env GRIOT_PASSPHRASE_FD=7 "$griot" init tg -H "$work/tg" --region "$region/root/region"
for command in status run; do
    exec 7< <(echo "wrong horse")
    expect 5 "a wrong passphrase" env GRIOT_PASSPHRASE_FD=7 "$griot" -H "$work/tg" $command
    err "error[ERR_PASSPHRASE]" "do not open"
    exec 7< <(echo "wrong horse")
    expect 5 "a wrong passphrase in JSON" env GRIOT_PASSPHRASE_FD=7 "$griot" -H "$work/tg" --json $command
    json_err '.code == "ERR_PASSPHRASE"'
    exec 7< /dev/null
    expect 5 "no passphrase" env GRIOT_PASSPHRASE_FD=7 "$griot" -H "$work/tg" $command
    err "error[ERR_PASSPHRASE]: no passphrase was given" "GRIOT_PASSPHRASE_FD"
    expect 5 "a descriptor that is not open" env GRIOT_PASSPHRASE_FD=99 "$griot" -H "$work/tg" $command
    err "error[ERR_PASSPHRASE]: no passphrase was given"
    expect 5 "nobody to ask" setsid -w "$griot" -H "$work/tg" $command
    err "error[ERR_PASSPHRASE]: no passphrase was given" "terminal"
done
exec 7< <(echo "correct horse")
expect 0 "the right passphrase" env GRIOT_PASSPHRASE_FD=7 "$griot" -H "$work/tg" status
exec 7<&-

# ---- sealing key, keys ----
copy() { rm -rf "$work/copy" && cp -a "$home" "$work/copy"; }
for command in status run; do
    mv "$sealed" "$sealed.away"
    expect 5 "a sealing key that is missing" "$griot" -H "$home" $command
    err "error[ERR_PASSPHRASE]: the sealing key $sealed is not there"
    head -c 5 /dev/urandom > "$sealed"
    chmod 600 "$sealed"
    expect 5 "a sealing key that is too short" "$griot" -H "$home" $command
    err "$sealed is no sealing key"
    key "$sealed"
    expect 5 "another sealing key" "$griot" -H "$home" $command
    err "error[ERR_PASSPHRASE]: the keys in $home do not open"
    mv "$sealed.away" "$sealed"
    chmod 644 "$sealed"
    expect 5 "a sealing key that others may read" "$griot" -H "$home" $command
    err "error[ERR_PERMISSION]: the sealing key $sealed may be read by others" "chmod 600"
    chmod 600 "$sealed"
    copy
    chmod 644 "$work/copy/keys/identity"
    expect 5 "a key that others may read" "$griot" -H "$work/copy" $command
    err "error[ERR_PERMISSION]" "chmod 600"
    rm "$work/copy/keys/identity"
    expect 1 "a key that is missing" "$griot" -H "$work/copy" $command
    err "error[ERR_CORRUPT]: keys are missing in $work/copy/keys"
    cp -a "$home/keys/identity" "$work/copy/keys"
    printf 'x' | dd of="$work/copy/keys/identity" bs=1 seek=40 conv=notrunc 2> /dev/null
    expect 1 "a damaged key" "$griot" -H "$work/copy" $command
    err "error[ERR_CORRUPT]: the keys in $work/copy/keys are damaged"
done

# ---- who it is, configuration, store ----
for command in status run; do
    copy
    truncate -s 20 "$work/copy/node"
    expect 1 "a file node that is cut short" "$griot" -H "$work/copy" $command
    err "error[ERR_CORRUPT]: $work/copy/node is damaged" "backup"
    head -c 5000 /dev/urandom > "$work/copy/node"
    expect 1 "a file node of garbage" "$griot" -H "$work/copy" $command
    err "error[ERR_CORRUPT]: $work/copy/node is damaged"
    cp "$home/node" "$work/copy/node"
    printf '\x02' | dd of="$work/copy/node" bs=1 seek=1 conv=notrunc 2> /dev/null
    expect 1 "a home of a newer release" "$griot" -H "$work/copy" $command
    err "error[ERR_LAYOUT]" "update griot"
    rm "$work/copy/node"
    expect 3 "a folder that is no home" "$griot" -H "$work/copy" $command
    err "error[ERR_NOT_FOUND]: there is no node here" "griot init"

    copy
    lines=$(wc -l < "$work/copy/griot.ini")
    printf '[store]\nfoo = 1\ndisk_reserve_mib = 5\n[nonsense]\nx = y\n' >> "$work/copy/griot.ini"
    expect 1 "a bad configuration" "$griot" -H "$work/copy" $command
    err "error[ERR_CONFIG]: $work/copy/griot.ini is not valid" "griot.ini:$((lines + 2)): unknown key foo in [store]" \
        "griot.ini:$((lines + 3)): disk_reserve_mib = 5 is not allowed: MiB, 16 to 1048576" "griot.ini:$((lines + 5)): unknown section [nonsense]"
    expect 1 "a bad configuration in JSON" "$griot" -H "$work/copy" --json $command
    json_err ".code == \"ERR_CONFIG\" and ([.faults[].line] == [$((lines + 2)), $((lines + 3)), $((lines + 5))])"
    rm "$work/copy/griot.ini"
    expect 1 "no configuration" "$griot" -H "$work/copy" $command
    err "error[ERR_CONFIG]: $work/copy/griot.ini is not there"

    copy
    rm -r "$work/copy/log"
    expect 1 "no store" "$griot" -H "$work/copy" $command
    err "error[ERR_CORRUPT]: the store in $work/copy is not there"
    copy
    head -c 8192 /dev/urandom > "$work/copy/log/data.mdb"
    expect 1 "a store of garbage" "$griot" -H "$work/copy" $command
    err "error[ERR_CORRUPT]: the store in $work/copy does not open"
    # The version of LMDB's format stands behind the magic number in both meta pages.
    copy
    for page in 0 4096; do printf '\x63' | dd of="$work/copy/log/data.mdb" bs=1 seek=$((page + 20)) conv=notrunc 2> /dev/null; done
    expect 1 "a store of another layout" "$griot" -H "$work/copy" $command
    err "error[ERR_LAYOUT]: the store in $work/copy does not open" "update griot"
done

# ---- busy port, home in use, a long path ----
port=$(sed -n 's|^listen *= *tcp://127.0.0.1:||p' "$hub/griot.ini")
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 1, ReuseAddr => 1) or die; $| = 1; print "x"; sleep 600' "$port" > "$work/held" &
holders=$!
for n in $(seq 100); do [ -s "$work/held" ] && break; sleep 0.05; done
expect 1 "a busy port" "$griot" -H "$hub" run
err "error[ERR_EXISTS]: the node cannot start: its address is not to be had" "127.0.0.1:$port" "listen in griot.ini"
expect 1 "a busy port in JSON" "$griot" -H "$hub" --json run
json_err ".code == \"ERR_EXISTS\" and (.why | contains(\"$port\"))"
kill $holders
wait $holders 2> /dev/null
holders=""

expect 0 "sandbox up" "$griot" sandbox up "$region"
pid=$(pgrep -f -- "-H $home run")
expect 1 "a second daemon" "$griot" -H "$home" run
err "error[ERR_LOCKED]: the home is in use by another process" "griot status"
expect 1 "a second daemon in JSON" "$griot" -H "$home" --json run
json_err '.code == "ERR_LOCKED"'
expect 0 "a command while the daemon runs" "$griot" -H "$home" status --json
jq -e '.from == "daemon"' "$work/out" > /dev/null || fail "the daemon did not answer"

long=$work/$(printf 'x%.0s' $(seq 120))
mkdir "$long"
mv "$work/tg" "$long/tg"
exec 7< <(echo "correct horse")
GRIOT_PASSPHRASE_FD=7 "$griot" -H "$long/tg" run 2> "$work/long.log" &
holders=$!
for n in $(seq 100); do grep -q "event=started" "$work/long.log" && break; sleep 0.05; done
expect 0 "a home on a long path" "$griot" -H "$long/tg" status --json
jq -e '.from == "daemon"' "$work/out" > /dev/null || fail "the daemon on a long path did not answer"
kill $holders
wait $holders || fail "the daemon on a long path ended with $?"
holders=""
exec 7<&-

# ---- the control socket ----
talk() { # PERL-CODE with $s connected
    timeout 60 perl -MIO::Socket::UNIX -e '$SIG{PIPE} = "IGNORE"; sub talk { IO::Socket::UNIX->new(Peer => $ARGV[0]) } $s = talk or die; sub ask { my $b = shift; syswrite $s, pack("Na", length($b) + 1, "J") . $b }
        sub answer { my ($head, $body) = ("", ""); read $s, $head, 5; read $s, $body, unpack("N", $head) - 1 if length $head == 5; $body } '"$1" "$home/control.sock" > "$work/out" 2> "$work/err"
}
alive() { "$griot" -H "$home" status > /dev/null 2>&1 && [ "$(pgrep -f -- "-H $home run")" = "$pid" ] || fail "$1: the daemon died or does not answer"; }
refused() { grep -aqF "\"$2\"" "$work/out" || { cat "$work/out"; fail "$1: no $2"; }; alive "$1"; }
talk 'syswrite $s, pack("Na", 5, "J") . "{]x!"; print answer' ; refused "garbage in a frame" ERR_MALFORMED
talk 'syswrite $s, "GET / HTTP/1.1\r\n\r\n"; print answer'; refused "another protocol" ERR_OVERSIZE
talk 'syswrite $s, pack("Na", 5, "X") . "abcd"; print answer'; refused "an unknown type" ERR_MALFORMED
talk 'syswrite $s, pack("Na", (1 << 20) + 1, "J"); print answer'; refused "an oversize frame" ERR_OVERSIZE
talk 'syswrite $s, pack("Na", 0, "J"); print answer'; refused "an empty frame" ERR_OVERSIZE
talk 'ask(q({"do":"nonsense"})); print answer'; refused "an unknown request" ERR_USAGE
talk 'ask(q([1,2])); print answer'; refused "no object" ERR_MALFORMED
talk 'ask(q({"do":"status","do":"status"})); print answer'; refused "a key twice" ERR_MALFORMED
talk 'ask("[" x 100000); print answer'; refused "deep nesting" ERR_MALFORMED
talk 'ask("{\"do\":\"search\",\"query\":\"" . ("(" x 500000) . "\"}"); print answer'; refused "a long query" ERR_INVALID
talk 'ask(q({"do":"search","query":7,"limit":"x"})); print answer'; refused "values of other types" ERR_USAGE
talk 'ask(q({"do":"show","id":{}})); print answer'; refused "an id that is none" ERR_INVALID
talk 'ask(q({"do":"admit","card":"zz"})); print answer'; grep -aq '"ok":false' "$work/out" || fail "a card of garbage"
talk 'ask(q({"do":"join","notices":["00",7]})); print answer'; grep -aq '"ok":false' "$work/out" || fail "notices of garbage"
talk 'ask(q({"do":"append","channel":"control"})); print answer'; refused "a channel that is not for records" ERR_USAGE
talk 'ask(q({"do":"append","channel":"bulk"})); syswrite $s, pack("Na", 9, "B") . "\x92\xc4\xffabcde"; answer; print answer'; refused "a batch of garbage" ERR_MALFORMED
talk 'syswrite $s, pack("N", 100)'; alive "half a head"
talk 'syswrite $s, pack("Na", 1000, "J") . "{"'; alive "half a frame"
talk 'ask(q({"do":"fsck"})); close $s'; alive "gone while it is answered"
talk 'ask(q({"do":"append","channel":"bulk"})); syswrite $s, pack("Na", 100000, "B") . ("x" x 5000); close $s'; alive "gone in a batch"

# All places taken by clients that never finish: whoever comes is told so, and when they go all is as before.
perl -MIO::Socket::UNIX -e '@s = map { IO::Socket::UNIX->new(Peer => $ARGV[0]) } 1 .. 32; syswrite $_, pack("Na", 1000, "J") . "{" for @s; $| = 1; print "x"; sleep 600' "$home/control.sock" > "$work/full" &
holders=$!
for n in $(seq 100); do [ -s "$work/full" ] && break; sleep 0.05; done
expect 1 "no place free" "$griot" -H "$home" status
err "error[ERR_BUSY]" "try again"
kill $holders
wait $holders 2> /dev/null
holders=""
expect 0 "places free again" "$griot" -H "$home" status

# A hundred at once wait in line; each is answered.
for n in $(seq 100); do
    "$griot" -H "$home" status --json --timeout 60 > "$work/many.$n" 2>&1 &
done
for job in $(jobs -p); do wait "$job" || fail "one of 100 commands at once failed: $(cat "$work"/many.* | grep -v '"griot.status/1"' | head -n 5)"; done
[ "$(cat "$work"/many.* | jq -r .schema | sort | uniq -c | tr -s ' ')" = " 100 griot.status/1" ] || fail "100 commands at once were not all answered"
alive "a hundred at once"
expect 0 "fsck" "$griot" -H "$home" fsck
expect 0 "down" "$griot" sandbox down "$region"
echo "every fault has its sentence and its exit code; the daemon outlived all its clients"
