# SPDX-License-Identifier: BSD-3-Clause
# part: the model of agreement and flush, searched by spin; planted mistakes are found
# quick: no
# timeout: 420
. "$root/script/lib.sh"
model=$root/tests/model

spin=$(command -v spin) || {
    fetch_packages spin && spin=$packages/usr/bin/spin
    [ -x "$spin" ] || { skip model "there is no spin to be had: the model has not been checked"; exit; }
}

# search FOLDER WANTED OPTIONS...: leaves what spin's search has come to in FOLDER/found.
search() {
    local optimize=-O1
    mkdir -p "$1"
    cd "$1" || return
    [ "$2" = holds ] && optimize=-O2
    shift 2
    "$spin" "$@" -a "$model/view_agreement.pml" >said 2>&1 &&
        cc $optimize -w -DSAFETY -DNOREDUCE -DMEMLIM=1900 -o pan pan.c >>said 2>&1 &&
        ./pan -w24 -m1000 -n >>said 2>&1
    if grep -q 'errors: 0$' said && ! grep -q -e 'Search not completed' -e 'too small' said; then
        echo holds
    else
        sed -n 's/^pan:1: assertion violated \([a-z_]*\) .*/\1/p' said
    fi >found
    sed -n -e 's/ *\([0-9]*\) states, stored.*/\1 states/p' -e 's/^pan: elapsed time \(.*\) seconds/\1 s/p' said |
        paste -sd' ' >cost
    rm -f pan pan.* _spin_nvr.tmp
}

# found NAME WANTED: as it says in the table, or what was said.
found() {
    [ "$(cat "$1/found")" = "$2" ] && return
    cat "$1/said"
    return 1
}

title() { # title NAME WANTED
    case $1 in
    MISTAKE_*) echo "model: $1 fails $2" ;;
    STORY_*) echo "model: $1 happens" ;;
    *) echo "model: $1 holds" ;;
    esac
}

# Two searches at a time: each may take more than a gigabyte.
table() { grep -v -e '^#' -e '^$' "$model/searches"; }
line=0
while read -r name wanted options; do
    line=$((line + 1))
    case $name in MISTAKE_* | STORY_*) options="-D$name $options" ;; esac
    while [ "$(jobs -rp | wc -l)" -ge 2 ]; do
        wait -n
    done
    # shellcheck disable=SC2086 # a list of options
    search "$tmp/$line" "$wanted" $options &
done < <(table)
wait

line=0
while read -r name wanted options; do
    line=$((line + 1))
    echo "$name $options: $(cat "$tmp/$line/cost")"
    verdict "$(title "$name" "$wanted")" found "$tmp/$line" "$wanted"
done < <(table)
