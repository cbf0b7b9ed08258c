/* The audit trail: what is written comes back, every way of changing it afterwards is found, and other nodes remember what it was. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/audit_rows.h" /* to forge what only the store can reach */
#include "tests/lib/home.h"
#include "tests/lib/hostile.h"

#include <stdio.h>
#include <stdlib.h>

enum { HUB_A, HUB_B, EDGE = 3, ROWS = 9, ROWS_MAX = 64 };

static struct region region;
static struct home home;
static uint64_t counter;
static const uint8_t install_a[AUDIT_INSTALL_BYTES] = {1, 2, 3}, install_b[AUDIT_INSTALL_BYTES] = {4, 5, 6};
static const uint64_t noon = UINT64_C(1795000000000);

static int setup(void **state)
{
    struct hash roster;
    (void)state;
    counter = 0;
    region_init(&region, 2);
    home_init(&home, &region, HUB_A);
    home_found(&home, &region, 0xff, &roster);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    home_fini(&home);
    region_fini(&region);
    return 0;
}

/* ---- writing ---- */

static struct audit_entry entry_of(uint32_t action, const uint8_t install[AUDIT_INSTALL_BYTES])
{
    struct audit_entry entry = {.time = {noon}, .uid = 1000, .login = "awa", .action = action, .outcome = ERR_OK, .count_count = 1, .counts = {7}};
    memcpy(entry.install, install, AUDIT_INSTALL_BYTES);
    entry.subject_count = 1;
    entry.subjects[0].n = 16;
    memset(entry.subjects[0].b, (int)action, 16);
    return entry;
}

static void append_as(const uint8_t install[AUDIT_INSTALL_BYTES], uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        static uint64_t serial;
        struct audit_entry entry = entry_of(AUDIT_SEARCH + i % 3, install);
        entry.counts[0] = serial++;
        assert_int_equal(store_begin(home.store), ERR_OK);
        assert_int_equal(audit_append(home.store, &entry), ERR_OK);
        assert_int_equal(store_commit(home.store), ERR_OK);
    }
}

static void append(uint32_t count) { append_as(install_a, count); }

static struct audit_head head_now(void)
{
    struct store_read *read = NULL;
    struct audit_head head;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(audit_head_read(read, &head), ERR_OK);
    store_read_end(&read);
    return head;
}

/* A frontier of a node that names this head, as it comes from a peer or from ourselves. */
static void named(size_t node, const struct audit_head *head)
{
    uint8_t mem[1024];
    struct out out = out_into(mem, sizeof mem);
    struct frontier frontier = {.version = FORMAT_VERSION, .region = region.id, .node = region.nodes[node].id, .counter = ++counter, .clock = {noon + counter * 1000}};
    struct span heads = region_heads(&region, NULL, 0);
    struct notice_ref ref;
    bool is_new = false;
    const char *clause = NULL;
    frontier.audit_life = head->life;
    frontier.audit_count = head->count;
    frontier.audit_head = head->hash;
    hash_of(HASH_HEADS, heads, &frontier.heads_digest);
    frontier_encode(&frontier, &out);
    struct span notice = region_sign(&region, NOTICE_FRONTIER, SIGN_FRONTIER, out_written(&out), region.nodes[node].secret);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(store_admit_notice(home.store, notice, 0, heads, &ref, &is_new, &clause), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_true(is_new);
}

static void name_own(void)
{
    struct audit_head head = head_now();
    named(HUB_A, &head);
}

static bool is_behind(const uint8_t install[AUDIT_INSTALL_BYTES])
{
    bool behind = false;
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(audit_is_behind(home.store, install, &behind), ERR_OK);
    store_abort(home.store);
    return behind;
}

static void begin_life(const uint8_t install[AUDIT_INSTALL_BYTES])
{
    struct audit_entry entry = entry_of(AUDIT_LIFE, install);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(audit_begin_life(home.store, &entry), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
}

/* ---- verifying ---- */

struct found {
    size_t faults, lost;
    uint64_t row; /* of the first fault */
    char first[320], first_lost[320];
};

static void note_fault(void *arg, enum err err, uint64_t row, const char *what)
{
    struct found *found = arg;
    assert_int_not_equal(err, ERR_OK);
    if (found->faults++ == 0) {
        found->row = row;
        (void)snprintf(found->first, sizeof found->first, "%s", what);
    }
}

static void note_lost(void *arg, uint64_t row, const char *what)
{
    struct found *found = arg;
    assert_true(row > 0);
    if (found->lost++ == 0) {
        (void)snprintf(found->first_lost, sizeof found->first_lost, "%s", what);
    }
}

static struct found verify_against(const struct witness_point *others, size_t count, struct audit_report *ret)
{
    struct found found = {0};
    struct store_read *read = NULL;
    *ret = (struct audit_report){.fault = note_fault, .lost = note_lost, .arg = &found, .others = others, .other_count = count};
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    enum err err = audit_verify(read, ret);
    store_read_end(&read);
    assert_int_equal(ret->faults, found.faults);
    assert_int_equal(err, found.faults == 0 ? ERR_OK : ERR_CORRUPT);
    return found;
}

static struct found verify(void)
{
    struct audit_report report;
    return verify_against(NULL, 0, &report);
}

/* ---- forging: the table as it is, changed at will, put back ---- */

struct copy { /* a row of the table */
    uint8_t key[40], value[AUDIT_ROW_BYTES_MAX * 2];
    size_t key_n, value_n;
};
static struct copy kept[ROWS_MAX];
static size_t kept_count;

static void keep(void)
{
    struct kv_txn txn;
    struct kv_cursor cursor;
    kept_count = 0;
    kv_begin_read(home.store->kv, &txn);
    kv_cursor_open(&txn, TABLE_AUDIT, &cursor);
    for (bool ok = kv_first(&cursor); ok; ok = kv_next(&cursor)) {
        struct copy *copy = &kept[kept_count++];
        assert_true(kept_count <= ROWS_MAX && cursor.value.n <= sizeof copy->value);
        memcpy(copy->key, cursor.key.p, cursor.key.n);
        memcpy(copy->value, cursor.value.p, cursor.value.n);
        copy->key_n = cursor.key.n;
        copy->value_n = cursor.value.n;
    }
    kv_cursor_close(&cursor);
    assert_int_equal(kv_commit(&txn), ERR_OK);
}

static void put_back(void)
{
    struct kv_txn txn;
    kv_begin_write(home.store->kv, &txn);
    kv_clear(&txn, TABLE_AUDIT);
    for (size_t i = 0; i < kept_count; i++) {
        kv_put(&txn, TABLE_AUDIT, span_of(kept[i].key, kept[i].key_n), span_of(kept[i].value, kept[i].value_n));
    }
    assert_int_equal(kv_commit(&txn), ERR_OK);
}

/* Row `number` as it was kept. */
static struct copy *kept_row(uint64_t number)
{
    for (size_t i = 0; i < kept_count; i++) {
        if (audit_row_number(span_of(kept[i].key, kept[i].key_n)) == number) {
            return &kept[i];
        }
    }
    fail_msg("no row %llu", (unsigned long long)number);
    return NULL;
}

static void put(uint64_t number, const void *value, size_t n)
{
    struct kv_txn txn;
    uint8_t mem[AUDIT_ROW_KEY_BYTES];
    kv_begin_write(home.store->kv, &txn);
    kv_put(&txn, TABLE_AUDIT, audit_row_key(number, mem), span_of(value, n));
    assert_int_equal(kv_commit(&txn), ERR_OK);
}

static void take_out(uint64_t number)
{
    struct kv_txn txn;
    uint8_t mem[AUDIT_ROW_KEY_BYTES];
    kv_begin_write(home.store->kv, &txn);
    assert_true(kv_delete(&txn, TABLE_AUDIT, audit_row_key(number, mem)));
    assert_int_equal(kv_commit(&txn), ERR_OK);
}

/* The head beside the rows, made to say what a forger wants it to. */
static void put_head(uint64_t life, uint64_t count, const struct hash *hash)
{
    const uint8_t key = AUDIT_KEY_HEAD;
    uint8_t mem[64];
    struct out out = out_into(mem, sizeof mem);
    struct kv_txn txn;
    key_u64(&out, life);
    key_u64(&out, count);
    out_bytes(&out, hash->b, sizeof hash->b);
    out_bytes(&out, install_a, sizeof install_a);
    kv_begin_write(home.store->kv, &txn);
    kv_put(&txn, TABLE_AUDIT, span_of(&key, 1), out_written(&out));
    assert_int_equal(kv_commit(&txn), ERR_OK);
}

/* What somebody does who knows everything: take these rows (kept ones, in this order; 0: one that he makes up), number and chain them anew, and set the head. */
static void forge(const uint64_t *order, size_t count, uint64_t changed)
{
    struct unpack *unpack = unpack_new();
    struct hash previous;
    uint64_t life = 0;
    struct kv_txn txn;
    assert_non_null(unpack);
    audit_origin(home.store, &previous);
    kv_begin_write(home.store->kv, &txn);
    for (uint64_t number = 1; number <= ROWS_MAX; number++) {
        uint8_t mem[AUDIT_ROW_KEY_BYTES];
        (void)kv_delete(&txn, TABLE_AUDIT, audit_row_key(number, mem));
    }
    for (size_t i = 0; i < count; i++) {
        const struct copy *copy = kept_row(order[i] == 0 ? 2 : order[i]);
        uint8_t bytes[AUDIT_ROW_BYTES_MAX], mem[AUDIT_ROW_KEY_BYTES];
        struct out out = out_into(bytes, sizeof bytes);
        struct audit_row row;
        assert_int_equal(audit_row_decode(unpack, span_of(copy->value, copy->value_n), &row), ERR_OK);
        row.number = i + 1;
        row.previous = previous;
        row.entry.uid += order[i] == 0 || order[i] == changed ? 1 : 0;
        audit_row_encode(&row, &out);
        kv_put(&txn, TABLE_AUDIT, audit_row_key(row.number, mem), out_written(&out));
        hash_of(HASH_AUDIT, out_written(&out), &previous);
        life = row.life;
    }
    assert_int_equal(kv_commit(&txn), ERR_OK);
    put_head(life, count, count > 0 ? &previous : &(struct hash){{0}});
    unpack_destroy(&unpack);
}

static void found_something(const char *what, uint64_t row)
{
    struct found found = verify();
    if (found.faults == 0) {
        fail_msg("%s %llu: not found", what, (unsigned long long)row);
    }
}

/* ---- the tests ---- */

static bool count_row(void *arg, const struct audit_row *row)
{
    uint64_t *last = arg;
    assert_int_equal(row->number, *last + 1);
    *last = row->number;
    return true;
}

static bool only_last(void *arg, const struct audit_row *row)
{
    struct audit_row *ret = arg;
    *ret = *row;
    return false;
}

static void rows_come_back_as_they_were_written(void **state)
{
    static uint8_t detail[AUDIT_DETAIL_BYTES_MAX];
    struct audit_entry entry = entry_of(AUDIT_IMPORT, install_a);
    struct audit_row row;
    struct store_read *read = NULL;
    uint64_t last = 0;
    (void)state;
    memset(entry.login, 'x', AUDIT_LOGIN_BYTES_MAX);
    entry.uid = UINT32_MAX;
    entry.outcome = ERR_PERMISSION;
    entry.count_count = AUDIT_COUNTS_MAX;
    entry.subject_count = AUDIT_SUBJECTS_MAX;
    for (uint32_t i = 0; i < AUDIT_SUBJECTS_MAX; i++) {
        entry.subjects[i].n = AUDIT_SUBJECT_BYTES_MAX;
        memset(entry.subjects[i].b, (int)i, AUDIT_SUBJECT_BYTES_MAX);
        entry.counts[i % AUDIT_COUNTS_MAX] = NUMBER_MAX;
    }
    entry.detail = span_of(detail, sizeof detail);
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(audit_append(home.store, &entry), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(audit_rows(read, 1, count_row, &last), ERR_OK);
    assert_int_equal(last, 2); /* the life's, and this one */
    assert_int_equal(audit_rows_back(read, only_last, &row), ERR_OK);
    assert_int_equal(row.number, 2);
    assert_int_equal(row.life, noon / 1000);
    assert_string_equal(row.outcome, "ERR_PERMISSION");
    assert_int_equal(row.entry.outcome, ERR_PERMISSION);
    assert_int_equal(row.entry.uid, UINT32_MAX);
    assert_string_equal(row.entry.login, entry.login);
    assert_int_equal(row.entry.count_count, AUDIT_COUNTS_MAX);
    assert_int_equal(row.entry.counts[3], NUMBER_MAX);
    assert_int_equal(row.entry.subject_count, AUDIT_SUBJECTS_MAX);
    assert_memory_equal(&row.entry.subjects[7], &entry.subjects[7], sizeof entry.subjects[7]);
    assert_true(span_equal(row.entry.detail, entry.detail));
    store_read_end(&read);
    assert_int_equal(verify().faults, 0);
}

static void actions_have_names_and_come_back_from_them(void **state)
{
    (void)state;
    for (uint32_t action = 1; action < AUDIT_ACTION_COUNT; action++) {
        assert_string_not_equal(audit_action_name(action), "unknown");
        assert_int_equal(audit_action_of(audit_action_name(action)), action);
    }
    assert_string_equal(audit_action_name(0), "unknown");
    assert_string_equal(audit_action_name(AUDIT_ACTION_COUNT), "unknown");
    assert_int_equal(audit_action_of("unknown"), 0);
}

static void the_bytes_of_a_row_are_those_of_the_golden_vector(void **state)
{
    uint8_t bytes[AUDIT_ROW_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct audit_row row = {.number = 5, .life = 1795000000, .outcome = "ERR_OK", .entry = entry_of(AUDIT_SHOW, install_a)}, back;
    struct unpack *unpack = unpack_new();
    struct hash hash;
    static const uint8_t sealed[3] = {9, 8, 7};
    (void)state;
    memset(row.previous.b, 0xab, sizeof row.previous.b);
    row.entry.detail = span_of(sealed, sizeof sealed);
    audit_row_encode(&row, &out);
    struct span golden = golden_bytes("audit_row", out_written(&out));
    assert_true(span_equal(golden, out_written(&out)));
    assert_int_equal(audit_row_decode(unpack, golden, &back), ERR_OK);
    hash_of(HASH_AUDIT, golden, &hash);
    assert_true(hash_equal(&hash, &back.hash));
    char hex[65];
    assert_string_equal(hex_encode(hash.b, sizeof hash.b, hex), "f4dc1371146891487278c42cfb9a72be99d892f6f6e3e4594401c61f4f931218");
    unpack_destroy(&unpack);
}

static void a_trail_that_nobody_touched_is_whole(void **state)
{
    struct audit_report report;
    (void)state;
    assert_int_equal(verify_against(NULL, 0, &report).faults, 0); /* none yet */
    append(ROWS - 1);
    name_own();
    append(3);
    struct found found = verify_against(NULL, 0, &report);
    assert_int_equal(found.faults + found.lost, 0);
    assert_int_equal(report.rows, ROWS + 3);
    assert_int_equal(report.compared, 1);
    assert_int_equal(report.named.count, ROWS);
    struct audit_head head = head_now();
    assert_memory_equal(&report.head, &head, sizeof head);
    home_reopen(&home);
    assert_int_equal(verify().faults, 0);
}

/* Whatever is done to whatever row, by somebody who only changes bytes, and the head beside them if he thinks of it. */
static void every_change_of_every_row_is_found(void **state)
{
    (void)state;
    append(ROWS - 1);
    keep();
    size_t flips = 0;
    for (uint64_t number = 1; number <= ROWS; number++) {
        const struct copy *copy = kept_row(number);
        uint8_t value[AUDIT_ROW_BYTES_MAX];
        for (size_t at = 0; at < copy->value_n; at++) {
            memcpy(value, copy->value, copy->value_n);
            value[at] ^= (uint8_t)(1U << (at % 8));
            put(number, value, copy->value_n);
            found_something("a bit flipped in row", number);
            flips++;
        }
        put(number, copy->value, copy->value_n - 1);
        found_something("the last byte cut off row", number);
        put(number, copy->value, 0);
        found_something("emptied row", number);
        put_back();
        take_out(number);
        struct found found = verify();
        assert_true(found.faults > 0);
        assert_int_equal(found.row, number); /* and where from */
        put_back();
        for (uint64_t other = number + 1; other <= ROWS; other++) {
            put(number, kept_row(other)->value, kept_row(other)->value_n);
            put(other, copy->value, copy->value_n);
            found = verify();
            assert_int_equal(found.row, number);
            put_back();
        }
        put(ROWS + 1, copy->value, copy->value_n);
        found_something("once more at the end, row", number);
        put_back();
        assert_int_equal(verify().faults, 0);
    }
    print_message("%zu flips\n", flips);
}

/* The chain made good again after each change: then only what frontiers have named speaks. */
static void a_trail_that_was_chained_anew_contradicts_the_frontiers(void **state)
{
    uint64_t order[ROWS + 1];
    (void)state;
    append(ROWS - 1);
    name_own();
    keep();
    for (uint64_t number = 2; number <= ROWS; number++) {
        size_t n = 0;
        for (uint64_t i = 1; i <= ROWS; i++) {
            order[n++] = i;
        }
        forge(order, n, number);
        found_something("a changed row", number);
        n = 0;
        for (uint64_t i = 1; i <= ROWS; i++) {
            if (i != number) {
                order[n++] = i;
            }
        }
        forge(order, n, 0);
        found_something("a row taken out", number);
        n = 0;
        for (uint64_t i = 1; i <= ROWS; i++) {
            order[n++] = i;
            if (i == number) {
                order[n++] = 0;
            }
        }
        forge(order, n, 0);
        if (number < ROWS) { /* after the last one it is simply a further row */
            found_something("a row put in after row", number);
        }
        n = 0;
        for (uint64_t i = 1; i <= ROWS; i++) {
            order[n++] = i == number && i < ROWS ? i + 1 : i == number + 1 ? number : i;
        }
        forge(order, n, 0);
        if (number < ROWS) {
            found_something("two exchanged from row", number);
        }
        put_back();
        assert_int_equal(verify().faults, 0);
    }
}

static void an_end_that_was_cut_off_is_found_through_the_frontier(void **state)
{
    uint64_t order[ROWS];
    struct found found;
    (void)state;
    append(ROWS - 1);
    for (uint64_t i = 0; i < ROWS; i++) {
        order[i] = i + 1;
    }
    keep();
    /* Cut, and nothing else: the head beside the rows says so. */
    for (uint64_t left = 1; left < ROWS; left++) {
        for (uint64_t number = left + 1; number <= ROWS; number++) {
            take_out(number);
        }
        found = verify();
        assert_int_equal(found.row, left + 1);
        assert_non_null(strstr(found.first, "the end was cut off"));
        put_back();
    }
    /* Cut with the head made to fit: nobody was told of it, so nobody knows. */
    forge(order, ROWS - 1, 0);
    assert_int_equal(verify().faults, 0);
    put_back();
    name_own();
    keep();
    for (size_t left = 0; left < ROWS; left++) {
        forge(order, left, 0);
        found = verify();
        assert_true(found.faults > 0);
        assert_int_equal(found.row, left + 1);
        assert_non_null(strstr(found.first, "a frontier of this node named 9 rows"));
        /* And going on from there does not help. */
        if (left > 0) {
            append(ROWS);
            assert_true(verify().faults > 0);
        }
        put_back();
    }
    assert_int_equal(verify().faults, 0);
}

/* Somebody who also forgets what this node has said of itself is contradicted by what others bring. */
static void what_others_remember_is_compared_too(void **state)
{
    uint64_t order[ROWS];
    struct audit_report report;
    struct kv_txn txn;
    uint8_t key[17] = {AUDIT_KEY_WITNESS};
    (void)state;
    append(ROWS - 1);
    struct witness_point point = {.head = head_now()};
    name_own();
    append(2);
    for (uint64_t i = 0; i < ROWS; i++) {
        order[i] = i + 1;
    }
    keep();
    assert_int_equal(verify_against(&point, 1, &report).faults, 0);
    assert_int_equal(report.compared, 2);
    memcpy(key + 1, region.nodes[HUB_A].id.b, 16);
    forge(order, ROWS, 4);
    kv_begin_write(home.store->kv, &txn);
    assert_true(kv_delete(&txn, TABLE_AUDIT, span_of(key, sizeof key)));
    assert_int_equal(kv_commit(&txn), ERR_OK);
    assert_int_equal(verify().faults, 0);
    struct found found = verify_against(&point, 1, &report);
    assert_int_equal(found.faults, 1);
    assert_int_equal(found.row, ROWS);
    assert_non_null(strstr(found.first, "as another node remembers it"));
}

static void the_trail_of_another_node_is_not_ours(void **state)
{
    struct kv_txn txn;
    (void)state;
    append(4);
    keep();
    home_fini(&home);
    home_init(&home, &region, EDGE);
    kv_begin_write(home.store->kv, &txn);
    for (size_t i = 0; i < kept_count; i++) {
        kv_put(&txn, TABLE_AUDIT, span_of(kept[i].key, kept[i].key_n), span_of(kept[i].value, kept[i].value_n));
    }
    assert_int_equal(kv_commit(&txn), ERR_OK);
    struct found found = verify();
    assert_int_equal(found.row, 1);
    assert_non_null(strstr(found.first, "not the beginning of this node's trail"));
}

static void a_damaged_end_is_gone_on_from_and_stays_to_be_seen(void **state)
{
    (void)state;
    append(ROWS - 1);
    keep();
    struct hash none = {{0}};
    const struct {
        const char *what;
        uint64_t out, life, count; /* row taken out; head put: count 0 none */
        bool is_mended;            /* only the head was wrong, and the next row has put it right */
    } rows[] = {
        {"the last row is gone", ROWS, 0, 0, false},
        {"the head says less", 0, noon / 1000, 3, true},
        {"the head says more", 0, noon / 1000, 30, false},
        {"the head is of another life", 0, 7, ROWS, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (rows[i].out > 0) {
            take_out(rows[i].out);
        }
        if (rows[i].count > 0) {
            put_head(rows[i].life, rows[i].count, &none);
        }
        found_something(rows[i].what, 0);
        append(2);
        assert_true((verify().faults == 0) == rows[i].is_mended);
        put_back();
    }
    assert_int_equal(verify().faults, 0);
}

/* ---- coming back ---- */

static void a_restored_home_begins_a_new_life_with_its_next_row(void **state)
{
    (void)state;
    append(ROWS - 1);
    struct audit_head before = head_now();
    name_own();
    assert_false(is_behind(install_a));
    assert_true(is_behind(install_b));
    append_as(install_b, 1);
    struct audit_head after = head_now();
    assert_int_equal(after.life, before.life + 1); /* the clock stands still here */
    assert_int_equal(after.count, ROWS + 2);
    assert_false(is_behind(install_b));
    struct found found = verify();
    assert_int_equal(found.faults + found.lost, 0);
}

/* The home was brought back to row 4; peers hold a frontier of ours about row 9. */
static void a_frontier_of_ours_that_comes_back_makes_a_new_life(void **state)
{
    uint64_t order[4] = {1, 2, 3, 4};
    struct audit_report report;
    (void)state;
    append(ROWS - 1);
    struct audit_head before = head_now();
    keep();
    forge(order, 4, 0);
    assert_int_equal(verify().faults, 0);
    append(1); /* it started, say */
    named(HUB_A, &before);
    assert_true(is_behind(install_a));
    assert_true(verify().faults > 0); /* until then it may as well have been cut */
    begin_life(install_a);
    assert_false(is_behind(install_a));
    struct audit_head after = head_now();
    assert_true(after.life > before.life);
    assert_int_equal(after.count, 6);
    name_own();
    struct found found = verify();
    assert_int_equal(found.faults, 0);
    assert_int_equal(found.lost, 1);
    assert_non_null(strstr(found.first_lost, "row 6 began a new life"));
    assert_non_null(strstr(found.first_lost, "4 rows that had been written then"));
    /* The same, told by another node. */
    struct witness_point point = {.head = before};
    found = verify_against(&point, 1, &report);
    assert_int_equal(found.faults, 0);
    assert_int_equal(found.lost, 2);
    /* Of two that came back the highest counts. */
    struct audit_head lower = {before.life, 8, {{1}}};
    named(HUB_A, &lower);
    assert_false(is_behind(install_a));
}

static void a_life_rises_above_every_one_that_was_named(void **state)
{
    struct audit_head later = {noon / 1000 + 5000, 77, {{1}}}, last = {NUMBER_MAX, 78, {{1}}};
    (void)state;
    append(2);
    named(HUB_A, &later);
    assert_true(is_behind(install_a));
    begin_life(install_a);
    assert_int_equal(head_now().life, later.life + 1);
    /* Somebody who has our key may say what he likes: the trail goes on. */
    named(HUB_A, &last);
    begin_life(install_a);
    assert_int_equal(head_now().life, NUMBER_MAX);
    assert_false(is_behind(install_a));
    append(2);
    struct store_read *read = NULL;
    uint64_t count = 0;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(audit_rows(read, 1, count_row, &count), ERR_OK);
    store_read_end(&read);
    assert_int_equal(count, head_now().count);
}

/* ---- what is remembered of others ---- */

static struct witness witness_of(size_t node)
{
    struct witness witness;
    struct store_read *read = NULL;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(witness_read(read, &region.nodes[node].id, &witness), ERR_OK);
    store_read_end(&read);
    return witness;
}

static void a_trail_that_goes_back_is_remembered(void **state)
{
    static const struct {
        const char *what;
        uint64_t life, count;
        uint8_t hash;
        size_t points;
        enum witness_fault fault;
        uint64_t lost;
    } rows[] = {
        {"the first", 100, 5, 1, 1, WITNESS_NONE, 0},
        {"the same again", 100, 5, 1, 1, WITNESS_NONE, 0},
        {"one more", 100, 6, 2, 2, WITNESS_NONE, 0},
        {"many more", 100, 40, 3, 3, WITNESS_NONE, 0},
        {"one less", 100, 39, 4, 3, WITNESS_SHORTER, 0},
        {"further than ever", 100, 41, 5, 4, WITNESS_SHORTER, 0},
        {"a new life with rows lost", 101, 31, 6, 5, WITNESS_NONE, 11},
        {"another head at the same row", 101, 31, 7, 5, WITNESS_OTHER, 11},
        {"a new life with none lost", 102, 32, 8, 6, WITNESS_NONE, 0},
        {"the life before", 101, 90, 9, 6, WITNESS_LIFE, 0},
        {"none at all", 0, 0, 0, 6, WITNESS_LIFE, 0},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct audit_head head = {rows[i].life, rows[i].count, {{rows[i].hash}}};
        named(EDGE, &head);
        struct witness witness = witness_of(EDGE);
        if (witness.count != rows[i].points || witness.fault != rows[i].fault || witness.life_lost != rows[i].lost) {
            fail_msg("%s: %zu points, fault %d, %llu lost", rows[i].what, witness.count, (int)witness.fault, (unsigned long long)witness.life_lost);
        }
        if (witness.fault != WITNESS_NONE) {
            assert_true(witness.fault_at.ms > 0);
        }
        assert_true((witness.life_at.ms > 0) == (i >= 6));
    }
    struct witness other = {.count = 0};
    struct store_read *read = NULL;
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(witness_read(read, &region.nodes[HUB_B].id, &other), ERR_NOT_FOUND);
    store_read_end(&read);
}

/* A release without a trail says zeros; its first life is no new one. */
static void a_node_that_gets_a_trail_did_not_lose_one(void **state)
{
    struct audit_head none = {0}, first = {100, 2, {{1}}};
    (void)state;
    named(EDGE, &none);
    named(EDGE, &first);
    struct witness witness = witness_of(EDGE);
    assert_int_equal(witness.fault, WITNESS_NONE);
    assert_int_equal(witness.life_at.ms, 0);
}

static void old_heads_thin_out_and_the_first_and_the_newest_stay(void **state)
{
    (void)state;
    for (uint64_t count = 1; count <= 400; count++) {
        struct audit_head head = {100, count, {{(uint8_t)count}}};
        named(EDGE, &head);
        struct witness witness = witness_of(EDGE);
        assert_true(witness.count <= WITNESS_POINTS_MAX);
        assert_int_equal(witness.points[0].head.count, 1);
        for (size_t i = 1; i < witness.count; i++) {
            assert_true(witness.points[i - 1].head.count < witness.points[i].head.count);
        }
        for (uint64_t back = 0; back < 16 && back < count; back++) {
            assert_int_equal(witness.points[witness.count - 1 - back].head.count, count - back);
        }
    }
}

static bool count_witness(void *arg, const struct witness *witness)
{
    size_t *count = arg;
    assert_true(witness->count > 0);
    (*count)++;
    return true;
}

static void fsck_checks_the_trail_and_what_is_remembered(void **state)
{
    struct audit_head head = {100, 5, {{1}}};
    struct store_read *read = NULL;
    size_t count = 0;
    (void)state;
    append(ROWS - 1);
    name_own();
    named(EDGE, &head);
    struct fsck_report report = {0};
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(witness_all(read, count_witness, &count), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_OK);
    store_read_end(&read);
    assert_int_equal(count, 2);
    keep();
    take_out(4);
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_CORRUPT);
    store_read_end(&read);
    put_back();
    /* A damaged memory of a node is found, and begins anew with its next frontier. */
    for (size_t i = 0; i < kept_count; i++) {
        if (kept[i].key[0] == AUDIT_KEY_WITNESS) {
            struct kv_txn txn;
            kv_begin_write(home.store->kv, &txn);
            kv_put(&txn, TABLE_AUDIT, span_of(kept[i].key, kept[i].key_n), span_of("x", 1));
            assert_int_equal(kv_commit(&txn), ERR_OK);
        }
    }
    assert_int_equal(store_read_begin(home.store, &read), ERR_OK);
    assert_int_equal(witness_all(read, count_witness, &count), ERR_CORRUPT);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_CORRUPT);
    store_read_end(&read);
    named(EDGE, &head);
    assert_int_equal(witness_of(EDGE).count, 1);
}

static void a_row_is_written_below_the_reserve_too(void **state)
{
    struct audit_entry entry = entry_of(AUDIT_SEARCH, install_a);
    (void)state;
    append(1);
    kv_set_reserve(home.store->kv, 100, UINT64_MAX / 4);
    assert_int_equal(store_begin(home.store), ERR_FULL);
    assert_int_equal(store_begin_small(home.store), ERR_OK);
    assert_int_equal(audit_append(home.store, &entry), ERR_OK);
    assert_int_equal(store_commit(home.store), ERR_OK);
    assert_int_equal(head_now().count, 3);
    assert_int_equal(store_begin(home.store), ERR_FULL);
}

static void a_transaction_that_is_given_up_leaves_no_row(void **state)
{
    struct audit_entry entry = entry_of(AUDIT_SEARCH, install_a);
    (void)state;
    append(2);
    struct audit_head before = head_now();
    assert_int_equal(store_begin(home.store), ERR_OK);
    assert_int_equal(audit_append(home.store, &entry), ERR_OK);
    store_abort(home.store);
    struct audit_head after = head_now();
    assert_memory_equal(&before, &after, sizeof before);
    append(1);
    assert_int_equal(verify().faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(rows_come_back_as_they_were_written),
        TEST(actions_have_names_and_come_back_from_them),
        TEST(the_bytes_of_a_row_are_those_of_the_golden_vector),
        TEST(a_trail_that_nobody_touched_is_whole),
        TEST(every_change_of_every_row_is_found),
        TEST(a_trail_that_was_chained_anew_contradicts_the_frontiers),
        TEST(an_end_that_was_cut_off_is_found_through_the_frontier),
        TEST(what_others_remember_is_compared_too),
        TEST(the_trail_of_another_node_is_not_ours),
        TEST(a_damaged_end_is_gone_on_from_and_stays_to_be_seen),
        TEST(a_restored_home_begins_a_new_life_with_its_next_row),
        TEST(a_frontier_of_ours_that_comes_back_makes_a_new_life),
        TEST(a_life_rises_above_every_one_that_was_named),
        TEST(a_trail_that_goes_back_is_remembered),
        TEST(a_node_that_gets_a_trail_did_not_lose_one),
        TEST(old_heads_thin_out_and_the_first_and_the_newest_stay),
        TEST(fsck_checks_the_trail_and_what_is_remembered),
        TEST(a_row_is_written_below_the_reserve_too),
        TEST(a_transaction_that_is_given_up_leaves_no_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
