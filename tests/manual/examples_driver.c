/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the programs of the manual: every function that an EXAMPLES section of section 3
 * defines is called here as its page says, on two cores in one process or on endpoints over the
 * loopback interface. test_examples.sh extracts, compiles and links them, and looks that none is
 * left out.
 */
#include <errno.h>
#include <gcs/gcs.h>
#include <gcs/replica.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PATIENCE_MS 60000

/* The manual's, each in a file of its own. */
struct network {
    struct gcs_buffer *(*receive)(struct network *network, struct gcs_address *from, size_t *size);
    void (*send)(struct network *network, const struct gcs_address *to, const uint8_t *data,
                 size_t size);
};
struct counter {
    long long total;
    size_t got;
};
struct gcs_core *open_core(uint64_t seed, uint8_t own_address);
int form(struct gcs_core *first, struct gcs_core *second, const struct gcs_address *first_address,
         uint64_t now);
uint64_t one_round(struct gcs_core *core, struct network *network, uint64_t now);
void print_deliveries(struct gcs_core *core);
int is_too_old(const struct gcs_core *core);
int slowest(const struct gcs_core_group *group, uint64_t now);
struct gcs_endpoint *open_endpoint(const char *url);
void close_endpoint(struct gcs_endpoint *endpoint, pthread_t taker);
struct gcs_group *join_ticker(struct gcs_endpoint *endpoint, bool first);
int join_store(struct gcs_endpoint *endpoint, bool first_start, struct gcs_group **group);
void part(struct gcs_endpoint *endpoint, struct gcs_group *group);
int publish(struct gcs_group *group, const char *text);
int publish_numbered(struct gcs_group *group, uint64_t number, const char *name);
int answer(const struct gcs_event *event, const void *data, size_t size);
void watch(struct gcs_endpoint *endpoint);
int may_act(struct gcs_group *group);
int read_index(struct gcs_group *group, uint32_t *epoch, uint64_t *position);
void give_number(const struct gcs_event *event, uint64_t number);
int report(const char *what, int result);
void print_members(const struct gcs_group *group);
void print_counters(const struct gcs_endpoint *endpoint);
int evict_youngest(struct gcs_group *group);
void run(struct gcs_endpoint *endpoint, int other_fd, void (*handle)(const struct gcs_event *),
         bool (*read_other)(void));
int open_counter(struct gcs_endpoint *endpoint, struct counter *counter,
                 struct gcs_replica **replica);
void work(struct gcs_replica *replica);
int ask(struct gcs_replica *replica);
int transfer(struct gcs_replica *replica, uint64_t session, uint64_t serial, const void *command,
             size_t size, void *result, size_t room);

#define EXPECT(condition)                                                   \
    do {                                                                    \
        if (!(condition)) {                                                 \
            fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            exit(1);                                                        \
        }                                                                   \
    } while (0)

/* ---- Two cores and a wire between them --------------------------------------------------- */

#define WIRE_MAX 1024

struct letter {
    struct gcs_address from, to;
    struct gcs_buffer *buffer;
    size_t size;
};

static struct letter letters[WIRE_MAX];
static size_t letter_count;
static struct gcs_address speaker; /* whose round it is */

static void destroy(struct gcs_buffer *buffer)
{
    free(buffer);
}

static void wire_send(struct network *network, const struct gcs_address *to, const uint8_t *data,
                      size_t size)
{
    struct gcs_buffer *buffer = malloc(sizeof(*buffer) + size);

    (void)network;
    EXPECT(buffer && letter_count < WIRE_MAX);
    *buffer = (struct gcs_buffer){
        .data = (uint8_t *)(buffer + 1), .size = (uint32_t)size, .refs = 1, .destroy = destroy};
    memcpy(buffer->data, data, size);
    letters[letter_count++] = (struct letter){speaker, *to, buffer, size};
}

static struct gcs_buffer *wire_receive(struct network *network, struct gcs_address *from,
                                       size_t *size)
{
    (void)network;
    for (size_t i = 0; i < letter_count; i++) {
        struct letter letter = letters[i];
        if (memcmp(&letter.to, &speaker, sizeof(speaker)) != 0)
            continue;
        memmove(&letters[i], &letters[i + 1], (letter_count - i - 1) * sizeof(letter));
        letter_count--;
        *from = letter.from;
        *size = letter.size;
        return letter.buffer;
    }
    return NULL;
}

static void run_cores(void)
{
    struct network network = {wire_receive, wire_send};
    struct gcs_core *cores[2] = {open_core(1, 1), open_core(2, 2)};
    struct gcs_address addresses[2] = {{.length = 1, .bytes = {1}}, {.length = 1, .bytes = {2}}};
    uint64_t now = 1000000000;

    EXPECT(cores[0] && cores[1]);
    EXPECT(form(cores[0], cores[1], &addresses[0], now) == 0);
    for (int i = 0; i < 2000; i++, now += 1000000) {
        for (int k = 0; k < 2; k++) {
            struct gcs_core_event event;
            speaker = addresses[k];
            uint64_t due = one_round(cores[k], &network, now);
            EXPECT(due == GCS_NEVER || due < now + UINT64_C(10000000000));
            if (i >= 1000 || !gcs_core_next_event(cores[k], &event))
                continue;
            if (event.type == GCS_EVENT_VIEW && event.change->view.count == 2) {
                EXPECT(slowest(event.group, now) >= -1);
                EXPECT(gcs_core_multicast(event.group, now, GCS_AGREED, "hello", 5) == 0);
            }
            gcs_core_consumed(cores[k], &event);
        }
        if (i == 1000)
            EXPECT(gcs_core_counters(cores[0])->messages_delivered > 0);
        if (i >= 1000) {
            print_deliveries(cores[0]);
            print_deliveries(cores[1]);
        }
    }
    EXPECT(!is_too_old(cores[0]));
    EXPECT(gcs_core_counters(cores[1])->views_installed == 1);
    for (size_t i = 0; i < letter_count; i++)
        gcs_buffer_unref(letters[i].buffer);
    gcs_core_free(cores[0]);
    gcs_core_free(cores[1]);
}

/* ---- Endpoints --------------------------------------------------------------------------- */

static struct gcs_endpoint *open_another(const struct gcs_endpoint *first)
{
    char url[256];

    (void)snprintf(url, sizeof(url), "udp://127.0.0.1:0?seeds=%s", gcs_endpoint_address(first));
    return open_endpoint(url);
}

static void await(struct gcs_endpoint *endpoint, enum gcs_event_type type, struct gcs_event *event)
{
    do
        EXPECT(gcs_next(endpoint, event, PATIENCE_MS) == 1);
    while (event->type != type);
}

static void await_members(struct gcs_endpoint *endpoint, size_t count)
{
    struct gcs_event event;

    do
        await(endpoint, GCS_EVENT_VIEW, &event);
    while (event.change->view.count != count);
}

static void *watch_it(void *endpoint)
{
    watch(endpoint);
    return NULL;
}

static void run_endpoints(void)
{
    struct gcs_endpoint *first = open_endpoint("udp://127.0.0.1:0");
    struct gcs_endpoint *second = open_another(first);
    struct gcs_group *groups[2] = {join_ticker(first, true), NULL};
    struct gcs_event event;
    uint64_t position;
    uint32_t epoch;

    await_members(first, 1);
    groups[1] = join_ticker(second, false);
    await_members(first, 2);
    await_members(second, 2);
    EXPECT(publish(groups[0], "tick") == 0);
    EXPECT(publish_numbered(groups[0], 7, "tock") == 0);
    await(second, GCS_EVENT_DELIVER, &event);
    EXPECT(answer(&event, "tock", 4) == 0);
    await(first, GCS_EVENT_PRIVATE, &event);
    EXPECT(event.messages[0].size == 4);
    print_members(groups[0]);
    print_counters(first);
    EXPECT(report("multicasting nowhere", gcs_multicast(NULL, GCS_SAFE, "", 0, 0)) == GCS_EINVAL);
    for (int i = 0; !may_act(groups[0]); i++)
        EXPECT(i < 600);
    EXPECT(!may_act(groups[1]));
    for (int i = 0; !read_index(groups[0], &epoch, &position); i++)
        EXPECT(i < 600 && usleep(10000) == 0);
    EXPECT(epoch > 0);
    EXPECT(evict_youngest(groups[0]) == 0);
    await(second, GCS_EVENT_LEFT, &event);
    EXPECT(event.error == GCS_EEVICTED);
    part(first, groups[0]);

    struct gcs_group *store;
    pthread_t watcher;
    EXPECT(join_store(first, true, &store) == 0);
    EXPECT(pthread_create(&watcher, NULL, watch_it, second) == 0);
    close_endpoint(second, watcher);
    gcs_close(first);
}

/* A state is given, and arrives. */
static void run_state(void)
{
    struct gcs_endpoint *first = open_endpoint("udp://127.0.0.1:0");
    struct gcs_endpoint *second = open_another(first);
    struct gcs_group_config config;
    struct gcs_group *group;
    struct gcs_event event;
    uint64_t number = 0;

    gcs_group_config_init(&config);
    config.state = true;
    config.bootstrap = GCS_CREATE;
    EXPECT(gcs_join(first, "number", &config, &group) == 0);
    await_members(first, 1);
    config.bootstrap = GCS_JOIN;
    EXPECT(gcs_join(second, "number", &config, &group) == 0);
    await(first, GCS_EVENT_STATE_WANTED, &event);
    give_number(&event, 4711);
    await(second, GCS_EVENT_STATE, &event);
    EXPECT(event.count == 1 && event.messages[0].size == sizeof(number));
    memcpy(&number, event.messages[0].data, sizeof(number));
    EXPECT(number == 4711);
    gcs_close(second);
    gcs_close(first);
}

/* ---- The own loop ------------------------------------------------------------------------ */

static int bell[2];
static unsigned handled;

static void handle(const struct gcs_event *event)
{
    handled += event->type == GCS_EVENT_VIEW;
    if (event->type == GCS_EVENT_VIEW)
        EXPECT(write(bell[1], "!", 1) == 1);
}

static bool read_other(void)
{
    return false;
}

static void run_loop(void)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;

    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP;
    gcs_group_config_init(&config);
    config.bootstrap = GCS_CREATE;
    EXPECT(pipe(bell) == 0);
    EXPECT(gcs_open("udp://127.0.0.1:0", &options, &endpoint) == 0);
    EXPECT(gcs_join(endpoint, "loop", &config, &group) == 0);
    run(endpoint, bell[0], handle, read_other);
    EXPECT(handled == 1);
    gcs_close(endpoint);
}

/* ---- A replica --------------------------------------------------------------------------- */

static sem_t opened;

static void *work_on(void *replica)
{
    work(replica);
    return NULL;
}

static void on_session(void *ctx, const struct gcs_replica_outcome *outcome)
{
    EXPECT(outcome->error == 0);
    *(uint64_t *)ctx = outcome->session;
    EXPECT(sem_post(&opened) == 0);
}

/* The same command twice, as after a failure: it is applied once, and both get the result. */
static void transfer_twice(struct gcs_replica *replica)
{
    uint64_t session = 0;
    long long total = 0, again = 0;
    int error;

    EXPECT(sem_init(&opened, 0, 0) == 0);
    do /* it has to find that it is alone first */
        error = gcs_replica_session(replica, on_session, &session);
    while (error == GCS_EAGAIN || error == GCS_ENOTMEMBER || error == GCS_ENOPRIMARY);
    EXPECT(error == 0);
    while (sem_wait(&opened) != 0)
        EXPECT(errno == EINTR);
    EXPECT(transfer(replica, session, 1, "12345", 5, &total, sizeof(total)) == sizeof(total));
    EXPECT(transfer(replica, session, 1, "12345", 5, &again, sizeof(again)) == sizeof(again));
    EXPECT(total == 5 && again == 5);
    EXPECT(transfer(replica, session, 3, "1", 1, &again, sizeof(again)) == GCS_ESERIAL);
}

static void run_replica(void)
{
    struct gcs_endpoint *endpoint = open_endpoint("udp://127.0.0.1:0");
    struct counter counter = {0, 0};
    struct gcs_replica *replica;
    pthread_t worker;

    EXPECT(open_counter(endpoint, &counter, &replica) == 0);
    EXPECT(pthread_create(&worker, NULL, work_on, replica) == 0);
    transfer_twice(replica);
    EXPECT(ask(replica) <= 0); /* this machine answers no questions */
    EXPECT(gcs_replica_leave(replica) == 0);
    close_endpoint(endpoint, worker); /* which ends work(): there is nothing to take any more */
    EXPECT(counter.total == 5);
    gcs_replica_close(replica);
}

int main(void)
{
    run_cores();
    run_endpoints();
    run_state();
    run_loop();
    run_replica();
    puts("examples: ok");
    return 0;
}
