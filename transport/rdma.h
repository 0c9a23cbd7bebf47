/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the RDMA transport, shared by the files transport/rdma*.c:
 *
 *   rdma.c           open, close, the operations, the descriptor to wait on
 *   rdma_config.c    URL -> struct gcs_rdma_config
 *   rdma_device.c    which device, what is opened on it, registered memory
 *   rdma_verbs.c     the calls that tests make fail
 *   rdma_links.c     one link per peer: found, broken, fenced; notices
 *   rdma_connect.c   connecting and accepting, by rdma_cm
 *   rdma_stage.c     registered memory that packets leave from
 *   rdma_send.c      packets -> runs -> work requests, backlogs
 *   rdma_receive.c   completions -> runs -> packets, credit
 *
 * A link is a reliable-connected queue pair and two rings (transport/ring.h), one at either end. A
 * packet is copied once into the stage, whatever the number of its receivers, and each of them
 * gets a run of as many packets as follow each other there in one RDMA write with immediate data:
 * the write's place is the run's, the immediate data tells that place. The receiver finds it in its
 * completion queue, so that nothing rests on the order in which bytes of a write arrive, and
 * nothing is polled in memory. What cannot go (no connection yet, no credit) waits in the link's
 * backlog, which has a bound.
 *
 * A link that breaks takes its packets along, and both ends are told (unreachable()). A packet that
 * never left an end is told to the other end by the next connection.
 */
#ifndef GCS_TRANSPORT_RDMA_H
#define GCS_TRANSPORT_RDMA_H

#include "transport/ring.h"
#include "transport/transport.h"
#include "transport/udp.h" /* addresses, the pool */

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>
#include <stdatomic.h>

enum {
    GCS_RDMA_RECEIVES = 64, /* runs on their way to us, per link */
    GCS_RDMA_WRITES = 64,   /* work requests on their way from us, per link */
    GCS_RDMA_CHAIN = 16,    /* work requests for one doorbell */
    GCS_RDMA_SIGNAL = 16,   /* one in so many is signalled */
    GCS_RDMA_POLL = 32,     /* completions taken at once */
    GCS_RDMA_LINKS = 1024,  /* peers known at a time */
    GCS_RDMA_BUCKETS = 1024,
    GCS_RDMA_INLINE = 220, /* bytes asked for: what a cache line or two more of the queue hold */
    GCS_RDMA_HELLO = 40,
    GCS_RDMA_PACKET_MAX = 65000,
    GCS_RDMA_PACKET = 60000,
};

/* ---- Configuration ------------------------------------------------------------------------ */

struct gcs_rdma_config {
    struct gcs_udp_target bind; /* 0.0.0.0 or ::: the device's address */
    int family;
    char device[64]; /* name or number, "": the first */
    struct gcs_udp_target *seeds;
    size_t seeds_count;
    uint64_t packet;
    struct gcs_ring_shape ring;
    struct gcs_ring_shape stage;
    uint64_t ring_bytes;    /* for each peer */
    uint64_t stage_bytes;   /* for all peers */
    uint64_t memory_bytes;  /* bound of all registered memory */
    uint64_t backlog_bytes; /* bound for each peer */
    uint64_t pool_bytes;
    uint8_t ack_timeout; /* the device repeats what is not acknowledged after 4.096 us * 2^this */
};

/* And so often; 7 would be for ever with some devices. */
#define GCS_RDMA_ACK_RETRIES 6

int gcs_rdma_config_parse(struct gcs_rdma_config *config, struct gcs_url *url,
                          const struct gcs_report *report);
void gcs_rdma_config_free(struct gcs_rdma_config *config);

/* ---- Calls that tests make fail ---------------------------------------------------------------
 */

struct gcs_rdma_verbs {
    struct ibv_mr *(*reg_mr)(void *ctx, struct ibv_pd *pd, void *memory, size_t bytes);
    struct ibv_qp *(*create_qp)(void *ctx, struct ibv_pd *pd, struct ibv_qp_init_attr *attr);
    int (*post_send)(void *ctx, struct ibv_qp *qp, struct ibv_send_wr *wr);
    int (*post_recv)(void *ctx, struct ibv_qp *qp, struct ibv_recv_wr *wr);
    int (*poll_cq)(void *ctx, struct ibv_cq *cq, int count, struct ibv_wc *wc);
    void *ctx;
};

extern const struct gcs_rdma_verbs gcs_rdma_verbs_real;

/* ---- The stage ----------------------------------------------------------------------------------
 */

struct gcs_rdma_stage {
    uint8_t *memory;
    struct ibv_mr *mr;
    uint32_t segments;
    uint32_t segment_bytes;
    uint32_t current;
    uint32_t at;
    uint32_t busy;                        /* segments with references */
    uint32_t refs[GCS_RING_SEGMENTS_MAX]; /* runs that are not known to have arrived */
};

struct gcs_rdma;

int gcs_rdma_stage_open(struct gcs_rdma *rdma, const struct gcs_report *report);
void gcs_rdma_stage_close(struct gcs_rdma *rdma);
/* Copies a packet in as a record; NULL: there is no room at the moment. */
uint8_t *gcs_rdma_stage_place(struct gcs_rdma_stage *stage, const uint8_t *data, size_t size,
                              uint32_t *segment);
void gcs_rdma_stage_ref(struct gcs_rdma_stage *stage, uint32_t segment);
void gcs_rdma_stage_unref(struct gcs_rdma_stage *stage, uint32_t segment);

/* ---- Links
 * ---------------------------------------------------------------------------------------- */

enum gcs_rdma_state {
    GCS_RDMA_IDLE,       /* nothing is open */
    GCS_RDMA_AWAITING,   /* the peer's request, which goes before ours */
    GCS_RDMA_RESOLVING,  /* ours: where is the peer? */
    GCS_RDMA_CONNECTING, /* ours: it was asked */
    GCS_RDMA_ACCEPTING,  /* the peer's: it was answered */
    GCS_RDMA_UP,
    GCS_RDMA_CLOSING, /* the peer has closed: what is in the completion queue still counts */
};

/* What one end tells the other when they connect. */
struct gcs_rdma_hello {
    uint16_t port;     /* that its endpoint listens on */
    bool lost;         /* packets to the other end were dropped since the last connection */
    uint8_t mtu;       /* its port's active MTU */
    uint16_t receives; /* runs that it takes without an answer */
    struct gcs_ring_shape shape;
    uint64_t address; /* of its ring */
    uint32_t key;
};

void gcs_rdma_hello_write(const struct gcs_rdma_hello *hello, uint8_t *out);
/* False: it is no hello, or one of another version. */
bool gcs_rdma_hello_read(struct gcs_rdma_hello *hello, const uint8_t *in, size_t size);

struct gcs_rdma_waiting {
    struct gcs_rdma_waiting *next;
    struct gcs_buffer *buffer; /* NULL: data follows */
    const uint8_t *data;
    size_t size;
};

/* A run that is being put together. */
struct gcs_rdma_run {
    const uint8_t *start;
    uint32_t bytes; /* 0: there is none */
    uint32_t records;
    uint32_t segment; /* of the stage */
    uint32_t position;
};

struct gcs_rdma_link {
    struct gcs_rdma_link *next; /* in its bucket */
    struct gcs_address peer;
    uint32_t id; /* slot and generation: what completions are attributed by */
    enum gcs_rdma_state state;
    bool member;    /* of a group of ours */
    bool parting;   /* not any more: it is closed when what was sent last has arrived */
    bool lost;      /* packets were dropped since the last connection, */
    bool told;      /* which the hello on its way tells */
    bool notice;    /* the owner is to be told */
    bool dirty;     /* in the list of those with something to post */
    uint64_t since; /* of the state */
    uint64_t retry_at;
    uint32_t failures;
    struct rdma_cm_id *cm;
    struct ibv_qp *qp;
    /* Our ring, and behind it the line for knocks, the prefaces of our runs. */
    struct gcs_ring_in *in;
    struct ibv_mr *mr;
    size_t registered;
    uint64_t consumed;      /* runs and knocks taken in */
    uint64_t reposted;      /* of these, receives posted again */
    uint64_t told_consumed; /* what the peer knows */
    uint64_t told_returned;
    uint64_t moved;    /* completed and granted, when this was looked at last, */
    uint64_t moved_at; /* and when that had changed; 0: nothing waits */
    struct gcs_rdma *rdma;
    uint64_t credited; /* runs and knocks up to there have told our credit */
    /* The peer's. */
    struct gcs_ring_out out;
    uint64_t remote;
    uint32_t remote_key;
    uint32_t receives;
    uint64_t posted;    /* runs and knocks: work requests */
    uint64_t completed; /* of these, out of our queue */
    uint64_t arrived;   /* ... and known to be at the peer */
    uint64_t granted;   /* ... and taken in there: its receive is posted again */
    uint64_t serial;    /* runs */
    uint64_t ending;    /* the last, when we close and have asked whether it has arrived */
    uint32_t inline_bytes;
    uint8_t
        staged[GCS_RDMA_WRITES]; /* each run's segment of the stage; GCS_RING_SEGMENTS_MAX: none */
    struct gcs_rdma_run run;
    uint32_t chained;
    struct ibv_send_wr chain[GCS_RDMA_CHAIN];
    struct ibv_sge pieces[GCS_RDMA_CHAIN][2];
    struct gcs_rdma_waiting *waiting;
    struct gcs_rdma_waiting **waiting_end;
    size_t waiting_bytes;
};

/* The link to a peer; NULL: there is none. */
struct gcs_rdma_link *gcs_rdma_link_find(struct gcs_rdma *rdma, const struct gcs_address *peer);
/* The same, made if there is none; NULL: no memory, or too many peers. */
struct gcs_rdma_link *gcs_rdma_link_get(struct gcs_rdma *rdma, const struct gcs_address *peer);
/* That a completion belongs to; NULL: it is gone. */
struct gcs_rdma_link *gcs_rdma_link_by_id(struct gcs_rdma *rdma, uint32_t id);
/* Lets go of queue pair and rings. What was on its way is lost; the backlog stays. */
void gcs_rdma_link_close(struct gcs_rdma *rdma, struct gcs_rdma_link *link);
/* The same, loses the backlog, too, and tells. */
void gcs_rdma_link_break(struct gcs_rdma *rdma, struct gcs_rdma_link *link);
void gcs_rdma_links_free(struct gcs_rdma *rdma);
/* A notice for unreachable(). */
void gcs_rdma_tell(struct gcs_rdma *rdma, struct gcs_rdma_link *link);
bool gcs_rdma_unreachable(struct gcs_transport *transport, struct gcs_address *peer);
void gcs_rdma_peers(struct gcs_transport *transport, const struct gcs_address *peers, size_t count);

/* ---- The transport
 * ------------------------------------------------------------------------------------ */

struct gcs_rdma_note {
    struct gcs_rdma_note *next;
    char text[320];
};

struct gcs_rdma {
    struct gcs_transport base;
    struct gcs_transport_caps caps;
    struct gcs_transport_counters counters;
    struct gcs_address address;
    struct gcs_address *seeds;
    size_t seeds_count;
    int owner; /* the process that opened it: a child after fork() shares what is in the device */
    const struct gcs_rdma_verbs *verbs;
    struct gcs_rdma_config config;
    struct gcs_ring_shape shape;

    struct rdma_event_channel *events;
    struct rdma_cm_id *listener;
    struct ibv_context *device;
    struct ibv_pd *pd;
    struct ibv_comp_channel *completions;
    struct ibv_cq *cq;
    uint8_t port;
    uint8_t mtu;
    bool gone; /* the device has failed or was taken away */
    size_t registered;

    struct gcs_rdma_stage stage;
    struct gcs_udp_pool *pool;

    struct gcs_rdma_link *slot[GCS_RDMA_LINKS];
    uint32_t slots; /* in use up to here */
    uint32_t generation;
    struct gcs_rdma_link *bucket[GCS_RDMA_BUCKETS];
    struct gcs_rdma_link *dirty[GCS_RDMA_LINKS];
    uint32_t dirty_count;
    uint32_t backlogs; /* links with something in their backlog */
    uint32_t closing;  /* links in that state */

    struct ibv_wc wc[GCS_RDMA_POLL];
    int wc_count;
    int wc_next;
    struct gcs_rdma_link *source; /* of the run being handed out; NULL: none */
    struct gcs_ring_run run;
    bool receiving; /* in receive(), which ends with telling credit */
    bool freed;     /* outside of it somebody has given back what a peer waits for */
    bool armed;     /* the completion channel will tell */
    unsigned calls; /* of receive() since events were looked for */
    int wait_fd;
    int wake_fd;
    bool awake;
    uint32_t notices;            /* links with one */
    _Atomic(const char *) note;  /* one of notes; NULL: none */
    struct gcs_rdma_note *notes; /* all there were: some thread may still be reading one */
    unsigned notes_count;
    bool note_of_port; /* it is about the port, and goes with what it says */
};

int gcs_rdma_open(struct gcs_url *url, struct gcs_transport **transport,
                  const struct gcs_report *report);
int gcs_rdma_open_with(const struct gcs_rdma_verbs *verbs, struct gcs_url *url,
                       struct gcs_transport **transport, const struct gcs_report *report);
void gcs_rdma_update_wake(struct gcs_rdma *rdma);
uint64_t gcs_rdma_now(void); /* CLOCK_MONOTONIC, ns */

/* rdma_device.c. GCS_ETRANSPORT: there is no device; GCS_EADDRESS, GCS_EOPTION, GCS_ESYSTEM. */
void gcs_rdma_note(struct gcs_rdma *rdma, bool of_port, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void gcs_rdma_notes_free(struct gcs_rdma *rdma);
int gcs_rdma_device_open(struct gcs_rdma *rdma, const struct gcs_report *report);
void gcs_rdma_device_close(struct gcs_rdma *rdma);
/* The endpoint's address is still one of its device. */
bool gcs_rdma_device_has_address(const struct gcs_rdma *rdma);
/* Registers memory within the bound of the option; NULL and a sentence if that cannot be. */
struct ibv_mr *gcs_rdma_register(struct gcs_rdma *rdma, void *memory, size_t bytes,
                                 const struct gcs_report *report);
void gcs_rdma_unregister(struct gcs_rdma *rdma, struct ibv_mr *mr);

/* rdma_connect.c */
void gcs_rdma_connect(struct gcs_rdma *rdma, struct gcs_rdma_link *link);
/* A link that is being connected, and has nothing to wait for any more, is worth another try. */
bool gcs_rdma_is_overdue(const struct gcs_rdma_link *link);
/* The peer has a connection with us. */
void gcs_rdma_come_up(struct gcs_rdma *rdma, struct gcs_rdma_link *link);
/* Takes one event of rdma_cm or of the device; false: there is none. */
bool gcs_rdma_take_event(struct gcs_rdma *rdma);
bool gcs_rdma_take_device_event(struct gcs_rdma *rdma);

/* rdma_send.c */
void gcs_rdma_send(struct gcs_transport *transport, const struct gcs_core_packet *packets,
                   size_t count);
/* Posts what the backlogs hold, as far as there is room. */
void gcs_rdma_drain(struct gcs_rdma *rdma);
/* Tells the peer its credit. */
void gcs_rdma_knock(struct gcs_rdma *rdma, struct gcs_rdma_link *link, bool signalled);
/* The peer has told what it has taken in, and given back, in its run or knock of that number. */
void gcs_rdma_credit(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint64_t number,
                     const struct gcs_ring_preface *preface);
void gcs_rdma_completed(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint64_t posted);
/* Forgets what has not arrived. */
void gcs_rdma_send_reset(struct gcs_rdma *rdma, struct gcs_rdma_link *link);
void gcs_rdma_drop_backlog(struct gcs_rdma *rdma, struct gcs_rdma_link *link);

/* rdma_receive.c */
size_t gcs_rdma_receive(struct gcs_transport *transport, struct gcs_transport_packet *packets,
                        size_t max);
/* Posts all of a new link's receives; a negative code if the device does not take them. */
int gcs_rdma_post_receives(struct gcs_rdma *rdma, struct gcs_rdma_link *link, uint32_t count);
/* Watches a link's ring: a peer must not wait for credit until something else happens. */
void gcs_rdma_returned(void *link);
void gcs_rdma_receive_forget(struct gcs_rdma *rdma, const struct gcs_rdma_link *link);

/* In the memory behind a link's ring. */
static inline uint8_t *gcs_rdma_line(const struct gcs_rdma *rdma, const struct gcs_rdma_link *link)
{
    return gcs_ring_in_memory(link->in) + gcs_ring_bytes(&rdma->shape);
}

#endif
