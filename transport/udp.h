/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The inside of the UDP transport, shared by the files transport/udp*.c:
 *
 *   udp.c            open, close, the operations
 *   udp_config.c     URL -> struct gcs_udp_config
 *   udp_address.c    gcs_address <-> text and sockaddr
 *   udp_interface.c  which network interface, its address and MTU
 *   udp_socket.c     sockets with the options that all of this rests on
 *   udp_multicast.c  joining a multicast group, self-test, own-packet filter
 *   udp_pool.c       receive buffers
 *   udp_receive.c    batches and trains in
 *   udp_send.c       batches and trains out
 *   udp_evidence.c   ICMP errors
 *
 * An address is one byte 4 or 6, the bytes of the IP address, the port in
 * network order. It carries no IPv6 scope, since interface numbers differ from
 * host to host and an address must be the same at every member: link-local and
 * multicast destinations take the scope of the endpoint's own interface.
 */
#ifndef GCS_TRANSPORT_UDP_H
#define GCS_TRANSPORT_UDP_H

#include "transport/transport.h"
#include "transport/url.h"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define GCS_UDP_PACKET_MIN      512
#define GCS_UDP_PACKET_MAX      65000
#define GCS_UDP_PACKET_LOOPBACK 60000
#define GCS_UDP_SEEDS_MAX       1024
#define GCS_UDP_SLOT_BYTES      65536 /* no datagram and no train is larger */

/* ---- Addresses ------------------------------------------------------------------------ */

union gcs_udp_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* AF_INET, AF_INET6, or AF_UNSPEC if the bytes are no UDP address. */
int gcs_udp_family(const struct gcs_address *address);
const char *gcs_udp_family_name(int family);

uint16_t gcs_udp_port(const struct gcs_address *address);
void gcs_udp_set_port(struct gcs_address *address, uint16_t port);
bool gcs_udp_same(const struct gcs_address *a, const struct gcs_address *b);
bool gcs_udp_same_ip(const struct gcs_address *a, const struct gcs_address *b);

bool gcs_udp_is_any(const struct gcs_address *address);
bool gcs_udp_is_loopback(const struct gcs_address *address);
bool gcs_udp_is_multicast(const struct gcs_address *address);
bool gcs_udp_is_link_local(const struct gcs_address *address);

/* Length of the sockaddr, 0 if the bytes are no UDP address. */
socklen_t gcs_udp_to_sockaddr(const struct gcs_address *address, uint32_t scope,
                              union gcs_udp_sockaddr *out);
/* False for other families. */
bool gcs_udp_from_sockaddr(const struct sockaddr *in, struct gcs_address *address);

/* "a.b.c.d" or IPv6 without brackets and scope, port 0. */
bool gcs_udp_ip_parse(const char *text, size_t length, struct gcs_address *address);
void gcs_udp_ip_format(const struct gcs_address *address, char *text, size_t size);

/* A host with a range of ports; first == last: a single one. Port 0 stands alone. */
struct gcs_udp_target {
    struct gcs_address ip; /* port 0 */
    uint16_t first;
    uint16_t last;
};

/* "7400" or "7400-7431"; no port is written with leading zeros. */
bool gcs_udp_ports_parse(const char *text, size_t length, uint16_t *first, uint16_t *last);

/*
 * A host: an IP address, or a name that is looked up (which may block). family restricts it,
 * AF_UNSPEC: any, IPv4 preferred. option names the culprit in the report. GCS_EADDRESS.
 */
int gcs_udp_host_parse(const char *text, size_t length, int family, struct gcs_address *ip,
                       const char *option, const struct gcs_report *report);

/* "host:port", "[v6]:port", either with a range of ports. GCS_EADDRESS. */
int gcs_udp_target_parse(const char *text, size_t length, int family, struct gcs_udp_target *target,
                         const char *option, const struct gcs_report *report);
/* Port or ports, and the first length characters of the host, of any such URL. */
int gcs_udp_bind_parse(const struct gcs_url *url, size_t length, struct gcs_udp_target *bind,
                       const struct gcs_report *report);
/* Its option seeds. *list is the caller's to free, also after an error. */
int gcs_udp_seeds_parse(struct gcs_url *url, int family, struct gcs_udp_target **list,
                        size_t *count, const struct gcs_report *report);

/* ---- Configuration ---------------------------------------------------------------------- */

struct gcs_udp_config {
    struct gcs_udp_target bind;   /* ip length 0: the interface's address */
    char interface[64];           /* name or address, "": not given */
    char zone[IF_NAMESIZE];       /* of a link-local host, "": none */
    struct gcs_address group;     /* multicast; length 0: none */
    struct gcs_address advertise; /* length 0: not given; port 0: that of the socket */
    struct gcs_udp_target *seeds;
    size_t seeds_count;
    uint64_t packet; /* 0: from the MTU */
    uint64_t receive_bytes;
    uint64_t send_bytes;
    uint64_t pool_bytes;
    uint64_t ttl;
    int family;
};

/* GCS_EADDRESS, GCS_EOPTION, GCS_ENOMEM. On success give it to gcs_udp_config_free. */
int gcs_udp_config_parse(struct gcs_udp_config *config, struct gcs_url *url,
                         const struct gcs_report *report);
void gcs_udp_config_free(struct gcs_udp_config *config);

/* ---- Interfaces --------------------------------------------------------------------------- */

struct gcs_udp_interface {
    char name[IF_NAMESIZE];
    uint32_t index; /* 0: unknown */
    bool loopback;
    struct gcs_address ip; /* port 0 */
};

/* The interface of that name or address. GCS_EOPTION. */
int gcs_udp_interface_by_text(int family, const char *text, struct gcs_udp_interface *out,
                              const struct gcs_report *report);
/* The interface that has the address; false: none has. */
bool gcs_udp_interface_by_ip(const struct gcs_address *ip, struct gcs_udp_interface *out);
/*
 * The only one besides loopback. GCS_EADDRESS with a sentence that begins with what and lists
 * the candidates if there are several or none.
 */
int gcs_udp_interface_only(int family, struct gcs_udp_interface *out, const char *what,
                           const struct gcs_report *report);
/* Largest packet that the interface carries unfragmented; index 0: that all interfaces carry. */
uint32_t gcs_udp_interface_packet(int family, uint32_t index);

/* ---- Sockets -------------------------------------------------------------------------------- */

struct gcs_udp_socket {
    int fd;             /* -1: none */
    bool filtered;      /* our own packets are dropped by a filter ... */
    uint32_t own;       /* ... which counts among the system's drops as often as this */
    uint32_t overflows; /* the system's drops, without our own, when it last told */
};

/*
 * A socket with every option that sending and receiving rest on, bound to the first free port
 * of the target; *bound is the outcome. share: others may bind the same (multicast).
 * GCS_EADDRESS, GCS_ESYSTEM.
 */
int gcs_udp_socket_open(struct gcs_udp_socket *s, const struct gcs_udp_config *config,
                        const struct gcs_udp_target *target, uint32_t scope, bool share,
                        struct gcs_address *bound, const struct gcs_report *report);
void gcs_udp_socket_close(struct gcs_udp_socket *s);
uint32_t gcs_udp_socket_receive_bytes(const struct gcs_udp_socket *s);

/* ---- Receive buffers --------------------------------------------------------------------------
 */

struct gcs_udp_pool;

/* NULL: no memory. The pool never holds more than bound bytes of buffers. */
struct gcs_udp_pool *gcs_udp_pool_new(size_t bound);
/* Frees the pool, or lets it free itself with the last buffer that is still out. */
void gcs_udp_pool_release(struct gcs_udp_pool *pool);
/* A buffer of at least size bytes, one reference; NULL: the bound or the memory does not allow. */
struct gcs_buffer *gcs_udp_pool_get(struct gcs_udp_pool *pool, size_t size);

/* ---- The transport ------------------------------------------------------------------------------
 */

enum {
    GCS_UDP_SLOTS_MIN = 8,  /* datagrams or trains per system call, at first ... */
    GCS_UDP_SLOTS_MAX = 32, /* ... and when they keep coming */
    GCS_UDP_MESSAGES = 64,  /* messages per sendmmsg */
    GCS_UDP_VECTORS = 256,  /* packets per sendmmsg */
    GCS_UDP_NOTICES = 16,   /* unreachable peers remembered */
};

struct gcs_udp_receive_slot {
    struct gcs_buffer *buffer;
    struct iovec vector;
    union gcs_udp_sockaddr from;
    _Alignas(struct cmsghdr) uint8_t control[64];
};

struct gcs_udp_receiver {
    struct gcs_udp_pool *pool;
    unsigned slots;                /* in use */
    unsigned filled;               /* by the last system call ... */
    unsigned next;                 /* ... and the first not taken yet */
    unsigned turn;                 /* which socket is asked first */
    struct gcs_udp_socket *source; /* of what is filled */
    /* The train being handed out; buffer NULL: none. */
    struct gcs_buffer *train;
    struct gcs_address from;
    size_t at, end, segment;
    struct mmsghdr headers[GCS_UDP_SLOTS_MAX];
    struct gcs_udp_receive_slot slot[GCS_UDP_SLOTS_MAX];
};

struct gcs_udp_sender {
    unsigned train_max; /* datagrams per train; 1: the system has no segmentation offload */
    unsigned messages;
    unsigned vectors;
    struct mmsghdr headers[GCS_UDP_MESSAGES];
    union gcs_udp_sockaddr to[GCS_UDP_MESSAGES];
    struct {
        _Alignas(struct cmsghdr) uint8_t bytes[CMSG_SPACE(sizeof(uint16_t))];
    } control[GCS_UDP_MESSAGES];
    struct iovec vector[GCS_UDP_VECTORS];
};

struct gcs_udp {
    struct gcs_transport base;
    struct gcs_transport_caps caps;
    struct gcs_transport_counters counters;
    struct gcs_address address; /* what others send to */
    struct gcs_address source;  /* what our packets come from, for filtering; length 0: unknown */
    struct gcs_address group;   /* length 0: no multicast */
    uint32_t scope;             /* interface of link-local and multicast destinations */
    struct gcs_address *seeds;
    size_t seeds_count;
    struct gcs_udp_socket unicast;
    struct gcs_udp_socket multicast;
    int wait_fd; /* epoll over the sockets and wake_fd */
    int wake_fd; /* eventfd: something was taken out of the sockets and not handed out yet */
    bool awake;  /* wake_fd is readable */
    struct gcs_address notices[GCS_UDP_NOTICES];
    unsigned notices_count;
    bool evidence; /* a call has failed of an earlier packet: the error queue has something */
    char note[200];
    struct gcs_udp_receiver receiver;
    struct gcs_udp_sender sender;
};

/* The registry's entry. Takes what it needs from url, which the caller frees. */
int gcs_udp_open(struct gcs_url *url, struct gcs_transport **transport,
                 const struct gcs_report *report);

/* Makes the descriptor readable as long as something is waiting in user space. */
void gcs_udp_update_wake(struct gcs_udp *udp);

/* udp_multicast.c: opens the multicast socket and tests it; if it does not work, leaves the
 * transport with unicast and a note. Errors are those that no fallback can mend. */
int gcs_udp_multicast_open(struct gcs_udp *udp, const struct gcs_udp_config *config,
                           const struct gcs_udp_interface *interface,
                           const struct gcs_report *report);

/* udp_receive.c */
int gcs_udp_receiver_init(struct gcs_udp *udp, size_t pool_bytes);
void gcs_udp_receiver_fini(struct gcs_udp *udp);
bool gcs_udp_receiver_waiting(const struct gcs_udp *udp);
size_t gcs_udp_receive(struct gcs_transport *transport, struct gcs_transport_packet *packets,
                       size_t max);

/* udp_send.c */
void gcs_udp_sender_init(struct gcs_udp *udp);
void gcs_udp_send(struct gcs_transport *transport, const struct gcs_core_packet *packets,
                  size_t count);

/* udp_evidence.c */
bool gcs_udp_unreachable(struct gcs_transport *transport, struct gcs_address *peer);

#endif
