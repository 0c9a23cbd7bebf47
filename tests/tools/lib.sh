# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the tests of the gcs command share. A test is called with the build
# folder and sources this first. It gets $gcs, a folder $tmp that is removed at the
# end, ports of its own, and a count of what went wrong as its exit status.

gcs=${1:?usage: $0 BUILD_FOLDER}/tools/gcs
[ -x "$gcs" ] || { echo "no $gcs"; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/gcs-tool-test.XXXXXX")
group=test-$$
base=$((32768 - 10000 + RANDOM % 900 * 10)) # below the ports that the system gives away
url=udp://127.0.0.1:$base-$((base + 9))
wrong=0
pids=() # by member; of processes that were started and not waited for

# shellcheck disable=SC2317 # called by the trap
finish() {
    local status=$? pid
    exec 2>/dev/null # of the shell, which would tell of each kill
    for pid in "${pids[@]}"; do
        kill -9 "$pid" 2>/dev/null
    done
    { wait; } 2>/dev/null
    rm -rf "$tmp"
    [ $status != 0 ] || [ $wrong = 0 ] || status=1
    [ $status = 0 ] || echo "${0##*/}: $wrong checks failed"
    exit $status
}
trap finish EXIT
trap 'exit 143' INT TERM

# check WORDS COMMAND...
check() {
    local words=$1
    shift
    if "$@"; then
        echo "ok: $words"
    else
        echo "WRONG: $words: $*"
        wrong=$((wrong + 1))
        tell
    fi
}

# What the members said, for whoever looks into a failure.
tell() {
    local said
    for said in "$tmp"/said.*; do
        [ ! -s "$said" ] || sed "s/^/    ${said##*.}: /" "$said" | tail -n 15 | cut -c 1-300
    done
}

# What an earlier member of that number has said is not the new one's, which empties the file only
# once its process has begun.
forget() { rm -f "$tmp/out.$1" "$tmp/said.$1"; }

# start MEMBER OPTION...: a gcs cat in the background; its input is in.MEMBER, or $input.
start() {
    local member=$1
    shift
    forget "$member"
    "$gcs" cat "$group" "$url" "$@" <"${input:-$tmp/in.$member}" >"$tmp/out.$member" 2>"$tmp/said.$member" &
    pids[member]=$!
}

# ends MEMBER STATUS: waits for it; does it exit so?
ends() {
    local status=0
    wait "${pids[$1]}" 2>/dev/null || status=$?
    unset "pids[$1]"
    [ $status = "$2" ] || { echo "member $1: exit status $status"; false; }
}

# eventually COMMAND...: within 20 seconds (60 with a sanitizer's slowness in mind).
eventually() {
    for _ in {1..600}; do
        "$@" && return
        sleep 0.1
    done
    echo "did not happen: $*"
    false
}

lines() { # in a file, 0 if there is none
    [ ! -e "$1" ] || wc -l <"$1"
}
has_lines() { [ "$(lines "$1")" -ge "$2" ]; }
said() { grep -qaE -e "$2" "$tmp/said.$1" 2>/dev/null; }
runs() { kill -0 "${pids[$1]}" 2>/dev/null; }
same() { cmp "$1" "$2"; }
