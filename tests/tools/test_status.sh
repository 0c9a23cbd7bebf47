#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `gcs status` and `gcs top`: what an endpoint tells through its socket, as text, as JSON, and as
# metrics that promtool finds nothing wrong with.
. "$(dirname "$0")/lib.sh"
# shellcheck source=script/lib.sh
. "$(dirname "$0")/../../script/lib.sh" >/dev/null # for $packages

socket=$tmp/socket
for member in 1 2; do
    mkfifo "$tmp/in.$member"
done
start 1 --create --expect 2 --status "$socket" --service safe
start 2 --join --expect 2 --label ams/r12/h3
exec 6>"$tmp/in.1" 7>"$tmp/in.2"
seq 50 >&6
check "the lines are there" eventually has_lines "$tmp/out.2" 50

ask() { "$gcs" "$@" >"$tmp/out" 2>"$tmp/said.3"; }
says() { grep -qE -e "$1" "$tmp/out"; }
check "the socket is its owner's alone" [ "$(stat -c %a "$socket")" = 600 ]
check "gcs status" ask status "$socket"
check "where" says '^libgcs [0-9.]+ at 127\.0\.0\.1:[0-9]+$'
check "which group" says "^group $group: view [0-9]+, 2 members, rank 0, primary\$"
check "the window" says '^  window \[[#.]{20}\] [0-9]+ of [0-9]+ packets, '
check "latencies" says '^  safe +half within .* of [0-9]+$'
check "the members" [ "$(grep -cE '^ +[01] 127\.0\.0\.1:[0-9]+#[0-9a-f]+ +1 ' "$tmp/out")" = 2 ]
check "each place has a region" [ "$(grep -cE ' region [12]( at ams/r12/h3)?$' "$tmp/out")" = 2 ]
check "its label" says ' region 2 at ams/r12/h3$'
check "counters" says '^ +50 messages_sent$'
check "nothing was said" [ ! -s "$tmp/said.3" ]

check "gcs status --json" ask status "$socket" --json
if command -v jq >/dev/null; then
    check "jq can read it" jq -e '.counters.messages_sent == 50 and (.groups | length == 1) and
        .groups[0].members == 2 and ([.groups[0].list[] | .label] == ["", "ams/r12/h3"]) and (.groups[0].list | length == 2) and
        (.groups[0].latency.safe.count == (.groups[0].latency.safe.buckets | add))' "$tmp/out" >"$tmp/jq"
else
    echo "SKIPPED: there is no jq to read the JSON with"
fi
check "one line" [ "$(lines "$tmp/out")" = 1 ]

check "gcs status --metrics" ask status "$socket" --metrics
check "a counter" says '^gcs_messages_sent_total 50$'
check "a label" says "^gcs_member_info\{group=\"$group\",member=\"[^\"]*\",label=\"ams/r12/h3\"\} 1\$"
check "a gauge" says "^gcs_group_members\{group=\"$group\"\} 2\$"
check "a histogram" says "^gcs_latency_seconds_bucket\{group=\"$group\",service=\"safe\",le=\"0\.000001\"\} "
promtool=$(command -v promtool || echo "$packages/usr/bin/promtool")
if [ -x "$promtool" ]; then
    lint() { "$promtool" check metrics <"$1" >"$tmp/said.4" 2>&1; }
    check "promtool finds nothing wrong" lint "$tmp/out"
    check "and has nothing to say" [ ! -s "$tmp/said.4" ]
    printf '# TYPE gcs_x counter\ngcs_x 1\n' >"$tmp/bad"
    check "it would say so" eval '! lint "$tmp/bad"'
else
    echo "SKIPPED: THE METRICS ARE NOT CHECKED: there is no promtool (script/setup --tests fetches it)"
fi

check "gcs top" ask top "$socket" --count 2
check "two pictures" [ "$(grep -c 'per second' "$tmp/out")" = 2 ]
check "rates" says '^ +0 +50  messages multicast$'
check "gcs top --json" ask top "$socket" --count 2 --json
check "two lines" [ "$(lines "$tmp/out")" = 2 ]

# refuses STATUS WORDS ARGUMENT...
refuses() {
    local status=$1 words=$2 got=0
    shift 2
    ask "$@" || got=$?
    check "gcs $*: exit $status" [ "$got" = "$status" ]
    check "it says: $words" grep -qF -e "$words" "$tmp/said.3"
    check "and nothing else" [ ! -s "$tmp/out" ]
}
refuses 2 "which socket" status
refuses 2 "which socket" top --json
refuses 2 "'b' is one argument too many" status a b
refuses 2 "exclude each other" status "$socket" --json --metrics
refuses 2 "unknown option '--metrics'" top "$socket" --metrics
refuses 2 "too long for a socket" status "$(printf '%0200d' 0)"
refuses 1 "No such file" status "$tmp/nothing"
: >"$tmp/file"
refuses 1 "$tmp/file: " status "$tmp/file"
refuses 1 "/nowhere/socket" cat "$group" "$url" --status /nowhere/socket

exec 6>&- 7>&-
check "1 ends" ends 1 0
check "2 ends" ends 2 0
check "the socket has gone with it" [ ! -e "$socket" ]
refuses 1 "$socket: No such file" top "$socket"
