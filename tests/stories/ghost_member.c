/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The ghost. A member joins and dies while the others are still agreeing on that. In
 * corosync what it had announced survives the round that its death broke off, and is
 * taken for a join in the next one: a member that no longer exists, which nothing ever
 * removes, and for whose state its fellows wait until they are all shot.
 * https://github.com/corosync/corosync/pull/828
 *
 * The lesson: a joiner comes in only if it answers in the very round that lets it in,
 * and if it dies after that it is a member like any other, that is missed and goes.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(4);

    /* It asks, and is dead when the ballot asks it: nobody has ever seen it in a view. */
    start(4);
    wait_until_sent(GCS_FRAME_PREPARE, MEMBERS(0), 1);
    power_off(4);
    wait_ms(3000);
    expect_view(MEMBERS(0, 1, 2, 3));
    say(0, SAFE, "no ghost");

    /* It answers and dies, and so does who let it in. */
    start(5);
    wait_until_sent(GCS_FRAME_PROPOSE, MEMBERS(0), 1);
    power_off(5);
    power_off(0);
    wait_for_view(MEMBERS(1, 2, 3));
    say(1, SAFE, "no ghost either");
    wait_ms(3000);
    expect_view(MEMBERS(1, 2, 3));

    /* Who starts there later is somebody else. */
    start(4);
    start(5);
    wait_for_view(MEMBERS(1, 2, 3, 4, 5));

    the_end("0 was told:\n"
            "  view 0 1 2 3\n"
            "  view 0 1 2 3\n"
            "  from 0, safe: no ghost\n"
            "  (and is gone)\n"
            "1 2 3 were told:\n"
            "  view 0 1 2 3\n"
            "  view 0 1 2 3\n"
            "  from 0, safe: no ghost\n"
            "  view 0 1 2 3, new 5\n"
            "  view 1 2 3; 0 unreachable, 5 unreachable\n"
            "  from 1, safe: no ghost either\n"
            "  view 1 2 3, new 4 5'\n"
            "4 5 were told:\n"
            "  (and is gone)\n"
            "  view 1 2 3, new 4 5'\n");
}

/* dead_joiners: the first ghost comes in, and is missed and put out again. */
STORY(tell, BROKEN_BY(dead_joiners))
