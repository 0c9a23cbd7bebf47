/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs doctor`: this host by itself.
 */
#include "gcs_findings.h"

#include <dirent.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_WANTED  (4 << 20)
#define MEMLOCK_WANTED (64u << 20)

/* The first line of a file; "" if there is none. */
static void read_line(const char *path, char *line, size_t size)
{
    FILE *file = fopen(path, "re");

    line[0] = '\0';
    if (!file)
        return;
    if (fgets(line, (int)size, file))
        line[strcspn(line, "\n")] = '\0';
    fclose(file);
}

/* What the kernel gives who asks for a lot, as libgcs does; 0: no socket at all. */
static int buffer_given(int force, int name)
{
    int bytes = 2 * BUFFER_WANTED;
    socklen_t length = sizeof(bytes);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, force, &bytes, sizeof(bytes)) != 0)
        (void)setsockopt(fd, SOL_SOCKET, name, &bytes, sizeof(bytes));
    if (getsockopt(fd, SOL_SOCKET, name, &bytes, &length) != 0)
        bytes = 0;
    close(fd);
    return bytes / 2; /* the kernel says twice what was asked for, to pay for its own overhead */
}

static void look_at_buffers(struct findings *findings)
{
    static const struct {
        const char *what, *setting;
        int force, name;
    } buffers[] = {
        {"receive", "rmem_max", SO_RCVBUFFORCE, SO_RCVBUF},
        {"send", "wmem_max", SO_SNDBUFFORCE, SO_SNDBUF},
    };

    for (size_t i = 0; i < sizeof(buffers) / sizeof(buffers[0]); i++) {
        int given = buffer_given(buffers[i].force, buffers[i].name);
        if (given >= BUFFER_WANTED)
            findings_good(findings, "%s buffers of sockets: %d KiB", buffers[i].what, given / 1024);
        else
            findings_bad(
                findings,
                "%s buffers of sockets: the kernel gives %d KiB only, so senders hold back\n"
                "do, as root: sysctl -w net.core.%s=%d\n"
                "and write net.core.%s=%d into /etc/sysctl.d/gcs.conf",
                buffers[i].what, given / 1024, buffers[i].setting, BUFFER_WANTED,
                buffers[i].setting, BUFFER_WANTED);
    }
}

static void look_at_clock(struct findings *findings)
{
    char source[64];

    read_line("/sys/devices/system/clocksource/clocksource0/current_clocksource", source,
              sizeof(source));
    if (source[0] == '\0')
        findings_note("clock: the kernel does not tell its source here");
    else if (strcmp(source, "acpi_pm") == 0 || strcmp(source, "hpet") == 0 ||
             strcmp(source, "jiffies") == 0)
        findings_bad(findings,
                     "clock: its source is %s, which takes microseconds to read\n"
                     "if /sys/devices/system/clocksource/clocksource0/available_clocksource has\n"
                     "tsc or kvm-clock, choose that (kernel command line: clocksource=tsc)",
                     source);
    else
        findings_good(findings, "clock: its source is %s", source);
}

static void look_at_interface(struct findings *findings, const struct ifaddrs *interface)
{
    char path[128], mtu[32];

    (void)snprintf(path, sizeof(path), "/sys/class/net/%s/mtu", interface->ifa_name);
    read_line(path, mtu, sizeof(mtu));
    if (!(interface->ifa_flags & IFF_LOOPBACK) && !(interface->ifa_flags & IFF_MULTICAST))
        findings_bad(findings,
                     "interface %s: MTU %s, without multicast: each packet goes to each member\n"
                     "do, if its network can: ip link set %s multicast on",
                     interface->ifa_name, mtu, interface->ifa_name);
    else
        findings_good(findings, "interface %s: MTU %s", interface->ifa_name, mtu);
}

static void look_at_interfaces(struct findings *findings)
{
    struct ifaddrs *all;
    unsigned found = 0;

    if (getifaddrs(&all) != 0)
        return;
    for (const struct ifaddrs *at = all; at; at = at->ifa_next) {
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_PACKET || !(at->ifa_flags & IFF_UP))
            continue;
        look_at_interface(findings, at);
        found++;
    }
    if (found == 0)
        findings_bad(findings, "interfaces: none is up\ndo: ip link set lo up");
    freeifaddrs(all);
}

static unsigned long memlock_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_MEMLOCK, &limit) == 0 ? limit.rlim_cur : 0;
}

static void look_at_verbs(struct findings *findings)
{
    DIR *devices = opendir("/sys/class/infiniband");
    const struct dirent *device;
    unsigned found = 0;
    char path[512], state[64];

    while (devices && (device = readdir(devices))) {
        if (device->d_name[0] == '.')
            continue;
        (void)snprintf(path, sizeof(path), "/sys/class/infiniband/%s/ports/1/state",
                       device->d_name);
        read_line(path, state, sizeof(state));
        found++;
        if (strstr(state, "ACTIVE"))
            findings_good(findings, "verbs device %s: port 1 is %s", device->d_name, state);
        else
            findings_bad(findings,
                         "verbs device %s: port 1 is %s\n"
                         "its network interface must be up, and its link connected",
                         device->d_name, state[0] ? state : "not there");
    }
    if (devices)
        closedir(devices);
    if (found == 0)
        findings_note("verbs devices: none (RDMA needs one; UDP does not)");
    else if (geteuid() != 0 && memlock_limit() < MEMLOCK_WANTED)
        findings_bad(findings,
                     "locked memory: at most %lu KiB, which is too little for RDMA\n"
                     "write into /etc/security/limits.d/gcs.conf: * - memlock unlimited",
                     memlock_limit() / 1024);
}

void doctor_host(struct findings *findings)
{
    look_at_buffers(findings);
    look_at_clock(findings);
    look_at_interfaces(findings);
    look_at_verbs(findings);
}
