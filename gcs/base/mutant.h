/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deliberate bugs, to prove that the checkers of the test suite can fail.
 * They exist only where GCS_MUTANTS is defined, which is in gcs-sim-mutants, gcs-lab-mutants
 * and the stories' twins, and never in the library: elsewhere GCS_MUTANT(name) is the
 * constant 0 and whatever it guards is gone from the object code.
 *
 * The first table says for each bug which guarantee it is meant to break; the
 * program that runs them requires that some checker finds each one, and that
 * each checker finds at least one. The bugs of the second table break no guarantee
 * but good behaviour, such as that a bad link does not make views come and go: the
 * story that it names must fail with them.
 */
#ifndef GCS_BASE_MUTANT_H
#define GCS_BASE_MUTANT_H

#ifdef GCS_MUTANTS

/* X(name, guarantee that it breaks, what is wrong) */
#define GCS_MUTANT_TABLE(X)                                                                        \
    X(skip_repair, "liveness", "requests for repair are ignored")                                  \
    X(deliver_before_order, "agreed-order", "agreed messages are delivered on arrival")            \
    X(install_without_flush, "virtual-synchrony", "a view is installed without filling the cut")   \
    X(forget_promise, "primary-component", "a promise to a higher ballot is forgotten")            \
    X(ack_after_freeze, "uniformity", "acknowledges packets that came after the promise")          \
    X(send_after_freeze, "self-delivery", "sends new packets after the promise")                   \
    X(deliver_after_freeze, "virtual-synchrony", "delivers what came after the promise")           \
    X(reuse_incarnation, "local-monotonicity", "comes back under the old incarnation")             \
    X(cut_intersection, "self-delivery", "the cut is what all reports hold")                       \
    X(cut_longest, "self-delivery", "the cut is what the longest report holds")                    \
    X(promise_minority, "primary-component", "proposes with promises from a minority")             \
    X(accept_without_fetch, "liveness", "accepts a cut without holding it")                        \
    X(install_without_majority, "primary-component", "installs before a majority has accepted")    \
    X(no_reproposal, "primary-component", "proposes a new value where one was accepted")           \
    X(safe_minority, "uniformity", "safe as soon as one member holds it")                          \
    X(safe_data_only, "uniformity", "acknowledges data without its order")                         \
    X(release_early, "liveness", "frees packets that not everybody holds")                         \
    X(drop_old_view_packets, "liveness", "frees the old view's packets on installing the next")    \
    X(survivors_unpromised, "virtual-synchrony", "takes members along that did not promise")       \
    X(duplicate_delivery, "no-duplication", "delivers a message twice")                            \
    X(skip_own_delivery, "self-delivery", "drops own messages during the flush")                   \
    X(reorder_fifo, "fifo", "delivers packets of one sender out of order")                         \
    X(corrupt_payload, "delivery-integrity", "delivers a message with a byte changed")             \
    X(deliver_in_next_view, "sending-view", "delivers the end of a view after the next one")       \
    X(deliver_foreign_sender, "delivery-integrity", "names another member as the sender")          \
    X(skip_view_event, "initial-view", "delivers without having announced the view")               \
    X(view_without_self, "self-inclusion", "installs a view that it is no member of")              \
    X(repeat_view, "local-monotonicity", "installs a view once more")                              \
    X(hasty_lease, "lease", "grants leases right after somebody was excluded")                     \
    X(ignore_mark, "state", "what the state contains already is delivered once more")              \
    X(founding_minority, "primary-component", "founds the group without waiting for a majority")   \
    X(time_goes_back, "agreed-time", "a delivery has the time that its sender proposed")           \
    X(time_forgotten, "agreed-time", "a view begins without regard to what was delivered")         \
    X(seed_of_ones_own, "agreed-time", "the seed depends on who delivers")                         \
    X(unordered_at_once, "virtual-synchrony", "delivers behind a gap what may get lost")           \
    X(vector_forgotten, "causality", "a causal packet does not wait for what it depends on")       \
    X(lamport_horizon, "agreed-order", "delivers without having heard everybody")                  \
    X(lamport_no_nulls, "liveness", "confirms nothing that others send")                           \
    X(lamport_hole, "causality", "dead senders' packets survive what they depend on")              \
    X(lamport_packet_only, "uniformity", "counts who holds a packet without those before it")      \
    X(safe_without_all, "safe-held", "safe by a quorum where all voters are asked for")            \
    X(stable_ahead, "stability", "tells that a message is safe that has not been delivered")       \
    X(stable_at_once, "uniformity", "tells that agreed messages are safe when they are delivered") \
    X(lamport_closed, "agreed-order", "closes a view in another order than by clocks")             \
    X(causal_hole, "causality", "a dead sender's packets survive behind the hole")                 \
    X(own_room_first, "liveness", "reserves for its own long messages before those of others")     \
    X(begun_goes_on, "self-delivery", "a message that was begun goes on in the next view")         \
    X(begun_renumbered, "fifo", "a message that was begun gets another number in the next view")

/* Those of the failure detector break no guarantee of the group, which holds whatever it says:
 * tests/unit/test_detector_mutants.c finds them. */
#define GCS_DETECTOR_MUTANT_TABLE(X)                                             \
    X(accuse_after_pause, "accuracy", "accuses others after a pause of its own") \
    X(no_indirect_probe, "accuracy", "takes evidence for proof without asking others")

/* X(name, story in tests/stories that fails with it, what is wrong) */
#define GCS_STORY_MUTANT_TABLE(X)                                                          \
    X(poll_minority, "asymmetric_links", "one member's suspicion is enough for a ballot")  \
    X(forget_pause, "process_pause", "a pause of one's own counts as the others' silence") \
    X(dead_joiners, "ghost_member", "lets joiners in that did not answer this ballot")     \
    X(unheard_joiners, "distant_joiner", "a ballot for a joiner that may not hear us")     \
    X(joiners_singly, "one_merge", "lets one joiner in at a time")                         \
    X(stale_quorum, "quorum_with_view", "tells a view with the quorum of the one before")  \
    X(deaf_to_data, "large_message", "only heartbeats count as signs of life")             \
    X(nack_at_once, "late_data", "takes for lost what has been overtaken")                 \
    X(vote_before_state, "restart_before_state", "new members vote before they have the state")

/* X(name, the bound that it misses, what is wrong): they break no guarantee, or only in a tree of
 * regions, and the bounds that gcs-sim-mutants --scale looks at. */
#define GCS_SCALE_MUTANT_TABLE(X)                                                          \
    X(no_suppression, "source", "everybody asks at once, whoever else has asked")          \
    X(no_local_repair, "near", "everybody asks the sender, whoever else holds the packet") \
    X(wrong_minimum, "complete", "a region speaks for members that it has not heard")      \
    X(unbounded_ring, "held", "a sender goes on whatever others can hold")

/* Likewise, and gcs-sim --flow. */
#define GCS_FLOW_MUTANT_TABLE(X)                                                   \
    X(deaf_to_congestion, "overflow", "nobody sends less, whatever receivers say") \
    X(loss_is_congestion, "loss", "every lost packet makes the window smaller")

/* Those of the program around the protocol, which no simulator runs: gcs-lab-mutants must find
 * them. X(name, what it finds, what is wrong) */
#define GCS_PROGRAM_MUTANT_TABLE(X)                                                         \
    X(forget_writable, "liveness", "never tells that there is room again after GCS_EAGAIN") \
    X(return_early, "process", "frees messages that the application has not taken yet")     \
    X(keep_socket, "process", "does not close its socket when the endpoint is closed")

enum gcs_mutant {
    GCS_MUTANT_none,
#define GCS_MUTANT_ENUM(name, broken, text) GCS_MUTANT_##name,
    GCS_MUTANT_TABLE(GCS_MUTANT_ENUM) GCS_DETECTOR_MUTANT_TABLE(GCS_MUTANT_ENUM)
        GCS_STORY_MUTANT_TABLE(GCS_MUTANT_ENUM) GCS_PROGRAM_MUTANT_TABLE(GCS_MUTANT_ENUM)
            GCS_SCALE_MUTANT_TABLE(GCS_MUTANT_ENUM) GCS_FLOW_MUTANT_TABLE(GCS_MUTANT_ENUM)
#undef GCS_MUTANT_ENUM
                GCS_MUTANT_count
};

/* Set by the program before it makes a core. */
extern enum gcs_mutant gcs_mutant;

#define GCS_MUTANT(name) (gcs_mutant == GCS_MUTANT_##name)

#else

#define GCS_MUTANT(name) 0

#endif

#endif
