/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A chat: what is typed is multicast, what anybody says is printed, with who said it, and who comes
 * and goes. One thread reads standard input, the other takes events; neither has to mind the other.
 *
 *     chat ROOM [URL]
 */
#include <gcs/gcs.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static void print_members(const struct gcs_view_change *change)
{
    char member[GCS_MEMBER_TEXT_MAX];

    printf("-- %s:", change->primary ? "here are" : "cut off; here were");
    for (uint16_t rank = 0; rank < change->view.count; rank++) {
        gcs_member_format(&change->view.members[rank].id, member, sizeof(member));
        printf(" %s", member);
    }
    printf("\n");
}

static void print_messages(const struct gcs_event *event)
{
    char sender[GCS_MEMBER_TEXT_MAX];

    gcs_member_format(event->sender, sender, sizeof(sender));
    for (size_t i = 0; i < event->count; i++)
        printf("%s: %.*s", sender, (int)event->messages[i].size,
               (const char *)event->messages[i].data);
}

static void *listen(void *endpoint)
{
    struct gcs_event event;

    while (gcs_next(endpoint, &event, GCS_FOREVER) == 1 && event.type != GCS_EVENT_LEFT) {
        if (event.type == GCS_EVENT_VIEW)
            print_members(event.change);
        else if (event.type == GCS_EVENT_DELIVER)
            print_messages(&event);
        fflush(stdout);
    }
    return NULL;
}

int main(int argc, char **argv)
{
    const char *room = argc > 1 ? argv[1] : "chat";
    const char *url = argc > 2 ? argv[2] : "udp://127.0.0.1:7400-7431";
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    pthread_t listener;
    char line[4096];

    if (gcs_open(url, NULL, &endpoint) < 0 || gcs_join(endpoint, room, NULL, &group) < 0) {
        fprintf(stderr, "chat: %s\n", gcs_detail());
        return 1;
    }
    if (pthread_create(&listener, NULL, listen, endpoint) != 0) {
        fputs("chat: no thread\n", stderr);
        return 1;
    }
    while (fgets(line, sizeof(line), stdin)) {
        if (gcs_multicast(group, GCS_AGREED, line, strlen(line), GCS_FOREVER) < 0)
            fprintf(stderr, "-- not said: %s\n", gcs_detail());
    }
    gcs_leave(group); /* what was said before is delivered first */
    pthread_join(listener, NULL);
    gcs_close(endpoint);
    return 0;
}
