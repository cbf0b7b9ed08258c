/* Sealed records in the views: found by whom they are for, waiting for keys that come late, and nothing of them anywhere else. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "proto/erasure.h"
#include "proto/record/record.h"
#include "proto/sender_key.h"
#include "store/sender_keys.h"
#include "store/views.h"
#include "tests/lib/office.h"

enum { A, B, C, D, OFFICES };
enum { TO_A = 1 << A, TO_B = 1 << B, TO_C = 1 << C, TO_D = 1 << D };
enum { TODAY = 20780, KIND_SEIZURE_MANY = 5000 };
static const struct wall_ms NOW = {1700000000000};

static struct region region;
static struct office office[OFFICES];
static struct views *views[OFFICES];
static struct hash roster;

static void views_start(size_t i)
{
    assert_int_equal(views_open(office[i].home.path, office[i].opener, &views[i]), ERR_OK);
}

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    for (size_t i = 0; i < OFFICES; i++) {
        office_init(&office[i], &region, i);
    }
    offices_found(office, OFFICES);
    for (size_t i = 0; i < OFFICES; i++) {
        views_start(i);
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < OFFICES; i++) {
        views_close(&views[i]);
        office_fini(&office[i]);
    }
    region_fini(&region);
    return 0;
}

/* ---- writing ---- */

static struct span seizure(uint32_t id, const char *narrative, const struct hash *replaces, uint8_t bytes[PAYLOAD_BYTES_MAX])
{
    static const char *const values[][2] = {{"country", "SN"}, {"quantity", "2"}, {"unit", "kg"}, {"date", "2026-03-05"}, {"commodity", "cocaine"}};
    struct draft *draft = draft_new(kind_by_name(span_text("seizure")));
    struct record *record = malloc(sizeof *record);
    struct record_faults *faults = calloc(1, sizeof *faults);
    struct out out = out_into(bytes, PAYLOAD_BYTES_MAX);

    assert_true(draft != NULL && record != NULL && faults != NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(draft_add(draft, span_text(values[i][0]), span_text(values[i][1]), faults));
    }
    assert_true(draft_add(draft, span_text("narrative"), span_text(narrative), faults));
    assert_true(draft_finish(draft, TODAY, record, faults));
    memset(record->id.b, 0, sizeof record->id.b);
    record->id.b[0] = (uint8_t)(id >> 8);
    record->id.b[1] = (uint8_t)id;
    record->id.b[15] = 0x77;
    record->depth = replaces == NULL ? 1 : 2;
    record->replaces_count = replaces == NULL ? 0 : 1;
    if (replaces != NULL) {
        record->replaces[0] = *replaces;
    }
    assert_int_equal(record_encode(record, &out), ERR_OK);
    free(faults);
    free(record);
    draft_destroy(&draft);
    return out_written(&out);
}

static struct hash put_version(size_t author, enum channel channel, uint32_t readers, uint32_t id, const char *narrative, const struct hash *replaces)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];

    return office_write(&office[author], channel, readers, seizure(id, narrative, replaces, bytes), NOW);
}

static struct hash put(size_t author, uint32_t readers, uint32_t id, const char *narrative)
{
    return put_version(author, CHANNEL_REPORT, readers, id, narrative, NULL);
}

/* Many records in few commits. */
static void put_many(size_t author, uint32_t readers, uint32_t first, uint32_t count)
{
    enum { CHUNK = 500 };
    static uint8_t bytes[CHUNK][PAYLOAD_BYTES_MAX];
    static struct payload payloads[CHUNK];
    struct audience audience = office_audience(&region, readers);

    for (uint32_t done = 0; done < count; done += CHUNK) {
        uint32_t n = count - done < CHUNK ? count - done : CHUNK;
        struct head head;
        for (uint32_t i = 0; i < n; i++) {
            char narrative[64];
            (void)snprintf(narrative, sizeof narrative, "many number%u", first + done + i);
            payloads[i] = (struct payload){.kind = ENTRY_RECORD, .bytes = seizure(first + done + i, narrative, NULL, bytes[i]), .audience = &audience};
        }
        assert_int_equal(store_begin(office[author].home.store), ERR_OK);
        assert_int_equal(author_append(office[author].author, CHANNEL_BULK, payloads, n, NOW, 1, NULL, &head), ERR_OK);
        assert_int_equal(store_commit(office[author].home.store), ERR_OK);
    }
}

static struct log_id grant(size_t author, const struct hash *content, uint32_t readers)
{
    struct audience late = office_audience(&region, readers);
    struct node_id found;
    struct entry entry;
    struct hash id;
    struct head head;

    assert_true(office_entry(&office[author], content, &entry, &found));
    memcpy(id.b, entry.leaf.audience, sizeof id.b);
    assert_int_equal(store_begin(office[author].home.store), ERR_OK);
    assert_int_equal(author_grant(office[author].author, &id, 1, &late, NOW, 1, &head), ERR_OK);
    assert_int_equal(store_commit(office[author].home.store), ERR_OK);
    return head.log;
}

static void order(size_t author, const struct hash *content)
{
    struct erasure erasure = {.author = region.nodes[author].id, .leaf_count = 1, .leaves = {*content}, .reason = "test"};
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct head head;

    assert_int_equal(erasure_encode(&erasure, &out), ERR_OK);
    struct payload payload = {.kind = ENTRY_ERASURE, .bytes = out_written(&out)};
    assert_int_equal(store_begin(office[author].home.store), ERR_OK);
    assert_int_equal(author_append(office[author].author, CHANNEL_CONTROL, &payload, 1, NOW, 1, NULL, &head), ERR_OK);
    for (struct store *store = office[author].home.store; store_erase_is_due(store);) {
        assert_int_equal(store_erase_step(store), ERR_OK);
    }
    assert_int_equal(store_commit(office[author].home.store), ERR_OK);
}

/* ---- following and asking ---- */

static uint64_t follow_some(size_t i, uint64_t items_max)
{
    uint64_t left = 0;

    assert_int_equal(views_follow(views[i], office[i].home.store, items_max, &left), ERR_OK);
    return left;
}

static void follow(size_t i)
{
    while (follow_some(i, 1000) > 0) {
    }
}

static struct version last;
static uint8_t last_payload[PAYLOAD_BYTES_MAX];
static size_t seen;

static bool see(void *arg, const struct version *version)
{
    (void)arg;
    last = *version;
    if (version->payload.n > 0) {
        memcpy(last_payload, version->payload.p, version->payload.n);
    }
    last.payload.p = last_payload;
    seen++;
    return true;
}

static uint64_t search(size_t i, const char *query)
{
    struct views_read *read = NULL;
    struct query_result result = {0, 0};
    size_t at;
    const char *why;

    seen = 0;
    assert_int_equal(views_read_begin(views[i], office[i].home.store, &read), ERR_OK);
    assert_int_equal(views_search(read, span_text(query), 0, 10, see, NULL, &result, &at, &why), ERR_OK);
    views_read_end(&read);
    return result.total;
}

static size_t versions(size_t i, uint32_t id)
{
    struct record_id record = {{(uint8_t)(id >> 8), (uint8_t)id}};
    struct views_read *read = NULL;

    record.b[15] = 0x77;
    seen = 0;
    assert_int_equal(views_read_begin(views[i], office[i].home.store, &read), ERR_OK);
    enum err err = views_versions(read, &record, see, NULL);
    views_read_end(&read);
    assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
    return seen;
}

static struct views_count count_of(size_t i)
{
    struct views_read *read = NULL;
    struct views_count count;

    assert_int_equal(views_read_begin(views[i], office[i].home.store, &read), ERR_OK);
    assert_int_equal(views_count(read, &count), ERR_OK);
    views_read_end(&read);
    return count;
}

static void fault_print(void *arg, enum err err, const char *what)
{
    (void)arg;
    print_message("%s: %s\n", err_name(err), what);
}

static void check(size_t i)
{
    struct views_check one = {.fault = fault_print};
    struct views_read *read = NULL;

    assert_int_equal(views_read_begin(views[i], office[i].home.store, &read), ERR_OK);
    enum err err = views_check(read, &one);
    views_read_end(&read);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(one.faults, 0);
}

static void dump_add(void *arg, struct span key, struct span value)
{
    struct hash_state *state = arg;
    uint8_t sizes[4] = {(uint8_t)key.n, (uint8_t)(key.n >> 8), (uint8_t)value.n, (uint8_t)(value.n >> 8)};

    hash_add(state, span_of(sizes, sizeof sizes));
    hash_add(state, key);
    hash_add(state, value);
}

static struct hash dump(size_t i)
{
    struct views_read *read = NULL;
    struct hash_state state;
    struct hash hash;

    hash_start(&state, HASH_FILE);
    assert_int_equal(views_read_begin(views[i], office[i].home.store, &read), ERR_OK);
    assert_int_equal(views_dump(read, dump_add, &state), ERR_OK);
    views_read_end(&read);
    hash_end(&state, &hash);
    return hash;
}

/* The same views, made from nothing, have the same bytes. */
static void expect_rebuilt_alike(size_t i)
{
    struct hash before = dump(i), after;

    views_close(&views[i]);
    assert_int_equal(views_drop(office[i].home.path), ERR_OK);
    views_start(i);
    follow(i);
    after = dump(i);
    assert_true(hash_equal(&before, &after));
    check(i);
}

static void restart(size_t i)
{
    views_close(&views[i]);
    office_restart(&office[i]);
    views_start(i);
}

/* ---- tests ---- */

static void a_sealed_record_is_found_by_whom_it_is_for(void **state)
{
    (void)state;
    put(A, 0, 1, "alpha for everybody");
    struct hash content = put(A, TO_B, 2, "bravo for one");
    for (size_t i = 1; i < OFFICES; i++) {
        office_carry(&office[A], &office[i]);
    }
    for (size_t i = 0; i < OFFICES; i++) {
        follow(i);
        bool is_reader = i == A || i == B;
        assert_int_equal(search(i, "alpha"), 1);
        assert_false(last.is_sealed);
        assert_int_equal(search(i, "bravo"), is_reader ? 1 : 0);
        assert_int_equal(search(i, "cocaine"), is_reader ? 2 : 1);
        assert_int_equal(versions(i, 2), is_reader ? 1 : 0);
        struct views_count count = count_of(i);
        assert_int_equal(count.versions, is_reader ? 2 : 1);
        assert_int_equal(count.skipped[VIEWS_SKIP_SEALED], is_reader ? 0 : 1);
        assert_int_equal(count.skipped[VIEWS_SKIP_KIND], 1); /* the key */
        if (is_reader) {
            struct unpack *unpack = unpack_new();
            struct audience audience, expected = office_audience(&region, TO_A | TO_B);
            static struct record record;
            struct store_read *read = NULL;
            const char *clause;
            assert_true(last.is_sealed && last.is_current && hash_equal(&last.content, &content));
            assert_int_equal(record_decode(unpack, last.payload, &record, &clause), ERR_OK);
            assert_int_equal(store_read_begin(office[i].home.store, &read), ERR_OK);
            assert_int_equal(store_key_audience(read, &last.author, &last.key_id, &audience, NULL), ERR_OK);
            store_read_end(&read);
            assert_true(audience_equal(&audience, &expected));
            unpack_destroy(&unpack);
        }
        check(i);
        expect_rebuilt_alike(i);
    }
}

static void sealed_versions_replace_one_another_like_others(void **state)
{
    (void)state;
    struct hash first = put(A, TO_B, 1, "first"), second = put_version(A, CHANNEL_REPORT, TO_B | TO_C, 1, "second", &first);
    struct hash third = put_version(A, CHANNEL_ALERT, 0, 1, "third", &second);
    (void)third;
    for (size_t i = 1; i < OFFICES; i++) {
        office_carry(&office[A], &office[i]);
        follow(i);
    }
    assert_int_equal(versions(B, 1), 3);
    assert_int_equal(versions(C, 1), 2);
    assert_int_equal(versions(D, 1), 1);
    for (size_t i = 1; i < OFFICES; i++) {
        assert_int_equal(search(i, "third"), 1);
        assert_int_equal(search(i, "second"), 0);
        assert_int_equal(search(i, "first"), 0);
        check(i);
    }
}

struct listing {
    struct views_sealed items[8];
    size_t count;
};

static bool list(void *arg, const struct views_sealed *sealed)
{
    struct listing *listing = arg;

    assert_true(listing->count < 8);
    listing->items[listing->count++] = *sealed;
    return true;
}

static void what_a_node_keeps_and_cannot_read_is_counted(void **state)
{
    struct listing listing = {.count = 0};
    struct views_read *read = NULL;

    (void)state;
    put(A, TO_B, 1, "one");
    put(A, TO_B, 2, "two");
    put(A, TO_C, 3, "three");
    office_carry(&office[A], &office[D]);
    follow(D);
    assert_int_equal(views_read_begin(views[D], office[D].home.store, &read), ERR_OK);
    assert_int_equal(views_sealed(read, list, &listing), ERR_OK);
    views_read_end(&read);
    assert_int_equal(listing.count, 2);
    assert_int_equal(listing.items[0].entries + listing.items[1].entries, 3);
    for (size_t i = 0; i < 2; i++) {
        assert_true(node_id_equal(&listing.items[i].author, &region.nodes[A].id));
        assert_int_equal(listing.items[i].channel, CHANNEL_REPORT);
        assert_int_equal(listing.items[i].why, ERR_PERMISSION);
        assert_true(listing.items[i].first_seq >= 2 && listing.items[i].last_seq <= 5);
    }
    listing.count = 0;
    follow(A);
    assert_int_equal(views_read_begin(views[A], office[A].home.store, &read), ERR_OK);
    assert_int_equal(views_sealed(read, list, &listing), ERR_OK);
    views_read_end(&read);
    assert_int_equal(listing.count, 0);
}

static void what_waited_is_worked_in_when_its_grant_comes(void **state)
{
    (void)state;
    struct hash first = put(A, TO_B, 1, "early bird");
    put(A, TO_B, 2, "early worm");
    put(A, TO_C, 3, "another audience");
    office_carry(&office[A], &office[D]);
    follow(D);
    check(D);
    assert_int_equal(search(D, "early"), 0);
    put(A, 0, 4, "plain and later");
    put(A, TO_B, 5, "late bird"); /* under the same key, and behind the grant when it comes to D */
    struct log_id control = grant(A, &first, TO_D);
    put(A, TO_B, 6, "afterwards"); /* a key that was given away seals nothing more */
    office_carry_log(&office[A], &office[D], &control);
    follow(D);
    check(D);
    assert_int_equal(search(D, "early"), 2);
    assert_int_equal(search(D, "bird"), 1);
    office_carry(&office[A], &office[D]);
    follow(D);
    check(D);
    assert_int_equal(search(D, "bird"), 2);
    assert_int_equal(search(D, "afterwards"), 0);
    assert_int_equal(search(D, "another"), 0);
    assert_int_equal(count_of(D).skipped[VIEWS_SKIP_SEALED], 2);
    expect_rebuilt_alike(D);
    restart(D);
    follow(D);
    check(D);
    assert_int_equal(search(D, "early"), 2);
}

/* Erased while it waited, and erased after it was worked in: whatever of it comes, check finds nothing wrong and nobody finds it. */
static void what_is_erased_while_it_waits_is_not_worked_in(void **state)
{
    (void)state;
    struct hash early = put(A, TO_B, 1, "gone early"), late = put(A, TO_B, 2, "gone late");
    put(A, TO_B, 3, "stays");
    office_carry(&office[A], &office[D]);
    follow(D);
    check(D);
    order(A, &early);
    office_carry(&office[A], &office[D]);
    follow(D);
    check(D);
    grant(A, &late, TO_D);
    office_carry(&office[A], &office[D]);
    follow(D);
    check(D);
    assert_int_equal(search(D, "gone"), 1);
    assert_int_equal(search(D, "stays"), 1);
    order(A, &late);
    office_carry(&office[A], &office[D]);
    follow(D);
    check(D);
    assert_int_equal(search(D, "gone"), 0);
    assert_int_equal(search(D, "stays"), 1);
    restart(D);
    follow(D);
    check(D);
}

/* The journal of D, followed in every manner of steps, gives one set of bytes. */
static void many_that_waited_come_in_steps_and_give_the_same_bytes(void **state)
{
    static const uint64_t steps[] = {1, 7, 4096};
    struct hash dumps[sizeof steps / sizeof steps[0]];

    (void)state;
    put_many(A, TO_B, 1, KIND_SEIZURE_MANY);
    struct hash first = put_version(A, CHANNEL_BULK, TO_B, 60001, "named", NULL);
    put_version(A, CHANNEL_BULK, TO_B, 60001, "naming", &first);
    put(B, 0, 60002, "by somebody else");
    office_carry(&office[B], &office[D]);
    office_carry(&office[A], &office[D]);
    follow(D);
    assert_int_equal(count_of(D).skipped[VIEWS_SKIP_SEALED], KIND_SEIZURE_MANY + 2);
    grant(A, &first, TO_D);
    put(A, 0, 60003, "behind the grant");
    office_carry(&office[A], &office[D]);
    uint64_t left = follow_some(D, 4096);
    assert_true(left > 0);
    assert_int_equal(search(D, "behind"), 0); /* nothing overtakes what is being worked in */
    uint64_t worked_in = search(D, "many");
    assert_in_range(worked_in, 1, KIND_SEIZURE_MANY - 1);
    check(D); /* half-way, too */
    restart(D);
    follow(D);
    check(D);
    assert_int_equal(search(D, "many"), KIND_SEIZURE_MANY);
    assert_int_equal(search(D, "behind"), 1);
    assert_int_equal(search(D, "named"), 0);
    assert_int_equal(search(D, "naming"), 1);
    assert_int_equal(count_of(D).skipped[VIEWS_SKIP_SEALED], 0);
    struct hash by_arrival = dump(D);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        views_close(&views[D]);
        assert_int_equal(views_drop(office[D].home.path), ERR_OK);
        views_start(D);
        while (follow_some(D, steps[i]) > 0) {
        }
        dumps[i] = dump(D);
        assert_true(hash_equal(&dumps[i], &by_arrival));
    }
    check(D);
}

static void a_rotation_changes_nothing_and_a_lost_key_begins_again(void **state)
{
    (void)state;
    put(A, TO_B, 1, "under the first key");
    office_carry(&office[A], &office[B]);
    follow(B);
    struct views_count before = count_of(B);
    office_rotate(&office[B]);
    follow(B);
    assert_int_equal(count_of(B).followed, before.followed);
    struct span card = office_card(&office[B]);
    assert_int_equal(home_notice(&office[A].home, card), ERR_OK);
    put(A, TO_B, 2, "under the second key");
    office_carry(&office[A], &office[B]);
    follow(B);
    check(B);
    assert_int_equal(search(B, "under"), 2);
    expect_rebuilt_alike(B);
    /* Without the first key the first text is not to be had any more, also not out of the index. */
    struct secret *key = NULL;
    assert_int_equal(keyring_get(office[B].keyring, "encryption-1", &key), ERR_OK);
    assert_int_equal(keyring_remove(office[B].keyring, "encryption-1"), ERR_OK);
    restart(B);
    assert_int_equal(search(B, "first"), 1); /* until the views are followed; its text is gone */
    assert_int_equal(last.payload.n, 0);
    follow(B);
    check(B);
    assert_int_equal(search(B, "under"), 1);
    assert_int_equal(count_of(B).skipped[VIEWS_SKIP_SEALED], 1);
    /* Brought back, it opens it again. */
    assert_int_equal(keyring_put(office[B].keyring, "encryption-1", key, false), ERR_OK);
    secret_destroy(&key);
    restart(B);
    follow(B);
    check(B);
    assert_int_equal(search(B, "under"), 2);
    expect_rebuilt_alike(B);
}

static void without_keys_nothing_sealed_is_opened(void **state)
{
    (void)state;
    put(A, TO_B, 1, "secret");
    put(A, 0, 2, "open");
    office_carry(&office[A], &office[B]);
    views_close(&views[B]);
    assert_int_equal(views_open(office[B].home.path, NULL, &views[B]), ERR_OK);
    follow(B);
    check(B);
    assert_int_equal(search(B, "secret"), 0);
    assert_int_equal(search(B, "open"), 1);
    views_close(&views[B]);
    views_start(B);
    follow(B);
    check(B);
    assert_int_equal(search(B, "secret"), 1);
    expect_rebuilt_alike(B);
    views_close(&views[B]);
    assert_int_equal(views_open(office[B].home.path, NULL, &views[B]), ERR_OK);
    follow(B);
    assert_int_equal(search(B, "secret"), 0);
}

/* A cut takes sealed versions back like others, also those that come out of waiting only afterwards; a roster gives them again. */
static void sealed_versions_beyond_a_cut_are_withdrawn(void **state)
{
    struct store_read *read = NULL;
    struct log_info info;
    struct entry entry;
    struct node_id author;

    (void)state;
    struct hash first = put(C, TO_B, 1, "before the cut");
    assert_true(office_entry(&office[C], &first, &entry, &author));
    assert_int_equal(store_read_begin(office[C].home.store, &read), ERR_OK);
    assert_int_equal(store_log_by_number(read, 1, &info), ERR_OK);
    store_read_end(&read);
    put(C, TO_B, 2, "beyond the cut");
    grant(C, &first, TO_D);
    office_carry(&office[C], &office[B]);
    office_carry(&office[C], &office[D]);
    follow(B);
    follow(D);
    struct hash whole[2] = {dump(B), dump(D)};
    assert_int_equal(search(B, "cut"), 2);
    assert_int_equal(search(D, "cut"), 2);
    (void)region_roster(&region, &(struct region_roster){.number = 1, .members = 0xff}, &roster);
    struct span suspension = region_suspend(&region, A, 1, &roster, 1, C, &info.head, 1);
    for (size_t i = B; i <= D; i += 2) {
        assert_int_equal(home_notice(&office[i].home, suspension), ERR_OK);
        follow(i);
        assert_int_equal(search(i, "cut"), 1);
        assert_int_equal(versions(i, 2), 1);
        assert_true(last.is_disputed && last.payload.n > 0);
        check(i);
        expect_rebuilt_alike(i);
    }
    (void)whole;
}

/* Whatever an author writes under a good key that is no record is counted, and nothing stands still. */
static void what_is_wrong_inside_is_counted(void **state)
{
    (void)state;
    office_write(&office[A], CHANNEL_REPORT, TO_B, span_text("no record"), NOW);
    put(A, TO_B, 1, "a record");
    struct hash content = put(A, TO_B, 2, "copied");
    office_carry(&office[A], &office[C]);
    struct entry entry;
    struct node_id author;
    assert_true(office_entry(&office[C], &content, &entry, &author));
    static uint8_t bytes[PAYLOAD_BYTES_MAX];
    memcpy(bytes, entry.payload.p, entry.payload.n);
    entry.payload = span_of(bytes, entry.payload.n);
    office_raw(&office[C], CHANNEL_REPORT, &entry, 1); /* A's key id in C's log: waits for ever */
    bytes[100] ^= 1;
    office_raw(&office[A], CHANNEL_REPORT, &entry, 1); /* a broken seal in A's own */
    entry.leaf.codec = 7;
    office_raw(&office[A], CHANNEL_REPORT, &entry, 1);
    office_carry(&office[A], &office[B]);
    office_carry(&office[C], &office[B]);
    follow(B);
    check(B);
    struct views_count count = count_of(B);
    assert_int_equal(count.versions, 2);
    assert_int_equal(count.skipped[VIEWS_SKIP_BAD], 2);
    assert_int_equal(count.skipped[VIEWS_SKIP_SEALED], 1);
    assert_int_equal(count.skipped[VIEWS_SKIP_KIND], 2); /* the key; and kind 0 without its codec */
    grant(A, &content, TO_B);
    office_carry(&office[A], &office[B]);
    follow(B);
    check(B);
    assert_int_equal(count_of(B).skipped[VIEWS_SKIP_SEALED], 1);
    expect_rebuilt_alike(B);
}

/* ---- what is erased ---- */

/* Erased while it waits, while it is in the index, and after it was worked in late: it is gone in each case, and the check agrees. */
static void what_is_sealed_can_be_erased_at_any_time(void **state)
{
    struct hash contents[4];

    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "letter%u among four", i);
        contents[i] = put(A, TO_B, i + 1, text);
    }
    office_carry(&office[A], &office[B]);
    office_carry(&office[A], &office[D]);
    follow(B);
    follow(D);
    order(A, &contents[1]);
    for (size_t i = B; i <= D; i += 2) {
        office_carry(&office[A], &office[i]);
        follow(i);
        check(i);
    }
    assert_int_equal(search(B, "among"), 3);
    assert_int_equal(search(B, "letter1"), 0);
    grant(A, &contents[0], TO_D);
    office_carry(&office[A], &office[D]);
    follow(D);
    check(D);
    assert_int_equal(search(D, "among"), 3); /* what was erased before the key came is not here */
    order(A, &contents[2]);
    for (size_t i = B; i <= D; i += 2) {
        office_carry(&office[A], &office[i]);
        follow(i);
        check(i);
        assert_int_equal(search(i, "among"), 2);
        assert_int_equal(search(i, "letter2"), 0);
        office_fsck(&office[i]);
        views_close(&views[i]);
        assert_int_equal(views_drop(office[i].home.path), ERR_OK);
        views_start(i);
        follow(i);
        check(i);
        assert_int_equal(search(i, "among"), 2);
    }
}

/* ---- T17: a full dump of somebody who is not meant ---- */

static const char MARKER[] = "zqxmarker7pineapple"; /* one word, and one term of an index */

static size_t count_in(struct span haystack, const char *needle)
{
    size_t n = strlen(needle), found = 0;

    for (size_t i = 0; i + n <= haystack.n; i++) {
        found += memcmp(haystack.p + i, needle, n) == 0;
    }
    return found;
}

static size_t count_in_file(const char *home, const char *name)
{
    char path[128];
    FILE *file;
    size_t n, found = 0, cap = (size_t)64 << 20;
    uint8_t *bytes = malloc(cap);

    assert_non_null(bytes);
    (void)snprintf(path, sizeof path, "%s/%s/data.mdb", home, name);
    file = fopen(path, "rb");
    assert_non_null(file);
    n = fread(bytes, 1, cap, file);
    assert_in_range(n, 1, cap - 1);
    found = count_in(span_of(bytes, n), MARKER);
    (void)fclose(file);
    free(bytes);
    return found;
}

struct thief {
    struct office *office;
    struct store_read *read;
    size_t plaintexts; /* markers met */
    size_t entries, sealed, opened, wraps, unwrapped;
    struct commit commit;
};

static void views_see(void *arg, struct span key, struct span value)
{
    struct thief *thief = arg;

    thief->plaintexts += count_in(key, MARKER) + count_in(value, MARKER);
}

/* Every wrap that is addressed to anybody, with every key of ours. */
static void try_wraps(struct thief *thief, const struct entry *entry)
{
    struct unpack *unpack = unpack_new();
    struct sender_key key;
    struct secret *opened = secret_new(32);

    assert_int_equal(sender_key_read(unpack, entry->payload, &key, NULL), ERR_OK);
    for (uint32_t i = 0; i < key.count; i++) {
        for (int number = 1; number <= thief->office->keys; number++) {
            char name[32];
            struct secret *secret = NULL;
            struct box_public public;
            (void)snprintf(name, sizeof name, "encryption-%d", number);
            assert_int_equal(keyring_get(thief->office->keyring, name, &secret), ERR_OK);
            box_public_of(secret, &public);
            thief->wraps++;
            thief->unwrapped += wrap_open((struct sealing_key){secret, 0}, &public, &key.ephemeral, key.wraps[i].wrap, opened, 0) == ERR_OK;
            secret_destroy(&secret);
        }
    }
    secret_destroy(&opened);
    unpack_destroy(&unpack);
}

static bool steal_log(void *arg, const struct log_info *log)
{
    static uint8_t scratch[OPENER_SCRATCH_BYTES], bytes[PAYLOAD_BYTES_MAX];
    struct thief *thief = arg;
    struct hash hash;

    for (uint64_t seq = 1; seq <= log->held_seq; seq++) {
        assert_int_equal(store_commit_at(thief->read, log->number, seq, &thief->commit, &hash), ERR_OK);
        for (uint32_t i = 0; i < thief->commit.entry_count; i++) {
            const struct entry *entry = &thief->commit.entries[i];
            struct sealed sealed;
            thief->entries++;
            thief->plaintexts += count_in(entry->payload, MARKER);
            if (entry->leaf.kind == ENTRY_KEY) {
                try_wraps(thief, entry);
            }
            if (!entry_is_sealed(entry)) {
                continue;
            }
            struct entry copy = *entry;
            memcpy(bytes, entry->payload.p, entry->payload.n);
            copy.payload = span_of(bytes, entry->payload.n);
            thief->sealed++;
            for (size_t author = 0; author < REGION_NODES; author++) { /* whoever it may be by */
                thief->opened += opener_open(thief->office->opener, thief->read, &region.nodes[author].id, &copy, scratch, &sealed) == ERR_OK;
            }
        }
    }
    return true;
}

static struct thief steal(size_t i)
{
    static struct thief thief;
    struct views_read *read = NULL;

    memset(&thief, 0, sizeof thief);
    thief.office = &office[i];
    assert_int_equal(store_read_begin(office[i].home.store, &thief.read), ERR_OK);
    assert_int_equal(store_logs(thief.read, steal_log, &thief), ERR_OK);
    store_read_end(&thief.read);
    assert_int_equal(views_read_begin(views[i], office[i].home.store, &read), ERR_OK);
    assert_int_equal(views_dump(read, views_see, &thief), ERR_OK);
    views_read_end(&read);
    thief.plaintexts += count_in_file(office[i].home.path, "log") + count_in_file(office[i].home.path, "views");
    return thief;
}

static void a_full_dump_of_a_non_recipient_and_its_keys_give_no_plaintext(void **state)
{
    enum { RECORDS = 300 };

    (void)state;
    for (uint32_t i = 0; i < RECORDS; i++) {
        char narrative[64];
        (void)snprintf(narrative, sizeof narrative, "%s seen at post %u", MARKER, i);
        put(i % 2 == 0 ? A : C, TO_B | (i % 3 == 0 ? TO_C : TO_A), i + 1, narrative);
    }
    office_rotate(&office[D]); /* all its keys, old and new */
    for (size_t i = 0; i < OFFICES; i++) {
        office_carry(&office[A], &office[i]);
        office_carry(&office[C], &office[i]);
        follow(i);
        restart(i); /* what is in no memory any more is on the disk */
        follow(i);
    }
    struct thief d = steal(D);
    print_message("%zu entries, %zu sealed; %zu wraps tried\n", d.entries, d.sealed, d.wraps);
    if (d.plaintexts != 0 || d.opened != 0 || d.unwrapped != 0) {
        fail_msg("T17: %zu plaintexts, %zu of %zu sealed entries and %zu of %zu wraps open to a non-recipient", d.plaintexts, d.opened, d.sealed,
                 d.unwrapped, d.wraps);
    }
    assert_int_equal(d.sealed, RECORDS);
    assert_true(d.wraps > 0);
    /* The same thief in a recipient's office finds all of it: the search is able to. */
    struct thief b = steal(B);
    assert_int_equal(b.opened, RECORDS);
    assert_true(b.plaintexts > 0 && b.unwrapped > 0);
    assert_int_equal(search(B, MARKER), RECORDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_sealed_record_is_found_by_whom_it_is_for),
        TEST(sealed_versions_replace_one_another_like_others),
        TEST(what_a_node_keeps_and_cannot_read_is_counted),
        TEST(what_waited_is_worked_in_when_its_grant_comes),
        TEST(what_is_erased_while_it_waits_is_not_worked_in),
        TEST(many_that_waited_come_in_steps_and_give_the_same_bytes),
        TEST(a_rotation_changes_nothing_and_a_lost_key_begins_again),
        TEST(without_keys_nothing_sealed_is_opened),
        TEST(sealed_versions_beyond_a_cut_are_withdrawn),
        TEST(what_is_wrong_inside_is_counted),
        TEST(what_is_sealed_can_be_erased_at_any_time),
        TEST(a_full_dump_of_a_non_recipient_and_its_keys_give_no_plaintext),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
