/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bad links: two members that do not hear each other, while others hear both. The
 * group settles in bounded time on members that all hear each other, and then rests;
 * one that comes back and is lost again and again is let in more and more rarely.
 */
#include "tests/unit/cluster.h"
#include "tests/unit/suite.h"

#include <stdio.h>

static struct cluster c;
static bool cut[CLUSTER_MAX][CLUSTER_MAX];

static enum cluster_fate links(void *ctx, const struct cluster_flight *flight)
{
    (void)ctx;
    return cut[flight->from][flight->to] ? CLUSTER_LOSE : CLUSTER_PASS;
}

static void cut_link(unsigned a, unsigned b, bool bad)
{
    cut[a][b] = cut[b][a] = bad;
}

/* Everybody speaks; who was excluded comes back at once. */
static void live(uint64_t ns)
{
    static uint32_t n;
    for (uint64_t end = c.now + ns; c.now < end;) {
        for (unsigned i = 0; i < c.count; i++) {
            if (!c.nodes[i].group)
                cluster_join(&c, i);
            else
                cluster_say(&c, i, GCS_AGREED, n, 100);
        }
        n++;
        cluster_run(&c, 20 * MILLISECONDS);
    }
}

int main(int argc, char **argv)
{
    (void)argc;
    unsigned a = (unsigned)atoi(argv[1]), b = (unsigned)atoi(argv[2]), count = (unsigned)atoi(argv[3]);
    bool oneway = argc > 4;
    cluster_init(&c);
    cluster_start(&c, count);
    c.fate = links;
    live(1000 * MILLISECONDS);
    cut_link(a, b, true);
    if (oneway) cut[b][a] = false;
    for (int s = 0; s < 15; s++) {
        printf("%2d s:", s);
        for (unsigned i = 0; i < count; i++)
            printf("  [%u members %u epoch %u views %u left %u blk %u msgs %zu]", i, c.nodes[i].members, c.nodes[i].epoch, c.nodes[i].views, c.nodes[i].left, c.nodes[i].blocked, c.nodes[i].count);
        printf("\n");
        live(1000 * MILLISECONDS);
    }
    return 0;
}
