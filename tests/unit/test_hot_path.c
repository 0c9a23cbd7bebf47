/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a stream of small messages may cost, in counts: no allocation and no lock per
 * message, full packets, few system calls. Whoever adds one to the hot path learns it here,
 * on a machine of any speed. The program is linked with --wrap for what it counts.
 */
#include "crew.h"
#include "suite.h"

#include <stdlib.h>

enum { MEMBERS = 3, SIZE = 64, WARMUP = 300000, MESSAGES = 900000, BATCH = 2000 };

/* Of all threads. */
static _Atomic uint64_t allocations, locks;

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
int __real_pthread_mutex_lock(pthread_mutex_t *mutex);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *memory, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);

void *__wrap_malloc(size_t size)
{
    allocations++;
    return __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
    allocations++;
    return __real_calloc(count, size);
}

void *__wrap_realloc(void *memory, size_t size)
{
    allocations++;
    return __real_realloc(memory, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    allocations++;
    return __real_aligned_alloc(alignment, size);
}

int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex)
{
    locks++;
    return __real_pthread_mutex_lock(mutex);
}

static struct crew crew;
static uint32_t own_loop;
static uint64_t delivered[MEMBERS];

static uint64_t slowest(void)
{
    uint64_t least = delivered[0];
    for (size_t m = 1; m < MEMBERS; m++)
        least = delivered[m] < least ? delivered[m] : least;
    return least;
}

static void send_batch(size_t m)
{
    static const uint8_t message[SIZE];
    int error = 0;

    for (int i = 0; i < BATCH && error == 0; i++)
        error = gcs_multicast(crew.group[m], GCS_AGREED, message, SIZE, 0);
    if (error != GCS_EAGAIN)
        crew_ok(error);
}

static void take_all(size_t m, bool *viewed)
{
    struct gcs_event event;

    while (crew_ok(gcs_next(crew.endpoint[m], &event, 0)) == 1) {
        delivered[m] += event.count;
        if (event.type == GCS_EVENT_VIEW && event.change->view.count == MEMBERS)
            *viewed = true;
    }
}

static void dispatch(size_t m)
{
    if (own_loop)
        crew_ok(gcs_dispatch(crew.endpoint[m]));
}

static void form(uint32_t flags)
{
    struct gcs_endpoint_options options;
    bool viewed[MEMBERS] = {false};

    gcs_endpoint_options_init(&options);
    options.flags = own_loop = flags;
    for (size_t m = 0; m < MEMBERS; m++) {
        crew_open(&crew, &options);
        crew_join(&crew, m, NULL);
    }
    while (!viewed[0] || !viewed[1] || !viewed[2]) {
        for (size_t m = 0; m < MEMBERS; m++) {
            dispatch(m);
            take_all(m, &viewed[m]);
        }
    }
}

/* All send as fast as they can, until the slowest has delivered so many. */
static void stream_until(uint64_t messages)
{
    bool viewed;

    while (slowest() < messages) {
        for (size_t m = 0; m < MEMBERS; m++) {
            send_batch(m);
            dispatch(m);
            take_all(m, &viewed);
        }
    }
}

static void add_counters(struct gcs_counters *sum)
{
    memset(sum, 0, sizeof(*sum));
    for (size_t m = 0; m < MEMBERS; m++) {
        struct gcs_counters counters;
        crew_ok(gcs_counters_get(crew.endpoint[m], &counters));
#define ADD(name, text) sum->name += counters.name;
        GCS_COUNTER_TABLE(ADD)
#undef ADD
    }
}

START_TEST(a_stream_of_small_messages_costs_next_to_nothing)
{
    struct gcs_counters before, after;

    form(GCS_OWN_LOOP);
    stream_until(WARMUP);
    add_counters(&before);
    uint64_t allocations_before = allocations, locks_before = locks, from = slowest();
    stream_until(WARMUP + MESSAGES);
    uint64_t messages = slowest() - from;
    allocations -= allocations_before;
    locks -= locks_before;
    add_counters(&after);
#define MORE(name) ((double)(after.name - before.name))
    /* Buffers may still be added when more packets are on their way than ever before. */
    ck_assert_msg(allocations * 1000 < messages, "%lu allocations", (unsigned long)allocations);
    ck_assert_msg(locks * 1000 < messages, "%lu locks", (unsigned long)locks);
    double per_packet = MORE(messages_sent) / MORE(data_packets_sent);
    ck_assert_msg(per_packet >= 500, "%.0f messages per packet", per_packet);
    double sends = MORE(send_calls) / MORE(bytes_sent) * 60e3;
    ck_assert_msg(sends <= 1, "%.2f calls that send for 60 kB", sends);
    double receives = MORE(receive_calls) / MORE(bytes_received) * 60e3;
    ck_assert_msg(receives <= 2, "%.2f calls that receive for 60 kB", receives);
    /* One copy in, none out: three members that deliver would add three. */
    double copies = MORE(bytes_copied) / (MORE(messages_sent) * SIZE);
    ck_assert_msg(copies >= 1 && copies <= 1.2, "%.3f copies of each byte", copies);
    crew_close(&crew);
}
END_TEST

/* The library's own threads do the work: messages go to them through memory that is used again. */
START_TEST(a_stream_to_other_threads_allocates_next_to_nothing)
{
    form(0);
    stream_until(WARMUP);
    uint64_t before = allocations, from = slowest();
    stream_until(WARMUP + MESSAGES);
    uint64_t more = allocations - before, messages = slowest() - from;
    ck_assert_msg(more * 1000 < messages, "%lu allocations", (unsigned long)more);
    crew_close(&crew);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_stream_of_small_messages_costs_next_to_nothing,
        a_stream_to_other_threads_allocates_next_to_nothing,
    };
    return suite_run("hot_path", tests, SUITE_SIZE(tests));
}
