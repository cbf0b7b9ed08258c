#!/bin/sh
# Installs what deploy/packages.txt names and this machine lacks; says what and why. Needs nothing but dpkg and apt.
set -eu
list=$(dirname "$0")/packages.txt
command -v dpkg-query >/dev/null 2>&1 || { echo "griot: no dpkg here: install by hand what $list names" >&2; exit 0; }
missing=""
while read -r name why; do
    case "$name" in ""|"#"*) continue ;; esac
    if ! dpkg-query -W -f '${Status}' "$name" 2>/dev/null | grep -q 'ok installed'; then
        [ -n "$missing" ] || echo "griot needs these Debian packages, which are not installed yet:"
        printf '  %-18s %s\n' "$name" "$why"
        missing="$missing $name"
    fi
done < "$list"
[ -n "$missing" ] || exit 0
as_root=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "griot: not root and no sudo: run  apt-get install$missing  as root, then again" >&2; exit 1; }
    echo "Installing them needs root, so sudo may ask for your password."
    as_root=sudo
fi
$as_root apt-get update -qq || true
# shellcheck disable=SC2086
DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq --no-install-recommends $missing >/dev/null || {
    echo "griot: apt-get could not install$missing: look at its messages above" >&2
    exit 1
}
