# SPDX-License-Identifier: BSD-3-Clause
# Debian packages, made by script/package: libgcs0 (the library), libgcs-dev (what is needed to build
# with it), gcs-tools. The soname is in the first one's name, so that a version of the
# library that programs must be compiled again for can be installed beside the one before.

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME libgcs)
# Of nobody until the project has an address of its own (SECURITY.md): .invalid never gets mail.
set(GCS_CONTACT "libgcs maintainers <maintainers@libgcs.invalid>" CACHE STRING "the packages' maintainer")
set(CPACK_PACKAGE_CONTACT "${GCS_CONTACT}")
set(CPACK_PACKAGING_INSTALL_PREFIX "/usr")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL library dev tools)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
# Stripped, pages compressed, with copyright and changelog: as Debian's policy wants packages.
set(CPACK_PRE_BUILD_SCRIPTS "${PROJECT_SOURCE_DIR}/cmake/debian/finish.cmake")
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS
    OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)

set(debian_version "${PROJECT_VERSION}-${CPACK_DEBIAN_PACKAGE_RELEASE}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "process groups: multicast in total order")
set(about "libgcs is a library for process groups: processes join a named group and
multicast to it, and every member that stays delivers the same messages, in
the same order, between the same changes of membership.
.
")

set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS "${PROJECT_BINARY_DIR}")
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS ON)
set(CPACK_DEBIAN_PACKAGE_GENERATE_SHLIBS_POLICY "=")

set(CPACK_DEBIAN_LIBRARY_PACKAGE_NAME "libgcs${GCS_SOVERSION}")
set(CPACK_DEBIAN_LIBRARY_PACKAGE_SECTION libs)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA "${PROJECT_SOURCE_DIR}/cmake/debian/triggers")
set(CPACK_COMPONENT_LIBRARY_DESCRIPTION "${about}This package has the shared library.")

set(CPACK_DEBIAN_DEV_PACKAGE_NAME libgcs-dev)
set(CPACK_DEBIAN_DEV_PACKAGE_SECTION libdevel)
set(CPACK_DEBIAN_DEV_PACKAGE_DEPENDS "libgcs${GCS_SOVERSION} (= ${debian_version}), liburcu-dev")
set(CPACK_COMPONENT_DEV_DESCRIPTION "${about}This package has headers, static libraries and the manual of all calls.")

set(CPACK_DEBIAN_TOOLS_PACKAGE_NAME gcs-tools)
set(CPACK_DEBIAN_TOOLS_PACKAGE_SECTION net)
set(CPACK_DEBIAN_TOOLS_PACKAGE_DEPENDS "libgcs${GCS_SOVERSION} (= ${debian_version})")
set(CPACK_COMPONENT_TOOLS_DESCRIPTION "${about}This package has the tools: gcs, gcs-sim and gcs-bench.")

set(GCS_DEBIAN_VERSION "${debian_version}")
configure_file("${PROJECT_SOURCE_DIR}/cmake/debian/changelog.in" debian-changelog @ONLY)
set(CPACK_PROJECT_CONFIG_FILE "${PROJECT_BINARY_DIR}/package-paths.cmake")
file(CONFIGURE OUTPUT "${CPACK_PROJECT_CONFIG_FILE}" @ONLY CONTENT
[[set(ENV{GCS_PACKAGE_SOURCES} "@PROJECT_SOURCE_DIR@")
set(ENV{GCS_PACKAGE_BUILD} "@PROJECT_BINARY_DIR@")
]])
include(CPack)
