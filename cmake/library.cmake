# SPDX-License-Identifier: BSD-3-Clause
# The core without I/O, the OS-facing part, and the libraries made of them.

# All .c files that match the patterns, less those that match an EXCEPT regex.
function(gcs_glob out)
    cmake_parse_arguments(arg "" "EXCEPT" "" ${ARGN})
    list(TRANSFORM arg_UNPARSED_ARGUMENTS PREPEND "${PROJECT_SOURCE_DIR}/")
    file(GLOB files CONFIGURE_DEPENDS ${arg_UNPARSED_ARGUMENTS})
    if(arg_EXCEPT)
        list(FILTER files EXCLUDE REGEX "${arg_EXCEPT}")
    endif()
    set(${out} "${files}" PARENT_SCOPE)
endfunction()

gcs_glob(GCS_CORE_SOURCES gcs/base/*.c gcs/wire/*.c gcs/reliable/*.c gcs/order/*.c gcs/*.c views/*.c
         EXCEPT "/gcs/(endpoint|api)[^/]*\\.c$")
gcs_glob(GCS_OS_SOURCES gcs/endpoint*.c gcs/api*.c gcs/replica/*.c transport/*.c
         EXCEPT "/(transport/(sim|rdma)|gcs/replica/sim)[^/]*\\.c$")
gcs_glob(GCS_SIMNET_SOURCES transport/sim*.c)
gcs_glob(GCS_PUBLIC_HEADERS gcs/include/gcs/*.h)
if(GCS_HAVE_RDMA)
    list(APPEND GCS_OS_SOURCES ${rdma_sources})
endif()

# Everything is hidden except what an installed header declares: each source
# of the library is compiled with the installed headers included first, at
# default visibility. So there is nothing to mark, and nothing to forget.
# gcs/libgcs.symbols is the list that the tests compare the outcome with.
set(export_header "${PROJECT_BINARY_DIR}/generated/export.h")
set(text "#pragma GCC visibility push(default)\n")
foreach(header IN LISTS GCS_PUBLIC_HEADERS)
    cmake_path(GET header FILENAME name)
    string(APPEND text "#include <gcs/${name}>\n")
endforeach()
string(APPEND text "#pragma GCC visibility pop\n")
file(CONFIGURE OUTPUT "${export_header}" CONTENT "${text}" @ONLY)

add_library(gcs-internal-headers INTERFACE)
target_include_directories(gcs-internal-headers INTERFACE
    "${PROJECT_SOURCE_DIR}" "${PROJECT_SOURCE_DIR}/gcs/include")
target_include_directories(gcs-internal-headers SYSTEM INTERFACE "${XXHASH_INCLUDE}")
target_compile_definitions(gcs-internal-headers INTERFACE
    GCS_VERSION="${PROJECT_VERSION}" GCS_HAVE_RDMA=${GCS_HAVE_RDMA})

set(GCS_OBJECTS)
# The core: strict C11, no extension of the C library in sight.
if(GCS_CORE_SOURCES)
    add_library(gcs-core OBJECT ${GCS_CORE_SOURCES})
    target_link_libraries(gcs-core PRIVATE gcs-flags gcs-internal-headers)
    target_compile_options(gcs-core PRIVATE "SHELL:-include ${export_header}")
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|amd64|AMD64)$")
        # Called only where the processor has AVX2: gcs/wire/checksum.c looks.
        set_source_files_properties("${PROJECT_SOURCE_DIR}/gcs/wire/checksum_avx2.c"
                                    PROPERTIES COMPILE_OPTIONS -mavx2)
    endif()
    list(APPEND GCS_OBJECTS $<TARGET_OBJECTS:gcs-core>)
endif()
if(GCS_OS_SOURCES)
    add_library(gcs-os OBJECT ${GCS_OS_SOURCES})
    target_link_libraries(gcs-os PRIVATE gcs-flags gcs-internal-headers PkgConfig::URCU Threads::Threads)
    target_compile_definitions(gcs-os PRIVATE _GNU_SOURCE)
    target_compile_options(gcs-os PRIVATE "SHELL:-include ${export_header}")
    if(GCS_HAVE_RDMA)
        target_link_libraries(gcs-os PRIVATE PkgConfig::RDMA)
    endif()
    list(APPEND GCS_OBJECTS $<TARGET_OBJECTS:gcs-os>)
endif()

# gcs (shared), gcs-static (also what the tests link: every internal symbol).
set(GCS_LIBRARIES_INSTALLED)
if(GCS_OBJECTS)
    add_library(gcs SHARED ${GCS_OBJECTS})
    set_target_properties(gcs PROPERTIES
        VERSION ${PROJECT_VERSION} SOVERSION ${GCS_SOVERSION}
        LINK_DEPENDS "${PROJECT_SOURCE_DIR}/gcs/libgcs.map")
    target_link_options(gcs PRIVATE
        "-Wl,--version-script=${PROJECT_SOURCE_DIR}/gcs/libgcs.map" -Wl,-z,relro,-z,now -Wl,--as-needed)
    if(NOT sanitize) # clang leaves the sanitizer's symbols to the program
        target_link_options(gcs PRIVATE -Wl,--no-undefined)
    endif()
    target_link_libraries(gcs PRIVATE gcs-flags)

    add_library(gcs-static STATIC ${GCS_OBJECTS})
    set_target_properties(gcs-static PROPERTIES OUTPUT_NAME gcs)

    foreach(target gcs gcs-static)
        target_include_directories(${target} PUBLIC
            $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/gcs/include> $<INSTALL_INTERFACE:include>)
    endforeach()
    if(GCS_OS_SOURCES)
        target_link_libraries(gcs PRIVATE PkgConfig::URCU Threads::Threads)
        # By name, not by target: who links the installed libgcs.a statically
        # has liburcu from pkg-config or from the system's path.
        target_link_libraries(gcs-static INTERFACE ${URCU_LIBRARIES} Threads::Threads)
        if(GCS_HAVE_RDMA)
            target_link_libraries(gcs PRIVATE PkgConfig::RDMA)
            target_link_libraries(gcs-static INTERFACE ${RDMA_LIBRARIES})
        endif()
    endif()
    add_library(gcs::gcs ALIAS gcs)
    set(GCS_LIBRARIES_INSTALLED gcs gcs-static)
endif()

# The simulated network: sans-I/O like the core, for users' tests too.
if(GCS_SIMNET_SOURCES AND TARGET gcs-static)
    add_library(gcs-simnet STATIC ${GCS_SIMNET_SOURCES})
    target_link_libraries(gcs-simnet PUBLIC gcs-static
                          PRIVATE $<BUILD_INTERFACE:gcs-flags>
                                  $<BUILD_INTERFACE:gcs-internal-headers>)
    list(APPEND GCS_LIBRARIES_INSTALLED gcs-simnet)
endif()

# Replicated services under the simulator, for users' tests: the layer's state machine once more, so
# that it needs no more of libgcs than its exported calls.
gcs_glob(GCS_REPLICATOR_SOURCES gcs/replica/*.c EXCEPT "/gcs/replica/(replica|watch|words)\\.c$")
if(GCS_REPLICATOR_SOURCES AND TARGET gcs-simnet)
    add_library(gcs-replica-sim STATIC ${GCS_REPLICATOR_SOURCES})
    target_link_libraries(gcs-replica-sim PUBLIC gcs-simnet
                          PRIVATE $<BUILD_INTERFACE:gcs-flags>
                                  $<BUILD_INTERFACE:gcs-internal-headers>)
    list(APPEND GCS_LIBRARIES_INSTALLED gcs-replica-sim)
endif()
