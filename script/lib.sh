# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the scripts share. Source it: . "$(dirname "$0")/lib.sh"
# It sets root (of the checkout), jobs, and cache, a folder for what is fetched
# and not installed: ${XDG_CACHE_HOME:-$HOME/.cache}/libgcs. Delete it freely.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cache=${GCS_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/libgcs}
jobs=$(nproc 2>/dev/null || echo 2)
packages=$cache/packages # the tree that fetch_packages unpacks into
export root cache jobs packages

die() {
    echo "${0##*/}: $*" >&2
    exit 1
}

# as_root COMMAND...: with sudo unless we are root.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        echo "needs root, and there is no sudo: $*" >&2
        return 1
    fi
}

have_apt() {
    command -v apt-get >/dev/null && command -v dpkg >/dev/null
}

# quietly COMMAND...: its output only if it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 || status=$?
    [ "$status" = 0 ] || cat "$log" >&2
    rm -f "$log"
    return "$status"
}

# apt_packages NAME...: download Debian packages into the current folder. The
# lists of packages may be missing or older than what the mirror still has.
apt_packages() {
    apt-get download -qq "$@" 2>/dev/null && return
    as_root apt-get update -qq >&2 || return
    apt-get download -qq "$@" >&2
}

# fetch_packages NAME...: unpack Debian packages into $packages, once each.
# Nothing is installed, so no daemon starts; dependencies are the caller's to
# name. Offline it works with what is there.
fetch_packages() {
    have_apt || { echo "apt-get and dpkg are needed to fetch: $*" >&2; return 1; }
    mkdir -p "$packages/.fetched"
    (
        set -e
        flock 9
        missing=()
        for name; do
            [ -e "$packages/.fetched/$name" ] || missing+=("$name")
        done
        [ ${#missing[@]} = 0 ] && exit
        debs=$(mktemp -d "$cache/debs.XXXXXX")
        trap 'rm -rf "$debs"' EXIT
        cd "$debs"
        apt_packages "${missing[@]}"
        for deb in *.deb; do
            dpkg -x "$deb" "$packages"
        done
        for name in "${missing[@]}"; do
            touch "$packages/.fetched/$name"
        done
    ) 9>"$cache/.lock"
}

# For the parts of script/test: one line per verdict, counted by script/test.
results=${results:-/dev/null}
pass() { echo "PASS $1" | tee -a "$results"; }
fail() { echo "FAIL $1: ${2:-}" | tee -a "$results"; }
skip() { echo "SKIP $1: ${2:-}" | tee -a "$results"; }

# verdict NAME COMMAND...: pass or fail by its exit status; 77 is skipped.
verdict() {
    local name=$1 status=0
    shift
    "$@" || status=$?
    case $status in
    0) pass "$name" ;;
    77) skip "$name" "see above" ;;
    *) fail "$name" "exit status $status" ;;
    esac
    [ "$status" = 0 ] || [ "$status" = 77 ]
}

# build_preset PRESET: configure and build in its folder.
build_preset() {
    (cd "$root" && cmake --preset "$1" && cmake --build --preset "$1")
}

# run_ctest PRESET ctest-arguments...: one verdict per test, named as ctest
# names them, with the preset in front. A build that fails is one failure.
# ctest_under may hold a command that ctest runs under.
ctest_under=()
run_ctest() {
    local preset=$1 junit status=0
    shift
    if ! build_preset "$preset"; then
        fail "$preset: build" "does not build"
        return 1
    fi
    pass "$preset: build"
    junit=$(mktemp)
    (cd "$root" && "${ctest_under[@]}" ctest --preset "$preset" -j "$jobs" --no-tests=ignore --output-junit "$junit" "$@") || status=$?
    # CMake writes one <testcase name="…" … status="run|fail|notrun|disabled"> per line.
    sed -n 's/.*<testcase name="\([^"]*\)".* status="\([^"]*\)".*/\2 \1/p' "$junit" |
        while read -r state name; do
            case $state in
            run) pass "$preset: $name" ;;
            fail) fail "$preset: $name" "see its output" ;;
            *) skip "$preset: $name" "$state" ;;
            esac
        done
    if [ "$status" != 0 ] && ! grep -q "^FAIL $preset: " "$results"; then
        fail "$preset: ctest" "exit status $status"
    fi
    rm -f "$junit"
}
