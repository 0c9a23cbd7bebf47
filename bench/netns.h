/* SPDX-License-Identifier: BSD-3-Clause */
/* Network namespaces made by ip-netns(8), so that members talk over real interfaces. */
#ifndef GCS_BENCH_NETNS_H
#define GCS_BENCH_NETNS_H

#include <stdbool.h>
#include <stddef.h>

/* Moves this process into the namespace of the member (from 0); false: error says why not. */
bool bench_netns_enter(const char *pattern, unsigned index, char *error, size_t error_size);

#endif
