#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The errors of each call: what its comment in the header names stands on its page, and nothing
# beyond; all of them are in the table of gcs/error.h. What its body says with gcs_fail() is named by
# that comment, and explained under ERRORS.
# shellcheck source=tests/manual/lib.sh
. "$(dirname "$0")/lib.sh"

# "call error" lines: what the comment before a declaration names. A comment that says "as gcs_x"
# means those of gcs_x as well.
promised() {
    awk '
    /^\/\*/ { comment = ""; reading = 1 }
    reading { line = $0; sub(/^ \* /, "", line); comment = comment " " line; if (/\*\//) reading = 0; next }
    /^ *$/ || /^#/ { comment = ""; next }
    /^[a-z].*gcs_[a-z_0-9]*\(/ && !/^static/ && !/^struct [a-z_]* \{/ {
        name = $0
        sub(/\(.*/, "", name); sub(/.*[ *]/, "", name)
        rest = comment
        while (match(rest, /GCS_E[A-Z]+/)) {
            error = substr(rest, RSTART, RLENGTH)
            rest = substr(rest, RSTART + RLENGTH)
            if (substr(rest, 1, 1) != "_" && error != "GCS_EXPECT") print name, error
        }
        if (match(comment, /(as|for|of) gcs_[a-z_]+[.;,]? *\*?\/?/)) {
            other = substr(comment, RSTART, RLENGTH)
            sub(/^[a-z]+ /, "", other); sub(/[^a-z_].*/, "", other)
            if (comment ~ /[Ee]rrors/ || comment ~ /errors too/) print name, "=" other
        }
    }
    !/^ / { comment = reading ? comment : "" }' "$@"
}

# The errors that a page explains.
explained() {
    awk '/^\.Sh / { inside = ($2 == "ERRORS") } inside && /^\.It Dv GCS_E/ { for (i = 3; i <= NF; i++) if ($i ~ /^GCS_E/) print $i }' "$1" | sort -u
}

promised "$include"/*.h | sort -u >"$tmp/direct"
# Resolve "as": twice is deep enough.
for _ in 1 2; do
    awk 'NR == FNR { if ($2 !~ /^=/) has[$1] = has[$1] " " $2; next }
    $2 ~ /^=/ { n = split(has[substr($2, 2)], e, " "); for (i = 1; i <= n; i++) print $1, e[i]; print; next }
    { print }' "$tmp/direct" "$tmp/direct" | sort -u >"$tmp/more"
    cp "$tmp/more" "$tmp/direct"
done
grep -v ' =' "$tmp/direct" >"$tmp/promised"

while read -r call error; do
    page=$man/$call.3
    [ -e "$page" ] || continue # test_pages.sh says so
    expect "$error in gcs/error.h, which $call names" grep -qF "X($error," "$include/error.h"
    expect "$call(3): 'Dv $error', which the header's comment promises" grep -qE "Dv .*\b$error\b" "$page"
done <"$tmp/promised"

# The other way round, page by page: who of its calls promises it?
for page in "$man"/gcs_*.3; do
    [ ! -L "$page" ] && [ "$page" != "$man/gcs_strerror.3" ] || continue # which has the whole table
    calls=$(sed -n 's/^\.F[no] \(gcs_[a-z_0-9]*\).*/\1/p' "$page" | sort -u)
    for error in $(explained "$page"); do
        checked=$((checked + 1))
        for call in $calls; do
            grep -qx "$call $error" "$tmp/promised" && continue 2
        done
        complain "$(basename "$page" .3)(3) explains $error: a header comment of $(echo $calls | tr '\n' ' ')that names it"
    done
done

# What bodies say themselves, through the functions that they call in the same file.
said() {
    awk '
    FNR == 1 { f = "" }
    /^[a-z].*[a-z_0-9]\(/ && !/;$/ { name = $0; sub(/\(.*/, "", name); sub(/.*[ *]/, "", name) }
    /^\{/ { f = name; file[f] = FILENAME; next }
    /^\}/ { f = ""; next }
    f != "" {
        rest = $0
        while (match(rest, /gcs_fail\(GCS_E[A-Z]+/)) { print "E", FILENAME ":" f, substr(rest, RSTART + 9, RLENGTH - 9); rest = substr(rest, RSTART + RLENGTH) }
        rest = $0
        while (match(rest, /[a-z_][a-z_0-9]*\(/)) { print "C", FILENAME ":" f, FILENAME ":" substr(rest, RSTART, RLENGTH - 1); rest = substr(rest, RSTART + RLENGTH) }
    }' "$@" | awk '
    $1 == "E" { says[$2] = says[$2] " " $3 }
    $1 == "C" { calls[$2] = calls[$2] " " $3 }
    function follow(f, from,    n, c, i) {
        if (seen[f, from]++) return
        n = split(says[f], c, " ")
        for (i = 1; i <= n; i++) print from, c[i]
        n = split(calls[f], c, " ")
        for (i = 1; i <= n; i++) follow(c[i], from)
    }
    END { for (f in calls) { name = f; sub(/.*:/, "", name); if (name ~ /^gcs_/) follow(f, name) } }' | sort -u
}
said "$root"/gcs/endpoint*.c "$root"/gcs/api*.c $(ls "$root"/gcs/replica/*.c 2>/dev/null) >"$tmp/said"
while read -r call error; do
    grep -q "^$call$" "$tmp/exported" 2>/dev/null || grep -qx "$call" "$root/gcs/libgcs.symbols" || continue
    expect "the header's comment of $call names $error, which its body says" grep -qx "$call $error" "$tmp/promised"
    [ -e "$man/$call.3" ] || continue
    explained "$man/$call.3" >"$tmp/explained"
    expect "$call(3): '.It Dv $error' under ERRORS, which its body says" grep -qx "$error" "$tmp/explained"
done <"$tmp/said"
finish 150
