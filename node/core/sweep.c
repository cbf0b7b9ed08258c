#include "node/core/state.h"

/* Erasure and expiry between the turns: each look takes a few milliseconds of one transaction. A payload that an order names is mostly gone with the order itself; this is for what
 * was more than one transaction may look through, and for the days, which nobody announces. */

enum {
    SWEEP_EVERY_MS = 3600000, /* days are looked at so often whatever happens */
    SWEEP_PAUSE_MS = 10000,   /* and at most so often when frontiers tell of clocks */
    SWEEP_STEP_MS = 200,      /* between two steps when much has expired: others come first */
    SWEEP_SEARCH_MS = 30,     /* between two of a search: orders that name nothing, one after the other, take a third of a core at most */
    SWEEP_RETRY_MS = 60000,   /* after a full disk, or whatever else */
};

void core_sweep_soon(struct core *core)
{
    uint64_t soon = core->sweep.looked.ms + SWEEP_PAUSE_MS;
    soon = soon > core->now.ms ? soon : core->now.ms;
    core->sweep.next.ms = soon < core->sweep.next.ms ? soon : core->sweep.next.ms;
}

uint64_t core_sweep_at(const struct core *core)
{
    uint64_t at = core->sweep.next.ms;
    if (store_erase_is_due(core->store) && core->sweep.retry.ms < at) {
        at = core->sweep.retry.ms;
    }
    return at;
}

static enum err search_step(struct core *core)
{
    enum err err = core_begin(core);
    return err == ERR_OK ? core_outcome(core, store_erase_step(core->store)) : err;
}

static enum err days_step(struct core *core)
{
    bool is_done = false;
    enum err err = core_begin(core);
    if (err == ERR_OK) {
        err = core_outcome(core, store_expire_step(core->store, &is_done));
    }
    core->sweep.looked = core->now;
    core->sweep.next.ms = core->now.ms + (err != ERR_OK ? SWEEP_RETRY_MS : is_done ? SWEEP_EVERY_MS : SWEEP_STEP_MS);
    return err;
}

/* What was taken out may still stand in free pages until the store is compacted. */
static void compaction_look(struct core *core)
{
    struct store_read *read;
    if (core->compact_ms == 0 || core->is_compaction_due || wall_now().ms < core->compact_ms || store_read_begin(core->store, &read) != ERR_OK) {
        return;
    }
    core->is_compaction_due = store_freed(read) > 0;
    store_read_end(&read);
    core->compact_ms += UINT64_C(86400000);
    if (core->is_compaction_due) {
        core_stop(core);
    }
}

/* What expires today leaves the index today, although nothing has come. */
static void day_look(struct core *core)
{
    uint64_t day = wall_now().ms / UINT64_C(86400000);
    if (day != core->sweep.day) {
        if (core->sweep.day != 0 && core->stored != NULL) {
            core->stored(core->stored_arg, false);
        }
        core->sweep.day = day;
        core_sweep_soon(core);
    }
}

void core_sweep(struct core *core)
{
    enum err err = ERR_OK;
    day_look(core);
    if (store_erase_is_due(core->store) && core->now.ms >= core->sweep.retry.ms) {
        err = search_step(core);
        core->sweep.retry.ms = core->now.ms + (err != ERR_OK ? SWEEP_RETRY_MS : SWEEP_SEARCH_MS);
    } else if (core->now.ms >= core->sweep.next.ms) {
        err = days_step(core);
    }
    if (err != ERR_OK) {
        log_event(LOG_WARN, "sweep", "err=%s", err_name(err));
    }
    compaction_look(core);
}
