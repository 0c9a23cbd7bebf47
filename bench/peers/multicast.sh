# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash disable=SC2154
#
# Reliable multicast that knows a rate but no flow control: one sender and three receivers in
# namespaces, at the best of a few rates at which nobody lost for good. Needs start_one.

# try RATE: start_one I send|receive RATE for each; 1: a receiver failed.
try() {
    local pids=() i ended=0
    for i in 2 3 4; do
        start_one $i receive "$1" >"$tmp/out.$i" 2>"$tmp/err.$i" &
        pids+=($!)
    done
    sleep 0.5
    start_one 1 send "$1" >"$tmp/err.1" 2>&1 &
    pids+=($!)
    children+=("${pids[@]}")
    for i in "${pids[@]::3}"; do wait "$i" || ended=1; done
    # shellcheck disable=SC2046
    kill -9 $(ip netns pids "$(space 1)") $(ip netns pids "$(space 2)") \
        $(ip netns pids "$(space 3)") $(ip netns pids "$(space 4)") 2>/dev/null || true
    sleep 0.2
    return $ended
}

# fastest WHAT RATE...: reports the best of what these rates in MB per second give.
fastest() {
    local what=$1 rate best=0 at messages
    shift
    for rate; do
        try "$rate" || continue
        messages=$(smallest messages_per_second "$tmp"/out.* | cut -d ' ' -f 2)
        ((messages > best)) || continue
        best=$messages
        at=$rate
    done
    ((best > 0)) || skip "lost messages for good at every rate: $(cat "$tmp"/err.[234] | head -n 1)"
    echo "messages_per_second $best"
    echo "settings $what, at most $at MB/s (the best of $*)"
}
