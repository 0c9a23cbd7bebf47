# SPDX-License-Identifier: BSD-3-Clause
# part: every fuzzer over its corpus, then a few seconds of new inputs
# quick: no
# timeout: 1500
. "$root/script/lib.sh"
seconds=10
if ! compgen -G "$root/tests/fuzz/fuzz_*.c" >/dev/null; then
    skip fuzz "there is no fuzzer"
    exit
fi
run_ctest fuzz -L '^fuzz$'
# New inputs go to the first folder; a crash is kept where it can be found.
fuzz() { # fuzz FUZZER NAME
    "$1" -max_total_time=$seconds -timeout=5 -rss_limit_mb=1024 -print_final_stats=1 -verbosity=0 \
        -artifact_prefix="$root/build-fuzz/$2-" "$tmp/$2/corpus" "$root/tests/fuzz/corpus/$2" \
        >"$tmp/$2/said" 2>&1
    echo $? >"$tmp/$2/status"
}
# A crash's exit status, 77, is what the other tests say for skipped.
result() { cat "$1/said" && [ "$(cat "$1/status")" = 0 ]; }

names=()
for fuzzer in "$root"/build-fuzz/tests/fuzz/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    name=$(basename "$fuzzer" | sed 's/^fuzz_//')
    names+=("$name")
    mkdir -p "$tmp/$name/corpus"
    while [ "$(jobs -rp | wc -l)" -ge "$jobs" ]; do
        wait -n
    done
    fuzz "$fuzzer" "$name" &
done
wait
for name in "${names[@]}"; do
    verdict "fuzz: $name for $seconds s" result "$tmp/$name"
done
