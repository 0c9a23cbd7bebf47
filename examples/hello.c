/* SPDX-License-Identifier: BSD-3-Clause */
/* Joins a group, multicasts a line, prints what is delivered and how the view changes. Start it in
 * several terminals: all print the same lines in the same order. */
#include <gcs/gcs.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *line = argc > 1 ? argv[1] : "hello";
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    struct gcs_event event;

    if (gcs_open("udp://127.0.0.1:7400-7431", NULL, &endpoint) < 0 ||
        gcs_join(endpoint, "greetings", NULL, &group) < 0 ||
        gcs_multicast(group, GCS_AGREED, line, strlen(line), GCS_FOREVER) < 0) {
        fprintf(stderr, "hello: %s\n", gcs_detail());
        return 1;
    }
    while (gcs_next(endpoint, &event, GCS_FOREVER) == 1 && event.type != GCS_EVENT_LEFT) {
        if (event.type == GCS_EVENT_VIEW)
            printf("-- view %u: %u members\n", event.change->view.epoch, event.change->view.count);
        for (size_t i = 0; i < event.count; i++)
            printf("%.*s\n", (int)event.messages[i].size, (const char *)event.messages[i].data);
        fflush(stdout);
    }
    gcs_close(endpoint);
    return 0;
}
