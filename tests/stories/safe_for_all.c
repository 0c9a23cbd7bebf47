/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * "Acknowledged" by whom? Two machines with one disk each replicate; the write counts
 * as done when one of them has it, or when both do, and which of the two it is decides
 * what a crash may take along. DRBD has a protocol letter for each.
 * https://linbit.com/drbd-user-guide/drbd-guide-9_0-en/#s-replication-protocols
 *
 * The lesson: whether a quorum or everybody must hold a safe message is the group's
 * choice. With everybody one silent member holds all safe messages back, as long as it is
 * a member and no longer; agreed ones pass.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_safe_for_all();
    given_members(3);

    pause_process(2);
    say(1, AGREED, "for all who hear");
    say(1, SAFE, "for all");
    wait_ms(200);
    expect_heard(MEMBERS(0, 1), "for all who hear", 1);
    expect_heard(MEMBERS(0, 1), "for all", 0);
    resume(2);
    wait_ms(50);
    expect_heard(EVERYBODY, "for all", 1);

    crash(2);
    say(0, SAFE, "for two");
    wait_ms(5);
    expect_heard(MEMBERS(0, 1), "for two", 0);
    wait_for_view(EVERYBODY);
    expect_heard(MEMBERS(0, 1), "for two", 1);

    the_end("0 1 were told:\n"
            "  view 0 1 2\n"
            "  from 1, agreed: for all who hear\n"
            "  from 1, safe: for all\n"
            "  from 0, safe: for two\n"
            "  view 0 1; 2 crashed\n"
            "2 was told:\n"
            "  view 0 1 2\n"
            "  from 1, agreed: for all who hear\n"
            "  from 1, safe: for all\n"
            "  (and is gone)\n");
}

/* safe_without_all: a quorum is enough. */
STORY(tell, BROKEN_BY(safe_without_all))
