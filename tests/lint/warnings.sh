#!/bin/bash
# Every coded warning in the source is explained in node/warning.c, in order, and nothing is explained that nobody raises.
set -u
explained=$(sed -n 's/^    {"\([A-Z-]*\)", SEVERITY_.*/\1/p' node/warning.c)
[ "$explained" = "$(LC_ALL=C sort -u <<< "$explained")" ] || { echo "FAILED: node/warning.c is not in order of code"; exit 1; }
# Raised: the codes that are given to warn() and check(), which are the only texts in capitals with a hyphen, or the few single words below.
raised=$(grep -hoE '"[A-Z]+(-[A-Z]+)+"|"(ALONE|BEHIND|FORK)"' node/answer_*.c | tr -d '"' | LC_ALL=C sort -u)
[ "$explained" = "$raised" ] || { diff <(echo "$explained") <(echo "$raised"); echo "FAILED: explained (<) and raised (>) differ"; exit 1; }
echo "$(wc -l <<< "$explained") warnings, each explained"
