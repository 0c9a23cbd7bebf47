#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Sorted sets as Redis has them: gcs-kv and a redis-server get the same commands, chosen ones
# (zsets.commands) and random ones, and give the same replies, byte for byte. What takes the state
# over in the end has the same in it.
. "$(dirname "$0")/lib.sh"
command -v redis-cli >/dev/null || skip "no redis-cli (Debian: redis-tools)"
command -v redis-server >/dev/null || skip "no redis-server (Debian: redis-server)"
here=$(dirname "$0")
seed=${KV_SEED:-$((RANDOM + 1))}
echo "KV_SEED=$seed"

# Three keys, few members and scores, so that they meet.
random() {
    awk -v seed="$1" '
    function any(n) { return int(rand() * n) }
    function key() { return "r" any(3) }
    function name() { return "m" any(40) }
    function number() { return any(24) - 12 }
    function score() { return rand() < .05 ? (rand() < .5 ? "inf" : "-inf") : any(20) - 10 + any(4) / 4 }
    function bound() { return (rand() < .3 ? "(" : "") score() }
    function option() { return rand() < .4 ? word[1 + any(6)] : "" }
    function maybe(text) { return rand() < .4 ? " " text : "" }
    function limit() { return maybe("limit " any(6) - 1 " " any(6) - 1) }
    BEGIN {
        srand(seed)
        split("nx xx gt lt ch incr", word, " ")
        for (i = 0; i < 4000; i++) {
            x = any(18)
            if (x < 4) print "zadd", key(), option(), option(), score(), name()
            else if (x == 4) print "zadd", key(), score(), name(), score(), name(), score(), name()
            else if (x == 5) print "zincrby", key(), score(), name()
            else if (x == 6) print "zrem", key(), name(), name()
            else if (x == 7) print "zrange", key(), number(), number() maybe("withscores") maybe("rev")
            else if (x == 8) print "zrevrange", key(), number(), number() maybe("withscores")
            else if (x == 9) print "zrangebyscore", key(), bound(), bound() maybe("withscores") limit()
            else if (x == 10) print "zrevrangebyscore", key(), bound(), bound() limit() maybe("withscores")
            else if (x == 11) print "zrange", key(), bound(), bound(), "byscore" limit() maybe("rev") maybe("withscores")
            else if (x == 12) print "zcount", key(), bound(), bound()
            else if (x == 13) print rand() < .5 ? "zrank" : "zrevrank", key(), name()
            else if (x == 14) print "zmscore", key(), name(), name()
            else if (x == 15) print rand() < .5 ? "zpopmin" : "zpopmax", key(), any(3)
            else if (x == 16) print "zrange", key(), 0, -1, "withscores"
            else {
                y = any(10)
                if (y == 0) print "zremrangebyrank", key(), number(), number()
                else if (y == 1) print "zremrangebyscore", key(), bound(), bound()
                else if (y < 6) print "copy", key(), key(), "replace"
                else print "zcard", key()
            }
        }
    }'
}
talk() { # talk PORT: commands from stdin, as one pipeline; the replies
    { cat; echo QUIT; } | timeout 60 bash -c 'exec 3<>/dev/tcp/127.0.0.1/'"$1"'; cat <&3 & cat >&3; wait'
}

redis-server --port 6400 --save "" --dir "$tmp" >"$tmp/redis" 2>&1 &
pids[0]=$!
disown
replica 1 --create
check "the replica is ready" eventually ready 1 1
check "Redis is ready" eventually same "$(cli 0 ping)" PONG
[ "$(cli 0 info server | sed -n 's/^redis_version:\([0-9]*\.[0-9]*\).*/\1/p')" = 7.0 ] ||
    echo "another Redis than 7.0: it may show scores otherwise"

{ grep -v '^#' "$here/zsets.commands"; random "$seed"; } >"$tmp/commands"
talk 6400 <"$tmp/commands" >"$tmp/theirs"
talk 6401 <"$tmp/commands" >"$tmp/ours"
check "they were answered" [ "$(wc -l <"$tmp/theirs")" -gt 10000 ]
check "the same replies" cmp "$tmp/theirs" "$tmp/ours"
diff "$tmp/theirs" "$tmp/ours" | head -10

for k in 0 1 2; do echo "zrange r$k 0 -1 withscores"; done >"$tmp/all"
echo "zadd r0 1 m1" | tee -a "$tmp/commands" | talk 6401 >/dev/null
replica 2 --join
check "another one comes" eventually ready 2 2
check "and has the same" same "$(talk 6402 <"$tmp/all")" "$(talk 6401 <"$tmp/all")"
random $((seed + 1)) >"$tmp/more"
echo "zadd r0 1 m1" | talk 6400 >/dev/null
talk 6400 <"$tmp/more" >"$tmp/theirs"
talk 6402 <"$tmp/more" >"$tmp/ours"
check "and goes on from there" cmp "$tmp/theirs" "$tmp/ours"
check "as both do" same "$(info 1 gcs_members) $(talk 6401 <"$tmp/all")" "2 $(talk 6400 <"$tmp/all")"
[ "$failed" = 0 ]
