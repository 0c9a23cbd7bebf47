# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Cross compilers from Debian packages that are unpacked into the cache, never
# installed. Source after lib.sh, then:
#
#   cross_setup s390x|i686    fetch; sets cross_cc (an array) and cross_run
#   "${cross_cc[@]}" -o program sources...    a static program
#   "${cross_run[@]}" program
#
# Debian's cross compiler looks for its parts at fixed places below /usr. Run
# from another tree, gcc finds cc1 by where it lies itself (it relocates its
# prefix); the C library's headers and start files have to be named. Static,
# because libc.so is a linker script with absolute paths.

cross_setup() {
    local triplet arch version c
    case $1 in
    s390x) triplet=s390x-linux-gnu arch=s390x cross_run=("$packages/usr/bin/qemu-s390x-static") ;;
    i686) triplet=i686-linux-gnu arch=i386 cross_run=() ;;
    *) die "cross_setup: unknown architecture $1" ;;
    esac
    have_apt || return 77
    version=$(apt-cache depends "gcc-$triplet" 2>/dev/null | sed -n "s/.*Depends: gcc-\([0-9]*\)-$triplet\$/\1/p" | head -1)
    if [ -z "$version" ]; then # the lists of packages may just be missing
        as_root apt-get update -qq >&2
        version=$(apt-cache depends "gcc-$triplet" 2>/dev/null | sed -n "s/.*Depends: gcc-\([0-9]*\)-$triplet\$/\1/p" | head -1)
    fi
    [ -n "$version" ] || return 77
    fetch_packages "gcc-$version-$triplet" "cpp-$version-$triplet" "binutils-$triplet" \
        "libgcc-$version-dev-$arch-cross" "libgcc-s1-$arch-cross" "libc6-$arch-cross" \
        "libc6-dev-$arch-cross" "linux-libc-dev-$arch-cross" || return 1
    if [ ${#cross_run[@]} != 0 ]; then
        fetch_packages qemu-user-static || return 1
        find "$packages/usr/bin" -name 'qemu-*-static' ! -name qemu-s390x-static -delete # 250 MB
    fi
    c=$packages/usr
    # xxhash is headers only, and the same for everybody: a folder of its own,
    # so that no other header of this machine is seen.
    mkdir -p "$cache/include"
    cp /usr/include/xxhash.h "$cache/include/"
    cross_cc=(env LD_LIBRARY_PATH="$c/lib/$(uname -m)-linux-gnu" # the assembler's libbfd
        "$c/bin/$triplet-gcc-$version"
        -B"$c/$triplet/bin" -B"$c/lib/gcc-cross/$triplet/$version"
        -B"$c/$triplet/lib" -L"$c/$triplet/lib"
        -nostdinc -isystem "$c/lib/gcc-cross/$triplet/$version/include"
        -isystem "$cache/include" -isystem "$c/$triplet/include"
        -static)
}

# cross_objects sources...: compile in parallel below $tmp; sets objects.
cross_objects() {
    local source
    objects=()
    for source; do
        objects+=("$tmp/${source%.c}.o")
        mkdir -p "$tmp/$(dirname "$source")"
        printf '%s\0%s\0' "$tmp/${source%.c}.o" "$source"
    done >"$tmp/compile"
    # -c, -o and both names come last, so that xargs can append them.
    (cd "$root" && xargs -0 -r -n 2 -P "$jobs" "${cross_cc[@]}" "${cross_flags[@]}" -c -o <"$tmp/compile")
}

# cross_test ARCH RUNS: the part of script/test for one architecture.
cross_test() {
    local arch=$1 runs=$2 status=0 core golden world
    if [ "$arch" = i686 ] && [ "$(uname -m)" != x86_64 ]; then
        skip "$arch" "this processor does not run it"
        return
    fi
    cross_setup "$arch" || status=$?
    if [ $status = 77 ]; then
        skip "$arch" "there are no packages of a cross compiler here"
        return
    elif [ $status != 0 ]; then
        fail "$arch: compiler" "could not be fetched"
        return
    fi
    cd "$root" || return
    mapfile -t core <build/generated/core.list
    mapfile -t golden <build/generated/golden.list
    mapfile -t world <build/generated/simulator.list
    cross_flags=(-std=c11 -O1 -g -Wall -Wextra -Wno-stringop-overflow -Werror -D_GNU_SOURCE -DGCS_HAVE_RDMA=0
        -DGCS_VERSION="\"cross\"" -I"$root" -I"$root/gcs/include")
    if [ ${#core[@]} = 0 ]; then
        skip "$arch" "there are no sources"
        return
    fi
    verdict "$arch: the core compiles" cross_objects "${core[@]}" || return
    core=("${objects[@]}")

    if [ ${#golden[@]} != 0 ]; then
        build_golden() {
            cross_objects "${golden[@]}" && "${cross_cc[@]}" -o "$tmp/golden" "${objects[@]}" "${core[@]}"
        }
        verdict "$arch: golden bytes: build" build_golden || return
        "${cross_run[@]}" "$tmp/golden" --help >/dev/null 2>&1
        if [ $? = 126 ]; then
            skip "$arch" "this kernel does not run its programs"
            return
        fi
        verdict "$arch: golden bytes" "${cross_run[@]}" "$tmp/golden"
    else
        skip "$arch: golden bytes" "there are no sources"
    fi
    if [ ${#world[@]} != 0 ]; then
        build_simulator() {
            cross_objects "${world[@]}" && "${cross_cc[@]}" -o "$tmp/gcs-sim" "${objects[@]}" "${core[@]}" -lm
        }
        verdict "$arch: simulator: build" build_simulator &&
            verdict "$arch: simulator: $runs runs" "${cross_run[@]}" "$tmp/gcs-sim" \
                --seed 1 --runs "$runs" --faults all --service mixed
    else
        skip "$arch: simulator" "there are no sources"
    fi
}
