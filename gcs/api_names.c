/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names and their texts: group names checked, views and members formatted. The
 * texts are the same at every member and the same as in traces.
 */
#include "gcs/base/trace.h"
#include "gcs/endpoint.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool is_name_byte(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || byte == '.' || byte == '_' || byte == '-';
}

int gcs_name_check(const char *name)
{
    if (!name)
        return gcs_fail(GCS_ENAME, "the group name is NULL");
    size_t length = strnlen(name, GCS_NAME_MAX + 1);
    if (length == 0)
        return gcs_fail(GCS_ENAME, "the group name is empty");
    if (length > GCS_NAME_MAX)
        return gcs_fail(GCS_ENAME, "group name \"%.*s...\" is longer than %d bytes", GCS_NAME_MAX,
                        name, GCS_NAME_MAX);
    if (name[0] == '.' || name[0] == '-')
        return gcs_fail(GCS_ENAME, "group name \"%s\" starts with '%c'", name, name[0]);
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (!is_name_byte(byte))
            return gcs_fail(GCS_ENAME,
                            "group name \"%s\" has byte 0x%02x at offset %zu: only letters, "
                            "digits, '.', '_' and '-' are allowed",
                            name, byte, i);
    }
    return 0;
}

void gcs_view_id_format(const struct gcs_view *view, char *text, size_t size)
{
    if (size > 0)
        (void)snprintf(text, size, "%" PRIu32 ".%" PRIx64, view->epoch, view->proposer);
}

void gcs_member_format(const struct gcs_member_id *member, char *text, size_t size)
{
    char name[GCS_TRACE_MEMBER_MAX];

    gcs_trace_member(member, gcs_address_format, name);
    if (size > 0)
        (void)snprintf(text, size, "%s", name);
}

/* By the numbers that services have on the wire. */
static const char *const service_names[] = {"", "unordered", "fifo", "causal", "agreed", "safe"};

const char *gcs_service_name(uint8_t service)
{
    size_t count = sizeof(service_names) / sizeof(service_names[0]);

    return service < count ? service_names[service] : "";
}

const char *gcs_version(void)
{
    return GCS_VERSION;
}
