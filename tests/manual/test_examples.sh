#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# The programs in the manual compile without a warning and run: examples_driver.c calls each function
# that they define.
#
#   test_examples.sh BUILD_FOLDER
# ctest-timeout: 300
# shellcheck source=tests/manual/lib.sh
. "$(dirname "$0")/lib.sh"
build=${1:-$root/build}
[ -e "$build/libgcs.so" ] || { echo "SKIPPED: there is no library"; exit 77; }

# Each block of an EXAMPLES section that begins with an #include, as a file of its own.
for page in "$man"/*.3 "$man"/*.7; do
    [ ! -L "$page" ] || continue
    awk -v out="$tmp/$(basename "$page")" '
    /^\.Sh / || /^\.Ss / { inside = /EXAMPLES|Tutorial|tutorial/ || FILENAME ~ /\.7$/ }
    inside && /^\.Bd -literal/ { block = 1; first = 1; next }
    /^\.Ed/ { block = 0; next }
    block {
        if (first) { first = 0; is_c = /^#include/; if (is_c) n++ }
        gsub(/\\&/, ""); gsub(/\\e/, "\\")
        if (is_c) print > (out "." n ".c")
    }' "$page"
done
objects=
flags="-std=c11 -D_GNU_SOURCE -I$root/gcs/include"
for source in "$tmp"/*.c; do
    name=$(basename "$source" .c)
    # shellcheck disable=SC2086 # lists
    expect "$name: a program that compiles" ${CC:-cc} $flags -Wall -Wextra -Werror -c -o "${source%.c}.o" "$source"
    [ -e "${source%.c}.o" ] || continue
    nm --defined-only -g "${source%.c}.o" | awk '$2 == "T" { print $3 }' >"$tmp/defined"
    if grep -qx main "$tmp/defined"; then # a whole program: links; the stories of gcs(7) are examples/ too
        # shellcheck disable=SC2086
        expect "$name: a program that links" ${CC:-cc} -o "$tmp/program" "${source%.c}.o" -L"$build" -lgcs -pthread
        continue
    fi
    # What libgcs-replica-sim is for runs in tests of its own.
    ! grep -q '<gcs/replica_sim.h>' "$source" || continue
    objects="$objects ${source%.c}.o"
    cat "$tmp/defined" >>"$tmp/all"
done
# shellcheck disable=SC2086
expect "tests/manual/examples_driver.c: compiles" ${CC:-cc} $flags -Wall -Wextra -Werror -c -o "$tmp/driver.o" "$root/tests/manual/examples_driver.c"
nm -u "$tmp/driver.o" | awk '{ print $2 }' >"$tmp/called"
for function in $(sort -u "$tmp/all"); do
    expect "a call of $function(), an example of the manual, in tests/manual/examples_driver.c" grep -qx "$function" "$tmp/called"
done
# shellcheck disable=SC2086
if ${CC:-cc} -o "$tmp/examples" "$tmp/driver.o" $objects -L"$build" -Wl,-rpath,"$build" -lgcs -pthread >"$tmp/said" 2>&1; then
    "$tmp/examples" >"$tmp/out" 2>"$tmp/said" || echo "exit status $?" >>"$tmp/said"
    expect "examples that run: $(tail -n 3 "$tmp/said")" grep -qx 'examples: ok' "$tmp/out"
else
    cat "$tmp/said"
    complain "examples that link with the driver"
fi
finish 40
