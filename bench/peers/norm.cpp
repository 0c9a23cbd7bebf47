/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NORM, one sender and its receivers, messages of one size in a stream:
 *
 *   norm send|receive SIZE SECONDS SEGMENT BITS_PER_SECOND NODE
 *
 * Messages are numbered; a receiver that misses one for good fails. Its header is C++.
 */
#include "load.h"

#include <normApi.h>
#include <poll.h>

#define GROUP  "239.192.79.2"
#define PORT   6003
#define STREAM (32u << 20) /* bytes that can be repaired */
#define BLOCK  64          /* segments, with PARITY for repairs */
#define PARITY 8
#define SOCKET (4u << 20)
#define GRTT   0.001

static void fail(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static int next_event(NormInstanceHandle instance, NormEvent *event, int timeout_ms)
{
    struct pollfd p = {NormGetDescriptor(instance), POLLIN, 0};

    return poll(&p, 1, timeout_ms) > 0 && NormGetNextEvent(instance, event, false);
}

static void run_sender(NormInstanceHandle instance, NormSessionHandle session, char **argv)
{
    size_t size = (size_t)atol(argv[2]), offset = size;
    uint8_t *message = (uint8_t *)calloc(1, size);
    uint64_t number = 0;
    struct load load;
    NormEvent event;

    NormSetGrttEstimate(session, GRTT);
    NormSetGrttProbingMode(session, NORM_PROBE_NONE);
    NormSetTxRate(session, atof(argv[5]));
    if (!NormStartSender(session, 1, 2 * STREAM, (UINT16)atoi(argv[4]), BLOCK, PARITY, 0))
        fail("NormStartSender");
    NormSetTxSocketBuffer(session, SOCKET);
    NormObjectHandle stream = NormStreamOpen(session, STREAM, NULL, 0);
    load_start(&load, atof(argv[3]));
    while (load_now() < load.end + WARMUP_NS) {
        if (offset == size) {
            memcpy(message, &number, sizeof(number));
            number++;
            offset = 0;
        }
        offset +=
            NormStreamWrite(stream, (const char *)message + offset, (unsigned)(size - offset));
        if (offset < size)
            (void)next_event(instance, &event, 1); /* vacancy, or whatever */
    }
    NormStreamFlush(stream, true, NORM_FLUSH_ACTIVE);
    (void)poll(NULL, 0, 1000); /* for repairs that are still wanted */
}

static void run_receiver(NormInstanceHandle instance, NormSessionHandle session, char **argv)
{
    size_t size = (size_t)atol(argv[2]), filled = 0;
    uint8_t *message = (uint8_t *)malloc(size);
    uint64_t number, next = 0;
    struct load load;
    NormEvent event;

    load.end = UINT64_MAX;
    if (!NormStartReceiver(session, 2 * STREAM))
        fail("NormStartReceiver");
    NormSetRxSocketBuffer(session, SOCKET);
    while (load_now() < load.end) {
        if (!next_event(instance, &event, 10) || event.type != NORM_RX_OBJECT_UPDATED)
            continue;
        for (;;) {
            unsigned got = (unsigned)(size - filled);
            if (!NormStreamRead(event.object, (char *)message + filled, &got))
                fail("lost for good");
            if (got == 0)
                break;
            filled += got;
            if (filled < size)
                continue;
            filled = 0;
            memcpy(&number, message, sizeof(number));
            if (number != next)
                fail("lost for good");
            if (next++ == 0)
                load_start(&load, atof(argv[3]));
            load_deliver(&load, 1);
        }
    }
    load_report(&load);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    NormInstanceHandle instance = NormCreateInstance(false);
    NormSessionHandle session = NormCreateSession(instance, GROUP, PORT, (NormNodeId)atoi(argv[6]));

    NormSetMulticastInterface(session, "eth0");
    if (strcmp(argv[1], "send") == 0)
        run_sender(instance, session, argv);
    else
        run_receiver(instance, session, argv);
    fflush(stdout);
    _Exit(0); /* its threads are of no more use */
}
