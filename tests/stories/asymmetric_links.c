/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Links that do not all work. One link of a group breaks, and its ends can both
 * still talk to everybody else. In corosync each end finds that the other is gone and
 * forms a membership without it, which the others are told to join, and leave again
 * for the other one: there is no end to it, and no service.
 * https://github.com/corosync/corosync/issues/750
 * https://github.com/corosync/corosync/issues/760
 *
 * The lesson: what one member misses is no reason to change a view while a majority
 * misses nobody; what the link would have carried takes another way. If the link
 * stays as it is the junior end goes, once, for a group whose members do not all hear
 * each other would stand still in the end; and it does not come back before it is
 * heard. Who is heard by nobody goes likewise.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(5);

    cut_link(0, 3); /* of all links that of the coordinator, by whom all is ordered */
    say(0, AGREED, "around");
    say(3, SAFE, "the gap");
    wait_ms(1500);
    expect_view(EVERYBODY);
    expect_views(EVERYBODY, 0);
    expect_heard(EVERYBODY, "around", 1);
    expect_heard(EVERYBODY, "the gap", 1);
    wait_for_view(MEMBERS(0, 1, 2, 4));
    wait_ms(10000);
    expect_views(MEMBERS(0, 1, 2, 4), 1);

    heal();
    wait_for_view(EVERYBODY);
    for (unsigned i = 0; i < 4; i++)
        cut_one_way(4, i);
    wait_for_view(MEMBERS(0, 1, 2, 3));
    say(0, SAFE, "without 4");
    wait_ms(10000);
    expect_views(MEMBERS(0, 1, 2), 3); /* without 3, with it, without 4 */
    expect_heard(MEMBERS(0, 1, 2, 3), "without 4", 1);

    heal();
    wait_for_view(EVERYBODY);

    the_end("0 1 2 were told:\n"
            "  view 0 1 2 3 4\n"
            "  from 0, agreed: around\n"
            "  from 3, safe: the gap\n"
            "  view 0 1 2 4; 3 unreachable\n"
            "  view 0 1 2 4, new 3'\n"
            "  view 0 1 2 3'; 4 unreachable\n"
            "  from 0, safe: without 4\n"
            "  view 0 1 2 3', new 4'\n"
            "3 was told:\n"
            "  view 0 1 2 3 4\n"
            "  from 0, agreed: around\n"
            "  from 3, safe: the gap\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1 2 4, new 3'\n"
            "  view 0 1 2 3'; 4 unreachable\n"
            "  from 0, safe: without 4\n"
            "  view 0 1 2 3', new 4'\n"
            "4 was told:\n"
            "  view 0 1 2 3 4\n"
            "  from 0, agreed: around\n"
            "  from 3, safe: the gap\n"
            "  view 0 1 2 4; 3 unreachable\n"
            "  view 0 1 2 4, new 3'\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1 2 3', new 4'\n");
}

/* poll_minority: 0 misses 3, and that is enough to begin with views that never last. */
STORY(tell, BROKEN_BY(poll_minority))
