/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A view that counted on empty hands. When a whole Derecho group restarted, its first
 * view was confirmed and recorded, and only then did those who had missed something
 * fetch it from the others, as joiners do in a running group. Had it failed in between,
 * the next restart would have found a majority of that view, and among them nobody
 * who had to know everything.
 * https://github.com/Derecho-Project/derecho/issues/106
 *
 * The lesson: to be in a view is one thing and to count for it another. A new
 * member counts once it has the state, by a view of its own; until then no majority
 * is made with it, however many new ones there are.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_state();
    given_members(3);
    say(0, AGREED, "before");
    wait_ms(100);

    /* Two come in, and are kept waiting for the state. */
    withhold_state(EVERYBODY);
    start(3);
    start(4);
    wait_for_view(EVERYBODY);
    wait_ms(100);
    expect_voters(EVERYBODY, MEMBERS(0, 1, 2));
    expect_no_state(3);
    expect_no_state(4);

    /* Three against two: but of these three only one has anything. */
    divide(MEMBERS(2, 3, 4));
    wait_ms(3000);
    expect_primary(0, true);
    expect_primary(1, true);
    expect_primary(2, false);
    expect_refused(2, AGREED, GCS_ENOPRIMARY);
    say(1, AGREED, "meanwhile");

    /* All come back, get the state, and count from then on. */
    heal();
    wait_ms(2000);
    expect_voters(EVERYBODY, MEMBERS(0, 1));
    give_state(EVERYBODY);
    wait_ms(1000);
    expect_view(EVERYBODY);
    expect_voters(EVERYBODY, EVERYBODY);
    say(4, AGREED, "after");
    wait_ms(100);
    expect_same_state(EVERYBODY);

    the_end("0 1 were told:\n"
            "  view 0 1 2\n"
            "  from 0, agreed: before\n"
            "  view 0 1 2, new 3 4; without a vote 3 4\n"
            "  view 0 1; 2 unreachable, 3 unreachable, 4 unreachable\n"
            "  from 1, agreed: meanwhile\n"
            "  view 0 1, new 2'; without a vote 2\n"
            "  view 0 1 2', new 3' 4'; without a vote 2 3 4\n"
            "  view 0 1 2' 3' 4'\n"
            "  from 4', agreed: after\n"
            "2 was told:\n"
            "  view 0 1 2\n"
            "  from 0, agreed: before\n"
            "  view 0 1 2, new 3 4; without a vote 3 4\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1, new 2'; without a vote 2\n"
            "  the state\n"
            "  view 0 1 2', new 3' 4'; without a vote 2 3 4\n"
            "  view 0 1 2' 3' 4'\n"
            "  from 4', agreed: after\n"
            "3 4 were told:\n"
            "  view 0 1 2, new 3 4; without a vote 3 4\n"
            "  excluded\n"
            "  view 0 1 2', new 3' 4'; without a vote 2 3 4\n"
            "  the state\n"
            "  view 0 1 2' 3' 4'\n"
            "  from 4', agreed: after\n");
}

/* vote_before_state: the three go on, with one copy of the state; the other two are stuck. */
STORY(tell, BROKEN_BY(vote_before_state))
