#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# gcs-sim's options: what is wrong is named and ends with status 2, before
# anything is run.
set -euo pipefail
sim=$1/tools/gcs-sim

refuse() { # refuse WORD ARGUMENTS...
    local word=$1 status=0 output
    shift
    output=$("$sim" "$@" 2>&1) || status=$?
    if [ $status != 2 ] || ! grep -q -- "$word" <<<"$output"; then
        echo "gcs-sim $*: status $status, output: $output"
        exit 1
    fi
}

refuse '"-1"' --seed -1
refuse '"0"' --runs 0
refuse '"x"' --members x
refuse '"513"' --members 513
refuse '"7" is no number from 8 to 1000' --scale --members 7
refuse '"1001" is no number from 8 to 1000' --members 1001 --scale
refuse 'one at a time' --scale --flow
refuse '"1e3"' --messages 1e3
refuse '"random" is no order' --order random
refuse '"best" is no service' --service best
refuse '"loss,fire"' --faults loss,fire
refuse '""' --faults ""
refuse '/nonexistent/file' --trace /nonexistent/file
refuse '"extra"' extra
refuse 'unrecognized' --flaws loss
"$sim" --help | grep -q '^usage: gcs-sim'
"$sim" --order lamport --service causal --messages 20 | tail -1 | grep -q '^gcs-sim: ok: 1 runs'
"$sim" --messages 0 --members 1 | tail -1 | grep -q '^gcs-sim: ok: 1 runs'
"$sim" --scale --members 63 --messages 100 --json | grep -q '"rows":\[{"members":8,[^}]*}\],.*"ok":true}$'
"$sim" --json --seed 7 --messages 20 2>/dev/null | tail -1 |
    grep -q '^{"ok":true,"seed":7,"runs":1,"members":5,"world":{.*}}$'
