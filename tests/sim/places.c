/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where nodes say that they are, in worlds with places: at some sites with some racks each, and
 * some say nothing. Whoever sees a node in a view must see it there.
 */
#include "tests/sim/internal.h"

#include <stdio.h>
#include <string.h>

void places_label(const struct world *world, unsigned index, char *label, size_t size)
{
    unsigned site = index % (world->sites ? world->sites : 1);
    label[0] = '\0';
    if (world->sites == 0 || index % 7 == 6)
        return;
    if (index % 5 == 4)
        (void)snprintf(label, size, "site%u", site);
    else
        (void)snprintf(label, size, "site%u/r%u/h%u", site, index / world->sites % 3, index);
}

void places_check(struct world *world, const struct node *node, const struct gcs_view *view)
{
    char label[GCS_LABEL_MAX + 1];
    for (unsigned index = 0; world->sites > 0 && index < world->options.members; index++) {
        const struct gcs_address *address = &world->nodes[index].address;
        places_label(world, index, label, sizeof(label));
        for (uint16_t rank = 0; rank < view->count; rank++) {
            const struct gcs_member *member = &view->members[rank];
            if (member->id.address.length == address->length &&
                memcmp(member->id.address.bytes, address->bytes, address->length) == 0 &&
                strcmp(member->label, label) != 0)
                world_fail(world, "initial-view", "n%u sees n%u at \"%s\", not \"%s\"", node->index,
                           index, member->label, label);
        }
    }
}
