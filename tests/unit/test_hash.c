/* Hashes against vectors of another implementation, and everything that could make two purposes
 * meet. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/hash.h"
#include "tests/golden/crypto_golden.h"

static const char golden_file[] = "crypto_hash.hex";

static const struct {
    enum hash_purpose purpose;
    const char *name;
} purposes[] = {
    {HASH_CHARTER, "charter"}, {HASH_BIRTH, "birth"},     {HASH_COMMIT, "commit"},
    {HASH_LEAVES, "leaves"},   {HASH_PAYLOAD, "payload"}, {HASH_NOTICE, "notice"},
    {HASH_HEADS, "heads"},     {HASH_NOTICES, "notices"}, {HASH_ACTS, "acts"},
    {HASH_SESSION, "session"}, {HASH_PREFIX, "prefix"},   {HASH_RECORD, "record"},
    {HASH_CONTENT, "content"}, {HASH_SEAL, "seal"},       {HASH_DICTIONARY, "dict"},
    {HASH_FILE, "file"},       {HASH_SENDER_KEY, "sender"}, {HASH_WRAP, "wrap"},
    {HASH_AUDIT, "audit"},     {HASH_BUNDLE, "bundle"},
};
_Static_assert(sizeof purposes / sizeof purposes[0] == HASH_PURPOSE_COUNT,
               "every purpose has a vector");

/* golden() of "name.part" */
static size_t vector(const char *file, const char *name, const char *part,
                     uint8_t ret[GOLDEN_BYTES_MAX])
{
    char line[64];
    snprintf(line, sizeof line, "%s.%s", name, part);
    return golden(file, line, ret);
}

static struct secret *counting_key(size_t n)
{
    struct secret *key = secret_new(n);
    assert_non_null(key);
    for (size_t i = 0; i < n; i++) {
        secret_write(key)[i] = (uint8_t)i;
    }
    return key;
}

static void every_purpose_gives_the_hash_of_another_implementation(void **state)
{
    uint8_t want[GOLDEN_BYTES_MAX];
    struct hash hash;
    struct secret *key = counting_key(32);

    (void)state;
    for (size_t i = 0; i < HASH_PURPOSE_COUNT; i++) {
        print_message("  %s\n", purposes[i].name);
        assert_int_equal(purposes[i].purpose, i);
        assert_int_equal(vector(golden_file, purposes[i].name, "empty", want), sizeof hash.b);
        hash_of(purposes[i].purpose, (struct span){NULL, 0}, &hash);
        assert_memory_equal(hash.b, want, sizeof hash.b);
        assert_int_equal(vector(golden_file, purposes[i].name, "abc", want), sizeof hash.b);
        hash_of(purposes[i].purpose, span_text("abc"), &hash);
        assert_memory_equal(hash.b, want, sizeof hash.b);
        assert_int_equal(vector(golden_file, purposes[i].name, "keyed", want), sizeof hash.b);
        hash_keyed(purposes[i].purpose, key, span_text("abc"), &hash);
        assert_memory_equal(hash.b, want, sizeof hash.b);
    }
    secret_destroy(&key);
}

static void no_two_labels_are_equal_nor_are_those_of_signatures(void **state)
{
    static const char *const signs[] = {"commit", "birth",    "roster", "act",
                                        "card",   "frontier", "hello",  "bundle"};
    enum { SIGNS = sizeof signs / sizeof signs[0], ALL = HASH_PURPOSE_COUNT + SIGNS };
    uint8_t labels[ALL][GOLDEN_BYTES_MAX];

    (void)state;
    for (size_t i = 0; i < HASH_PURPOSE_COUNT; i++) {
        assert_int_equal(vector(golden_file, purposes[i].name, "label", labels[i]), 16);
    }
    for (size_t i = 0; i < SIGNS; i++) {
        assert_int_equal(
            vector("crypto_sign.hex", signs[i], "label", labels[HASH_PURPOSE_COUNT + i]), 16);
    }
    for (size_t i = 0; i < ALL; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_memory_not_equal(labels[i], labels[j], 16);
        }
    }
}

static void the_document_lists_every_label(void **state)
{
    static const char *const files[] = {"crypto_hash.hex", "crypto_sign.hex"};
    static char document[65536];
    unsigned labels = 0;
    FILE *keys = fopen("crypto/KEYS.md", "r");

    (void)state;
    assert_non_null(keys);
    size_t n = fread(document, 1, sizeof document - 1, keys);
    fclose(keys);
    assert_in_range(n, 1, sizeof document - 2);
    for (size_t i = 0; i < 2; i++) {
        char line[1024];
        char path[64];
        snprintf(path, sizeof path, "tests/golden/%s", files[i]);
        FILE *vectors = fopen(path, "r");
        assert_non_null(vectors);
        while (fgets(line, sizeof line, vectors) != NULL) {
            char label[17] = "";
            char want[64];
            const char *hex = strstr(line, ".label ");
            if (hex == NULL) {
                continue;
            }
            line[strcspn(line, "\n")] = '\0';
            assert_true(hex_decode(hex + strlen(".label "), label, 16));
            snprintf(want, sizeof want, "`%s` + %zu", label, 16 - strlen(label));
            if (strstr(document, want) == NULL) {
                fail_msg("crypto/KEYS.md does not list %s", want);
            }
            labels++;
        }
        fclose(vectors);
    }
    assert_int_equal(labels, HASH_PURPOSE_COUNT + 8);
}

static void pieces_give_the_hash_of_the_whole(void **state)
{
    static const size_t sizes[] = {0, 1, 127, 128, 129, 255, 256, 257, 1024, 65536};
    static uint8_t bytes[65536];
    struct hash whole;
    struct hash pieces;
    struct hash_state hash;

    (void)state;
    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        hash_of(HASH_COMMIT, span_of(bytes, sizes[i]), &whole);
        for (size_t step = 1; step <= 300; step += 37) {
            hash_start(&hash, HASH_COMMIT);
            hash_add(&hash, (struct span){NULL, 0});
            for (size_t at = 0; at < sizes[i]; at += step) {
                hash_add(&hash, span_of(bytes + at, sizes[i] - at < step ? sizes[i] - at : step));
            }
            hash_end(&hash, &pieces);
            assert_memory_equal(&pieces, &whole, sizeof whole);
        }
    }
}

static void a_leaf_is_salt_then_payload(void **state)
{
    uint8_t want[GOLDEN_BYTES_MAX];
    uint8_t salt[16];
    struct hash hash;
    struct hash other;

    (void)state;
    for (size_t i = 0; i < sizeof salt; i++) {
        salt[i] = (uint8_t)(0x40 + i);
    }
    hash_leaf(salt, span_text("a payload"), &hash);
    assert_int_equal(golden(golden_file, "leaf", want), sizeof hash.b);
    assert_memory_equal(hash.b, want, sizeof hash.b);
    for (size_t i = 0; i < sizeof salt; i++) { /* each byte of the salt counts */
        salt[i] ^= 1;
        hash_leaf(salt, span_text("a payload"), &other);
        assert_false(hash_equal(&hash, &other));
        salt[i] ^= 1;
    }
    hash_leaf(salt, (struct span){NULL, 0}, &other);
    assert_false(hash_equal(&hash, &other));
}

static void a_prefix_depends_on_session_and_head(void **state)
{
    uint8_t want[GOLDEN_BYTES_MAX];
    uint8_t prefix[8];
    uint8_t other[8];
    struct session_id session;
    struct hash head;

    (void)state;
    for (size_t i = 0; i < sizeof session.b; i++) {
        session.b[i] = (uint8_t)(0xa0 + i);
    }
    for (size_t i = 0; i < sizeof head.b; i++) {
        head.b[i] = (uint8_t)i;
    }
    hash_prefix(&session, &head, prefix);
    assert_int_equal(golden(golden_file, "prefix", want), sizeof prefix);
    assert_memory_equal(prefix, want, sizeof prefix);
    session.b[7] ^= 1;
    hash_prefix(&session, &head, other);
    assert_memory_not_equal(prefix, other, sizeof prefix);
    session.b[7] ^= 1;
    head.b[31] ^= 1;
    hash_prefix(&session, &head, other);
    assert_memory_not_equal(prefix, other, sizeof prefix);
}

static void hex_goes_there_and_back(void **state)
{
    uint8_t bytes[256];
    uint8_t back[256];
    char hex[2 * 256 + 1];

    (void)state;
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)i;
    }
    assert_ptr_equal(hex_encode(bytes, sizeof bytes, hex), hex);
    assert_int_equal(strlen(hex), 512);
    assert_memory_equal(hex + 2 * 0xab, "abac", 4);
    assert_true(hex_decode(hex, back, sizeof back));
    assert_memory_equal(bytes, back, sizeof bytes);
    assert_string_equal(hex_encode(bytes, 0, hex), "");
    assert_true(hex_decode("", back, 0));
    assert_true(hex_decode("0aBCdeF0", back, 4));
    assert_memory_equal(back, "\x0a\xbc\xde\xf0", 4);
}

static void anything_but_exact_hex_is_refused_and_writes_nothing(void **state)
{
    static const struct {
        const char *what;
        const char *hex;
    } rows[] = {
        {"empty", ""},
        {"a byte short", "000102"},
        {"half a byte short", "0001020"},
        {"half a byte long", "000102030"},
        {"a byte long", "0001020304"},
        {"a letter that is no digit", "0001020g"},
        {"a space within", "00 10203"},
        {"a newline behind", "00010203\n"},
        {"a prefix", "0x010203"},
        {"a sign", "-0010203"},
        {"a byte above ASCII", "000102\xc3\xa9"},
        {"just below '0'", "0001020/"},
        {"just above '9'", "0001020:"},
        {"just below 'A'", "0001020@"},
        {"just above 'F'", "0001020G"},
        {"just below 'a'", "0001020`"},
    };
    uint8_t ret[4];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].what);
        memset(ret, 0xee, sizeof ret);
        assert_false(hex_decode(rows[i].hex, ret, sizeof ret));
        assert_memory_equal(ret, "\xee\xee\xee\xee", sizeof ret);
    }
}

static void a_fingerprint_can_be_read_aloud(void **state)
{
    uint8_t want[GOLDEN_BYTES_MAX];
    char print[FINGERPRINT_CHARS];
    char other[FINGERPRINT_CHARS];

    (void)state;
    fingerprint(span_text("a card"), print);
    assert_int_equal(golden(golden_file, "fingerprint", want), FINGERPRINT_CHARS - 1);
    assert_memory_equal(print, want, FINGERPRINT_CHARS - 1);
    assert_int_equal(strlen(print), FINGERPRINT_CHARS - 1);
    for (uint8_t i = 0; i < 100; i++) {
        fingerprint(span_of(&i, 1), other);
        for (size_t at = 0; at < FINGERPRINT_CHARS - 1; at++) {
            if (at % 5 == 4) {
                assert_int_equal(other[at], '-');
            } else {
                assert_non_null(memchr("abcdefghijklmnopqrstuvwxyz234567", other[at], 32));
            }
        }
        assert_string_not_equal(print, other);
    }
}

/* Does `misuse` end in an abort? In a child, without a core file. */
static bool aborts(void (*misuse)(void))
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
        misuse();
        _exit(0);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
}

static void key_of(size_t n)
{
    struct hash hash;
    struct secret *key = secret_new(n);
    hash_keyed(HASH_RECORD, key, span_text("abc"), &hash);
    secret_destroy(&key);
}
static void key_too_short(void) { key_of(31); }
static void key_of_32(void) { key_of(32); }
static void key_too_long(void) { key_of(33); }
static void purpose_unknown(void)
{
    struct hash hash;
    hash_of(HASH_PURPOSE_COUNT, span_text("abc"), &hash);
}

static void misuse_is_a_bug_of_ours_and_asserts(void **state)
{
    (void)state;
    assert_true(aborts(key_too_short));
    assert_false(aborts(key_of_32));
    assert_true(aborts(key_too_long));
    assert_true(aborts(purpose_unknown));
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_purpose_gives_the_hash_of_another_implementation),
        cmocka_unit_test(no_two_labels_are_equal_nor_are_those_of_signatures),
        cmocka_unit_test(the_document_lists_every_label),
        cmocka_unit_test(pieces_give_the_hash_of_the_whole),
        cmocka_unit_test(a_leaf_is_salt_then_payload),
        cmocka_unit_test(a_prefix_depends_on_session_and_head),
        cmocka_unit_test(hex_goes_there_and_back),
        cmocka_unit_test(anything_but_exact_hex_is_refused_and_writes_nothing),
        cmocka_unit_test(a_fingerprint_can_be_read_aloud),
        cmocka_unit_test(misuse_is_a_bug_of_ours_and_asserts),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
