# SPDX-License-Identifier: BSD-3-Clause
# Options, compiler flags, and the libraries that libgcs needs.

option(GCS_TESTS "build the tests (needs Check)" ON)
set(GCS_WERROR OFF CACHE STRING
    "warnings are errors: ON, OFF, or AUTO (with the compilers that we test with: gcc 12, clang 14)")
set(GCS_SANITIZE "" CACHE STRING "sanitizers, comma-separated: address,undefined or thread")
option(GCS_FUZZ "build the fuzzers with libFuzzer (clang only)" OFF)
option(GCS_COVERAGE "instrument for gcov" OFF)
set(GCS_RDMA AUTO CACHE STRING "the RDMA transport: AUTO (if libibverbs is there), ON, OFF")

# Asserts stay in release builds: a broken invariant must stop a member before
# it tells the others something wrong.
get_property(multi GLOBAL PROPERTY GENERATOR_IS_MULTI_CONFIG)
if(NOT multi AND NOT CMAKE_BUILD_TYPE)
    set(CMAKE_BUILD_TYPE Release CACHE STRING "Release or Debug" FORCE)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g" CACHE STRING "" FORCE)
set(CMAKE_C_FLAGS_DEBUG "-O0 -g3" CACHE STRING "" FORCE)

set(CMAKE_C_STANDARD 11)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_C_VISIBILITY_PRESET hidden)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

# Flags of every target of ours.
add_library(gcs-flags INTERFACE)
target_compile_options(gcs-flags INTERFACE
    -Wall -Wextra -Wpedantic -Wshadow -Wstrict-prototypes -Wmissing-prototypes
    -Wold-style-definition -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wundef
    -Wformat=2 -Wimplicit-fallthrough -Wfloat-conversion -Wdouble-promotion
    -Wredundant-decls -fno-common)
if(CMAKE_C_COMPILER_ID STREQUAL "GNU")
    # gcc 12 sees overflows behind a bound that was checked as a difference of
    # pointers (gcs/wire/bytes.h); the sanitizers and fuzzers see real ones.
    target_compile_options(gcs-flags INTERFACE -Wlogical-op -Wduplicated-cond -Wno-stringop-overflow)
endif()

string(REGEX MATCH "^[0-9]+" compiler_major "${CMAKE_C_COMPILER_VERSION}")
set(tested_compilers GNU-12 Clang-14)
if(GCS_WERROR STREQUAL "AUTO" AND GCS_SANITIZE STREQUAL "" AND NOT GCS_COVERAGE
   AND "${CMAKE_C_COMPILER_ID}-${compiler_major}" IN_LIST tested_compilers)
    set(werror ON) # sanitizers make gcc guess at uninitialised values that are none
elseif(GCS_WERROR STREQUAL "AUTO")
    set(werror OFF)
else()
    set(werror ${GCS_WERROR})
endif()
if(werror)
    target_compile_options(gcs-flags INTERFACE -Werror)
endif()

set(sanitize "${GCS_SANITIZE}")
if(GCS_FUZZ)
    if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
        message(FATAL_ERROR "GCS_FUZZ needs clang: libFuzzer is part of it")
    endif()
    list(APPEND sanitize fuzzer-no-link) # coverage hooks everywhere; the engine in fuzzers only
endif()
if(sanitize)
    string(REPLACE ";" "," sanitize "${sanitize}")
    target_compile_options(gcs-flags INTERFACE
        -fsanitize=${sanitize} -fno-sanitize-recover=all -fno-omit-frame-pointer)
    # fuzzer-no-link is for the compiler; its hooks resolve in the fuzzers, and
    # for all other programs in a weak default of clang's sanitizer runtime.
    target_link_options(gcs-flags INTERFACE -fsanitize=${sanitize})
endif()
if(GCS_COVERAGE)
    target_compile_options(gcs-flags INTERFACE --coverage -fprofile-update=atomic)
    target_link_options(gcs-flags INTERFACE --coverage)
endif()

find_package(Threads REQUIRED)
find_package(PkgConfig REQUIRED)
# The bulletproof flavour, because application threads shall not need to
# register. liburcu is LGPL: linked, never copied (its headers used as it
# allows without _LGPL_SOURCE).
pkg_check_modules(URCU REQUIRED IMPORTED_TARGET liburcu-bp>=0.13)
find_path(XXHASH_INCLUDE xxhash.h) # header only (XXH_INLINE_ALL): no libxxhash at run time
if(NOT XXHASH_INCLUDE)
    message(FATAL_ERROR "xxhash.h not found: install libxxhash-dev")
endif()

set(GCS_HAVE_RDMA 0)
file(GLOB rdma_sources CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/transport/rdma*.c")
if(rdma_sources AND NOT GCS_RDMA STREQUAL "OFF")
    if(GCS_RDMA STREQUAL "ON")
        pkg_check_modules(RDMA REQUIRED IMPORTED_TARGET libibverbs librdmacm)
    else()
        pkg_check_modules(RDMA QUIET IMPORTED_TARGET libibverbs librdmacm)
    endif()
    if(RDMA_FOUND)
        set(GCS_HAVE_RDMA 1)
    endif()
endif()
