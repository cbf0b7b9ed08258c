/* Wraps and seals against vectors of another implementation, and what must not open. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crypto/sign.h"
#include "crypto/wrap.h"
#include "store/audience.h"
#include "tests/golden/crypto_golden.h"

static const char file[] = "crypto_wrap.hex";

static int set_up(void **state)
{
    (void)state;
    return crypto_start() == ERR_OK ? 0 : -1;
}

static struct secret *secret_of(const char *name)
{
    uint8_t bytes[GOLDEN_BYTES_MAX];
    size_t n = golden(file, name, bytes);
    struct secret *secret = secret_new(n);

    assert_non_null(secret);
    memcpy(secret_write(secret), bytes, n);
    return secret;
}

static struct box_public public_of(const char *name)
{
    uint8_t bytes[GOLDEN_BYTES_MAX];
    struct box_public ret;

    assert_int_equal(golden(file, name, bytes), sizeof ret.b);
    memcpy(ret.b, bytes, sizeof ret.b);
    return ret;
}

static void a_wrap_is_that_of_another_implementation_and_opens(void **state)
{
    struct secret *ephemeral = secret_of("ephemeral.secret"), *receiver = secret_of("receiver.secret"), *key = secret_of("key");
    struct secret *opened = secret_new(3 * SEALING_KEY_BYTES);
    struct box_public ephemeral_public = public_of("ephemeral.public"), receiver_public = public_of("receiver.public"), derived;
    uint8_t want[GOLDEN_BYTES_MAX], wrap[WRAP_BYTES];
    static const uint8_t zeros[SEALING_KEY_BYTES];

    (void)state;
    box_public_of(ephemeral, &derived);
    assert_memory_equal(derived.b, ephemeral_public.b, sizeof derived.b);
    assert_int_equal(golden(file, "wrap", want), sizeof wrap);
    assert_int_equal(wrap_make(ephemeral, &ephemeral_public, &receiver_public, (struct sealing_key){key, 0}, wrap), ERR_OK);
    assert_memory_equal(wrap, want, sizeof wrap);
    assert_int_equal(wrap_open((struct sealing_key){receiver, 0}, &receiver_public, &ephemeral_public, wrap, opened, SEALING_KEY_BYTES), ERR_OK);
    assert_memory_equal(secret_read(opened) + SEALING_KEY_BYTES, secret_read(key), SEALING_KEY_BYTES);
    assert_memory_equal(secret_read(opened), zeros, sizeof zeros); /* and nothing beside it */
    assert_memory_equal(secret_read(opened) + 64, zeros, sizeof zeros);
    secret_destroy(&ephemeral);
    secret_destroy(&receiver);
    secret_destroy(&key);
    secret_destroy(&opened);
}

static void a_wrap_opens_for_nobody_else_and_never_when_touched(void **state)
{
    struct secret *receiver = secret_of("receiver.secret"), *other = NULL, *opened = secret_new(SEALING_KEY_BYTES);
    struct box_public ephemeral = public_of("ephemeral.public"), public = public_of("receiver.public"), other_public;
    struct sealing_key at = {receiver, 0};
    uint8_t wrap[GOLDEN_BYTES_MAX];
    static const uint8_t zeros[SEALING_KEY_BYTES];

    (void)state;
    assert_int_equal(golden(file, "wrap", wrap), WRAP_BYTES);
    assert_int_equal(box_keypair(&other_public, &other), ERR_OK);
    assert_int_equal(wrap_open((struct sealing_key){other, 0}, &other_public, &ephemeral, wrap, opened, 0), ERR_BADSIG);
    assert_int_equal(wrap_open(at, &public, &other_public, wrap, opened, 0), ERR_BADSIG);
    for (size_t bit = 0; bit < 8 * WRAP_BYTES; bit++) {
        wrap[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(wrap_open(at, &public, &ephemeral, wrap, opened, 0), ERR_BADSIG);
        wrap[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    for (size_t bit = 0; bit < 255; bit++) { /* X25519 does not see the highest bit, the nonce does */
        ephemeral.b[bit / 8] ^= (uint8_t)(1U << bit % 8);
        assert_int_equal(wrap_open(at, &public, &ephemeral, wrap, opened, 0), ERR_BADSIG);
        ephemeral.b[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    ephemeral.b[31] ^= 0x80;
    assert_int_equal(wrap_open(at, &public, &ephemeral, wrap, opened, 0), ERR_BADSIG);
    assert_memory_equal(secret_read(opened), zeros, sizeof zeros);
    secret_destroy(&receiver);
    secret_destroy(&other);
    secret_destroy(&opened);
}

static void a_receiver_whose_key_nobody_can_hold_is_refused(void **state)
{
    static const struct box_public small_order[] = {{{0}}, {{1}}};
    struct secret *ephemeral = secret_of("ephemeral.secret"), *key = secret_of("key");
    struct box_public ephemeral_public = public_of("ephemeral.public");
    uint8_t wrap[WRAP_BYTES], before[WRAP_BYTES];

    (void)state;
    memset(wrap, 0xee, sizeof wrap);
    memcpy(before, wrap, sizeof wrap);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(wrap_make(ephemeral, &ephemeral_public, &small_order[i], (struct sealing_key){key, 0}, wrap), ERR_INVALID);
        assert_memory_equal(wrap, before, sizeof wrap);
    }
    secret_destroy(&ephemeral);
    secret_destroy(&key);
}

static void a_seal_is_that_of_another_implementation_and_opens(void **state)
{
    struct secret *key = secret_of("key");
    uint8_t nonce[GOLDEN_BYTES_MAX], plain[GOLDEN_BYTES_MAX], want[GOLDEN_BYTES_MAX], region[GOLDEN_BYTES_MAX], author[GOLDEN_BYTES_MAX],
        id[GOLDEN_BYTES_MAX], associated[80], bytes[GOLDEN_BYTES_MAX];
    struct sealing_key at = {key, 0};
    struct out ad = out_into(associated, sizeof associated);

    (void)state;
    assert_int_equal(golden(file, "nonce", nonce), AEAD_NONCE_BYTES);
    size_t n = golden(file, "plain", plain), sealed = golden(file, "sealed", want);
    assert_int_equal(sealed, n + AEAD_TAG_BYTES);
    out_bytes(&ad, region, golden(file, "region", region));
    out_bytes(&ad, author, golden(file, "author", author));
    out_bytes(&ad, id, golden(file, "id", id));
    aead_seal(at, nonce, out_written(&ad), span_of(plain, n), bytes);
    assert_memory_equal(bytes, want, sealed);
    assert_int_equal(aead_open(at, nonce, out_written(&ad), span_of(bytes, sealed), bytes), ERR_OK); /* in its place */
    assert_memory_equal(bytes, plain, n);
    memcpy(bytes, plain, n);
    aead_seal(at, nonce, out_written(&ad), span_of(bytes, n), bytes);
    assert_memory_equal(bytes, want, sealed);
    secret_destroy(&key);
}

static void a_seal_does_not_open_when_anything_is_touched(void **state)
{
    struct secret *key = secret_random(SEALING_KEY_BYTES), *other = secret_random(SEALING_KEY_BYTES);
    struct sealing_key at = {key, 0};
    uint8_t nonce[AEAD_NONCE_BYTES] = {7}, sealed[40 + AEAD_TAG_BYTES], opened[40], associated[8] = {1};
    static const uint8_t plain[40] = "forty bytes for those who hold the key.";
    struct {
        uint8_t *p;
        size_t n;
        const char *what;
    } parts[] = {{sealed, sizeof sealed, "sealed bytes"}, {nonce, sizeof nonce, "nonce"}, {associated, sizeof associated, "associated data"}};

    (void)state;
    aead_seal(at, nonce, span_of(associated, sizeof associated), span_of(plain, sizeof plain), sealed);
    for (size_t part = 0; part < 3; part++) {
        for (size_t bit = 0; bit < 8 * parts[part].n; bit++) {
            parts[part].p[bit / 8] ^= (uint8_t)(1U << bit % 8);
            if (aead_open(at, nonce, span_of(associated, sizeof associated), span_of(sealed, sizeof sealed), opened) != ERR_BADSIG) {
                fail_msg("%s: bit %zu", parts[part].what, bit);
            }
            parts[part].p[bit / 8] ^= (uint8_t)(1U << bit % 8);
        }
    }
    for (size_t n = 0; n < sizeof sealed; n++) {
        assert_int_equal(aead_open(at, nonce, span_of(associated, sizeof associated), span_of(sealed, n), opened), ERR_BADSIG);
    }
    assert_int_equal(aead_open((struct sealing_key){other, 0}, nonce, span_of(associated, sizeof associated), span_of(sealed, sizeof sealed), opened),
                     ERR_BADSIG);
    assert_int_equal(aead_open(at, nonce, span_of(associated, sizeof associated), span_of(sealed, sizeof sealed), opened), ERR_OK);
    assert_memory_equal(opened, plain, sizeof plain);
    secret_destroy(&key);
    secret_destroy(&other);
}

/* ---- audiences ---- */

static struct node_id node(unsigned number)
{
    struct node_id ret = {{0}};

    ret.b[0] = (uint8_t)(number >> 8);
    ret.b[1] = (uint8_t)number;
    return ret;
}

static void an_audience_is_a_set_of_at_most_160(void **state)
{
    struct audience a = {0}, b = {0};

    (void)state;
    assert_true(audience_is_valid(&a) && audience_equal(&a, &b));
    for (unsigned i = 0; i < AUDIENCE_NODES_MAX; i++) {
        struct node_id up = node(i), down = node(AUDIENCE_NODES_MAX - 1 - i);
        assert_false(audience_has(&a, &up));
        assert_int_equal(audience_add(&a, &up), ERR_OK);
        assert_int_equal(audience_add(&a, &up), ERR_OK);
        assert_int_equal(audience_add(&b, &down), ERR_OK);
        assert_true(audience_has(&a, &up) && audience_is_valid(&b));
        assert_int_equal(a.count, i + 1);
    }
    assert_true(audience_equal(&a, &b));
    struct node_id more = node(AUDIENCE_NODES_MAX), held = node(3);
    assert_int_equal(audience_add(&a, &more), ERR_LIMIT);
    assert_int_equal(audience_add(&a, &held), ERR_OK);
    b.nodes[4] = b.nodes[5];
    assert_false(audience_is_valid(&b) || audience_equal(&a, &b));
    b = a;
    b.count = AUDIENCE_NODES_MAX + 1;
    assert_false(audience_is_valid(&b));
}

static void a_key_id_is_that_of_another_implementation_and_names_all_it_commits_to(void **state)
{
    struct secret *key = secret_of("key");
    struct sealing_key at = {key, 0};
    uint8_t bytes[GOLDEN_BYTES_MAX], want[GOLDEN_BYTES_MAX];
    struct audience audience = {0};
    struct node_id author;
    struct hash id, other;

    (void)state;
    assert_int_equal(golden(file, "author", bytes), sizeof author.b);
    memcpy(author.b, bytes, sizeof author.b);
    assert_int_equal(golden(file, "audience", bytes), 3 * sizeof author.b);
    memcpy(audience.nodes, bytes, 3 * sizeof author.b);
    audience.count = 3;
    assert_int_equal(golden(file, "id", want), sizeof id.b);
    audience_key_id(&author, &audience, at, &id);
    assert_memory_equal(id.b, want, sizeof id.b);
    audience.count = 2;
    audience_key_id(&author, &audience, at, &other);
    assert_false(hash_equal(&id, &other));
    audience.count = 3;
    secret_write(key)[31] ^= 1;
    audience_key_id(&author, &audience, at, &other);
    assert_false(hash_equal(&id, &other));
    secret_write(key)[31] ^= 1;
    author.b[0] ^= 1;
    audience_key_id(&author, &audience, at, &other);
    assert_false(hash_equal(&id, &other));
    secret_destroy(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wrap_is_that_of_another_implementation_and_opens),
        cmocka_unit_test(a_wrap_opens_for_nobody_else_and_never_when_touched),
        cmocka_unit_test(a_receiver_whose_key_nobody_can_hold_is_refused),
        cmocka_unit_test(a_seal_is_that_of_another_implementation_and_opens),
        cmocka_unit_test(a_seal_does_not_open_when_anything_is_touched),
        cmocka_unit_test(an_audience_is_a_set_of_at_most_160),
        cmocka_unit_test(a_key_id_is_that_of_another_implementation_and_names_all_it_commits_to),
    };

    return cmocka_run_group_tests(tests, set_up, NULL);
}
