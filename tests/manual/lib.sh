# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=sh
#
# What the tests of the manual share. Each complains in words that say what is missing where, and
# exits with 1 if anything is.

root=$(cd "$(dirname "$0")/../.." && pwd)
man=$root/man
include=$root/gcs/include/gcs
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0 checked=0

# What is known to be missing for now stands in known_gaps, in the same words.
complain() {
    if grep -qxF -e "$*" "$root/tests/manual/known_gaps"; then
        echo "missing, as is known: $*"
        return
    fi
    echo "MISSING: $*"
    failed=1
}

# expect WORDS COMMAND...: WORDS is what is missing if the command fails.
expect() {
    missing=$1
    shift
    checked=$((checked + 1))
    "$@" >/dev/null 2>&1 || complain "$missing"
}

# finish AT_LEAST: a script that looks at too little has gone blind.
finish() {
    echo "$(basename "$0"): $checked things checked"
    [ "$checked" -ge "$1" ] || complain "$(basename "$0") sees too little: $checked, not $1"
    exit "$failed"
}

# without_comments FILE: C, on standard output.
without_comments() {
    awk '{ text = text $0 "\n" }
    END {
        while ((begin = index(text, "/*")) > 0) {
            printf "%s", substr(text, 1, begin - 1)
            text = substr(text, begin + 2)
            text = substr(text, index(text, "*/") + 2)
        }
        printf "%s", text
    }' "$1"
}

# fields HEADER STRUCT: the names of a struct's fields, a line each.
fields() {
    without_comments "$1" | awk -v name="$2" '
    $0 ~ "^struct " name " \\{" { inside = 1; next }
    inside && /^\};/ { exit }
    inside && /;/ {
        sub(/;.*/, "")
        if (/\(\*/) { sub(/.*\(\*/, ""); sub(/\).*/, "") }
        n = split($0, part, ",")
        for (i = 1; i <= n; i++) {
            sub(/\[.*/, "", part[i]); gsub(/[ \t]+$/, "", part[i]); sub(/.*[ *]/, "", part[i])
            print part[i]
        }
    }'
}

# table HEADER NAME: the names in an X-macro table, a line each.
table() {
    awk -v name="$2" '
    $0 ~ "#define " name "\\(X\\)" { inside = 1; next }
    inside { if (match($0, /X\([A-Za-z_0-9]+/)) print substr($0, RSTART + 2, RLENGTH - 2) }
    inside && !/\\$/ { exit }' "$1"
}
