/* SPDX-License-Identifier: BSD-3-Clause */
/* The URL of an RDMA transport, as far as it can be judged without a device. */
#include "transport/rdma.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIB ((uint64_t)1 << 10)
#define MIB ((uint64_t)1 << 20)

#define SEGMENT        (128 * KIB)
#define SEGMENTS_LEAST 16

static int parse_numbers(struct gcs_rdma_config *config, struct gcs_url *url,
                         const struct gcs_report *report)
{
    const struct {
        const char *key;
        uint64_t min, max, normal;
        uint64_t *value;
    } numbers[] = {
        {"packet", 512, GCS_RDMA_PACKET_MAX, 0, &config->packet},
        {"ring", 256 * KIB, 256 * MIB, 2 * MIB, &config->ring_bytes},
        {"stage", 256 * KIB, 256 * MIB, 4 * MIB, &config->stage_bytes},
        {"memory", MIB, 65536 * MIB, 512 * MIB, &config->memory_bytes},
        {"backlog", 64 * KIB, 1024 * MIB, 32 * MIB, &config->backlog_bytes},
        {"pool", 4 * MIB, 65536 * MIB, 64 * MIB, &config->pool_bytes},
    };

    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        *numbers[i].value = numbers[i].normal;
        int error = gcs_url_bytes(url, numbers[i].key, numbers[i].min, numbers[i].max,
                                  numbers[i].value, report);
        if (error < 0)
            return error;
    }
    if (config->memory_bytes < config->stage_bytes + config->ring_bytes)
        return gcs_report(report, GCS_EOPTION,
                          "memory=%llu: the stage and one ring take %llu bytes already",
                          (unsigned long long)config->memory_bytes,
                          (unsigned long long)(config->stage_bytes + config->ring_bytes));
    return 0;
}

/* The longest wait of the device, 4.096 us * 2^n (InfiniBand Architecture 1, 9.7.6.1.3), of which
 * all that it has fit into so many milliseconds. */
static uint8_t choose_ack_timeout(uint64_t patience_ms)
{
    uint8_t n = 1;

    while ((GCS_RDMA_ACK_RETRIES + 1) * (UINT64_C(4096) << (n + 1)) <= patience_ms * 1000000)
        n++;
    return n;
}

static int parse_patience(struct gcs_rdma_config *config, struct gcs_url *url,
                          const struct gcs_report *report)
{
    uint64_t ms = 500;
    int error = gcs_url_number(url, "patience", 10, 60000, &ms, report);

    config->ack_timeout = choose_ack_timeout(ms);
    return error;
}

/* Segments of 128 KiB, but at least 16 of them. */
static struct gcs_ring_shape choose_shape(uint64_t bytes)
{
    uint64_t segments = bytes / SEGMENT;

    if (segments < SEGMENTS_LEAST)
        segments = SEGMENTS_LEAST;
    if (segments > GCS_RING_SEGMENTS_MAX)
        segments = GCS_RING_SEGMENTS_MAX;
    return (struct gcs_ring_shape){(uint32_t)segments, (uint32_t)(bytes / segments) & ~63u};
}

/* A packet, as a run of its own, must fit into a segment of the ring and into one of the stage. */
static int choose_packet(struct gcs_rdma_config *config, const struct gcs_report *report)
{
    config->ring = choose_shape(config->ring_bytes);
    config->stage = choose_shape(config->stage_bytes);
    uint32_t least = config->ring.segment_bytes < config->stage.segment_bytes
                         ? config->ring.segment_bytes
                         : config->stage.segment_bytes;
    uint32_t most = least - GCS_RING_PREFACE - GCS_RING_RECORD - 64;

    if (config->packet > most)
        return gcs_report(report, GCS_EOPTION,
                          "packet=%u: with a ring of %llu bytes and a stage of %llu at most %u",
                          (unsigned)config->packet, (unsigned long long)config->ring_bytes,
                          (unsigned long long)config->stage_bytes, most);
    if (config->packet == 0)
        config->packet = most < GCS_RDMA_PACKET ? most : GCS_RDMA_PACKET;
    return 0;
}

static int parse_host(struct gcs_rdma_config *config, struct gcs_url *url,
                      const struct gcs_report *report)
{
    struct gcs_udp_target *bind = &config->bind;
    const char *device = gcs_url_option(url, "device");
    int error;

    error = gcs_udp_bind_parse(url, strlen(url->host), bind, report);
    if (error < 0)
        return error;
    config->family = gcs_udp_family(&bind->ip);
    if (gcs_udp_is_multicast(&bind->ip) || gcs_udp_is_link_local(&bind->ip))
        return gcs_report(report, GCS_EADDRESS, "'%s': rdma:// needs the address of a device",
                          url->host);
    if (!device)
        return 0;
    if (!gcs_udp_is_any(&bind->ip))
        return gcs_report(report, GCS_EOPTION,
                          "device=%s: the address names the device; "
                          "say device= with 0.0.0.0 or [::]",
                          device);
    if (strlen(device) >= sizeof(config->device))
        return gcs_report(report, GCS_EOPTION, "device=%s: too long", device);
    (void)snprintf(config->device, sizeof(config->device), "%s", device);
    return 0;
}

int gcs_rdma_config_parse(struct gcs_rdma_config *config, struct gcs_url *url,
                          const struct gcs_report *report)
{
    int error;

    memset(config, 0, sizeof(*config));
    error = parse_numbers(config, url, report);
    if (error == 0)
        error = parse_patience(config, url, report);
    if (error == 0)
        error = choose_packet(config, report);
    if (error == 0)
        error = parse_host(config, url, report);
    if (error == 0)
        error =
            gcs_udp_seeds_parse(url, config->family, &config->seeds, &config->seeds_count, report);
    if (error == 0)
        error = gcs_url_check_unknown(url, report);
    if (error < 0)
        gcs_rdma_config_free(config);
    return error;
}

void gcs_rdma_config_free(struct gcs_rdma_config *config)
{
    free(config->seeds);
    config->seeds = NULL;
}
