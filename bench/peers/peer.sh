# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# What the scripts that measure peers share. A script is called as
#
#   NAME throughput SIZE SECONDS [LOSS]   messages per second of three members
#   NAME latency SIZE SECONDS             from sending to delivery, one message at a time
#   NAME failover SIZE SECONDS            longest pause when a member is killed
#
# and prints lines of a key and a value, as gcs-bench(1) names them, and one that begins with
# "settings". It exits with 77 and a reason as its last line if it cannot measure that here.
# Whatever it starts it ends, and it leaves nothing behind.

set -euo pipefail
shopt -s inherit_errexit

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
tmp=$(mktemp -d "${TMPDIR:-/tmp}/gcs-peer.XXXXXX")
spaces=()
children=()

clean_up() {
    local space child
    for child in "${children[@]}"; do
        kill -9 "$child" 2>/dev/null || true
        wait "$child" 2>/dev/null || true # and nothing is said about it
    done
    for space in "${spaces[@]}"; do
        # shellcheck disable=SC2046 # processes that outlived their parent
        kill -9 $(ip netns pids "$space" 2>/dev/null) 2>/dev/null || true
    done
    wait 2>/dev/null || true
    for space in "${spaces[@]}"; do ip netns del "$space" 2>/dev/null || true; done
    rm -rf "$tmp"
}
trap clean_up EXIT
trap 'exit 1' INT TERM HUP

skip() {
    echo "$*"
    exit 77
}

need_command() {
    local command
    for command; do
        command -v "$command" >/dev/null || skip "$command is not installed"
    done
}

# build SOURCE FLAGS...: compiles it with these flags to $tmp/SOURCE without its suffix.
build() {
    local source=$1 compiler=cc
    shift
    [[ $source = *.c ]] || compiler=c++
    need_command $compiler
    $compiler -O2 -D_GNU_SOURCE -I"$here" -o "$tmp/${source%.*}" "$here/$source" "$@" 2>"$tmp/cc" ||
        skip "$source does not compile: $(grep -m1 error "$tmp/cc" || echo "no development files?")"
}

# namespaces COUNT MTU: $(space 1) to $(space COUNT), joined by a bridge, at 10.79.0.1 and so on.
space() { echo "gcsp$$-$1"; }
namespaces() {
    local count=$1 mtu=$2 i bridge
    need_command ip
    bridge=$(space 0)
    spaces+=("$bridge")
    ip netns add "$bridge" 2>/dev/null || skip "no network namespaces: not root?"
    ip -n "$bridge" link add br0 type bridge mcast_snooping 0
    ip -n "$bridge" link set br0 mtu "$mtu" up
    for ((i = 1; i <= count; i++)); do
        spaces+=("$(space "$i")")
        ip netns add "$(space "$i")"
        ip -n "$(space "$i")" link set lo up
        ip -n "$bridge" link add "v$i" mtu "$mtu" type veth peer name eth0 mtu "$mtu" netns "$(space "$i")"
        ip -n "$bridge" link set "v$i" master br0 up
        ip -n "$(space "$i")" addr add "10.79.0.$i/24" dev eth0
        ip -n "$(space "$i")" link set eth0 up
        ip -n "$(space "$i")" route add 224.0.0.0/4 dev eth0
    done
}

# inside I COMMAND...: in the I-th namespace.
inside() {
    local i=$1
    shift
    ip netns exec "$(space "$i")" "$@"
}

# lose PERCENT COUNT: each of them loses so much of the UDP that comes in.
lose() {
    local percent=$1 count=$2 i
    need_command nft
    for ((i = 1; i <= count; i++)); do
        {
            inside "$i" nft add table inet gcs &&
                inside "$i" nft add chain inet gcs in '{ type filter hook input priority 0; }' &&
                inside "$i" nft add rule inet gcs in meta l4proto udp numgen random mod 1000 \
                    '<' $((percent * 10)) drop
        } 2>/dev/null || skip "no packet filter in this kernel"
    done
}

# smallest KEY FILE...: the line with the key whose value is least; largest likewise.
smallest() { local key=$1; shift; grep -h "^$key " "$@" | sort -k2,2g | head -n 1; }
largest() { local key=$1; shift; grep -h "^$key " "$@" | sort -k2,2gr | head -n 1; }

# all_ended PID...: 1 if one of them failed.
all_ended() {
    local pid bad=0
    for pid; do wait "$pid" || bad=1; done
    return $bad
}
