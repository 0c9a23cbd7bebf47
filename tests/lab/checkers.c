/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator's checkers, compiled into gcs-lab as they are: one translation
 * unit of all of them, in which names that several files use for things of
 * their own are kept apart. Not needed where the build links the library that
 * holds them (gcs-simworld), and harmless there.
 */
#include "tests/checkers/history.c"
#include "tests/checkers/log.c"
#include "tests/checkers/memory.c"

#define add_record add_trace_record
#include "tests/checkers/trace_reader.c"
#undef add_record

#include "tests/checkers/checkers.c"
#include "tests/checkers/delivery_integrity.c"
#include "tests/checkers/initial_view.c"
#include "tests/checkers/local_monotonicity.c"
#include "tests/checkers/no_duplication.c"
#include "tests/checkers/primary_component.c"
#include "tests/checkers/self_delivery.c"
#include "tests/checkers/self_inclusion.c"
#include "tests/checkers/sending_view.c"
#include "tests/checkers/virtual_synchrony.c"

#define compare compare_orders
#include "tests/checkers/agreed_order.c"
#undef compare

#define compare compare_sequences
#include "tests/checkers/uniformity.c"
#undef compare

#define sequence held_sequence
#include "tests/checkers/safe_held.c"
#undef sequence
#include "tests/checkers/stability.c"

#define check_stay check_causal_stay
#include "tests/checkers/causality.c"
#undef check_stay

#define check_stay check_fifo_stay
#include "tests/checkers/fifo.c"
#undef check_stay

#define work time_work
#include "tests/checkers/agreed_time.c"
#undef work
