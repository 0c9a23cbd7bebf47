/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a member is: see label.h. */
#include "gcs/base/label.h"

static bool is_part_of(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '-';
}

enum gcs_label_fault gcs_label_check(const char *label, size_t size, size_t *at)
{
    unsigned parts = 1;
    size_t begin = 0;
    *at = 0;
    if (size > GCS_LABEL_MAX)
        return GCS_LABEL_LONG;
    for (size_t i = 0; i <= size && size > 0; i++) {
        *at = i;
        if (i < size && label[i] != '/') {
            if (!is_part_of(label[i]))
                return GCS_LABEL_BYTE;
            continue;
        }
        if (i == begin)
            return GCS_LABEL_EMPTY;
        if (i < size && ++parts > GCS_LABEL_PARTS)
            return GCS_LABEL_DEEP;
        begin = i + 1;
    }
    return GCS_LABEL_GOOD;
}

size_t gcs_label_prefix(const char *label, unsigned parts)
{
    size_t length = 0;
    for (; label[length]; length++)
        if (label[length] == '/' && --parts == 0)
            break;
    return length;
}
