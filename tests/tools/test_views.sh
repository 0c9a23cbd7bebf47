#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# `gcs views`: a line for each view, the last one as JSON, and nobody who waits
# for the end of all inputs waits for a watcher.
. "$(dirname "$0")/lib.sh"

seq 100 >"$tmp/in.1"
mkfifo "$tmp/in.2"
start 1 --create --expect 3 --until-all
start 2 --join --expect 3 --until-all
exec 6>"$tmp/in.2"
"$gcs" views "$group" "$url" --join --json --label ams/r1 6>&- >"$tmp/out.3" 2>"$tmp/said.3" &
pids[3]=$!
member='127\.0\.0\.1:[0-9]+#[0-9a-f]+'
place=' \(at ams/r1\)'
saw() { grep -qE -e "$1" "$tmp/out.3"; }
check "three members" eventually saw "^view [0-9]+\.[0-9a-f]+: 3 members: $member $member($place)? $member($place)?; joined: ($member ?)+; quorum 2\$"
check "the place of one" saw "^view [^;]* $member$place( |;)"
check "the lines are there" eventually has_lines "$tmp/out.1" 100
"$gcs" views "$group" "$url" --join --expect 4 >"$tmp/out.4" 2>"$tmp/said.4"
check "--expect: exit 0" [ $? = 0 ]
check "--expect: the view with four" grep -qE '^view [^:]*: 4 members' "$tmp/out.4"
check "it has left" eventually saw "; left: $member \(left\); quorum"
sleep 0.3
check "1 still waits for 2" runs 1
exec 6>&-
check "1 ends" ends 1 0
check "2 ends" ends 2 0
check "both have gone" eventually saw '^view [^:]*: 1 member: '
kill -INT "${pids[3]}"
check "the watcher ends" ends 3 0
tail -n 1 "$tmp/out.3" >"$tmp/json"
check "JSON is the last line" grep -qE '^\{"group":"[^"]*","member":"[^"]*","views":[0-9]+,"last":\{"id":"[^"]*","epoch":[0-9]+,"primary":true,"quorum":1,"members":\["[^"]*"\],"weights":\[1\],"labels":\["ams/r1"\],"syncing":\[\],"joined":\[\],"left":\[(\{"member":"[^"]*","reason":"left"\},?)+\],"merged":false,"unknown_from":0\},"exit":0\}$' "$tmp/json"
! command -v jq >/dev/null || check "jq can read it" jq -e '.last.members | length == 1' "$tmp/json" >"$tmp/jq"
check "nothing was said" [ ! -s "$tmp/said.3" ]
