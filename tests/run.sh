#!/bin/bash
# Runs suites and counts: tests/run.sh BUILD_FOLDER SUITE... ; suites: lint unit fuzz sim e2e.
# The last line is "N passed, N failed, N skipped"; exit 1 when anything failed.
set -u
cd "$(dirname "$0")/.." || exit 2
build=$1; shift
passed=0 failed=0 skipped=0
failures=""
log=$(mktemp); trap 'rm -f "$log"' EXIT

count() { # name passed failed skipped
    passed=$((passed + $2)); failed=$((failed + $3)); skipped=$((skipped + $4))
    [ "$3" -eq 0 ] || failures="$failures $1"
    printf '  %-34s %4d passed' "$1" "$2"
    [ "$4" -eq 0 ] || printf ', %d skipped' "$4"
    [ "$3" -eq 0 ] || printf ', %d FAILED' "$3"
    printf '  %ss\n' "$((SECONDS - begin))"
}

of() { sed -n "s/^\[ *$1 *\] \([0-9]*\) test(s).*/\1/p" "$log" | awk '{n += $1} END {print n + 0}'; }

cmocka() { # program
    local name p f s code
    name=$(basename "$1"); begin=$SECONDS
    timeout 600 "$1" > "$log" 2>&1; code=$?
    p=$(of PASSED) f=$(of FAILED) s=$(of SKIPPED)
    if [ "$code" -ne 0 ] && [ "$f" -eq 0 ]; then f=1; fi
    if [ "$f" -ne 0 ]; then cat "$log"; echo "again with: $1"; fi
    grep -i '^skip' "$log" | sort -u | sed 's/^/    /'
    count "$name" "$p" "$f" "$s"
}

whole() { # name, seconds at most, command...: one test; exit 77 is a skip
    local name=$1 limit=$2 code; shift 2; begin=$SECONDS
    timeout --kill-after=20 "$limit" "$@" > "$log" 2>&1; code=$?
    case $code in
        0) count "$name" 1 0 0 ;;
        77) tail -n 1 "$log" | sed 's/^/    /'; count "$name" 0 0 1 ;;
        *) tail -n 60 "$log"; echo "again with: $*"; count "$name" 0 1 0 ;;
    esac
}

for suite in "$@"; do
    echo "$suite"
    case $suite in
        lint) for t in tests/lint/*.sh; do whole "lint/$(basename "$t" .sh)" 300 bash "$t" "$build"; done ;;
        unit) for t in "$build"/unit/test_*; do [ -x "$t" ] && cmocka "$t"; done ;;
        fuzz) for t in "$build"/replay/*; do [ -x "$t" ] && whole "replay/$(basename "$t")" 300 "$t" "tests/fuzz/corpus/$(basename "$t" | sed 's/^fuzz_//')"; done ;;
        sim) for t in tests/sim/*.sh; do whole "sim/$(basename "$t" .sh)" 1200 bash "$t" "$build"; done ;;
        e2e) for t in tests/e2e/*.sh; do whole "e2e/$(basename "$t" .sh)" 900 bash "$t" "$build"; done ;;
        *) echo "no suite $suite" >&2; exit 2 ;;
    esac
done
[ -z "$failures" ] || echo "failed:$failures"
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
