// SPDX-License-Identifier: BSD-3-Clause
// The smallest program that needs the installed headers and library.
#include <gcs/gcs.h>

#include <iostream>

int main()
{
    std::cout << gcs_strerror(GCS_EINVAL) << '\n';
}
