/* lanes.h - the receiver's side: which neighbour may push which log to us. One claim a log, chosen by us, moved when it
 * stalls; nothing is taken that was not asked for (REPLICATION b5). */
#ifndef GRIOT_NODE_ENGINE_LANES_H
#define GRIOT_NODE_ENGINE_LANES_H

#include "node/engine/engine.h"

/* A peer's statement of a log went from `old_height`, `old_entries` to what `view` says now. That of an observer is no reason to want anything: nothing comes from it. */
void lanes_stated(struct sync *sync, const struct peer *peer, const struct view *view, uint64_t old_height, uint64_t old_entries);
/* Put the log where it belongs now: settled, wanted or claimed. After every change of its head, statements or state. */
void lanes_settle(struct sync *sync, uint32_t log);
/* The peer's heads are known now: take the lanes that should stand before they are needed. */
void lanes_known(struct sync *sync, struct peer *peer);
/* Find sources for what is wanted. */
void lanes_choose(struct sync *sync);
/* Hand on lanes that have stalled. */
void lanes_look(struct sync *sync);
/* A fork proof: nothing at or beyond `height` counts. */
void lanes_forked(struct sync *sync, uint32_t log, uint64_t height);
/* The peer holds another commit than we at a height that both hold. */
void lanes_suspect(struct sync *sync, struct peer *peer, uint32_t log);

/* Grant the lane to a peer, ending the present claim; what to ask from is decided when the SUB is sent. */
void lanes_claim(struct sync *sync, struct peer *peer, uint32_t log);
/* Send the SUB of a claim. */
void lanes_ask(struct sync *sync, struct peer *peer, uint32_t log);
/* End the claim of a log, with a STOP when `is_stop`. Harmless when there is none. */
void lanes_end(struct sync *sync, uint32_t log, bool is_stop);

/* Not ask this peer for the log for a while, twice as long as the last time. */
void lanes_avoid(struct sync *sync, struct view *view, uint32_t at_least_ms);
/* A log of which nothing was held has come, or will not: another such may be asked for. */
void lanes_unknown_end(struct sync *sync, struct peer *peer, struct view *view);

/* The peer ends a lane that we asked of it. */
void lanes_denied(struct sync *sync, struct peer *peer, uint32_t log);
/* We have said STOP to the peer, which ends what we asked of it too: a search goes on, anything else begins anew. */
void lanes_crossed(struct sync *sync, struct peer *peer, uint32_t log);
/* Membership has changed: what was avoided, parked or cut off is tried again. */
void lanes_unpark(struct sync *sync);
/* The session ends: its claims are free, its statements count no more. The peer is out of sync->up already. */
void lanes_down(struct sync *sync, struct peer *peer);
/* Send the STOPs and SUBs due. */
void lanes_flush(struct sync *sync, struct peer *peer);

#endif
