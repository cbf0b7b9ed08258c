#include "node/grant.h"

#include "node/sealed.h"

#include <stdlib.h>
#include <string.h>

enum { GRANTS_AT_ONCE = 256 /* keys of one author_grant: what it holds in memory */ };

struct planning {
    const struct grant_wish *wish;
    struct grant *grant;
    size_t cap;
    enum err err;
};

/* The same but for one node that is in `a`. */
static bool is_but(const struct audience *a, const struct audience *b, const struct node_id *but)
{
    size_t j = 0;
    if (b->count + 1 != a->count || !audience_has(a, but)) {
        return false;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (!node_id_equal(&a->nodes[i], but) && !node_id_equal(&a->nodes[i], &b->nodes[j++])) {
            return false;
        }
    }
    return true;
}

static bool is_wished(const struct grant_wish *wish, const struct sender_key_info *key)
{
    bool is_named = false;
    if (wish->to != NULL) {
        return audience_equal(wish->to, key->audience) || (wish->is_group && is_but(wish->to, key->audience, &wish->node));
    }
    for (size_t i = 0; i < wish->id_count && !is_named; i++) {
        is_named = hash_equal(&wish->ids[i], &key->id);
    }
    return is_named;
}

/* Ids come in order, each perhaps several times: issued again, it stands in two logs. */
static bool take_key(void *arg, const struct sender_key_info *key)
{
    struct planning *planning = arg;
    struct grant *grant = planning->grant;
    if (!is_wished(planning->wish, key) || (grant->count > 0 && hash_equal(&grant->items[grant->count - 1].id, &key->id))) {
        return true;
    }
    if (grant->count == planning->cap) {
        size_t cap = planning->cap == 0 ? 16 : 2 * planning->cap;
        struct grant_item *more = realloc(grant->items, cap * sizeof *more);
        if (more == NULL) {
            planning->err = ERR_MEMORY;
            return false;
        }
        grant->items = more;
        planning->cap = cap;
    }
    grant->items[grant->count++] = (struct grant_item){.id = key->id, .channel = key->channel};
    return true;
}

/* Leave out what he can open already. */
static enum err drop_held(struct store_read *read, const struct node_id *self, struct grant *grant)
{
    struct key_readers *readers = malloc(sizeof *readers);
    size_t kept = 0;
    enum err err = readers == NULL ? ERR_MEMORY : ERR_OK;
    for (size_t i = 0; i < grant->count && err == ERR_OK; i++) {
        err = store_key_readers(read, self, &grant->items[i].id, readers);
        if (err == ERR_OK && key_readers_can(readers, &grant->node)) {
            grant->held++;
        } else if (err == ERR_OK) {
            grant->items[kept++] = grant->items[i];
        }
        err = err == ERR_NOT_FOUND ? ERR_OK : err; /* taken back meanwhile */
    }
    grant->count = kept;
    free(readers);
    return err;
}

/* Count what is sealed under each, and leave out what nothing is, or nothing since the day. */
static void take_counts(const struct sealed_table *table, const struct node_id *self, struct wall_ms since, struct grant *grant)
{
    size_t kept = 0;
    for (size_t i = 0; i < grant->count; i++) {
        struct grant_item *item = &grant->items[i];
        const struct sealed_key *sealed = sealed_find(table, self, &item->id);
        if (sealed != NULL && sealed->last.ms >= since.ms) {
            item->entries = sealed->entries;
            item->first = sealed->first;
            item->last = sealed->last;
            grant->entries += item->entries;
            grant->items[kept++] = *item;
        }
    }
    grant->count = kept;
}

enum err grant_plan(struct store *store, const struct grant_wish *wish, void (*progress)(void *arg, uint64_t commits), void *arg, struct grant *ret)
{
    const struct node_id *self = store_self(store);
    struct planning planning = {.wish = wish, .grant = ret};
    struct sealed_table table = {.count = 0};
    struct store_read *read;
    *ret = (struct grant){.node = wish->node};
    enum err err = store_read_begin(store, &read);
    if (err == ERR_OK) {
        err = store_sender_keys(read, self, take_key, &planning);
        err = err == ERR_OK ? planning.err : err;
        err = err == ERR_OK ? drop_held(read, self, ret) : err;
        store_read_end(&read);
    }
    if (err == ERR_OK && ret->count > 0) {
        err = sealed_count(store, self, progress, arg, &table);
    }
    if (err != ERR_OK) {
        grant_fini(ret);
        return err;
    }
    take_counts(&table, self, wish->since, ret);
    sealed_fini(&table);
    return ERR_OK;
}

void grant_fini(struct grant *grant)
{
    free(grant->items);
    grant->items = NULL;
    grant->count = 0;
}

enum err grant_make(struct writer *writer, void *arg)
{
    const struct grant *grant = arg;
    const struct audience nodes = {.count = 1, .nodes = {grant->node}};
    struct hash ids[GRANTS_AT_ONCE];
    struct head head;
    enum err err = ERR_OK;
    for (size_t done = 0; done < grant->count && err == ERR_OK;) {
        size_t n = grant->count - done < GRANTS_AT_ONCE ? grant->count - done : GRANTS_AT_ONCE;
        for (size_t i = 0; i < n; i++) {
            ids[i] = grant->items[done + i].id;
        }
        err = author_grant(writer->author, ids, n, &nodes, wall_now(), writer->membership != NULL ? membership_roster_number(writer->membership) : 0, &head);
        done += n;
    }
    if (err == ERR_OK) {
        writer->heads[CHANNEL_CONTROL] = head;
    }
    return err;
}
