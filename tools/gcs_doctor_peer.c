/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * `gcs doctor ADDRESS:PORT`: the network between this host and one where `gcs doctor --listen`
 * runs. Each test says what was seen in both directions; the clocks are compared at the beginning
 * and at the end.
 */
#include "gcs_findings.h"
#include "gcs_probe.h"

#include <errno.h>
#include <ifaddrs.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NS_PER_MS     UINT64_C(1000000)
#define NS_PER_S      UINT64_C(1000000000)
#define TRIES         10
#define ANSWER_NS     (200 * NS_PER_MS)
#define ECHOES        200
#define FAR_US        20000
#define BURST_COUNT   1000u
#define BURST_BYTES   1400u
#define SIZE_COUNT    4u /* packets of one size */
#define GROUP_COUNT   50u
#define CLOCK_SPAN_NS (2 * NS_PER_S)
#define HEADERS_V4    28         /* of IP and UDP */
#define RATE_MAX      (1.0 / 16) /* beyond it leases mean nothing: gcs_primary(3) */
#define RATE_NORMAL   0.0005     /* what NTP corrects clocks by */

struct clock_pair {
    uint64_t own, other;
    uint64_t doubt; /* ns: the round trip in which both were read */
};

struct visit {
    struct findings *findings;
    int fd, group_fd;
    struct probe_address peer;
    uint64_t cookie;
    uint64_t burst; /* the last one's number */
    struct clock_pair first, last;
};

/* ---- Questions and answers -------------------------------------------------------------- */

/* Asks until an answer of that kind comes. */
static bool ask(struct visit *visit, const struct probe *question, enum probe_kind kind,
                struct probe *answer)
{
    struct probe_address from;
    size_t size;

    for (int try = 0; try < TRIES; try++) {
        uint64_t until = probe_now() + ANSWER_NS;
        (void)probe_send(visit->fd, &visit->peer, question, PROBE_BYTES_MIN);
        while (probe_receive(visit->fd, &from, answer, &size, until))
            if (answer->kind == kind && (kind == PROBE_WELCOME || answer->a == question->a))
                return true;
    }
    return false;
}

static bool greet(struct visit *visit)
{
    struct probe hello = {.kind = PROBE_HELLO}, answer;

    if (!ask(visit, &hello, PROBE_WELCOME, &answer))
        return false;
    visit->cookie = answer.cookie;
    return true;
}

static uint64_t echo(struct visit *visit, struct clock_pair *pair)
{
    struct probe question = {.kind = PROBE_ECHO, .cookie = visit->cookie, .a = probe_now()};
    struct probe answer;

    if (!ask(visit, &question, PROBE_ECHOED, &answer))
        return GCS_NEVER;
    uint64_t now = probe_now(), round_trip = now - question.a;
    if (round_trip < pair->doubt)
        *pair = (struct clock_pair){question.a + round_trip / 2, answer.b, round_trip};
    return round_trip;
}

/* ---- Round trips ------------------------------------------------------------------------ */

static int compare(const void *left, const void *right)
{
    uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

static void test_round_trips(struct visit *visit)
{
    uint64_t times[ECHOES];

    visit->first.doubt = GCS_NEVER;
    for (size_t i = 0; i < ECHOES; i++)
        times[i] = echo(visit, &visit->first);
    qsort(times, ECHOES, sizeof(times[0]), compare);
    double half = (double)times[ECHOES / 2] / 1000, most = (double)times[ECHOES * 99 / 100] / 1000;
    if (times[ECHOES / 2] == GCS_NEVER || half > FAR_US)
        findings_bad(visit->findings,
                     "round trips: half within %.0f us, 99 %% within %.0f us\n"
                     "this is far for a group: suspect_ms must be several times as long "
                     "(gcs_open(3))",
                     half, most);
    else
        findings_good(visit->findings, "round trips: half within %.0f us, 99 %% within %.0f us",
                      half, most);
}

/* ---- Bursts ----------------------------------------------------------------------------- */

static bool came_there(struct visit *visit, uint64_t burst, uint32_t *count)
{
    struct probe question = {.kind = PROBE_COUNT, .cookie = visit->cookie, .a = burst}, answer;

    if (!ask(visit, &question, PROBE_COUNTED, &answer))
        return false;
    *count = (uint32_t)answer.b;
    return true;
}

/* Has the other end send a burst; how many of them came at fd. */
static uint32_t have_sent(struct visit *visit, int fd, enum probe_kind kind, uint32_t count,
                          size_t size)
{
    struct probe request = {
        .kind = kind, .cookie = visit->cookie, .a = ++visit->burst, .b = count, .c = size};
    static bool came[PROBE_COUNT_MAX];
    struct probe_address from;
    struct probe probe;
    size_t got;
    uint32_t result = 0;

    memset(came, 0, sizeof(came));
    (void)probe_send(visit->fd, &visit->peer, &request, PROBE_BYTES_MIN);
    uint64_t until = probe_now() + 2 * ANSWER_NS;
    while (result < count && probe_receive(fd, &from, &probe, &got, until)) {
        if (probe.kind != PROBE_BURST || probe.a != visit->burst || probe.b >= PROBE_COUNT_MAX ||
            probe.cookie != visit->cookie || came[probe.b])
            continue;
        came[probe.b] = true;
        result++;
        until = probe_now() + ANSWER_NS;
    }
    return result;
}

static void say_loss(struct visit *visit, const char *direction, uint32_t came)
{
    if (came == BURST_COUNT)
        findings_good(visit->findings, "%s: %u packets of %u bytes, none lost", direction,
                      BURST_COUNT, BURST_BYTES);
    else if (came == 0)
        findings_bad(visit->findings,
                     "%s: no packet of %u bytes arrives\n"
                     "look for a firewall, or a path whose MTU is smaller (below)",
                     direction, BURST_BYTES);
    else
        findings_bad(visit->findings,
                     "%s: %u of %u packets of %u bytes are lost\n"
                     "groups repair that, at a price: look for a bad cable, a full link, or small\n"
                     "socket buffers at the receiving end (run gcs doctor there)",
                     direction, BURST_COUNT - came, BURST_COUNT, BURST_BYTES);
}

static void test_loss(struct visit *visit)
{
    uint32_t came = 0;

    (void)probe_burst(visit->fd, &visit->peer, visit->cookie, ++visit->burst, BURST_COUNT,
                      BURST_BYTES);
    if (came_there(visit, visit->burst, &came))
        say_loss(visit, "from here to there", came);
    say_loss(visit, "from there to here",
             have_sent(visit, visit->fd, PROBE_SEND, BURST_COUNT, BURST_BYTES));
}

/* ---- Path MTU --------------------------------------------------------------------------- */

/* The local address that packets to the peer have. */
static bool local_address(const struct visit *visit, struct probe_address *local)
{
    int fd = socket(visit->peer.storage.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    local->length = sizeof(local->storage);
    bool found =
        fd >= 0 &&
        connect(fd, (const struct sockaddr *)&visit->peer.storage, visit->peer.length) == 0 &&
        getsockname(fd, (struct sockaddr *)&local->storage, &local->length) == 0;
    if (fd >= 0)
        close(fd);
    return found;
}

/* The MTU of the interface at which packets to the peer leave; 0: not known. */
static unsigned interface_mtu(const struct visit *visit)
{
    struct probe_address local;
    struct ifaddrs *all;
    char path[128];
    unsigned mtu = 0;

    memset(&local, 0, sizeof(local));
    if (!local_address(visit, &local) || getifaddrs(&all) != 0)
        return 0;
    for (const struct ifaddrs *at = all; at && mtu == 0; at = at->ifa_next) {
        if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET ||
            local.storage.ss_family != AF_INET ||
            ((const struct sockaddr_in *)at->ifa_addr)->sin_addr.s_addr !=
                ((const struct sockaddr_in *)&local.storage)->sin_addr.s_addr)
            continue;
        (void)snprintf(path, sizeof(path), "/sys/class/net/%s/mtu", at->ifa_name);
        FILE *file = fopen(path, "re");
        if (file && fscanf(file, "%u", &mtu) != 1)
            mtu = 0;
        if (file)
            fclose(file);
    }
    freeifaddrs(all);
    return mtu;
}

/* Payloads of packets on usual MTUs: 576, 1280, 1400, 1500, 4352, 9000, 65535. */
static const size_t sizes[] = {548, 1252, 1372, 1472, 4324, 8972, 65507};
#define SIZES (sizeof(sizes) / sizeof(sizes[0]))

static bool passes(struct visit *visit, bool outwards, size_t size)
{
    uint32_t came = 0;

    if (!outwards)
        return have_sent(visit, visit->fd, PROBE_SEND, SIZE_COUNT, size) > 0;
    if (probe_burst(visit->fd, &visit->peer, visit->cookie, ++visit->burst, SIZE_COUNT, size) == 0)
        return false; /* not even out of the interface */
    return came_there(visit, visit->burst, &came) && came > 0;
}

/* The index of the largest size that passes, or SIZES. */
static size_t largest(struct visit *visit, bool outwards)
{
    for (size_t i = SIZES; i-- > 0;)
        if (passes(visit, outwards, sizes[i]))
            return i;
    return SIZES;
}

static void test_sizes(struct visit *visit)
{
    size_t there = largest(visit, true), here = largest(visit, false);
    unsigned mtu = interface_mtu(visit);

    if (there == SIZES || here == SIZES) {
        findings_bad(visit->findings,
                     "path MTU: not even %zu bytes pass %s\nlook for a firewall or a tunnel",
                     sizes[0], there == SIZES ? "from here to there" : "from there to here");
    } else if (there != here) {
        size_t low = there < here ? there : here;
        findings_bad(visit->findings,
                     "path MTU: packets of %zu bytes pass from here to there, of %zu from there to "
                     "here\n"
                     "give both hosts' interfaces and the switches between them the same MTU;\n"
                     "until then add packet=%zu to the URLs of all members (gcs_udp(7))",
                     sizes[there], sizes[here], sizes[low]);
    } else if (sizes[there] < 1372) {
        findings_bad(visit->findings,
                     "path MTU: packets of %zu bytes pass, no larger ones: a tunnel?\n"
                     "add packet=%zu to the URLs of all members (gcs_udp(7))",
                     sizes[there], sizes[there]);
    } else if (there + 1 < SIZES && sizes[there + 1] + HEADERS_V4 <= mtu) {
        findings_bad(visit->findings,
                     "path MTU: packets of %zu bytes pass, although the interface here has MTU %u\n"
                     "give the hosts' interfaces and the switches between them the same MTU;\n"
                     "until then add packet=%zu to the URLs of all members (gcs_udp(7))",
                     sizes[there], mtu, sizes[there]);
    } else {
        findings_good(visit->findings, "path MTU: packets of %zu bytes pass in both directions",
                      sizes[there]);
    }
}

/* ---- Multicast -------------------------------------------------------------------------- */

static void say_multicast(struct visit *visit, uint32_t there, uint32_t here)
{
    if (there > GROUP_COUNT / 2 && here > GROUP_COUNT / 2)
        findings_good(visit->findings, "multicast: arrives in both directions");
    else
        findings_bad(
            visit->findings,
            "multicast: %u of %u packets arrive from here to there, %u from there to here\n"
            "members need none: it is off unless a URL asks for it. To use it look for IGMP\n"
            "snooping without a querier in the switches, firewalls, or a cloud that has none",
            there, GROUP_COUNT, here);
}

static void test_multicast(struct visit *visit)
{
    struct probe_address local, group;
    uint16_t port = (uint16_t)(probe_port(&visit->peer) + 1);
    uint32_t there = 0;

    if (visit->peer.storage.ss_family != AF_INET) {
        findings_note("multicast: tested over IPv4 only");
        return;
    }
    if (local_address(visit, &local))
        visit->group_fd = probe_open_group(&local, port);
    if (visit->group_fd < 0) {
        findings_bad(visit->findings,
                     "multicast: not possible here: %s\n"
                     "do, if the network can: ip route add 224.0.0.0/4 dev INTERFACE",
                     strerror(errno));
        return;
    }
    struct in_addr interface = ((const struct sockaddr_in *)&local.storage)->sin_addr;
    (void)setsockopt(visit->fd, IPPROTO_IP, IP_MULTICAST_IF, &interface, sizeof(interface));
    group = probe_group_address(port);
    (void)probe_burst(visit->fd, &group, visit->cookie, ++visit->burst, GROUP_COUNT,
                      PROBE_BYTES_MIN);
    (void)came_there(visit, visit->burst, &there);
    say_multicast(visit, there,
                  have_sent(visit, visit->group_fd, PROBE_SEND_ALL, GROUP_COUNT, PROBE_BYTES_MIN));
    close(visit->group_fd);
}

/* ---- Clocks ----------------------------------------------------------------------------- */

static void test_clocks(struct visit *visit)
{
    uint64_t until = visit->first.own + CLOCK_SPAN_NS, now = probe_now();

    if (visit->first.doubt == GCS_NEVER)
        return;
    if (now < until)
        usleep((useconds_t)((until - now) / 1000));
    visit->last.doubt = GCS_NEVER;
    for (size_t i = 0; i < ECHOES; i++)
        (void)echo(visit, &visit->last);
    if (visit->last.doubt == GCS_NEVER)
        return;
    double own = (double)(visit->last.own - visit->first.own);
    double difference = ((double)(visit->last.other - visit->first.other) - own) / own;
    double doubt = (double)(visit->first.doubt + visit->last.doubt) / own;
    if (fabs(difference) - doubt > RATE_MAX)
        findings_bad(visit->findings,
                     "clocks: the other one is %.1f %% %s: leases (gcs_primary(3)) mean nothing\n"
                     "mend the clock source of the virtual machine that is wrong",
                     fabs(difference) * 100, difference > 0 ? "faster" : "slower");
    else if (fabs(difference) - doubt > RATE_NORMAL)
        findings_bad(visit->findings,
                     "clocks: their rates differ by %.0f ppm, more than NTP corrects\n"
                     "groups live with that; look at the clock sources all the same",
                     fabs(difference) * 1e6);
    else
        findings_good(visit->findings, "clocks: rates differ by %.0f ppm (within %.0f)",
                      fabs(difference) * 1e6, doubt * 1e6);
}

int doctor_peer(struct findings *findings, const struct tool_options *options,
                const struct probe_address *peer)
{
    struct visit visit = {.findings = findings, .peer = *peer, .group_fd = -1};

    visit.fd = probe_open(options, NULL, visit.peer.storage.ss_family);
    if (visit.fd < 0)
        return TOOL_FAILED;
    if (!greet(&visit)) {
        findings_bad(
            findings,
            "%s does not answer\n"
            "run 'gcs doctor --listen %s' there, one visitor at a time; if it does, packets\n"
            "do not pass in one direction or the other: look for a firewall",
            options->peer, options->peer);
    } else {
        test_round_trips(&visit);
        test_loss(&visit);
        test_sizes(&visit);
        test_multicast(&visit);
        test_clocks(&visit);
        struct probe goodbye = {.kind = PROBE_GOODBYE, .cookie = visit.cookie};
        (void)probe_send(visit.fd, &visit.peer, &goodbye, PROBE_BYTES_MIN);
    }
    close(visit.fd);
    return TOOL_GO;
}
