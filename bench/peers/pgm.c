/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * OpenPGM, one sender and its receivers:
 *
 *   pgm send|receive SIZE SECONDS MTU MAX_BYTES_PER_SECOND INTERFACE;GROUP
 *
 * Messages are numbered; a receiver that misses one for good fails.
 */
#include "load.h"

#include <arpa/inet.h>
#include <pgm/pgm.h>
#include <poll.h>
#include <pthread.h>

#define PORT     7500
#define UDP_PORT 3055
#define SOCKET   (4 << 20)
#define WINDOW   (64 << 20) /* bytes that can be repaired */

static void fail(const char *what, pgm_error_t *error)
{
    fprintf(stderr, "%s: %s\n", what, error && error->message ? error->message : "failed");
    exit(1);
}

static void set(pgm_sock_t *sock, int option, int value)
{
    if (!pgm_setsockopt(sock, IPPROTO_PGM, option, &value, sizeof(value)))
        fail("pgm_setsockopt", NULL);
}

static void configure_sender(pgm_sock_t *sock, int mtu, int rate)
{
    const int spm[] = {100000, 100000, 100000, 1000000, 1000000, 1000000, 5000000};

    set(sock, PGM_SEND_ONLY, 1);
    set(sock, PGM_TXW_SQNS, WINDOW / mtu);
    if (rate > 0)
        set(sock, PGM_TXW_MAX_RTE, rate);
    set(sock, PGM_AMBIENT_SPM, 1000000);
    if (!pgm_setsockopt(sock, IPPROTO_PGM, PGM_HEARTBEAT_SPM, spm, sizeof(spm)))
        fail("PGM_HEARTBEAT_SPM", NULL);
}

static void configure_receiver(pgm_sock_t *sock, int mtu)
{
    set(sock, PGM_RECV_ONLY, 1);
    set(sock, PGM_PASSIVE, 0);
    set(sock, PGM_RXW_SQNS, WINDOW / mtu);
    set(sock, PGM_PEER_EXPIRY, 300000000);
    set(sock, PGM_SPMR_EXPIRY, 250000);
    set(sock, PGM_NAK_BO_IVL, 5000);
    set(sock, PGM_NAK_RPT_IVL, 50000);
    set(sock, PGM_NAK_RDATA_IVL, 50000);
    set(sock, PGM_NAK_DATA_RETRIES, 50);
    set(sock, PGM_NAK_NCF_RETRIES, 50);
}

static pgm_sock_t *open_socket(const char *network, int sends, int mtu, int rate)
{
    pgm_error_t *error = NULL;
    pgm_sock_t *sock = NULL;
    struct pgm_addrinfo_t *info = NULL;
    struct pgm_sockaddr_t address = {.sa_port = PORT, .sa_addr.sport = DEFAULT_DATA_SOURCE_PORT};

    if (!pgm_init(&error) || !pgm_getaddrinfo(network, NULL, &info, &error) ||
        !pgm_socket(&sock, AF_INET, SOCK_SEQPACKET, IPPROTO_UDP, &error))
        fail("pgm_socket", error);
    set(sock, PGM_UDP_ENCAP_UCAST_PORT, UDP_PORT);
    set(sock, PGM_UDP_ENCAP_MCAST_PORT, UDP_PORT);
    set(sock, PGM_MTU, mtu);
    (void)pgm_setsockopt(sock, SOL_SOCKET, SO_RCVBUF, &(int){SOCKET}, sizeof(int));
    (void)pgm_setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &(int){SOCKET}, sizeof(int));
    sends ? configure_sender(sock, mtu, rate) : configure_receiver(sock, mtu);
    uint64_t self = load_now();
    if (!pgm_gsi_create_from_data(&address.sa_addr.gsi, (const uint8_t *)&self, sizeof(self)))
        fail("pgm_gsi_create_from_data", NULL);
    struct pgm_interface_req_t request = {.ir_interface = info->ai_recv_addrs[0].gsr_interface};
    if (!pgm_bind3(sock, &address, sizeof(address), &request, sizeof(request), &request,
                   sizeof(request), &error))
        fail("pgm_bind3", error);
    for (unsigned i = 0; i < info->ai_recv_addrs_len; i++)
        if (!pgm_setsockopt(sock, IPPROTO_PGM, PGM_JOIN_GROUP, &info->ai_recv_addrs[i],
                            sizeof(struct group_req)))
            fail("PGM_JOIN_GROUP", NULL);
    if (!pgm_setsockopt(sock, IPPROTO_PGM, PGM_SEND_GROUP, &info->ai_send_addrs[0],
                        sizeof(struct group_req)))
        fail("PGM_SEND_GROUP", NULL);
    set(sock, PGM_NOBLOCK, 1);
    set(sock, PGM_MULTICAST_LOOP, 0);
    if (!pgm_connect(sock, &error))
        fail("pgm_connect", error);
    return sock;
}

/* Requests for repair are heard, and answered, only by receiving: a thread of its own, as in
 * OpenPGM's examples. */
static void *repair(void *arg)
{
    pgm_sock_t *sock = arg;
    pgm_error_t *error = NULL;
    char nothing[16];
    size_t got;

    for (;;) {
        int status = pgm_recv(sock, nothing, sizeof(nothing), MSG_DONTWAIT, &got, &error);
        if (status != PGM_IO_STATUS_NORMAL)
            (void)poll(NULL, 0, 1);
    }
    return NULL;
}

static void run_sender(pgm_sock_t *sock, size_t size, double seconds)
{
    uint8_t *message = calloc(1, size);
    uint64_t number = 0;
    struct load load;
    pthread_t thread;
    size_t written;

    pthread_create(&thread, NULL, repair, sock);
    load_start(&load, seconds);
    while (load_now() < load.end + WARMUP_NS) {
        memcpy(message, &number, sizeof(number));
        int status = pgm_send(sock, message, size, &written);
        if (status == PGM_IO_STATUS_NORMAL)
            number++;
        else if (status == PGM_IO_STATUS_RATE_LIMITED || status == PGM_IO_STATUS_WOULD_BLOCK)
            (void)poll(NULL, 0, 1);
        else
            fail("pgm_send", NULL);
    }
    (void)poll(NULL, 0, 1000); /* for repairs that are still wanted */
}

static void run_receiver(pgm_sock_t *sock, size_t size, double seconds)
{
    uint8_t *message = malloc(1 << 20);
    uint64_t number, next = 0;
    pgm_error_t *error = NULL;
    struct load load = {.end = UINT64_MAX};
    int begun = 0, fd;
    socklen_t length = sizeof(fd);

    if (!pgm_getsockopt(sock, IPPROTO_PGM, PGM_RECV_SOCK, &fd, &length))
        fail("PGM_RECV_SOCK", NULL);
    while (load_now() < load.end) {
        size_t got = 0;
        int status = pgm_recv(sock, message, 1 << 20, MSG_DONTWAIT, &got, &error);
        if (status == PGM_IO_STATUS_RESET)
            fail("lost for good", NULL);
        if (status != PGM_IO_STATUS_NORMAL) {
            struct pollfd p = {.fd = fd, .events = POLLIN};
            (void)poll(&p, 1, 1);
            continue;
        }
        memcpy(&number, message, sizeof(number));
        if (!begun)
            load_start(&load, seconds);
        else if (number != next || got != size)
            fail("lost for good", NULL);
        begun = 1;
        next = number + 1;
        load_deliver(&load, 1);
    }
    load_report(&load);
}

int main(int argc, char **argv)
{
    if (argc != 7)
        return 2;
    int sends = strcmp(argv[1], "send") == 0;
    pgm_sock_t *sock = open_socket(argv[6], sends, atoi(argv[4]), atoi(argv[5]));

    if (sends)
        run_sender(sock, (size_t)atol(argv[2]), atof(argv[3]));
    else
        run_receiver(sock, (size_t)atol(argv[2]), atof(argv[3]));
    return 0;
}
