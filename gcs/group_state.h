/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State transfer as the group sees it: the joiner's side (its deliveries wait
 * until it has the state), the donor's side (its application is asked for the
 * state at a known place in the order), and which member serves which.
 */
#ifndef GCS_GROUP_STATE_H
#define GCS_GROUP_STATE_H

#include "gcs/era.h"

struct gcs_sync; /* this member gets the state */
struct gcs_gift; /* another member gets it from this one */

/* After a view has been installed and told: who begins, goes on, or is done. GCS_ENOMEM. */
int gcs_state_enter(struct gcs_core_group *group, uint64_t now, struct gcs_era *before);

/* A frame of state transfer from that member of the current view. */
void gcs_state_frame(struct gcs_core_group *group, uint64_t now, uint16_t rank,
                     const struct gcs_frame *frame);

/* Whether an event may not go to the application now: it has to wait for the state, or it is part
 * of the state. place: see backlog.h. */
bool gcs_state_holds(const struct gcs_core_group *group, const struct gcs_core_event *event,
                     uint32_t epoch, uint64_t place);
/* Then: keeps or drops it. False: out of memory. */
bool gcs_state_keep(struct gcs_core_group *group, const struct gcs_core_event *event,
                    uint32_t epoch, uint64_t place);

/* The state is here, and nothing that it contains can be lost any more. */
bool gcs_state_is_firm(const struct gcs_core_group *group);

/* The application has given back an event about state. */
void gcs_state_consumed(struct gcs_core_group *group, const struct gcs_core_event *event);

/* The application has given back a delivery that had waited for the state. */
void gcs_state_waited_for(const struct gcs_core_event *event);

/* How far this member's state has come; what that member has been given of it by this one. */
void gcs_state_group_status(const struct gcs_core_group *group, struct gcs_group_status *status);
void gcs_state_member_status(const struct gcs_core_group *group, struct gcs_member_status *status);

/* Goes on with what other members get from this one. */
void gcs_state_serve(struct gcs_core_group *group);
void gcs_state_tick(struct gcs_core_group *group, uint64_t now);
uint64_t gcs_state_deadline(const struct gcs_core_group *group);
/* The membership ends: what was delivered and has waited comes before that. False: out of memory,
 * something is missing. Then all of it is let go of. */
bool gcs_state_last(struct gcs_core_group *group);
void gcs_state_end(struct gcs_core_group *group);

#endif
