#include "tests/lib/office.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "store/author.h"

static void keyring_begin(struct office *office)
{
    struct unlock unlock = {.key = office->unlock};
    char path[96];

    (void)snprintf(path, sizeof path, "%s/keys", office->home.path);
    assert_int_equal(keyring_create(path, &unlock, &office->keyring), ERR_OK);
}

static void open_rest(struct office *office)
{
    assert_int_equal(author_new(office->home.store, office->keyring, office->region->nodes[office->node].secret, &office->author), ERR_OK);
    assert_int_equal(opener_new(office->home.store, office->keyring, &office->opener), ERR_OK);
}

void office_init(struct office *office, struct region *region, size_t node)
{
    memset(office, 0, sizeof *office);
    office->region = region;
    office->node = node;
    home_init(&office->home, region, node);
    office->unlock = secret_random(32);
    assert_non_null(office->unlock);
    keyring_begin(office);
    office_rotate(office);
    open_rest(office);
}

void office_fini(struct office *office)
{
    author_destroy(&office->author);
    opener_destroy(&office->opener);
    keyring_destroy(&office->keyring);
    secret_destroy(&office->unlock);
    home_fini(&office->home);
}

void office_restart(struct office *office)
{
    author_destroy(&office->author);
    opener_destroy(&office->opener);
    home_reopen(&office->home);
    open_rest(office);
}

void office_rotate(struct office *office)
{
    struct box_public public;
    struct secret *secret = NULL;
    char name[32];

    (void)snprintf(name, sizeof name, "encryption-%d", ++office->keys);
    assert_int_equal(box_keypair(&public, &secret), ERR_OK);
    assert_int_equal(keyring_put(office->keyring, name, secret, false), ERR_OK);
    secret_destroy(&secret);
}

struct box_public office_key(const struct office *office, int number)
{
    struct box_public public;
    struct secret *secret = NULL;
    char name[32];

    (void)snprintf(name, sizeof name, "encryption-%d", number);
    assert_int_equal(keyring_get(office->keyring, name, &secret), ERR_OK);
    box_public_of(secret, &public);
    secret_destroy(&secret);
    return public;
}

struct span office_card(struct office *office)
{
    struct box_public key = office_key(office, office->keys);

    return region_card_with(office->region, office->node, ++office->card, &key);
}

void offices_found(struct office *offices, size_t count)
{
    struct span notices[2 + REGION_NODES];
    struct hash roster;
    size_t n = 0;

    notices[n++] = offices[0].region->charter;
    notices[n++] = region_roster(offices[0].region, &(struct region_roster){.number = 1, .members = 0xff}, &roster);
    for (size_t i = 0; i < count; i++) {
        notices[n++] = office_card(&offices[i]);
    }
    for (size_t i = 0; i < count; i++) {
        home_notices(&offices[i].home, notices, n);
    }
}

/* ---- carrying ---- */

struct heads {
    struct head items[64];
    size_t count;
};

static bool head_add(void *arg, const struct log_info *log)
{
    struct heads *heads = arg;

    assert_true(heads->count < 64);
    heads->items[heads->count++] = log->head;
    return true;
}

void office_carry_log(struct office *from, struct office *to, const struct log_id *log)
{
    static const struct hash any;
    struct log_info held = {0};
    bool has_birth = home_log(&to->home, log, &held);
    uint64_t after = has_birth ? held.held_seq : 0;
    struct store_read *read = NULL;

    assert_int_equal(store_read_begin(from->home.store, &read), ERR_OK);
    for (;;) {
        struct seg seg;
        struct admitted out;
        uint64_t entries;
        const char *clause = NULL;
        assert_int_equal(store_segment(read, log, has_birth, after, &any, UINT64_MAX, 60000, &seg, &after, &entries), ERR_OK);
        if (seg.count == 0) {
            break;
        }
        has_birth = true;
        assert_int_equal(store_begin(to->home.store), ERR_OK);
        enum err err = store_admit(to->home.store, &seg, &out, &clause);
        if (err != ERR_OK) {
            fail_msg("%s %s", err_name(err), clause == NULL ? "" : clause);
        }
        assert_int_equal(store_commit(to->home.store), ERR_OK);
    }
    store_read_end(&read);
}

void office_carry(struct office *from, struct office *to)
{
    struct heads heads = {.count = 0};
    struct store_read *read = NULL;

    assert_int_equal(store_read_begin(from->home.store, &read), ERR_OK);
    assert_int_equal(store_logs(read, head_add, &heads), ERR_OK);
    store_read_end(&read);
    for (size_t i = 0; i < heads.count; i++) {
        office_carry_log(from, to, &heads.items[i].log);
    }
}

/* ---- writing ---- */

struct audience office_audience(const struct region *region, uint32_t readers)
{
    struct audience audience = {.count = 0};

    for (size_t i = 0; i < REGION_NODES; i++) {
        if ((readers >> i & 1) != 0) {
            assert_int_equal(audience_add(&audience, &region->nodes[i].id), ERR_OK);
        }
    }
    return audience;
}

struct hash office_write(struct office *office, enum channel channel, uint32_t readers, struct span payload, struct wall_ms now)
{
    struct audience audience = office_audience(office->region, readers);
    struct payload one = {.kind = ENTRY_RECORD, .flags = 3, .bytes = payload, .audience = readers == 0 ? NULL : &audience};
    struct hash content;
    struct head head;

    assert_int_equal(store_begin(office->home.store), ERR_OK);
    assert_int_equal(author_append(office->author, channel, &one, 1, now, 1, &content, &head), ERR_OK);
    assert_int_equal(store_commit(office->home.store), ERR_OK);
    return content;
}

struct head office_raw(struct office *office, enum channel channel, const struct entry *entries, uint32_t count)
{
    struct log *log = NULL;
    struct head head;

    assert_int_equal(store_begin(office->home.store), ERR_OK);
    assert_int_equal(slot_open(office->author, channel, &log), ERR_OK);
    memcpy(office->author->commit->entries, entries, count * sizeof *entries);
    office->author->commit->entry_count = count;
    assert_int_equal(append_one(office->author, log, office->author->slots[channel].key, (struct wall_ms){1700000000000}, 1, NULL), ERR_OK);
    assert_int_equal(log_head(&office->home.store->txn, log, &head), ERR_OK);
    assert_int_equal(store_commit(office->home.store), ERR_OK);
    return head;
}

/* ---- reading ---- */

struct hunt {
    struct office *office;
    const struct hash *content;     /* of one entry, or */
    const struct node_id *author;   /* all of a kind */
    uint32_t kind;
    size_t count;
    bool is_found;
    struct entry entry;
    struct node_id found_author;
    struct store_read *read;
    struct commit commit;
};

static uint8_t entry_bytes[PAYLOAD_BYTES_MAX];

static void meet(struct hunt *hunt, const struct log_info *log, const struct entry *entry)
{
    if (hunt->content != NULL && hash_equal(&entry->leaf.content, hunt->content)) {
        hunt->is_found = true;
        hunt->entry = *entry;
        if (entry->has_payload) {
            memcpy(entry_bytes, entry->payload.p, entry->payload.n);
            hunt->entry.payload = span_of(entry_bytes, entry->payload.n);
        }
        hunt->found_author = log->node;
    } else if (hunt->author != NULL && node_id_equal(&log->node, hunt->author) && entry->leaf.kind == hunt->kind) {
        hunt->count++;
    }
}

static bool hunt_log(void *arg, const struct log_info *log)
{
    struct hunt *hunt = arg;
    struct hash hash;

    for (uint64_t seq = 1; seq <= log->held_seq && !hunt->is_found; seq++) {
        assert_int_equal(store_commit_at(hunt->read, log->number, seq, &hunt->commit, &hash), ERR_OK);
        for (uint32_t i = 0; i < hunt->commit.entry_count && !hunt->is_found; i++) {
            meet(hunt, log, &hunt->commit.entries[i]);
        }
    }
    return !hunt->is_found;
}

static void hunt_all(struct hunt *hunt)
{
    assert_int_equal(store_read_begin(hunt->office->home.store, &hunt->read), ERR_OK);
    assert_int_equal(store_logs(hunt->read, hunt_log, hunt), ERR_OK);
    store_read_end(&hunt->read);
}

bool office_entry(struct office *office, const struct hash *content, struct entry *ret, struct node_id *ret_author)
{
    static struct hunt hunt;

    hunt = (struct hunt){.office = office, .content = content};
    hunt_all(&hunt);
    *ret = hunt.entry;
    *ret_author = hunt.found_author;
    return hunt.is_found;
}

size_t office_count(struct office *office, const struct node_id *author, uint32_t kind)
{
    static struct hunt hunt;

    hunt = (struct hunt){.office = office, .author = author, .kind = kind};
    hunt_all(&hunt);
    return hunt.count;
}

enum err office_open(struct office *office, const struct hash *content, struct sealed *ret)
{
    static uint8_t scratch[OPENER_SCRATCH_BYTES];
    struct store_read *read = NULL;
    struct node_id author;
    struct entry entry;

    if (!office_entry(office, content, &entry, &author)) {
        return ERR_STALE;
    }
    assert_int_equal(store_read_begin(office->home.store, &read), ERR_OK);
    enum err err = opener_open(office->opener, read, &author, &entry, scratch, ret);
    store_read_end(&read);
    return err;
}

static void print_fault(void *arg, enum err err, const char *what)
{
    (void)arg;
    print_message("%s: %s\n", err_name(err), what);
}

void office_fsck(struct office *office)
{
    struct fsck_report report = {.fault = print_fault};
    struct store_read *read = NULL;

    assert_int_equal(store_read_begin(office->home.store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
    store_read_end(&read);
}
