#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `gcs doctor`: on a good network it finds nothing; of a bad one it names what is bad. The networks are
# two namespaces with a cable, which needs root.
# ctest-timeout: 180
. "$(dirname "$0")/lib.sh"

doctor() { # doctor STATUS ARGUMENT...: what it says is in out
    local status=$1 got=0
    shift
    "${at_one[@]}" timeout 60 "$gcs" doctor "$@" </dev/null >"$tmp/out" 2>"$tmp/said.1" || got=$?
    [ "$got" = "$status" ] || { cat "$tmp/out" "$tmp/said.1"; false; }
}
says() { grep -qE -e "$1" "$tmp/out"; }
complains() { grep -qE -e "$1" "$tmp/said.1"; }
at_one=()

got=0
"$gcs" doctor >"$tmp/out" 2>"$tmp/said.1" || got=$?
check "a host alone" [ "$got" = 0 -o "$got" = 3 ]
check "buffers" says 'receive buffers of sockets: '
check "a verdict" says '^[0-9]+ things are well, [0-9]+ should be looked at$'
check "no port" doctor 2 192.0.2.1
check "it says so" complains "'192.0.2.1' is not an address and a port"
check "and has tested nothing" [ ! -s "$tmp/out" ]
for port in 65536 99999 7x -1 ""; do
    check "port '$port'" doctor 2 "127.0.0.1:$port"
    check "it says so" complains "'127.0.0.1:$port' is not an address and a port"
    check "nor does it listen there" doctor 2 --listen "127.0.0.1:$port" --seconds 1
done
check "two peers" doctor 2 a:1 b:2
check "a peer and --listen" doctor 2 a:1 --listen b:2
check "--seconds alone" doctor 2 --seconds 3
check "it says so" complains -- '--seconds is for --listen'

# What listens answers no nonsense, and outlives it.
"$gcs" doctor --listen "127.0.0.1:$((base + 1))" --seconds 100 >"$tmp/listen" 2>"$tmp/said.2" &
pids[2]=$!
check "it listens" eventually grep -q '^listening at' "$tmp/listen"
for bytes in "" x gcsdoctor "$(printf '%0500d' 0)"; do
    printf %s "$bytes" >"/dev/udp/127.0.0.1/$((base + 1))"
done
for kind in '\001' '\005' '\010' '\011' '\377'; do # without a cookie
    printf "\\000gcsd01$kind%032d" 0 >"/dev/udp/127.0.0.1/$((base + 1))"
done
got=0
"$gcs" doctor "127.0.0.1:$((base + 1))" >"$tmp/out" 2>"$tmp/said.1" || got=$?
check "loopback" [ "$got" = 0 -o "$got" = 3 ]
check "nothing is lost" eval '[ "$(grep -c "none lost$" "$tmp/out")" = 2 ]'
check "large packets" says 'path MTU: packets of 65507 bytes pass in both directions'
kill "${pids[2]}"

if [ "$(id -u)" != 0 ] || ! ip netns add "gcsd-$$-a" 2>/dev/null; then
    echo "SKIPPED: BAD NETWORKS ARE NOT TRIED: needs root and ip(8)"
    exit
fi
one=gcsd-$$-a two=gcsd-$$-b
cleanup() {
    local status=$?
    kill "${pids[3]}" 2>/dev/null
    ip netns del $one 2>/dev/null
    ip netns del $two 2>/dev/null
    return $status
}
trap 'cleanup; finish' EXIT
ip netns add $two
ip link add gcsd0 netns $one type veth peer name gcsd0 netns $two
for end in "$one 10.77.0.1" "$two 10.77.0.2"; do
    # shellcheck disable=SC2086 # two words
    set -- $end
    ip -n "$1" link set lo up
    ip -n "$1" link set gcsd0 up
    ip -n "$1" addr add "$2/24" dev gcsd0
    ip -n "$1" route add 224.0.0.0/4 dev gcsd0
done
at_one=(ip netns exec "$one")
mtu() { ip -n "$1" link set gcsd0 mtu "$2"; }
peer=10.77.0.2:7500
check "nobody there" doctor 3 $peer
check "it says so" says "^LOOK +$peer does not answer\$"
ip netns exec $two "$gcs" doctor --listen $peer --seconds 150 >"$tmp/listen" 2>&1 &
pids[3]=$!
check "it listens" eventually grep -q '^listening at' "$tmp/listen"

# How long packets take, and what the host gives, is not ours to say.
"${at_one[@]}" "$gcs" doctor $peer >"$tmp/out" 2>"$tmp/said.1"
check "a good network" eval '! grep "^LOOK" "$tmp/out" | grep -vE "round trips|buffers of|clock:|interface "'
check "1500" says '^ok +path MTU: packets of 1472 bytes pass in both directions'
check "multicast" says '^ok +multicast: arrives in both directions'
check "clocks" says '^ok +clocks: rates differ by'

mtu $two 1280
check "a small MTU there" doctor 3 $peer
check "it says so" says '^LOOK +path MTU: packets of 1252 bytes pass, no larger ones'
check "and what to do" says '^ +add packet=1252 to the URLs of all members'
mtu $one 9000
mtu $two 1500
check "jumbo frames here alone" doctor 3 $peer
check "it says so" says '^LOOK +path MTU: packets of 1472 bytes pass, although the interface here has MTU 9000$'
mtu $one 1500

if ip netns exec $two nft -f - 2>"$tmp/nft" <<'NFT'
table ip gcsd {
    chain input {
        type filter hook input priority 0
        ip daddr 239.0.0.0/8 drop
        udp length 1408 numgen inc mod 20 == 7 drop
    }
}
NFT
then
    check "loss, and no multicast" doctor 3 $peer
    check "loss" says '^LOOK +from here to there: 50 of 1000 packets of 1400 bytes are lost$'
    check "in one direction" says '^ok +from there to here: 1000 packets of 1400 bytes, none lost$'
    check "multicast" says '^LOOK +multicast: 0 of 50 packets arrive from here to there, 50 from there to here$'
else
    echo "SKIPPED: LOSS AND MULTICAST ARE NOT TRIED: nft(8) does not work here"
fi
