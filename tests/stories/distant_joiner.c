/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The distant joiner. One server's network is so slow that its part in forming a
 * membership always comes too late, or what it is told does not get through at all; but it
 * is heard, so the others try. In corosync they try for ever, and nothing else.
 * https://github.com/corosync/corosync/issues/760
 *
 * The lesson: to want in is no reason to stop a group. Somebody who does not answer in
 * time when nothing depends on it is not waited for when everything does.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(5);

    hold_back(ANYTHING, MEMBERS(4), ALL_BUT(4), 1500000);
    hold_back(ANYTHING, ALL_BUT(4), MEMBERS(4), 1500000);
    wait_for_view(MEMBERS(0, 1, 2, 3));
    remember_views();
    wait_ms(20000); /* it is told that it was excluded, and asks to come back */
    say(1, SAFE, "without 4");
    wait_ms(100);
    expect_heard(MEMBERS(0, 1, 2, 3), "without 4", 1);
    expect_views(MEMBERS(0, 1, 2, 3), 0);

    for (unsigned i = 0; i < 5; i++)
        cut_one_way(i, 5);
    start(5); /* hears nobody, and asks */
    wait_ms(20000);
    expect_views(MEMBERS(0, 1, 2, 3), 0);

    crash(5);
    heal();
    wait_for_view(EVERYBODY);

    the_end("0 1 2 3 were told:\n"
            "  view 0 1 2 3 4\n"
            "  view 0 1 2 3; 4 unreachable\n"
            "  from 1, safe: without 4\n"
            "  view 0 1 2 3, new 4'\n"
            "4 was told:\n"
            "  view 0 1 2 3 4\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1 2 3, new 4'\n"
            "5 was told:\n"
            "  (and is gone)\n");
}

/* unheard_joiners: whoever asks is reason enough for a ballot, which it then does not answer. */
STORY(tell, BROKEN_BY(unheard_joiners))
