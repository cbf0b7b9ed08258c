#include "node/service.h"

#include "node/cli/i18n.h"
#include "node/erase.h"
#include "node/missing.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

enum { LEAVES_MAX = 65536, HEX_HASH = 65, HEX_VERSION_MIN = 8 };

/* The versions of one record, and those that they name: what is to go, author by author. */
struct leaf_row {
    struct node_id author;
    struct hash content;
    bool is_current, names_others;
};

struct leaves {
    struct unpack *unpack;
    struct record *record;
    struct leaf_row *rows;
    size_t count, cap;
    enum err err;
};

static void leaf_add(struct leaves *leaves, const struct leaf_row *row)
{
    if (leaves->count == leaves->cap) {
        size_t cap = leaves->cap == 0 ? 64 : 2 * leaves->cap;
        struct leaf_row *more = cap > LEAVES_MAX ? NULL : realloc(leaves->rows, cap * sizeof *more);
        if (more == NULL) {
            leaves->err = cap > LEAVES_MAX ? ERR_LIMIT : ERR_MEMORY;
            return;
        }
        leaves->rows = more;
        leaves->cap = cap;
    }
    leaves->rows[leaves->count++] = *row;
}

static bool version_take(void *arg, const struct version *version)
{
    struct leaves *leaves = arg;
    const char *clause;
    struct leaf_row row = {.author = version->author, .content = version->content, .is_current = version->is_current};
    bool is_read = version->payload.n > 0 && record_decode(leaves->unpack, version->payload, leaves->record, &clause) == ERR_OK;
    row.names_others = is_read && leaves->record->replaces_count > 0;
    leaf_add(leaves, &row);
    for (uint32_t i = 0; is_read && i < leaves->record->replaces_count; i++) { /* also those that have not come yet */
        leaf_add(leaves, &(struct leaf_row){.author = version->author, .content = leaves->record->replaces[i]});
    }
    return leaves->err == ERR_OK;
}

static int row_compare(const void *a, const void *b)
{
    const struct leaf_row *x = a, *y = b;
    int order = memcmp(x->author.b, y->author.b, sizeof x->author.b);
    return order != 0 ? order : memcmp(x->content.b, y->content.b, sizeof x->content.b);
}

/* Sorted, each once. */
static void leaves_settle(struct leaves *leaves)
{
    size_t kept = 0;
    if (leaves->count > 0) {
        qsort(leaves->rows, leaves->count, sizeof *leaves->rows, row_compare);
    }
    for (size_t i = 0; i < leaves->count; i++) {
        if (kept > 0 && row_compare(&leaves->rows[kept - 1], &leaves->rows[i]) == 0) {
            leaves->rows[kept - 1].is_current = leaves->rows[kept - 1].is_current || leaves->rows[i].is_current;
            leaves->rows[kept - 1].names_others = leaves->rows[kept - 1].names_others || leaves->rows[i].names_others;
        } else {
            leaves->rows[kept++] = leaves->rows[i];
        }
    }
    leaves->count = kept;
}

/* Keep only the version that begins with these digits.
 *   errors  ERR_NOT_FOUND; ERR_EXISTS  several do; ERR_INVALID  it is in force and stands for older ones, which would come back */
static enum err one_version(struct leaves *leaves, const char *hex)
{
    size_t found = 0, n = strlen(hex), at = 0;
    for (size_t i = 0; i < leaves->count; i++) {
        char text[HEX_HASH];
        hex_encode(leaves->rows[i].content.b, sizeof leaves->rows[i].content.b, text);
        if (n >= HEX_VERSION_MIN && n < HEX_HASH && strncasecmp(text, hex, n) == 0) {
            found++;
            at = i;
        }
    }
    if (found != 1) {
        return found == 0 ? ERR_NOT_FOUND : ERR_EXISTS;
    }
    if (leaves->rows[at].is_current && leaves->rows[at].names_others) {
        return ERR_INVALID;
    }
    leaves->rows[0] = leaves->rows[at];
    leaves->count = 1;
    return ERR_OK;
}

/* Whoever cannot read a record, since it is sealed for others, names a version by its whole hash, and in whose logs it stands. */
struct naming {
    const struct membership *membership;
    const char *name;
    struct node_id node;
    bool is_found;
};

static bool naming_log(void *arg, const struct log_info *log)
{
    struct naming *naming = arg;
    const struct member *member = membership_named(naming->membership, &log->node); /* also those who have left or are suspended */
    naming->is_found = member != NULL && strcmp(member->name, naming->name) == 0;
    naming->node = log->node;
    return !naming->is_found;
}

static enum err gather_hash(struct service *service, const char *hex, const char *of, struct record_id *ret_id, struct leaves *leaves)
{
    struct store_read *read;
    struct membership *membership = NULL;
    struct naming naming = {.name = of};
    struct leaf_row row = {.is_current = false};
    if (strlen(hex) != HEX_HASH - 1 || !hex_decode(hex, row.content.b, sizeof row.content.b)) {
        return ERR_INVALID;
    }
    enum err err = store_read_begin(service->store, &read);
    if (err != ERR_OK) {
        return err;
    }
    err = store_membership(read, sign_check, &membership);
    if (err == ERR_OK) {
        naming.membership = membership;
        err = store_logs(read, naming_log, &naming);
    }
    membership_destroy(&membership);
    store_read_end(&read);
    if (err == ERR_OK && !naming.is_found) {
        err = ERR_NOT_FOUND;
    }
    if (err == ERR_OK) {
        row.author = naming.node;
        leaf_add(leaves, &row);
        err = leaves->err;
        memset(ret_id->b, 0, sizeof ret_id->b);
    }
    return err;
}

static enum err gather(struct service *service, const json_t *request, struct record_id *ret_id, struct leaves *leaves)
{
    struct views_read *read;
    const char *version = json_string_value(json_object_get(request, "version")), *of = json_string_value(json_object_get(request, "of"));
    if (of != NULL) {
        const char *hex = json_string_value(json_object_get(request, "id"));
        return gather_hash(service, hex != NULL ? hex : "", of, ret_id, leaves);
    }
    leaves->unpack = unpack_new();
    leaves->record = malloc(sizeof *leaves->record);
    enum err err = leaves->unpack == NULL || leaves->record == NULL ? ERR_MEMORY : views_read_begin(service->views, service->store, &read);
    if (err != ERR_OK) {
        return err;
    }
    err = resolve_id(read, request, ret_id);
    if (err == ERR_OK) {
        err = views_versions(read, ret_id, version_take, leaves);
    }
    views_read_end(&read);
    err = err == ERR_OK ? leaves->err : err;
    if (err == ERR_OK) {
        leaves_settle(leaves);
    }
    return err == ERR_OK && version != NULL ? one_version(leaves, version) : err;
}

/* ---- ordering ---- */

/* One author's leaves that no order of ours names yet. */
static enum err order_author(struct service *service, const struct leaf_row *rows, size_t count, const char *reason, const char **ret_why)
{
    struct hash *contents = malloc(count * sizeof *contents);
    struct erase erase = {.author = rows[0].author, .leaves = contents, .count = count, .reason = reason};
    if (contents == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        contents[i] = rows[i].content;
    }
    enum err err = service_change(service, erase_order, &erase);
    free(contents);
    *ret_why = erase.why;
    return err;
}

struct own_order {
    const struct node_id *self;
    bool is_there;
};

static bool own_find(void *arg, const struct order *order)
{
    struct own_order *own = arg;
    own->is_there = own->is_there || node_id_equal(&order->by, own->self);
    return !own->is_there;
}

static enum err drop_ordered(struct service *service, struct leaves *leaves, size_t *ret_already)
{
    struct store_read *read;
    size_t kept = 0;
    enum err err = store_read_begin(service->store, &read);
    *ret_already = 0;
    if (err != ERR_OK) {
        return err;
    }
    for (size_t i = 0; i < leaves->count && err == ERR_OK; i++) {
        struct own_order own = {&service->home->node, false};
        enum order_state state;
        err = store_orders(read, NULL, &leaves->rows[i].author, &leaves->rows[i].content, own_find, &own, &state);
        if (own.is_there) {
            ++*ret_already;
        } else {
            leaves->rows[kept++] = leaves->rows[i];
        }
    }
    store_read_end(&read);
    leaves->count = kept;
    return err;
}

static enum err order_all(struct service *service, const struct leaves *leaves, const char *reason, const char **ret_why)
{
    enum err err = ERR_OK;
    for (size_t from = 0, to; from < leaves->count && err == ERR_OK; from = to) {
        for (to = from + 1; to < leaves->count && node_id_equal(&leaves->rows[from].author, &leaves->rows[to].author); to++) {
        }
        err = order_author(service, leaves->rows + from, to - from, reason, ret_why);
    }
    return err;
}

/* ---- the answer ---- */

static json_t *refused(enum err err, const char *why, bool is_hash)
{
    if (is_hash && (err == ERR_INVALID || err == ERR_NOT_FOUND) && why == NULL) {
        return service_error(err, "nothing was erased", "a version is named by all 64 digits of its hash, and by a node that has recorded something", "griot show ID --json, where it can be read, has it as version");
    }
    if (err == ERR_INVALID && why == NULL) {
        return service_error(err, "nothing was erased", "an id is 32 hexadecimal digits, or its first 4 or more", "griot search WORDS shows ids");
    }
    if (err == ERR_NOT_FOUND) {
        return service_error(err, "no record with that id is here", "it may not have arrived yet", "griot lag shows what is missing here");
    }
    if (err == ERR_EXISTS) {
        return service_error(err, "several begin with these digits", "an id needs enough digits to be one record's alone, a version enough to be one version's", "give more digits");
    }
    if (err == ERR_PERMISSION) {
        return service_error(err, "nothing was erased", why, "ask the office that recorded it; when it is gone or refuses: griot erase at the desks of two hubs");
    }
    return service_error(err, "nothing was erased", why, NULL);
}

static json_t *answer_state(struct service *service, const struct record_id *id, const struct leaves *all, size_t ordered)
{
    static const char *const words[] = {"no effect", "proposed", "erased"};
    struct live live;
    struct missing *missing = NULL;
    enum order_state least = ORDER_IN_FORCE;
    if (service_live(service, &live) != ERR_OK) {
        return NULL;
    }
    enum err err = missing_new(service, &live, &missing);
    for (size_t i = 0; i < all->count && err == ERR_OK; i++) {
        enum order_state state;
        err = missing_state(missing, &all->rows[i].author, &all->rows[i].content, &state);
        least = err == ERR_OK && state < least ? state : least;
    }
    json_t *answer = err == ERR_OK ? answer_new(service, "griot.erase/1") : NULL;
    if (answer != NULL) {
        static const struct record_id none;
        if (memcmp(id->b, none.b, sizeof none.b) != 0) {
            answer_hex(answer, "id", id->b, sizeof id->b);
        } else {
            json_object_set_new(answer, "id", json_null());
        }
        answer_text(answer, "state", words[least]);
        answer_number(answer, "versions", all->count);
        answer_number(answer, "ordered", ordered);
        struct version row = {.author = all->rows[0].author, .content = all->rows[0].content};
        missing_put(missing, &row, answer);
    }
    missing_destroy(&missing);
    live_fini(&live);
    return answer;
}

json_t *answer_erase(struct service *service, const json_t *request, enum err *ret_err)
{
    const char *reason = json_string_value(json_object_get(request, "why")), *why = NULL;
    struct leaves leaves = {.err = ERR_OK}, all;
    struct record_id id;
    size_t already = 0;
    if (reason == NULL || reason[0] == '\0') {
        *ret_err = ERR_USAGE;
        return service_error(ERR_USAGE, "an order to erase needs a reason", "everybody in the region reads it, for ever", "griot erase ID --why TEXT");
    }
    *ret_err = gather(service, request, &id, &leaves);
    if (*ret_err == ERR_OK && service->note != NULL) {
        audit_note_subject(service->note, id.b, sizeof id.b);
    }
    if (*ret_err == ERR_INVALID && json_object_get(request, "version") != NULL) {
        why = N_("this version is in force and had replaced older ones, which would come back");
    }
    all = leaves;
    all.rows = *ret_err == ERR_OK ? malloc(leaves.count * sizeof *all.rows) : NULL;
    if (*ret_err == ERR_OK && all.rows == NULL) {
        *ret_err = ERR_MEMORY;
    }
    if (*ret_err == ERR_OK) {
        memcpy(all.rows, leaves.rows, leaves.count * sizeof *all.rows);
        *ret_err = drop_ordered(service, &leaves, &already);
    }
    if (*ret_err == ERR_OK) {
        *ret_err = order_all(service, &leaves, reason, &why);
    }
    json_t *answer = *ret_err == ERR_OK ? answer_state(service, &id, &all, leaves.count) : refused(*ret_err, why, json_object_get(request, "of") != NULL);
    if (answer == NULL) {
        *ret_err = ERR_MEMORY;
        answer = refused(ERR_MEMORY, NULL, false);
    }
    free(all.rows);
    free(leaves.rows);
    free(leaves.record);
    unpack_destroy(&leaves.unpack);
    return answer;
}
