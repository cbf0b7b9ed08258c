#include "node/core/state.h"

#include <stdlib.h>

struct loading {
    struct sync *sync;
    struct unpack *unpack;
    const struct membership *membership;
    struct head *heads;
    struct mono_ms now;
    enum err err;
};

static void load_step(struct loading *loading, const struct sync_event *event)
{
    struct sync_actions actions;
    enum err err = sync_step(loading->sync, event, &actions);
    loading->err = loading->err != ERR_OK ? loading->err : err;
}

static bool load_log(void *arg, const struct log_info *log)
{
    struct loading *loading = arg;
    struct sync_event event = {.type = SYNC_STORED, .now = loading->now, .peer = UINT32_MAX};
    event.u.stored.head = log->sent;
    event.u.stored.node = log->node;
    event.u.stored.channel = log->channel;
    event.u.stored.cut_height = log->cut_height;
    event.u.stored.fork_height = log->fork_height;
    event.u.stored.is_start = true;
    load_step(loading, &event);
    if (log->sent.seq < log->head.seq) { /* own and never sent, in an earlier life: as if it had been appended since the start */
        event.u.stored.head = log->head;
        event.u.stored.is_start = false;
        load_step(loading, &event);
    }
    return loading->err == ERR_OK;
}

static bool load_notice(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct loading *loading = arg;
    struct sync_event event = {.type = SYNC_NOTICE, .now = loading->now, .peer = UINT32_MAX};
    event.u.notice.ref = *ref;
    event.u.notice.is_start = true;
    event.u.notice.head_count = core_notice_heads(loading->unpack, loading->membership, ref, notice, heads, loading->heads);
    event.u.notice.heads = event.u.notice.head_count > 0 ? loading->heads : NULL;
    load_step(loading, &event);
    return loading->err == ERR_OK;
}

enum err core_load(struct sync *sync, struct store *store, const struct membership *membership)
{
    struct loading loading = {.sync = sync, .unpack = unpack_new(), .membership = membership, .heads = malloc(FRONTIER_HEADS_MAX * sizeof(struct head)), .now = mono_now()};
    struct store_read *read = NULL;
    size_t count = membership != NULL ? membership_peer_count(membership) : 0;
    struct sync_member *members = calloc(count + 1, sizeof *members);
    enum err err = loading.unpack == NULL || loading.heads == NULL || members == NULL ? ERR_MEMORY : store_read_begin(store, &read);
    if (err == ERR_OK) {
        err = store_logs(read, load_log, &loading);
    }
    if (err == ERR_OK) {
        err = store_notices(read, load_notice, &loading);
    }
    if (err == ERR_OK && membership != NULL) {
        for (size_t i = 0; i < count; i++) {
            members[i] = (struct sync_member){membership_peer_at(membership, i)->node, membership_peer_at(membership, i)->role};
        }
        struct sync_event event = {.type = SYNC_ROSTER, .now = loading.now, .peer = UINT32_MAX};
        event.u.roster.members = members;
        event.u.roster.count = count;
        load_step(&loading, &event);
    }
    store_read_end(&read);
    free(members);
    free(loading.heads);
    unpack_destroy(&loading.unpack);
    return err != ERR_OK ? err : loading.err;
}
