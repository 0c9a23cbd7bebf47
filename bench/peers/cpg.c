/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A member of a Corosync closed process group under load:
 *
 *   cpg flat-out|in-turn|listen SIZE SECONDS MEMBERS
 *
 * flat out: sends as long as the daemon takes it; in turn: the next message when the last
 * was delivered; listen: takes only. Starts when so many members are there.
 */
#include "load.h"

#include <corosync/cpg.h>
#include <poll.h>

#define BATCH 64 /* messages between two looks at what was delivered */

static struct load load;
static unsigned members, wanted;
static int in_turn, outstanding;
static uint32_t self;

static void deliver(cpg_handle_t handle, const struct cpg_name *group, uint32_t node, uint32_t pid,
                    void *message, size_t size)
{
    uint64_t sent;

    (void)handle, (void)group, (void)pid, (void)size;
    load_deliver(&load, 1);
    if (!in_turn || node != self)
        return;
    memcpy(&sent, message, sizeof(sent));
    load_sample(&load, sent);
    outstanding = 0;
}

static void change(cpg_handle_t handle, const struct cpg_name *group, const struct cpg_address *all,
                   size_t count, const struct cpg_address *left, size_t left_count,
                   const struct cpg_address *joined, size_t joined_count)
{
    (void)handle, (void)group, (void)all, (void)left, (void)joined, (void)joined_count;
    members = (unsigned)count;
    if (left_count > 0)
        fprintf(stderr, "view %.3f\n", (double)load_now() / 1e6);
}

static int must(cs_error_t error, const char *what)
{
    if (error != CS_OK) {
        fprintf(stderr, "%s: %d\n", what, error);
        exit(1);
    }
    return 0;
}

static void wait_and_dispatch(cpg_handle_t handle, int fd, int timeout_ms)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    (void)poll(&p, 1, timeout_ms);
    must(cpg_dispatch(handle, CS_DISPATCH_ALL), "cpg_dispatch");
}

int main(int argc, char **argv)
{
    cpg_callbacks_t callbacks = {.cpg_deliver_fn = deliver, .cpg_confchg_fn = change};
    struct cpg_name group = {.length = 5, .value = "bench"};
    cpg_handle_t handle;
    int fd, sends;

    if (argc != 5)
        return 2;
    size_t size = (size_t)atol(argv[2]);
    struct iovec message = {calloc(1, size), size};
    wanted = (unsigned)atoi(argv[4]);
    in_turn = strcmp(argv[1], "in-turn") == 0;
    sends = strcmp(argv[1], "listen") != 0;
    must(cpg_initialize(&handle, &callbacks), "cpg_initialize");
    must(cpg_local_get(handle, &self), "cpg_local_get");
    must(cpg_fd_get(handle, &fd), "cpg_fd_get");
    must(cpg_join(handle, &group), "cpg_join");
    load.begin = UINT64_MAX;
    while (members < wanted)
        wait_and_dispatch(handle, fd, 100);
    load_start(&load, atof(argv[3]));
    while (load_now() < load.end) {
        int i = 0, blocked = 0;
        for (; sends && !outstanding && i < BATCH; i++) {
            uint64_t now = load_now();
            memcpy(message.iov_base, &now, sizeof(now));
            cs_error_t error = cpg_mcast_joined(handle, CPG_TYPE_AGREED, &message, 1);
            if ((blocked = error == CS_ERR_TRY_AGAIN))
                break;
            must(error, "cpg_mcast_joined");
            outstanding = in_turn;
        }
        wait_and_dispatch(handle, fd, sends && !outstanding ? blocked : 100);
    }
    load_report(&load);
    fflush(stdout);
    return 0;
}
