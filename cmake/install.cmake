# SPDX-License-Identifier: BSD-3-Clause
# What `cmake --install` puts where.

if(NOT GCS_LIBRARIES_INSTALLED)
    return()
endif()
include(CMakePackageConfigHelpers)

# Each file belongs to a component, which becomes a package of its own (package.cmake): the library
# that programs need to run, what is needed to build them, and the tools.
install(TARGETS ${GCS_LIBRARIES_INSTALLED} EXPORT gcs-targets
        LIBRARY COMPONENT library NAMELINK_COMPONENT dev
        ARCHIVE COMPONENT dev)
install(FILES ${GCS_PUBLIC_HEADERS} DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/gcs" COMPONENT dev)

# Tools find the library beside them, wherever the prefix is; in /usr everybody looks anyway.
file(RELATIVE_PATH bin_to_lib "/${CMAKE_INSTALL_BINDIR}" "/${CMAKE_INSTALL_LIBDIR}")
foreach(tool gcs-tool gcs-sim gcs-bench gcs-kv)
    if(TARGET ${tool})
        if(NOT CMAKE_INSTALL_PREFIX STREQUAL "/usr")
            set_target_properties(${tool} PROPERTIES INSTALL_RPATH "$ORIGIN/${bin_to_lib}")
        endif()
        install(TARGETS ${tool} COMPONENT tools)
    endif()
endforeach()

# What gcs-bench starts to compare with others.
install(DIRECTORY "${PROJECT_SOURCE_DIR}/bench/peers" DESTINATION "${CMAKE_INSTALL_DATADIR}/libgcs"
        USE_SOURCE_PERMISSIONS)

file(GLOB pages CONFIGURE_DEPENDS "${PROJECT_SOURCE_DIR}/man/*.[1-9]")
foreach(page IN LISTS pages)
    cmake_path(GET page EXTENSION LAST_ONLY section)
    string(SUBSTRING "${section}" 1 -1 section)
    set(component dev)
    if(section STREQUAL "1" OR section STREQUAL "5" OR page MATCHES "/gcs(_status|_udp|_rdma|_views|_ordering|_tuning)?\\.7$")
        set(component tools) # what somebody who only runs programs wants to read
    endif()
    install(FILES "${page}" DESTINATION "${CMAKE_INSTALL_MANDIR}/man${section}" COMPONENT ${component})
endforeach()

# pkg-config. Static linking needs more, hence the private lines.
set(pc_requires_private "")
if(GCS_OS_SOURCES)
    set(pc_requires_private "liburcu-bp >= 0.13")
    if(GCS_HAVE_RDMA)
        string(APPEND pc_requires_private ", libibverbs, librdmacm")
    endif()
endif()
configure_file("${PROJECT_SOURCE_DIR}/cmake/libgcs.pc.in" libgcs.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/libgcs.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig"
        COMPONENT dev)

# CMake package: find_package(gcs) gives gcs::gcs and gcs::gcs-static.
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/gcs")
install(EXPORT gcs-targets NAMESPACE gcs:: DESTINATION "${package_dir}" COMPONENT dev)
configure_package_config_file("${PROJECT_SOURCE_DIR}/cmake/gcs-config.cmake.in" gcs-config.cmake
                              INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file(gcs-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/gcs-config.cmake" "${PROJECT_BINARY_DIR}/gcs-config-version.cmake"
        DESTINATION "${package_dir}" COMPONENT dev)
include(package)
