#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# ctest-timeout: 300
#
# Lives that once went wrong, with all faults: number of members and seed; mixed services but for the last.
set -euo pipefail
sim=$1/tools/gcs-sim
live() { # live MEMBERS SEED WHAT OPTION...
    "$sim" --members "$1" --seed "$2" --faults all "${@:4}" >/dev/null || {
        echo "$1 members, seed $2: $3"
        exit 1
    }
}
while read -r members seed what; do
    live "$members" "$seed" "$what" --service mixed
done <<'SEEDS'
5 9249 a member that was excluded while it got the state was not told so
5 300324 a view that gives a vote after all was well
5 303260 a decision kept by who was excluded before it had been carried out
5 306275 a state with what did not get into the cut
3 2000633 leaving while another is evicted
3 2000907 a group founded by looking that has lost its other half
3 2101379 looking around for ever
4 40013976 who was excluded took the decision along
4 116715127 who was excluded for good was the only one who knew the decision
5 117700923 the same with another crash
5 405003121 told that a large message is stable when its first piece was
4 404002835 who left had the only quorum
3 153007708 a leaver with most of the votes that did not wait for those who were cut off
3 182008200 the same before it had said that it leaves
3 182007784 who was paused took all that it was asked meanwhile for a flood
4 154011548 a complaint of a bad link that was withdrawn unheard
4 68122938 an observer that missed the word of what is safe was not told again
7 201016968 the sums of a membership that ended while it got the state were compared with the next one's
SEEDS
live 64 66000339 "ballots of rivals that overtook each other without end" --region-size 8
