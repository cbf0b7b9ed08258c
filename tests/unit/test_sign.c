/* Signatures against vectors of another implementation, and every way in which one could be taken
 * for another. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/sign.h"
#include "tests/golden/crypto_golden.h"

static const char golden_file[] = "crypto_sign.hex";
static const char *const names[] = {"commit", "birth",    "roster", "act",
                                    "card",   "frontier", "hello",  "bundle"};
_Static_assert(sizeof names / sizeof names[0] == SIGN_PURPOSE_COUNT, "every purpose has a vector");

struct fixture {
    struct region_id region;
    struct sign_public key;
    struct secret *secret;
};

static struct fixture fixture_new(void)
{
    struct fixture f;
    memset(&f, 0, sizeof f);
    random_fill(f.region.b, sizeof f.region.b);
    assert_int_equal(sign_keypair(&f.key, &f.secret), ERR_OK);
    return f;
}

/* The secret of a seed is the seed and the public key. */
static struct secret *golden_secret(struct sign_public *ret)
{
    uint8_t bytes[GOLDEN_BYTES_MAX];
    struct secret *secret = secret_new(64);

    assert_non_null(secret);
    assert_int_equal(golden(golden_file, "public", bytes), sizeof ret->b);
    memcpy(ret->b, bytes, sizeof ret->b);
    for (size_t i = 0; i < 32; i++) {
        secret_write(secret)[i] = (uint8_t)i;
        secret_write(secret)[32 + i] = bytes[i];
    }
    return secret;
}

static void every_purpose_gives_the_signature_of_another_implementation(void **state)
{
    uint8_t want[GOLDEN_BYTES_MAX];
    char line[64];
    struct region_id region;
    struct sign_public key;
    struct sign_public key_again;
    struct signature signature;
    struct secret *secret = golden_secret(&key);

    (void)state;
    for (size_t i = 0; i < sizeof region.b; i++) {
        region.b[i] = (uint8_t)(0x80 + i);
    }
    for (size_t i = 0; i < SIGN_PURPOSE_COUNT; i++) {
        print_message("  %s\n", names[i]);
        snprintf(line, sizeof line, "%s.signature", names[i]);
        assert_int_equal(golden(golden_file, line, want), sizeof signature.b);
        sign_make((enum sign_purpose)i, &region, span_text("griot remembers"), secret, &signature);
        assert_memory_equal(signature.b, want, sizeof signature.b);
        assert_int_equal(sign_check((enum sign_purpose)i, &region, span_text("griot remembers"),
                                    &key, &signature),
                         ERR_OK);
    }
    sign_public_of(secret, &key_again);
    assert_memory_equal(&key, &key_again, sizeof key);
    secret_destroy(&secret);
}

static void a_signature_serves_one_purpose(void **state)
{
    struct fixture f = fixture_new();
    struct signature signature;

    (void)state;
    for (unsigned made = 0; made < SIGN_PURPOSE_COUNT; made++) {
        sign_make((enum sign_purpose)made, &f.region, span_text("words"), f.secret, &signature);
        for (unsigned asked = 0; asked < SIGN_PURPOSE_COUNT; asked++) {
            assert_int_equal(sign_check((enum sign_purpose)asked, &f.region, span_text("words"),
                                        &f.key, &signature),
                             asked == made ? ERR_OK : ERR_BADSIG);
        }
    }
    secret_destroy(&f.secret);
}

/* Flips bits of the `n` bytes at `p`, one at a time and back, and wants every one refused. */
static void refuse_flips(const struct fixture *f, uint8_t *p, size_t n, unsigned bits,
                         struct span message, struct signature *signature)
{
    for (size_t i = 0; i < n; i++) {
        for (unsigned bit = 0; bit < bits; bit++) {
            uint8_t flip = (uint8_t)(1U << (bits == 8 ? bit : i % 8));
            p[i] ^= flip;
            assert_int_equal(sign_check(SIGN_COMMIT, &f->region, message, &f->key, signature),
                             ERR_BADSIG);
            p[i] ^= flip;
        }
    }
    assert_int_equal(sign_check(SIGN_COMMIT, &f->region, message, &f->key, signature), ERR_OK);
}

static void every_flipped_byte_is_refused(void **state)
{
    uint8_t message[300];
    struct fixture f = fixture_new();
    struct signature signature;
    struct span span = span_of(message, sizeof message);

    (void)state;
    random_fill(message, sizeof message);
    sign_make(SIGN_COMMIT, &f.region, span, f.secret, &signature);
    refuse_flips(&f, message, sizeof message, 1, span, &signature);
    refuse_flips(&f, f.region.b, sizeof f.region.b, 1, span, &signature);
    refuse_flips(&f, f.key.b, sizeof f.key.b, 8, span, &signature);
    refuse_flips(&f, signature.b, sizeof signature.b, 8, span, &signature);
    secret_destroy(&f.secret);
}

static void a_message_cut_or_lengthened_is_refused(void **state)
{
    uint8_t message[65] = {0};
    struct fixture f = fixture_new();
    struct signature signature;

    (void)state;
    sign_make(SIGN_CARD, &f.region, span_of(message, 64), f.secret, &signature);
    for (size_t n = 0; n <= sizeof message; n++) {
        assert_int_equal(sign_check(SIGN_CARD, &f.region, span_of(message, n), &f.key, &signature),
                         n == 64 ? ERR_OK : ERR_BADSIG);
    }
    secret_destroy(&f.secret);
}

static void lengths_around_the_limits_verify(void **state)
{
    static uint8_t bytes[SIGN_BYTES_MAX + 1];
    static const size_t sizes[] = {0, 1, 1023, 1024, 1025, SIGN_BYTES_MAX - 1, SIGN_BYTES_MAX};
    struct fixture f = fixture_new();
    struct signature signature;

    (void)state;
    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct span span = sizes[i] == 0 ? (struct span){NULL, 0} : span_of(bytes, sizes[i]);
        sign_make(SIGN_ROSTER, &f.region, span, f.secret, &signature);
        assert_int_equal(sign_check(SIGN_ROSTER, &f.region, span, &f.key, &signature), ERR_OK);
        if (sizes[i] > 0) { /* the last byte counts */
            bytes[sizes[i] - 1] ^= 1;
            assert_int_equal(sign_check(SIGN_ROSTER, &f.region, span, &f.key, &signature),
                             ERR_BADSIG);
            bytes[sizes[i] - 1] ^= 1;
        }
    }
    assert_int_equal(
        sign_check(SIGN_ROSTER, &f.region, span_of(bytes, sizeof bytes), &f.key, &signature),
        ERR_BADSIG);
    secret_destroy(&f.secret);
}

static void a_second_form_of_a_signature_is_refused(void **state)
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0,    0,    0,    0,    0,    0,    0,    0,
                                      0,    0,    0,    0,    0,    0,    0,    0x10};
    struct fixture f = fixture_new();
    struct signature signature;
    unsigned carry = 0;

    (void)state;
    sign_make(SIGN_COMMIT, &f.region, span_text("words"), f.secret, &signature);
    for (size_t i = 0; i < sizeof order;
         i++) { /* S + L verifies where S is not checked to be reduced */
        carry += (unsigned)signature.b[32 + i] + order[i];
        signature.b[32 + i] = (uint8_t)carry;
        carry >>= 8;
    }
    assert_int_equal(sign_check(SIGN_COMMIT, &f.region, span_text("words"), &f.key, &signature),
                     ERR_BADSIG);
    secret_destroy(&f.secret);
}

static void keys_of_small_order_sign_nothing(void **state)
{
    static const struct {
        const char *what;
        const char *hex;
    } rows[] = {
        {"identity", "0100000000000000000000000000000000000000000000000000000000000000"},
        {"order 2", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
        {"order 4", "0000000000000000000000000000000000000000000000000000000000000000"},
        {"order 4, other sign", "0000000000000000000000000000000000000000000000000000000000000080"},
        {"order 8", "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"},
        {"order 8, another", "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"},
        {"identity, not reduced",
         "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
    };
    struct region_id region = {{0}};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sign_public key;
        struct signature signature = {{0}};
        print_message("  %s\n", rows[i].what);
        assert_true(hex_decode(rows[i].hex, key.b, sizeof key.b));
        memcpy(
            signature.b, key.b,
            sizeof key.b); /* R = A, S = 0: verifies for some hash where orders are not checked */
        for (uint8_t m = 0; m < 32; m++) {
            assert_int_equal(sign_check(SIGN_ACT, &region, span_of(&m, 1), &key, &signature),
                             ERR_BADSIG);
        }
        memset(&signature, 0, sizeof signature);
        signature.b[0] = 1; /* R = identity */
        for (uint8_t m = 0; m < 32; m++) {
            assert_int_equal(sign_check(SIGN_ACT, &region, span_of(&m, 1), &key, &signature),
                             ERR_BADSIG);
        }
    }
}

struct job {
    const struct fixture *f;
    const struct signature *signature;
    struct span message;
    unsigned wrong;
};

static void *verify_many(void *p)
{
    struct job *job = p;
    struct signature bad = *job->signature;

    bad.b[0] ^= 1;
    for (int i = 0; i < 50; i++) {
        job->wrong += sign_check(SIGN_COMMIT, &job->f->region, job->message, &job->f->key,
                                 job->signature) != ERR_OK;
        job->wrong += sign_check(SIGN_COMMIT, &job->f->region, job->message, &job->f->key, &bad) !=
                      ERR_BADSIG;
    }
    return NULL;
}

static void many_threads_may_verify_at_once(void **state)
{
    static uint8_t large[SIGN_BYTES_MAX];
    struct fixture f = fixture_new();
    struct signature signatures[2];
    struct span messages[2] = {span_text("small"), span_of(large, sizeof large)};
    struct job jobs[4];
    pthread_t threads[4];

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        sign_make(SIGN_COMMIT, &f.region, messages[i], f.secret, &signatures[i]);
    }
    for (size_t i = 0; i < 4; i++) {
        jobs[i] = (struct job){&f, &signatures[i % 2], messages[i % 2], 0};
        assert_int_equal(pthread_create(&threads[i], NULL, verify_many, &jobs[i]), 0);
    }
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(jobs[i].wrong, 0);
    }
    secret_destroy(&f.secret);
}

static void transport_and_encryption_keys_are_x25519(void **state)
{
    uint8_t want[GOLDEN_BYTES_MAX];
    struct curve_public curve;
    struct curve_public curve_again;
    struct box_public box;
    struct box_public box_again;
    struct secret *first = NULL;
    struct secret *second = NULL;
    struct secret *counting = secret_new(32);

    (void)state;
    assert_non_null(counting);
    for (size_t i = 0; i < 32; i++) {
        secret_write(counting)[i] = (uint8_t)i;
    }
    assert_int_equal(golden(golden_file, "x25519", want), 32);
    curve_public_of(counting, &curve);
    assert_memory_equal(curve.b, want, 32);
    box_public_of(counting, &box);
    assert_memory_equal(box.b, want, 32);

    assert_int_equal(curve_keypair(&curve, &first), ERR_OK);
    assert_int_equal(box_keypair(&box, &second), ERR_OK);
    assert_int_equal(secret_bytes(first), 32);
    assert_int_equal(secret_bytes(second), 32);
    assert_false(secret_equal(first, second));
    curve_public_of(first, &curve_again);
    box_public_of(second, &box_again);
    assert_memory_equal(&curve, &curve_again, sizeof curve);
    assert_memory_equal(&box, &box_again, sizeof box);
    secret_destroy(&counting);
    secret_destroy(&first);
    secret_destroy(&second);
}

static void two_key_pairs_are_never_the_same(void **state)
{
    struct fixture a = fixture_new();
    struct fixture b = fixture_new();
    struct signature signature;

    (void)state;
    assert_int_equal(secret_bytes(a.secret), 64);
    assert_false(secret_equal(a.secret, b.secret));
    assert_memory_not_equal(&a.key, &b.key, sizeof a.key);
    sign_make(SIGN_HELLO, &a.region, span_text("words"), a.secret, &signature);
    assert_int_equal(sign_check(SIGN_HELLO, &a.region, span_text("words"), &b.key, &signature),
                     ERR_BADSIG);
    secret_destroy(&a.secret);
    secret_destroy(&b.secret);
}

/* The status of a child that runs `body`, without a core file. */
static int status_of(int (*body)(void))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        struct rlimit none = {0, 0};
        setrlimit(RLIMIT_CORE, &none);
        signal(SIGABRT, SIG_DFL); /* cmocka's handlers would go on with the tests */
        signal(SIGSEGV, SIG_DFL);
        if (freopen("/dev/null", "w", stderr) == NULL) {
            _exit(2);
        }
        _exit(body());
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int keypairs_without_lockable_memory(void)
{
    struct rlimit none = {0, 0};
    struct sign_public key;
    struct curve_public curve;
    struct box_public box;
    struct secret *secret = NULL;

    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
        (geteuid() == 0 && setresuid(65534, 65534, 65534) != 0)) {
        return 3;
    }
    return sign_keypair(&key, &secret) == ERR_MEMORY &&
                   curve_keypair(&curve, &secret) == ERR_MEMORY &&
                   box_keypair(&box, &secret) == ERR_MEMORY && secret == NULL
               ? 0
               : 1;
}

static void key_pairs_need_lockable_memory(void **state)
{
    (void)state;
    assert_int_equal(status_of(keypairs_without_lockable_memory), 0);
}

static int sign_with(size_t message_bytes, size_t secret_bytes)
{
    static uint8_t message[SIGN_BYTES_MAX + 1];
    struct region_id region = {{0}};
    struct signature signature;
    struct secret *secret = secret_random(secret_bytes);

    sign_make(SIGN_COMMIT, &region, span_of(message, message_bytes), secret, &signature);
    secret_destroy(&secret);
    return 0;
}
static int sign_as_allowed(void) { return sign_with(SIGN_BYTES_MAX, 64); }
static int sign_too_much(void) { return sign_with(SIGN_BYTES_MAX + 1, 64); }
static int sign_with_another_secret(void) { return sign_with(1, 32); }
static int sign_for_nothing(void)
{
    struct region_id region = {{0}};
    struct signature signature;
    struct secret *secret = secret_random(64);

    sign_make(SIGN_PURPOSE_COUNT, &region, span_text("words"), secret, &signature);
    return 0;
}

static void misuse_is_a_bug_of_ours_and_asserts(void **state)
{
    static int (*const bugs[])(void) = {sign_too_much, sign_with_another_secret, sign_for_nothing};

    (void)state;
    assert_int_equal(status_of(sign_as_allowed), 0);
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        int status = status_of(bugs[i]);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    }
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_purpose_gives_the_signature_of_another_implementation),
        cmocka_unit_test(a_signature_serves_one_purpose),
        cmocka_unit_test(every_flipped_byte_is_refused),
        cmocka_unit_test(a_message_cut_or_lengthened_is_refused),
        cmocka_unit_test(lengths_around_the_limits_verify),
        cmocka_unit_test(a_second_form_of_a_signature_is_refused),
        cmocka_unit_test(keys_of_small_order_sign_nothing),
        cmocka_unit_test(many_threads_may_verify_at_once),
        cmocka_unit_test(transport_and_encryption_keys_are_x25519),
        cmocka_unit_test(two_key_pairs_are_never_the_same),
        cmocka_unit_test(key_pairs_need_lockable_memory),
        cmocka_unit_test(misuse_is_a_bug_of_ours_and_asserts),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
