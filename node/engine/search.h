/* search.h - a peer's branch of a log differs from ours: walk back, in doubling steps, to a commit that both hold, and have
 * the peer push from there. Whoever then verifies the first commit that differs can prove the fork (REPLICATION b4). */
#ifndef GRIOT_NODE_ENGINE_SEARCH_H
#define GRIOT_NODE_ENGINE_SEARCH_H

#include "node/engine/engine.h"

/* The search that runs for a log, or NULL. */
struct search *search_of(struct sync *sync, uint32_t log);
/* Begin with one step back. False when there is nothing to walk back to, one runs already, or too many do. */
bool search_begin(struct sync *sync, struct peer *peer, uint32_t log);
/* The peer does not hold the commit asked from, or our own STOP has crossed the question: go further back. False when the
 * birth itself was refused again and again. */
bool search_refused(struct sync *sync, struct search *search);
/* SYNC_FOUND. */
void search_found(struct sync *sync, const struct sync_event *event);
/* Look again after a while whether the heads still differ. */
void search_wait(struct sync *sync, struct peer *peer, uint32_t log, uint32_t after_ms);
/* It is over, whatever came of it. Harmless when there is none. */
void search_end(struct sync *sync, uint32_t log);

#endif
