/* Who can open what is sealed, as every holder sees it; the proof that he cannot; and that a key which was given away seals nothing more. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>

#include "store/sender_keys.h"
#include "tests/lib/office.h"

enum { A, B, C, D, OFFICES };
enum { TO_B = 1 << B, TO_C = 1 << C, TO_D = 1 << D };
static const struct wall_ms NOW = {1700000000000};

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

static struct hash write_to(size_t author, uint32_t readers)
{
    return office_write(&office[author], CHANNEL_REPORT, readers, span_text("text"), NOW);
}

static struct hash key_of(size_t holder, const struct hash *content)
{
    struct entry entry;
    struct node_id author;
    struct hash id;
    assert_true(office_entry(&office[holder], content, &entry, &author));
    memcpy(id.b, entry.leaf.audience, sizeof id.b);
    return id;
}

static enum err readers_at(size_t holder, size_t author, const struct hash *id, struct key_readers *ret)
{
    struct store_read *read;
    assert_int_equal(store_read_begin(office[holder].home.store, &read), ERR_OK);
    enum err err = store_key_readers(read, &region.nodes[author].id, id, ret);
    store_read_end(&read);
    return err;
}

static struct opener_proof prove_at(size_t holder, size_t author, const struct hash *id)
{
    struct store_read *read;
    struct opener_proof proof;
    assert_int_equal(store_read_begin(office[holder].home.store, &read), ERR_OK);
    assert_int_equal(opener_prove(office[holder].opener, read, &region.nodes[author].id, id, &proof), ERR_OK);
    store_read_end(&read);
    return proof;
}

static void grant(size_t author, const struct hash *id, uint32_t to)
{
    struct audience nodes = office_audience(&region, to);
    struct head head;
    assert_int_equal(store_begin(office[author].home.store), ERR_OK);
    assert_int_equal(author_grant(office[author].author, id, 1, &nodes, NOW, 1, &head), ERR_OK);
    assert_int_equal(store_commit(office[author].home.store), ERR_OK);
}

static bool can(const struct key_readers *readers, size_t node) { return key_readers_can(readers, &region.nodes[node].id); }

static void every_holder_sees_who_can_read(void **state)
{
    (void)state;
    struct key_readers *readers = malloc(sizeof *readers);
    struct hash content = write_to(A, TO_B), id = key_of(A, &content), unknown = {{9}};
    assert_non_null(readers);
    office_carry(&office[A], &office[D]);
    for (size_t holder = A; holder <= D; holder += D - A) {
        assert_int_equal(readers_at(holder, A, &id, readers), ERR_OK);
        assert_int_equal(readers->audience.count, 2);
        assert_int_equal(readers->granted.count, 0);
        assert_true(can(readers, A) && can(readers, B) && !can(readers, C) && !can(readers, D));
    }
    assert_int_equal(readers_at(D, A, &unknown, readers), ERR_NOT_FOUND);
    assert_int_equal(readers_at(D, B, &id, readers), ERR_NOT_FOUND); /* another author's */
    grant(A, &id, TO_C);
    assert_int_equal(readers_at(D, A, &id, readers), ERR_OK);
    assert_false(can(readers, C)); /* not heard of yet */
    office_carry(&office[A], &office[D]);
    assert_int_equal(readers_at(D, A, &id, readers), ERR_OK);
    assert_int_equal(readers->audience.count, 2);
    assert_int_equal(readers->granted.count, 1);
    assert_true(can(readers, A) && can(readers, B) && can(readers, C) && !can(readers, D));
    free(readers);
}

static void who_has_no_card_is_named_and_cannot_read(void **state)
{
    (void)state;
    enum { STRANGER = OFFICES }; /* in the roster, but nobody has its card */
    struct key_readers *readers = malloc(sizeof *readers);
    struct hash content = write_to(A, TO_B | 1 << STRANGER), id = key_of(A, &content);
    assert_non_null(readers);
    assert_int_equal(readers_at(A, A, &id, readers), ERR_OK);
    assert_int_equal(readers->audience.count, 3);
    assert_true(audience_has(&readers->audience, &region.nodes[STRANGER].id));
    assert_true(can(readers, A) && can(readers, B) && !can(readers, STRANGER));
    free(readers);
}

static void whoever_is_no_reader_opens_nothing_with_any_of_its_keys(void **state)
{
    (void)state;
    struct hash content = write_to(A, TO_B), id = key_of(A, &content);
    office_rotate(&office[D]);
    office_rotate(&office[D]);
    office_carry(&office[A], &office[D]);
    struct opener_proof proof = prove_at(D, A, &id);
    assert_int_equal(proof.wraps, 2);
    assert_int_equal(proof.tried, 6); /* of three keys each */
    assert_int_equal(proof.opened, 0);
    proof = prove_at(A, A, &id);
    assert_int_equal(proof.wraps, 2);
    assert_int_equal(proof.opened, 1); /* its own */
    grant(A, &id, TO_D);
    office_carry(&office[A], &office[D]);
    proof = prove_at(D, A, &id);
    assert_int_equal(proof.wraps, 3);
    assert_int_equal(proof.tried, 9);
    assert_int_equal(proof.opened, 1); /* the grant, and nothing else */
}

static void a_key_that_was_given_away_seals_nothing_more(void **state)
{
    (void)state;
    struct hash first = write_to(A, TO_B), id = key_of(A, &first);
    struct hash same = write_to(A, TO_B), same_id = key_of(A, &same);
    assert_true(hash_equal(&id, &same_id));
    grant(A, &id, TO_C);
    struct hash second = write_to(A, TO_B), second_id = key_of(A, &second);
    assert_false(hash_equal(&id, &second_id));
    office_carry(&office[A], &office[C]);
    struct sealed sealed;
    assert_int_equal(office_open(&office[C], &first, &sealed), ERR_OK);
    assert_int_equal(office_open(&office[C], &second, &sealed), ERR_PERMISSION);
    struct hash third = write_to(A, TO_B), third_id = key_of(A, &third);
    assert_true(hash_equal(&third_id, &second_id)); /* which serves on */
}

static void nor_after_a_restart(void **state)
{
    (void)state;
    struct hash first = write_to(A, TO_B), id = key_of(A, &first);
    grant(A, &id, TO_C);
    office_restart(&office[A]);
    struct hash second = write_to(A, TO_B), second_id = key_of(A, &second);
    assert_false(hash_equal(&id, &second_id));
    office_restart(&office[A]);
    struct hash third = write_to(A, TO_B), third_id = key_of(A, &third);
    assert_true(hash_equal(&third_id, &second_id));
}

/* He was named from the start: what comes next is his too. */
static void a_grant_to_one_of_the_audience_changes_nothing(void **state)
{
    (void)state;
    struct hash first = write_to(A, TO_B | TO_C), id = key_of(A, &first);
    grant(A, &id, TO_C);
    office_restart(&office[A]);
    struct hash second = write_to(A, TO_B | TO_C), second_id = key_of(A, &second);
    assert_true(hash_equal(&id, &second_id));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_holder_sees_who_can_read),
        TEST(who_has_no_card_is_named_and_cannot_read),
        TEST(whoever_is_no_reader_opens_nothing_with_any_of_its_keys),
        TEST(a_key_that_was_given_away_seals_nothing_more),
        TEST(nor_after_a_restart),
        TEST(a_grant_to_one_of_the_audience_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
