#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A stranger's first ten minutes, in a folder with nothing but the packages and README's program:
# installs, compiles by pkg-config, runs two copies, reads the manual, looks at the tools, and
# takes all of it away again. Run by script/parts/61-package.sh in a system of its own.
set -euo pipefail
cd "$(dirname "$0")"
step() { echo "-- $*"; }
pids=()
trap 'kill -9 "${pids[@]}" 2>/dev/null || :' EXIT

step "install"
export DEBIAN_FRONTEND=noninteractive
# Nothing of an earlier installation may help.
for leftover in /usr/local/lib/libgcs* /usr/local/include/gcs; do
    rm -rf "$leftover"
done
dpkg --install ./*.deb
for package in libgcs0 libgcs-dev gcs-tools; do
    [ "$(dpkg-query -W -f='${db:Status-Abbrev}' $package)" = "ii " ]
    [ -z "$(dpkg --verify $package)" ]
    [ -e /usr/share/doc/$package/copyright ]
done
[ "$(dpkg-query -W -f='${Version}' libgcs0)" = "$(gcs --version | cut -d' ' -f2)-1" ]

step "compile README's program"
# shellcheck disable=SC2046 # lists of flags
cc -std=c11 -Wall -Wextra -Wpedantic -Werror -o hello hello.c $(pkg-config --cflags --libs libgcs)
ldd hello >libraries
grep -q 'libgcs.so.0 => /.*/libgcs.so.0 ' libraries
printf '#include <gcs/gcs.h>\n#include <iostream>\nint main() { std::cout << gcs_version() << "\\n"; }\n' >hello.cc
if command -v c++ >/dev/null; then
    # shellcheck disable=SC2046
    c++ -std=c++17 -Wall -Wextra -Werror -o hello-cc hello.cc $(pkg-config --cflags --libs libgcs)
    ./hello-cc
fi

step "run two copies"
./hello "from the first" >out.1 &
pids+=($!)
heard() { grep -qx -e "$2" "out.$1" 2>/dev/null; }
eventually() {
    for _ in {1..300}; do
        "$@" && return
        sleep 0.1
    done
    echo "did not happen: $*"
    cat out.*
    false
}
eventually heard 1 "from the first"
./hello "from the second" >out.2 &
pids+=($!)
eventually heard 1 "from the second"
eventually heard 2 "from the second"
eventually grep -q '^-- view [0-9]*: 2 members' out.2

step "the tools"
[ "$(seq 3 | timeout 60 gcs cat numbers)" = "$(seq 3)" ]
timeout 60 gcs-sim --seed 1 --runs 1 | tail -n 1

step "read the manual"
read_page() {
    if command -v man >/dev/null && man --version >/dev/null 2>&1; then
        MANPAGER=cat man "$@"
    else
        mandoc "$(find /usr/share/man -name "$1.*" | head -n 1)"
    fi
}
for page in gcs_multicast gcs_send gcs gcs_views gcs_core_send; do
    read_page $page >page 2>said || { cat said; false; }
    [ "$(wc -l <page)" -gt 20 ]
done
read_page gcs_multicast | col -b >page
grep -q 'GCS_EMSGSIZE' page

step "compile the examples that came along"
for example in /usr/share/doc/libgcs-dev/examples/*.c; do
    # shellcheck disable=SC2046
    cc -std=c11 -D_GNU_SOURCE -o example "$example" $(pkg-config --cflags --libs libgcs) -pthread
done

step "remove"
dpkg --remove libgcs-dev gcs-tools libgcs0
! command -v gcs
[ ! -e /usr/include/gcs ]
left=$(find /usr -name '*libgcs*' -o -name 'gcs_*.3*' -o -name 'libgcs.pc' | grep -v '^/usr/share/doc' || :)
[ -z "$left" ] || { echo "left behind: $left"; false; }
echo "stranger: ok"
