/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The stale partition. In corosync a side that lost the network keeps its quorum, and
 * whatever it guards, until its own new membership has formed; how long that takes it
 * alone decides, and meanwhile the majority has long taken over: two owners.
 * https://github.com/corosync/corosync/issues/182
 *
 * The lesson: nothing may take effect on the word of one side. What a stale side
 * multicasts as safe is handed to nobody, however late it learns that it is stale;
 * and it is told so no later than the others have their view.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(5);
    say(0, SAFE, "0 owns it");
    wait_ms(100);
    expect_heard(EVERYBODY, "0 owns it", 1);

    divide(MEMBERS(0, 1));
    say(0, SAFE, "0 still owns it");
    say(1, AGREED, "1 goes by that"); /* 0 orders it, behind its own */
    wait_ms(100);
    expect_heard(EVERYBODY, "0 still owns it", 0);

    wait_for_view(MEMBERS(2, 3, 4));
    say(2, SAFE, "2 owns it now");
    wait_ms(100);
    expect_heard(MEMBERS(2, 3, 4), "2 owns it now", 1);
    expect_primary(0, false);
    expect_primary(1, false);
    expect(told_blocked_at(0) <= told_view_at(2));
    expect(told_blocked_at(1) <= told_view_at(2));
    expect_refused(0, SAFE, GCS_ENOPRIMARY);
    expect_refused(1, FIFO, GCS_ENOPRIMARY);
    expect_heard(EVERYBODY, "0 still owns it", 0);

    heal();
    wait_for_view(EVERYBODY);
    expect_heard(EVERYBODY, "0 still owns it", 0);
    expect_heard(MEMBERS(0, 1), "2 owns it now", 0); /* what it missed, its state would hold */

    the_end("0 1 were told:\n"
            "  view 0 1 2 3 4\n"
            "  from 0, safe: 0 owns it\n"
            "  no primary\n"
            "  excluded\n"
            "  view 2 3 4, new 0' 1'\n"
            "2 3 4 were told:\n"
            "  view 0 1 2 3 4\n"
            "  from 0, safe: 0 owns it\n"
            "  view 2 3 4; 0 unreachable, 1 unreachable\n"
            "  from 2, safe: 2 owns it now\n"
            "  view 2 3 4, new 0' 1'\n");
}

/*
 * safe_minority: 0 hands itself its claim when it is the only one to hold it. Without the check of
 * the quorum (gcs_group_check_primary) 0 and 1 are never told that they are cut off.
 */
STORY(tell, BROKEN_BY(safe_minority))
