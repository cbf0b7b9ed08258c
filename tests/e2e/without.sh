#!/bin/bash
# A test must be able to fail: each mitigation of crypto/SECURITY.md is taken out by its switch, only the file that mentions it is compiled again, and the test that
# the table names must then fail, by name. without.sh BUILD [SWITCH...]; two at a time.
set -u
build=$1
shift
cd "$(dirname "$0")/../.." || exit 2
folder=$build/without
table=$(sed -n 's/^| `\(GRIOT_WITHOUT_[A-Z0-9_]*\)` | [^|]* | `\([^`]*\)` |.*/\1 \2/p' crypto/SECURITY.md)
[ -n "$table" ] || { echo "crypto/SECURITY.md has no table of switches"; exit 1; }
if [ $# -gt 0 ]; then
    table=$(echo "$table" | grep -w -e "$(printf '%s\n' "$@")")
    [ "$(echo "$table" | grep -c .)" -eq $# ] || { echo "not all of these stand in crypto/SECURITY.md: $*"; exit 2; }
fi
mkdir -p "$folder"
trap 'rm -rf "$folder"' EXIT

one() { # SWITCH SUITE/PROGRAM NAME: prints one line; false when the test does not fail as it must
    local switch=$1 program=$2 name=${3:-} at=$folder/$1 threat
    threat=$(echo "$switch" | sed 's/GRIOT_WITHOUT_\(T[0-9]*\)_.*/\1/')
    local make=(make --no-print-directory -s "B=$build" "WITHOUT=$switch")
    case $program in
        unit/*)
            "${make[@]}" "$at/$program" > "$at.log" 2>&1 || { echo "$switch does not build"; tail -n 20 "$at.log"; return 1; }
            timeout 120 "$at/$program" > "$at.log" 2>&1
            grep -q "^\[  FAILED  \] $name\$" "$at.log" || { echo "FAILED $threat: without $switch $program $name still passes"; tail -n 5 "$at.log"; return 1; }
            ;;
        sim/*)
            "${make[@]}" "$at/sim/sim" > "$at.log" 2>&1 || { echo "$switch does not build"; tail -n 20 "$at.log"; return 1; }
            timeout 120 bash "tests/$program.sh" "$at" ${name:+"$name"} > "$at.log" 2>&1
            grep -q "^FAILED $threat: " "$at.log" || { echo "FAILED $threat: without $switch $program $name does not fail by its name"; tail -n 5 "$at.log"; return 1; }
            ;;
        e2e/*)
            "${make[@]}" "$at/griot" > "$at.log" 2>&1 || { echo "$switch does not build"; tail -n 20 "$at.log"; return 1; }
            mkdir -p "$at/e2e" && ln -sf "$(realpath "$build")/e2e/member" "$at/e2e/member"
            timeout 120 bash "tests/$program.sh" "$at" ${name:+"$name"} > "$at.log" 2>&1
            grep -q "^FAILED $threat: " "$at.log" || { echo "FAILED $threat: without $switch $program $name does not fail by its name"; tail -n 5 "$at.log"; return 1; }
            ;;
        *) echo "$switch: no suite $program"; return 1 ;;
    esac
    echo "$switch: $((SECONDS)) s, $program $name fails ($(grep "^FAILED $threat: \|^\[  FAILED  \] $name\$" "$at.log" | head -n 1 | cut -c 1-110))"
    rm -rf "$at" "$at.log"
}

make --no-print-directory -s "B=$build" "$build/griot" "$build/e2e/member" "$build/sim/sim" || exit 1
export build folder
export -f one
echo "$table" | xargs -P 2 -L 1 bash -c 'set -u; one "$@"' one || exit 1
echo "$(echo "$table" | grep -c .) mitigations taken out one by one; each time the test that names the threat failed"
