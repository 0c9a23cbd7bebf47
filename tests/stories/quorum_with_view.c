/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Quorum and membership by different ways. Corosync tells one of its services' users who
 * is there and another's that this is enough, or not; nothing says which comes first.
 * Pacemaker had assumed an order, and acted on one without the other when it was not so.
 * https://github.com/ClusterLabs/pacemaker/pull/1575
 *
 * The lesson: one event carries the members, how many of them are needed, and whether
 * this is the primary, and it stands in one row with the messages. That each event fits
 * together, and is what the core answers when asked, is looked at for every event in
 * every story.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(3);

    say(1, AGREED, "of three");
    wait_ms(100);
    start(3);
    start(4);
    say(1, AGREED, "of three still"); /* multicast before the view, so delivered before it */
    wait_for_view(EVERYBODY);
    say(3, AGREED, "of five");
    wait_ms(100);

    for (unsigned i = 0; i < 3; i++) {
        crash(i);
        wait_for_view(EVERYBODY); /* two of three are a majority ... */
    }
    say(3, SAFE, "of two");
    wait_ms(100);
    expect_heard(MEMBERS(3, 4), "of two", 1);

    crash(3); /* ... one of two is none */
    wait_ms(2000);
    expect_primary(4, false);
    expect_refused(4, SAFE, GCS_ENOPRIMARY);

    the_end("0 was told:\n"
            "  view 0 1 2\n"
            "  from 1, agreed: of three, of three still\n"
            "  view 0 1 2, new 3 4\n"
            "  from 3, agreed: of five\n"
            "  (and is gone)\n"
            "1 was told:\n"
            "  view 0 1 2\n"
            "  from 1, agreed: of three, of three still\n"
            "  view 0 1 2, new 3 4\n"
            "  from 3, agreed: of five\n"
            "  view 1 2 3 4; 0 crashed\n"
            "  (and is gone)\n"
            "2 was told:\n"
            "  view 0 1 2\n"
            "  from 1, agreed: of three, of three still\n"
            "  view 0 1 2, new 3 4\n"
            "  from 3, agreed: of five\n"
            "  view 1 2 3 4; 0 crashed\n"
            "  view 2 3 4; 1 crashed\n"
            "  (and is gone)\n"
            "3 was told:\n"
            "  view 0 1 2, new 3 4\n"
            "  from 3, agreed: of five\n"
            "  view 1 2 3 4; 0 crashed\n"
            "  view 2 3 4; 1 crashed\n"
            "  view 3 4; 2 crashed\n"
            "  from 3, safe: of two\n"
            "  (and is gone)\n"
            "4 was told:\n"
            "  view 0 1 2, new 3 4\n"
            "  from 3, agreed: of five\n"
            "  view 1 2 3 4; 0 crashed\n"
            "  view 2 3 4; 1 crashed\n"
            "  view 3 4; 2 crashed\n"
            "  from 3, safe: of two\n"
            "  no primary\n");
}

/* stale_quorum: the quorum is that of the view before, as if it were told separately. */
STORY(tell, BROKEN_BY(stale_quorum))
