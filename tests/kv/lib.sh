# SPDX-License-Identifier: BSD-3-Clause
# What the tests of gcs-kv share: three replicas in a network namespace of their own, where ports are
# nobody else's and nft may be used. BUILD is the build directory.

build=${1:?build directory}
kv=$build/examples/gcs-kv
tmp=$(mktemp -d)
failed=0

skip() {
    echo "SKIPPED: $*"
    rm -rf "$tmp"
    exit 77
}
[ -x "$kv" ] || skip "gcs-kv is not built: no uthash.h (Debian: uthash-dev)"

# inside: this script again as root of a network namespace with nothing but loopback.
if [ -z "${KV_INSIDE:-}" ]; then
    rm -rf "$tmp"
    if unshare -n true 2>/dev/null; then
        KV_INSIDE=yes exec unshare -n "$0" "$@"
    elif unshare -rn true 2>/dev/null; then
        KV_INSIDE=yes exec unshare -rn "$0" "$@"
    fi
    echo "SKIPPED: no network namespace can be made here (unshare -n)"
    exit 77
fi
ip link set lo up || skip "ip does not work (Debian: iproute2)"

check() { # check WHAT COMMAND...
    local what=$1
    shift
    if "$@"; then
        echo "ok: $what"
    else
        echo "WRONG: $what: $*"
        failed=$((failed + 1))
    fi
}
same() { [ "$1" = "$2" ] || { printf '  "%s"\n  "%s"\n' "$1" "$2"; false; }; }
eventually() { # eventually COMMAND...: within half a minute
    local i
    for ((i = 0; i < 300; i++)); do
        "$@" && return
        sleep 0.1
    done
    false
}

pids=()
replica() { # replica N OPTIONS...: starts it
    local n=$1
    shift
    "$kv" --listen "$((6400 + n))" "$@" "udp://127.0.0.1:$((7440 + n))?seeds=127.0.0.1:7441-7445" \
        2>>"$tmp/replica.$n" &
    pids[n]=$!
}
# crash N: kills it, and waits until it is gone: until then its ports are taken.
crash() {
    kill -9 "${pids[$1]}"
    wait "${pids[$1]}" 2>/dev/null
    true
}
cli() { redis-cli -p "$((6400 + $1))" "${@:2}"; }
info() { cli "$1" info replication 2>/dev/null | tr -d '\r' | sed -n "s/^$2://p"; }
ready() { [ "$(info "$1" gcs_ready)" = 1 ] && [ "$(info "$1" gcs_members)" = "${2:-3}" ]; }
finish() {
    local pid
    for pid in "${pids[@]}"; do kill -9 "$pid" 2>/dev/null; done
    wait "${pids[@]}" 2>/dev/null
    [ "$failed" = 0 ] || tail -n 20 "$tmp"/replica.* 2>/dev/null
    rm -rf "$tmp"
}
trap finish EXIT
