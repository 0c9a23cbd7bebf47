/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of a member process.
 */
#include "tests/lab/member.h"
#include "tests/lab/clock.h"

#include <inttypes.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define EVENTS_PER_ROUND 256
#define ROUND_MAX_NS     (30 * LAB_NS_PER_MS)
#define SLOW_ROUND_NS    LAB_NS_PER_MS /* a slow application still drives its own loop */

static bool is_slow(const struct lab_member *member, uint64_t now)
{
    return now < member->slow_until;
}

static void take_events(struct lab_member *member)
{
    struct gcs_event event;

    for (unsigned i = 0; i < EVENTS_PER_ROUND && !member->done; i++) {
        uint64_t now = lab_now();
        int got;

        if (is_slow(member, now) && now < member->next_event_at)
            return;
        got = gcs_next(member->endpoint, &event, 0);
        if (got == 0)
            return;
        if (got < 0) {
            lab_member_wrong("gcs_next: %s", gcs_detail());
            member->done = true;
            return;
        }
        if (is_slow(member, now))
            member->next_event_at = now + member->slow_ns;
        lab_member_event(member, &event);
    }
}

static void wait_for_work(const struct lab_member *member, uint64_t until)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = gcs_fd(member->endpoint), .events = POLLIN}};
    uint64_t now = lab_now(), limit = now + ROUND_MAX_NS;
    int expiry = gcs_expiry(member->endpoint);
    struct timespec time = {0, 0};

    if (expiry >= 0 && now + (uint64_t)expiry * LAB_NS_PER_MS < limit)
        limit = now + (uint64_t)expiry * LAB_NS_PER_MS;
    if (is_slow(member, now)) { /* there are events, and they stay there */
        fds[1].fd = -1;
        limit = now + (member->slow_ns < SLOW_ROUND_NS ? member->slow_ns : SLOW_ROUND_NS);
    }
    if (until < limit)
        limit = until;
    if (limit > now)
        time.tv_nsec = (long)(limit - now);
    ppoll(fds, 2, &time, NULL);
}

static void loop(struct lab_member *member)
{
    while (!member->done) {
        uint64_t until = UINT64_MAX, now = lab_now();

        lab_member_listen(member);
        if (!member->group && !member->done && now >= member->join_at)
            lab_member_join(member);
        if (member->done)
            return;
        if (member->own_loop) {
            until = lab_sender_step(&member->sender, 0);
            if (gcs_dispatch(member->endpoint) < 0)
                lab_member_wrong("gcs_dispatch: %s", gcs_detail());
        }
        take_events(member);
        lab_member_report(member, now, false);
        if (!member->done)
            wait_for_work(member, until);
    }
}

static void run(struct lab_member *member)
{
    if (!lab_member_open(member))
        return;
    lab_sender_init(&member->sender, member->options);
    if (!member->own_loop &&
        pthread_create(&member->sender.thread, NULL, lab_sender_main, &member->sender) != 0) {
        lab_member_wrong("pthread_create");
        return;
    }
    loop(member);
    if (!member->own_loop) {
        atomic_store(&member->sender.stops, true);
        pthread_join(member->sender.thread, NULL);
    }
    lab_member_report(member, lab_now(), true);
    gcs_close(member->endpoint);
    lab_sender_fini(&member->sender);
}

int lab_member_main(int argc, char **argv)
{
    struct lab_member_options options;
    struct lab_member member;

    if (argc != 16)
        return LAB_USAGE;
    options = (struct lab_member_options){
        .url = argv[0],
        .cluster = argv[1],
        .seed = strtoull(argv[2], NULL, 10),
        .create = atoi(argv[3]) != 0,
        .service = (enum lab_service)atoi(argv[4]),
        .rate = (unsigned)atoi(argv[5]),
        .window_packets = (uint32_t)strtoul(argv[6], NULL, 10),
        .window_bytes = (uint32_t)strtoul(argv[7], NULL, 10),
        .queue_bytes = (uint32_t)strtoul(argv[8], NULL, 10),
        .suspect_ms = (uint32_t)strtoul(argv[9], NULL, 10),
        .clock_ppm = (int32_t)(uint32_t)strtoul(argv[10], NULL, 10),
        .order = (enum gcs_order)atoi(argv[11]),
        .rotate = atoi(argv[12]) != 0,
        .stable = atoi(argv[13]) != 0,
        .all_hold = atoi(argv[14]) != 0,
        .region_size = (uint32_t)strtoul(argv[15], NULL, 10),
    };
    if (options.clock_ppm) {
        lab_clock_skew(options.clock_ppm);
        lab_member_say("clock %" PRIu64 "\n", lab_clock_base());
    }
    signal(SIGINT, SIG_IGN); /* from a terminal: the parent ends us */
    signal(SIGPIPE, SIG_IGN);
    memset(&member, 0, sizeof(member));
    member.options = &options;
    member.create = options.create;
    gcs_prng_init(&member.prng, options.seed);
    member.own_loop = gcs_prng_chance(&member.prng, 500000);
    run(&member);
    return 0;
}
