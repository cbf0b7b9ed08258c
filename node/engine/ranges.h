/* ranges.h - the sender's side: lanes that peers granted us, in the order of their channels, within their credit. */
#ifndef GRIOT_NODE_ENGINE_RANGES_H
#define GRIOT_NODE_ENGINE_RANGES_H

#include "node/engine/engine.h"

/* A peer's SUB and STOP. */
void ranges_granted(struct sync *sync, struct peer *peer, struct span body);
void ranges_stopped(struct sync *sync, struct peer *peer, struct span body);
/* End a lane that the peer granted us, if there is one. */
void ranges_close(struct peer *peer, struct view *view);
/* SYNC_SENT. */
void ranges_sent(struct sync *sync, struct peer *peer, const struct sync_event *event);
/* The peer states a head: frames of that log up to it have arrived. */
void ranges_landed(struct sync *sync, struct peer *peer, const struct view *view);
/* A log has more to push, or may leave now. */
void ranges_moved(struct sync *sync, uint32_t log);
/* Hand out as many SEND_RANGEs as credit and turn allow. */
/* Which share of what is pushed the logs of an author belong to. */
uint8_t ranges_share(const struct sync *sync, const struct node_id *author);
void ranges_flush(struct sync *sync, struct peer *peer);

#endif
