/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chat in the program's own poll loop: standard input is multicast line by line, what is
 * delivered is printed. No thread is started. Input is read only while the group has room for it.
 */
#include <gcs/gcs.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct chat {
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    char input[4096];
    size_t length;
    bool full, leaving, left;
};

static void print(const struct gcs_event *event)
{
    char sender[GCS_MEMBER_TEXT_MAX];

    gcs_member_format(event->sender, sender, sizeof(sender));
    for (size_t i = 0; i < event->count; i++)
        printf("%s: %.*s", sender, (int)event->messages[i].size,
               (const char *)event->messages[i].data);
    fflush(stdout);
}

static void handle(struct chat *chat, const struct gcs_event *event)
{
    switch (event->type) {
    case GCS_EVENT_DELIVER:
        print(event);
        break;
    case GCS_EVENT_VIEW:
        fprintf(stderr, "-- %u members%s\n", event->change->view.count,
                event->change->primary ? "" : ", cut off");
        break;
    default: /* nothing that this program asked for */
        break;
    case GCS_EVENT_WRITABLE:
        chat->full = false;
        break;
    case GCS_EVENT_LEFT:
        if (event->error < 0)
            fprintf(stderr, "-- left: %s\n", gcs_strerror(event->error));
        chat->left = true;
        break;
    }
}

/* Multicasts whole lines as long as there is room. */
static void send_lines(struct chat *chat)
{
    char *newline;

    while (!chat->full && (newline = memchr(chat->input, '\n', chat->length))) {
        size_t size = (size_t)(newline + 1 - chat->input);
        int error = gcs_multicast(chat->group, GCS_AGREED, chat->input, size, 0);

        chat->full = error == GCS_EAGAIN; /* GCS_EVENT_WRITABLE will follow */
        if (chat->full)
            return;
        if (error < 0)
            fprintf(stderr, "-- not sent: %s\n", gcs_detail());
        chat->length -= size;
        memmove(chat->input, newline + 1, chat->length);
    }
}

static void read_input(struct chat *chat)
{
    ssize_t got =
        read(STDIN_FILENO, chat->input + chat->length, sizeof(chat->input) - 1 - chat->length);

    if (got > 0)
        chat->length += (size_t)got;
    if (chat->length == sizeof(chat->input) - 1) /* a very long line is cut */
        chat->input[chat->length++] = '\n';
    send_lines(chat);
    if (got <= 0 && !chat->full && !chat->leaving) {
        chat->leaving = true;
        (void)gcs_leave(chat->group);
    }
}

static void run(struct chat *chat)
{
    struct pollfd fds[2] = {
        {.fd = gcs_fd(chat->endpoint), .events = POLLIN},
        {.events = POLLIN},
    };
    struct gcs_event event;

    while (!chat->left) {
        fds[1].fd = chat->full || chat->leaving ? -1 : STDIN_FILENO;
        if (poll(fds, 2, gcs_expiry(chat->endpoint)) < 0)
            continue;
        if (fds[1].revents)
            read_input(chat);
        while (gcs_dispatch(chat->endpoint) == 1) {
            while (gcs_next(chat->endpoint, &event, 0) == 1)
                handle(chat, &event);
        }
        send_lines(chat);
    }
}

int main(int argc, char **argv)
{
    struct chat chat = {.length = 0};
    struct gcs_endpoint_options options;

    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP;
    if (gcs_open(argc > 1 ? argv[1] : "udp://127.0.0.1:7400-7431", &options, &chat.endpoint) < 0 ||
        gcs_join(chat.endpoint, "chat", NULL, &chat.group) < 0) {
        fprintf(stderr, "own_loop: %s\n", gcs_detail());
        return 1;
    }
    run(&chat);
    gcs_close(chat.endpoint);
    return 0;
}
