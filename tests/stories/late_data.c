/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Late, not lost. Corosync sends messages through one socket and the token, which says
 * what there is, through another. Where the network is a little slower with the
 * larger packets the token is always first, everything seems lost, all of it is sent
 * again and again, and after so many rounds the member that "fails to receive" is out.
 * https://github.com/corosync/corosync/issues/622
 *
 * The lesson: what others know of and has not arrived has been overtaken, until some
 * time has passed; then it is asked for, at a pace that the clock sets and not the
 * network; and to lack something is never by itself a reason to be put out.
 */
#include "tests/stories/story.h"

static uint64_t all_repairs(void)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < 4; i++)
        sum += counters(i)->repairs_sent;
    return sum;
}

static void say_much(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        say(1, AGREED, "data");
        wait_ms(1);
    }
    wait_ms(100);
}

static void tell(void)
{
    given_members(4);

    /* Data of 1 is late by less than a round: nobody asks for any of it. */
    hold_back(DATA, MEMBERS(1), MEMBERS(2, 3), 300);
    say_much(10);
    expect_heard(EVERYBODY, "data", 10);
    expect(counters(2)->nacks_sent + counters(3)->nacks_sent == 0);
    expect(all_repairs() == 0);

    /* It is later than any patience: both ask, and again, but less and less often. */
    heal();
    hold_back(DATA, MEMBERS(1), MEMBERS(2, 3), 20000);
    say_much(10);
    expect_heard(EVERYBODY, "data", 20);
    expect(all_repairs() <= 2 * 3 * 10);
    expect_views(EVERYBODY, 0);

    the_end(
        "0 1 2 3 were told:\n"
        "  view 0 1 2 3\n"
        "  from 1, agreed: data, data, data, data, data, data, data, data, data, data, data, data, data, data, data, data, data, data, data, data\n");
}

/* nack_at_once: everything that comes late is asked for. */
STORY(tell, BROKEN_BY(nack_at_once))
