#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-timeout: 240
#
# gcs-kv as its users see it, through redis-cli: data of all kinds at all replicas, expiry,
# transactions, sessions, bad input, a replica that dies and one that comes.
. "$(dirname "$0")/lib.sh"
command -v redis-cli >/dev/null || skip "no redis-cli (Debian: redis-tools)"

for n in 1 2 3; do replica $n --expect 3 --status "$tmp/status.$n"; done
for n in 1 2 3; do check "replica $n is ready" eventually ready $n; done
check "it tells gcs status" same "$("$build/tools/gcs" status "$tmp/status.2" | grep -oE '^group kv: .* 3 members' | sed 's/view [0-9]*/view/')" "group kv: view, 3 members"

# ---- Data
check "set" same "$(cli 1 set a 5)" OK
check "incr elsewhere" same "$(cli 2 incr a)" 6
check "get elsewhere" same "$(cli 3 get a)" 6
check "lists" same "$(cli 1 rpush l a b c; cli 2 lpop l; cli 3 lrange l 0 -1)" $'3\na\nb\nc'
check "hashes" same "$(cli 1 hset h f 1 g 2; cli 2 hincrby h f 5; cli 3 hgetall h)" $'2\n6\nf\n6\ng\n2'
check "sets" same "$(cli 1 sadd s x y z; cli 2 srem s y; cli 3 smembers s | sort)" $'3\n1\nx\nz'
check "sorted sets" same "$(cli 1 zadd z 3 c 1 a 2 b; cli 2 zincrby z 1.5 a; cli 3 zadd z ch nx 9 a 0.1 d; cli 1 zrange z 0 -1 withscores)" $'3\n2.5\n1\nd\n0.10000000000000001\nb\n2\na\n2.5\nc\n3'
check "of the same score" same "$(cli 1 zadd same 1 b 1 aa 1 a; cli 2 zrevrange same 0 -1; cli 3 zrank same aa)" $'3\nb\naa\na\n1'
check "from an end" same "$(cli 1 zpopmax z; cli 2 zpopmin same 2; cli 3 zcard z; cli 1 zrangebyscore z '(0.1' +inf limit 1 1)" $'c\n3\na\n1\naa\n1\n3\na'
check "no key is left" same "$(cli 1 zrem same b; cli 2 exists same)" $'1\n0'
check "copied and moved, with the time that they have" same "$(cli 1 copy z z2; cli 2 expire z2 100; cli 3 rename z2 z3; cli 1 zscore z3 d; cli 2 type z3; cli 3 persist z3)" $'1\n1\nOK\n0.10000000000000001\nzset\n1'
check "and gone in time" same "$(cli 1 pexpire z3 200; sleep 1; cli 2 zcard z3; cli 3 zadd z3 xx 1 d)" $'1\n0\n0'
popped=$(cli 1 spop s)
check "the same is popped everywhere" same "$(cli 2 smembers s)" "$(cli 3 smembers s)"
check "and it was there" [ "$popped" = x -o "$popped" = z ]
check "sums of decimal numbers" same "$(cli 1 incrbyfloat d 0.1; cli 2 incrbyfloat d 0.2; cli 3 hincrbyfloat hd f 5.0e3)" $'0.1\n0.3\n5000'
check "no number" same "$(cli 1 incrbyfloat d 1x)" "ERR value is not a valid float"
check "inserted in its place" same "$(cli 1 rpush li a c e; cli 2 linsert li before c b; cli 3 linsert li after c d; cli 1 lrange li 0 -1)" $'3\n4\n5\na\nb\nc\nd\ne'
check "found there" same "$(cli 1 lpos li d; cli 2 lpos li a rank -1; cli 3 lpos li nosuch count 0)" $'3\n0'
check "moved" same "$(cli 1 lmove li lm left right; cli 2 lmove li lm right left; cli 3 lrange lm 0 -1)" $'a\ne\ne\na'
check "sets into sets" same "$(cli 1 sadd s1 a b c; cli 2 sadd s2 b c d; cli 3 sinterstore s1 s1 s2; cli 1 smembers s1 | sort; cli 2 sdiffstore s2 s2 s2; cli 3 exists s2)" $'3\n3\n2\nb\nc\n0\n0'
check "how many in all" same "$(cli 1 sintercard 2 s1 s1; cli 2 sintercard 2 s1 s1 limit 1)" $'2\n1'
check "copied, once" same "$(cli 1 copy lm lm2; cli 2 copy lm lm2; cli 3 lrange lm2 0 -1)" $'1\n0\ne\na'
for i in $(seq 200); do echo "SET scan:$i $i"; done | cli 1 >/dev/null
check "scan finds all keys" same "$(cli 2 --scan --pattern 'scan:*' | sort -u | wc -l)" 200
check "scan by type" same "$(cli 1 scan 0 type hash count 10000 | tail -n +2 | sort)" $'h\nhd'
check "and by another" same "$(cli 2 scan 0 type zset count 10000 | tail -n +2)" z
check "wrong kind" same "$(cli 1 lpush a x)" "WRONGTYPE Operation against a key holding the wrong kind of value"
check "sorted or not" same "$({ cli 1 zadd a 1 x; cli 2 incr z; cli 3 smembers z; } | grep -c ^WRONGTYPE)" 3
check "expiry" same "$(cli 1 set e 1 px 300; sleep 1; cli 2 get e; cli 3 exists e)" $'OK\n\n0'
check "expiry, on conditions" same "$(cli 1 set x 1 ex 50; cli 2 expire x 40 gt; cli 3 expire x 60 gt; cli 1 expire x 9 nx; cli 2 expireat x 2000000000 xx; cli 3 expiretime x)" $'OK\n0\n1\n0\n1\n2000000000'
check "got and kept" same "$(cli 1 getex x persist; cli 2 ttl x)" $'1\n-1'
check "time to live" [ "$(cli 1 setex f 100 1; cli 2 ttl f)" \> OK ]

# ---- Transactions
check "exec" same "$(printf 'MULTI\nINCR t\nINCR t\nGET t\nEXEC\n' | cli 2)" $'OK\nQUEUED\nQUEUED\nQUEUED\n1\n2\n2'
check "watch, unchanged" same "$(printf 'WATCH t\nMULTI\nINCR t\nEXEC\n' | cli 1)" $'OK\nOK\nQUEUED\n3'
exec 3<>/dev/tcp/127.0.0.1/6401
reply() { read -t 20 -r line <&3 && printf '%s ' "${line%$'\r'}"; }
printf 'WATCH t\r\n' >&3
check "watch" same "$(reply)" "+OK "
cli 2 incr t >/dev/null
printf 'MULTI\r\nSET t no\r\nEXEC\r\n' >&3
check "watch, changed elsewhere" same "$(reply; reply; reply)" "+OK +QUEUED *-1 "
exec 3>&-
check "nothing was set" same "$(cli 3 get t)" 4
check "what concerns the connection is no part of it" same "$(printf 'MULTI\nSELECT 0\nEXEC\n' | cli 1 2>&1 | grep -c 'SELECT.*cannot be in a transaction')" 1
check "a bad command spoils it" same "$(printf 'MULTI\nNOSUCH\nEXEC\n' | cli 1 2>&1 | grep -c EXECABORT)" 1

# ---- Sessions
session=$(cli 1 gcs.session new)
check "once" same "$(cli 1 gcs.session "$session" 1 incr once; cli 2 gcs.session "$session" 1 incr once; cli 3 get once)" $'1\n1\n1'
check "a serial is left out" same "$(cli 1 gcs.session "$session" 3 incr once)" \
    "BADSERIAL not the session's next serial, and no result of it is kept"
check "no such session" same "$(cli 1 gcs.session 1 1 incr once)" "NOSESSION no such session, or it has expired"

# ---- Bad input
check "unknown command" same "$(cli 1 nosuch a 'b c')" "ERR unknown command 'nosuch', with args beginning with: 'a' 'b c' "
check "arguments" same "$(cli 1 get)" "ERR wrong number of arguments for 'get' command"
raw() { printf "$1" | timeout 5 bash -c 'exec 3<>/dev/tcp/127.0.0.1/6401; cat >&3; head -c 60 <&3' | tr -d '\r'; }
check "a negative length" same "$(raw '*1\r\n$-7\r\nx\r\n')" "-ERR Protocol error: invalid bulk length"
check "a huge request" same "$(raw '*1\r\n$99999999\r\n')" "-ERR Protocol error: invalid bulk length"
check "what was refused is read to its end" same "$({ printf '*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$9000000\r\n'; head -c 9000000 /dev/zero; } |
    timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/6401; cat >&3 && cat <&3' 2>&1 | tr -d '\r')" "-ERR Protocol error: invalid bulk length"
check "words in quotes" same "$(raw 'ECHO "a b\\x21" \r\nQUIT\r\n')" $'$4\na b!\n+OK'
check "no end of them" same "$(raw 'ECHO "a b\r\n')" "-ERR Protocol error: unbalanced quotes in request"
check "still there" same "$(cli 1 ping)" PONG
for listen in nowhere 99999 127.0.0.1: 127.0.0.1:-1 1.2.3:80; do
    "$kv" --listen $listen 2>"$tmp/usage"
    check "nothing to listen at" same "$? $(cat "$tmp/usage")" "2 gcs-kv: --listen $listen: neither PORT nor ADDRESS:PORT"
done
"$kv" --listen 6401 udp://127.0.0.1:7446 2>"$tmp/usage"
check "that port is taken" same "$? $(cat "$tmp/usage")" "1 gcs-kv: --listen 127.0.0.1:6401: Address already in use"
"$kv" --listen 6409 --group a/b udp://127.0.0.1:7446 2>"$tmp/usage"
check "no name of a group" same "$? $(grep -c '"a/b" has byte 0x2f' "$tmp/usage")" "2 1"
"$kv" --listen 6409 nosuch://127.0.0.1:7446 2>"$tmp/usage"
check "no URL" same "$?" 2
"$kv" --create --join 2>"$tmp/usage"
check "two ways to begin" same "$? $(head -1 "$tmp/usage")" "2 gcs-kv: --create, --join and --expect exclude each other"
"$kv" --expect 0 2>"$tmp/usage"
check "a bad number" same "$? $(head -1 "$tmp/usage")" "2 gcs-kv: --expect 0: not a number from 1 to 2147483647"

# ---- What client libraries ask
check "sections" same "$(cli 1 info server keyspace | tr -d '\r' | grep '^#')" $'# Server\n# Keyspace'
check "a name" same "$(printf 'HELLO 2 AUTH default any SETNAME me\nCLIENT GETNAME\nRESET\nCLIENT GETNAME\n' | cli 1 | tail -3)" $'me\nRESET'
check "nobody else" same "$(cli 1 auth somebody any)" "WRONGPASS invalid username-password pair or user is disabled."
check "no other database" same "$(cli 1 select 3)" "ERR DB index is out of range"
check "what is so already may be set" same "$(cli 1 config set appendonly no)" OK
check "and nothing else" same "$({ cli 1 config set appendonly yes; cli 1 config set nosuch 1; } | grep -c '^ERR')" 2

# ---- A slow client is cut off, and nobody else
cli 1 config set gcs-client-output-bytes 200000 >/dev/null
cli 1 set big "$(head -c 20000 /dev/zero | tr '\0' x)" >/dev/null
timeout 20 bash -c 'exec 3<>/dev/tcp/127.0.0.1/6401
    for ((i = 0; i < 3000; i++)); do printf "GET big\r\n" >&3 || exit; done; sleep 15' 2>/dev/null &
slow=$!
check "a client that does not read is cut off" eventually grep -q 'cut off: it does not read' "$tmp/replica.1"
check "and counted once" same "$(grep -c 'cut off: it does' "$tmp/replica.1") $(cli 1 info stats | tr -d '\r' | sed -n 's/^gcs_clients_cut_off://p')" "1 1"
check "others are served" same "$(cli 1 strlen big)" 20000
kill $slow 2>/dev/null

# ---- Another protocol version
replica 4 --join --protocol 7
check "another protocol version is refused" eventually grep -q 'protocol version 7, the group has 1' "$tmp/replica.4"
check "and the group goes on" eventually ready 1

# ---- A few bytes that ask for a lot, of all replicas: no one of them has to start over
cli 1 setrange long 8388607 x >/dev/null
check "a reply that is too long is refused" same \
    "$({ echo MULTI; echo incr counted:long; for _ in {1..17}; do echo get long; done; echo EXEC; } | cli 2 | grep -v QUEUED | cut -c1-39)" \
    $'OK\nERR the reply would be longer than 1342'
check "by all alike, and the rest is done" same "$(cli 1 get counted:long; cli 3 get counted:long)" $'1\n1'
check "nobody started over" same "$(grep -h 'starting over' "$tmp"/replica.*)" ""
cli 1 del long >/dev/null

# ---- One dies and comes back
{ seq -f 'DEL scan:%g' 150; echo HSET order z 1 a 1 r 1; echo HDEL order z; } | cli 1 >/dev/null
crash 3
check "the others go on" same "$(cli 1 set after kill; cli 2 get after)" $'OK\nkill'
replica 3 --join
check "it comes back" eventually ready 3
check "with the data" same "$(cli 3 get after; cli 3 get once; cli 3 llen l)" $'kill\n1\n2'
check "and sorted as before" same "$(cli 3 zrange z 0 -1 withscores; cli 3 zrevrank z d)" $'d\n0.10000000000000001\nb\n2\na\n2.5\n2'
check "the same scores lead to the same" same "$(cli 3 zincrby z 0.2 d; cli 1 zscore z d)" $'0.30000000000000004\n0.30000000000000004'
# A reply is told to a session by whatever replica it retries at, and all replicas compare theirs.
serial=1
alike() { serial=$((serial + 1)); same "$(cli 1 gcs.session "$session" $serial "$@")" "$(cli 3 gcs.session "$session" $serial "$@")"; }
for command in "scan 0 count 20" "scan 20 count 5" "keys *" randomkey randomkey "hscan order 0" "sscan s1 0 count 1"; do
    # shellcheck disable=SC2086 # words
    check "$command gives the same at who has got a copy" alike $command
done
check "the session is there" same "$(cli 3 gcs.session "$session" 1 incr once)" 1
kill "${pids[2]}"
check "another leaves gracefully" eventually ready 1 2
check "same answers" same "$(cli 1 get a) $(cli 3 get a)" "6 6"
[ "$failed" = 0 ]
