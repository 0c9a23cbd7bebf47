/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Twice in the total order. In JGroups members send to a sequencer what is to be
 * ordered, and again to its successor when it dies. What the first had passed on to
 * some before its death came to them from the second as well, under a new place, and
 * was delivered twice.
 * https://github.com/belaban/JGroups/pull/41 (JGRP-1458)
 *
 * The lesson: a message has one name from its sender on, whoever orders it; what a
 * closing view delivers is settled before there is another sequencer.
 */
#include "tests/stories/story.h"

#include <stdio.h>

static void tell(void)
{
    char text[8];

    given_members(4);

    /* Some have a place from 0 and are delivered by all; 2 and 3 do not get the places of more. */
    for (unsigned i = 0; i < 30; i++) {
        if (i == 20)
            lose(GCS_FRAME_RUNS, MEMBERS(0), MEMBERS(2, 3));
        snprintf(text, sizeof(text), "%u", i);
        say(1, AGREED, text);
        wait_ms(1);
    }
    expect_heard(MEMBERS(1), "29", 1);
    expect_heard(MEMBERS(2, 3), "29", 0);
    power_off(0);
    say(1, AGREED, "next"); /* has no place from anybody yet */
    say(3, AGREED, "last");
    wait_for_view(MEMBERS(1, 2, 3));
    wait_ms(100);
    for (unsigned i = 0; i < 30; i++) {
        snprintf(text, sizeof(text), "%u", i);
        expect_heard(MEMBERS(1, 2, 3), text, 1);
    }
    expect_heard(MEMBERS(1, 2, 3), "next", 1);
    expect_heard(MEMBERS(1, 2, 3), "last", 1);

    the_end(
        "0 was told:\n"
        "  view 0 1 2 3\n"
        "  from 1, agreed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29\n"
        "  (and is gone)\n"
        "1 2 3 were told:\n"
        "  view 0 1 2 3\n"
        "  from 1, agreed: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, next\n"
        "  from 3, agreed: last\n"
        "  view 1 2 3; 0 unreachable\n");
}

/*
 * duplicate_delivery: some are delivered twice. install_without_flush: the new sequencer begins
 * without what the old one has left.
 */
STORY(tell, BROKEN_BY(duplicate_delivery), BROKEN_BY(install_without_flush))
