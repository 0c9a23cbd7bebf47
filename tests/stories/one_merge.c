/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The merge. Two sides of a network find each other again. In corosync's process groups
 * each member is told of those from the other side one by one, and the two sides in
 * different orders: for a while members act on lists that nobody else ever had.
 * https://github.com/corosync/corosync/issues/351
 *
 * The lesson: who comes back comes back in a view, the same one for everybody, the
 * first that it is told; members that come back together come back in one.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(7);

    divide(MEMBERS(2, 4, 6));
    wait_for_view(MEMBERS(0, 1, 3, 5));
    say(5, AGREED, "four of us");
    wait_ms(2000);
    expect_primary(2, false);

    heal();
    remember_views();
    wait_for_view(EVERYBODY);
    expect_views(EVERYBODY, 1);
    say(2, AGREED, "all of us");
    wait_ms(1000);
    expect_view(EVERYBODY);
    expect_heard(EVERYBODY, "all of us", 1);

    the_end("0 1 3 5 were told:\n"
            "  view 0 1 2 3 4 5 6\n"
            "  view 0 1 3 5; 2 unreachable, 4 unreachable, 6 unreachable\n"
            "  from 5, agreed: four of us\n"
            "  view 0 1 3 5, new 2' 4' 6'\n"
            "  from 2', agreed: all of us\n"
            "2 4 6 were told:\n"
            "  view 0 1 2 3 4 5 6\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1 3 5, new 2' 4' 6'\n"
            "  from 2', agreed: all of us\n");
}

/* joiners_singly: 2, 4 and 6 come back in three views. */
STORY(tell, BROKEN_BY(joiners_singly))
