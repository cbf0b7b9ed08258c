#include "node/missing.h"

#include "node/unopened.h"

#include <stdlib.h>
#include <time.h>

enum { HEX_ID = 33, DAY_CHARS = 16, SECONDS_A_DAY = 86400, VERSIONS_SHOWN_MAX = 1000 };

struct missing {
    const struct live *live;
    struct opener *opener;
    struct unopened *unopened; /* made when something is named that is not shown */
    struct store_read *read;
    struct membership *membership; /* built when an order is met; NULL also without a roster */
    bool has_membership;
};

enum err missing_new(struct service *service, const struct live *live, struct missing **ret)
{
    struct missing *missing = calloc(1, sizeof *missing);
    if (missing == NULL) {
        return ERR_MEMORY;
    }
    missing->live = live;
    missing->opener = service->opener;
    enum err err = store_read_begin(service->store, &missing->read);
    if (err != ERR_OK) {
        free(missing);
        return err;
    }
    *ret = missing;
    return ERR_OK;
}

void missing_destroy(struct missing **missing)
{
    if (*missing != NULL) {
        unopened_destroy(&(*missing)->unopened);
        membership_destroy(&(*missing)->membership);
        store_read_end(&(*missing)->read);
        free(*missing);
        *missing = NULL;
    }
}

/* Building it checks every signature of every roster: only when somebody's order has to be judged. */
static const struct membership *membership_of(struct missing *missing)
{
    if (!missing->has_membership) {
        missing->has_membership = true;
        if (store_membership(missing->read, sign_check, &missing->membership) != ERR_OK) {
            missing->membership = NULL;
        }
    }
    return missing->membership;
}

static const char *name_of(struct missing *missing, const struct node_id *node, char hex[HEX_ID])
{
    for (size_t i = 0; i < missing->live->origin_count; i++) {
        if (node_id_equal(&missing->live->origins[i].node, node)) {
            return missing->live->origins[i].name;
        }
    }
    const struct membership *membership = membership_of(missing);
    const struct member *member = membership != NULL ? membership_named(membership, node) : NULL;
    return member != NULL ? member->name : hex_encode(node->b, sizeof node->b, hex);
}

/* ---- orders ---- */

struct telling {
    struct missing *missing;
    json_t *orders;
};

static bool order_any(void *arg, const struct order *order)
{
    (void)order;
    *(bool *)arg = true;
    return false;
}

static bool order_tell(void *arg, const struct order *order)
{
    struct telling *telling = arg;
    char hex[HEX_ID];
    json_t *row = json_object();
    answer_text(row, "by", name_of(telling->missing, &order->by, hex));
    answer_hex(row, "by_id", order->by.b, sizeof order->by.b);
    answer_time(row, "at", order->at);
    answer_text(row, "why", order->reason);
    answer_text(row, "as", order->is_author ? "owner" : order->is_registrar ? "hub" : "nobody");
    json_array_append_new(telling->orders, row);
    return true;
}

enum err missing_state(struct missing *missing, const struct node_id *author, const struct hash *content, enum order_state *ret)
{
    bool is_any = false;
    enum err err = store_orders(missing->read, NULL, author, content, order_any, &is_any, ret);
    if (err == ERR_OK && is_any && *ret != ORDER_IN_FORCE) {
        err = store_orders(missing->read, membership_of(missing), author, content, NULL, NULL, ret);
    }
    return err;
}

/* "erasure" of one leaf; `*ret_state` says what it comes to. */
static void erasure_put(struct missing *missing, const struct node_id *author, const struct hash *content, json_t *row, enum order_state *ret_state)
{
    static const char *const words[] = {"no effect", "proposed", "in force"};
    struct telling telling = {missing, NULL};
    bool is_any = false;
    *ret_state = ORDER_NONE;
    if (store_orders(missing->read, NULL, author, content, order_any, &is_any, ret_state) != ERR_OK || !is_any) {
        return;
    }
    telling.orders = json_array();
    if (store_orders(missing->read, membership_of(missing), author, content, order_tell, &telling, ret_state) == ERR_OK) {
        json_object_set_new(row, "erasure", json_pack("{s:s, s:O}", "state", words[*ret_state], "orders", telling.orders));
    }
    json_decref(telling.orders);
}

/* ---- versions ---- */

static void day_put(json_t *row, uint32_t day)
{
    time_t seconds = (time_t)day * SECONDS_A_DAY;
    struct tm utc;
    char text[DAY_CHARS];
    if (gmtime_r(&seconds, &utc) != NULL && utc.tm_year < 8100 && strftime(text, sizeof text, "%Y-%m-%d", &utc) > 0) {
        answer_text(row, "expires", text);
    }
}

void missing_put(struct missing *missing, const struct version *version, json_t *row)
{
    enum order_state state;
    if (version->expiry_day != 0) {
        day_put(row, version->expiry_day);
    }
    erasure_put(missing, &version->author, &version->content, row, &state);
    if (version->is_gone && state == ORDER_IN_FORCE) {
        answer_text(row, "missing", "erased");
    } else if (version->is_expired) {
        answer_text(row, "missing", "expired");
    } else if (version->is_gone) {
        answer_text(row, "missing", "not yet fetched"); /* no order, and its day has not come by our clock: an older copy may still bring it */
    } else if (version->is_sealed && version->payload.n == 0) {
        enum err err = opener_key(missing->opener, missing->read, &version->author, &version->key_id, OPENER_NOW);
        answer_text(row, "missing", unopened_word(err == ERR_OK ? ERR_BADSIG : err));
    }
}

void missing_named(struct missing *missing, struct views_read *views, const struct node_id *author, const struct hash *content, json_t *list)
{
    enum order_state state;
    json_t *row = json_object();
    const char *word = NULL;
    answer_hex(row, "version", content->b, sizeof content->b);
    erasure_put(missing, author, content, row, &state);
    if (state != ORDER_IN_FORCE) {
        missing->unopened = missing->unopened != NULL ? missing->unopened : unopened_new();
        word = missing->unopened != NULL ? unopened_find(missing->unopened, views, missing->read, author, content) : NULL;
    }
    answer_text(row, "missing", state == ORDER_IN_FORCE ? "erased" : word != NULL ? word : "not yet fetched");
    json_array_append_new(list, row);
}

/* ---- records of which nothing else is left ---- */

struct erased_list {
    struct erased_version rows[VERSIONS_SHOWN_MAX];
    size_t count;
    bool is_several; /* records */
};

static bool erased_collect(void *arg, const struct erased_version *version)
{
    struct erased_list *list = arg;
    list->is_several = list->count > 0 && memcmp(list->rows[0].id.b, version->id.b, sizeof version->id.b) != 0;
    if (!list->is_several) {
        list->rows[list->count++] = *version;
    }
    return !list->is_several && list->count < VERSIONS_SHOWN_MAX;
}

static void erased_tell(struct missing *missing, const struct erased_version *version, json_t *versions)
{
    struct log_info log;
    enum order_state state;
    char hex[HEX_ID];
    json_t *row = json_object();
    json_object_set_new(row, "current", json_false());
    answer_hex(row, "version", version->content.b, sizeof version->content.b);
    answer_text(row, "origin", name_of(missing, &version->author, hex));
    if (store_log_by_number(missing->read, version->log_number, &log) == ERR_OK) {
        answer_text(row, "channel", channel_name(log.channel));
    }
    answer_number(row, "log", version->log_number);
    answer_number(row, "seq", version->seq);
    erasure_put(missing, &version->author, &version->content, row, &state);
    answer_text(row, "missing", "erased");
    json_array_append_new(versions, row);
}

json_t *missing_record(struct service *service, struct missing *missing, const char *hex, const char *schema)
{
    struct erased_list *list = calloc(1, sizeof *list);
    struct record_id id = {{0}};
    uint32_t bits = 0;
    json_t *answer = NULL;
    for (const char *p = hex != NULL ? hex : ""; *p != '\0' && bits < 8 * sizeof id.b; p++) {
        static const char digits[] = "0123456789abcdef";
        const char *at = *p == '-' ? NULL : strchr(digits, *p >= 'A' && *p <= 'F' ? *p - 'A' + 'a' : *p);
        if (at != NULL) {
            id.b[bits / 8] = (uint8_t)(id.b[bits / 8] | (at - digits) << (bits % 8 == 0 ? 4 : 0));
            bits += 4;
        }
    }
    if (list != NULL && bits >= 16 && store_erased(missing->read, &id, bits, erased_collect, list) == ERR_OK && list->count > 0 && !list->is_several) {
        json_t *versions = json_array();
        answer = answer_new(service, schema);
        answer_hex(answer, "id", list->rows[0].id.b, sizeof list->rows[0].id.b);
        answer_text(answer, "kind", "unknown");
        for (size_t i = 0; i < list->count; i++) {
            erased_tell(missing, &list->rows[i], versions);
        }
        json_object_set_new(answer, "versions", versions);
    }
    free(list);
    return answer;
}
