/* core.h - the one thread that drives the engine: frames in, events to the engine, its actions out; admission, own appends, one synced transaction for all that waits. */
#ifndef GRIOT_NODE_CORE_CORE_H
#define GRIOT_NODE_CORE_CORE_H

#include "node/live.h"
#include "node/writer.h"
#include "store/views.h"

struct core;

/* `home` is unlocked; all are borrowed until core_destroy. `gateway`: the program that is started as the gateway's process, NULL: a thread. `why` (GATEWAY_WHY_BYTES_MAX) explains why the address to listen on
 * was not taken, and is empty when something else failed. */
MUST_CHECK enum err core_new(struct home *home, struct store *store, const char *gateway, struct core **ret, char *why);
void core_destroy(struct core **core);
/* Run until core_stop. ERR_OK after a graceful stop; ERR_IO when the disk can no longer be trusted (exit 74). */
MUST_CHECK enum err core_run(struct core *core);
/* At this wall time (milliseconds since 1970; 0: never) stop, when payloads have been taken out of the store since it was compacted last: core_wants_compaction is then true.
 * Before core_run. */
void core_compact_at(struct core *core, uint64_t wall_ms);
bool core_wants_compaction(const struct core *core);
/* Did it stop because a key is to be taken into use (home_promote, home_identity_take)? It is to be made and run again. */
bool core_wants_key(const struct core *core);
/* From any thread or a signal handler. */
void core_stop(struct core *core);
/* Called in the core's thread after each transaction, to wake those who follow the journal. `has_commits`: of some log; else it was a frontier or another notice. */
void core_on_stored(struct core *core, void (*stored)(void *arg, bool has_commits), void *arg);

/* From other threads: run a change inside the core's next transaction and wait until it is durable. ERR_UNREACHABLE when the core is stopping. */
MUST_CHECK enum err core_change(struct core *core, writer_change change, void *arg);
/* The same for a change of a few hundred bytes that is made below the reserve of the disk too: the audit trail. All that wait share one transaction. */
MUST_CHECK enum err core_change_small(struct core *core, writer_change change, void *arg);
/* A copy of what is known now; live_fini it. ERR_MEMORY, ERR_UNREACHABLE */
MUST_CHECK enum err core_live(struct core *core, struct live *ret);

/* An engine that has been told everything the store holds, for answers when no daemon runs. */
MUST_CHECK enum err core_load(struct sync *sync, struct store *store, const struct membership *membership);
/* Origins and totals of an engine. */
MUST_CHECK enum err core_origins(const struct sync *sync, const struct membership *membership, struct live *ret);

#endif
