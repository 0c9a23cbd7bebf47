#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-labels: slow
# ctest-timeout: 180
#
# redis-benchmark, unmodified: all of its usual tests, and with pipelining while the replica is killed that
# orders the commands of all. The clients of the others see a pause, and no error.
. "$(dirname "$0")/lib.sh"
command -v redis-benchmark >/dev/null || skip "no redis-benchmark (Debian: redis-tools)"

for n in 1 2 3; do replica $n --expect 3; done
for n in 1 2 3; do check "replica $n is ready" eventually ready $n; done

redis-benchmark -p 6402 -n 2000 -q >"$tmp/usual" 2>"$tmp/errors"
check "the usual tests run to their end" same "$? $(tr '\r' '\n' <"$tmp/usual" | grep -c 'requests per second')" "0 20"
check "sorted sets among them" grep -q 'ZPOPMIN: .* requests per second' "$tmp/usual"
check "without a word" same "$(grep -v '^WARNING' "$tmp/errors")" ""

# Each client of the other two replicas sets keys all the time; meanwhile the sequencer dies.
others=()
for n in 1 2 3; do
    if [ "$(info $n gcs_rank)" = 0 ]; then sequencer=$n; else others+=("$n"); fi
done
check "one of three is the sequencer" [ -n "$sequencer" -a ${#others[@]} = 2 ]
one=${others[0]} other=${others[1]}
for n in "${others[@]}"; do
    redis-benchmark -p $((6400 + n)) -n 200000 -c 20 -P 16 -r 1000 -t set \
        >"$tmp/killed.$n" 2>"$tmp/killed.errors.$n" &
    bench[n]=$!
done
moving() { [ "$(info "$one" gcs_number)" -gt 20000 ]; }
check "it runs" eventually moving
crash "$sequencer"
for n in "${others[@]}"; do
    wait "${bench[n]}"
    check "clients of replica $n saw no error" same "$? $(grep -v '^WARNING' "$tmp/killed.errors.$n")" "0 "
    check "and all was done" grep -q '200000 requests completed' "$tmp/killed.$n"
    tr '\r' '\n' <"$tmp/killed.$n" | awk -v n="$n" '
        /% <= .* milliseconds/ && $1 + 0 >= 99.9 && !p { p = $3 }
        /^100.000% <= / { longest = $3 }
        END { printf "replica %d: p99.9 %s ms, longest %s ms\n", n, p, longest }' | tee "$tmp/pause.$n"
    check "how long they waited is known" \
        grep -qE "^replica $n: p99.9 [0-9.]+ ms, longest [0-9.]+ ms\$" "$tmp/pause.$n"
done
check "the others go on" eventually ready "$one" 2
check "and agree" same "$(cli "$one" dbsize)" "$(cli "$other" dbsize)"
replica "$sequencer" --join
check "it comes back" eventually ready "$sequencer"
check "with the data" same "$(cli "$sequencer" dbsize)" "$(cli "$one" dbsize)"
[ "$failed" = 0 ]
