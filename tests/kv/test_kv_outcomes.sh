#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-timeout: 180
#
# What gcs-kv says when it does not know, or may not: a command under way at a replica that is
# excluded, a session that has expired, reads at a replica that is cut off.
. "$(dirname "$0")/lib.sh"
command -v redis-cli >/dev/null || skip "no redis-cli (Debian: redis-tools)"
cut() { # cut N: nothing comes to replica N or from it; cut: all are together
    {
        printf 'table inet kv_cut { }\nflush table inet kv_cut\n'
        [ $# = 0 ] || printf 'table inet kv_cut { chain in { type filter hook input priority 0; udp sport %d drop; udp dport %d drop\n }\n}\n' \
            $((7440 + $1)) $((7440 + $1))
    } | nft -f - 2>/dev/null
}
cut || skip "nft does not work here (Debian: nftables)"

for n in 1 2 3; do replica $n --expect 3; done
for n in 1 2 3; do check "replica $n is ready" eventually ready $n; done
primary() { [ "$(info "$1" gcs_primary)" = "$2" ]; }
session=$(cli 1 gcs.session new)
cli 1 set there 1 >/dev/null
number=$(printf 'INCR there\nGCS.NUMBER\n' | cli 1 | tail -1)
check "read behind one's own write, elsewhere" same "$(printf 'GCS.READ OWN %s\nGET there\n' "$number" | cli 2)" $'OK\n2'

# ---- Under way while its replica is excluded
check "replica 3 is cut off" cut 3
cli 3 incr once >"$tmp/plain" 2>&1 & plain=$!
cli 3 gcs.session "$session" 1 incr counted >"$tmp/counted" 2>&1 & counted=$!
check "it is told so" eventually primary 3 0
check "the others go on without it" eventually ready 1 2
check "a write is refused there" same "$(cli 3 set there 3)" "CLUSTERDOWN this replica is cut off from the primary"
check "and a read" same "$(cli 3 get there)" "CLUSTERDOWN this replica is cut off from the primary"
check "but one that may be old" same "$(printf 'GCS.READ SEQUENTIAL\nGET there\n' | cli 3)" $'OK\n2'
check "meanwhile" same "$(cli 2 set there 5)" OK
check "no outcome is made up" same "$(cat "$tmp/plain" "$tmp/counted")" ""
cut
wait $plain $counted
check "the outcome is unknown" same "$(cat "$tmp/plain" "$tmp/counted" | grep -c '^UNKNOWN')" 2
check "a retry in the session, through others" same "$(cli 1 gcs.session "$session" 1 incr counted; cli 2 gcs.session "$session" 1 incr counted)" $'1\n1'
check "it comes back" eventually ready 3
check "and through itself" same "$(cli 3 gcs.session "$session" 1 incr counted)" 1
check "it was counted once" same "$(cli 3 get counted)" 1
check "it reads what was written meanwhile" same "$(cli 3 get there)" 5
check "what was refused was not done" same "$(cli 1 get there)" 5

# ---- An expired session
replica 5 --create --group short --session-ms 500
check "another group" eventually ready 5 1
short=$(cli 5 gcs.session new)
check "within its time" same "$(cli 5 gcs.session "$short" 1 incr c; cli 5 gcs.session "$short" 1 incr c)" $'1\n1'
sleep 1.5
check "it has expired, for retries and for more" same "$({ cli 5 gcs.session "$short" 1 incr c; cli 5 gcs.session "$short" 2 incr c; } | grep -c '^NOSESSION')" 2
check "and nothing was done" same "$(cli 5 get c)" 1
check "nor is there a new one" same "$(info 5 gcs_sessions)" 0
[ "$failed" = 0 ]
