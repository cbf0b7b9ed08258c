#!/bin/bash
# Imports of files as they come: garbage leaves the store as it was, good rows beside bad ones come in once, refused ones are named and can be corrected, and
# neither a killed command nor a killed node doubles or loses a row.
set -u
build=$1
griot=$(realpath "$build")/griot
work=$(realpath "$(mktemp -d)")
region=$work/region
home=$region/sn
map=$PWD/tests/e2e/cli-exercise.ini
feeder=""
finish() {
    [ -z "$feeder" ] || kill "$feeder" 2> /dev/null
    "$griot" sandbox down "$region" > /dev/null 2>&1
    rm -rf "$work"
}
trap finish EXIT
fail() { echo "FAILED: $*"; for log in "$region"/*/log.txt; do echo "== $log"; tail -n 5 "$log"; done; exit 1; }
expect() { # CODE WHAT COMMAND...
    want=$1 what=$2
    shift 2
    "$@" > "$work/out" 2> "$work/err" < /dev/null
    got=$?
    [ "$got" -eq "$want" ] || { cat "$work/out" "$work/err"; fail "$what: exit code $got, not $want"; }
}
json() { jq -e "$1" "$work/out" > /dev/null || { jq -c 'del(.fields)' "$work/out"; fail "$what: not $1"; }; }
json_err() { jq -e ".schema == \"griot.error/1\" and ([.code, .what, .why, .do] | all(length > 0)) and ($1)" "$work/err" > /dev/null || { cat "$work/err"; fail "$what: not $1"; }; }
digest() { "$griot" -H "$home" --json status | jq -r .heads_digest; }
records() { # once the index has followed: the log never waits for it
    until_indexed=$((SECONDS + 30))
    until "$griot" -H "$home" --json status > indexed && jq -e '.index.journal == .index.followed' indexed > /dev/null || [ $SECONDS -ge $until_indexed ]; do sleep 0.05; done
    jq .kinds.seizure indexed
}
import() { timeout 120 "$griot" -H "$home" --json --lang en import "$@"; }

expect 0 "sandbox create" "$griot" sandbox create "$region" --hubs 1 --edges sn
expect 0 "sandbox up" "$griot" sandbox up "$region"
cd "$work" || exit 1
head="numéro;jour;produit;poids;lieu"
row() { echo "$1;19/11/2026;cocaine;1,5;${2:-Kédougou}"; }

# ---- garbage: nothing comes in ----
head -c 200000 /dev/urandom > random.csv
head -c 200000 /dev/zero > zeros.csv
head -c 10000000 /dev/zero | tr '\0' x > line.csv
: > empty.csv
printf '\xef\xbb\xbf' > bom-only.csv
mkdir folder.csv
{ echo "${head//;/,}"; row A-1 | tr ';' ,; } > comma.csv
{ echo "$head;surplus"; row A-1; } > surplus.csv
{ echo "$head;poids"; row A-1; } > twice.csv
before=$(digest)
while read -r file code words; do
    for option in --strict --dry-run; do
        expect 1 "$file $option" import "$file" --map "$map" $option
        json_err ".code == \"$code\" and ([.what, .why, .do] | join(\" \") | contains(\"$words\"))"
        [ ! -s out ] || fail "$what: an error wrote to stdout"
        [ "$(digest)" = "$before" ] || fail "$what changed the store"
    done
done << 'TABLE'
random.csv ERR_INVALID
zeros.csv ERR_INVALID
line.csv ERR_INVALID longer than
empty.csv ERR_INVALID empty
bom-only.csv ERR_INVALID empty
folder.csv ERR_INVALID folder
comma.csv ERR_INVALID does not know the column
surplus.csv ERR_INVALID does not know the column 'surplus'
twice.csv ERR_INVALID poids
/proc/self/mem ERR_IO could not be read
TABLE
expect 4 "a file that is not there" import none.csv --map "$map"
json_err '.code == "ERR_NOT_FOUND"'
expect 2 "no mapping" import comma.csv
json_err '.code == "ERR_USAGE"'
expect 2 "a mapping that is not there" import comma.csv --map nonsense
json_err '.code == "ERR_USAGE" or .code == "ERR_NOT_FOUND"'
number=0
while IFS='|' read -r old new line; do
    sed "s|$old|$new|" "$map" > bent.ini
    number=$((number + 1))
    expect 1 "a bent mapping ($new)" import comma.csv --map bent.ini
    json_err ".code == \"ERR_CONFIG\" or .code == \"ERR_INVALID\""
    [ "$line" = - ] || jq -e "[.what, .why] | join(\" \") | test(\"\\\\b$line\\\\b\")" err > /dev/null || { cat err; fail "$what: line $line is not named"; }
done << 'TABLE'
^kind = .*|kind = parrot|4
^poids = .*|poids = quantity unit=PARROT|16
^lieu = .*|lieu = nowhere|17
^lieu = .*|lieu|17
^formats = .*|formats = DD/MM|10
^is_exercise = .*|is_exercise = perhaps|20
^.columns.|[colonnes]|-
TABLE

# Every row refused: nothing comes in, each has its reason.
{ echo "$head"; row A-1 | sed 's/19.11.2026/31.02.2026/'; row A-2 | sed s/cocaine/sugarcane/; row A-3 | sed 's/1,5/1,5kg/'; echo "A-4;19/11/2026"; printf 'A-5;19/11/2026;"cocaine;1,5;never closed\n'; } > all-bad.csv
expect 1 "all rows bad" import all-bad.csv --map "$map"
json '.rows == 5 and .accepted == 0 and .rejected == 5 and .new == 0 and ([.errors[].row] == [2, 3, 4, 5, 6]) and ([.errors[].column][0:3] == ["jour", "produit", "poids"]) and (.errors | all(.why | length > 10))'
[ "$(digest)" = "$before" ] || fail "refused rows changed the store"
rm -f ./*.rejected.csv

# ---- good rows beside bad ones ----
{
    echo "$head"
    row G-1
    row G-2 | sed 's/cocaine/co\x00caine/'
    row G-3 "$(head -c 10000000 /dev/zero | tr '\0' x)"
    row G-4 | sed 's/19.11.2026/hier/'
    echo "G-5;19/11/2026;cocaine"
    row G-6
} > mixed.csv
expect 0 "dry run" import mixed.csv --map "$map" --dry-run
json '.dry_run and .rows == 6 and .accepted == 2 and .rejected == 4 and .new == 0 and .rejected_file == null'
[ "$(digest)" = "$before" ] && [ ! -e mixed.rejected.csv ] || fail "a dry run changed something"
expect 6 "the same in earnest, --strict" import mixed.csv --map "$map" --strict
json '.accepted == 2 and .rejected == 4 and .new == 2 and ([.errors[].row] == [3, 4, 5, 6]) and .errors[2].column == "jour"'
[ "$(records)" -eq 2 ] || fail "not exactly the good rows came in"
after=$(digest)
[ "$after" != "$before" ] || fail "the digest does not show what came in"
expect 0 "the same again" import mixed.csv --map "$map"
json '.new == 0 and .updated == 0 and .unchanged == 2'
[ "$(digest)" = "$after" ] || fail "the same import again changed the store"
grep -aqF "hier" mixed.rejected.csv || fail "the refused row is not in mixed.rejected.csv"
# Corrected there, and imported from there; what is still wrong stays refused.
sed 's/hier/18\/11\/2026/' mixed.rejected.csv > corrected.csv
expect 0 "the corrected rows" import corrected.csv --map "$map"
json '.new == 1 and .accepted == 1'
[ "$(records)" -eq 3 ] || fail "the corrected row did not come in"
# A changed row is a new version of the same record.
{ echo "$head"; row G-1 "Tambacounda"; } > changed.csv
expect 0 "a changed row" import changed.csv --map "$map"
json '.new == 0 and .updated == 1'
[ "$(records | head -n 1)" -ge 3 ] || fail "a changed row removed a record"

# ---- encodings: one name, written in four ways, is one record ----
{ echo "$head"; row E-1 "São Tomé – Água Izé"; } > utf8.csv
{ printf '\xef\xbb\xbf'; cat utf8.csv; } > bom.csv
iconv -f UTF-8 -t WINDOWS-1252 utf8.csv > cp1252.csv
sed 's/$/\r/' utf8.csv > crlf.csv
sed 's/;/","/g; s/^/"/; s/$/"/' utf8.csv > quoted.csv
sed '/^delimiter/d' "$map" > any-delimiter.ini
expect 0 "UTF-8" import utf8.csv --map "$map"
json '.new == 1'
for file in bom cp1252 crlf; do
    expect 0 "$file" import $file.csv --map "$map"
    json '.new == 0 and .updated == 0 and .unchanged == 1 and .rejected == 0'
done
expect 0 "commas and quotation marks" import quoted.csv --map any-delimiter.ini
json '.new == 0 and .unchanged == 1'
{ echo "$head"; row U-1 Dakar; printf 'U-2;19/11/2026;cocaine;1;a \xc3\x28 b\n'; row U-3 Dakar; } > broken.csv
expect 0 "broken UTF-8" import broken.csv --map "$map"
json '.accepted == 3 and .rejected == 0' # from there on it is Windows-1252
sed 's/^delimiter/encoding = utf-8\ndelimiter/' "$map" > utf8.ini
before=$(digest)
expect 0 "broken UTF-8, and the mapping says UTF-8" import broken.csv --map utf8.ini
json '.rejected == 1 and .errors[0].row == 3 and .unchanged == 2'
[ "$(digest)" = "$before" ] || fail "broken UTF-8 came in"

# ---- kill -9 of the command, then of the node, in the middle of an import ----
rows=20000
{ echo "$head"; for n in $(seq $rows); do row "K-$n" "Quai $n"; done; } > many.csv
base=$(records)
mkfifo pipe
half() { # feed three quarters, then hold the pipe open until what was fed has begun to arrive in the store
    head -n $((rows * 3 / 4)) many.csv > pipe &
    exec 9> pipe
    feeder=$!
    for n in $(seq 300); do [ "$(records)" -gt "$1" ] && return; sleep 0.05; done
    fail "nothing of the first half arrived"
}
"$griot" -H "$home" --json import pipe --map "$map" --rejected refused.csv > out 2> err &
command=$!
half "$base"
kill -KILL $command
wait $command 2> /dev/null
exec 9>&-
wait $feeder 2> /dev/null
feeder=""
first=$(records)
[ "$first" -gt "$base" ] && [ "$first" -lt $((base + rows)) ] || fail "the command was not killed in the middle: $first of $rows"
sed '2,'$((rows / 4))'s/Quai/Pier/' many.csv > pier.csv # so that the next one has something to store from its first batch on
"$griot" -H "$home" --json --lang en import pipe --map "$map" --rejected refused.csv > out 2> err &
command=$!
mv many.csv keep.csv && mv pier.csv many.csv
commits=$("$griot" -H "$home" --json status | jq .commits)
head -n $((rows * 3 / 4)) many.csv > pipe &
feeder=$!
exec 9> pipe
for n in $(seq 300); do [ "$("$griot" -H "$home" --json status | jq .commits)" -gt "$commits" ] && break; sleep 0.05; done
daemon=$(pgrep -f -- "-H $home run")
kill -KILL "$daemon"
cat many.csv >&9 2> /dev/null
exec 9>&-
wait $command
code=$?
wait $feeder 2> /dev/null
feeder=""
what="an import whose node was killed"
[ $code -eq 3 ] || { cat err; fail "$what: exit code $code, not 3"; }
json_err '.code == "ERR_UNREACHABLE"'
mv keep.csv many.csv
expect 0 "up again" "$griot" sandbox up "$region"
expect 0 "the whole file after both kills" import many.csv --map "$map"
json ".rows == $rows and .accepted == $rows and .rejected == 0"
[ "$(records)" -ge $((base + rows)) ] || fail "rows are missing"
for n in $(seq 600); do "$griot" -H "$home" --json status | jq -e '.index.journal == .index.followed' > /dev/null && break; sleep 0.1; done
held=$("$griot" -H "$home" --json status | jq .kinds.seizure)
[ "$held" -eq $((base + rows)) ] || fail "$held records, not $((base + rows)): a row is doubled or lost"
expect 0 "and again" import many.csv --map "$map"
json ".new == 0 and .updated == 0 and .unchanged == $rows"
for n in $(seq 600); do
    [ "$(for node in sn rilo-dakar; do "$griot" -H "$region/$node" --json status | jq -c '[.heads_digest, .missing.total]'; done | sort -u | wc -l)" -eq 1 ] && break
    [ "$n" -lt 600 ] || fail "the hub does not hold the same"
    sleep 0.1
done
expect 0 "fsck" "$griot" -H "$home" fsck
expect 0 "down" "$griot" sandbox down "$region"
echo "garbage left nothing, $held rows came in once each, through two kills"
