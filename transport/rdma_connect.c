/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Connecting: rdma_cm finds the way, asks, answers and closes; the queue pairs are our own, so that
 * path MTU and time-outs are ours to choose. Nothing here waits: each step is an event of the
 * channel.
 *
 * Two peers may ask each other at the same time. Then the request of the lesser address goes on;
 * but who has waited for long takes what comes, because its own request may be lost.
 */
#include "transport/rdma.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define RESOLVE_MS   2000
#define PATIENCE_NS  2000000000u /* with our own request, when the peer asks as well */
#define AWAIT_NS     1000000000u /* for the peer's request */
#define RETRY_NS     5000000u    /* before asking again; doubles */
#define RETRY_MAX_NS 640000000u
#define RNR_FOR_EVER 7
#define RNR_TIMER    12 /* 0.64 ms */

/* Why a request is refused: the other one goes on. */
static const char crossed[] = "crossed";

static bool is_less(const struct gcs_address *a, const struct gcs_address *b)
{
    return memcmp(a->bytes, b->bytes, a->length) < 0;
}

static void enter(struct gcs_rdma_link *link, enum gcs_rdma_state state)
{
    link->state = state;
    link->since = gcs_rdma_now();
}

/*
 * It could not be: not asked again for a while. What waited is lost. But if it was the peer who
 * asked, and has thought better of it, it is our turn to ask.
 */
static void fail(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    if (link->state == GCS_RDMA_ACCEPTING && link->waiting) {
        gcs_rdma_link_close(rdma, link);
        gcs_rdma_connect(rdma, link);
        if (link->state != GCS_RDMA_IDLE || !link->waiting) /* asked, or told of already */
            return;
    }
    uint64_t wait = (uint64_t)RETRY_NS << (link->failures < 7 ? link->failures : 7);

    link->failures++;
    link->retry_at = gcs_rdma_now() + (wait < RETRY_MAX_NS ? wait : RETRY_MAX_NS);
    rdma->counters.failed_connections++;
    gcs_rdma_link_close(rdma, link);
    gcs_rdma_drop_backlog(rdma, link);
    gcs_rdma_tell(rdma, link);
}

/* ---- Queue pairs and rings ---------------------------------------------------------------------
 */

static int explain(struct gcs_rdma *rdma, const struct gcs_rdma_link *link, const char *what,
                   int error)
{
    char peer[GCS_ADDRESS_TEXT_MAX];

    gcs_address_format(&link->peer, peer, sizeof(peer));
    gcs_rdma_note(rdma, false, "no connection with %s: %s: %s", peer, what, strerror(error));
    return GCS_ESYSTEM;
}

static int open_ring(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    size_t behind = (1 + GCS_RDMA_WRITES) * GCS_RING_PREFACE;
    char sentence[280] = "";
    const struct gcs_report report = {sentence, sizeof(sentence)};

    link->in = gcs_ring_in_new(&rdma->shape, behind);
    if (!link->in)
        return explain(rdma, link, "ring", ENOMEM);
    link->mr = gcs_rdma_register(rdma, gcs_ring_in_memory(link->in),
                                 gcs_ring_bytes(&rdma->shape) + behind, &report);
    gcs_ring_in_watch(link->in, gcs_rdma_returned, link);
    if (link->mr)
        return 0;
    gcs_rdma_note(rdma, false, "%s", sentence);
    return GCS_ESYSTEM;
}

/* Completions of one more link fit into the queue, also if all of its requests fail. */
static bool make_room(struct gcs_rdma *rdma)
{
    int links = 1;

    for (uint32_t slot = 0; slot < rdma->slots; slot++)
        links += rdma->slot[slot] && rdma->slot[slot]->qp;
    links = links * (GCS_RDMA_RECEIVES + GCS_RDMA_WRITES);
    if (links <= rdma->cq->cqe)
        return true;
    return ibv_resize_cq(rdma->cq, links > 2 * rdma->cq->cqe ? links : 2 * rdma->cq->cqe) == 0 ||
           ibv_resize_cq(rdma->cq, links) == 0;
}

static int open_queue_pair(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    struct ibv_qp_init_attr init = {
        .send_cq = rdma->cq,
        .recv_cq = rdma->cq,
        .qp_type = IBV_QPT_RC,
        .cap = {.max_send_wr = GCS_RDMA_WRITES,
                .max_recv_wr = GCS_RDMA_RECEIVES,
                .max_send_sge = 2,
                .max_recv_sge = 1,
                .max_inline_data = GCS_RDMA_INLINE},
    };

    if (!make_room(rdma))
        return explain(rdma, link, "a longer completion queue", errno);
    link->qp = rdma->verbs->create_qp(rdma->verbs->ctx, rdma->pd, &init);
    if (!link->qp) { /* some devices have no inline data */
        init.cap.max_inline_data = 0;
        link->qp = rdma->verbs->create_qp(rdma->verbs->ctx, rdma->pd, &init);
    }
    if (!link->qp)
        return explain(rdma, link, "ibv_create_qp", errno);
    link->inline_bytes = init.cap.max_inline_data;
    return 0;
}

/* To a state, with the attributes that rdma_cm knows for it, and ours. */
static int move(const struct gcs_rdma *rdma, struct gcs_rdma_link *link, enum ibv_qp_state state,
                uint8_t mtu)
{
    struct ibv_qp_attr attr = {.qp_state = state};
    int mask;

    if (rdma_init_qp_attr(link->cm, &attr, &mask) != 0)
        return errno;
    if (state == IBV_QPS_INIT) {
        attr.qp_access_flags = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE;
    } else if (state == IBV_QPS_RTR) {
        if (attr.path_mtu > mtu)
            attr.path_mtu = mtu;
        attr.min_rnr_timer = RNR_TIMER;
    } else {
        attr.timeout = rdma->config.ack_timeout;
        attr.retry_cnt = GCS_RDMA_ACK_RETRIES;
        attr.rnr_retry = RNR_FOR_EVER;
    }
    return ibv_modify_qp(link->qp, &attr, mask);
}

/* A queue pair that takes runs as soon as it is connected. */
static int open_link(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    int error = open_ring(rdma, link);

    if (error == 0)
        error = open_queue_pair(rdma, link);
    if (error < 0)
        return error;
    error = move(rdma, link, IBV_QPS_INIT, 0);
    if (error)
        return explain(rdma, link, "ibv_modify_qp to INIT", error);
    if (gcs_rdma_post_receives(rdma, link, GCS_RDMA_RECEIVES) != 0)
        return explain(rdma, link, "ibv_post_recv", EIO);
    return 0;
}

static int start_link(struct gcs_rdma *rdma, struct gcs_rdma_link *link,
                      const struct gcs_rdma_hello *hello)
{
    uint8_t mtu = hello->mtu < rdma->mtu ? hello->mtu : rdma->mtu;
    int error = move(rdma, link, IBV_QPS_RTR, mtu);

    if (error == 0)
        error = move(rdma, link, IBV_QPS_RTS, mtu);
    if (error)
        return explain(rdma, link, "ibv_modify_qp", error);
    gcs_ring_out_init(&link->out, &hello->shape);
    link->remote = hello->address;
    link->remote_key = hello->key;
    link->receives = hello->receives;
    return 0;
}

static struct rdma_conn_param conn_param(struct gcs_rdma *rdma, struct gcs_rdma_link *link,
                                         uint8_t *bytes)
{
    const struct gcs_rdma_hello hello = {
        .port = gcs_udp_port(&rdma->address),
        .lost = link->lost,
        .mtu = rdma->mtu,
        .receives = GCS_RDMA_RECEIVES,
        .shape = rdma->shape,
        .address = (uintptr_t)gcs_ring_in_memory(link->in),
        .key = link->mr->rkey,
    };

    gcs_rdma_hello_write(&hello, bytes);
    link->told = link->lost;
    link->lost = false;
    return (struct rdma_conn_param){
        .private_data = bytes,
        .private_data_len = GCS_RDMA_HELLO,
        .responder_resources = 1,
        .initiator_depth = 1,
        .retry_count = GCS_RDMA_ACK_RETRIES,
        .rnr_retry_count = RNR_FOR_EVER,
        .qp_num = link->qp->qp_num,
    };
}

void gcs_rdma_come_up(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    enter(link, GCS_RDMA_UP);
    link->failures = 0;
    link->told = false;
    rdma->counters.connections++;
    if (link->lost) /* since the hello: the next one tells */
        gcs_rdma_link_break(rdma, link);
}

/* ---- Our own requests
 * ---------------------------------------------------------------------------- */

void gcs_rdma_connect(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    union gcs_udp_sockaddr source, target;
    struct gcs_address ip = rdma->address;

    if (rdma->gone || (link->failures > 0 && gcs_rdma_now() < link->retry_at))
        return;
    gcs_udp_set_port(&ip, 0);
    gcs_udp_to_sockaddr(&ip, 0, &source);
    gcs_udp_to_sockaddr(&link->peer, 0, &target);
    enter(link, GCS_RDMA_RESOLVING);
    if (rdma_create_id(rdma->events, &link->cm, link, RDMA_PS_TCP) != 0) {
        link->cm = NULL;
        explain(rdma, link, "rdma_create_id", errno);
        fail(rdma, link);
    } else if (rdma_resolve_addr(link->cm, &source.any, &target.any, RESOLVE_MS) != 0) {
        fail(rdma, link);
    }
}

static void ask(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    uint8_t bytes[GCS_RDMA_HELLO];

    if (open_link(rdma, link) == 0) {
        struct rdma_conn_param param = conn_param(rdma, link, bytes);
        enter(link, GCS_RDMA_CONNECTING);
        if (rdma_connect(link->cm, &param) == 0)
            return;
        explain(rdma, link, "rdma_connect", errno);
    }
    fail(rdma, link);
}

static void hear_answer(struct gcs_rdma *rdma, struct gcs_rdma_link *link,
                        const struct rdma_cm_event *event, const uint8_t *data)
{
    struct gcs_rdma_hello hello;

    if (!gcs_rdma_hello_read(&hello, data, event->param.conn.private_data_len) ||
        start_link(rdma, link, &hello) != 0 || rdma_establish(link->cm) != 0) {
        fail(rdma, link);
        return;
    }
    gcs_rdma_come_up(rdma, link);
    if (hello.lost)
        gcs_rdma_tell(rdma, link);
}

static void hear_refusal(struct gcs_rdma *rdma, struct gcs_rdma_link *link,
                         const struct rdma_cm_event *event, const uint8_t *data)
{
    if (event->param.conn.private_data_len >= sizeof(crossed) &&
        memcmp(data, crossed, sizeof(crossed)) == 0) {
        gcs_rdma_link_close(rdma, link);
        enter(link, GCS_RDMA_AWAITING);
    } else {
        fail(rdma, link);
    }
}

bool gcs_rdma_is_overdue(const struct gcs_rdma_link *link)
{
    return link->state == GCS_RDMA_AWAITING && gcs_rdma_now() > link->since + AWAIT_NS;
}

/* ---- Others' requests
 * ------------------------------------------------------------------------------ */

static bool goes_before_ours(const struct gcs_rdma *rdma, const struct gcs_rdma_link *link)
{
    /* Before we have asked nothing of ours can cross it; it would not ask if it had a connection.
     */
    return link->state != GCS_RDMA_CONNECTING || is_less(&link->peer, &rdma->address) ||
           gcs_rdma_now() > link->since + PATIENCE_NS;
}

static void answer(struct gcs_rdma *rdma, struct gcs_rdma_link *link, struct rdma_cm_id *id,
                   const struct gcs_rdma_hello *hello)
{
    uint8_t bytes[GCS_RDMA_HELLO];
    struct rdma_conn_param param;

    link->cm = id;
    id->context = link;
    enter(link, GCS_RDMA_ACCEPTING);
    if (open_link(rdma, link) == 0 && start_link(rdma, link, hello) == 0) {
        param = conn_param(rdma, link, bytes);
        if (rdma_accept(id, &param) == 0)
            return;
        explain(rdma, link, "rdma_accept", errno);
    }
    (void)rdma_reject(id, NULL, 0);
    fail(rdma, link);
}

static void hear_request(struct gcs_rdma *rdma, struct rdma_cm_id *id,
                         const struct rdma_cm_event *event, const uint8_t *data)
{
    struct gcs_rdma_hello hello;
    struct gcs_rdma_link *link = NULL;
    struct gcs_address peer;

    if (gcs_rdma_hello_read(&hello, data, event->param.conn.private_data_len) &&
        gcs_udp_from_sockaddr(rdma_get_peer_addr(id), &peer)) {
        gcs_udp_set_port(&peer, hello.port);
        link = gcs_rdma_link_get(rdma, &peer);
    }
    if (!link || !goes_before_ours(rdma, link)) {
        (void)rdma_reject(id, crossed, link ? sizeof(crossed) : 0);
        rdma_destroy_id(id);
        return;
    }
    if (link->state >= GCS_RDMA_ACCEPTING)
        gcs_rdma_link_break(rdma, link);
    else
        gcs_rdma_link_close(rdma, link); /* our own request, if any: what waits goes along now */
    answer(rdma, link, id, &hello);
    if (hello.lost)
        gcs_rdma_tell(rdma, link);
}

/* ---- Events
 * ------------------------------------------------------------------------------------------ */

static void close_soon(struct gcs_rdma *rdma, struct gcs_rdma_link *link)
{
    if (link->state == GCS_RDMA_UP) {
        link->state = GCS_RDMA_CLOSING;
        rdma->closing++;
    } else if (link->state != GCS_RDMA_CLOSING) {
        fail(rdma, link);
    }
}

static void lose_device(struct gcs_rdma *rdma)
{
    rdma->gone = true;
    gcs_rdma_note(rdma, false, "%s is gone: close, and open again when it is back",
                  ibv_get_device_name(rdma->device->device));
}

static void handle(struct gcs_rdma *rdma, const struct rdma_cm_event *event, const uint8_t *data)
{
    struct gcs_rdma_link *link = event->id->context;

    if (event->event == RDMA_CM_EVENT_CONNECT_REQUEST) {
        hear_request(rdma, event->id, event, data);
        return;
    }
    if (event->event == RDMA_CM_EVENT_DEVICE_REMOVAL) {
        lose_device(rdma);
        return;
    }
    if (!link || link->cm != event->id) /* the listener's, or one that was given up */
        return;
    switch (event->event) {
    case RDMA_CM_EVENT_ADDR_RESOLVED:
        if (rdma_resolve_route(link->cm, RESOLVE_MS) != 0)
            fail(rdma, link);
        break;
    case RDMA_CM_EVENT_ROUTE_RESOLVED:
        ask(rdma, link);
        break;
    case RDMA_CM_EVENT_CONNECT_RESPONSE:
        hear_answer(rdma, link, event, data);
        break;
    case RDMA_CM_EVENT_ESTABLISHED:
        if (link->state == GCS_RDMA_ACCEPTING)
            gcs_rdma_come_up(rdma, link);
        break;
    case RDMA_CM_EVENT_DISCONNECTED:
        close_soon(rdma, link);
        break;
    case RDMA_CM_EVENT_ADDR_ERROR:
    case RDMA_CM_EVENT_ROUTE_ERROR:
    case RDMA_CM_EVENT_CONNECT_ERROR:
    case RDMA_CM_EVENT_UNREACHABLE:
        fail(rdma, link);
        break;
    case RDMA_CM_EVENT_REJECTED:
        hear_refusal(rdma, link, event, data);
        break;
    default:
        break;
    }
}

/* The event is given back before its id can be destroyed, so what it holds is copied. */
bool gcs_rdma_take_event(struct gcs_rdma *rdma)
{
    struct rdma_cm_event *event, copy;
    uint8_t data[256];

    if (rdma_get_cm_event(rdma->events, &event) != 0)
        return false;
    copy = *event;
    if (copy.param.conn.private_data_len > 0 && copy.param.conn.private_data)
        memcpy(data, copy.param.conn.private_data, copy.param.conn.private_data_len);
    else
        copy.param.conn.private_data_len = 0;
    rdma_ack_cm_event(event);
    handle(rdma, &copy, data);
    return true;
}

/* What an administrator should know of the port, and of the address on it. */
static void look_at_port(struct gcs_rdma *rdma)
{
    const char *device = ibv_get_device_name(rdma->device->device);
    struct ibv_port_attr port;
    char ip[GCS_ADDRESS_TEXT_MAX];

    if (rdma->gone || ibv_query_port(rdma->device, rdma->port, &port) != 0)
        return;
    gcs_udp_ip_format(&rdma->address, ip, sizeof(ip));
    if (port.state != IBV_PORT_ACTIVE)
        gcs_rdma_note(rdma, true, "port %u of %s is not active", rdma->port, device);
    else if (!gcs_rdma_device_has_address(rdma))
        gcs_rdma_note(rdma, true, "%s is no longer an address of %s", ip, device);
    else if (rdma->note_of_port)
        gcs_rdma_note(rdma, false, "%s", "");
}

bool gcs_rdma_take_device_event(struct gcs_rdma *rdma)
{
    struct ibv_async_event event;

    if (ibv_get_async_event(rdma->device, &event) != 0)
        return false;
    rdma->counters.device_events++;
    switch (event.event_type) {
    case IBV_EVENT_DEVICE_FATAL:
        lose_device(rdma);
        break;
    case IBV_EVENT_PORT_ACTIVE:
    case IBV_EVENT_PORT_ERR:
    case IBV_EVENT_GID_CHANGE:
        if (event.element.port_num == rdma->port)
            look_at_port(rdma);
        break;
    default:
        break;
    }
    ibv_ack_async_event(&event);
    return true;
}
