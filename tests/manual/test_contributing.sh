#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# CONTRIBUTING.md lists what belongs to a frame, an ordering, a transport and a checker.
# What there is of each has all of that.
# shellcheck source=tests/manual/lib.sh
. "$(dirname "$0")/lib.sh"

contributing=$root/CONTRIBUTING.md
for subject in frame ordering transport checker; do
    expect "CONTRIBUTING.md: '## Add a $subject'" grep -qE "^## Add an? $subject\$" "$contributing"
done

# ---- Frames ---------------------------------------------------------------------------------
sed -n 's/^ *GCS_FRAME_\([A-Z_]*\) = \([0-9]*\),.*/\2 \1/p' "$root/gcs/wire/packet.h" >"$tmp/frames"
while read -r number name; do
    words=$(echo "$name" | tr _ ' ')
    expect "gcs_protocol(7): '$number $words' in the table of frames" \
        grep -qE "(^| )$number $words( |\$)" "$man/gcs_protocol.7"
    expect "gcs_protocol(7): '.It $words'" grep -qE "^\.It (.* , )?$words( ,.*)?\$" "$man/gcs_protocol.7"
done <"$tmp/frames"
[ -z "$(cut -d' ' -f1 "$tmp/frames" | sort | uniq -d)" ] || complain "a number of its own for each frame"
for source in "$root"/gcs/wire/*.c; do
    name=$(basename "$source" .c)
    grep -qE "GCS_FRAME_|_(read|decode)\(" "$source" || continue # no decoder: checksums
    uses="gcs/wire/$name\.h|gcs_${name}_"
    expect "golden bytes in tests/golden for gcs/wire/$name.c" grep -qE "$uses" "$root"/tests/golden/*.c
    # A fuzzer of its own, or one of those that take whole packets and sessions.
    expect "a fuzzer in tests/fuzz that decodes gcs/wire/$name.c" sh -c "grep -qE '$uses' $root/tests/fuzz/*.c ||
        grep -qE '\"gcs/wire/$name.h\"' $root/gcs/core.c $root/gcs/core_packet.c $root/gcs/group*.c $root/gcs/era*.c $root/gcs/*.h $root/views/*.[ch]"
done

# ---- Orderings --------------------------------------------------------------------------------
for source in "$root"/gcs/order/*.c; do
    name=$(basename "$source" .c)
    # Of what has the interface's table of operations; the other files help one of these.
    grep -qE "gcs_order_ops gcs_order_$name = \{" "$source" || continue
    expect "gcs_order_$name in use" sh -c "grep -lE 'gcs_order_$name\b' $root/gcs/order/order.c $root/gcs/era*.c"
    expect "tests/unit/test_$name*.c for gcs/order/$name.c" sh -c "ls $root/tests/unit/test_$name*.c"
    expect "gcs_ordering(7) explains $name" grep -qiE "\b$name\b" "$man/gcs_ordering.7"
done

# ---- Transports -------------------------------------------------------------------------------
for scheme in $(sed -n 's/^ *{"\([a-z]*\)", gcs_[a-z_]*open}.*/\1/p' "$root/transport/open.c"); do
    expect "man/gcs_$scheme.7 for the transport $scheme" test -e "$man/gcs_$scheme.7"
    expect "tests/conformance: the transport $scheme" grep -qE "$scheme://" "$root"/tests/conformance/*.c
done

# ---- Checkers ---------------------------------------------------------------------------------
# (That each is shown to find a bug: tests/mutants refuses to run if a property has no mutant.)
for check in $(sed -n 's/^void \(check_[a-z_]*\)(const struct history.*/\1/p' "$root"/tests/checkers/*.c | sort -u); do
    expect "$check in CHECKER_TABLE of tests/checkers/checkers.h" grep -qE "X\($check," "$root/tests/checkers/checkers.h"
done
for property in $(sed -n 's/^ *X(check_[a-z_]*, "\([a-z_ -]*\)".*/\1/p' "$root/tests/checkers/checkers.h" | tr ' ' '~'); do
    property=$(echo "$property" | tr '~' ' ')
    expect "a bug in GCS_MUTANT_TABLE of gcs/base/mutant.h that breaks '$property'" grep -qF "\"$property\"" "$root/gcs/base/mutant.h"
done
finish 60
