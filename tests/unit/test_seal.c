/* Confidentiality at the bottom: sender keys and sealed entries, written, kept, opened; and whoever must not read them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/sender_key.h"
#include "store/author.h"
#include "store/sender_keys.h"
#include "tests/lib/office.h"

enum { A, B, C, D, E, OFFICES };
enum { TO_A = 1 << A, TO_B = 1 << B, TO_C = 1 << C, TO_D = 1 << D };
static const struct wall_ms NOW = {1700000000000};
static const uint64_t DAY_MS = 86400000;

static struct region region;
static struct office office[OFFICES];

static int setup(void **state)
{
    (void)state;
    region_init(&region, 2);
    for (size_t i = 0; i < OFFICES; i++) {
        office_init(&office[i], &region, i);
    }
    offices_found(office, OFFICES);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    for (size_t i = 0; i < OFFICES; i++) {
        office_fini(&office[i]);
    }
    region_fini(&region);
    return 0;
}

static struct hash write_text(size_t author, uint32_t readers, const char *text)
{
    return office_write(&office[author], CHANNEL_REPORT, readers, span_text(text), NOW);
}

static void expect_open(size_t reader, const struct hash *content, const char *text)
{
    struct sealed sealed;
    enum err err = office_open(&office[reader], content, &sealed);

    if (err != ERR_OK) {
        fail_msg("office %zu: %s", reader, err_name(err));
    }
    assert_int_equal(sealed.kind, ENTRY_RECORD);
    assert_int_equal(sealed.flags, 3);
    assert_true(span_equal(sealed.payload, span_text(text)));
}

static void expect_closed(size_t reader, const struct hash *content, enum err err)
{
    struct sealed sealed;

    assert_string_equal(err_name(office_open(&office[reader], content, &sealed)), err_name(err));
}

static size_t keys_of(size_t holder, size_t author)
{
    return office_count(&office[holder], &region.nodes[author].id, ENTRY_KEY);
}

static struct entry entry_of(size_t holder, const struct hash *content)
{
    struct entry entry;
    struct node_id author;

    assert_true(office_entry(&office[holder], content, &entry, &author));
    return entry;
}

static struct hash key_id(const struct hash *content)
{
    struct entry entry = entry_of(A, content);
    struct hash id;

    memcpy(id.b, entry.leaf.audience, sizeof id.b);
    return id;
}

/* ---- who reads ---- */

static void an_audience_reads_and_nobody_else_does(void **state)
{
    (void)state;
    struct hash content = write_text(A, TO_B | TO_C, "for two");

    office_carry(&office[A], &office[D]); /* the relay */
    office_carry(&office[D], &office[B]);
    office_carry(&office[D], &office[C]);
    expect_open(A, &content, "for two"); /* the author too, who was not named */
    expect_open(B, &content, "for two");
    expect_open(C, &content, "for two");
    expect_closed(D, &content, ERR_PERMISSION);
    struct entry entry = entry_of(D, &content);
    assert_true(entry_is_sealed(&entry));
    assert_int_equal(entry.leaf.flags, 0);
    for (size_t i = 0; i < OFFICES; i++) {
        office_fsck(&office[i]);
    }
}

static void plain_entries_stay_as_they_were(void **state)
{
    (void)state;
    struct hash content = write_text(A, 0, "for all");
    struct entry entry = entry_of(A, &content);

    assert_false(entry_is_sealed(&entry));
    assert_int_equal(entry.leaf.kind, ENTRY_RECORD);
    assert_int_equal(keys_of(A, A), 0);
    expect_closed(A, &content, ERR_INVALID);
}

static void what_is_sealed_for_a_node_whose_key_nobody_knew_waits_for_a_grant(void **state)
{
    (void)state;
    /* Node 6 is a member without a card. */
    struct hash content = office_write(&office[A], CHANNEL_REPORT, TO_B | 1U << 6, span_text("early"), NOW);
    struct office late;

    office_init(&late, &region, 6);
    struct hash roster;
    struct span notices[] = {region.charter, region_roster(&region, &(struct region_roster){.number = 1, .members = 0xff}, &roster)};
    home_notices(&late.home, notices, 2);
    office_carry(&office[A], &late);
    struct sealed sealed;
    assert_int_equal(office_open(&late, &content, &sealed), ERR_PERMISSION);

    struct audience audience = {.count = 0};
    struct hash id = key_id(&content);
    struct head head;
    assert_int_equal(audience_add(&audience, &region.nodes[6].id), ERR_OK);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_grant(office[A].author, &id, 1, &audience, NOW, 1, &head), ERR_UNKNOWN_KEY);
    store_abort(office[A].home.store);
    assert_int_equal(home_notice(&office[A].home, office_card(&late)), ERR_OK);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_grant(office[A].author, &id, 1, &audience, NOW, 1, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    office_carry(&office[A], &late);
    assert_int_equal(office_open(&late, &content, &sealed), ERR_OK);
    assert_true(span_equal(sealed.payload, span_text("early")));
    office_fsck(&late);
    office_fini(&late);
}

static void a_late_joiner_reads_what_it_is_granted_and_nothing_else(void **state)
{
    (void)state;
    struct hash first = write_text(A, TO_B, "granted"), second = write_text(A, TO_B | TO_C, "not granted");
    struct audience late = office_audience(&region, TO_D);
    struct hash id = key_id(&first), unknown = {{7}};
    struct head head;

    office_carry(&office[A], &office[D]);
    expect_closed(D, &first, ERR_PERMISSION);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_grant(office[A].author, &unknown, 1, &late, NOW, 1, &head), ERR_NOT_FOUND);
    assert_int_equal(author_grant(office[A].author, &id, 1, &(struct audience){.count = 0}, NOW, 1, &head), ERR_INVALID);
    assert_int_equal(author_grant(office[A].author, &id, 1, &late, NOW, 1, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    office_carry(&office[A], &office[D]);
    expect_open(D, &first, "granted");
    expect_closed(D, &second, ERR_PERMISSION);
    assert_int_equal(office_count(&office[D], &region.nodes[A].id, ENTRY_GRANT), 1);
}

static void a_grant_by_somebody_else_counts_for_nothing(void **state)
{
    (void)state;
    struct hash content = write_text(A, TO_B, "not B's to give"), id = key_id(&content);
    struct audience late = office_audience(&region, TO_D);
    struct head head;

    office_carry(&office[A], &office[B]);
    expect_open(B, &content, "not B's to give");
    assert_int_equal(store_begin(office[B].home.store), ERR_OK);
    assert_int_equal(author_grant(office[B].author, &id, 1, &late, NOW, 1, &head), ERR_NOT_FOUND);
    store_abort(office[B].home.store);
    /* B does it by hand. */
    struct sender_key grant = {.id = id, .part = 1, .parts = 1, .count = 1};
    struct secret *ephemeral = NULL, *key = secret_new(32);
    struct box_public public_d = office_key(&office[D], 1);
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    assert_int_equal(store_begin(office[B].home.store), ERR_OK);
    assert_int_equal(opener_key_take(office[B].opener, &region.nodes[A].id, &id, key, 0), ERR_OK);
    store_abort(office[B].home.store);
    assert_int_equal(box_keypair(&grant.ephemeral, &ephemeral), ERR_OK);
    grant.wraps[0] = (struct sender_wrap){.node = region.nodes[D].id, .has_wrap = true};
    memcpy(grant.wraps[0].tag, public_d.b, SENDER_TAG_BYTES);
    assert_int_equal(wrap_make(ephemeral, &grant.ephemeral, &public_d, (struct sealing_key){key, 0}, grant.wraps[0].wrap), ERR_OK);
    sender_key_write(&grant, &out);
    office_raw(&office[B], CHANNEL_CONTROL,
               &(struct entry){.leaf = {.kind = ENTRY_GRANT, .length = (uint32_t)out.at}, .has_payload = true, .payload = out_written(&out)}, 1);
    office_carry(&office[B], &office[D]);
    expect_closed(D, &content, ERR_PERMISSION);
    secret_destroy(&ephemeral);
    secret_destroy(&key);
}

/* ---- which key ---- */

static void one_key_serves_until_something_changes(void **state)
{
    (void)state;
    struct hash first = write_text(A, TO_B, "1"), id = key_id(&first);
    struct hash again = write_text(A, TO_B, "2"), with_self = write_text(A, TO_A | TO_B, "3");
    assert_true(hash_equal(&id, &(struct hash[]){key_id(&again)}[0]));
    assert_true(hash_equal(&id, &(struct hash[]){key_id(&with_self)}[0])); /* the author is in it anyway */
    assert_int_equal(keys_of(A, A), 1);

    struct hash wider = write_text(A, TO_B | TO_C, "4"); /* another audience */
    assert_false(hash_equal(&id, &(struct hash[]){key_id(&wider)}[0]));
    assert_int_equal(keys_of(A, A), 2);

    struct hash alert = office_write(&office[A], CHANNEL_ALERT, TO_B, span_text("5"), NOW); /* another log */
    assert_false(hash_equal(&id, &(struct hash[]){key_id(&alert)}[0]));
    assert_int_equal(keys_of(A, A), 3);

    struct hash back = write_text(A, TO_B, "6");
    assert_true(hash_equal(&id, &(struct hash[]){key_id(&back)}[0]));
    assert_int_equal(keys_of(A, A), 3);
}

static void a_key_is_new_after_30_days(void **state)
{
    static const struct {
        const char *what;
        int64_t after_ms;
        bool is_new;
    } rows[] = {
        {"at once", 0, false},
        {"one below 30 days", 30LL * 86400000 - 1, false},
        {"30 days", 30LL * 86400000, true},
        {"the clock went back a day", -86400000, false},
        {"the clock had been a year ahead", -365LL * 86400000, true},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wall_ms now = {NOW.ms + 400 * DAY_MS * (i + 1)};
        struct hash first = office_write(&office[A], CHANNEL_REPORT, TO_B, span_text("a"), now);
        struct hash then = office_write(&office[A], CHANNEL_REPORT, TO_B, span_text("b"), (struct wall_ms){now.ms + (uint64_t)rows[i].after_ms});
        struct hash x = key_id(&first), y = key_id(&then);
        if (hash_equal(&x, &y) == rows[i].is_new) {
            fail_msg("%s", rows[i].what);
        }
    }
}

static void a_key_is_new_when_a_members_encryption_key_is(void **state)
{
    (void)state;
    struct hash before = write_text(A, TO_B | TO_C, "before");
    /* A card that changes nothing of the encryption key changes no sender key. */
    assert_int_equal(home_notice(&office[A].home, office_card(&office[B])), ERR_OK);
    struct hash same = write_text(A, TO_B | TO_C, "same"), x = key_id(&before), y = key_id(&same);
    assert_true(hash_equal(&x, &y));
    office_rotate(&office[B]);
    assert_int_equal(home_notice(&office[A].home, office_card(&office[B])), ERR_OK);
    struct hash after = write_text(A, TO_B | TO_C, "after");
    y = key_id(&after);
    assert_false(hash_equal(&x, &y));
    /* Our own, too. */
    office_rotate(&office[A]);
    assert_int_equal(home_notice(&office[A].home, office_card(&office[A])), ERR_OK);
    struct hash own = write_text(A, TO_B | TO_C, "own"), z = key_id(&own);
    assert_false(hash_equal(&z, &y));
    /* The opener of B has met encryption-2 for the first time; the old key still opens the old text. */
    office_carry(&office[A], &office[B]);
    expect_open(B, &before, "before");
    expect_open(B, &after, "after");
    expect_open(B, &own, "own");
    expect_open(A, &before, "before");
    expect_open(A, &own, "own");
}

static void after_a_restart_the_author_opens_its_key_from_the_log(void **state)
{
    (void)state;
    struct hash before = write_text(A, TO_B | TO_C, "before"), x = key_id(&before), y;
    struct hash other = write_text(A, TO_B, "other");

    office_restart(&office[A]);
    struct hash after = write_text(A, TO_B | TO_C, "after");
    y = key_id(&after);
    assert_true(hash_equal(&x, &y));
    assert_int_equal(keys_of(A, A), 2);
    /* Not when it is too old or somebody's key has changed in the meantime. */
    office_restart(&office[A]);
    struct hash late = office_write(&office[A], CHANNEL_REPORT, TO_B | TO_C, span_text("late"), (struct wall_ms){NOW.ms + 31 * DAY_MS});
    y = key_id(&late);
    assert_false(hash_equal(&x, &y));
    office_rotate(&office[B]);
    assert_int_equal(home_notice(&office[A].home, office_card(&office[B])), ERR_OK);
    office_restart(&office[A]);
    struct hash rotated = write_text(A, TO_B, "rotated");
    x = key_id(&other);
    y = key_id(&rotated);
    assert_false(hash_equal(&x, &y));
    /* Nor in another incarnation. */
    assert_int_equal(author_reincarnate(office[A].author, CHANNEL_REPORT), ERR_OK);
    struct hash reborn = write_text(A, TO_B, "reborn");
    x = key_id(&reborn);
    assert_false(hash_equal(&x, &y));
    office_carry(&office[A], &office[B]);
    expect_open(B, &reborn, "reborn");
    expect_open(B, &other, "other");
}

static void a_key_of_a_transaction_that_was_not_committed_is_never_used(void **state)
{
    (void)state;
    struct audience audience = office_audience(&region, TO_B);
    struct payload payload = {.kind = ENTRY_RECORD, .flags = 3, .bytes = span_text("lost"), .audience = &audience};
    struct head head;

    (void)write_text(A, 0, "the log is there");
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &payload, 1, NOW, 1, NULL, &head), ERR_OK);
    store_abort(office[A].home.store);
    struct hash content = write_text(A, TO_B, "kept");
    assert_int_equal(keys_of(A, A), 1);
    office_carry(&office[A], &office[B]);
    expect_open(B, &content, "kept");
    office_fsck(&office[A]);
}

static void a_node_without_an_encryption_key_seals_nothing(void **state)
{
    (void)state;
    struct audience audience = office_audience(&region, TO_B);
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text("no"), .audience = &audience};
    struct head head;

    assert_int_equal(keyring_remove(office[A].keyring, "encryption-1"), ERR_OK);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &payload, 1, NOW, 1, NULL, &head), ERR_UNKNOWN_KEY);
    store_abort(office[A].home.store);
}

/* ---- audiences ---- */

static void nobody_is_no_audience(void **state)
{
    struct audience none = {.count = 0}, falling = office_audience(&region, TO_B | TO_C), large = {.count = 0};
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_text("no"), .audience = &none};
    struct node_id swap = falling.nodes[0];
    struct head head;

    (void)state;
    falling.nodes[0] = falling.nodes[1];
    falling.nodes[1] = swap;
    while (large.count < AUDIENCE_NODES_MAX) {
        struct node_id node;
        random_fill(node.b, sizeof node.b);
        assert_int_equal(audience_add(&large, &node), ERR_OK);
    }
    (void)write_text(A, 0, "the log is there");
    uint64_t end = home_journal_end(&office[A].home);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &payload, 1, NOW, 1, NULL, &head), ERR_INVALID);
    payload.audience = &falling;
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &payload, 1, NOW, 1, NULL, &head), ERR_INVALID);
    payload.audience = &large; /* 160, and the author makes 161 */
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &payload, 1, NOW, 1, NULL, &head), ERR_LIMIT);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_int_equal(home_journal_end(&office[A].home), end);
}

static void an_audience_of_160_fits_one_commit(void **state)
{
    struct audience large = office_audience(&region, TO_A | TO_B | TO_C | TO_D), held;
    struct payload payload = {.kind = ENTRY_RECORD, .flags = 3, .bytes = span_text("many"), .audience = &large};
    struct store_read *read = NULL;
    struct head head;
    struct hash content;

    (void)state;
    while (large.count < AUDIENCE_NODES_MAX) {
        struct node_id node;
        random_fill(node.b, sizeof node.b);
        assert_int_equal(audience_add(&large, &node), ERR_OK);
    }
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &payload, 1, NOW, 1, &content, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_int_equal(head.seq, 2); /* the key and the entry */
    assert_int_equal(keys_of(A, A), SENDER_PARTS_MAX);
    office_carry(&office[A], &office[D]);
    office_carry(&office[A], &office[E]);
    expect_open(A, &content, "many");
    expect_open(D, &content, "many");
    expect_closed(E, &content, ERR_PERMISSION);
    struct hash id = key_id(&content);
    assert_int_equal(store_read_begin(office[E].home.store, &read), ERR_OK);
    assert_int_equal(store_key_audience(read, &region.nodes[A].id, &id, &held, NULL), ERR_OK);
    store_read_end(&read);
    assert_true(audience_equal(&held, &large));
    office_restart(&office[A]);
    (void)office_write(&office[A], CHANNEL_REPORT, TO_B, span_text("x"), NOW);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &payload, 1, NOW, 1, &content, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_int_equal(keys_of(A, A), SENDER_PARTS_MAX + 1); /* found again */
    office_fsck(&office[A]);
}

struct listed {
    size_t count;
    struct audience last;
};

static bool list_key(void *arg, const struct sender_key_info *key)
{
    struct listed *listed = arg;

    assert_true(node_id_equal(&key->author, &region.nodes[A].id));
    listed->count++;
    listed->last = *key->audience;
    return true;
}

static void everybody_sees_for_whom_something_is_sealed(void **state)
{
    struct listed listed = {.count = 0};
    struct store_read *read = NULL;
    struct audience expected = office_audience(&region, TO_A | TO_B), held;
    struct hash none = {{1}};

    (void)state;
    struct hash content = write_text(A, TO_B, "x"), id = key_id(&content);
    office_carry(&office[A], &office[D]);
    assert_int_equal(store_read_begin(office[D].home.store, &read), ERR_OK);
    assert_int_equal(store_sender_keys(read, &region.nodes[A].id, list_key, &listed), ERR_OK);
    assert_int_equal(store_sender_keys(read, NULL, list_key, &listed), ERR_OK);
    assert_int_equal(store_sender_keys(read, &region.nodes[B].id, list_key, &listed), ERR_OK);
    assert_int_equal(store_key_audience(read, &region.nodes[A].id, &id, &held, NULL), ERR_OK);
    assert_int_equal(store_key_audience(read, &region.nodes[B].id, &id, &held, NULL), ERR_NOT_FOUND);
    assert_int_equal(store_key_audience(read, &region.nodes[A].id, &none, &held, NULL), ERR_NOT_FOUND);
    store_read_end(&read);
    assert_int_equal(listed.count, 2);
    assert_true(audience_equal(&listed.last, &expected) && audience_equal(&held, &expected));
}

static void entries_of_many_audiences_go_in_order(void **state)
{
    enum { COUNT = 200 };
    static char texts[COUNT][16];
    static struct payload payloads[COUNT];
    static struct hash contents[COUNT];
    struct audience audiences[7];
    struct head head;

    (void)state;
    for (uint32_t i = 0; i < 7; i++) {
        audiences[i] = office_audience(&region, (i + 1) << 1); /* of B, C, D */
    }
    for (size_t i = 0; i < COUNT; i++) {
        (void)snprintf(texts[i], sizeof texts[i], "text %zu", i);
        payloads[i] = (struct payload){
            .kind = ENTRY_RECORD, .flags = 3, .bytes = span_text(texts[i]), .audience = i % 5 == 4 ? NULL : &audiences[i / 3 % 7]};
    }
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_BULK, payloads, COUNT, NOW, 1, contents, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_int_equal(keys_of(A, A), 7);
    assert_int_equal(head.entries, COUNT + 7);
    office_carry(&office[A], &office[C]);
    for (size_t i = 0; i < COUNT; i++) {
        if (payloads[i].audience == NULL) {
            assert_int_equal(entry_of(C, &contents[i]).leaf.kind, ENTRY_RECORD);
        } else if (audience_has(payloads[i].audience, &region.nodes[C].id)) {
            expect_open(C, &contents[i], texts[i]);
        } else {
            expect_closed(C, &contents[i], ERR_PERMISSION);
        }
    }
    office_fsck(&office[C]);
}

static void more_audiences_than_keys_at_hand_are_found_again(void **state)
{
    enum { COUNT = 150 }; /* above what the author and the opener keep unwrapped */
    static struct audience audiences[COUNT];
    static struct payload payloads[COUNT];
    static struct hash contents[COUNT], again[COUNT];
    struct head head;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        struct node_id node = {{(uint8_t)(i + 1)}};
        audiences[i] = office_audience(&region, TO_B);
        assert_int_equal(audience_add(&audiences[i], &node), ERR_OK);
        payloads[i] = (struct payload){.kind = ENTRY_RECORD, .flags = 3, .bytes = span_text("x"), .audience = &audiences[i]};
    }
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_BULK, payloads, COUNT, NOW, 1, contents, &head), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_BULK, payloads, COUNT, NOW, 1, again, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_int_equal(keys_of(A, A), COUNT);
    office_carry(&office[A], &office[B]);
    for (size_t round = 0; round < 2; round++) {
        for (size_t i = 0; i < COUNT; i += 7) {
            expect_open(B, &contents[i], "x");
            expect_open(B, &again[COUNT - 1 - i], "x");
        }
    }
}

/* ---- what a relay sees ---- */

static void sealed_payloads_have_six_sizes(void **state)
{
    static uint8_t noise[PAYLOAD_BYTES_MAX];
    bool met[SEALED_BUCKETS] = {false};

    (void)state;
    random_fill(noise, sizeof noise);
    for (size_t n = 1; n < 1990; n += 31) {
        struct hash content = office_write(&office[A], CHANNEL_BULK, TO_B, span_of(noise, n), NOW);
        size_t length = entry_of(A, &content).leaf.length, i = 0;
        while (i < SEALED_BUCKETS && sealed_buckets[i] != length) {
            i++;
        }
        if (i == SEALED_BUCKETS) {
            fail_msg("T07: a sealed payload of %zu bytes is %zu long", n, length);
        }
        met[i] = true;
    }
    for (size_t i = 0; i < SEALED_BUCKETS; i++) {
        assert_true(met[i]);
    }
}

static void what_does_not_fit_is_refused_before_anything_is_appended(void **state)
{
    static uint8_t noise[PAYLOAD_BYTES_MAX], text[PAYLOAD_BYTES_MAX];
    struct audience audience = office_audience(&region, TO_B);
    struct payload payloads[2] = {{.kind = ENTRY_RECORD, .bytes = span_text("fits"), .audience = &audience},
                                  {.kind = ENTRY_RECORD, .bytes = span_of(noise, sizeof noise), .audience = &audience}};
    struct head head;

    (void)state;
    random_fill(noise, sizeof noise);
    (void)write_text(A, 0, "the log is there");
    uint64_t end = home_journal_end(&office[A].home);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, payloads, 2, NOW, 1, NULL, &head), ERR_OVERSIZE);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_int_equal(home_journal_end(&office[A].home), end);
    payloads[1].bytes = span_of(text, sizeof text); /* as long, but it compresses */
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, payloads, 2, NOW, 1, NULL, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
}

struct nonces {
    uint8_t items[4096][SEALED_NONCE_BYTES];
    size_t count;
};

static int compare_nonces(const void *a, const void *b)
{
    return memcmp(a, b, SEALED_NONCE_BYTES);
}

static void no_nonce_comes_twice(void **state)
{
    enum { COUNT = 500, ROUNDS = 8 };
    static struct payload payloads[COUNT];
    static struct hash contents[COUNT];
    static struct nonces nonces;
    struct audience audience = office_audience(&region, TO_B);
    struct head head;

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        payloads[i] = (struct payload){.kind = ENTRY_RECORD, .bytes = span_text("the same text"), .audience = &audience};
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        struct store_read *read = NULL;
        struct log_info info;
        static struct commit commit;
        struct hash hash;
        uint64_t before = head.seq;
        before = round == 0 ? 0 : before;
        assert_int_equal(store_begin(office[A].home.store), ERR_OK);
        assert_int_equal(author_append(office[A].author, CHANNEL_BULK, payloads, COUNT, NOW, 1, contents, &head), ERR_OK);
        assert_int_equal(store_commit(office[A].home.store), ERR_OK);
        assert_int_equal(store_read_begin(office[A].home.store, &read), ERR_OK);
        assert_int_equal(store_log(read, &head.log, &info), ERR_OK);
        for (uint64_t seq = before + 1; seq <= head.seq; seq++) {
            assert_int_equal(store_commit_at(read, info.number, seq, &commit, &hash), ERR_OK);
            for (uint32_t i = 0; i < commit.entry_count; i++) {
                if (entry_is_sealed(&commit.entries[i])) {
                    memcpy(nonces.items[nonces.count++], commit.entries[i].payload.p, SEALED_NONCE_BYTES);
                }
            }
        }
        store_read_end(&read);
        if (round % 3 == 2) {
            office_restart(&office[A]);
        }
    }
    assert_int_equal(nonces.count, COUNT * ROUNDS);
    qsort(nonces.items, nonces.count, SEALED_NONCE_BYTES, compare_nonces);
    for (size_t i = 1; i < nonces.count; i++) {
        assert_memory_not_equal(nonces.items[i - 1], nonces.items[i], SEALED_NONCE_BYTES);
    }
}

/* ---- liars ---- */

/* A KEY payload that names these nodes, with a key of its own for each: keys[i] is wrapped for office i. */
static struct span key_payload(const struct hash *id, const struct audience *named, struct secret *const *keys, uint8_t *bytes)
{
    struct sender_key key = {.id = *id, .part = 1, .parts = 1, .count = (uint32_t)named->count};
    struct out out = out_into(bytes, PAYLOAD_BYTES_MAX);
    struct secret *ephemeral = NULL;

    assert_int_equal(box_keypair(&key.ephemeral, &ephemeral), ERR_OK);
    for (uint32_t i = 0; i < key.count; i++) {
        key.wraps[i].node = named->nodes[i];
        for (size_t j = 0; j < OFFICES; j++) {
            if (node_id_equal(&region.nodes[j].id, &named->nodes[i])) {
                struct box_public public = office_key(&office[j], 1);
                key.wraps[i].has_wrap = true;
                memcpy(key.wraps[i].tag, public.b, SENDER_TAG_BYTES);
                assert_int_equal(wrap_make(ephemeral, &key.ephemeral, &public, (struct sealing_key){keys[j], 0}, key.wraps[i].wrap), ERR_OK);
            }
        }
    }
    sender_key_write(&key, &out);
    secret_destroy(&ephemeral);
    return out_written(&out);
}

/* A sealed entry under a key, with any region and author in its associated data. */
static struct span sealed_payload(struct secret *key, const struct region_id *in, const struct node_id *by, const struct hash *id, const char *text,
                                  uint8_t *bytes)
{
    struct commit_packer *packer = commit_packer_new();
    struct sealed sealed = {ENTRY_RECORD, 3, span_text(text)};
    struct out out = out_into(bytes + SEALED_NONCE_BYTES, SEALED_INNER_BYTES_MAX);
    uint8_t associated[80];

    assert_int_equal(sealed_write(packer, &sealed, &out), ERR_OK);
    commit_packer_destroy(&packer);
    memcpy(associated, in->b, 32);
    memcpy(associated + 32, by->b, 16);
    memcpy(associated + 48, id->b, 32);
    random_fill(bytes, SEALED_NONCE_BYTES);
    aead_seal((struct sealing_key){key, 0}, bytes, span_of(associated, sizeof associated), out_written(&out), bytes + SEALED_NONCE_BYTES);
    return span_of(bytes, out.at + SEALED_AROUND_BYTES);
}

static struct entry key_entry(struct span payload)
{
    return (struct entry){.leaf = {.kind = ENTRY_KEY, .length = (uint32_t)payload.n}, .has_payload = true, .payload = payload};
}

static struct entry sealed_entry(const struct hash *id, struct span payload)
{
    struct entry entry = {.leaf = {.kind = ENTRY_SEALED, .codec = CODEC_SEALED, .audience_bytes = 32, .length = (uint32_t)payload.n},
                          .has_payload = true,
                          .payload = payload};

    memcpy(entry.leaf.audience, id->b, 32);
    return entry;
}

static struct hash content_of(const struct entry *entry)
{
    struct hash content;

    hash_leaf(entry->salt, entry->payload, &content);
    return content;
}

static void two_readers_never_read_two_texts(void **state)
{
    struct audience named = office_audience(&region, TO_A | TO_B | TO_C);
    struct secret *one = secret_random(32), *two = secret_random(32);
    struct secret *keys[OFFICES] = {one, one, two, one, one};
    uint8_t key_bytes[PAYLOAD_BYTES_MAX], text_one[PAYLOAD_BYTES_MAX], text_two[PAYLOAD_BYTES_MAX];
    struct hash id;

    (void)state;
    /* A gives C another key under one id. XChaCha20-Poly1305 would let it make one ciphertext for both; here C's text is C's alone. */
    audience_key_id(&region.nodes[A].id, &named, (struct sealing_key){one, 0}, &id);
    struct entry entries[3] = {key_entry(key_payload(&id, &named, keys, key_bytes)),
                               sealed_entry(&id, sealed_payload(one, &region.id, &region.nodes[A].id, &id, "truth", text_one)),
                               sealed_entry(&id, sealed_payload(two, &region.id, &region.nodes[A].id, &id, "lie", text_two))};
    office_raw(&office[A], CHANNEL_REPORT, entries, 3);
    office_carry(&office[A], &office[B]);
    office_carry(&office[A], &office[C]);
    struct hash truth = content_of(&entries[1]), lie = content_of(&entries[2]);
    expect_open(B, &truth, "truth");
    expect_closed(B, &lie, ERR_BADSIG);
    struct sealed sealed;
    if (office_open(&office[C], &lie, &sealed) == ERR_OK) {
        fail_msg("T17: a reader was shown a text that the others cannot open");
    }
    expect_closed(C, &lie, ERR_BADHASH);
    expect_closed(C, &truth, ERR_BADHASH);
    secret_destroy(&one);
    secret_destroy(&two);
}

static void a_list_of_readers_that_is_not_the_one_in_the_id_is_refused(void **state)
{
    struct audience said = office_audience(&region, TO_A | TO_B), meant = office_audience(&region, TO_A | TO_B | TO_C);
    struct secret *key = secret_random(32);
    struct secret *keys[OFFICES] = {key, key, key, key, key};
    uint8_t key_bytes[PAYLOAD_BYTES_MAX], text[PAYLOAD_BYTES_MAX];
    struct hash id;

    (void)state;
    audience_key_id(&region.nodes[A].id, &meant, (struct sealing_key){key, 0}, &id);
    struct entry entries[2] = {key_entry(key_payload(&id, &said, keys, key_bytes)),
                               sealed_entry(&id, sealed_payload(key, &region.id, &region.nodes[A].id, &id, "for B", text))};
    office_raw(&office[A], CHANNEL_REPORT, entries, 2);
    office_carry(&office[A], &office[B]);
    struct hash content = content_of(&entries[1]);
    expect_closed(B, &content, ERR_BADHASH);
    secret_destroy(&key);
}

static void a_ciphertext_in_another_authors_log_does_not_open(void **state)
{
    struct store_read *read = NULL;
    struct log_info info;
    static struct commit commit;
    struct hash hash;
    struct entry stolen[2];

    (void)state;
    struct hash content = write_text(A, TO_B, "mine");
    office_carry(&office[A], &office[B]);
    office_carry(&office[A], &office[D]);
    expect_open(B, &content, "mine");
    struct entry entry = entry_of(D, &content);
    struct hash id;
    memcpy(id.b, entry.leaf.audience, sizeof id.b);
    /* D puts A's entry into its own log, under another salt; first alone, then with A's key. */
    static uint8_t bytes[2][PAYLOAD_BYTES_MAX];
    memcpy(bytes[0], entry.payload.p, entry.payload.n);
    stolen[0] = entry;
    stolen[0].payload = span_of(bytes[0], entry.payload.n);
    memset(stolen[0].salt, 1, SALT_BYTES);
    office_raw(&office[D], CHANNEL_REPORT, stolen, 1);
    office_carry(&office[D], &office[B]);
    struct hash copied = content_of(&stolen[0]);
    expect_closed(B, &copied, ERR_NOT_FOUND);
    assert_int_equal(store_read_begin(office[D].home.store, &read), ERR_OK);
    assert_int_equal(store_log_by_number(read, 1, &info), ERR_OK);
    assert_int_equal(store_commit_at(read, 1, 1, &commit, &hash), ERR_OK);
    assert_int_equal(commit.entries[0].leaf.kind, ENTRY_KEY);
    stolen[1] = commit.entries[0];
    memcpy(bytes[1], stolen[1].payload.p, stolen[1].payload.n);
    stolen[1].payload = span_of(bytes[1], stolen[1].payload.n);
    store_read_end(&read);
    office_raw(&office[D], CHANNEL_REPORT, &stolen[1], 1);
    office_carry(&office[D], &office[B]);
    expect_closed(B, &copied, ERR_BADHASH);
    expect_open(B, &content, "mine"); /* and A's own is none the worse */
    office_restart(&office[B]);
    expect_open(B, &content, "mine");
}

static void a_seal_of_another_region_or_author_does_not_verify(void **state)
{
    struct audience named = office_audience(&region, TO_A | TO_B);
    struct secret *key = secret_random(32);
    struct secret *keys[OFFICES] = {key, key, key, key, key};
    struct region_id elsewhere = {{0x77}};
    uint8_t key_bytes[PAYLOAD_BYTES_MAX], bytes[4][PAYLOAD_BYTES_MAX];
    struct hash id, other_id = {{1}};

    (void)state;
    audience_key_id(&region.nodes[A].id, &named, (struct sealing_key){key, 0}, &id);
    struct entry entries[5] = {key_entry(key_payload(&id, &named, keys, key_bytes)),
                               sealed_entry(&id, sealed_payload(key, &region.id, &region.nodes[A].id, &id, "here", bytes[0])),
                               sealed_entry(&id, sealed_payload(key, &elsewhere, &region.nodes[A].id, &id, "elsewhere", bytes[1])),
                               sealed_entry(&id, sealed_payload(key, &region.id, &region.nodes[C].id, &id, "by C", bytes[2])),
                               sealed_entry(&id, sealed_payload(key, &region.id, &region.nodes[A].id, &other_id, "under another id", bytes[3]))};
    office_raw(&office[A], CHANNEL_REPORT, entries, 5);
    office_carry(&office[A], &office[B]);
    struct hash content = content_of(&entries[1]);
    expect_open(B, &content, "here");
    for (size_t i = 2; i < 5; i++) {
        content = content_of(&entries[i]);
        expect_closed(B, &content, ERR_BADSIG);
    }
    secret_destroy(&key);
}

static void what_is_wrong_inside_a_good_seal_is_refused(void **state)
{
    struct audience named = office_audience(&region, TO_A | TO_B);
    struct secret *key = secret_random(32);
    struct secret *keys[OFFICES] = {key, key, key, key, key};
    uint8_t key_bytes[PAYLOAD_BYTES_MAX], bytes[2][PAYLOAD_BYTES_MAX] = {{0}}, associated[80];
    struct hash id;

    (void)state;
    audience_key_id(&region.nodes[A].id, &named, (struct sealing_key){key, 0}, &id);
    memcpy(associated, region.id.b, 32);
    memcpy(associated + 32, region.nodes[A].id.b, 16);
    memcpy(associated + 48, id.b, 32);
    memset(bytes[0] + SEALED_NONCE_BYTES, 0xee, 136);
    aead_seal((struct sealing_key){key, 0}, bytes[0], span_of(associated, 80), span_of(bytes[0] + SEALED_NONCE_BYTES, 136), bytes[0] + SEALED_NONCE_BYTES);
    struct entry entries[3] = {key_entry(key_payload(&id, &named, keys, key_bytes)), sealed_entry(&id, span_of(bytes[0], 176)),
                               sealed_entry(&id, span_of(bytes[1], SEALED_AROUND_BYTES - 1))};
    office_raw(&office[A], CHANNEL_REPORT, entries, 3);
    office_carry(&office[A], &office[B]);
    struct hash content = content_of(&entries[1]);
    expect_closed(B, &content, ERR_TRUNCATED);
    content = content_of(&entries[2]);
    expect_closed(B, &content, ERR_TRUNCATED);
    secret_destroy(&key);
}

static void a_wrap_for_a_key_that_is_gone_is_told_apart(void **state)
{
    (void)state;
    struct hash content = write_text(A, TO_B, "old");

    office_carry(&office[A], &office[B]);
    office_rotate(&office[B]);
    assert_int_equal(keyring_remove(office[B].keyring, "encryption-1"), ERR_OK);
    office_restart(&office[B]);
    expect_closed(B, &content, ERR_UNKNOWN_KEY);
}

static void a_key_that_is_not_whole_opens_nothing(void **state)
{
    struct audience named = {.count = 0};
    struct secret *key = secret_random(32);
    struct secret *keys[OFFICES] = {key, key, key, key, key};
    uint8_t bytes[PAYLOAD_BYTES_MAX], text[PAYLOAD_BYTES_MAX];
    struct sender_key part;
    struct unpack *unpack = unpack_new();
    struct hash id;

    (void)state;
    for (size_t i = 0; i < SENDER_PART_WRAPS - 2; i++) {
        struct node_id node;
        random_fill(node.b, sizeof node.b);
        assert_int_equal(audience_add(&named, &node), ERR_OK);
    }
    assert_int_equal(audience_add(&named, &region.nodes[A].id), ERR_OK);
    assert_int_equal(audience_add(&named, &region.nodes[B].id), ERR_OK);
    audience_key_id(&region.nodes[A].id, &named, (struct sealing_key){key, 0}, &id);
    struct span payload = key_payload(&id, &named, keys, bytes);
    assert_int_equal(sender_key_read(unpack, payload, &part, NULL), ERR_OK);
    part.parts = 2; /* of which the second is nowhere */
    struct out out = out_into(bytes, sizeof bytes);
    sender_key_write(&part, &out);
    struct entry entries[2] = {key_entry(out_written(&out)),
                               sealed_entry(&id, sealed_payload(key, &region.id, &region.nodes[A].id, &id, "x", text))};
    office_raw(&office[A], CHANNEL_REPORT, entries, 2);
    office_carry(&office[A], &office[B]);
    struct hash content = content_of(&entries[1]);
    expect_closed(B, &content, ERR_NOT_FOUND);
    office_fsck(&office[B]);
    unpack_destroy(&unpack);
    secret_destroy(&key);
}

/* ---- order, threads, giving way ---- */

static void what_came_later_in_the_journal_does_not_count_before(void **state)
{
    (void)state;
    struct hash content = write_text(A, TO_B, "x"), id = key_id(&content);
    struct audience late = office_audience(&region, TO_D);
    struct store_read *read = NULL;
    struct head head;

    office_carry(&office[A], &office[D]);
    uint64_t before = home_journal_end(&office[D].home);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_grant(office[A].author, &id, 1, &late, NOW, 1, &head), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    office_carry(&office[A], &office[D]);
    uint64_t after = home_journal_end(&office[D].home);
    for (size_t round = 0; round < 2; round++) { /* fresh, and as remembered */
        assert_int_equal(store_read_begin(office[D].home.store, &read), ERR_OK);
        assert_int_equal(opener_key(office[D].opener, read, &region.nodes[A].id, &id, 0), ERR_NOT_FOUND);
        assert_int_equal(opener_key(office[D].opener, read, &region.nodes[A].id, &id, before), ERR_PERMISSION);
        assert_int_equal(opener_key(office[D].opener, read, &region.nodes[A].id, &id, after - 1), ERR_PERMISSION);
        assert_int_equal(opener_key(office[D].opener, read, &region.nodes[A].id, &id, after), ERR_OK);
        assert_int_equal(opener_key(office[D].opener, read, &region.nodes[A].id, &id, OPENER_NOW), ERR_OK);
        store_read_end(&read);
    }
}

static void what_gives_way_keeps_its_bytes_and_can_be_read(void **state)
{
    (void)state;
    /* A wrote these before its disk was brought back; nothing of it has left. */
    struct hash first = write_text(A, TO_B, "first"), second = write_text(A, TO_B | TO_C, "second");
    struct entry before = entry_of(A, &second);
    static uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct gave_way gave;
    struct head head;

    memcpy(bytes, before.payload.p, before.payload.n);
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_append(office[A].author, CHANNEL_REPORT, &(struct payload){.kind = ENTRY_RECORD, .bytes = span_text("p")}, 1, NOW, 1, NULL,
                                   &head),
                     ERR_OK);
    assert_int_equal(author_give_way(office[A].author, &head.log, 0, 1, &gave), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_true(gave.entries == 5 && log_id_compare(&gave.reissued.log, &head.log) != 0);
    struct entry after = entry_of(A, &second);
    assert_true(after.payload.n == before.payload.n && memcmp(after.payload.p, bytes, before.payload.n) == 0);
    office_fsck(&office[A]);
    struct hash third = write_text(A, TO_B, "third");
    assert_int_equal(keys_of(A, A), 2); /* the key was issued again, and is found in the new log */
    office_carry(&office[A], &office[B]);
    expect_open(B, &first, "first");
    expect_open(B, &second, "second");
    expect_open(B, &third, "third");
    office_fsck(&office[B]);
}

/* The key has left, the entry has not: the new log has both, so whoever holds it alone can read. */
static void a_log_that_is_begun_anew_has_the_keys_of_what_stands_in_it(void **state)
{
    (void)state;
    struct hash first = write_text(A, TO_B, "has left"), second;
    struct gave_way gave;
    struct head head;

    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_released(office[A].author), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    office_restart(&office[A]);
    second = write_text(A, TO_B, "has not");
    struct hash third = write_text(A, TO_B, "has not either");
    assert_int_equal(keys_of(A, A), 1);
    struct store_read *read = NULL;
    struct log_info info;
    assert_int_equal(store_read_begin(office[A].home.store, &read), ERR_OK);
    assert_int_equal(store_log_by_number(read, 1, &info), ERR_OK);
    store_read_end(&read);
    head = info.head;
    assert_int_equal(store_begin(office[A].home.store), ERR_OK);
    assert_int_equal(author_give_way(office[A].author, &head.log, 0, 1, &gave), ERR_OK);
    assert_int_equal(store_commit(office[A].home.store), ERR_OK);
    assert_int_equal(gave.entries, 2);
    assert_int_equal(gave.reissued.seq, 3); /* one copy of the key */
    assert_int_equal(keys_of(A, A), 2);
    office_fsck(&office[A]);
    struct hash fourth = write_text(A, TO_B, "afterwards");
    assert_int_equal(keys_of(A, A), 2);
    office_carry_log(&office[A], &office[B], &gave.reissued.log);
    expect_open(B, &second, "has not");
    expect_open(B, &third, "has not either");
    expect_open(B, &fourth, "afterwards");
    expect_closed(B, &first, ERR_STALE); /* not carried */
    office_carry(&office[A], &office[B]);
    expect_open(B, &first, "has left");
}

/* Rows that do not match the logs are named. */
static void a_check_names_keys_that_are_not_where_the_table_says(void **state)
{
    (void)state;
    struct fsck_report report = {0};
    struct store_read *read = NULL;

    (void)write_text(A, TO_B, "x");
    struct store *store = office[A].home.store;
    struct kv_cursor cursor;
    uint8_t key[64];
    assert_int_equal(store_begin(store), ERR_OK);
    kv_cursor_open(&store->txn, TABLE_KEYS, &cursor);
    assert_true(kv_first(&cursor) && cursor.key.n == 45);
    memcpy(key, cursor.key.p, 45);
    kv_cursor_delete(&cursor);
    kv_cursor_close(&cursor);
    assert_int_equal(store_commit(store), ERR_OK);
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_CORRUPT);
    assert_int_equal(report.faults, 1);
    store_read_end(&read);
    key[0] ^= 1; /* under another id */
    assert_int_equal(store_begin(store), ERR_OK);
    kv_put(&store->txn, TABLE_KEYS, span_of(key, 45), span_of("\0\0\0\0\0\0\0\3", 8));
    assert_int_equal(store_commit(store), ERR_OK);
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_fsck(read, sign_check, &report), ERR_CORRUPT);
    assert_int_equal(report.faults, 2);
    store_read_end(&read);
}

struct reader {
    const struct hash *contents;
    size_t count, good;
    struct entry *entries;
};

static void *read_all(void *arg)
{
    struct reader *reader = arg;
    uint8_t *scratch = malloc(OPENER_SCRATCH_BYTES);

    for (size_t round = 0; round < 20; round++) {
        struct store_read *read = NULL;
        if (store_read_begin(office[B].home.store, &read) != ERR_OK) {
            break;
        }
        for (size_t i = 0; i < reader->count; i++) {
            struct sealed sealed;
            reader->good += opener_open(office[B].opener, read, &region.nodes[A].id, &reader->entries[i], scratch, &sealed) == ERR_OK &&
                            span_equal(sealed.payload, span_text("for many threads"));
        }
        store_read_end(&read);
    }
    free(scratch);
    return NULL;
}

static void readers_in_several_threads_share_an_opener(void **state)
{
    enum { COUNT = 6, THREADS = 3 };
    static struct entry entries[COUNT];
    static uint8_t bytes[COUNT][PAYLOAD_BYTES_MAX];
    struct hash contents[COUNT];
    struct reader readers[THREADS];
    pthread_t threads[THREADS];

    (void)state;
    for (size_t i = 0; i < COUNT; i++) {
        contents[i] = write_text(A, TO_B | (uint32_t)(i % 2) << C, "for many threads");
    }
    office_carry(&office[A], &office[B]);
    for (size_t i = 0; i < COUNT; i++) {
        entries[i] = entry_of(B, &contents[i]);
        memcpy(bytes[i], entries[i].payload.p, entries[i].payload.n);
        entries[i].payload.p = bytes[i];
    }
    for (size_t i = 0; i < THREADS; i++) {
        readers[i] = (struct reader){contents, COUNT, 0, entries};
        assert_int_equal(pthread_create(&threads[i], NULL, read_all, &readers[i]), 0);
    }
    for (size_t i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(readers[i].good, 20 * COUNT);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(an_audience_reads_and_nobody_else_does),
        TEST(plain_entries_stay_as_they_were),
        TEST(what_is_sealed_for_a_node_whose_key_nobody_knew_waits_for_a_grant),
        TEST(a_late_joiner_reads_what_it_is_granted_and_nothing_else),
        TEST(a_grant_by_somebody_else_counts_for_nothing),
        TEST(one_key_serves_until_something_changes),
        TEST(a_key_is_new_after_30_days),
        TEST(a_key_is_new_when_a_members_encryption_key_is),
        TEST(after_a_restart_the_author_opens_its_key_from_the_log),
        TEST(a_key_of_a_transaction_that_was_not_committed_is_never_used),
        TEST(a_node_without_an_encryption_key_seals_nothing),
        TEST(nobody_is_no_audience),
        TEST(an_audience_of_160_fits_one_commit),
        TEST(everybody_sees_for_whom_something_is_sealed),
        TEST(entries_of_many_audiences_go_in_order),
        TEST(more_audiences_than_keys_at_hand_are_found_again),
        TEST(sealed_payloads_have_six_sizes),
        TEST(what_does_not_fit_is_refused_before_anything_is_appended),
        TEST(no_nonce_comes_twice),
        TEST(two_readers_never_read_two_texts),
        TEST(a_list_of_readers_that_is_not_the_one_in_the_id_is_refused),
        TEST(a_ciphertext_in_another_authors_log_does_not_open),
        TEST(a_seal_of_another_region_or_author_does_not_verify),
        TEST(what_is_wrong_inside_a_good_seal_is_refused),
        TEST(a_wrap_for_a_key_that_is_gone_is_told_apart),
        TEST(a_key_that_is_not_whole_opens_nothing),
        TEST(what_came_later_in_the_journal_does_not_count_before),
        TEST(what_gives_way_keeps_its_bytes_and_can_be_read),
        TEST(a_log_that_is_begun_anew_has_the_keys_of_what_stands_in_it),
        TEST(a_check_names_keys_that_are_not_where_the_table_says),
        TEST(readers_in_several_threads_share_an_opener),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
