# SPDX-License-Identifier: BSD-3-Clause
# part: what is installed: headers alone, a C and a C++ user by pkg-config and by CMake
# timeout: 900
. "$root/script/lib.sh"
[ -e "$root/build/libgcs.so" ] || { skip install "there is no library"; exit; }
prefix=$tmp/prefix
verdict "install: cmake --install" cmake --install "$root/build" --prefix "$prefix" || exit 1
libdir=$(dirname "$(find "$prefix" -name libgcs.so | head -1)")
# The build's prefix is in libgcs.pc; pkg-config moves it to where the file is.
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
pc=(pkg-config --define-variable=prefix="$prefix" --define-variable=libdir="$libdir"
    --define-variable=includedir="$prefix/include")

for header in "$prefix"/include/gcs/*.h; do
    name=$(basename "$header")
    printf '#include <gcs/%s>\n#include <gcs/%s>\n' "$name" "$name" >"$tmp/alone"
    verdict "install: $name alone in C11" \
        cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -x c -fsyntax-only "$tmp/alone"
    verdict "install: $name alone in C++17" \
        c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -I"$prefix/include" -x c++ -fsyntax-only "$tmp/alone"
done

consumer=$root/tests/consumer
by_pkg_config() { # by_pkg_config COMPILER STANDARD SOURCE LINKAGE
    local flags libs
    flags=$("${pc[@]}" --cflags libgcs) || return
    if [ "$4" = static ]; then
        libs="$libdir/libgcs.a $("${pc[@]}" --libs --static libgcs | sed 's/-lgcs\b//')" || return
    else
        libs=$("${pc[@]}" --libs libgcs) || return
    fi
    # shellcheck disable=SC2086 # lists of flags
    "$1" -std="$2" -Wall -Wextra -Werror $flags -o "$tmp/consumer" "$3" $libs && "$tmp/consumer"
}
verdict "install: C by pkg-config" by_pkg_config cc c11 "$consumer/consumer.c" shared
verdict "install: C by pkg-config, static" by_pkg_config cc c11 "$consumer/consumer.c" static
verdict "install: C++17 by pkg-config" by_pkg_config c++ c++17 "$consumer/consumer.cc" shared
simulated() {
    local flags
    flags=$("${pc[@]}" --cflags libgcs) || return
    # shellcheck disable=SC2086,SC2046 # lists of flags
    cc -std=c11 -Wall -Wextra -Werror $flags -o "$tmp/consumer" "$consumer/replica_sim.c" \
        -L"$libdir" -lgcs-replica-sim -lgcs-simnet $("${pc[@]}" --libs libgcs) && "$tmp/consumer"
}
verdict "install: a service under the simulator" simulated
by_cmake() {
    cmake -G Ninja -S "$consumer" -B "$tmp/consumer-build" -DCMAKE_PREFIX_PATH="$prefix" &&
        cmake --build "$tmp/consumer-build" &&
        "$tmp/consumer-build/consumer-c" && "$tmp/consumer-build/consumer-static" && "$tmp/consumer-build/consumer-cc" &&
        "$tmp/consumer-build/consumer-sim"
}
verdict "install: C and C++17 by CMake" by_cmake
tool_runs() { env -u LD_LIBRARY_PATH "$prefix/bin/gcs" --help; }
if [ -x "$prefix/bin/gcs" ]; then
    verdict "install: the tool finds its library" tool_runs
fi
