# SPDX-License-Identifier: BSD-3-Clause
# part: programs that were compiled against the last tag still run: abidiff
# timeout: 400
. "$root/script/lib.sh"
command -v abidiff >/dev/null || { skip abi "NOT CHECKED: there is no abidiff (script/setup --tests installs abigail-tools)"; exit; }

# A library that gives up a call, or changes what one takes, is noticed; one that gains a call is not.
library() { # library NAME LINE
    echo "$2" | cc -g -shared -fPIC -x c -o "$tmp/$1.so" -
}
library same 'int gcs_one(int x); int gcs_one(int x) { return x; } void gcs_two(void); void gcs_two(void) {}'
library fewer 'int gcs_one(int x); int gcs_one(int x) { return x; }'
library other 'int gcs_one(long x); int gcs_one(long x) { return (int)x; } void gcs_two(void); void gcs_two(void) {}'
library more 'int gcs_one(int x); int gcs_one(int x) { return x; } void gcs_two(void); void gcs_two(void) {} void gcs_three(void); void gcs_three(void) {}'
compatible() { abidiff --no-added-syms "$@"; }
notices() { ! compatible "$tmp/same.so" "$tmp/$1.so" >"$tmp/said"; }
verdict "abi: a lost call is noticed" notices fewer
verdict "abi: a changed call is noticed" notices other
verdict "abi: a new call is welcome" compatible "$tmp/same.so" "$tmp/more.so"

tag=$(git -C "$root" describe --tags --abbrev=0 --match 'v[0-9]*' 2>/dev/null || :)
if [ -z "$tag" ]; then
    skip "abi: since the last tag" "there is no tag yet: nothing has been promised to anybody"
    exit
fi
soname() { objdump -p "$1" | sed -n 's/.*SONAME *//p'; }
since() {
    git -C "$root" archive --prefix=old/ "$tag" | tar -x -C "$tmp" &&
        cmake -G Ninja -S "$tmp/old" -B "$tmp/old/build" -DCMAKE_BUILD_TYPE=Release -DGCS_TESTS=OFF &&
        cmake --build "$tmp/old/build" --target gcs || return
    if [ "$(soname "$tmp/old/build/libgcs.so")" != "$(soname "$root/build/libgcs.so")" ]; then
        echo "another soname than $tag: programs have to be compiled again, and their system says so"
        return
    fi
    compatible --headers-dir1 "$tmp/old/gcs/include" --headers-dir2 "$root/gcs/include" \
        "$tmp/old/build/libgcs.so" "$root/build/libgcs.so"
}
verdict "abi: since $tag" since
