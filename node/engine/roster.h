/* roster.h - who is in, which hub an edge prefers, and our own frontier. */
#ifndef GRIOT_NODE_ENGINE_ROSTER_H
#define GRIOT_NODE_ENGINE_ROSTER_H

#include "node/engine/engine.h"

/* SYNC_ROSTER. */
void roster_changed(struct sync *sync, const struct sync_event *event);
/* NULL when not in. */
const struct sync_member *roster_find(const struct sync *sync, const struct node_id *node);
/* Ask for a frontier when it is time, and when that is; NEVER before the release, since it would name own heads that nobody may know of. */
void roster_frontier_look(struct sync *sync);
uint64_t roster_frontier_deadline(const struct sync *sync);

#endif
