/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of libibverbs that can fail at run time, behind a table in which tests replace them. */
#include "transport/rdma.h"

static struct ibv_mr *reg_mr(void *ctx, struct ibv_pd *pd, void *memory, size_t bytes)
{
    (void)ctx;
    return ibv_reg_mr(pd, memory, bytes, IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE);
}

static struct ibv_qp *create_qp(void *ctx, struct ibv_pd *pd, struct ibv_qp_init_attr *attr)
{
    (void)ctx;
    return ibv_create_qp(pd, attr);
}

static int post_send(void *ctx, struct ibv_qp *qp, struct ibv_send_wr *wr)
{
    struct ibv_send_wr *bad;
    (void)ctx;
    return ibv_post_send(qp, wr, &bad);
}

static int post_recv(void *ctx, struct ibv_qp *qp, struct ibv_recv_wr *wr)
{
    struct ibv_recv_wr *bad;
    (void)ctx;
    return ibv_post_recv(qp, wr, &bad);
}

static int poll_cq(void *ctx, struct ibv_cq *cq, int count, struct ibv_wc *wc)
{
    (void)ctx;
    return ibv_poll_cq(cq, count, wc);
}

const struct gcs_rdma_verbs gcs_rdma_verbs_real = {
    .reg_mr = reg_mr,
    .create_qp = create_qp,
    .post_send = post_send,
    .post_recv = post_recv,
    .poll_cq = poll_cq,
};
