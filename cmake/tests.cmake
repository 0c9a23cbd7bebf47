# SPDX-License-Identifier: BSD-3-Clause
# Tests. One Check program per file of tests/unit and tests/integration, one
# for the conformance suite, one replay program per fuzzer, and scripts.
#
# A test's file may say, in a comment line of its own, near its top:
#     ctest-labels: thread slow
#     ctest-timeout: 300
#     ctest-serial
# The label thread selects what runs under ThreadSanitizer as well; slow is
# left out by script/test --quick. The folder's name is always a label.

# What the presets tsan and fuzz build: of everything else nothing would be run.
add_custom_target(thread-tests)
if(TARGET gcs-tool)
    add_dependencies(thread-tests gcs-tool)
endif()
add_custom_target(fuzzers)

pkg_check_modules(CHECK REQUIRED IMPORTED_TARGET check)
find_program(AWK awk REQUIRED)

# gcs_register(NAME FILE LABEL): properties of a test from its comment lines.
function(gcs_register name file)
    set(labels ${ARGN})
    set(timeout 120)
    file(STRINGS "${file}" lines LIMIT_COUNT 60 REGEX "ctest-(labels:|timeout:|serial)")
    foreach(line IN LISTS lines)
        if(line MATCHES "ctest-labels:([a-z0-9 _-]*)")
            string(REGEX MATCHALL "[a-z0-9_-]+" more "${CMAKE_MATCH_1}")
            list(APPEND labels ${more})
        elseif(line MATCHES "ctest-timeout: *([0-9]+)")
            set(timeout ${CMAKE_MATCH_1})
        elseif(line MATCHES "ctest-serial")
            set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
        endif()
    endforeach()
    # A sanitizer slows a program down; the machine of a test is small.
    if(sanitize OR GCS_COVERAGE)
        math(EXPR timeout "${timeout} * 3")
    endif()
    set(env "GCS_SOURCE_DIR=${PROJECT_SOURCE_DIR}" "GCS_BUILD_DIR=${PROJECT_BINARY_DIR}"
            "CK_DEFAULT_TIMEOUT=${timeout}"
            "ASAN_OPTIONS=detect_leaks=1:strict_string_checks=1:detect_stack_use_after_return=1"
            "UBSAN_OPTIONS=print_stacktrace=1"
            "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
    set_tests_properties(${name} PROPERTIES LABELS "${labels}" TIMEOUT ${timeout}
        SKIP_RETURN_CODE 77 ENVIRONMENT "${env}" WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}")
endfunction()

# gcs_script_test(NAME LABEL script arguments...): an executable script.
function(gcs_script_test name label script)
    add_test(NAME ${name} COMMAND "${script}" ${ARGN})
    gcs_register(${name} "${script}" ${label})
    set_property(GLOBAL APPEND PROPERTY GCS_TEST_SCRIPTS "${script}")
endfunction()


set(test_libraries gcs-flags gcs-internal-headers PkgConfig::CHECK)
foreach(library gcs-simworld gcs-replica-sim gcs-simnet gcs-static)
    if(TARGET ${library})
        list(APPEND test_libraries ${library})
    endif()
endforeach()
list(APPEND test_libraries Threads::Threads PkgConfig::URCU)

# gcs_uses_check(TARGET libraries...): it calls Check, and what is linked before the libraries of all tests.
function(gcs_uses_check name)
    target_compile_definitions(${name} PRIVATE _GNU_SOURCE)
    target_include_directories(${name} PRIVATE "${PROJECT_SOURCE_DIR}/tests")
    target_link_libraries(${name} PRIVATE ${ARGN} ${test_libraries})
    if(CMAKE_C_COMPILER_ID MATCHES "Clang") # Check's ck_assert() without a message
        target_compile_options(${name} PRIVATE -Wno-gnu-zero-variadic-macro-arguments)
    endif()
endfunction()

# gcs_check_program(NAME FOLDER SOURCES libraries...): a Check program, in build/FOLDER.
function(gcs_check_program name folder sources)
    add_executable(${name} ${sources})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/${folder}")
    gcs_uses_check(${name} ${ARGN})
endfunction()

foreach(folder unit integration)
    set(shared) # what the tests of a folder share is compiled once
    gcs_glob(support tests/${folder}/*.c EXCEPT "/test_[^/]*\\.c$")
    if(support)
        set(shared gcs-tests-${folder})
        add_library(${shared} STATIC ${support})
        gcs_uses_check(${shared})
    endif()
    gcs_glob(programs tests/${folder}/test_*.c)
    foreach(source IN LISTS programs)
        cmake_path(GET source STEM name)
        gcs_check_program(${name} tests/${folder} ${source} ${shared})
        add_test(NAME ${folder}/${name} COMMAND ${name})
        gcs_register(${folder}/${name} ${source} ${folder})
        get_test_property(${folder}/${name} LABELS labels)
        if("thread" IN_LIST labels)
            add_dependencies(thread-tests ${name})
        endif()
    endforeach()
    file(GLOB scripts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.sh")
    foreach(script IN LISTS scripts)
        cmake_path(GET script STEM name)
        gcs_script_test(${folder}/${name} ${folder} ${script} "${PROJECT_BINARY_DIR}")
    endforeach()
endforeach()

target_link_options(test_hot_path PRIVATE # what it counts
    -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc -Wl,--wrap=aligned_alloc
    -Wl,--wrap=pthread_mutex_lock)

# The RDMA transport on real verbs; without a device they are skipped.
if(GCS_HAVE_RDMA)
    list(APPEND test_libraries PkgConfig::RDMA)
    gcs_glob(support tests/rdma/*.c EXCEPT "/test_[^/]*\\.c$")
    gcs_glob(programs tests/rdma/test_*.c)
    foreach(source IN LISTS programs)
        cmake_path(GET source STEM name)
        gcs_check_program(${name} tests/rdma "${source};${support}")
        add_test(NAME rdma/${name} COMMAND ${name})
        gcs_register(rdma/${name} ${source} rdma)
    endforeach()
endif()

gcs_glob(conformance tests/conformance/*.c)
if(conformance)
    gcs_check_program(test_conformance tests/conformance "${conformance}")
    list(GET conformance 0 first)
    add_test(NAME conformance COMMAND test_conformance)
    gcs_register(conformance ${first} conformance)
endif()

# Golden bytes: a plain program, because it runs on other architectures too.
gcs_glob(golden tests/golden/*.c)
if(golden AND TARGET gcs-static)
    gcs_inside(gcs-golden tests ${golden})
    list(GET golden 0 first)
    add_test(NAME golden COMMAND gcs-golden)
    gcs_register(golden ${first} golden)
endif()

# Real processes under faults.
gcs_glob(lab tests/lab/*.c)
if(lab AND TARGET gcs-static)
    gcs_inside(gcs-lab tests ${lab})
    target_link_options(gcs-lab PRIVATE -Wl,--wrap=clock_gettime) # tests/lab/clock.h
endif()

# How far it goes, and that nothing grows: with the public API only.
gcs_glob(limits tests/limits/*.c)
if(limits AND TARGET gcs-static)
    gcs_inside(gcs-limits tests ${limits})
endif()

# Everything with deliberate bugs in it, compiled again; and the simulator made of that.
gcs_glob(mutants tests/mutants/*.c EXCEPT "/test_[^/]*\\.c$")
if(TARGET gcs-simworld)
    add_library(gcs-mutants OBJECT ${GCS_CORE_SOURCES} ${GCS_SIMNET_SOURCES} ${GCS_SIMWORLD_SOURCES})
    target_compile_definitions(gcs-mutants PUBLIC GCS_MUTANTS)
    target_link_libraries(gcs-mutants PUBLIC gcs-flags gcs-internal-headers)
endif()
if(mutants AND TARGET gcs-mutants)
    add_executable(gcs-sim-mutants ${mutants})
    set_target_properties(gcs-sim-mutants PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_compile_definitions(gcs-sim-mutants PRIVATE _GNU_SOURCE)
    target_link_libraries(gcs-sim-mutants PRIVATE gcs-mutants)
endif()

# The lab with all of them, and those of the program around the protocol.
if(lab AND TARGET gcs-mutants)
    set(lab_mutants ${lab})
    list(FILTER lab_mutants EXCLUDE REGEX "/checkers\\.c$") # gcs-mutants has them
    add_executable(gcs-lab-mutants ${lab_mutants} ${GCS_OS_SOURCES})
    set_target_properties(gcs-lab-mutants PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_compile_definitions(gcs-lab-mutants PRIVATE _GNU_SOURCE)
    target_link_libraries(gcs-lab-mutants PRIVATE gcs-mutants PkgConfig::URCU Threads::Threads)
    target_link_options(gcs-lab-mutants PRIVATE -Wl,--wrap=clock_gettime)
    if(GCS_HAVE_RDMA)
        target_link_libraries(gcs-lab-mutants PRIVATE PkgConfig::RDMA)
    endif()
endif()

# The replication layer with deliberate bugs, under its simulator; and gcs-kv made of that.
if(TARGET gcs-replica-sim)
    add_executable(gcs-replica-mutants tests/replica/mutants.c ${GCS_REPLICATOR_SOURCES})
    set_target_properties(gcs-replica-mutants PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_compile_definitions(gcs-replica-mutants PRIVATE GCS_REPLICA_MUTANTS)
    target_link_libraries(gcs-replica-mutants PRIVATE gcs-flags gcs-internal-headers gcs-simnet gcs-static)
    add_test(NAME replica/mutants COMMAND gcs-replica-mutants)
    gcs_register(replica/mutants "${PROJECT_SOURCE_DIR}/tests/replica/mutants.c" replica)
endif()
if(TARGET gcs-kv)
    gcs_glob(replica_sources gcs/replica/*.c EXCEPT "/gcs/replica/sim[^/]*\\.c$")
    add_executable(gcs-kv-mutants ${kv_sources} ${replica_sources} tests/kv/mutant.c)
    set_target_properties(gcs-kv-mutants PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_compile_definitions(gcs-kv-mutants PRIVATE _GNU_SOURCE GCS_REPLICA_MUTANTS GCS_VERSION="${PROJECT_VERSION}")
    target_link_libraries(gcs-kv-mutants PRIVATE gcs-flags gcs-internal-headers kv-store gcs-static Threads::Threads)
    gcs_glob(kv_check_sources tests/kv/*.c EXCEPT "/mutant\\.c$")
    add_executable(gcs-kv-check ${kv_check_sources})
    set_target_properties(gcs-kv-check PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_compile_definitions(gcs-kv-check PRIVATE _GNU_SOURCE)
    target_link_libraries(gcs-kv-check PRIVATE gcs-flags Threads::Threads)
    add_executable(gcs-etcd-load tests/kv/etcd/load.c)
    set_target_properties(gcs-etcd-load PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests")
    target_compile_definitions(gcs-etcd-load PRIVATE _GNU_SOURCE)
    target_link_libraries(gcs-etcd-load PRIVATE gcs-flags)
endif()

# Stories: each is a program, and once more with the mutants that must break it.
gcs_glob(stage tests/stories/stage/*.c)
gcs_glob(stories tests/stories/*.c)
if(stage AND TARGET gcs-mutants)
    add_library(gcs-stage OBJECT ${stage})
    target_compile_definitions(gcs-stage PRIVATE _GNU_SOURCE)
    target_link_libraries(gcs-stage PUBLIC gcs-simworld gcs-flags)
    add_library(gcs-stage-mutants OBJECT ${stage})
    target_compile_definitions(gcs-stage-mutants PRIVATE _GNU_SOURCE)
    target_link_libraries(gcs-stage-mutants PUBLIC gcs-mutants)
    foreach(source IN LISTS stories)
        cmake_path(GET source STEM name)
        foreach(variant "" -mutants)
            set(program story-${name}${variant})
            add_executable(${program} ${source})
            set_target_properties(${program} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${PROJECT_BINARY_DIR}/tests/stories")
            target_link_libraries(${program} PRIVATE gcs-stage${variant} $<$<STREQUAL:${variant},-mutants>:gcs-mutants>)
            add_test(NAME stories/${name}${variant} COMMAND ${program})
            gcs_register(stories/${name}${variant} ${source} stories)
        endforeach()
    endforeach()
endif()
foreach(folder sim mutants lab limits golden tools model manual kv)
    file(GLOB scripts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/${folder}/test_*.sh")
    foreach(script IN LISTS scripts)
        cmake_path(GET script STEM name)
        gcs_script_test(${folder}/${name} ${folder} ${script} "${PROJECT_BINARY_DIR}")
    endforeach()
    gcs_glob(programs tests/${folder}/test_*.c)
    if(NOT folder MATCHES "lab|golden|tools|manual|kv")
        foreach(source IN LISTS programs)
            cmake_path(GET source STEM name)
            gcs_check_program(${name} tests/${folder} ${source})
            add_test(NAME ${folder}/${name} COMMAND ${name})
            gcs_register(${folder}/${name} ${source} ${folder})
        endforeach()
    endif()
endforeach()

# Fuzzers. With preset fuzz the real thing; elsewhere the same decoder fed
# with the committed corpus by a small main().
gcs_glob(fuzzers tests/fuzz/fuzz_*.c)
if(NOT TARGET kv-store)
    list(FILTER fuzzers EXCLUDE REGEX "/fuzz_kv[^/]*$")
endif()
gcs_glob(fuzz_support tests/fuzz/*.c EXCEPT "/(fuzz_[^/]*|driver)\\.c$")
foreach(source IN LISTS fuzzers)
    cmake_path(GET source STEM name)
    string(REGEX REPLACE "^fuzz_" "" short "${name}")
    set(sources ${source} ${fuzz_support})
    if(NOT GCS_FUZZ)
        list(APPEND sources "${PROJECT_SOURCE_DIR}/tests/fuzz/driver.c")
    endif()
    gcs_check_program(${name} tests/fuzz "${sources}")
    if(short MATCHES "^kv")
        target_link_libraries(${name} PRIVATE kv-store)
    endif()
    set(corpus "${PROJECT_SOURCE_DIR}/tests/fuzz/corpus/${short}")
    if(GCS_FUZZ)
        target_link_options(${name} PRIVATE -fsanitize=fuzzer)
        add_test(NAME fuzz/${short} COMMAND ${name} -runs=0 "${corpus}")
    else()
        add_test(NAME fuzz/${short} COMMAND ${name} "${corpus}")
    endif()
    gcs_register(fuzz/${short} ${source} fuzz)
    add_dependencies(fuzzers ${name})
endforeach()

# Architecture: who includes whom, what the core calls, what is exported.
set(arch "${PROJECT_SOURCE_DIR}/tests/arch")
if(EXISTS "${arch}/include-check")
    gcs_script_test(arch/includes arch "${arch}/include-check" "${PROJECT_SOURCE_DIR}")
    gcs_script_test(arch/includes-self-test arch "${arch}/include-check" --self-test)
endif()
if(EXISTS "${arch}/tidy-check")
    gcs_script_test(arch/tidy arch "${arch}/tidy-check" "${PROJECT_SOURCE_DIR}")
    gcs_script_test(arch/tidy-self-test arch "${arch}/tidy-check" --self-test)
endif()
if(EXISTS "${arch}/format-check")
    gcs_script_test(arch/format arch "${arch}/format-check" "${PROJECT_SOURCE_DIR}")
    gcs_script_test(arch/format-self-test arch "${arch}/format-check" --self-test)
endif()
if(EXISTS "${arch}/symbol-check")
    gcs_script_test(arch/symbols-self-test arch "${arch}/symbol-check" --self-test)
    # Without optimisation xxhash keeps its unused functions, which call malloc.
    if(TARGET gcs-core AND NOT sanitize AND NOT GCS_COVERAGE AND NOT CMAKE_BUILD_TYPE STREQUAL "Debug")
        add_test(NAME arch/symbols COMMAND "${arch}/symbol-check" $<TARGET_OBJECTS:gcs-core>
                 COMMAND_EXPAND_LISTS)
        gcs_register(arch/symbols "${arch}/symbol-check" arch)
    endif()
    if(TARGET gcs-core AND TARGET gcs-os AND TARGET gcs-simnet)
        add_test(NAME arch/no-verbs COMMAND "${arch}/symbol-check" --no-verbs
                 $<TARGET_OBJECTS:gcs-core> $<TARGET_OBJECTS:gcs-simnet>
                 "$<FILTER:$<TARGET_OBJECTS:gcs-os>,EXCLUDE,/transport/(rdma|ring|open)>"
                 COMMAND_EXPAND_LISTS)
        gcs_register(arch/no-verbs "${arch}/symbol-check" arch)
    endif()
endif()
if(EXISTS "${arch}/export-check")
    gcs_script_test(arch/exports-self-test arch "${arch}/export-check" --self-test)
    if(TARGET gcs AND NOT sanitize AND NOT GCS_COVERAGE)
        add_test(NAME arch/exports COMMAND "${arch}/export-check"
                 $<TARGET_FILE:gcs> "${PROJECT_SOURCE_DIR}/gcs/libgcs.symbols")
        gcs_register(arch/exports "${arch}/export-check" arch)
    endif()
endif()

# A script that no line above takes up would look like a test, and never run.
file(GLOB_RECURSE scripts CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/tests/*/test_*.sh")
get_property(registered GLOBAL PROPERTY GCS_TEST_SCRIPTS)
list(REMOVE_ITEM scripts ${registered})
if(scripts)
    message(FATAL_ERROR "no test runs these: ${scripts}")
endif()

# What script/cross.sh compiles for other machines.
function(gcs_list name)
    list(TRANSFORM ARGN REPLACE "^${PROJECT_SOURCE_DIR}/" "")
    list(JOIN ARGN "\n" text)
    if(text)
        string(APPEND text "\n")
    endif()
    file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/${name}.list" CONTENT "${text}" @ONLY)
endfunction()
gcs_list(core ${GCS_CORE_SOURCES})
gcs_list(golden ${golden})
gcs_list(simulator ${GCS_SIMNET_SOURCES} ${GCS_SIMWORLD_SOURCES} ${sim_tool_sources})
