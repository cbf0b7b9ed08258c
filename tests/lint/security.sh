#!/bin/bash
# crypto/SECURITY.md is true: each threat has its line, each test that it names exists, each switch stands in one file of the source, once, and in the table. security.sh BUILD
set -u
cd "$(dirname "$0")/../.." || exit 2
file=crypto/SECURITY.md
bad=0
fault() { echo "$1"; bad=1; }

exists() { # SUITE/PROGRAM NAME: is there such a test?
    local suite=${1%%/*} program=${1##*/} name=${2:-}
    case $suite in
        unit) [ -r "tests/unit/$program.c" ] && { [ -z "$name" ] || grep -q "^static void $name(void \*\*state)" "tests/unit/$program.c"; } ;;
        sim | e2e | lint)
            [ -r "tests/$suite/$program.sh" ] || return 1
            local part
            for part in ${name//+/ }; do grep -q -e "^chapter_$part()" -e "^ *$part)" "tests/$suite/$program.sh" || return 1; done
            ;;
        *) return 1 ;;
    esac
}

for threat in $(seq -f 'T%02g' 6 25) T32 T33 T34; do
    line=$(grep "^| $threat |" $file)
    [ "$(echo "$line" | grep -c .)" -eq 1 ] || { fault "$file: $threat has $(echo "$line" | grep -c .) lines"; continue; }
    echo "$line" | grep -q '`[a-z0-9]*/[a-z_0-9]*' || fault "$file: $threat names no test"
    grep -q "^| \`GRIOT_WITHOUT_${threat}_" $file || fault "$file: $threat has no switch"
done
while read -r program name; do
    exists "$program" "$name" || fault "$file: there is no test $program $name"
done < <(grep '^| ' $file | grep -o '`[a-z0-9]*/[^`]*`' | tr -d '`' | sort -u)

in_source=$(grep -rnow --include='*.[ch]' 'GRIOT_WITHOUT_T[0-9]*_[A-Z0-9_]*' proto crypto store node | awk -F: '{print $3, $1}')
while read -r switch count; do
    [ "$count" -eq 1 ] || fault "$switch stands $count times in the source: $(echo "$in_source" | grep -w "$switch" | tr '\n' ' ')"
    grep -q "^| \`$switch\` |" $file || fault "$file lacks $switch"
done < <(echo "$in_source" | awk '{print $1}' | sort | uniq -c | awk '{print $2, $1}')
while read -r switch; do
    echo "$in_source" | grep -qw "$switch" || fault "$file names $switch, which stands nowhere in the source"
done < <(grep -o '^| `GRIOT_WITHOUT_[A-Z0-9_]*`' $file | tr -d '|` ')
exit $bad
