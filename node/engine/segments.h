/* segments.h - commits that arrive: only inside the lane they were asked for, in order, within the credit; and what became
 * of them in the store. */
#ifndef GRIOT_NODE_ENGINE_SEGMENTS_H
#define GRIOT_NODE_ENGINE_SEGMENTS_H

#include "node/engine/engine.h"

/* A peer's SEG. */
void segments_arrived(struct sync *sync, struct peer *peer, struct span body);
/* SYNC_REFUSED of one of them. */
void segments_refused(struct sync *sync, struct peer *peer, uint32_t log, enum err err);
/* SYNC_STORED: the head of a log has been set. */
void segments_stored(struct sync *sync, uint32_t log);

#endif
