#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Does the manual of the calls agree with the headers? Every call in gcs.h and replica.h has a page; the program in each
# page's EXAMPLES compiles without a warning; errors on the pages are errors of the table, and
# gcs_strerror(3) has all of them with their texts.
#
#   test_man.sh    (the build directory that ctest passes is not needed)
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
man=$root/man
include=$root/gcs/include
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0 checked=0

complain() {
    echo "$*"
    failed=1
}

# examples PAGE: writes the C programs of its EXAMPLES to $tmp/1.c, $tmp/2.c ...
examples() {
    awk -v tmp="$tmp" '
    /^\.Sh / { inside = ($2 == "EXAMPLES") }
    inside && /^\.Bd -literal/ { block = 1; first = 1; next }
    /^\.Ed/ { block = 0; next }
    block {
        if (first) { first = 0; is_c = /^#include/; if (is_c) n++ }
        gsub(/\\&/, ""); gsub(/\\e/, "\\")
        if (is_c) print > (tmp "/" n ".c")
    }' "$1"
}

for page in "$man"/gcs_*.3; do
    [ ! -L "$page" ] || continue
    name=$(basename "$page")
    rm -f "$tmp"/*.c
    examples "$page"
    for program in "$tmp"/*.c; do
        [ -e "$program" ] || { complain "$name: has no example"; continue; }
        checked=$((checked + 1))
        ${CC:-cc} -std=c11 -Wall -Wextra -Werror -I"$include" -c -o "$tmp/x.o" "$program" ||
            complain "$name: an example does not compile"
    done
    grep -o '^\.It Dv GCS_E[A-Z]*' "$page" | sed 's/.* //' | sort -u | while read -r error; do
        [ "${error#GCS_EVENT}" = "$error" ] && [ "$error" != GCS_EXPECT ] || continue
        grep -q "X($error," "$include/gcs/error.h" || echo "$name: $error is no error"
    done >"$tmp/unknown"
    [ ! -s "$tmp/unknown" ] || complain "$(cat "$tmp/unknown")"
done

# The table as "name text" lines, from the header and from the page.
sed -n 's/^ *X(\(GCS_E[A-Z]*\), -[0-9]*, "\(.*\)").*/\1 \2/p' "$include/gcs/error.h" >"$tmp/table"
awk '/^\.It Dv GCS_E/ { name = $3; next } name { print name, $0; name = "" }' \
    "$man/gcs_strerror.3" >"$tmp/page"
cmp -s "$tmp/table" "$tmp/page" ||
    complain "gcs_strerror.3 differs from the table: $(diff "$tmp/table" "$tmp/page")"

# Calls: a name and a parenthesis at the beginning of a declaration.
sed -n '/^[a-z].*\bgcs_[a-z_]*(/s/.*\b\(gcs_[a-z_]*\)(.*/\1/p' "$include/gcs/gcs.h" \
    "$include/gcs/replica.h" "$include/gcs/replica_sim.h" "$include/gcs/error.h" | sort -u >"$tmp/calls"
while read -r call; do
    checked=$((checked + 1))
    [ -e "$man/$call.3" ] || { complain "$call(3): there is no page"; continue; }
    grep -q "^\.F[no] $call\b" "$man/$call.3" || complain "$call(3): is not in the page's synopsis"
done <"$tmp/calls"
[ "$checked" -gt 30 ] || complain "only $checked things were checked: the script sees too little"
echo "test_man: $checked calls and examples checked"
exit "$failed"
