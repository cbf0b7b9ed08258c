#include "crypto/secret.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The handle lies in ordinary memory so that the last byte of the secret touches the guard page:
 * one byte too far faults at once, whatever the size. */
struct secret {
    size_t n;
    uint8_t *bytes;
};

/* mlock by raw call: the sanitizers replace the library's by one that does nothing and says yes.
 * Locking a locked page again costs nothing of the limit. */
static bool memory_lock(const void *p, size_t n) { return syscall(SYS_mlock, p, n) == 0; }

/* Kilobytes this process has locked, or -1 when /proc does not say. */
static long locked_kb(void)
{
    static const char field[] = "VmLck:";
    char text[4096];
    long kb = -1;
    int fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);

    if (fd < 0) {
        return -1;
    }
    ssize_t n = read(fd, text, sizeof text - 1);
    if (n > 0) {
        text[n] = '\0';
        const char *at = strstr(text, field);
        if (at != NULL) {
            kb = strtol(at + sizeof field - 1, NULL, 10);
        }
    }
    close(fd);
    return kb;
}

/* A yes alone is not believed where the kernel's own count is there to be read: a sandbox may
 * answer for it. */
static bool lock_is_real(void)
{
    size_t page_bytes = (size_t)sysconf(_SC_PAGESIZE);
    void *page = mmap(NULL, page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED) {
        return false;
    }
    long before = locked_kb();
    bool is_locked = memory_lock(page, page_bytes);
    long after = locked_kb();
    if (before >= 0 && after >= 0 && after - before < (long)(page_bytes / 1024)) {
        is_locked = false;
    }
    munmap(page, page_bytes); /* which also unlocks it */
    return is_locked;
}

enum err crypto_start(void)
{
    struct rlimit limit;

    if (sodium_init() < 0) {
        return ERR_INTERNAL;
    }
    if (getrlimit(RLIMIT_MEMLOCK, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_MEMLOCK, &limit); /* the proof below decides */
    }
    /* A core file would hold every secret; not dumpable also keeps other processes of this user out
     * of our memory. */
    limit = (struct rlimit){0, 0};
#ifdef GRIOT_WITHOUT_T19_CORE
    return lock_is_real() ? ERR_OK : ERR_MLOCK;
#endif
    if (setrlimit(RLIMIT_CORE, &limit) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) {
        return ERR_INTERNAL;
    }
    return lock_is_real() ? ERR_OK : ERR_MLOCK;
}

struct secret *secret_new(size_t n)
{
    assert(n >= 1 && n <= SECRET_BYTES_MAX);
    struct secret *secret = malloc(sizeof *secret);
    if (secret == NULL) {
        return NULL;
    }
    secret->n = n;
    secret->bytes = sodium_malloc(n);
    if (secret->bytes == NULL) {
        free(secret);
        return NULL;
    }
    memset(secret->bytes, 0, n);
    if (!memory_lock(secret->bytes, n)) { /* sodium_malloc does not report it (RELIABILITY S2) */
        secret_destroy(&secret);
    }
    return secret;
}

struct secret *secret_random(size_t n)
{
    struct secret *secret = secret_new(n);
    if (secret != NULL) {
        randombytes_buf(secret->bytes, n);
    }
    return secret;
}

void secret_destroy(struct secret **secret)
{
    if (*secret != NULL) {
        sodium_free((*secret)->bytes); /* checks the canary, then wipes */
        free(*secret);
        *secret = NULL;
    }
}

size_t secret_bytes(const struct secret *secret) { return secret->n; }

const uint8_t *secret_read(const struct secret *secret) { return secret->bytes; }

uint8_t *secret_write(struct secret *secret) { return secret->bytes; }

bool secret_equal(const struct secret *a, const struct secret *b)
{
    return a->n == b->n && sodium_memcmp(a->bytes, b->bytes, a->n) == 0;
}

void random_fill(void *p, size_t n)
{
    if (n > 0) {
        randombytes_buf(p, n);
    }
}
