/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chat on the sans-I/O core (gcs/core.h): the program brings the clock, the socket and the loop,
 * the core is the protocol and nothing else. Whatever carries packets will do; here it is a UDP
 * socket on the loopback interface.
 *
 *     core_loop PORT              creates the group
 *     core_loop PORT PORT...      joins members at the other ports
 *
 * Standard input is multicast line by line; at its end the member leaves.
 */
#include <arpa/inet.h>
#include <gcs/core.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define PACKET_BYTES 1400
#define SEEDS_MAX    16

struct chat {
    struct gcs_core *core;
    struct gcs_core_group *group;
    int socket;
    char input[4096];
    size_t length;
    bool member, full, leaving, left;
};

static uint64_t now(void)
{
    struct timespec time;

    clock_gettime(CLOCK_BOOTTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

/* ---- Memory: what the core asks for, and buffers that packets arrive in ------------------ */

static void *allocate(void *ctx, size_t size)
{
    (void)ctx;
    return malloc(size);
}

static void release(void *ctx, void *memory)
{
    (void)ctx;
    free(memory);
}

static const struct gcs_allocator heap = {.allocate = allocate, .release = release};

static void destroy_buffer(struct gcs_buffer *buffer)
{
    free(buffer);
}

static struct gcs_buffer *new_buffer(void)
{
    struct gcs_buffer *buffer = malloc(sizeof(*buffer) + PACKET_BYTES);

    if (buffer)
        *buffer = (struct gcs_buffer){.data = (uint8_t *)(buffer + 1),
                                      .size = PACKET_BYTES,
                                      .refs = 1,
                                      .destroy = destroy_buffer};
    return buffer;
}

/* ---- The network: an address is a port, two bytes ---------------------------------------- */

static struct gcs_address address_of(uint16_t port)
{
    return (struct gcs_address){.length = 2, .bytes = {(uint8_t)(port >> 8), (uint8_t)port}};
}

static struct sockaddr_in place_of(const struct gcs_address *address)
{
    uint16_t port = (uint16_t)(address->bytes[0] << 8 | address->bytes[1]);

    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* What cannot be sent is lost; the protocol lives with that. */
static void transmit(struct chat *chat)
{
    size_t count;
    const struct gcs_core_packet *packets = gcs_core_packets(chat->core, &count);

    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < packets[i].to_count; k++) {
            struct sockaddr_in to = place_of(&packets[i].to[k]);
            (void)sendto(chat->socket, packets[i].data, packets[i].size, MSG_DONTWAIT,
                         (struct sockaddr *)&to, sizeof(to));
        }
    }
    gcs_core_packets_sent(chat->core);
}

static void receive(struct chat *chat)
{
    struct sockaddr_in place;
    socklen_t length = sizeof(place);
    struct gcs_buffer *buffer = new_buffer();
    ssize_t size;

    while (buffer && (size = recvfrom(chat->socket, buffer->data, buffer->size, MSG_DONTWAIT,
                                      (struct sockaddr *)&place, &length)) >= 0) {
        struct gcs_address from = address_of(ntohs(place.sin_port));
        gcs_core_receive(chat->core, now(), &from, buffer, buffer->data, (size_t)size);
        gcs_buffer_unref(buffer); /* the core has counted itself, if it keeps the packet */
        buffer = new_buffer();
    }
    gcs_buffer_unref(buffer);
}

/* ---- The application --------------------------------------------------------------------- */

static void handle(struct chat *chat, const struct gcs_core_event *event)
{
    struct gcs_message message;
    size_t offset = 0;

    switch (event->type) {
    case GCS_EVENT_DELIVER:
        while (gcs_core_event_message(event, &offset, &message))
            printf("%u: %.*s", event->rank, (int)message.size, (const char *)message.data);
        fflush(stdout);
        break;
    case GCS_EVENT_VIEW:
        chat->member = true;
        fprintf(stderr, "-- %u members\n", event->change->view.count);
        break;
    case GCS_EVENT_WRITABLE:
        chat->full = false;
        break;
    case GCS_EVENT_LEFT:
        chat->left = true;
        break;
    default:
        break;
    }
}

/* The bytes of the first line; a line that is longer than the buffer is cut. 0: not there yet. */
static size_t line_size(const struct chat *chat)
{
    const char *end = memchr(chat->input, '\n', chat->length);

    if (end)
        return (size_t)(end - chat->input) + 1;
    return chat->length == sizeof(chat->input) ? chat->length : 0;
}

static void multicast(struct chat *chat)
{
    size_t size;

    while (!chat->full && (size = line_size(chat)) > 0) {
        int error = gcs_core_multicast(chat->group, now(), GCS_AGREED, chat->input, size);
        if (error == GCS_EAGAIN) {
            chat->full = true; /* GCS_EVENT_WRITABLE will follow */
            return;
        }
        if (error)
            fprintf(stderr, "core_loop: %s\n", gcs_strerror(error));
        chat->length -= size;
        memmove(chat->input, chat->input + size, chat->length);
    }
}

static void read_input(struct chat *chat)
{
    ssize_t got =
        read(STDIN_FILENO, chat->input + chat->length, sizeof(chat->input) - chat->length);

    if (got > 0) {
        chat->length += (size_t)got;
    } else if (!chat->leaving) {
        chat->leaving = true;
        (void)gcs_core_leave(chat->group, now());
    }
}

/* ---- The loop ---------------------------------------------------------------------------- */

static void wait(struct chat *chat)
{
    uint64_t deadline = gcs_core_deadline(chat->core), time = now();
    bool listening = chat->member && !chat->leaving && !chat->full;
    struct pollfd fds[] = {
        {.fd = chat->socket, .events = POLLIN},
        {.fd = listening && chat->length < sizeof(chat->input) ? STDIN_FILENO : -1,
         .events = POLLIN},
    };
    int ms = -1;

    if (deadline != GCS_NEVER)
        ms = deadline > time ? (int)((deadline - time) / 1000000) + 1 : 0;
    if (poll(fds, 2, ms) > 0 && fds[1].revents)
        read_input(chat);
}

static void loop(struct chat *chat)
{
    struct gcs_core_event event;

    for (;;) {
        receive(chat);
        multicast(chat);
        gcs_core_advance(chat->core, now());
        transmit(chat);
        while (gcs_core_next_event(chat->core, &event)) {
            handle(chat, &event);
            gcs_core_consumed(chat->core, &event);
        }
        if (chat->left)
            break;
        wait(chat);
    }
    gcs_core_goodbye(chat->core, now());
    transmit(chat);
}

static int open_core(struct chat *chat, uint16_t port)
{
    struct gcs_core_config config;

    gcs_core_config_init(&config);
    config.allocator = &heap;
    config.address = address_of(port);
    config.packet_bytes = PACKET_BYTES;
    config.receive_bytes = 200000;
    if (getrandom(&config.seed, sizeof(config.seed), 0) != (ssize_t)sizeof(config.seed))
        return GCS_ESYSTEM;
    return gcs_core_new(&config, &chat->core);
}

static int join(struct chat *chat, char **ports, size_t count)
{
    struct gcs_group_config config;
    struct gcs_address seeds[SEEDS_MAX];

    for (size_t i = 0; i < count; i++)
        seeds[i] = address_of((uint16_t)atoi(ports[i]));
    gcs_group_config_init(&config);
    config.bootstrap = count > 0 ? GCS_JOIN : GCS_CREATE;
    config.seeds = seeds;
    config.seeds_count = count;
    return gcs_core_join(chat->core, now(), "chat", &config, NULL, &chat->group);
}

int main(int argc, char **argv)
{
    struct chat chat = {.socket = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    uint16_t port = argc > 1 ? (uint16_t)atoi(argv[1]) : 0;
    struct gcs_address own = address_of(port);
    struct sockaddr_in place = place_of(&own);

    if (port == 0 || argc - 2 > SEEDS_MAX) {
        fputs("usage: core_loop PORT [PORT...]\n", stderr);
        return 2;
    }
    if (bind(chat.socket, (struct sockaddr *)&place, sizeof(place)) != 0) {
        perror("core_loop: bind");
        return 1;
    }
    int error = open_core(&chat, port);
    if (!error)
        error = join(&chat, argv + 2, (size_t)(argc - 2));
    if (error) {
        fprintf(stderr, "core_loop: %s\n", gcs_strerror(error));
        return 1;
    }
    loop(&chat);
    gcs_core_free(chat.core);
    close(chat.socket);
    return 0;
}
