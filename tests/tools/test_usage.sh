#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What `gcs` says about wrong command lines, and how it exits: 2, at once, with
# a sentence that names the bad value; and --help and --version.
. "$(dirname "$0")/lib.sh"

# refuses WORDS ARGUMENT...: exit 2, words on standard error, nothing on standard output.
refuses() {
    local words=$1 status=0
    shift
    timeout 20 "$gcs" "$@" </dev/null >"$tmp/out" 2>"$tmp/said.1" || status=$?
    check "refused: gcs $*" [ $status = 2 ]
    check "it says: $words" grep -qF -e "$words" "$tmp/said.1"
    check "and nothing else" [ ! -s "$tmp/out" ]
}

refuses "which command" 
refuses "unknown command 'dog'" dog
refuses "unknown command '--json'" --json
refuses "which group" cat
refuses "which group" views --json
refuses "'c' is one argument too many" cat a udp://127.0.0.1:0 c
refuses "unknown option '--frobnicate'" cat g --frobnicate
refuses "unknown option '-x'" cat g -x
refuses "unknown option '--pace'" views g --pace 5
refuses "'--json=yes'" cat g --json=yes
refuses "--service needs a value" cat g --service
refuses "--service: 'causual' is not one of" cat g --service causual
refuses "--expect: '0' is not a number from 1 to 1024" cat g --expect 0
refuses "--expect: '1025'" cat g --expect=1025
refuses "--expect: '-1'" cat g --expect -1
refuses "--expect: '3x'" views g --expect 3x
refuses "--expect: ''" cat g --expect ""
refuses "--pace: '99999999999999999999'" cat g --pace 99999999999999999999
refuses "--create and --join" cat g --create --join
refuses "--join and --bootstrap" views g --join --bootstrap look
refuses "--create and --bootstrap" cat g --create --bootstrap join
refuses "--bootstrap: 'found' is not one of look, join, create, expect:N" cat g --bootstrap found
refuses "--bootstrap expect: '0' is not a number from 1 to 1024" cat g --bootstrap expect:0
refuses "--bootstrap expect: ''" views g --bootstrap expect:
refuses ".hidden" cat .hidden "$url"
refuses "two words" cat "two words" "$url"
refuses "127.0.0.1" cat g 127.0.0.1
refuses "carrier" cat g carrier://pigeon:1
refuses "70000" cat g udp://127.0.0.1:70000
refuses "wings" cat g "udp://127.0.0.1:0?wings=2"
refuses "256.0.0.1" cat g udp://256.0.0.1:7400
long=$(printf 'n%.0s' {1..64})
refuses "longer than 63 bytes" cat "$long" "$url"

echo kept >"$tmp/kept"
refuses "nowhere" cat g nowhere --output "$tmp/kept"
check "a refused command line leaves the output file alone" grep -qx kept "$tmp/kept"

succeeds() {
    local words=$1 status=0
    shift
    "$gcs" "$@" </dev/null >"$tmp/out" 2>"$tmp/said.1" || status=$?
    check "works: gcs $*" [ $status = 0 ]
    check "it prints: $words" grep -qF -e "$words" "$tmp/out"
    check "and nothing else" [ ! -s "$tmp/said.1" ]
}
succeeds "usage: gcs COMMAND" --help
succeeds "usage: gcs cat GROUP" cat --help
succeeds "usage: gcs views GROUP" views --help
succeeds "usage: gcs status SOCKET" status --help
succeeds "usage: gcs top SOCKET" top --help
succeeds "usage: gcs cat GROUP" cat group --json --help
"$gcs" --version >"$tmp/out"
check "a version" grep -qE '^gcs [0-9]+\.[0-9]+\.[0-9]+$' "$tmp/out"

# Every option of --help stands in the manual, and the other way round.
page=${GCS_SOURCE_DIR:-$(dirname "$0")/../..}/man/gcs.1
"$gcs" --help | sed -n 's/^  \([a-z][a-z]*\)  .*/\1/p' >"$tmp/commands"
check "commands" [ "$(lines "$tmp/commands")" -ge 4 ]
while read -r command; do
    check "gcs(1) has $command" grep -qxF -e ".It Cm $command" "$page"
    "$gcs" $command --help | grep -oE '^  --[a-z-]+' | sort -u | tr -d ' ' >"$tmp/help.$command"
    while read -r option; do
        check "gcs(1) has $command $option" grep -qF -e "Fl -${option#--}" "$page"
    done <"$tmp/help.$command"
done <"$tmp/commands"
grep -oE 'Fl -[a-z-]+' "$page" | sed 's/Fl -/--/' | sort -u | while read -r option; do
    [ "$option" = --version ] || grep -qhxF -e "$option" "$tmp"/help.* || echo "$option"
done >"$tmp/unknown"
check "gcs(1) has no option that there is not" [ ! -s "$tmp/unknown" ]
