#include "node/core/state.h"

#include <stdlib.h>

/* Keys change while the node runs: it then stops by itself and begins again with the new key, since every session ends with the key that it stands on (daemon.c). A new identity key, when a
 * roster names it, at once: from then on nobody hears the old one. A transport key whose overlap is over waits for a quiet moment, and so does the monthly rotation. */

enum {
    LOOK_MS = 600000,
    QUIET_MS = 5000,        /* nothing was stored or sent */
    PATIENCE_MS = 86400000, /* then a moment that is not quiet will do */
    ANSWERS_MS = 1000,      /* whoever brought the roster is answered first */
};
#define CARD_AGE_MS (UINT64_C(30) * 86400 * 1000)

bool core_wants_key(const struct core *core) { return core->is_key_due; }

void core_renew_begin(struct core *core)
{
    core->moved = core->renew_wanted = core->now;
    core->renew_next.ms = core->now.ms + (home_rotation_is_over(core->home, wall_now()) ? LOOK_MS : 0); /* it could not be taken into use just now: not in a tight circle */
}

void core_renew_membership(struct core *core)
{
    enum err err = home_refresh(core->home); /* a command may have made a key that waits for this roster */
    if (err != ERR_OK) {
        log_event(LOG_WARN, "keys_not_read", "err=%s", err_name(err));
        return;
    }
    const struct sign_public *named = membership_identity(core->writer.membership, &core->home->node);
    if (home_identity_is_named(core->home, named) && !core->wants_identity) {
        core->wants_identity = true;
        core->renew_next.ms = core->now.ms + ANSWERS_MS;
    }
}

static bool is_quiet(const struct core *core)
{
    return core->now.ms - core->moved.ms >= QUIET_MS || core->now.ms - core->renew_wanted.ms >= PATIENCE_MS;
}

/* Is the card, hence the youngest keys, a month old? */
static bool is_rotation_due(const struct core *core)
{
    struct card *card = malloc(sizeof *card);
    bool is_due = false;
    if (card != NULL && strcmp(core->home->config.rotate, "monthly") == 0 && core->writer.membership != NULL &&
        membership_find(core->writer.membership, &core->home->node) != NULL && !core->home->is_rotating && home_card_decoded(core->home, card) == ERR_OK) {
        uint64_t now = wall_now().ms;
        is_due = now >= card->created.ms && now - card->created.ms >= CARD_AGE_MS;
    }
    free(card);
    return is_due;
}

void core_renew_look(struct core *core)
{
    if (core->now.ms < core->renew_next.ms || core->is_key_due) {
        return;
    }
    if (core->wants_identity) {
        core->is_key_due = true;
        core_stop(core);
        return;
    }
    core->renew_next.ms = core->now.ms + LOOK_MS;
    enum err err = home_refresh(core->home);
    if (err != ERR_OK) {
        log_event(LOG_WARN, "keys_not_read", "err=%s", err_name(err));
        return;
    }
    bool is_over = home_rotation_is_over(core->home, wall_now());
    if (core->home->is_rotating && !is_over) {
        uint64_t left = core->home->rotated.ms + ROTATION_OVERLAP_MS - wall_now().ms;
        core->renew_next.ms = core->now.ms + (left < LOOK_MS ? left + 1 : LOOK_MS);
    }
    if (!is_over && !is_rotation_due(core)) {
        core->renew_wanted = core->now;
        return;
    }
    if (!is_quiet(core)) {
        core->renew_next.ms = core->now.ms + QUIET_MS;
        return;
    }
    core->renew_wanted = core->now;
    if (is_over) {
        core->is_key_due = true;
        core_stop(core);
        return;
    }
    err = home_rotate(core->home, wall_now());
    log_event(err == ERR_OK ? LOG_INFO : LOG_WARN, "keys_rotated", "err=%s", err_name(err));
    core->has_membership_change = core->has_membership_change || err == ERR_OK; /* publishes the card */
}

uint64_t core_renew_deadline(const struct core *core)
{
    return core->renew_next.ms;
}
