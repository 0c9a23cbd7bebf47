/* SPDX-License-Identifier: BSD-3-Clause */
/* The smallest program that needs the installed headers and library. */
#include <gcs/gcs.h>

#include <stdio.h>

int main(void)
{
    puts(gcs_strerror(GCS_EINVAL));
    return 0;
}
