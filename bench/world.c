/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory that processes share: see world.h. */
#include "world.h"

#include "clock.h"

#include <sys/mman.h>
#include <sys/resource.h>

void *bench_shared_new(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

void bench_shared_free(void *memory, size_t size)
{
    if (memory)
        (void)munmap(memory, size);
}

static size_t world_size(unsigned count)
{
    return sizeof(struct bench_world) + count * sizeof(struct bench_seat);
}

struct bench_world *bench_world_new(unsigned count)
{
    struct bench_world *world = bench_shared_new(world_size(count));

    if (!world)
        return NULL;
    world->count = count;
    atomic_store(&world->victim, BENCH_NOBODY);
    return world;
}

void bench_world_free(struct bench_world *world)
{
    if (world)
        bench_shared_free(world, world_size(world->count));
}

static uint64_t timeval_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * BENCH_NS_PER_S + (uint64_t)time.tv_usec * BENCH_NS_PER_US;
}

uint64_t bench_peak_rss_kib(void)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)usage.ru_maxrss;
}

void bench_mark_process(struct bench_mark *mark)
{
    struct rusage usage;

    (void)getrusage(RUSAGE_SELF, &usage);
    mark->at = bench_now();
    mark->user_ns = timeval_ns(usage.ru_utime);
    mark->system_ns = timeval_ns(usage.ru_stime);
    mark->switches = (uint64_t)usage.ru_nvcsw + (uint64_t)usage.ru_nivcsw;
    mark->sleeps = (uint64_t)usage.ru_nvcsw;
}
