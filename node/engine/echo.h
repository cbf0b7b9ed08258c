/* echo.h - own commits wait after each start until others have shown our own logs as they know them: a restored disk image
 * or a clone is found out before anything of it leaves (REPLICATION b3, DESIGN 3). */
#ifndef GRIOT_NODE_ENGINE_ECHO_H
#define GRIOT_NODE_ENGINE_ECHO_H

#include "node/engine/engine.h"

/* A peer's ECHO. */
void echo_listed(struct sync *sync, struct peer *peer, struct span body);
/* Its heads digest equals ours: it holds our own logs exactly as we do. */
void echo_equal(struct sync *sync, struct peer *peer);
/* A peer states a head of an own log; compared by prefix. */
void echo_hint(struct sync *sync, struct peer *peer, const struct head_hint *hint, uint32_t log);
/* An own log was stored that peers knew before us, so we have lost it once; or a fork of it is proven. */
/* The commits that were claimed of an own log have come. */
void echo_proven(struct sync *sync, struct log *log);
void echo_lost(struct sync *sync, uint32_t log);
/* The roster has changed: perhaps those who have shown suffice now. */
void echo_look(struct sync *sync);

#endif
