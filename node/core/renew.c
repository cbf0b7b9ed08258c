#include "node/core/state.h"

#include <stdlib.h>
#include <unistd.h>

/* Keys change while the node runs. A new identity key, when a roster names it, is taken into use at once: from then on nobody hears the old one. A transport key whose overlap is over, and the
 * monthly rotation, wait for a quiet moment, since every session ends with the key that it stands on. */

enum {
    LOOK_MS = 600000,
    QUIET_MS = 5000,          /* nothing was stored or sent */
    PATIENCE_MS = 86400000,   /* then a moment that is not quiet will do */
    BIND_TRIES_MAX = 100,
    BIND_WAIT_US = 20000,
};
#define CARD_AGE_MS (UINT64_C(30) * 86400 * 1000)

/* The address may be taken for a moment, until the library has closed what listened there. */
static enum err gateway_again(struct core *core)
{
    struct gateway_config config = {.listen = core->home->config.listen, .transport_public = core->home->transport_public, .transport = core->home->transport};
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    enum err err = ERR_BUSY;
    for (int i = 0; i < BIND_TRIES_MAX && err != ERR_OK; i++) {
        if (i > 0) {
            usleep(BIND_WAIT_US);
        }
        err = gateway_new(&config, &core->gateway, why);
    }
    if (err != ERR_OK) {
        log_event(LOG_ERROR, "not_listening", "err=%s why=%s", err_name(err), why);
        core->is_broken = true; /* the service manager starts us again */
        core->has_membership_change = false;
    }
    return err;
}

/* End the sessions, change the key, begin again. */
static void renew(struct core *core, enum err (*take)(struct home *home, struct wall_ms now), const char *event)
{
    for (size_t i = 0; i < CONNECTIONS_MAX; i++) {
        if (core->connections[i].number != 0) {
            connection_end(core, &core->connections[i], ERR_OK, "this node takes a new key into use", 1000, false);
        }
    }
    core_settle(core);
    gateway_destroy(&core->gateway);
    enum err err = take(core->home, wall_now());
    log_event(err == ERR_OK ? LOG_INFO : LOG_WARN, event, "err=%s", err_name(err));
    author_use(core->writer.author, core->home->identity);
    core_dial_again(core); /* whoever turned the old key away is asked again at once */
    if (gateway_again(core) == ERR_OK) {
        core->has_membership_change = true; /* the door, the links, our card */
    }
}

void core_renew_membership(struct core *core)
{
    enum err err = home_refresh(core->home); /* a command may have made a key that waits for this roster */
    if (err != ERR_OK) {
        log_event(LOG_WARN, "keys_not_read", "err=%s", err_name(err));
        return;
    }
    const struct sign_public *named = membership_identity(core->writer.membership, &core->home->node);
    core->wants_identity = home_identity_is_named(core->home, named);
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
    if (core->wants_identity) {
        core->wants_identity = false;
        renew(core, home_identity_take, "identity_key_replaced");
        return;
    }
    if (core->now.ms < core->renew_next.ms) {
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
        renew(core, home_promote, "transport_key_rotated");
        core->renew_next.ms = core->now.ms + QUIET_MS; /* the next rotation begins where this one ends */
        return;
    }
    err = home_rotate(core->home, wall_now());
    log_event(err == ERR_OK ? LOG_INFO : LOG_WARN, "keys_rotated", "err=%s", err_name(err));
    core->has_membership_change = core->has_membership_change || err == ERR_OK; /* publishes the card */
}

uint64_t core_renew_deadline(const struct core *core)
{
    return core->wants_identity ? 0 : core->renew_next.ms;
}
