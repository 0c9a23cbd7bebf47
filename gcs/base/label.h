/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Labels: where a member is, from the large to the small, "site/rack/host". Parts
 * are made of what group names are made of, so that a label can stand in JSON, in a
 * metric and in a line of text as it is.
 */
#ifndef GCS_BASE_LABEL_H
#define GCS_BASE_LABEL_H

#include <gcs/types.h>

#define GCS_LABEL_PARTS 3

enum gcs_label_fault {
    GCS_LABEL_GOOD,
    GCS_LABEL_LONG,  /* more than GCS_LABEL_MAX bytes */
    GCS_LABEL_BYTE,  /* at *at one that no part is made of */
    GCS_LABEL_EMPTY, /* the part that begins at *at has nothing in it */
    GCS_LABEL_DEEP,  /* more than GCS_LABEL_PARTS parts */
};

/* What is wrong with size bytes, and where; none at all are a good label: there is none. */
enum gcs_label_fault gcs_label_check(const char *label, size_t size, size_t *at);

/* Bytes of the label of a struct, which ends with a zero unless it is too long. */
static inline size_t gcs_label_size(const char label[GCS_LABEL_MAX + 1])
{
    size_t size = 0;
    while (size <= GCS_LABEL_MAX && label[size])
        size++;
    return size;
}

/* How many bytes the first parts of a label take, without the slash behind them; all of it if it
 * has no more parts. */
size_t gcs_label_prefix(const char *label, unsigned parts);

#endif
