/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long to wait before speaking when many have the same to say: exponentially
 * distributed over a window of T, so that of R receivers that lack the same packet
 * about one speaks early and the others hear it before their own time comes
 * (RFC 5401, section 3.2; Nonnenmacher and Biersack, "Scalable Feedback for Large
 * Groups", IEEE/ACM ToN 7(3), 1999):
 *
 *     t = T / lambda * ln(x * (e^lambda - 1) * T / lambda),  lambda = ln R + 1
 *     x uniform on [lambda / (T (e^lambda - 1)), the same + lambda / T]
 *
 * The argument of ln is then uniform on [1, e R], and t = T * log(y) / log(e R) in
 * any base. Base two in fixed point needs no floating point, and gives the same
 * on every machine.
 */
#ifndef GCS_RELIABLE_BACKOFF_H
#define GCS_RELIABLE_BACKOFF_H

#include <stdint.h>

/* Out of 64 random bits: a time in [0, window_ns], most often near its end. Of one receiver none:
 * there is nobody to wait for. */
uint64_t gcs_backoff_ns(uint64_t random, uint64_t window_ns, uint32_t receivers);

#endif
