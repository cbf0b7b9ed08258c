/* vectors.h - who holds what, told and heard: ECHO and complete HEADS at the start, notes and acknowledgements after it. */
#ifndef GRIOT_NODE_ENGINE_VECTORS_H
#define GRIOT_NODE_ENGINE_VECTORS_H

#include "node/engine/engine.h"

/* A session stands. */
void vectors_up(struct sync *sync, struct peer *peer, bool is_equal);
/* A peer's HEADS. */
void vectors_listed(struct sync *sync, struct peer *peer, struct span body);
/* One statement of a peer: it holds this head durably. */
void vectors_state(struct sync *sync, struct peer *peer, const struct head_hint *hint);
/* Our head of a log has changed: its source learns it at once, the others after note_ms. */
void vectors_note(struct sync *sync, uint32_t log);
/* State our head of a log to one peer at once, as acknowledgement, also when it was told before. */
void vectors_acknowledge(struct sync *sync, struct peer *peer, struct view *view);
#ifdef GRIOT_BUG_ACK_BEFORE_FSYNC
void vectors_acknowledge_early(struct sync *sync, struct peer *peer, const struct view *view, uint64_t height);
#endif
/* Send what is due. `is_run`: more STORED may follow, acknowledgements wait. */
void vectors_flush(struct sync *sync, struct peer *peer, bool is_run);

#endif
