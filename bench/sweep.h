/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The pictures of `gcs-bench sweep`: for each a file of data and what gnuplot(1) makes
 * of it. The machine is described in all of them.
 *
 *   sweep.c        the command: what is measured for which picture
 *   sweep_files.c  data, the machine, gnuplot
 */
#ifndef GCS_BENCH_SWEEP_H
#define GCS_BENCH_SWEEP_H

#include "options.h"

#include <stdio.h>

#define BENCH_MACHINE_MAX 256

/* "AMD EPYC, 2 cores, 24 GiB, Linux 6.18". */
void bench_machine_describe(char *text, size_t size);

/* Opens sweep-NAME.dat in the folder for writing, with the machine and the columns in comments.
 * NULL: it was said what is wrong. */
FILE *bench_sweep_open(const struct bench_options *options, const char *name, const char *columns);

/* Writes sweep.gnuplot and lets gnuplot make sweep-*.svg. False: it was said what is wrong. */
bool bench_sweep_plot(const struct bench_options *options);

#endif
