#!/bin/sh
# What deploy/ holds is what the program says: griot.ini is printed from the table, the service unit is hardened and keeps the calls that libzmq needs.
#   tests/lint/deploy.sh BUILD
set -eu
cd "$(dirname "$0")/../.."
griot=${1:-build/release}/griot
faults=0
fault() {
    echo "deploy: $*"
    faults=$((faults + 1))
}

if [ -x "$griot" ]; then
    "$griot" --lang en config reference | cmp -s - deploy/griot.ini || fault "deploy/griot.ini differs from: griot config reference --lang en"
fi
unit=deploy/griot@.service
# A later SystemCallFilter line takes back what an earlier one refused (RELIABILITY Z13: libzmq aborts without this call).
sed -n 's/^SystemCallFilter=//p' "$unit" | tail -n 1 | grep -qw sched_setscheduler || fault "$unit: the last SystemCallFilter must allow sched_setscheduler"
for key in LoadCredential=griot-key: LimitMEMLOCK=16M MemoryMax= RestartSec=1 LimitNOFILE=; do
    grep -q "^$key" "$unit" || fault "$unit: $key is missing"
done
if command -v systemd-analyze >/dev/null 2>&1 && systemd-analyze --help 2>/dev/null | grep -q -- --threshold; then
    systemd-analyze security --offline=yes --threshold=15 "./$unit" >/dev/null 2>&1 || fault "$unit: exposure above 1.5 (systemd-analyze security --offline=yes)"
else
    echo "skip: systemd-analyze is not here; the unit's exposure is not rated"
fi
[ "$faults" -eq 0 ]
