/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The packet's header, frames and payload. The input is a packet; as it is its
 * checksum is nearly always wrong, so it is opened once more with magic and
 * checksum made right. A good packet sealed again is the same bytes.
 */
#include "gcs/wire/packet.h"
#include "tests/unit/mend.h"

#include <assert.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CLUSTER UINT64_C(0x0123456789abcdef)

static void read_all(const uint8_t *bytes, size_t size)
{
    volatile uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + bytes[i]);
}

static void look_at_frames(const struct gcs_packet *packet)
{
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;
    size_t sum = 0;
    while (gcs_frame_next(&r, &frame)) {
        read_all(frame.body, frame.size);
        sum += GCS_FRAME_HEADER + frame.size;
    }
    assert(r.bad ? sum < packet->control_size : sum == packet->control_size);
}

static void look_at_payload(const struct gcs_packet *packet)
{
    struct gcs_fragment fragment;
    size_t offset = 0, size;
    const uint8_t *message;
    int64_t count = gcs_payload_count(packet->payload, packet->payload_size);
    if (gcs_fragment_read(packet->payload, packet->payload_size, &fragment)) {
        assert(fragment.size <= fragment.total - fragment.offset);
        read_all(fragment.data, fragment.size);
    }
    if (count < 0)
        return;
    while (gcs_payload_next(packet->payload, packet->payload_size, &offset, &message, &size)) {
        read_all(message, size);
        count--;
    }
    assert(count == 0 && offset == packet->payload_size);
}

static void look_at(const uint8_t *data, size_t size)
{
    struct gcs_packet packet;
    (void)gcs_packet_peek_group(data, size);
    if (gcs_packet_open(data, size, CLUSTER, &packet) != GCS_PACKET_GOOD)
        return;
    look_at_frames(&packet);
    look_at_payload(&packet);
    uint8_t *again = malloc(size);
    memcpy(again, data, size);
    gcs_packet_seal(again, size, &packet, CLUSTER);
    if (data[4] == GCS_VERSION_MINOR_WIRE && data[39] == 0)
        assert(memcmp(again, data, size) == 0);
    free(again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *mended = malloc(size ? size : 1);
    look_at(data, size);
    if (size > 0)
        memcpy(mended, data, size);
    if (size >= GCS_PACKET_HEADER) {
        memcpy(mended, "gcs\1", 4);
        mend(mended, size, CLUSTER);
    }
    look_at(mended, size);
    free(mended);
    return 0;
}
