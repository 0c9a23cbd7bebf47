#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The examples that are chats: two of each hear each other's lines, in one order, and leave at
# the end of their input. (hello: test_readme.sh; counter: test_counter.sh)
. "$(dirname "$0")/lib.sh"

examples=$1/examples
for name in chat own_loop core_loop; do
    [ -x "$examples/$name" ] || { echo "no $examples/$name"; exit 77; }
done

# talk NAME ARGUMENTS-1 -- ARGUMENTS-2: runs two of them; their lines are in out.1 and out.2.
talk() {
    local name=$1 first=() second=()
    shift
    while [ "$1" != -- ]; do
        first+=("$1")
        shift
    done
    shift
    second=("$@")
    rm -f "$tmp"/in.* "$tmp"/out.* "$tmp"/said.*
    mkfifo "$tmp/in.1" "$tmp/in.2"
    "$examples/$name" "${first[@]}" <"$tmp/in.1" >"$tmp/out.1" 2>"$tmp/said.1" &
    pids[1]=$!
    exec 6>"$tmp/in.1"
    # The first one may found the group before the second one looks for it.
    check "$name: the first is there" eventually sees 1 1
    "$examples/$name" "${second[@]}" <"$tmp/in.2" >"$tmp/out.2" 2>"$tmp/said.2" 6>&- &
    pids[2]=$!
    exec 7>"$tmp/in.2"
    check "$name: both see both" eventually sees 1 2
    check "$name: both see both" eventually sees 2 2
    echo "from the first $$" >&6
    check "$name: the second hears the first" eventually heard 2 "from the first $$"
    seq 30 | sed "s/^/number $$ /" >&7
    check "$name: the first hears the second" eventually heard 1 "number $$ 30"
    exec 6>&-
    check "$name: the first leaves" ends 1 0
    exec 7>&-
    check "$name: the second leaves" ends 2 0
    grep -o "number $$ .*" "$tmp/out.1" >"$tmp/order.1"
    grep -o "number $$ .*" "$tmp/out.2" >"$tmp/order.2"
    check "$name: in one order" same "$tmp/order.1" "$tmp/order.2"
    check "$name: all of them" has_lines "$tmp/order.1" 30
}

# sees MEMBER COUNT: how many there are, as each of the examples says it.
sees() {
    grep -qhE -e "^-- $2 members" "$tmp/said.$1" "$tmp/out.$1" 2>/dev/null ||
        grep -qE -e "^-- here are:( [0-9.:]+#[0-9a-f]+){$2}\$" "$tmp/out.$1" 2>/dev/null
}
heard() { grep -qF -e "$2" "$tmp/out.$1" 2>/dev/null; }

talk chat "$group" "$url" -- "$group" "$url"
talk own_loop "$url" -- "$url"
talk core_loop $((base + 1)) -- $((base + 2)) $((base + 1))
