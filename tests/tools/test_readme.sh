#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# README's program is examples/hello.c, compiles on its own without warnings, and
# two copies of it hear each other. Files that the documents name exist.
. "$(dirname "$0")/lib.sh"

root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/tests/readme/extract.sh" >"$tmp/hello.c"
sed -n '/^#include/,$p' "$root/examples/hello.c" >"$tmp/example.c"
check "README's program is examples/hello.c" same "$tmp/example.c" "$tmp/hello.c"
check "and not long" [ "$(lines "$tmp/hello.c")" -le 30 ]
check "it compiles" "${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -I "$root/gcs/include" \
    -fsyntax-only "$tmp/hello.c"

for document in README ARCHITECTURE CONTRIBUTING SECURITY; do
    # shellcheck disable=SC2016 # backquotes are meant
    grep -oE '`[a-z_/-]+\.[ch]`|`(tests|script|man|gcs|views|transport)/[a-z_./-]+[a-z0-9]`|\]\([A-Za-z_/.]+\)' \
        "$root/$document.md" | tr -d '`()]' | sort -u >"$tmp/names"
    while read -r name; do
        for folder in . gcs gcs/include gcs/wire views; do
            [ ! -e "$root/$folder/$name" ] || continue 2
        done
        check "$document.md names $name" false
    done <"$tmp/names"
    check "$document.md names files" true
done

hello=$1/examples/hello
if ! [ -x "$hello" ]; then
    echo "no $hello"
    exit
fi
# Others may be in the same group on this machine: only what must be there is looked for.
"$hello" "first $$" >"$tmp/out.1" 2>"$tmp/said.1" &
pids[1]=$!
saw() { grep -qx -e "$2" "$tmp/out.$1"; }
check "the first one hears itself" eventually saw 1 "first $$"
"$hello" "second $$" >"$tmp/out.2" 2>"$tmp/said.2" &
pids[2]=$!
check "the second one hears itself" eventually saw 2 "second $$"
check "the first one hears the second" eventually saw 1 "second $$"
check "they are in one view" saw 2 '-- view [0-9]*: [2-9][0-9]* members'
