/* Current versions: the same for every order of arrival and every batch. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "store/dead.h"
#include "store/index/index.h"
#include "store/index/tables.h"
#include "store/records.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static uint64_t seed = 5;

static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 29;
}

static char folder[64];

static int folder_make(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/griot-records-XXXXXX");
    return mkdtemp(folder) == NULL ? -1 : 0;
}

static int folder_remove(void **state)
{
    (void)state;
    return rmdir(folder);
}

static char path[128];

static struct kv *tables_open(void)
{
    static const char *const TABLES[VIEW_TABLES] = VIEW_TABLE_NAMES;
    static const struct kv_schema SCHEMA = {TABLES, VIEW_TABLES, 1, 0};
    struct kv *kv;

    snprintf(path, sizeof path, "%s/views", folder);
    assert_int_equal(kv_create(path, &SCHEMA, NULL, NULL), ERR_OK);
    assert_int_equal(kv_open(path, &SCHEMA, &kv), ERR_OK);
    return kv;
}

static void tables_drop(struct kv **kv)
{
    kv_close(kv);
    assert_int_equal(kv_drop(path), ERR_OK);
}

/* A version of the story told. Name 0 is none. */
struct told {
    uint8_t record, author, name, kind;
    uint8_t replaces[3];
    uint8_t depth;
};

static struct record_id id_of(uint8_t record)
{
    struct record_id id = {{0}};

    id.b[0] = record;
    id.b[15] = 0xee;
    return id;
}

static struct hash hash_of_name(uint8_t name)
{
    struct hash hash;

    memset(hash.b, 0, sizeof hash.b);
    hash.b[0] = name;
    hash.b[31] = 7;
    return hash;
}

static void key_of(const struct told *told, uint8_t name, struct record_key *ret)
{
    struct record_id id = id_of(told->record);
    struct hash hash = hash_of_name(name);

    record_key(&id, told->author, &hash, ret);
}

/* What is in the tables. */
struct world {
    struct kv *kv;
    struct index *index;
    uint32_t docs;
    uint64_t current[RECORD_KINDS_MAX];
    struct ends ends; /* none: every log counts to its end */
};

static void world_begin(struct world *world)
{
    memset(world, 0, sizeof *world);
    world->kv = tables_open();
    world->index = index_new();
    assert_non_null(world->index);
}

static void world_end(struct world *world)
{
    index_destroy(&world->index);
    tables_drop(&world->kv);
}

/* Versions told[order[from..to - 1]] arrive in one batch. */
static void arrive(struct world *world, const struct told *told, const size_t *order, size_t from, size_t to)
{
    struct record_news news[400];
    size_t count = 0;
    struct kv_txn txn;

    kv_begin_write(world->kv, &txn);
    index_begin(world->index, world->docs);
    for (size_t i = from; i < to; i++) {
        const struct told *t = &told[order[i]];
        struct doc doc = {.id = id_of(t->record), .kind = t->kind, .seq = order[i]};
        uint8_t term[RECORD_TERM_BYTES];
        news[count] = (struct record_news){.is_held = true, .kind = t->kind};
        assert_int_equal(index_add(world->index, &doc, &news[count].number), ERR_OK);
        key_of(t, t->name, &news[count].key);
        record_term(&news[count].key, t->depth, term);
        assert_int_equal(index_term(world->index, span_of(term, sizeof term)), ERR_OK);
        count++;
        for (size_t r = 0; r < 3; r++) {
            if (t->replaces[r] != 0) {
                news[count] = (struct record_news){.is_held = false};
                key_of(t, t->replaces[r], &news[count++].key);
            }
        }
        assert_true(count < sizeof news / sizeof *news - 4);
    }
    assert_int_equal(records_apply(&txn, world->docs, &world->ends, news, count, world->current), ERR_OK);
    assert_int_equal(index_end(world->index, &txn), ERR_OK);
    world->docs = index_docs(world->index);
    assert_int_equal(kv_commit(&txn), ERR_OK);
}

static bool is_replaced_in(const struct told *told, size_t count, const struct told *version)
{
    for (size_t i = 0; i < count; i++) {
        for (size_t r = 0; r < 3; r++) {
            if (told[i].replaces[r] == version->name && told[i].record == version->record && told[i].author == version->author) {
                return true;
            }
        }
    }
    return false;
}

static bool is_copy_in(const struct told *told, size_t count, const struct told *version)
{
    for (size_t i = 0; i < count; i++) {
        if (&told[i] != version && told[i].record == version->record && told[i].author == version->author && told[i].name == version->name &&
            &told[i] < version) {
            return true;
        }
    }
    return false;
}

/* Compare with what the whole set of versions says. */
static void check(struct world *world, const struct told *told, size_t count)
{
    uint64_t current[RECORD_KINDS_MAX] = {0}, alive = 0;
    struct kv_txn txn;

    kv_begin_read(world->kv, &txn);
    for (size_t i = 0; i < count; i++) {
        struct record_id id = id_of(told[i].record);
        struct record_row *rows = NULL;
        struct record_key key;
        size_t n = 0, at = SIZE_MAX;
        bool is_replaced = is_replaced_in(told, count, &told[i]);
        if (is_copy_in(told, count, &told[i])) {
            continue;
        }
        current[told[i].kind] += !is_replaced;
        alive += !is_replaced;
        assert_int_equal(records_get(&txn, world->docs, &id, 1000, &rows, &n), ERR_OK);
        key_of(&told[i], told[i].name, &key);
        for (size_t r = 0; r < n; r++) {
            if (memcmp(rows[r].key.b, key.b, sizeof key.b) == 0) {
                assert_true(at == SIZE_MAX); /* once */
                at = r;
            }
            if (r > 0) { /* current first, then deeper first */
                assert_true(rows[r - 1].is_replaced < rows[r].is_replaced ||
                            (rows[r - 1].is_replaced == rows[r].is_replaced && rows[r - 1].depth >= rows[r].depth));
            }
        }
        assert_true(at != SIZE_MAX);
        assert_int_equal(rows[at].is_replaced, is_replaced);
        assert_int_equal(rows[at].depth, told[i].depth);
        free(rows);
    }
    assert_memory_equal(world->current, current, sizeof current);
    for (uint32_t first = 0; first < world->docs; first += 64) { /* as many documents are alive as versions are current */
        uint64_t word = 0;
        uint32_t docs = world->docs - first < 64 ? world->docs - first : 64;
        assert_int_equal(dead_bits(&txn, first, 64, &word), ERR_OK);
        alive -= docs - (uint64_t)__builtin_popcountll(word);
    }
    assert_int_equal(alive, 0);
    kv_abort(&txn);
}

static void shuffle(size_t *order, size_t count)
{
    for (size_t i = count; i > 1; i--) {
        size_t k = next_random() % i, o = order[i - 1];
        order[i - 1] = order[k];
        order[k] = o;
    }
}

/* Play a story in many orders, cut into batches in many ways. */
static void play(const struct told *told, size_t count, int rounds)
{
    size_t order[400];

    assert_true(count < 400);
    for (size_t i = 0; i < count; i++) {
        order[i] = i;
    }
    for (int round = 0; round < rounds; round++) {
        struct world world;
        world_begin(&world);
        for (size_t at = 0, to; at < count; at = to) {
            to = round % 3 == 0 ? count : round % 3 == 1 ? at + 1 : at + 1 + next_random() % 30;
            to = to > count ? count : to;
            to = to - at > 90 ? at + 90 : to;
            arrive(&world, told, order, at, to);
        }
        check(&world, told, count);
        world_end(&world);
        shuffle(order, count);
    }
}

static void a_version_replaces_what_it_names(void **state)
{
    static const struct told STORY[] = {{1, 1, 10, 1, {0}, 1}, {1, 1, 11, 1, {10}, 2}, {1, 1, 12, 1, {11}, 3}};

    (void)state;
    play(STORY, 3, 18);
}

static void two_heads_stand_side_by_side_until_one_replaces_both(void **state)
{
    static const struct told STORY[] = {
        {1, 1, 10, 1, {0}, 1},  {1, 1, 11, 1, {10}, 2}, {1, 1, 12, 1, {10}, 2},     {2, 1, 20, 1, {0}, 1},
        {2, 1, 21, 1, {20}, 2}, {2, 1, 22, 1, {20}, 2}, {2, 1, 23, 1, {21, 22}, 3},
    };

    (void)state;
    play(STORY, 7, 30);
}

static void another_author_replaces_nothing(void **state)
{
    static const struct told STORY[] = {{1, 1, 10, 1, {0}, 1}, {1, 2, 11, 1, {10}, 2}, {1, 2, 12, 1, {11}, 3}, {1, 1, 11, 1, {0}, 1}};

    (void)state;
    play(STORY, 4, 24);
}

static void a_version_that_names_what_never_comes_is_current(void **state)
{
    static const struct told STORY[] = {{1, 1, 11, 1, {10, 9, 8}, 2}, {2, 1, 20, 2, {0}, 1}};

    (void)state;
    play(STORY, 2, 6);
}

static void a_copy_counts_once(void **state)
{
    static const struct told STORY[] = {
        {1, 1, 10, 1, {0}, 1}, {1, 1, 10, 1, {0}, 1},  {1, 1, 10, 1, {0}, 1},  {2, 1, 20, 2, {0}, 1},
        {2, 1, 20, 2, {0}, 1}, {2, 1, 21, 2, {20}, 2}, {2, 1, 21, 2, {20}, 2},
    };

    (void)state;
    play(STORY, 7, 30);
}

static void a_version_may_change_its_kind(void **state)
{
    static const struct told STORY[] = {{1, 1, 10, 1, {0}, 1}, {1, 1, 11, 2, {10}, 2}};

    (void)state;
    play(STORY, 2, 6);
}

static void any_story_ends_the_same_in_any_order(void **state)
{
    (void)state;
    for (int story = 0; story < 12; story++) {
        static struct told told[360];
        size_t count = 40 + next_random() % 300;
        for (size_t i = 0; i < count; i++) {
            uint8_t name = (uint8_t)(1 + next_random() % 200);
            told[i] = (struct told){(uint8_t)(next_random() % 12), (uint8_t)(1 + next_random() % 2), name, 0, {0}, (uint8_t)(1 + name / 20)};
            told[i].kind = (uint8_t)(1 + name % 2); /* what a copy says is the same, so it follows from the name */
            for (size_t r = 0; r < 3 && name > 20; r++) {
                told[i].replaces[r] = (uint8_t)((name * 7u + r * 13u) % 3 == 0 ? (name - 20u + r * 3u) % (name - 1u) + 1 : 0);
            }
        }
        play(told, count, 6);
    }
}

static void ids_are_found_by_their_beginning(void **state)
{
    struct world world;
    static struct told told[300];
    size_t order[300];
    struct kv_txn txn;
    struct record_id from = {{0}}, found[8];
    struct record_row *rows;
    size_t count = 0;

    (void)state;
    world_begin(&world);
    for (size_t i = 0; i < 300; i++) {
        told[i] = (struct told){(uint8_t)i, 1, 1, 1, {0}, 1};
        order[i] = i;
    }
    for (size_t at = 0; at < 300; at += 75) {
        arrive(&world, told, order, at, at + 75);
    }
    kv_begin_read(world.kv, &txn);
    assert_int_equal(records_resolve(&txn, world.docs, &from, 0, found, 8, &count), ERR_OK);
    assert_int_equal(count, 8);
    for (size_t i = 0; i < 8; i++) {
        assert_int_equal(found[i].b[0], i); /* the lowest, rising, though some of them stand in the tail */
    }
    from.b[0] = 0x40;
    assert_int_equal(records_resolve(&txn, world.docs, &from, 4, found, 8, &count), ERR_OK);
    assert_int_equal(count, 8);
    assert_int_equal(found[7].b[0], 0x47);
    from.b[0] = 0x2b;
    assert_int_equal(records_resolve(&txn, world.docs, &from, 8, found, 8, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(found[0].b[0], 0x2b);
    from.b[1] = 1;
    assert_int_equal(records_resolve(&txn, world.docs, &from, 16, found, 8, &count), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(records_resolve(&txn, world.docs, &from, 0, found, 0, &count), ERR_OK);
    assert_int_equal(count, 0);
    assert_int_equal(records_get(&txn, world.docs, &from, 10, &rows, &count), ERR_NOT_FOUND);
    kv_abort(&txn);
    world_end(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_version_replaces_what_it_names),
        cmocka_unit_test(two_heads_stand_side_by_side_until_one_replaces_both),
        cmocka_unit_test(another_author_replaces_nothing),
        cmocka_unit_test(a_version_that_names_what_never_comes_is_current),
        cmocka_unit_test(a_copy_counts_once),
        cmocka_unit_test(a_version_may_change_its_kind),
        cmocka_unit_test(any_story_ends_the_same_in_any_order),
        cmocka_unit_test(ids_are_found_by_their_beginning),
    };
    return cmocka_run_group_tests(tests, folder_make, folder_remove);
}
