/* Key files against hostile bytes, hostile folders, failing disks and power cuts. */
#undef _FORTIFY_SOURCE /* the calls of the disk are replaced below, and its macros would go past   \
                          them */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "crypto/keyfile.h"
#include "crypto/seal.h"
#include "tests/golden/crypto_golden.h"

static const char golden_file[] = "crypto_seal.hex";

/* The edge to the disk: the program's own definitions come before the C library's. While
 * `disk.is_watched`, each call leaves a word in the trace, and call number `fail_at` (from 1) fails
 * with `error`. */
static struct {
    bool is_watched;
    bool is_slow; /* writes take 7 bytes at most, and every other read or write is interrupted */
    unsigned calls;
    unsigned fail_at;
    int error;
    char trace[512];
} disk;

static bool fails(const char *call)
{
    if (!disk.is_watched) {
        return false;
    }
    if (strlen(disk.trace) + strlen(call) + 2 < sizeof disk.trace) {
        strcat(disk.trace, disk.trace[0] == '\0' ? "" : " ");
        strcat(disk.trace, call);
    }
    disk.calls++;
    if (disk.calls == disk.fail_at) {
        errno = disk.error;
        return true;
    }
    return false;
}

static void disk_watch(unsigned fail_at, int error)
{
    memset(&disk, 0, sizeof disk);
    disk.is_watched = true;
    disk.fail_at = fail_at;
    disk.error = error;
}

static bool is_interrupted(void)
{
    static bool is_odd;
    is_odd = !is_odd;
    if (disk.is_slow && is_odd) {
        errno = EINTR;
        return true;
    }
    return false;
}

int openat(int folder, const char *path, int flags, ...)
{
    mode_t mode = 0;
    if ((flags & O_CREAT) != 0) {
        va_list list;
        va_start(list, flags);
        mode = va_arg(list, mode_t);
        va_end(list);
    }
    if (fails((flags & O_CREAT) != 0 ? "create" : "open")) {
        return -1;
    }
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}
ssize_t read(int fd, void *p, size_t n)
{
    return is_interrupted() || fails("read") ? -1 : (ssize_t)syscall(SYS_read, fd, p, n);
}
ssize_t write(int fd, const void *p, size_t n)
{
    if (is_interrupted() || fails("write")) {
        return -1;
    }
    return (ssize_t)syscall(SYS_write, fd, p, disk.is_slow && n > 7 ? 7 : n);
}
int fchmod(int fd, mode_t mode) { return fails("chmod") ? -1 : (int)syscall(SYS_fchmod, fd, mode); }
int fsync(int fd)
{
    struct stat st;
    const char *call = fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) ? "sync-folder" : "sync";
    return fails(call) ? -1 : (int)syscall(SYS_fsync, fd);
}
int unlinkat(int folder, const char *path, int flags)
{
    return fails("remove") ? -1 : (int)syscall(SYS_unlinkat, folder, path, flags);
}
int renameat(int folder, const char *from, int other, const char *to)
{
    return fails("rename") ? -1 : (int)syscall(SYS_renameat, folder, from, other, to);
}
int renameat2(int folder, const char *from, int other, const char *to, unsigned flags)
{
    return fails("rename-new") ? -1 : (int)syscall(SYS_renameat2, folder, from, other, to, flags);
}

/* A folder of its own for each test, removed with all that is in it. */
struct fixture {
    char base[64];
    char path[128];     /* of the keyring */
    struct secret *key; /* that unlocks it */
    struct unlock unlock;
    struct keyring *ring;
};

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(path);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    assert_non_null(f);
    snprintf(f->base, sizeof f->base, "%s/griot-test-XXXXXX", P_tmpdir);
    assert_non_null(mkdtemp(f->base));
    snprintf(f->path, sizeof f->path, "%s/keys", f->base);
    f->key = secret_random(UNLOCK_KEY_BYTES_MIN);
    f->unlock.key = f->key;
    assert_int_equal(keyring_create(f->path, &f->unlock, &f->ring), ERR_OK);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    disk.is_watched = false;
    disk.is_slow = false;
    keyring_destroy(&f->ring);
    secret_destroy(&f->key);
    nftw(f->base, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    free(f);
    return 0;
}

static const char *at(const struct fixture *f, const char *name)
{
    static char path[256];
    snprintf(path, sizeof path, "%s/%s", f->path, name);
    return path;
}

static void spit(const char *path, const void *bytes, size_t n, mode_t mode)
{
    (void)unlink(path);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, n), n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static size_t slurp(const char *path, uint8_t ret[KEY_FILE_BYTES_MAX + 1])
{
    int fd = open(path, O_RDONLY);
    assert_true(fd >= 0);
    ssize_t n = read(fd, ret, KEY_FILE_BYTES_MAX + 1);
    assert_true(n >= 0);
    close(fd);
    return (size_t)n;
}

static struct secret *secret_of(const void *bytes, size_t n)
{
    struct secret *secret = secret_new(n);
    assert_non_null(secret);
    memcpy(secret_write(secret), bytes, n);
    return secret;
}

static struct secret *golden_secret(const char *name)
{
    uint8_t bytes[GOLDEN_BYTES_MAX];
    size_t n = golden(golden_file, name, bytes);
    return secret_of(bytes, n);
}

static void want_get(const struct keyring *ring, const char *name, const struct secret *want)
{
    struct secret *got = NULL;
    assert_int_equal(keyring_get(ring, name, &got), ERR_OK);
    assert_true(secret_equal(got, want));
    secret_destroy(&got);
}

static enum err get_err(const struct keyring *ring, const char *name)
{
    struct secret *got = NULL;
    enum err err = keyring_get(ring, name, &got);
    if (err != ERR_OK) {
        assert_null(got);
    }
    secret_destroy(&got);
    return err;
}

static enum err open_err(const char *path, struct unlock unlock)
{
    struct keyring *ring = NULL;
    enum err err = keyring_open(path, &unlock, &ring);
    if (err != ERR_OK) {
        assert_null(ring);
    }
    keyring_destroy(&ring);
    return err;
}

static enum err create_err(const char *path, struct unlock unlock)
{
    struct keyring *ring = NULL;
    enum err err = keyring_create(path, &unlock, &ring);
    if (err != ERR_OK) {
        assert_null(ring);
    }
    keyring_destroy(&ring);
    return err;
}

/* --- golden files --- */

static void files_of_another_implementation_open(void **state)
{
    static const char *const kinds[] = {"key", "passphrase"};
    struct fixture *f = *state;
    uint8_t seal[GOLDEN_BYTES_MAX];
    uint8_t file[GOLDEN_BYTES_MAX];
    struct secret *master = golden_secret("master");
    struct secret *identity = golden_secret("secret.identity");
    size_t file_bytes = golden(golden_file, "file.identity", file);

    for (size_t i = 0; i < 2; i++) {
        char line[32];
        struct secret *opened = NULL;
        struct keyring *ring = NULL;
        print_message("  by %s\n", kinds[i]);
        snprintf(line, sizeof line, "seal.%s", kinds[i]);
        assert_int_equal(golden(golden_file, line, seal), SEAL_BYTES);
        snprintf(line, sizeof line, "unlock.%s", kinds[i]);
        struct secret *unlocking = golden_secret(line);
        struct unlock unlock = {.passphrase = i == 1 ? unlocking : NULL,
                                .key = i == 0 ? unlocking : NULL};
        assert_int_equal(unseal_master(span_of(seal, SEAL_BYTES), &unlock, &opened), ERR_OK);
        assert_true(secret_equal(opened, master));
        secret_destroy(&opened);
        spit(at(f, "seal"), seal, SEAL_BYTES, 0600); /* and through the folder */
        spit(at(f, "identity"), file, file_bytes, 0400);
        assert_int_equal(keyring_open(f->path, &unlock, &ring), ERR_OK);
        want_get(ring, "identity", identity);
        keyring_destroy(&ring);
        secret_destroy(&unlocking);
    }
    secret_destroy(&master);
    secret_destroy(&identity);
}

static void what_is_written_has_the_documented_shape(void **state)
{
    struct fixture *f = *state;
    uint8_t golden_seal[GOLDEN_BYTES_MAX];
    uint8_t golden_key[GOLDEN_BYTES_MAX];
    uint8_t first[KEY_FILE_BYTES_MAX + 1];
    uint8_t second[KEY_FILE_BYTES_MAX + 1];
    struct secret *secret = secret_random(32);
    struct secret *passphrase = secret_random(8);

    golden(golden_file, "seal.key", golden_seal);
    golden(golden_file, "file.identity", golden_key);
    assert_int_equal(slurp(at(f, "seal"), first), SEAL_BYTES);
    assert_memory_equal(first, golden_seal, 32); /* all before the salt */
    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    assert_int_equal(slurp(at(f, "identity"), first), KEY_HEAD_BYTES + 32 + KEY_TAG_BYTES);
    assert_memory_equal(first, golden_key, 24); /* all before the nonce */
    assert_int_equal(keyring_put(f->ring, "identity", secret, true), ERR_OK);
    assert_int_equal(slurp(at(f, "identity"), second), KEY_HEAD_BYTES + 32 + KEY_TAG_BYTES);
    assert_memory_not_equal(first + 24, second + 24, 24); /* never one nonce twice */
    assert_memory_not_equal(first + 48, second + 48, 32);

    golden(golden_file, "seal.passphrase", golden_seal);
    assert_int_equal(keyring_reseal(f->ring, &(struct unlock){.passphrase = passphrase}), ERR_OK);
    assert_int_equal(slurp(at(f, "seal"), first), SEAL_BYTES);
    assert_memory_equal(first, golden_seal, 32);
    assert_int_equal(keyring_reseal(f->ring, &(struct unlock){.passphrase = passphrase}), ERR_OK);
    assert_int_equal(slurp(at(f, "seal"), second), SEAL_BYTES);
    assert_memory_not_equal(first + 32, second + 32, 16); /* nor one salt */
    secret_destroy(&secret);
    secret_destroy(&passphrase);
}

/* --- hostile bytes --- */

static void every_flipped_bit_of_a_seal_is_seen(void **state)
{
    static const char *const kinds[] = {"key", "passphrase"};
    uint8_t seal[GOLDEN_BYTES_MAX];
    struct secret *opened = NULL;

    (void)state;
    for (size_t kind = 0; kind < 2;
         kind++) { /* no Argon2id is run for any: it would take minutes */
        char line[32];
        snprintf(line, sizeof line, "seal.%s", kinds[kind]);
        golden(golden_file, line, seal);
        snprintf(line, sizeof line, "unlock.%s", kinds[kind]);
        struct secret *unlocking = golden_secret(line);
        struct unlock unlock = {.passphrase = kind == 1 ? unlocking : NULL,
                                .key = kind == 0 ? unlocking : NULL};
        for (size_t i = 0; i < SEAL_BYTES * 8; i++) {
            seal[i / 8] ^= (uint8_t)(1U << (i % 8));
            assert_int_equal(unseal_master(span_of(seal, SEAL_BYTES), &unlock, &opened),
                             ERR_CORRUPT);
            assert_null(opened);
            seal[i / 8] ^= (uint8_t)(1U << (i % 8));
        }
        for (size_t n = 0; n < SEAL_BYTES; n++) {
            assert_int_equal(unseal_master(span_of(seal, n), &unlock, &opened), ERR_CORRUPT);
        }
        assert_int_equal(unseal_master(span_of(seal, SEAL_BYTES + 1), &unlock, &opened),
                         ERR_CORRUPT);
        secret_destroy(&unlocking);
    }
}

static void every_flipped_bit_of_a_key_file_is_seen(void **state)
{
    uint8_t file[GOLDEN_BYTES_MAX];
    struct secret *opened = NULL;
    struct secret *master = golden_secret("master");
    size_t n = golden(golden_file, "file.identity", file);

    (void)state;
    for (size_t i = 0; i < n * 8; i++) {
        file[i / 8] ^= (uint8_t)(1U << (i % 8));
        assert_int_equal(unseal_key(master, "identity", span_of(file, n), &opened), ERR_CORRUPT);
        assert_null(opened);
        file[i / 8] ^= (uint8_t)(1U << (i % 8));
    }
    for (size_t cut = 0; cut < n; cut++) {
        assert_int_equal(unseal_key(master, "identity", span_of(file, cut), &opened), ERR_CORRUPT);
    }
    assert_int_equal(unseal_key(master, "identity", span_of(file, n + 1), &opened), ERR_CORRUPT);
    assert_int_equal(unseal_key(master, "identity", span_of(file, n), &opened), ERR_OK);
    secret_destroy(&opened);
    secret_destroy(&master);
}

static void damaged_files_in_the_folder_are_refused(void **state)
{
    struct fixture *f = *state;
    uint8_t seal[KEY_FILE_BYTES_MAX + 1];
    uint8_t file[KEY_FILE_BYTES_MAX + 1];
    static const uint8_t large[KEY_FILE_BYTES_MAX + 100];
    struct secret *secret = secret_random(32);
    size_t seal_bytes = slurp(at(f, "seal"), seal);

    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    size_t file_bytes = slurp(at(f, "identity"), file);
    for (size_t i = 0; i < file_bytes; i++) {
        file[i] ^= (uint8_t)(1U << (i % 8));
        spit(at(f, "identity"), file, file_bytes, 0600);
        assert_int_equal(get_err(f->ring, "identity"), ERR_CORRUPT);
        file[i] ^= (uint8_t)(1U << (i % 8));
    }
    for (size_t i = 0; i < seal_bytes; i++) {
        seal[i] ^= (uint8_t)(1U << (i % 8));
        spit(at(f, "seal"), seal, seal_bytes, 0600);
        assert_int_equal(open_err(f->path, f->unlock), ERR_CORRUPT);
        seal[i] ^= (uint8_t)(1U << (i % 8));
    }
    spit(at(f, "seal"), "", 0, 0600);
    assert_int_equal(open_err(f->path, f->unlock), ERR_CORRUPT);
    spit(at(f, "seal"), large, sizeof large, 0600);
    assert_int_equal(open_err(f->path, f->unlock), ERR_CORRUPT);
    spit(at(f, "seal"), file, file_bytes, 0600); /* a key file is no seal */
    assert_int_equal(open_err(f->path, f->unlock), ERR_CORRUPT);
    spit(at(f, "identity"), large, sizeof large, 0600);
    assert_int_equal(get_err(f->ring, "identity"), ERR_CORRUPT);
    spit(at(f, "identity"), seal, seal_bytes, 0600); /* nor a seal a key file */
    assert_int_equal(get_err(f->ring, "identity"), ERR_CORRUPT);
    secret_destroy(&secret);
}

static void put_number(uint8_t *p, size_t n, uint64_t value)
{
    for (size_t i = n; i > 0; i--, value >>= 8) {
        p[i - 1] = (uint8_t)value;
    }
}

static void a_hostile_seal_cannot_ask_for_more_than_the_limits(void **state)
{
    static const uint64_t mib = 1 << 20;
    const struct {
        const char *what;
        uint8_t version;
        uint8_t method;
        uint16_t reserved;
        uint32_t ops;
        uint64_t memory_bytes;
        enum err err; /* with a passphrase */
    } rows[] = {
        {"as we write it, but sealed by somebody else", 1, 1, 0, 2, 64 * mib, ERR_PASSPHRASE},
        {"fewer passes", 1, 1, 0, 1, 64 * mib, ERR_CORRUPT},
        {"no passes", 1, 1, 0, 0, 64 * mib, ERR_CORRUPT},
        {"the most passes", 1, 1, 0, SEAL_OPS_MAX, 64 * mib, ERR_PASSPHRASE},
        {"one pass more", 1, 1, 0, SEAL_OPS_MAX + 1, 64 * mib, ERR_CORRUPT},
        {"passes for a year", 1, 1, 0, UINT32_MAX, 64 * mib, ERR_CORRUPT},
        {"a byte less memory", 1, 1, 0, 2, 64 * mib - 1, ERR_CORRUPT},
        {"the most memory", 1, 1, 0, 2, 256 * mib, ERR_PASSPHRASE},
        {"a byte more memory", 1, 1, 0, 2, 256 * mib + 1, ERR_CORRUPT},
        {"a terabyte", 1, 1, 0, 2, (uint64_t)1 << 40, ERR_CORRUPT},
        {"all there is", 1, 1, 0, 2, UINT64_MAX, ERR_CORRUPT},
        {"no method", 1, 0, 0, 2, 64 * mib, ERR_CORRUPT},
        {"a method to come", 1, 3, 0, 2, 64 * mib, ERR_CORRUPT},
        {"a reserved bit", 1, 1, 1, 2, 64 * mib, ERR_CORRUPT},
        {"a key's, which a passphrase does not open", 1, 2, 0, 0, 0, ERR_PASSPHRASE},
        {"a key's with passes", 1, 2, 0, 2, 0, ERR_CORRUPT},
        {"a key's with memory", 1, 2, 0, 0, 64 * mib, ERR_CORRUPT},
        {"an older release's", 0, 1, 0, 2, 64 * mib, ERR_LAYOUT},
        {"a newer release's", 2, 1, 0, 2, 64 * mib, ERR_LAYOUT},
    };
    struct fixture *f = *state;
    uint8_t seal[GOLDEN_BYTES_MAX];
    struct secret *passphrase = secret_random(20);
    struct hash check;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].what);
        golden(golden_file, "seal.passphrase", seal);
        seal[16] = rows[i].version;
        seal[17] = rows[i].method;
        put_number(seal + 18, 2, rows[i].reserved);
        put_number(seal + 20, 4, rows[i].ops);
        put_number(seal + 24, 8, rows[i].memory_bytes);
        hash_of(HASH_FILE, span_of(seal, SEAL_BYTES - 32), &check);
        memcpy(seal + SEAL_BYTES - 32, check.b, 32);
        spit(at(f, "seal"), seal, SEAL_BYTES, 0600);
        assert_int_equal(open_err(f->path, (struct unlock){.passphrase = passphrase}), rows[i].err);
    }
    secret_destroy(&passphrase);
}

static void changed_parameters_do_not_open_even_for_the_right_key(void **state)
{
    uint8_t seal[GOLDEN_BYTES_MAX];
    struct secret *opened = NULL;
    struct secret *key = golden_secret("unlock.key");
    struct unlock unlock = {.key = key};
    struct hash check;

    (void)state;
    for (size_t i = 32; i < SEAL_BYTES - 32;
         i++) { /* salt, nonce, sealed master, tag; the checksum made good again */
        golden(golden_file, "seal.key", seal);
        seal[i] ^= 1;
        hash_of(HASH_FILE, span_of(seal, SEAL_BYTES - 32), &check);
        memcpy(seal + SEAL_BYTES - 32, check.b, 32);
        assert_int_equal(unseal_master(span_of(seal, SEAL_BYTES), &unlock, &opened),
                         ERR_PASSPHRASE);
        assert_null(opened);
    }
    secret_destroy(&key);
}

static void a_longer_seal_of_a_newer_release_is_named_as_such(void **state)
{
    uint8_t seal[SEAL_BYTES + 40] = "griot-f-seal";
    struct secret *opened = NULL;
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    struct hash check;

    (void)state;
    seal[16] = 2;
    for (size_t n = 49; n <= sizeof seal;
         n++) { /* label, version, checksum: the least that is anything */
        hash_of(HASH_FILE, span_of(seal, n - 32), &check);
        uint8_t file[sizeof seal];
        memcpy(file, seal, n - 32);
        memcpy(file + n - 32, check.b, 32);
        assert_int_equal(unseal_master(span_of(file, n), &unlock, &opened), ERR_LAYOUT);
    }
    secret_destroy(&key);
}

/* --- life of a key --- */

static void what_is_put_comes_back(void **state)
{
    static const size_t sizes[] = {1, 2, 31, 32, 64, 1024, SECRET_BYTES_MAX - 1, SECRET_BYTES_MAX};
    struct fixture *f = *state;
    struct keyring *again = NULL;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        char name[32];
        struct secret *secret = secret_random(sizes[i]);
        snprintf(name, sizeof name, "key-%zu", sizes[i]);
        assert_int_equal(keyring_put(f->ring, name, secret, false), ERR_OK);
        want_get(f->ring, name, secret);
        assert_int_equal(keyring_open(f->path, &f->unlock, &again), ERR_OK);
        want_get(again, name, secret);
        keyring_destroy(&again);
        secret_destroy(&secret);
    }
    assert_int_equal(get_err(f->ring, "another"), ERR_NOT_FOUND);
}

static void a_key_is_replaced_only_when_asked(void **state)
{
    struct fixture *f = *state;
    struct secret *first = secret_random(32);
    struct secret *second = secret_random(64);

    assert_int_equal(keyring_put(f->ring, "identity", first, false), ERR_OK);
    assert_int_equal(keyring_put(f->ring, "identity", second, false), ERR_EXISTS);
    want_get(f->ring, "identity", first);
    assert_int_equal(keyring_put(f->ring, "identity", second, true), ERR_OK);
    want_get(f->ring, "identity", second);
    assert_int_equal(keyring_put(f->ring, "transport", second, true),
                     ERR_OK); /* nothing there to replace */
    want_get(f->ring, "transport", second);
    secret_destroy(&first);
    secret_destroy(&second);
}

static void a_removed_key_is_gone_and_may_be_removed_again(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_random(32);

    assert_int_equal(keyring_put(f->ring, "log-1", secret, false), ERR_OK);
    assert_int_equal(keyring_remove(f->ring, "log-1"), ERR_OK);
    assert_int_equal(get_err(f->ring, "log-1"), ERR_NOT_FOUND);
    assert_int_equal(keyring_remove(f->ring, "log-1"), ERR_OK);
    secret_destroy(&secret);
}

static void only_plain_names_are_taken(void **state)
{
    static const struct {
        const char *what;
        const char *name;
        bool is_good;
    } rows[] = {
        {"a word", "identity", true},
        {"digits, minus, point", "log-0a.1-b", true},
        {"one letter", "x", true},
        {"a minus first", "-x", true},
        {"empty", "", false},
        {"the seal", "seal", false},
        {"longer than the seal", "seal-1", true},
        {"the folder", ".", false},
        {"the folder above", "..", false},
        {"a temporary file", ".identity.new", false},
        {"a path", "a/b", false},
        {"a way out", "../x", false},
        {"from the root", "/x", false},
        {"upper case", "Identity", false},
        {"a space", "a b", false},
        {"an underscore", "a_b", false},
        {"a newline", "a\n", false},
        {"above ASCII", "cl\xc3\xa9", false},
    };
    struct fixture *f = *state;
    char name[KEY_NAME_BYTES_MAX + 2];
    struct secret *secret = secret_random(32);

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].what);
        assert_int_equal(keyring_put(f->ring, rows[i].name, secret, false),
                         rows[i].is_good ? ERR_OK : ERR_INVALID);
        assert_int_equal(get_err(f->ring, rows[i].name), rows[i].is_good ? ERR_OK : ERR_INVALID);
        assert_int_equal(keyring_remove(f->ring, rows[i].name),
                         rows[i].is_good ? ERR_OK : ERR_INVALID);
    }
    for (size_t n = KEY_NAME_BYTES_MAX - 1; n <= KEY_NAME_BYTES_MAX + 1; n++) {
        memset(name, 'a', sizeof name);
        name[n] = '\0';
        assert_int_equal(keyring_put(f->ring, name, secret, false),
                         n <= KEY_NAME_BYTES_MAX ? ERR_OK : ERR_INVALID);
        assert_int_equal(get_err(f->ring, name), n <= KEY_NAME_BYTES_MAX ? ERR_OK : ERR_INVALID);
    }
    assert_int_equal(open_err(f->path, f->unlock), ERR_OK); /* the seal was not touched */
    secret_destroy(&secret);
}

static void files_cannot_be_exchanged(void **state)
{
    struct fixture *f = *state;
    uint8_t file[KEY_FILE_BYTES_MAX + 1];
    char other_path[128];
    struct keyring *other = NULL;
    struct secret *secret = secret_random(32);

    assert_int_equal(keyring_put(f->ring, "log-1", secret, false), ERR_OK);
    size_t n = slurp(at(f, "log-1"), file);
    spit(at(f, "log-2"), file, n, 0600); /* under another name */
    assert_int_equal(get_err(f->ring, "log-2"), ERR_CORRUPT);
    spit(at(f, "log-"), file, n, 0600);
    assert_int_equal(get_err(f->ring, "log-"), ERR_CORRUPT);
    snprintf(other_path, sizeof other_path, "%s/other",
             f->base); /* into another folder with the same key */
    assert_int_equal(keyring_create(other_path, &f->unlock, &other), ERR_OK);
    assert_int_equal(keyring_put(other, "log-1", secret, false), ERR_OK);
    char path[256];
    snprintf(path, sizeof path, "%s/log-1", other_path);
    spit(path, file, n, 0600);
    assert_int_equal(get_err(other, "log-1"), ERR_CORRUPT);
    keyring_destroy(&other);
    secret_destroy(&secret);
}

/* --- unlocking --- */

static void only_the_right_passphrase_or_key_opens(void **state)
{
    struct fixture *f = *state;
    struct secret *passphrase = secret_of("correct horse", 13);
    struct secret *wrong = secret_of("correct horsf", 13);
    struct secret *longer = secret_of("correct horse\n", 14);
    struct secret *other_key = secret_random(32);
    struct secret *identity = secret_random(64);
    struct keyring *ring = NULL;

    assert_int_equal(keyring_put(f->ring, "identity", identity, false), ERR_OK);
    assert_int_equal(open_err(f->path, f->unlock), ERR_OK);
    assert_int_equal(open_err(f->path, (struct unlock){.key = other_key}), ERR_PASSPHRASE);
    assert_int_equal(open_err(f->path, (struct unlock){.passphrase = passphrase}), ERR_PASSPHRASE);
    assert_int_equal(open_err(f->path, (struct unlock){.passphrase = f->key}), ERR_PASSPHRASE);

    assert_int_equal(keyring_reseal(f->ring, &(struct unlock){.passphrase = passphrase}), ERR_OK);
    assert_int_equal(open_err(f->path, f->unlock), ERR_PASSPHRASE);
    assert_int_equal(open_err(f->path, (struct unlock){.passphrase = wrong}), ERR_PASSPHRASE);
    assert_int_equal(open_err(f->path, (struct unlock){.passphrase = longer}), ERR_PASSPHRASE);
    assert_int_equal(keyring_open(f->path, &(struct unlock){.passphrase = passphrase}, &ring),
                     ERR_OK);
    want_get(ring, "identity", identity);
    assert_int_equal(keyring_reseal(ring, &(struct unlock){.key = other_key}),
                     ERR_OK); /* and back to a key */
    keyring_destroy(&ring);
    assert_int_equal(open_err(f->path, (struct unlock){.key = other_key}), ERR_OK);
    secret_destroy(&passphrase);
    secret_destroy(&wrong);
    secret_destroy(&longer);
    secret_destroy(&other_key);
    secret_destroy(&identity);
}

static void what_unlocks_has_its_limits(void **state)
{
    static const struct {
        const char *what;
        size_t passphrase_bytes; /* 0: none */
        size_t key_bytes;
        enum err err;
    } rows[] = {
        {"neither", 0, 0, ERR_INVALID},
        {"both", 8, 32, ERR_INVALID},
        {"a passphrase of one byte", 1, 0, ERR_OK},
        {"a passphrase below the limit", 1023, 0, ERR_OK},
        {"the longest passphrase", 1024, 0, ERR_OK},
        {"a passphrase too long", 1025, 0, ERR_INVALID},
        {"a key too short", 0, 31, ERR_INVALID},
        {"the shortest key", 0, 32, ERR_OK},
        {"a key above the limit", 0, 33, ERR_OK},
        {"the longest key", 0, SECRET_BYTES_MAX, ERR_OK},
    };
    struct fixture *f = *state;
    char path[128];

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].what);
        struct secret *passphrase =
            rows[i].passphrase_bytes > 0 ? secret_random(rows[i].passphrase_bytes) : NULL;
        struct secret *key = rows[i].key_bytes > 0 ? secret_random(rows[i].key_bytes) : NULL;
        struct unlock unlock = {passphrase, key};
        snprintf(path, sizeof path, "%s/limits-%zu", f->base, i);
        assert_int_equal(create_err(path, unlock), rows[i].err);
        assert_int_equal(access(path, F_OK), rows[i].err == ERR_OK ? 0 : -1);
        if (rows[i].err == ERR_OK) {
            assert_int_equal(open_err(path, unlock), ERR_OK);
        } else {
            assert_int_equal(open_err(f->path, unlock), ERR_INVALID);
            assert_int_equal(keyring_reseal(f->ring, &unlock), ERR_INVALID);
        }
        secret_destroy(&passphrase);
        secret_destroy(&key);
    }
    assert_int_equal(open_err(f->path, f->unlock), ERR_OK);
}

/* --- the folder --- */

static void creating_refuses_what_it_cannot_do_well(void **state)
{
    struct fixture *f = *state;
    static char path[KEY_PATH_BYTES_MAX + 1];
    uint8_t before[KEY_FILE_BYTES_MAX + 1];
    uint8_t after[KEY_FILE_BYTES_MAX + 1];
    struct stat st;

    slurp(at(f, "seal"), before);
    assert_int_equal(create_err(f->path, f->unlock), ERR_EXISTS);
    slurp(at(f, "seal"), after);
    assert_memory_equal(before, after, SEAL_BYTES);
    assert_int_equal(create_err("", f->unlock), ERR_INVALID);
    assert_int_equal(open_err("", f->unlock), ERR_INVALID);
    memset(path, 'a', KEY_PATH_BYTES_MAX);
    assert_int_equal(create_err(path, f->unlock), ERR_INVALID);
    assert_int_equal(open_err(path, f->unlock), ERR_INVALID);
    snprintf(path, sizeof path, "%s/none/keys", f->base);
    assert_int_equal(create_err(path, f->unlock), ERR_NOT_FOUND);
    assert_int_equal(open_err(path, f->unlock), ERR_NOT_FOUND);
    snprintf(path, sizeof path, "%s/file", f->base);
    spit(path, "x", 1, 0600);
    assert_int_equal(create_err(path, f->unlock), ERR_NOT_FOUND);
    assert_int_equal(open_err(path, f->unlock), ERR_NOT_FOUND);

    snprintf(path, sizeof path, "%s/empty", f->base); /* taken over, and made private */
    assert_int_equal(mkdir(path, 0777), 0);
    assert_int_equal(chmod(path, 0777), 0);
    assert_int_equal(open_err(path, f->unlock), ERR_PERMISSION);
    assert_int_equal(create_err(path, f->unlock), ERR_OK);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    snprintf(path, sizeof path, "%s/slashes//", f->base);
    assert_int_equal(create_err(path, f->unlock), ERR_OK);
    assert_int_equal(open_err(path, f->unlock), ERR_OK);

    snprintf(path, sizeof path, "%s/unsealed", f->base);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(open_err(path, f->unlock), ERR_NOT_FOUND);
}

static void a_relative_folder_is_made_where_we_are(void **state)
{
    struct fixture *f = *state;
    int here = open(".", O_RDONLY | O_DIRECTORY);

    assert_true(here >= 0);
    assert_int_equal(chdir(f->base), 0);
    enum err made = create_err("relative", f->unlock);
    enum err opened = open_err("relative", f->unlock);
    assert_int_equal(fchdir(here), 0);
    close(here);
    assert_int_equal(made, ERR_OK);
    assert_int_equal(opened, ERR_OK);
}

static void modes_do_not_depend_on_the_umask(void **state)
{
    static const mode_t masks[] = {0, 022, 077, 0277};
    struct fixture *f = *state;
    char path[128];
    struct stat st;
    struct secret *secret = secret_random(32);

    for (size_t i = 0; i < sizeof masks / sizeof masks[0]; i++) {
        struct keyring *ring = NULL;
        snprintf(path, sizeof path, "%s/mask-%zu", f->base, i);
        mode_t before = umask(masks[i]);
        enum err made = keyring_create(path, &f->unlock, &ring);
        enum err put = made == ERR_OK ? keyring_put(ring, "identity", secret, false) : made;
        umask(before);
        assert_int_equal(put, ERR_OK);
        keyring_destroy(&ring);
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0700);
        strcat(path, "/identity");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
        path[strlen(path) - strlen("/identity")] = '\0';
        strcat(path, "/seal");
        assert_int_equal(stat(path, &st), 0);
        assert_int_equal(st.st_mode & 07777, 0600);
    }
    secret_destroy(&secret);
}

static void files_that_others_may_touch_are_refused(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_random(32);

    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    for (mode_t mode = 0; mode <= 077; mode++) {
        enum err want = mode == 0 ? ERR_OK : ERR_PERMISSION;
        assert_int_equal(chmod(at(f, "identity"), 0600 | mode), 0);
        assert_int_equal(chmod(at(f, "seal"), 0600 | mode), 0);
        assert_int_equal(get_err(f->ring, "identity"), want);
        assert_int_equal(open_err(f->path, f->unlock), want);
    }
    assert_int_equal(chmod(at(f, "seal"), 0600), 0);
    for (mode_t mode = 0; mode <= 077; mode++) { /* a folder may be looked into, not written */
        assert_int_equal(chmod(f->path, 0700 | mode), 0);
        assert_int_equal(open_err(f->path, f->unlock), (mode & 022) == 0 ? ERR_OK : ERR_PERMISSION);
    }
    secret_destroy(&secret);
}

static void what_is_no_regular_file_is_refused_without_waiting(void **state)
{
    struct fixture *f = *state;
    char target[256];
    struct secret *secret = secret_random(32);

    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    snprintf(target, sizeof target, "%s/moved", f->base);
    assert_int_equal(rename(at(f, "identity"), target), 0);
    assert_int_equal(symlink(target, at(f, "identity")), 0);
    assert_int_equal(get_err(f->ring, "identity"), ERR_CORRUPT);
    assert_int_equal(mkfifo(at(f, "fifo"), 0600), 0);
    assert_int_equal(get_err(f->ring, "fifo"), ERR_CORRUPT);
    assert_int_equal(mkdir(at(f, "folder"), 0700), 0);
    assert_int_equal(get_err(f->ring, "folder"), ERR_CORRUPT);
    assert_int_equal(keyring_put(f->ring, "folder", secret, true), ERR_IO);
    assert_int_equal(keyring_put(f->ring, "folder", secret, false), ERR_EXISTS);
    assert_int_equal(keyring_remove(f->ring, "folder"), ERR_IO);
    assert_int_equal(keyring_put(f->ring, "identity", secret, true),
                     ERR_OK); /* replaces the link, not its target */
    want_get(f->ring, "identity", secret);
    secret_destroy(&secret);
}

/* In a child that is nobody in particular. */
static int status_of(const struct fixture *f, int (*body)(const struct fixture *f))
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        _exit(body(f));
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static int as_another_user(const struct fixture *f)
{
    struct secret *secret = secret_random(32);
    struct secret *got = NULL;
    char path[128];

    snprintf(path, sizeof path, "%s/new", f->base);
    if (secret == NULL || setresuid(65534, 65534, 65534) != 0) {
        return 10;
    }
    if (keyring_put(f->ring, "new", secret, false) != ERR_PERMISSION ||
        keyring_remove(f->ring, "identity") != ERR_PERMISSION ||
        keyring_get(f->ring, "identity", &got) != ERR_PERMISSION ||
        unlock_key_read(at(f, "seal"), &got) != ERR_PERMISSION) {
        return 11;
    }
    if (create_err(path, f->unlock) != ERR_PERMISSION ||
        open_err(f->path, f->unlock) != ERR_PERMISSION) {
        return 12;
    }
    return 0;
}

static void another_user_gets_nothing(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_random(32);

    if (geteuid() != 0) {
        secret_destroy(&secret);
        print_message("  skipped: only root can become another user\n");
        skip();
    }
    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    assert_int_equal(status_of(f, as_another_user), 0);
    secret_destroy(&secret);
}

/* --- failing disks --- */

static unsigned temporary_files(const struct fixture *f)
{
    unsigned n = 0;
    DIR *folder = opendir(f->path);

    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        n += entry->d_name[0] == '.' && strcmp(entry->d_name, ".") != 0 &&
             strcmp(entry->d_name, "..") != 0;
    }
    closedir(folder);
    return n;
}

static void a_file_is_whole_on_the_disk_before_it_has_its_name(void **state)
{
    struct fixture *f = *state;
    char path[128];
    struct keyring *ring = NULL;
    struct secret *secret = secret_random(32);

    disk_watch(0, 0);
    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    assert_string_equal(disk.trace, "remove create chmod write sync rename-new sync-folder");
    disk_watch(0, 0);
    assert_int_equal(keyring_put(f->ring, "identity", secret, true), ERR_OK);
    assert_string_equal(disk.trace, "remove create chmod write sync rename sync-folder");
    disk_watch(0, 0);
    assert_int_equal(keyring_reseal(f->ring, &f->unlock), ERR_OK);
    assert_string_equal(disk.trace, "remove create chmod write sync rename sync-folder");
    disk_watch(0, 0);
    assert_int_equal(keyring_remove(f->ring, "identity"), ERR_OK);
    assert_string_equal(disk.trace, "remove sync-folder");
    snprintf(path, sizeof path, "%s/fresh", f->base);
    disk_watch(0, 0);
    assert_int_equal(keyring_create(path, &f->unlock, &ring), ERR_OK);
    assert_string_equal(disk.trace,
                        "chmod sync-folder remove create chmod write sync rename-new sync-folder");
    disk.is_watched = false;
    keyring_destroy(&ring);
    secret_destroy(&secret);
}

static const struct {
    int error;
    enum err err;
} disk_errors[] = {{EIO, ERR_IO},
                   {ENOSPC, ERR_FULL},
                   {EDQUOT, ERR_FULL},
                   {EROFS, ERR_PERMISSION},
                   {EFBIG, ERR_IO}};
enum { DISK_ERRORS = sizeof disk_errors / sizeof disk_errors[0] };

static void after_any_failed_call_the_old_key_or_the_new_is_there(void **state)
{
    enum { CALLS = 7 }; /* the trace of the test above */
    struct fixture *f = *state;
    struct secret *first = secret_random(32);
    struct secret *second = secret_random(64);

    for (size_t e = 0; e < DISK_ERRORS; e++) {
        for (unsigned call = 1; call <= CALLS; call++) {
            struct secret *got = NULL;
            assert_int_equal(keyring_put(f->ring, "identity", first, true), ERR_OK);
            disk_watch(call, disk_errors[e].error);
            enum err err = keyring_put(f->ring, "identity", second, true);
            disk.is_watched = false;
            assert_true(disk.calls >= call);
            assert_int_equal(err, call == CALLS ? ERR_IO : disk_errors[e].err);
            assert_int_equal(temporary_files(f), 0);
            assert_int_equal(keyring_get(f->ring, "identity", &got), ERR_OK);
            assert_true(secret_equal(got, call == CALLS ? second : first));
            secret_destroy(&got);

            assert_int_equal(keyring_remove(f->ring, "fresh"), ERR_OK);
            disk_watch(call, disk_errors[e].error);
            err = keyring_put(f->ring, "fresh", second, false);
            disk.is_watched = false;
            assert_int_equal(err, call == CALLS ? ERR_IO : disk_errors[e].err);
            assert_int_equal(temporary_files(f), 0);
            assert_int_equal(get_err(f->ring, "fresh"), ERR_NOT_FOUND);
            assert_int_equal(keyring_put(f->ring, "fresh", second, false),
                             ERR_OK); /* the next try works */
        }
    }
    secret_destroy(&first);
    secret_destroy(&second);
}

static void after_any_failed_call_the_folder_opens_with_the_old_seal_or_the_new(void **state)
{
    struct fixture *f = *state;
    struct secret *key = secret_random(32);
    struct unlock other = {.key = key};

    for (unsigned call = 1; call <= 7; call++) {
        assert_int_equal(keyring_reseal(f->ring, &f->unlock), ERR_OK);
        disk_watch(call, EIO);
        assert_int_equal(keyring_reseal(f->ring, &other), ERR_IO);
        disk.is_watched = false;
        assert_int_equal(open_err(f->path, call == 7 ? other : f->unlock), ERR_OK);
        assert_int_equal(open_err(f->path, call == 7 ? f->unlock : other), ERR_PASSPHRASE);
    }
    secret_destroy(&key);
}

static void after_any_failed_call_creating_can_be_tried_again(void **state)
{
    struct fixture *f = *state;
    char path[128];

    for (unsigned call = 1; call <= 9; call++) {
        snprintf(path, sizeof path, "%s/try-%u", f->base, call);
        disk_watch(call, EIO);
        assert_int_equal(create_err(path, f->unlock), ERR_IO);
        assert_true(disk.calls >= call);
        disk.is_watched = false;
        assert_int_equal(access(path, F_OK), -1); /* nothing stays */
        assert_int_equal(create_err(path, f->unlock), ERR_OK);
        assert_int_equal(open_err(path, f->unlock), ERR_OK);
    }
}

static void failed_reads_and_removals_are_told(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_random(32);
    struct secret *got = NULL;

    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    for (unsigned call = 1; call <= 2; call++) { /* open, read */
        disk_watch(call, EIO);
        enum err err = get_err(f->ring, "identity");
        disk_watch(call, EIO);
        enum err open = open_err(f->path, f->unlock);
        disk_watch(call, EIO);
        enum err removed = keyring_remove(f->ring, "identity"); /* remove, sync-folder */
        disk.is_watched = false;
        assert_int_equal(err, ERR_IO);
        assert_int_equal(open, ERR_IO);
        assert_int_equal(removed, ERR_IO);
    }
    spit(at(f, "key"), "0123456789abcdef0123456789abcdef", 32, 0600);
    disk_watch(1, EIO);
    enum err err = unlock_key_read(at(f, "key"), &got);
    disk.is_watched = false;
    assert_int_equal(err, ERR_IO);
    assert_null(got);
    secret_destroy(&secret);
}

static void short_and_interrupted_calls_are_gone_on_with(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_random(SECRET_BYTES_MAX);

    disk.is_slow = true;
    assert_int_equal(keyring_put(f->ring, "large", secret, false), ERR_OK);
    want_get(f->ring, "large", secret);
    disk.is_slow = false;
    want_get(f->ring, "large", secret);
    secret_destroy(&secret);
}

static void a_file_system_without_exclusive_rename_still_never_overwrites(void **state)
{
    static const int errors[] = {EINVAL, ENOSYS};
    struct fixture *f = *state;
    struct secret *first = secret_random(32);
    struct secret *second = secret_random(32);

    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(keyring_remove(f->ring, "identity"), ERR_OK);
        disk_watch(6, errors[i]);
        enum err put = keyring_put(f->ring, "identity", first, false);
        disk_watch(6, errors[i]);
        enum err again = keyring_put(f->ring, "identity", second, false);
        disk.is_watched = false;
        assert_int_equal(put, ERR_OK);
        assert_int_equal(again, ERR_EXISTS);
        want_get(f->ring, "identity", first);
        assert_int_equal(temporary_files(f), 0);
    }
    secret_destroy(&first);
    secret_destroy(&second);
}

static void what_a_power_cut_leaves_behind_is_in_nobodys_way(void **state)
{
    struct fixture *f = *state;
    struct secret *secret = secret_random(32);

    spit(at(f, ".identity.new"), "half a fi", 9, 0600);
    spit(at(f, ".seal.new"), "half a se", 9, 0600);
    assert_int_equal(get_err(f->ring, "identity"), ERR_NOT_FOUND);
    assert_int_equal(open_err(f->path, f->unlock), ERR_OK);
    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    assert_int_equal(keyring_reseal(f->ring, &f->unlock), ERR_OK);
    assert_int_equal(temporary_files(f), 0);
    secret_destroy(&secret);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
static int with_little_memory(const struct fixture *f)
{
    struct rlimit limit = {48U << 20, 48U << 20}; /* Argon2id alone needs 64 MiB */
    struct secret *passphrase = secret_random(12);
    struct unlock unlock = {.passphrase = passphrase};

    if (passphrase == NULL || setrlimit(RLIMIT_AS, &limit) != 0) {
        return 10;
    }
    return open_err(f->path, unlock) == ERR_MEMORY && keyring_reseal(f->ring, &unlock) == ERR_MEMORY
               ? 0
               : 11;
}
#endif

static int without_lockable_memory(const struct fixture *f)
{
    struct rlimit none = {0, 0};
    struct secret *got = NULL;
    char path[128];

    /* Only the right to lock is given up: as the files' owner still. */
    if (setrlimit(RLIMIT_MEMLOCK, &none) != 0 ||
        (geteuid() == 0 &&
         (chown(f->path, 65534, 65534) != 0 || chown(f->base, 65534, 65534) != 0 ||
          chown(at(f, "seal"), 65534, 65534) != 0 || chown(at(f, "identity"), 65534, 65534) != 0 ||
          chown(at(f, "key"), 65534, 65534) != 0 || setresuid(65534, 65534, 65534) != 0))) {
        return 10;
    }
    if (keyring_get(f->ring, "identity", &got) != ERR_MEMORY ||
        unlock_key_read(at(f, "key"), &got) != ERR_MEMORY) {
        return 11;
    }
    snprintf(path, sizeof path, "%s/new", f->base);
    if (open_err(f->path, f->unlock) != ERR_MEMORY || create_err(path, f->unlock) != ERR_MEMORY ||
        keyring_reseal(f->ring, &f->unlock) != ERR_MEMORY) {
        return 12;
    }
    return access(path, F_OK) == -1 ? 0 : 13;
}

static void without_memory_it_is_said_and_nothing_changes(void **state)
{
    struct fixture *f = *state;
    uint8_t before[KEY_FILE_BYTES_MAX + 1];
    uint8_t after[KEY_FILE_BYTES_MAX + 1];
    struct secret *secret = secret_random(32);
    struct secret *passphrase = secret_random(12);

    assert_int_equal(keyring_put(f->ring, "identity", secret, false), ERR_OK);
    spit(at(f, "key"), "0123456789abcdef0123456789abcdef", 32, 0600);
    slurp(at(f, "seal"), before);
    assert_int_equal(status_of(f, without_lockable_memory), 0);
    slurp(at(f, "seal"), after);
    assert_memory_equal(before, after, SEAL_BYTES);
#if !defined(__SANITIZE_ADDRESS__) &&                                                              \
    !defined(__SANITIZE_THREAD__) /* their own memory is beyond any limit */
    assert_int_equal(keyring_reseal(f->ring, &(struct unlock){.passphrase = passphrase}), ERR_OK);
    slurp(at(f, "seal"), before);
    assert_int_equal(status_of(f, with_little_memory), 0);
    slurp(at(f, "seal"), after);
    assert_memory_equal(before, after, SEAL_BYTES);
#endif
    secret_destroy(&secret);
    secret_destroy(&passphrase);
}

/* --- backup --- */

static void a_backup_holds_encryption_and_import_keys_and_no_others(void **state)
{
    static const struct {
        const char *name;
        bool is_backed_up;
    } rows[] = {
        {"encryption", true},      {"encryption-1", true},
        {"encryption-12", true},   {"import", true},
        {"import-2", true},        {"identity", false},
        {"transport", false},      {"log-control", false},
        {"log-encryption", false}, {"root-1", false},
        {"encryptionist", false},  {"imported", false},
        {"encryption.1", false},   {"e", false},
        {"x-import", false},
    };
    struct fixture *f = *state;
    char path[128];
    struct keyring *backup = NULL;
    struct secret *keys[sizeof rows / sizeof rows[0]];
    struct secret *passphrase = secret_of("the safe in the cellar", 22);
    struct secret *newer = secret_random(32);
    size_t copied = 99;

    assert_false(key_is_backed_up(""));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        print_message("  %s\n", rows[i].name);
        assert_int_equal(key_is_backed_up(rows[i].name), rows[i].is_backed_up);
        keys[i] = secret_random(32);
        assert_int_equal(keyring_put(f->ring, rows[i].name, keys[i], false), ERR_OK);
    }
    spit(at(f, ".encryption-1.new"), "half", 4, 0600);
    spit(at(f, "import-NOT-OURS"), "whatever", 8, 0600);
    snprintf(path, sizeof path, "%s/backup", f->base);
    assert_int_equal(keyring_create(path, &(struct unlock){.passphrase = passphrase}, &backup),
                     ERR_OK);
    assert_int_equal(keyring_put(backup, "import", newer, false), ERR_OK);
    assert_int_equal(keyring_copy_backup(f->ring, backup, &copied), ERR_OK);
    assert_int_equal(copied, 4);
    want_get(backup, "import", newer); /* what is there stays */
    assert_int_equal(keyring_copy_backup(f->ring, backup, &copied), ERR_OK);
    assert_int_equal(copied, 0);
    keyring_destroy(&backup);

    assert_int_equal(keyring_open(path, &(struct unlock){.passphrase = passphrase}, &backup),
                     ERR_OK);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (!rows[i].is_backed_up) {
            assert_int_equal(get_err(backup, rows[i].name), ERR_NOT_FOUND);
        } else if (strcmp(rows[i].name, "import") != 0) {
            want_get(backup, rows[i].name, keys[i]);
        }
        assert_int_equal(keyring_remove(f->ring, rows[i].name), ERR_OK);
    }
    assert_int_equal(keyring_copy_backup(backup, f->ring, &copied), ERR_OK); /* the restore */
    assert_int_equal(copied, 5);
    want_get(f->ring, "encryption-12", keys[2]);
    want_get(f->ring, "import", newer);

    copied = 99;
    spit(at(f, "encryption-3"), "damaged", 7, 0600);
    assert_int_equal(keyring_copy_backup(f->ring, backup, &copied), ERR_CORRUPT);
    disk_watch(1, EMFILE);
    assert_int_equal(keyring_copy_backup(f->ring, backup, &copied), ERR_IO);
    disk.is_watched = false;
    assert_int_equal(copied, 99);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        secret_destroy(&keys[i]);
    }
    keyring_destroy(&backup);
    secret_destroy(&passphrase);
    secret_destroy(&newer);
}

/* --- the service manager's key --- */

static enum err key_err(const char *path, size_t bytes)
{
    struct secret *key = NULL;
    enum err err = unlock_key_read(path, &key);
    if (err == ERR_OK) {
        assert_int_equal(secret_bytes(key), bytes);
    } else {
        assert_null(key);
    }
    secret_destroy(&key);
    return err;
}

static void a_service_managers_key_is_read_as_it_is(void **state)
{
    static const struct {
        size_t bytes;
        enum err err;
    } rows[] = {{0, ERR_INVALID}, {31, ERR_INVALID}, {32, ERR_OK},       {33, ERR_OK},
                {4095, ERR_OK},   {4096, ERR_OK},    {4097, ERR_INVALID}};
    struct fixture *f = *state;
    uint8_t bytes[4097];
    struct secret *key = NULL;

    random_fill(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        spit(at(f, "key"), bytes, rows[i].bytes, 0400);
        assert_int_equal(key_err(at(f, "key"), rows[i].bytes), rows[i].err);
    }
    bytes[31] = '\n'; /* no trimming */
    spit(at(f, "key"), bytes, 32, 0600);
    assert_int_equal(unlock_key_read(at(f, "key"), &key), ERR_OK);
    assert_memory_equal(secret_read(key), bytes, 32);
    secret_destroy(&key);
    assert_int_equal(key_err(at(f, "none"), 0), ERR_NOT_FOUND);
    assert_int_equal(key_err(f->path, 0), ERR_INVALID);
    assert_int_equal(mkfifo(at(f, "fifo"), 0600), 0);
    assert_int_equal(key_err(at(f, "fifo"), 0), ERR_INVALID);
    assert_int_equal(symlink("key", at(f, "link")), 0); /* an operator may link to it */
    assert_int_equal(key_err(at(f, "link"), 32), ERR_OK);
    for (mode_t mode = 1; mode <= 077; mode++) {
        assert_int_equal(chmod(at(f, "key"), 0400 | mode), 0);
        assert_int_equal(key_err(at(f, "key"), 0), ERR_PERMISSION);
    }
}

static void only_below_the_credentials_folder_others_may_have_rights(void **state)
{
    struct fixture *f = *state;
    char credentials[128];
    char path[256];
    static const char key[] = "0123456789abcdef0123456789abcdef";

    snprintf(credentials, sizeof credentials, "%s/credentials", f->base);
    assert_int_equal(mkdir(credentials, 0700), 0);
    snprintf(path, sizeof path, "%s/key", credentials);
    spit(path, key, 32, 0440); /* how systemd shows an access list that lets the service in */
    assert_int_equal(key_err(path, 0), ERR_PERMISSION);
    setenv("CREDENTIALS_DIRECTORY", credentials, 1);
    assert_int_equal(key_err(path, 32), ERR_OK);

    spit(at(f, "key"), key, 32, 0440);
    assert_int_equal(key_err(at(f, "key"), 0), ERR_PERMISSION);
    snprintf(path, sizeof path, "%s/../keys/key", credentials); /* below by the letters only */
    assert_int_equal(key_err(path, 0), ERR_PERMISSION);
    snprintf(path, sizeof path, "%s/link", credentials);
    assert_int_equal(symlink(at(f, "key"), path), 0);
    assert_int_equal(key_err(path, 0), ERR_PERMISSION);
    snprintf(path, sizeof path, "%s-other", credentials);
    spit(path, key, 32, 0440);
    assert_int_equal(key_err(path, 0), ERR_PERMISSION);

    static const char *const useless[] = {"", "/", "credentials", "/nowhere/at/all"};
    for (size_t i = 0; i < sizeof useless / sizeof useless[0]; i++) {
        setenv("CREDENTIALS_DIRECTORY", useless[i], 1);
        assert_int_equal(key_err(at(f, "key"), 0), ERR_PERMISSION);
    }
    unsetenv("CREDENTIALS_DIRECTORY");
}

static void destroying_accepts_nothing(void **state)
{
    struct keyring *ring = NULL;
    (void)state;
    keyring_destroy(&ring);
    assert_null(ring);
}

static int start(void **state)
{
    (void)state;
    return crypto_start() == ERR_OK ? 0 : -1;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(files_of_another_implementation_open),
        TEST(what_is_written_has_the_documented_shape),
        TEST(every_flipped_bit_of_a_seal_is_seen),
        TEST(every_flipped_bit_of_a_key_file_is_seen),
        TEST(damaged_files_in_the_folder_are_refused),
        TEST(a_hostile_seal_cannot_ask_for_more_than_the_limits),
        TEST(changed_parameters_do_not_open_even_for_the_right_key),
        TEST(a_longer_seal_of_a_newer_release_is_named_as_such),
        TEST(what_is_put_comes_back),
        TEST(a_key_is_replaced_only_when_asked),
        TEST(a_removed_key_is_gone_and_may_be_removed_again),
        TEST(only_plain_names_are_taken),
        TEST(files_cannot_be_exchanged),
        TEST(only_the_right_passphrase_or_key_opens),
        TEST(what_unlocks_has_its_limits),
        TEST(creating_refuses_what_it_cannot_do_well),
        TEST(a_relative_folder_is_made_where_we_are),
        TEST(modes_do_not_depend_on_the_umask),
        TEST(files_that_others_may_touch_are_refused),
        TEST(what_is_no_regular_file_is_refused_without_waiting),
        TEST(another_user_gets_nothing),
        TEST(a_file_is_whole_on_the_disk_before_it_has_its_name),
        TEST(after_any_failed_call_the_old_key_or_the_new_is_there),
        TEST(after_any_failed_call_the_folder_opens_with_the_old_seal_or_the_new),
        TEST(after_any_failed_call_creating_can_be_tried_again),
        TEST(failed_reads_and_removals_are_told),
        TEST(short_and_interrupted_calls_are_gone_on_with),
        TEST(a_file_system_without_exclusive_rename_still_never_overwrites),
        TEST(what_a_power_cut_leaves_behind_is_in_nobodys_way),
        TEST(without_memory_it_is_said_and_nothing_changes),
        TEST(a_backup_holds_encryption_and_import_keys_and_no_others),
        TEST(a_service_managers_key_is_read_as_it_is),
        TEST(only_below_the_credentials_folder_others_may_have_rights),
        cmocka_unit_test(destroying_accepts_nothing),
    };
    return cmocka_run_group_tests(tests, start, NULL);
}
