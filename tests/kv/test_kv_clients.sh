#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-timeout: 180
#
# Client libraries, unmodified: redis-py, and hiredis, whose client loses its replica in the middle.
. "$(dirname "$0")/lib.sh"
here=$(dirname "$0")/clients
command -v redis-cli >/dev/null || skip "no redis-cli (Debian: redis-tools)"
python=$(for p in python3 /usr/bin/python3; do "$p" -c 'import redis' 2>/dev/null && echo "$p" && break; done)
hiredis=no
printf '#include <hiredis/hiredis.h>\n' | cc -E -x c - >/dev/null 2>&1 && hiredis=yes
[ -n "$python" ] || [ $hiredis = yes ] || skip "no client library (Debian: python3-redis, libhiredis-dev)"

for n in 1 2 3; do replica $n --expect 3; done
for n in 1 2 3; do check "replica $n is ready" eventually ready $n; done

if [ -n "$python" ]; then
    check "redis-py" "$python" "$here/use.py" 6401 6402 6403
    check "nobody was cut off" same "$(grep -h 'cut off: it' "$tmp"/replica.*)" ""
else
    echo "no redis-py (Debian: python3-redis)"
fi
if [ $hiredis = yes ]; then
    cc -std=c11 -D_GNU_SOURCE -Wall -Wextra -o "$tmp/use" "$here/use.c" -lhiredis
    "$tmp/use" 6402 6403 6401 >"$tmp/used" &
    using=$!
    check "hiredis counts" eventually grep -q '^3000$' "$tmp/used"
    crash 2
    wait $using
    check "hiredis goes on elsewhere" same "$? $(sed -n 's/^ok: [1-9][0-9]* retries/retried/p' "$tmp/used")" "0 retried"
    check "and nothing is counted twice" same "$(cli 1 get hi:count)" 20000
else
    echo "no hiredis (Debian: libhiredis-dev)"
fi
[ "$failed" = 0 ]
