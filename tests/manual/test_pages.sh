#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Everything that there is has its place in the manual: each exported call a page that names it and
# shows how it is called, each option of a struct or a tool its entry, each value of
# the status socket, each enumerator, each tool, each subject.
#
#   test_pages.sh BUILD_FOLDER
# shellcheck source=tests/manual/lib.sh
. "$(dirname "$0")/lib.sh"
build=${1:-$root/build}

in_page() { # in_page FIXED_TEXT PAGE...: as a line's beginning or a whole word in it
    text=$1
    shift
    grep -qF -e "$text" "$@"
}
anywhere() { grep -qwF -e "$1" "$man"/*.3 "$man"/*.5 "$man"/*.7; }

# ---- Calls --------------------------------------------------------------------------------
for symbol in $(sed -e 's/#.*//' "$root/gcs/libgcs.symbols"); do
    page=$man/$symbol.3
    expect "man/$symbol.3: a page (or a link to one) for the exported call $symbol" test -e "$page"
    [ -e "$page" ] || continue
    expect "$symbol(3): '.Nm $symbol' in its NAME section" grep -qE "^\.Nm $symbol( ,)?$" "$page"
    expect "$symbol(3): '.Fn' or '.Fo' $symbol in its SYNOPSIS" grep -qE "^\.F[no] $symbol( |$)" "$page"
done
for header in "$include"/*.h; do
    for inline in $(without_comments "$header" | sed -n 's/^static inline .*\b\(gcs_[a-z_0-9]*\)(.*/\1/p'); do
        expect "the inline call $inline of gcs/$(basename "$header"), in any page" anywhere "$inline"
    done
done

# ---- Options and values -------------------------------------------------------------------
for header in "$include"/*.h; do
    for struct in $(sed -n 's/^struct \(gcs_[a-z_0-9]*_\(options\|config\)\) {.*/\1/p' "$header"); do
        for field in $(fields "$header" "$struct"); do
            expect "'.It Fa $field' of struct $struct in a page that has '$struct'" \
                sh -c "grep -lwF $struct $man/*.3 | xargs grep -qE '^\.It Fa .*\b$field\b'"
        done
    done
    for name in $(without_comments "$header" | awk '/^enum gcs_[a-z_]* \{/ { inside = 1; sub(/.*\{/, "") }
        inside { n = split($0, part, ","); for (i = 1; i <= n; i++) if (match(part[i], /GCS_[A-Z_]+/)) print substr(part[i], RSTART, RLENGTH) }
        /\}/ { inside = 0 }' | grep -vE '_TABLE$|_ENUM$|_NONE$' | sort -u); do
        expect "the enumerator $name of gcs/$(basename "$header"), in any page" anywhere "$name"
    done
done
for name in $(table "$include/core.h" GCS_COUNTER_TABLE) $(table "$include/status.h" GCS_GROUP_STATUS_TABLE) \
    $(table "$include/status.h" GCS_MEMBER_STATUS_TABLE); do
    expect "gcs_status(7): '.It Va $name' (tests/manual/status-lists writes it)" grep -qx -e ".It Va $name" "$man/gcs_status.7"
done
for option in $(grep -ohE 'gcs_url_[a-z]+\(url, "[a-z_]+"' "$root"/transport/*.c | sed 's/.*"\(.*\)"/\1/' | sort -u); do
    expect "the URL option '$option', as 'Cm $option' in the page of a transport" \
        grep -qE "Cm $option\b" "$man"/gcs_udp.7 "$man"/gcs_rdma.7
done

# What can be turned stands in the page on tuning too: all options but those that say what a group is
# and where it is looked for.
for option in $(fields "$include/gcs.h" gcs_endpoint_options; fields "$include/core.h" gcs_group_config); do
    case " size flags cluster status status_mode bootstrap order state rejoin look_ns seeds seeds_count expect " in
    *" $option "*) ;;
    *) expect "gcs_tuning(7): 'Fa $option'" grep -qE "Fa (.* )?$option\b" "$man/gcs_tuning.7" ;;
    esac
done

# ---- Tools --------------------------------------------------------------------------------
tools() {
    for source in "$root"/tools/gcs*.c "$root"/bench/gcs*.c; do
        ! grep -q '^int main(' "$source" || basename "$source" .c
    done
    [ ! -d "$root/tests/lab" ] || echo gcs-lab
}
for tool in $(tools); do
    page=$man/$tool.1
    expect "man/$tool.1: a page for the tool $tool" test -e "$page"
    [ -e "$page" ] || continue
    for program in "$build/tools/$tool" "$build/bench/$tool" "$build/tests/$tool"; do
        [ -x "$program" ] || continue
        # (gcs has options by command: tests/tools/test_usage.sh)
        for option in $("$program" --help 2>/dev/null | grep -oE '^ *--[a-z][a-z0-9-]+' | tr -d ' ' | sort -u); do
            expect "$tool(1): 'Fl ${option#-}'" in_page "Fl ${option#-}" "$page"
        done
    done
done

# ---- Subjects -----------------------------------------------------------------------------
subjects="gcs.7 gcs_views.7 gcs_ordering.7 gcs_protocol.7 gcs_udp.7 gcs_tuning.7 gcs_status.7 gcs_repair.7 gcs_trace.5"
[ ! -e "$include/replica.h" ] || subjects="$subjects gcs_replication.7"
set -- "$root"/transport/rdma*.c
[ ! -e "$1" ] || subjects="$subjects gcs_rdma.7"
for subject in $subjects; do
    expect "man/$subject" test -e "$man/$subject"
    [ "$subject" = gcs.7 ] || expect "gcs(7) names $subject" grep -qE "^\.Xr ${subject%.*} ${subject##*.}" "$man/gcs.7"
done

# ---- Files ----------------------------------------------------------------------------------
for page in "$man"/*; do
    if [ -L "$page" ]; then
        expect "$(basename "$page"): the page that the link points to" test -e "$page"
    fi
    for section in NAME DESCRIPTION "SEE ALSO"; do
        expect "$(basename "$page"): a section $section" grep -qx ".Sh $section" "$page"
    done
    case $page in
    *.3)
        for section in LIBRARY SYNOPSIS EXAMPLES; do
            expect "$(basename "$page"): a section $section" grep -qx ".Sh $section" "$page"
        done
        ;;
    esac
done
finish 400
