/* SPDX-License-Identifier: BSD-3-Clause */
/* What is done to a device is done by ip(8), at the port of the bridge that it is plugged into. */
#include "tests/lab/devices.h"

#include "tests/lab/tool.h"

#include <stdio.h>
#include <unistd.h>

static bool is_there(const char *kind, const char *name, unsigned number)
{
    char path[64];

    snprintf(path, sizeof(path), "/sys/class/%s/%s%u", kind, name, number);
    return access(path, F_OK) == 0;
}

bool lab_devices_possible(unsigned members, char *why, size_t size)
{
    for (unsigned i = 1; i <= members; i++) {
        if (is_there("infiniband", "rxe", i) && is_there("net", "port", i))
            continue;
        snprintf(why, size, "there is no device rxe%u behind a port%u: script/rdma-guest has them",
                 i, i);
        return false;
    }
    return true;
}

void lab_devices_update(struct lab_network *network)
{
    struct lab_script script = {NULL, 0, 0};

    for (unsigned i = 0; i < network->members; i++) {
        if (network->links[i].down != network->applied[i].down)
            lab_script_add(&script, "link set port%u %s\n", i + 1,
                           network->links[i].down ? "down" : "up");
    }
    if (!lab_script_run(&script, LAB_IP, -1, STDERR_FILENO))
        snprintf(network->failure, sizeof(network->failure), "ip cannot change a port");
}
