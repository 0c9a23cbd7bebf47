/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is changed while members run is changed by ip, tc and nft, in as few
 * calls as possible, since each takes milliseconds in which nothing else is done.
 */
#include "tests/lab/spaces.h"

#include "tests/checkers/memory.h"
#include "tests/lab/relay.h"
#include "tests/lab/tool.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct lab_spaces {
    int home;                    /* the namespace that this process came from */
    int each[LAB_MEMBERS_MAX];   /* of each slot */
    bool wired[LAB_MEMBERS_MAX]; /* the relay's second pair of interfaces exists */
    unsigned count;
    uint32_t mtu;
    int log;
};

/* ---- Whether ------------------------------------------------------------------------ */

static bool has_tool(const char *name)
{
    static const char *const folders[] = {"/usr/sbin", "/sbin", "/usr/bin", "/bin"};
    char path[64];

    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        snprintf(path, sizeof(path), "%s/%s", folders[i], name);
        if (access(path, X_OK) == 0)
            return true;
    }
    return false;
}

/* Tries what is needed of the kernel, in a namespace that is gone afterwards. */
static bool kernel_has_it(char *why, size_t size)
{
    struct lab_script rules = {NULL, 0, 0}, bucket = {NULL, 0, 0};
    int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    int log = open("/dev/null", O_WRONLY | O_CLOEXEC);
    bool good = false;

    if (home < 0 || unshare(CLONE_NEWNET) != 0) {
        snprintf(why, size, "no namespace can be made: %s", strerror(errno));
    } else {
        lab_script_add(&bucket, "link add br0 type bridge\nlink add p0 type veth peer name e0\n");
        lab_script_add(&rules, "table bridge lab {\n chain forward {\n  type filter hook forward "
                               "priority 0;\n  numgen random mod 10 < 1 drop\n }\n}\n");
        if (!lab_script_run(&bucket, LAB_IP, -1, log))
            snprintf(why, size, "no bridge or veth can be made");
        else if (!lab_script_run(&rules, LAB_NFT, -1, log))
            snprintf(why, size, "no nftables rules can be made for a bridge");
        else
            good = true;
        free(rules.text);
        if (setns(home, CLONE_NEWNET) != 0)
            abort();
    }
    close(home);
    close(log);
    return good;
}

bool lab_spaces_possible(char *why, size_t size)
{
    static const char *const tools[] = {"ip", "tc", "nft"};

    if (geteuid() != 0) {
        snprintf(why, size, "they need root");
        return false;
    }
    for (size_t i = 0; i < sizeof(tools) / sizeof(tools[0]); i++) {
        if (!has_tool(tools[i])) {
            snprintf(why, size, "there is no program %s", tools[i]);
            return false;
        }
    }
    return kernel_has_it(why, size);
}

/* ---- Making and leaving ------------------------------------------------------------- */

static void fail(struct lab_network *network, const char *what)
{
    if (network->failure[0] == '\0')
        snprintf(network->failure, sizeof(network->failure), "%s", what);
}

/* A new namespace, and back into another one, -1: stays in it. A descriptor that tools inherit,
 * since ip finds it under its number. */
static int new_space(int back)
{
    int fd;

    if (unshare(CLONE_NEWNET) != 0)
        return -1;
    fd = open("/proc/self/ns/net", O_RDONLY);
    if (back >= 0 && setns(back, CLONE_NEWNET) != 0)
        abort();
    return fd;
}

static void add_addresses(struct lab_script *script, unsigned slot)
{
    lab_script_add(script, "addr add 10.77.0.%u/24 dev eth0\n", slot + 1);
    lab_script_add(script, "addr add fd77::%x/64 dev eth0 nodad\n", slot + 1);
    lab_script_add(script, "route add 224.0.0.0/4 dev eth0\n");
}

static bool fill_space(struct lab_spaces *spaces, unsigned slot)
{
    struct lab_script script = {NULL, 0, 0};

    lab_script_add(&script, "link set lo up\nlink set eth0 up\n");
    add_addresses(&script, slot);
    return lab_script_run(&script, LAB_IP, spaces->each[slot], spaces->log);
}

static bool make_bridge(struct lab_spaces *spaces)
{
    struct lab_script script = {NULL, 0, 0};

    lab_script_add(&script,
                   "link set lo up\n"
                   "link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0\n");
    for (unsigned i = 0; i < spaces->count; i++) {
        lab_script_add(&script,
                       "link add p%u mtu %" PRIu32 " type veth peer name eth0 mtu %" PRIu32
                       " netns /proc/self/fd/%d\n",
                       i, spaces->mtu, spaces->mtu, spaces->each[i]);
        lab_script_add(&script, "link set p%u master br0 up\n", i);
    }
    lab_script_add(&script, "link set br0 mtu %" PRIu32 " up\n", spaces->mtu);
    return lab_script_run(&script, LAB_IP, -1, spaces->log);
}

static bool make_table(struct lab_spaces *spaces)
{
    struct lab_script script = {NULL, 0, 0};

    lab_script_add(&script, "table bridge lab {\n chain cuts { }\n chain losses { }\n"
                            " chain forward {\n  type filter hook forward priority 0;\n"
                            "  policy accept;\n  jump cuts\n  jump losses\n }\n}\n");
    return lab_script_run(&script, LAB_NFT, -1, spaces->log);
}

struct lab_spaces *lab_spaces_open(struct lab_network *network, uint32_t mtu, const char *dir)
{
    struct lab_spaces *spaces = memory_new(1, sizeof(*spaces));
    char path[4096];
    int here;

    snprintf(path, sizeof(path), "%s/lab.network.log", dir);
    spaces->mtu = mtu;
    spaces->log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    spaces->home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
    here = spaces->log < 0 || spaces->home < 0 ? -1 : new_space(-1);
    while (here >= 0 && spaces->count < network->members) {
        int fd = new_space(here);

        if (fd < 0)
            break;
        spaces->each[spaces->count++] = fd;
    }
    if (here >= 0)
        close(here);
    if (spaces->count < network->members)
        fail(network, "cannot make network namespaces");
    else if (!make_bridge(spaces) || !make_table(spaces))
        fail(network, "cannot make the bridge, see lab.network.log");
    for (unsigned i = 0; i < spaces->count && network->failure[0] == '\0'; i++) {
        fcntl(spaces->each[i], F_SETFD, FD_CLOEXEC); /* ip has found it */
        if (!fill_space(spaces, i))
            fail(network, "cannot set addresses, see lab.network.log");
    }
    if (network->failure[0] == '\0')
        return spaces;
    lab_spaces_close(spaces);
    return NULL;
}

void lab_spaces_close(struct lab_spaces *spaces)
{
    if (!spaces)
        return;
    for (unsigned i = 0; i < spaces->count; i++)
        close(spaces->each[i]);
    if (spaces->home >= 0 && setns(spaces->home, CLONE_NEWNET) != 0)
        abort();
    if (spaces->home >= 0)
        close(spaces->home);
    if (spaces->log >= 0)
        close(spaces->log);
    free(spaces);
}

bool lab_spaces_enter(const struct lab_spaces *spaces, unsigned slot)
{
    return setns(spaces->each[slot], CLONE_NEWNET) == 0;
}

/* ---- Rules on the bridge ------------------------------------------------------------ */

/* A slot's port, with the relay in between or not. */
static void add_ports(struct lab_script *script, uint64_t slots, unsigned count)
{
    const char *comma = "";

    lab_script_add(script, "{");
    for (unsigned i = 0; i < count; i++) {
        if (slots >> i & 1) {
            lab_script_add(script, "%s \"p%u\", \"b%u\"", comma, i, i);
            comma = ",";
        }
    }
    lab_script_add(script, " }");
}

static void update_rules(struct lab_network *network)
{
    struct lab_spaces *spaces = network->spaces;
    struct lab_script script = {NULL, 0, 0};
    uint64_t all = spaces->count < 64 ? (UINT64_C(1) << spaces->count) - 1 : UINT64_MAX;
    bool changed = false;

    lab_script_add(&script, "flush chain bridge lab cuts\nflush chain bridge lab losses\n");
    for (unsigned i = 0; i < spaces->count; i++) {
        const struct lab_link *link = &network->links[i], *was = &network->applied[i];
        uint64_t bit = UINT64_C(1) << i, unheard = link->unheard & all & ~bit;

        changed |= link->unheard != was->unheard || link->loss != was->loss;
        if (unheard) {
            lab_script_add(&script, "add rule bridge lab cuts iifname ");
            add_ports(&script, unheard, spaces->count);
            lab_script_add(&script, " oifname ");
            add_ports(&script, bit, spaces->count);
            lab_script_add(&script, " drop\n");
        }
        if (link->loss) {
            lab_script_add(&script, "add rule bridge lab losses oifname ");
            add_ports(&script, bit, spaces->count);
            if (link->loss < 1000000)
                lab_script_add(&script, " numgen random mod 1000000 < %" PRIu32, link->loss);
            lab_script_add(&script, " drop\n");
        }
    }
    if (!changed)
        free(script.text);
    else if (!lab_script_run(&script, LAB_NFT, -1, spaces->log))
        fail(network, "cannot change the rules of the bridge, see lab.network.log");
}

/* ---- One link ----------------------------------------------------------------------- */

static void add_rate(struct lab_script *script, const char *interface, uint32_t kbit)
{
    if (kbit)
        lab_script_add(
            script, "qdisc replace dev %s root tbf rate %" PRIu32 "kbit burst 64kb latency 100ms\n",
            interface, kbit);
    else
        lab_script_add(script, "qdisc del dev %s root\n", interface);
}

static bool set_rate(struct lab_spaces *spaces, unsigned slot, uint32_t kbit)
{
    struct lab_script outside = {NULL, 0, 0}, inside = {NULL, 0, 0};
    char port[24];

    snprintf(port, sizeof(port), "p%u", slot);
    add_rate(&outside, port, kbit);
    add_rate(&inside, "eth0", kbit);
    return lab_script_run(&outside, LAB_TC, -1, spaces->log) &&
           lab_script_run(&inside, LAB_TC, spaces->each[slot], spaces->log);
}

static int packet_socket(const char *interface)
{
    const struct sockaddr_ll address = {.sll_family = AF_PACKET,
                                        .sll_protocol = htons(ETH_P_ALL),
                                        .sll_ifindex = (int)if_nametoindex(interface)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), one = 1;
    int bytes = 8 << 20;

    if (fd < 0)
        return -1;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes));
    if (setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) == 0 &&
        setsockopt(fd, SOL_PACKET, PACKET_VNET_HDR, &one, sizeof(one)) == 0 &&
        bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* The relay's place: pN - relay - qN - bN - bridge. */
static bool make_wire(struct lab_network *network, unsigned slot)
{
    struct lab_spaces *spaces = network->spaces;
    const struct lab_way closed = {.cut = true};
    struct lab_script script = {NULL, 0, 0};
    char near_name[24], far_name[24];
    int near_fd, far_fd;

    if (!network->relay)
        network->relay = lab_relay_open(slot + 1);
    lab_script_add(&script,
                   "link add q%u mtu %" PRIu32 " type veth peer name b%u mtu %" PRIu32
                   "\nlink set q%u up\nlink set b%u up\n",
                   slot, spaces->mtu, slot, spaces->mtu, slot, slot);
    if (!network->relay || !lab_script_run(&script, LAB_IP, -1, spaces->log))
        return false;
    snprintf(near_name, sizeof(near_name), "p%u", slot);
    snprintf(far_name, sizeof(far_name), "q%u", slot);
    near_fd = packet_socket(near_name);
    far_fd = packet_socket(far_name);
    if (near_fd < 0 || far_fd < 0) {
        dprintf(spaces->log, "packet socket: %s\n", strerror(errno));
        close(near_fd);
        close(far_fd);
        return false;
    }
    lab_relay_set(network->relay, slot, slot, &closed);
    lab_relay_wire(network->relay, slot, near_fd, far_fd);
    spaces->wired[slot] = true;
    return true;
}

static bool set_delay(struct lab_network *network, unsigned slot, const struct lab_link *link)
{
    struct lab_spaces *spaces = network->spaces;
    const bool on = link->delay_us || link->jitter_us;
    const struct lab_way way = {
        .delay_us = link->delay_us, .jitter_us = link->jitter_us, .cut = !on};
    struct lab_script script = {NULL, 0, 0};

    if (!spaces->wired[slot] && !make_wire(network, slot))
        return false;
    lab_relay_set(network->relay, slot, slot, &way);
    lab_script_add(&script, "link set %c%u nomaster\nlink set %c%u master br0\n", on ? 'p' : 'b',
                   slot, on ? 'b' : 'p', slot);
    return lab_script_run(&script, LAB_IP, -1, spaces->log);
}

static void update_link(struct lab_network *network, unsigned slot)
{
    const struct lab_link *link = &network->links[slot], *was = &network->applied[slot];
    struct lab_spaces *spaces = network->spaces;
    struct lab_script outside = {NULL, 0, 0}, inside = {NULL, 0, 0};

    if (link->down != was->down)
        lab_script_add(&outside, "link set p%u %s\n", slot, link->down ? "down" : "up");
    if (link->mtu != was->mtu)
        lab_script_add(&inside, "link set eth0 mtu %" PRIu32 "\n",
                       link->mtu ? link->mtu : spaces->mtu);
    if (link->addressless && !was->addressless)
        lab_script_add(&inside, "addr flush dev eth0\n");
    if (!link->addressless && was->addressless)
        add_addresses(&inside, slot);
    if (!lab_script_run(&outside, LAB_IP, -1, spaces->log) ||
        !lab_script_run(&inside, LAB_IP, spaces->each[slot], spaces->log))
        fail(network, "cannot change an interface, see lab.network.log");
    if (link->rate_kbit != was->rate_kbit && !set_rate(spaces, slot, link->rate_kbit))
        fail(network, "cannot change a rate, see lab.network.log");
    if ((link->delay_us != was->delay_us || link->jitter_us != was->jitter_us) &&
        !set_delay(network, slot, link))
        fail(network, "cannot change a delay, see lab.network.log");
}

void lab_spaces_update(struct lab_network *network)
{
    update_rules(network);
    for (unsigned i = 0; i < network->members; i++)
        update_link(network, i);
}
