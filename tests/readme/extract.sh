#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Prints README's program: the first block of C in it. A test compiles it and
# compares it with examples/hello.c.
#
#   extract.sh [README.md]
awk '/^```c$/ { inside = 1; next } /^```$/ && inside { exit } inside' \
    "${1:-$(dirname "$0")/../../README.md}"
