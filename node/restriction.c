#include "node/restriction.h"

#include <stdlib.h>
#include <string.h>

struct restriction {
    const struct live *live;
    struct store_read *read;
    struct key_readers *readers;
    struct node_id author; /* of the last key */
    struct hash id;
    json_t *names; /* of its readers; NULL: none was asked for yet */
};

enum err restriction_new(struct store *store, const struct live *live, struct restriction **ret)
{
    struct restriction *restriction = calloc(1, sizeof *restriction);
    if (restriction == NULL) {
        return ERR_MEMORY;
    }
    restriction->live = live;
    restriction->readers = malloc(sizeof *restriction->readers);
    enum err err = restriction->readers == NULL ? ERR_MEMORY : store_read_begin(store, &restriction->read);
    if (err != ERR_OK) {
        restriction_destroy(&restriction);
        return err;
    }
    *ret = restriction;
    return ERR_OK;
}

void restriction_destroy(struct restriction **restriction)
{
    struct restriction *r = *restriction;
    if (r != NULL) {
        store_read_end(&r->read);
        json_decref(r->names);
        free(r->readers);
        free(r);
        *restriction = NULL;
    }
}

json_t *restriction_name(const struct restriction *restriction, const struct node_id *node)
{
    char hex[2 * sizeof node->b + 1];
    for (size_t i = 0; i < restriction->live->origin_count; i++) {
        if (node_id_equal(&restriction->live->origins[i].node, node)) {
            return json_string(restriction->live->origins[i].name);
        }
    }
    return json_string(hex_encode(node->b, sizeof node->b, hex));
}

static int compare_names(const void *a, const void *b)
{
    const json_t *const *x = a, *const *y = b;
    const char *left = json_string_value(*x), *right = json_string_value(*y);
    return strcmp(left != NULL ? left : "", right != NULL ? right : "");
}

json_t *restriction_names(const struct restriction *restriction, const struct audience *audience)
{
    json_t *names[AUDIENCE_NODES_MAX], *list = json_array();
    for (size_t i = 0; i < audience->count; i++) {
        names[i] = restriction_name(restriction, &audience->nodes[i]);
    }
    qsort(names, audience->count, sizeof names[0], compare_names);
    for (size_t i = 0; i < audience->count; i++) {
        json_array_append_new(list, names[i]);
    }
    return list;
}

/* Whoever reads what is sealed under this key; borrowed. */
static json_t *names_of(struct restriction *restriction, const struct node_id *author, const struct hash *id)
{
    struct key_readers *readers = restriction->readers;
    if (restriction->names != NULL && hash_equal(&restriction->id, id) && node_id_equal(&restriction->author, author)) {
        return restriction->names;
    }
    json_decref(restriction->names);
    restriction->names = NULL;
    if (store_key_readers(restriction->read, author, id, readers) == ERR_OK) {
        bool has_room = true;
        for (size_t i = 0; i < readers->granted.count && has_room; i++) {
            has_room = audience_add(&readers->audience, &readers->granted.nodes[i]) == ERR_OK;
        }
        restriction->names = restriction_names(restriction, &readers->audience);
        restriction->author = *author;
        restriction->id = *id;
    }
    return restriction->names;
}

void restriction_put(struct restriction *restriction, const struct version *version, json_t *row)
{
    json_object_set_new(row, "restricted", json_boolean(version->is_sealed));
    if (version->is_sealed) {
        json_t *names = names_of(restriction, &version->author, &version->key_id);
        json_object_set(row, "readers", names != NULL ? names : json_null());
    }
}
