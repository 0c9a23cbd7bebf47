/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The longest message that the defaults allow, 256 MiB, among three processes over
 * loopback: it comes as it was sent, small messages of another member come meanwhile,
 * and no process has more memory in use than its copies of it.
 */
/* ctest-labels: slow limits */
/* ctest-timeout: 300 */
/* ctest-serial */
#include "unit/crew.h"
#include "unit/suite.h"

#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMBERS = 3, SIZE = 256 << 20, SMALL = 100, BESIDE_MB = 64 };

/* What the processes tell each other. */
struct shared {
    char address[GCS_MEMBER_TEXT_MAX];
    atomic_bool open;
    atomic_uint before[MEMBERS]; /* small messages delivered before the long one */
    atomic_uint finished, stopped;
    atomic_uint changes[MEMBERS]; /* of the view, once all are in it */
    atomic_ulong peak_kb[MEMBERS];
};

static struct shared *shared;

static uint64_t word_at(size_t i)
{
    return (i + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static unsigned long peak_kb(void)
{
    char line[128];
    unsigned long kb = 0;
    FILE *status = fopen("/proc/self/status", "r");

    while (status && fgets(line, sizeof(line), status) && sscanf(line, "VmHWM: %lu", &kb) != 1)
        ;
    if (status)
        (void)fclose(status);
    return kb;
}

static void die(const char *what)
{
    fprintf(stderr, "%s: %s\n", what, gcs_detail());
    _exit(1);
}

static void send_long(struct gcs_group *group)
{
    void *room;

    if (gcs_reserve(group, GCS_AGREED, SIZE, &room, CREW_PATIENCE_MS) < 0)
        die("gcs_reserve");
    for (size_t i = 0; i < SIZE / sizeof(uint64_t); i++)
        ((uint64_t *)room)[i] = word_at(i);
    if (gcs_commit(group, room, SIZE) < 0)
        die("gcs_commit");
}

static bool is_right(const struct gcs_message *message)
{
    for (size_t i = 0; i < SIZE / sizeof(uint64_t); i++) {
        uint64_t word;
        memcpy(&word, (const uint8_t *)message->data + i * sizeof(word), sizeof(word));
        if (word != word_at(i))
            return false;
    }
    return true;
}

static bool complete;

/* Whether the long one has come; counts the others. */
static bool take(unsigned self, const struct gcs_event *event)
{
    if (event->type == GCS_EVENT_VIEW) {
        atomic_fetch_add(&shared->changes[self], complete);
        complete |= event->change->view.count == MEMBERS;
    }
    for (size_t i = 0; event->type == GCS_EVENT_DELIVER && i < event->count; i++) {
        if (event->messages[i].size == SIZE) {
            if (!is_right(&event->messages[i]))
                die("the message is not what was sent");
            return true;
        }
        atomic_fetch_add(&shared->before[self], 1);
    }
    return false;
}

static void run(unsigned self, struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    char small[SMALL] = {0};
    struct gcs_event event;
    bool sent = false, came = false;
    uint64_t limit = crew_now_ms() + 10 * CREW_PATIENCE_MS;

    while (atomic_load(&shared->finished) < MEMBERS) {
        int got = gcs_next(endpoint, &event, 1);
        if (got < 0 || crew_now_ms() > limit)
            die("gcs_next");
        if (got > 0 && take(self, &event)) {
            came = true;
            atomic_fetch_add(&shared->finished, 1);
        }
        if (complete && self == 0 && !sent)
            send_long(group);
        sent |= complete;
        if (complete && self == 1 && !came) /* EAGAIN: there are many already */
            (void)gcs_multicast(group, GCS_AGREED, small, SMALL, 0);
    }
}

static void member(unsigned self)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint;
    struct gcs_group_config config;
    struct gcs_group *group;
    char url[256];

    while (self > 0 && !atomic_load(&shared->open))
        crew_pause_ms(1);
    (void)snprintf(url, sizeof(url), "udp://127.0.0.1:0?seeds=%s",
                   self ? shared->address : "127.0.0.1:9");
    gcs_endpoint_options_init(&options);
    if (gcs_open(url, &options, &endpoint) < 0)
        die("gcs_open");
    if (self == 0)
        (void)snprintf(shared->address, sizeof(shared->address), "%s",
                       gcs_endpoint_address(endpoint));
    gcs_group_config_init(&config);
    config.bootstrap = self ? GCS_JOIN : GCS_CREATE;
    if (gcs_join(endpoint, "long", &config, &group) < 0)
        die("gcs_join");
    atomic_store(&shared->open, true);
    run(self, endpoint, group);
    atomic_store(&shared->peak_kb[self], peak_kb());
    atomic_fetch_add(&shared->stopped, 1);
    while (atomic_load(&shared->stopped) < MEMBERS)
        crew_pause_ms(1);
    gcs_close(endpoint);
    _exit(0);
}

START_TEST(the_longest_message_arrives)
{
    pid_t children[MEMBERS];
    int status;

    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ck_assert(shared != MAP_FAILED);
    for (unsigned i = 0; i < MEMBERS; i++) {
        children[i] = fork();
        ck_assert_int_ge(children[i], 0);
        if (children[i] == 0)
            member(i);
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        ck_assert_int_eq(waitpid(children[i], &status, 0), children[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    for (unsigned i = 0; i < MEMBERS; i++) {
        unsigned long copies = i == 0 ? 2 : 1; /* where it was written, and where it is sent from */
        printf("member %u: %lu MiB at most, %u small messages meanwhile\n", i,
               atomic_load(&shared->peak_kb[i]) >> 10, atomic_load(&shared->before[i]));
        ck_assert_uint_le(atomic_load(&shared->peak_kb[i]),
                          copies * (SIZE >> 10) + (BESIDE_MB << 10));
        ck_assert_uint_ge(atomic_load(&shared->before[i]), 100);
        ck_assert_uint_eq(atomic_load(&shared->changes[i]), 0); /* nobody was silent for long */
    }
    (void)munmap(shared, sizeof(*shared));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {the_longest_message_arrives};
    return suite_run("the longest message", tests, SUITE_SIZE(tests));
}
