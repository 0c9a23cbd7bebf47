/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Views beside the messages. JGroups handed views up outside of the lock that had put
 * them in order: when two came close together the older could arrive last, and the
 * parts above went on with members that were gone, for good: a sender waited for ever
 * for room at one that it took for a stranger. Nobody had noticed for fifteen years.
 * https://github.com/belaban/JGroups/issues/1048
 *
 * The lesson: views and messages are one sequence, from one hand, and a decision that
 * arrives twice, or after a later one, changes nothing.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(4);
    repeat_late(GCS_FRAME_INSTALL, EVERYBODY, MEMBERS(2), 200000);

    say(2, AGREED, "a");
    start(4);
    say(3, AGREED, "b");
    wait_for_view(EVERYBODY);
    say(2, AGREED, "c");
    /* Places come too late: what is said now only the flush puts in order. */
    hold_back(GCS_FRAME_RUNS, MEMBERS(0), EVERYBODY, 100000);
    crash(1);
    say(3, AGREED, "d");
    wait_for_view(EVERYBODY);
    heal();
    repeat_late(GCS_FRAME_INSTALL, EVERYBODY, MEMBERS(2), 200000);
    say(2, AGREED, "e");
    wait_ms(10);
    leave(3);
    wait_for_view(MEMBERS(0, 2, 4));
    say(2, AGREED, "f");
    wait_ms(1000); /* and now comes what was repeated */
    expect_view(MEMBERS(0, 2, 4));
    expect_views(MEMBERS(0, 2), 3);

    the_end("0 2 were told:\n"
            "  view 0 1 2 3\n"
            "  from 2, agreed: a\n"
            "  from 3, agreed: b\n"
            "  view 0 1 2 3, new 4\n"
            "  from 2, agreed: c\n"
            "  from 3, agreed: d\n"
            "  view 0 2 3 4; 1 crashed\n"
            "  from 2, agreed: e\n"
            "  view 0 2 4; 3 left\n"
            "  from 2, agreed: f\n"
            "1 was told:\n"
            "  view 0 1 2 3\n"
            "  from 2, agreed: a\n"
            "  from 3, agreed: b\n"
            "  view 0 1 2 3, new 4\n"
            "  (and is gone)\n"
            "3 was told:\n"
            "  view 0 1 2 3\n"
            "  from 2, agreed: a\n"
            "  from 3, agreed: b\n"
            "  view 0 1 2 3, new 4\n"
            "  from 2, agreed: c\n"
            "  from 3, agreed: d\n"
            "  view 0 2 3 4; 1 crashed\n"
            "  from 2, agreed: e\n"
            "  left\n"
            "4 was told:\n"
            "  view 0 1 2 3, new 4\n"
            "  from 2, agreed: c\n"
            "  from 3, agreed: d\n"
            "  view 0 2 3 4; 1 crashed\n"
            "  from 2, agreed: e\n"
            "  view 0 2 4; 3 left\n"
            "  from 2, agreed: f\n");
}

/*
 * deliver_in_next_view: c and d come after the view that settled them. repeat_view: the same view
 * again.
 */
STORY(tell, BROKEN_BY(deliver_in_next_view), BROKEN_BY(repeat_view))
