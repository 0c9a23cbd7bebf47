/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of endpoints and groups. A caller that was compiled against an older
 * header hands in a shorter struct: what it does not know gets its default. One
 * compiled against a newer header is welcome as long as it does not ask for what
 * this library does not have. Every value is in its range afterwards, or the call
 * is refused with a sentence that names option and value, and nothing has changed.
 */
#include "gcs/base/label.h"
#include "gcs/endpoint.h"

#include <inttypes.h>
#include <string.h>

#define HEARTBEAT_MS_MAX   60000
#define SUSPECT_MS_MAX     600000
#define SUBMIT_BYTES_MIN   1024
#define SUBMIT_BYTES_MAX   (UINT32_C(1) << 30)
#define PROBES_MAX         64
#define ASSEMBLY_BYTES_MIN 1024
#define ASSEMBLY_BYTES_MAX (UINT64_C(1) << 40)
#define EVENTS_MAX         (UINT32_C(1) << 20)
#define CLUSTER_MAX        255
#define STATUS_PATH_MAX    107 /* what the kernel's struct sockaddr_un has room for */

/* The core's bounds: it refuses what is beyond, but cannot say what it was. */
#define SUSPECT_HEARTBEATS 3
#define WINDOW_PACKETS_MIN 16
#define WINDOW_PACKETS_MAX 65536
#define WINDOW_BYTES_MIN   4096
#define QUEUE_BYTES_MIN    4096

void gcs_endpoint_options_init(struct gcs_endpoint_options *options)
{
    *options = (struct gcs_endpoint_options){
        .size = sizeof(*options),
        .cluster = "",
        .heartbeat_ms = 50,
        .suspect_ms = 500,
        .submit_bytes = 4 << 20,
        .events = 1024,
        .probes = 3,
        .status_mode = 0600,
        .label = "",
        .assembly_bytes = UINT64_C(1) << 30,
    };
}

/* Copies a struct of another version: size bytes of it over to, which holds the defaults. */
static int copy_versioned(void *to, const void *from, size_t size, size_t known, const char *what)
{
    if (size < sizeof(size_t))
        return gcs_fail(GCS_EOPTION, "%s: size is %zu: initialise it with its init function", what,
                        size);
    for (size_t i = known; i < size; i++) {
        if (((const unsigned char *)from)[i] != 0)
            return gcs_fail(GCS_EOPTION,
                            "%s: size is %zu, of which this library knows %zu, and there is a "
                            "value beyond",
                            what, size, known);
    }
    memcpy(to, from, size < known ? size : known);
    return 0;
}

static int check_range(const char *option, uint64_t value, uint64_t min, uint64_t max)
{
    if (value >= min && value <= max)
        return 0;
    return gcs_fail(GCS_EOPTION, "%s is %" PRIu64 ": must be from %" PRIu64 " to %" PRIu64, option,
                    value, min, max);
}

static int check_suspicion(const struct gcs_endpoint_options *options)
{
    int error = check_range("heartbeat_ms", options->heartbeat_ms, 1, HEARTBEAT_MS_MAX);
    if (!error)
        error = check_range("suspect_ms", options->suspect_ms, SUSPECT_HEARTBEATS, SUSPECT_MS_MAX);
    if (!error && options->suspect_ms / SUSPECT_HEARTBEATS < options->heartbeat_ms)
        error = gcs_fail(GCS_EOPTION,
                         "suspect_ms is %" PRIu32 ": must be at least %d times heartbeat_ms, "
                         "which is %" PRIu32,
                         options->suspect_ms, SUSPECT_HEARTBEATS, options->heartbeat_ms);
    if (!error && options->heartbeat_max_ms > 0)
        error = check_range("heartbeat_max_ms", options->heartbeat_max_ms, options->heartbeat_ms,
                            options->suspect_ms / SUSPECT_HEARTBEATS);
    if (!error && options->suspect_max_ms > 0)
        error = check_range("suspect_max_ms", options->suspect_max_ms, options->suspect_ms,
                            2 * SUSPECT_MS_MAX);
    return error ? error : check_range("probes", options->probes, 0, PROBES_MAX);
}

static int check_status(const struct gcs_endpoint_options *options)
{
    const char *path = options->status;

    if (path && strnlen(path, STATUS_PATH_MAX + 1) > STATUS_PATH_MAX)
        return gcs_fail(GCS_EOPTION, "status \"%.32s...\" is longer than %d bytes", path,
                        STATUS_PATH_MAX);
    if (options->status_mode > 0777)
        return gcs_fail(GCS_EOPTION, "status_mode is 0%" PRIo32 ": must be from 0 to 0777",
                        options->status_mode);
    return 0;
}

static int check_label(const char *label)
{
    size_t at;

    if (!label)
        return gcs_fail(GCS_EOPTION, "label is NULL: the default is \"\"");
    switch (gcs_label_check(label, strnlen(label, GCS_LABEL_MAX + 1), &at)) {
    case GCS_LABEL_LONG:
        return gcs_fail(GCS_EOPTION, "label \"%.32s...\" is longer than %d bytes", label,
                        GCS_LABEL_MAX);
    case GCS_LABEL_BYTE:
        return gcs_fail(GCS_EOPTION,
                        "label \"%.*s...\" has the byte 0x%02x at %zu: only letters, digits, "
                        "'.', '_' and '-' make a part",
                        (int)at, label, (unsigned char)label[at], at);
    case GCS_LABEL_EMPTY:
        return gcs_fail(GCS_EOPTION, "label \"%s\" has an empty part at %zu", label, at);
    case GCS_LABEL_DEEP:
        return gcs_fail(GCS_EOPTION, "label \"%s\" has more than %d parts: site/rack/host", label,
                        GCS_LABEL_PARTS);
    default:
        return 0;
    }
}

static int check_options(const struct gcs_endpoint_options *options)
{
    if (options->flags & ~(uint32_t)GCS_OWN_LOOP)
        return gcs_fail(GCS_EOPTION, "flags are 0x%" PRIx32 ": only GCS_OWN_LOOP (0x%x) is known",
                        options->flags, GCS_OWN_LOOP);
    if (!options->cluster)
        return gcs_fail(GCS_EOPTION, "cluster is NULL: the default is \"\"");
    if (strnlen(options->cluster, CLUSTER_MAX + 1) > CLUSTER_MAX)
        return gcs_fail(GCS_EOPTION, "cluster \"%.32s...\" is longer than %d bytes",
                        options->cluster, CLUSTER_MAX);
    int error = check_suspicion(options);
    if (!error)
        error =
            check_range("submit_bytes", options->submit_bytes, SUBMIT_BYTES_MIN, SUBMIT_BYTES_MAX);
    if (!error)
        error = check_range("events", options->events, 1, EVENTS_MAX);
    if (!error)
        error = check_label(options->label);
    if (!error)
        error = check_range("assembly_bytes", options->assembly_bytes, ASSEMBLY_BYTES_MIN,
                            ASSEMBLY_BYTES_MAX);
    return error ? error : check_status(options);
}

int gcs_options_read(const struct gcs_endpoint_options *from, struct gcs_endpoint_options *to)
{
    gcs_endpoint_options_init(to);
    if (!from)
        return 0;
    int error = copy_versioned(to, from, from->size, sizeof(*to), "endpoint options");
    if (error)
        return error;
    to->size = sizeof(*to);
    return check_options(to);
}

static int check_seeds(const struct gcs_group_config *config)
{
    if (config->seeds_count > 0 && !config->seeds)
        return gcs_fail(GCS_EOPTION, "seeds_count is %zu and seeds is NULL", config->seeds_count);
    for (size_t i = 0; i < config->seeds_count; i++) {
        if (config->seeds[i].length == 0 || config->seeds[i].length > GCS_ADDRESS_MAX)
            return gcs_fail(GCS_EOPTION, "seeds[%zu] has a length of %u: must be from 1 to %d", i,
                            config->seeds[i].length, GCS_ADDRESS_MAX);
    }
    return 0;
}

static int check_bootstrap(const struct gcs_group_config *config)
{
    if (config->bootstrap < GCS_JOIN || config->bootstrap > GCS_EXPECT)
        return gcs_fail(GCS_EOPTION,
                        "bootstrap is %d: must be GCS_JOIN (%d), GCS_CREATE (%d), GCS_LOOK (%d) or "
                        "GCS_EXPECT (%d)",
                        (int)config->bootstrap, GCS_JOIN, GCS_CREATE, GCS_LOOK, GCS_EXPECT);
    if (config->bootstrap == GCS_EXPECT)
        return check_range("expect", config->expect, 1, GCS_MEMBERS_MAX);
    return 0;
}

static int check_order(const struct gcs_group_config *config)
{
    if (config->order != GCS_ORDER_SEQUENCER && config->order != GCS_ORDER_LAMPORT)
        return gcs_fail(GCS_EOPTION,
                        "order is %d: must be GCS_ORDER_SEQUENCER (%d) or GCS_ORDER_LAMPORT (%d)",
                        (int)config->order, GCS_ORDER_SEQUENCER, GCS_ORDER_LAMPORT);
    if (config->safe_quorum != GCS_SAFE_MAJORITY && config->safe_quorum != GCS_SAFE_ALL)
        return gcs_fail(GCS_EOPTION,
                        "safe_quorum is %d: must be GCS_SAFE_MAJORITY (%d) or GCS_SAFE_ALL (%d)",
                        (int)config->safe_quorum, GCS_SAFE_MAJORITY, GCS_SAFE_ALL);
    return 0;
}

static int check_group_config(const struct gcs_group_config *config)
{
    uint32_t packets = config->window_packets;

    int error = check_bootstrap(config);
    if (error)
        return error;
    error = check_order(config);
    if (!error)
        error = check_range("window_packets", packets, WINDOW_PACKETS_MIN, WINDOW_PACKETS_MAX);
    if (!error && (packets & (packets - 1)) != 0)
        error =
            gcs_fail(GCS_EOPTION, "window_packets is %" PRIu32 ": must be a power of two", packets);
    if (!error)
        error = check_range("window_bytes", config->window_bytes, WINDOW_BYTES_MIN, UINT32_MAX);
    if (!error)
        error = check_range("queue_bytes", config->queue_bytes, QUEUE_BYTES_MIN, UINT32_MAX);
    if (!error)
        error = check_range("message_bytes", config->message_bytes, 1, UINT32_MAX);
    if (!error)
        error = check_range("state_queue_bytes", config->state_queue_bytes, 4096, UINT32_MAX);
    if (!error && config->region_size != 0)
        error = check_range("region_size", config->region_size, 2, GCS_MEMBERS_MAX);
    if (!error)
        error = check_range("weight", config->weight, 0, GCS_WEIGHT_MAX);
    if (!error && config->weight == 0 && config->bootstrap != GCS_JOIN)
        error = gcs_fail(GCS_EOPTION, "weight is 0: an observer cannot found a group, so bootstrap "
                                      "must be GCS_JOIN");
    return error ? error : check_seeds(config);
}

int gcs_group_config_read(const struct gcs_group_config *from, struct gcs_group_config *to)
{
    gcs_group_config_init(to);
    if (!from)
        return 0;
    int error = copy_versioned(to, from, from->size, sizeof(*to), "group config");
    if (error)
        return error;
    to->size = sizeof(*to);
    return check_group_config(to);
}
