# SPDX-License-Identifier: BSD-3-Clause
# part: campaigns of the simulator, each run checked for every guarantee
# timeout: 1500
. "$root/script/lib.sh"
sim=$root/build/tools/gcs-sim
[ -x "$sim" ] || { skip simulator "there is no gcs-sim"; exit; }

# campaign SEED RUNS arguments...: the runs dealt out to all processors.
campaign() {
    local seed=$1 runs=$2 share first pids=() status=0 i
    shift 2
    share=$(((runs + jobs - 1) / jobs))
    for ((i = 0; i < jobs; i++)); do
        first=$((seed + i * share))
        [ $((i * share)) -lt "$runs" ] || break
        "$sim" --seed $first --runs $share "$@" >"$tmp/out.$i" 2>&1 &
        pids+=($!)
    done
    for ((i = 0; i < ${#pids[@]}; i++)); do
        wait "${pids[i]}" || status=$?
        tail -n 60 "$tmp/out.$i"
    done
    return $status
}
same_trace() {
    "$sim" --seed "$1" --faults all --service mixed --trace "$tmp/a" >/dev/null &&
        "$sim" --seed "$1" --faults all --service mixed --trace "$tmp/b" >/dev/null &&
        cmp "$tmp/a" "$tmp/b" && [ -s "$tmp/a" ]
}

scale=1
[ "$quick" = yes ] && scale=10
# Most seeds are the same each time, so that a failure belongs to a change. Those called fresh are
# others for each state of the sources, so that in time many are seen. GCS_SEED=N for both.
tree=$(git -C "$root" rev-parse 'HEAD^{tree}' 2>/dev/null || date +%Y%m%d)
fresh=$(($(printf %s "$tree" | cksum | cut -d ' ' -f 1) % 1000000 * 1000))
# name, runs, arguments
while read -r name runs arguments; do
    runs=$((runs / scale))
    seed=1
    [ "${name#fresh}" = "$name" ] || seed=$fresh
    seed=${GCS_SEED:-$seed}
    # shellcheck disable=SC2086 # a list of arguments
    verdict "simulator: $name: seeds $seed to $((seed + runs - 1))" campaign $seed $runs $arguments
done <<'TABLE'
agreed  2000 --members 5 --faults loss,duplicate,reorder,delay,crash --service agreed
five    2500 --members 5 --faults all --service mixed
three   2500 --members 3 --faults all --service mixed
four    1500 --members 4 --faults all --service mixed
seven   1500 --members 7 --faults all --service mixed
fresh-3  500 --members 3 --faults all --service mixed
fresh-4  500 --members 4 --faults all --service mixed
fresh-5  500 --members 5 --faults all --service mixed
fresh-7  500 --members 7 --faults all --service mixed
pairs    500 --members 2 --faults all --service mixed
many     100 --members 12 --faults all --service mixed
calm     100 --members 5 --faults none --service mixed
TABLE
verdict "simulator: the same seed gives the same trace" same_trace 42
