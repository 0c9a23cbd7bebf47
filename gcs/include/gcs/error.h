/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Errors of libgcs. Every call that can fail returns 0 or a count on success
 * and one of these negative codes on failure. The table below is the only
 * place where errors are defined: the enum, gcs_strerror() and the manual's
 * lists all come from it.
 */
#ifndef GCS_ERROR_H
#define GCS_ERROR_H

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, code, text) */
#define GCS_ERROR_TABLE(X)                                        \
    X(GCS_EINVAL, -1, "invalid argument")                         \
    X(GCS_ENOMEM, -2, "out of memory")                            \
    X(GCS_EADDRESS, -3, "bad address")                            \
    X(GCS_ENAME, -4, "bad group name")                            \
    X(GCS_EOPTION, -5, "bad option")                              \
    X(GCS_EMSGSIZE, -6, "message too large")                      \
    X(GCS_EAGAIN, -7, "would block")                              \
    X(GCS_ETIMEDOUT, -8, "deadline passed")                       \
    X(GCS_ENOPRIMARY, -9, "not in the primary component")         \
    X(GCS_ENOTMEMBER, -10, "not a member")                        \
    X(GCS_EALREADY, -11, "already done")                          \
    X(GCS_ECLOSED, -12, "closed")                                 \
    X(GCS_EREFUSED, -13, "refused by the group")                  \
    X(GCS_EMALFORMED, -14, "malformed packet")                    \
    X(GCS_ELIMIT, -15, "limit reached")                           \
    X(GCS_ESYSTEM, -16, "system call failed")                     \
    X(GCS_EFORKED, -17, "not usable after fork")                  \
    X(GCS_ETRANSPORT, -18, "unknown or unavailable transport")    \
    X(GCS_EEVICTED, -19, "evicted from the group")                \
    X(GCS_ESTATE, -20, "state transfer failed")                   \
    X(GCS_ELINEAGE, -21, "another lineage of the group prevails") \
    X(GCS_EUNKNOWN, -22, "outcome unknown, retry")                \
    X(GCS_ESESSION, -23, "no such session, or expired")           \
    X(GCS_ESERIAL, -24, "serial out of turn")

enum gcs_error {
#define GCS_ERROR_ENUM(name, code, text) name = code,
    GCS_ERROR_TABLE(GCS_ERROR_ENUM)
#undef GCS_ERROR_ENUM
};

/*
 * The text of an error code, "success" for 0 and positive values, "unknown
 * error" for anything else. Never NULL; static storage; thread-safe.
 */
const char *gcs_strerror(int code);

#ifdef __cplusplus
}
#endif

#endif
