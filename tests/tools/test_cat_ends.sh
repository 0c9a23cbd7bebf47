#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-timeout: 300
#
# How `gcs cat` ends: by a signal, with a closed or blocked output, without an
# input, without a majority. And that a reader that stops reading stays a member.
. "$(dirname "$0")/lib.sh"

mkfifo "$tmp/in.1" "$tmp/in.2" "$tmp/in.3"
exec 5<>"$tmp/in.1" 6<>"$tmp/in.2" 7<>"$tmp/in.3" # inputs that do not end

# A signal: leaves gracefully, and the other sees so.
for signal in INT TERM; do
    group=test-$$-$signal
    start 1 --create --views --json
    start 2 --join --views
    check "$signal: two members" eventually said 2 '^view [^:]*: 2 members'
    kill -$signal "${pids[1]}"
    check "$signal: ends with 0" ends 1 0
    check "$signal: with its JSON" grep -q '"exit":0}$' "$tmp/out.1"
    check "$signal: it has left" eventually said 2 '; left: [^;]*\(left\)'
    kill -TERM "${pids[2]}"
    check "$signal: the last one ends" ends 2 0
done

# While it looks for members that are not there: says so, and a signal ends it.
group=test-$$-nobody
start 1 --join
check "nobody: says so" eventually said 1 'still looking for members'
kill -TERM "${pids[1]}"
check "nobody: ends" ends 1 0

# Without a majority: says so, goes on waiting, and a signal ends it within seconds.
group=test-$$-minority
start 1 --create --views
start 2 --join
check "minority: two members" eventually said 1 '^view [^:]*: 2 members'
kill -9 "${pids[2]}"
check "minority: it is dead" ends 2 137
check "minority: says so" eventually said 1 'cut off from the primary'
check "minority: shows so" said 1 '^no primary since view'
kill -TERM "${pids[1]}"
check "minority: exit 3" ends 1 3

# Nobody reads the output any more: exit 1, gracefully. The member is not a burden to others.
group=test-$$-closed
start 2 --create --views
mkfifo "$tmp/closed"
head -n 1 <"$tmp/closed" >"$tmp/head" &
reader=$!
forget 1
"$gcs" cat "$group" "$url" --join <"$tmp/in.1" >"$tmp/closed" 2>"$tmp/said.1" &
pids[1]=$!
check "closed: two members" eventually said 2 '^view [^:]*: 2 members'
printf 'one\n' >&6
check "closed: its reader ends" wait $reader # what is written before that goes into the pipe, and is no error
check "closed: it has read one line" [ "$(cat "$tmp/head")" = one ]
printf 'two\nthree\n' >&6
check "closed: exit 1" ends 1 1
check "closed: says so" said 1 'standard output: Broken pipe'
check "closed: it has left" eventually said 2 '; left: [^;]*\(left\)'

# No input at all, no output at all.
"$gcs" cat "$group" "$url" --join <&- >"$tmp/out" 2>"$tmp/said.1"
check "no input: exit 1" [ $? = 1 ]
check "no input: says so" said 1 'standard input: Bad file descriptor'
echo line | "$gcs" cat "$group" "$url" --join >&- 2>"$tmp/said.1"
check "no output: exit 1" [ $? = 1 ]
check "no output: says so" said 1 'standard output: '
echo line | "$gcs" cat "$group" "$url" --join >/dev/full 2>"$tmp/said.1"
check "full: exit 1" [ $? = 1 ]
check "full: says so" said 1 'standard output: No space left on device'
"$gcs" cat "$group" "$url" --join --output "$tmp/no/such" </dev/null 2>"$tmp/said.1"
check "output: exit 1" [ $? = 1 ]
check "output: says which" said 1 "$tmp/no/such: No such file or directory"
"$gcs" cat "$group" "$url" --join <"$tmp" >"$tmp/out" 2>"$tmp/said.1"
check "a folder as input: exit 1" [ $? = 1 ]

# A line that is too long: refused, and what came before is delivered.
{
    echo before
    head -c 17000000 /dev/zero | tr '\0' x
} | "$gcs" cat "$group" "$url" --join >"$tmp/out" 2>"$tmp/said.1"
check "too long: exit 1" [ $? = 1 ]
check "too long: says so" said 1 'longer than 16777215 bytes'
check "too long: the line before is there" grep -qx before "$tmp/out.2"
kill -TERM "${pids[2]}"
check "the other was there all the time" ends 2 0

# A reader that stops reading: the group is slowed down, nobody is thrown out, nothing is lost.
group=test-$$-slow
mkfifo "$tmp/pipe"
seq -f "%g: a line that is long enough to fill the buffers on the way to the slow reader some time" 400000 >"$tmp/many"
forget 1
"$gcs" cat "$group" "$url" --create --expect 3 --views <"$tmp/many" >"$tmp/out.1" 2>"$tmp/said.1" &
pids[1]=$!
start 2 --join --views
forget 3
"$gcs" cat "$group" "$url" --join <"$tmp/in.3" >"$tmp/pipe" 2>"$tmp/said.3" &
pids[3]=$!
exec 8<"$tmp/pipe"
sleep 5 # ten times as long as it takes to be suspected
check "slow: the sender has not got rid of everything" runs 1
cat <&8 >"$tmp/out.3" &
pids[4]=$!
check "slow: the sender ends" ends 1 0
check "slow: nobody was thrown out" [ "$(grep -c ' (\(crashed\|unreachable\))' "$tmp/said.2")" = 0 ]
check "slow: 2 has everything" eventually has_lines "$tmp/out.2" 400000
check "slow: 3 has everything" eventually has_lines "$tmp/out.3" 400000
kill -TERM "${pids[2]}" "${pids[3]}"
check "slow: 2 ends" ends 2 0
check "slow: 3 ends" ends 3 0
check "slow: the reader ends" ends 4 0
check "slow: 2 has what was sent" same "$tmp/many" "$tmp/out.2"
check "slow: 3 has what was sent" same "$tmp/many" "$tmp/out.3"
