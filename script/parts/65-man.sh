# SPDX-License-Identifier: BSD-3-Clause
# part: mandoc has nothing to say about the manual
# timeout: 900
. "$root/script/lib.sh"
shopt -s nullglob
pages=("$root"/man/*.[1-9])
[ ${#pages[@]} != 0 ] || skip man "there is no manual"
lint() {
    local said
    said=$(mandoc -T lint -W warning "$1" 2>&1)
    [ -z "$said" ] || { echo "$said"; return 1; }
}
for page in "${pages[@]}"; do
    verdict "man: $(basename "$page")" lint "$page"
done
