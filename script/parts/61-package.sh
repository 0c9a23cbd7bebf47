# SPDX-License-Identifier: BSD-3-Clause
# part: the Debian packages: lintian, and a stranger who installs them, compiles README's program and reads the manual
# timeout: 600
. "$root/script/lib.sh"
command -v dpkg-deb >/dev/null || { skip package "this is not Debian"; exit; }
build=$root/build-package
verdict "package: script/package" "$root/script/package" "$build" || exit 1
packages=("$build"/*.deb)
# As SECURITY.md says it, and nowhere else.
contact=${GCS_CONTACT:-$(sed -n 's/.*`\(maintainers@[^`]*\)`.*/\1/p' "$root/SECURITY.md")}
for package in "${packages[@]}"; do
    verdict "package: the maintainer of $(basename "$package")" \
        sh -c 'dpkg-deb --field "$1" Maintainer | grep -qF -e "$2"' sh "$package" "$contact"
done
if command -v lintian >/dev/null; then
    for package in "${packages[@]}"; do
        verdict "package: lintian: $(basename "$package")" \
            lintian --allow-root --fail-on error "$package"
    done
else
    skip "package: lintian" "NOT CHECKED: there is no lintian (script/setup --tests installs it)"
fi

# In a copy of this system that is gone afterwards: what is written goes to a tmpfs over it. The
# network is one of its own, and the sources are not there.
stranger() {
    local status=0
    mkdir -p "$tmp/over" "$tmp/root"
    "$root/tests/readme/extract.sh" >"$tmp/hello.c"
    # shellcheck disable=SC2016 # variables of the inner shell
    unshare --mount --net --pid --fork --kill-child --propagation private sh -euc '
        tmp=$1 sources=$2
        shift 2
        mount -t tmpfs over "$tmp/over"
        mkdir "$tmp/over/upper" "$tmp/over/work"
        mount -t overlay root -o "lowerdir=/,upperdir=$tmp/over/upper,workdir=$tmp/over/work" "$tmp/root"
        mkdir -p "$tmp/root/stranger"
        cp "$@" "$tmp/hello.c" "$sources/tests/package/stranger.sh" "$tmp/root/stranger"
        mount -t tmpfs nothing "$tmp/root$sources"
        mount -t tmpfs -o mode=1777 tmp "$tmp/root/tmp"
        mount -t proc proc "$tmp/root/proc"
        mount --bind /dev "$tmp/root/dev"
        ip link set lo up
        exec chroot "$tmp/root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/stranger LANG=C.UTF-8 \
            bash /stranger/stranger.sh
    ' sh "$tmp" "$root" "${packages[@]}" || status=$?
    return $status
}
if [ "$(id -u)" != 0 ]; then
    skip "package: a stranger" "NOT TRIED: needs root, for a file system over this one"
elif ! unshare --mount --propagation private sh -c 'mkdir -p "$1/t" && mount -t tmpfs t "$1/t" &&
    mkdir "$1/t/u" "$1/t/w" "$1/t/m" && mount -t overlay o -o "lowerdir=/,upperdir=$1/t/u,workdir=$1/t/w" "$1/t/m"' sh "$tmp"; then
    skip "package: a stranger" "NOT TRIED: this system allows no overlay file system here"
else
    verdict "package: a stranger" stranger
fi
