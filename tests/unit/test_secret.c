/* Guarded memory: locked, fenced, wiped; and the start that refuses to go on without. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "crypto/sign.h"
#include "tests/lib/needle.h"

/* The status of a child that runs `body`. */
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

static long locked_kb(void)
{
    char line[256];
    long kb = -1;
    FILE *f = fopen("/proc/self/status", "r");

    assert_non_null(f);
    while (fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "VmLck: %ld", &kb);
    }
    fclose(f);
    return kb;
}

/* Become somebody whom the limit binds. */
static bool limit_locking(rlim_t bytes)
{
    struct rlimit limit = {bytes, bytes};
    return setrlimit(RLIMIT_MEMLOCK, &limit) == 0 &&
           (geteuid() != 0 || setresuid(65534, 65534, 65534) == 0);
}

static int start_and_look(void)
{
    struct rlimit core;
    struct rlimit lock;

    if (crypto_start() != ERR_OK || crypto_start() != ERR_OK) { /* a second time does no harm */
        return 10;
    }
    if (getrlimit(RLIMIT_CORE, &core) != 0 || core.rlim_cur != 0 || core.rlim_max != 0) {
        return 11;
    }
    if (getrlimit(RLIMIT_MEMLOCK, &lock) != 0 || lock.rlim_cur != lock.rlim_max) {
        return 12;
    }
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : 13;
}

static void starting_refuses_core_files_and_takes_the_whole_lock_limit(void **state)
{
    (void)state;
    assert_int_equal(status_of(start_and_look), 0);
}

static int start_without_lock(void)
{
    return limit_locking(0) && crypto_start() == ERR_MLOCK ? 0 : 1;
}
static int start_below_a_page(void)
{
    return limit_locking((rlim_t)sysconf(_SC_PAGESIZE) - 1) && crypto_start() == ERR_MLOCK ? 0 : 1;
}
static int start_with_a_page(void)
{
    return limit_locking((rlim_t)sysconf(_SC_PAGESIZE)) && crypto_start() == ERR_OK ? 0 : 1;
}

static void starting_without_lockable_memory_is_refused(void **state)
{
    (void)state;
    assert_int_equal(status_of(start_without_lock), 0);
    assert_int_equal(status_of(start_below_a_page), 0);
    assert_int_equal(status_of(start_with_a_page), 0);
}

static int secrets_until_the_limit(void)
{
    struct secret *secrets[8] = {NULL};
    size_t n = 0;

    if (!limit_locking(4 * (rlim_t)sysconf(_SC_PAGESIZE)) || crypto_start() != ERR_OK) {
        return 10;
    }
    while (n < 8 && (secrets[n] = secret_new(32)) != NULL) {
        n++;
    }
    if (n != 4) {
        return 11;
    }
    secret_destroy(&secrets[0]); /* and its page is free again */
    secrets[0] = secret_new(32);
    return secrets[0] != NULL && secret_random(32) == NULL ? 0 : 12;
}

static void a_secret_that_cannot_be_locked_is_not_made(void **state)
{
    (void)state;
    assert_int_equal(status_of(secrets_until_the_limit), 0);
}

static void a_new_secret_is_zero_and_locked(void **state)
{
    static const uint8_t zeros[SECRET_BYTES_MAX];
    static const size_t sizes[] = {1, 31, 32, 64, SECRET_BYTES_MAX - 1, SECRET_BYTES_MAX};

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        long before = locked_kb();
        struct secret *secret = secret_new(sizes[i]);
        assert_non_null(secret);
        assert_true(locked_kb() > before);
        assert_int_equal(secret_bytes(secret), sizes[i]);
        assert_memory_equal(secret_read(secret), zeros, sizes[i]);
        memset(secret_write(secret), 0xff, sizes[i]);
        assert_int_equal(secret_read(secret)[sizes[i] - 1], 0xff);
        secret_destroy(&secret);
        assert_null(secret);
        assert_int_equal(locked_kb(), before);
    }
}

static void destroying_accepts_nothing(void **state)
{
    struct secret *secret = NULL;
    (void)state;
    secret_destroy(&secret);
    assert_null(secret);
}

static void equality_looks_at_every_byte_and_the_length(void **state)
{
    struct secret *a = secret_random(33);
    struct secret *b = secret_new(33);
    struct secret *shorter = secret_new(32);

    (void)state;
    assert_true(a != NULL && b != NULL && shorter != NULL);
    memcpy(secret_write(b), secret_read(a), 33);
    memcpy(secret_write(shorter), secret_read(a), 32);
    assert_true(secret_equal(a, b));
    assert_true(secret_equal(a, a));
    assert_false(secret_equal(a, shorter));
    for (size_t i = 0; i < 33; i++) {
        secret_write(b)[i] ^= 1;
        assert_false(secret_equal(a, b));
        secret_write(b)[i] ^= 1;
    }
    secret_destroy(&a);
    secret_destroy(&b);
    secret_destroy(&shorter);
}

static void random_bytes_differ(void **state)
{
    uint8_t a[32] = {0};
    uint8_t b[32] = {0};
    struct secret *first = secret_random(32);
    struct secret *second = secret_random(32);

    (void)state;
    assert_true(first != NULL && second != NULL);
    assert_false(secret_equal(first, second));
    random_fill(a, sizeof a);
    random_fill(b, sizeof b);
    assert_memory_not_equal(a, b, sizeof a);
    random_fill(NULL, 0);
    secret_destroy(&first);
    secret_destroy(&second);
}

static volatile uint8_t sink;

static int read_one_too_far(void)
{
    struct secret *secret = secret_random(33); /* no multiple of anything */
    sink = secret_read(secret)[33];
    return 0;
}
static int write_one_before(void)
{
    struct secret *secret = secret_random(33);
    uint8_t *before = secret_write(secret) - 1;
    *(volatile uint8_t *)before ^= 1;
    secret_destroy(&secret);
    return 0;
}
static int read_after_destroy(void)
{
    struct secret *secret = secret_random(33);
    const uint8_t *bytes = secret_read(secret);
    secret_destroy(&secret);
    sink = *(const volatile uint8_t *)bytes;
    return 0;
}
static int new_of_nothing(void) { return secret_new(0) == NULL; }
static int new_too_large(void) { return secret_new(SECRET_BYTES_MAX + 1) == NULL; }

static void a_step_outside_ends_the_process(void **state)
{
    static const struct {
        const char *what;
        int (*body)(void);
        int signal;
    } rows[] = {
        {"a byte read behind the end", read_one_too_far, SIGSEGV},
        {"a byte written before the start", write_one_before, SIGSEGV},
        {"a byte read after the end of life", read_after_destroy, SIGSEGV},
        {"a secret of no bytes", new_of_nothing, SIGABRT},
        {"a secret a byte too large", new_too_large, SIGABRT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].what);
        int status = status_of(rows[i].body);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == rows[i].signal);
    }
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static void a_key_that_was_made_used_and_stored_leaves_no_bytes_in_memory(void **state)
{
    char folder[] = P_tmpdir "/griot-test-XXXXXX";
    struct sign_public key;
    struct signature signature;
    struct region_id region = {{0}};
    struct keyring *ring = NULL;
    struct secret *made = NULL;
    struct secret *back = NULL;
    struct secret *unlocking = secret_random(32);
    struct secret *passphrase = secret_random(40);
    FILE *memory = needle_memory();

    (void)state;
    if (memory == NULL) {
        secret_destroy(&unlocking);
        secret_destroy(&passphrase);
        print_message("  skipped: this process may not read its own memory file\n");
        skip();
    }
    assert_non_null(mkdtemp(folder));
    struct needle unlocking_needle = needle_of(unlocking);
    struct needle passphrase_needle = needle_of(passphrase);
    assert_int_equal(keyring_create(folder, &(struct unlock){.key = unlocking}, &ring), ERR_OK);
    assert_int_equal(sign_keypair(&key, &made), ERR_OK);
    struct needle seed_needle = needle_of(made);     /* the first half: the second is public */
    assert_int_equal(needle_in_memory(&seed_needle, memory), 1); /* the search works */

    sign_make(SIGN_CARD, &region, span_text("words"), made, &signature);
    assert_int_equal(keyring_put(ring, "identity", made, false), ERR_OK);
    assert_int_equal(keyring_get(ring, "identity", &back), ERR_OK);
    assert_int_equal(needle_in_memory(&seed_needle, memory), 2); /* two secrets, no third copy */
    assert_int_equal(keyring_reseal(ring, &(struct unlock){.passphrase = passphrase}), ERR_OK);
    keyring_destroy(&ring);
    assert_int_equal(keyring_open(folder, &(struct unlock){.passphrase = passphrase}, &ring),
                     ERR_OK);
    keyring_destroy(&ring);
    secret_destroy(&made);
    secret_destroy(&back);
    secret_destroy(&unlocking);
    secret_destroy(&passphrase);
    assert_int_equal(needle_in_memory(&seed_needle, memory), 0);
    assert_int_equal(needle_in_memory(&unlocking_needle, memory), 0);
    assert_int_equal(needle_in_memory(&passphrase_needle, memory), 0);
    fclose(memory);
    nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(starting_refuses_core_files_and_takes_the_whole_lock_limit),
        cmocka_unit_test(starting_without_lockable_memory_is_refused),
        cmocka_unit_test(a_secret_that_cannot_be_locked_is_not_made),
        cmocka_unit_test(a_new_secret_is_zero_and_locked),
        cmocka_unit_test(destroying_accepts_nothing),
        cmocka_unit_test(equality_looks_at_every_byte_and_the_length),
        cmocka_unit_test(random_bytes_differ),
        cmocka_unit_test(a_step_outside_ends_the_process),
        cmocka_unit_test(a_key_that_was_made_used_and_stored_leaves_no_bytes_in_memory),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
