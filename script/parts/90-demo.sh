# SPDX-License-Identifier: BSD-3-Clause
# part: script/demo
# timeout: 120
. "$root/script/lib.sh"
[ -x "$root/script/demo" ] || { skip demo "there is no script/demo"; exit; }
demo() {
    "$root/script/demo" | tee "$tmp/out" && tail -n 1 "$tmp/out" | grep '^demo: ok: '
}
set -o pipefail
verdict demo demo
kv() {
    "$root/script/demo" kv | tee "$tmp/out" && tail -n 1 "$tmp/out" | grep '^demo: ok: '
}
if command -v redis-cli >/dev/null; then verdict "demo kv" kv; else skip "demo kv" "no redis-cli (script/setup --tests)"; fi
