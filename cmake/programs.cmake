# SPDX-License-Identifier: BSD-3-Clause
# Programs. tools, bench and examples see the public headers and the shared
# library only; what lives in the simulator's world links everything.

# gcs_program(NAME FOLDER sources...): with the public API only.
function(gcs_program name folder)
    add_executable(${name} ${ARGN})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${folder}")
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE GCS_VERSION="${PROJECT_VERSION}")
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/${folder}")
    target_link_libraries(${name} PRIVATE gcs-flags gcs Threads::Threads)
endfunction()

# gcs_inside(NAME FOLDER sources...): with the insides of the library.
function(gcs_inside name folder)
    add_executable(${name} ${ARGN})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${folder}")
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_link_libraries(${name} PRIVATE gcs-flags gcs-internal-headers gcs-static Threads::Threads)
endfunction()

if(NOT TARGET gcs)
    message(STATUS "no sources of the library: no programs")
    return()
endif()

gcs_glob(tool_sources tools/*.c EXCEPT "/tools/gcs-sim[^/]*\\.c$")
if(tool_sources)
    gcs_program(gcs-tool tools ${tool_sources})
    set_target_properties(gcs-tool PROPERTIES OUTPUT_NAME gcs)
endif()

gcs_glob(bench_sources bench/*.c)
if(bench_sources)
    gcs_program(gcs-bench bench ${bench_sources})
    file(MAKE_DIRECTORY "${PROJECT_BINARY_DIR}/bench")
    file(CREATE_LINK "${PROJECT_SOURCE_DIR}/bench/peers" "${PROJECT_BINARY_DIR}/bench/peers" SYMBOLIC)
endif()

gcs_glob(example_sources examples/*.c)
foreach(source IN LISTS example_sources)
    cmake_path(GET source STEM name)
    gcs_program(example-${name} examples ${source})
    set_target_properties(example-${name} PROPERTIES OUTPUT_NAME ${name})
endforeach()

# gcs-kv: its store and protocol are a library, so that tests and fuzzers can have them alone.
find_path(UTHASH_INCLUDE uthash.h)
gcs_glob(kv_sources examples/kv/*.c)
if(kv_sources AND UTHASH_INCLUDE)
    gcs_glob(kv_store_sources examples/kv/*.c
             EXCEPT "/(main|server|session|slots|answers|kv_replica)\\.c$")
    list(REMOVE_ITEM kv_sources ${kv_store_sources})
    add_library(kv-store STATIC ${kv_store_sources})
    target_compile_definitions(kv-store PRIVATE _GNU_SOURCE)
    target_include_directories(kv-store PUBLIC "${PROJECT_SOURCE_DIR}/examples/kv")
    target_include_directories(kv-store SYSTEM PUBLIC "${UTHASH_INCLUDE}")
    target_link_libraries(kv-store PRIVATE gcs-flags)
    gcs_program(gcs-kv examples ${kv_sources})
    target_link_libraries(gcs-kv PRIVATE kv-store)
elseif(kv_sources)
    message(STATUS "no uthash.h (Debian: uthash-dev): gcs-kv is not built")
endif()

# The simulator: a world of members, the checkers, and the command.
gcs_glob(GCS_SIMWORLD_SOURCES tests/sim/*.c tests/checkers/*.c EXCEPT "/test_[^/]*\\.c$")
gcs_glob(sim_tool_sources tools/gcs-sim*.c tools/sim/*.c)
if(GCS_SIMWORLD_SOURCES AND TARGET gcs-simnet)
    add_library(gcs-simworld STATIC ${GCS_SIMWORLD_SOURCES})
    target_link_libraries(gcs-simworld PUBLIC gcs-simnet gcs-static gcs-internal-headers PRIVATE gcs-flags)
endif()
if(sim_tool_sources AND TARGET gcs-simworld)
    gcs_inside(gcs-sim tools ${sim_tool_sources})
    target_link_libraries(gcs-sim PRIVATE gcs-simworld)
endif()
