/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The large message. In MySQL's group replication one transaction that takes longer than
 * the failure detector's patience to get through the network, or through the one thread
 * that also answers the detector, gets members expelled that do nothing but work.
 * https://dev.mysql.com/doc/refman/8.4/en/group-replication-performance-message-fragmentation.html
 * (bug 22671846)
 *
 * The lesson: traffic is a sign of life, however much of it there is, and what others
 * have to say, above all about who is alive, does not wait behind it.
 */
#include "tests/stories/story.h"

static void tell(void)
{
    given_wire(1000); /* a megabyte a second */
    given_members(4);

    say_large(1, SAFE, 1 << 20); /* to three others: more than three seconds */
    say(0, AGREED, "meanwhile");
    wait_ms(1000);
    expect_heard(EVERYBODY, "meanwhile", 1);
    expect_heard(EVERYBODY, "1048576 bytes", 0);
    wait_ms(7000);
    expect_view(EVERYBODY);
    expect_views(EVERYBODY, 0);
    expect_heard(EVERYBODY, "1048576 bytes", 1);
    for (unsigned i = 0; i < 4; i++)
        expect(counters(i)->suspicions == 0);

    the_end("0 1 2 3 were told:\n"
            "  view 0 1 2 3\n"
            "  from 0, agreed: meanwhile\n"
            "  from 1, safe: 1048576 bytes\n");
}

/* deaf_to_data: 1 is silent while its message fills the wire, and is put out. */
STORY(tell, BROKEN_BY(deaf_to_data))
