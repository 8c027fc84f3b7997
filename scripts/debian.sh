#!/usr/bin/env bash
# Makes sure that PROGRAM is there, installing Debian's PACKAGE as root or through sudo: debian.sh PROGRAM PACKAGE.
# An empty PROGRAM always installs.
set -euo pipefail
program=$1 package=$2
PATH=$PATH:/usr/sbin:/sbin # where not everybody's PATH leads
if [ -n "$program" ] && command -v "$program" >/dev/null; then exit 0; fi

as_root=()
if [ "$(id -u)" != 0 ]; then
    if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
        echo "$package is not installed and this user cannot install it: run 'sudo apt-get install $package', then make again" >&2
        exit 1
    fi
    as_root=(sudo -n)
fi
if ! command -v apt-get >/dev/null; then
    echo "$package is not installed and there is no apt-get here: install ${program:-$package} with this system's packages, then make again" >&2
    exit 1
fi

echo "$package: installing Debian's package" >&2
# The lab starts its own instances on its own ports: the package's service must not start one on the default port.
policy=
if [ ! -e /usr/sbin/policy-rc.d ]; then
    policy=$(mktemp)
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    "${as_root[@]}" install -m 755 "$policy" /usr/sbin/policy-rc.d
    trap '"${as_root[@]}" rm -f /usr/sbin/policy-rc.d "$policy"' EXIT
fi
log=$(mktemp)
install_package() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$package" >"$log" 2>&1 </dev/null
}
# the lists of a fresh image are empty or old: look again once
if ! install_package && ! { "${as_root[@]}" apt-get update >>"$log" 2>&1 && install_package; }; then
    tail -n 5 "$log" >&2
    echo "$package could not be installed: run 'apt-get install $package' by hand, then make again" >&2
    exit 1
fi
rm -f "$log"
