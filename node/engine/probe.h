/* probe.h - is the other side still there? Asked only while something is outstanding, or by the dialler of an idle link. */
#ifndef GRIOT_NODE_ENGINE_PROBE_H
#define GRIOT_NODE_ENGINE_PROBE_H

#include "node/engine/engine.h"

/* Send a PING; returns its number. */
uint64_t probe_ping(struct sync *sync, struct peer *peer);
/* A peer's PING and PONG. */
void probe_pinged(struct sync *sync, struct peer *peer, struct span body);
void probe_ponged(struct sync *sync, struct peer *peer, struct span body);
/* A round trip was measured. */
void probe_measure(struct peer *peer, uint64_t ms);
/* At the end of each step: note whether something is outstanding, ping or drop when it is time. */
void probe_look(struct sync *sync, struct peer *peer);
/* When to look again; NEVER when nothing is outstanding and we are not the dialler. */
uint64_t probe_deadline(const struct sync *sync, const struct peer *peer);

#endif
