/* SPDX-License-Identifier: BSD-3-Clause */
/* Network namespaces: see netns.h. */
#include "netns.h"

#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool bench_netns_enter(const char *pattern, unsigned index, char *error, size_t error_size)
{
    char name[256] = "";
    char path[300];

    if (!bench_expand(pattern, index, name, sizeof(name))) {
        snprintf(error, error_size, "network namespace '%.40s' has too long a name", pattern);
        return false;
    }
    snprintf(path, sizeof(path), "/run/netns/%s", name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool good = fd >= 0 && setns(fd, CLONE_NEWNET) == 0;
    if (!good)
        snprintf(error, error_size, "network namespace '%s': %s", name, strerror(errno));
    if (fd >= 0)
        (void)close(fd);
    return good;
}
