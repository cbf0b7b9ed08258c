/* Letters: only the reader opens one, its length says little, and no change goes unseen. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crypto/letter.h"
#include "crypto/sign.h"
#include "tests/lib/hostile.h"

static struct box_public reader_public, other_public;
static struct secret *reader, *other;

static int setup(void **state)
{
    (void)state;
    assert_int_equal(crypto_start(), ERR_OK);
    assert_int_equal(box_keypair(&reader_public, &reader), ERR_OK);
    assert_int_equal(box_keypair(&other_public, &other), ERR_OK);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    secret_destroy(&reader);
    secret_destroy(&other);
    return 0;
}

static void a_letter_is_opened_by_its_reader_alone(void **state)
{
    static const size_t lengths[] = {0, 1, 63, 64, 65, 1023, 1024, 1025, 4096};
    static uint8_t text[4096], letter[LETTER_BYTES_MAX], back[LETTER_TEXT_BYTES_MAX];
    (void)state;
    random_fill(text, sizeof text);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        size_t n = 0, back_n = 0, wanted = lengths[i] < LETTER_TEXT_BYTES_MAX ? lengths[i] : LETTER_TEXT_BYTES_MAX;
        assert_int_equal(letter_seal(&reader_public, span_of(text, lengths[i]), letter, &n), ERR_OK);
        assert_true(n <= LETTER_BYTES_MAX);
        assert_int_equal((n - LETTER_HEAD_BYTES - AEAD_TAG_BYTES) % LETTER_PAD_BYTES, 0);
        assert_true(letter_is_for(span_of(letter, n), &reader_public));
        assert_false(letter_is_for(span_of(letter, n), &other_public));
        assert_int_equal(letter_open(reader, span_of(letter, n), back, &back_n), ERR_OK);
        assert_int_equal(back_n, wanted);
        assert_memory_equal(back, text, wanted);
        back_n = 99;
        assert_int_equal(letter_open(other, span_of(letter, n), back, &back_n), ERR_BADSIG);
        assert_int_equal(back_n, 99);
    }
}

static void a_text_with_zeros_at_its_end_keeps_them(void **state)
{
    uint8_t letter[LETTER_BYTES_MAX], back[LETTER_TEXT_BYTES_MAX];
    static const uint8_t text[6] = {1, 0x80, 0, 0x80, 0, 0};
    size_t n = 0, back_n = 0;
    (void)state;
    assert_int_equal(letter_seal(&reader_public, span_of(text, sizeof text), letter, &n), ERR_OK);
    assert_int_equal(letter_open(reader, span_of(letter, n), back, &back_n), ERR_OK);
    assert_int_equal(back_n, sizeof text);
    assert_memory_equal(back, text, sizeof text);
}

static void two_letters_of_one_text_have_nothing_in_common(void **state)
{
    uint8_t a[LETTER_BYTES_MAX], b[LETTER_BYTES_MAX];
    size_t n = 0, m = 0, same = 0;
    (void)state;
    assert_int_equal(letter_seal(&reader_public, span_text("cocaine"), a, &n), ERR_OK);
    assert_int_equal(letter_seal(&reader_public, span_text("cocaine"), b, &m), ERR_OK);
    assert_int_equal(n, m);
    for (size_t i = WRAP_TAG_BYTES; i < n; i++) {
        same += a[i] == b[i];
    }
    assert_true(same < 16);
}

static void every_change_of_a_letter_is_seen(void **state)
{
    uint8_t letter[LETTER_BYTES_MAX], back[LETTER_TEXT_BYTES_MAX];
    size_t n = 0, back_n = 0;
    (void)state;
    assert_int_equal(letter_seal(&reader_public, span_text("cocaine AND plate:AB123"), letter, &n), ERR_OK);
    for (size_t at = WRAP_TAG_BYTES; at < n; at++) { /* the tag before it only says whose key to try */
        for (unsigned bit = 0; bit < 8; bit++) {
            letter[at] ^= (uint8_t)(1U << bit);
            enum err err = letter_open(reader, span_of(letter, n), back, &back_n);
            /* X25519 ignores the top bit of a public key, but the wrap's nonce hashes all of it. */
            assert_int_equal(err, ERR_BADSIG);
            letter[at] ^= (uint8_t)(1U << bit);
        }
    }
    for (size_t cut = 0; cut < n; cut++) {
        enum err err = letter_open(reader, span_of(letter, cut), back, &back_n);
        assert_true(err == ERR_MALFORMED || err == ERR_BADSIG);
    }
    assert_int_equal(letter_open(reader, span_of(letter, sizeof letter + 1), back, &back_n), ERR_MALFORMED);
}

static void a_key_that_nobody_holds_is_refused(void **state)
{
    struct box_public nobody = {{0}};
    uint8_t letter[LETTER_BYTES_MAX];
    size_t n = 7;
    (void)state;
    assert_int_equal(letter_seal(&nobody, span_text("x"), letter, &n), ERR_INVALID);
    assert_int_equal(n, 7);
}

static void the_golden_letter_is_read(void **state)
{
    uint8_t letter[LETTER_BYTES_MAX], back[LETTER_TEXT_BYTES_MAX];
    struct secret *secret = secret_new(32);
    struct box_public public;
    size_t n = 0, back_n = 0;
    (void)state;
    memset(secret_write(secret), 0x42, 32);
    box_public_of(secret, &public);
    assert_int_equal(letter_seal(&public, span_text("what was searched for"), letter, &n), ERR_OK);
    struct span golden = golden_bytes("crypto_letter", span_of(letter, n));
    assert_true(letter_is_for(golden, &public));
    assert_int_equal(letter_open(secret, golden, back, &back_n), ERR_OK);
    assert_int_equal(back_n, 21);
    assert_memory_equal(back, "what was searched for", 21);
    secret_destroy(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_letter_is_opened_by_its_reader_alone),
        cmocka_unit_test(a_text_with_zeros_at_its_end_keeps_them),
        cmocka_unit_test(two_letters_of_one_text_have_nothing_in_common),
        cmocka_unit_test(every_change_of_a_letter_is_seen),
        cmocka_unit_test(a_key_that_nobody_holds_is_refused),
        cmocka_unit_test(the_golden_letter_is_read),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
