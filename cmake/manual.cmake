# SPDX-License-Identifier: BSD-3-Clause
# Targets for those who write the documents; nothing is made of them by a build.
#
#   manual    every page as HTML and PDF, in the build folder's manual/
#   pictures  the SVGs of pictures/ from their sources again

add_custom_target(manual
    COMMAND "${PROJECT_SOURCE_DIR}/script/manual" "${PROJECT_BINARY_DIR}/manual"
    COMMENT "the manual as HTML and PDF, in ${PROJECT_BINARY_DIR}/manual" VERBATIM)
add_custom_target(pictures
    COMMAND "${PROJECT_SOURCE_DIR}/pictures/render"
    COMMENT "the pictures from their sources" VERBATIM)
