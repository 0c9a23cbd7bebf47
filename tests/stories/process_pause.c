/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pause. A virtual machine is not scheduled for some seconds, again and again.
 * In corosync each time a membership is torn down and formed anew, by the sleeper as
 * well, which takes the others for dead when it wakes; and each time some memory is
 * lost, until that is what kills it.
 * https://github.com/corosync/corosync/issues/692
 *
 * The lesson: short pauses cost nobody a membership. Who slept for longer does not
 * accuse those who did not, but finds out what became of it. The group sees it go and
 * come back, and none of it leaves anything behind.
 */
#include "tests/stories/story.h"

static void sleep_and_return(void)
{
    remember_views();
    suspend_host(4);
    wait_for_view(ALL_BUT(4));
    wait_ms(2000);
    uint64_t accusations = counters(4)->suspicions;
    resume(4);
    wait_for_view(EVERYBODY);
    expect(counters(4)->suspicions == accusations);
    expect_views(ALL_BUT(4), 2); /* without it, and with it again */
    wait_ms(1000);
}

static void tell(void)
{
    given_members(5);

    for (unsigned i = 0; i < 10; i++) {
        pause_process(4);
        wait_ms(400);
        resume(4);
        wait_ms(200);
    }
    expect_view(EVERYBODY);
    expect_views(EVERYBODY, 0);

    sleep_and_return();
    sleep_and_return(); /* what is kept to be used again is there now */
    size_t pieces = memory_pieces(0);
    size_t sleepers_pieces = memory_pieces(4);
    sleep_and_return();
    expect(memory_pieces(0) <= pieces);
    expect(memory_pieces(4) <= sleepers_pieces);

    the_end("0 1 2 3 were told:\n"
            "  view 0 1 2 3 4\n"
            "  view 0 1 2 3; 4 unreachable\n"
            "  view 0 1 2 3, new 4'\n"
            "  view 0 1 2 3; 4' unreachable\n"
            "  view 0 1 2 3, new 4''\n"
            "  view 0 1 2 3; 4'' unreachable\n"
            "  view 0 1 2 3, new 4'''\n"
            "4 was told:\n"
            "  view 0 1 2 3 4\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1 2 3, new 4'\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1 2 3, new 4''\n"
            "  no primary\n"
            "  excluded\n"
            "  view 0 1 2 3, new 4'''\n");
}

/* forget_pause: 4 wakes up, has heard nobody for seconds, and suspects them all. */
STORY(tell, BROKEN_BY(forget_pause))
