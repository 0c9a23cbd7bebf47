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
for fuzzer in "$root"/build-fuzz/tests/fuzz/fuzz_*; do
    [ -x "$fuzzer" ] || continue
    name=$(basename "$fuzzer" | sed 's/^fuzz_//')
    mkdir -p "$tmp/$name/corpus"
    # New inputs go to the first folder; a crash is kept where it can be found.
    verdict "fuzz: $name for $seconds s" "$fuzzer" -max_total_time=$seconds -timeout=5 -rss_limit_mb=1024 \
        -print_final_stats=1 -verbosity=0 -artifact_prefix="$root/build-fuzz/$name-" \
        "$tmp/$name/corpus" "$root/tests/fuzz/corpus/$name"
done
