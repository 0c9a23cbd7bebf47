/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blended proposals. A leader of Derecho proposes a change of the view, a majority knows
 * of it, and it dies before it can say that this is so. Its successor has a change of its
 * own in mind, that the leader is gone, and would have put the two into one view; but
 * somebody may have installed the first already, and there would be two histories.
 * https://github.com/Derecho-Project/derecho/issues/126
 *
 * The lesson: what may have been decided is proposed again as it stands, by whoever
 * comes next; its own change is the next view. So 0 is in a view that was made after
 * it died.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_members(5);

    crash(4);
    lose(GCS_FRAME_ACCEPT, EVERYBODY, MEMBERS(0));
    wait_until_sent(GCS_FRAME_ACCEPT, MEMBERS(1, 2, 3), 3);
    power_off(0);
    wait_for_view(MEMBERS(1, 2, 3));

    the_end("0 4 were told:\n"
            "  view 0 1 2 3 4\n"
            "  (and is gone)\n"
            "1 2 3 were told:\n"
            "  view 0 1 2 3 4\n"
            "  view 0 1 2 3; 4 crashed\n"
            "  view 1 2 3; 0 unreachable\n");
}

/* no_reproposal: the successor makes a value of its own, and 0 and 4 go at once. */
STORY(tell, BROKEN_BY(no_reproposal))
