/* What proto allocates: nothing for commits, and nothing that leaks when memory runs out. The allocator is replaced by one that counts
 * and can be told to fail; a sanitizer has one of its own, so there the tests are skipped. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "proto/notice.h"
#include "proto/pack.h"

/* volatile: the compiler believes that malloc changes no variable of ours. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static volatile unsigned long allocations, fail_at;
static volatile long alive;
#else
void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static volatile unsigned long allocations, fail_at; /* the allocation with this number fails, 0: none */
static volatile long alive;

static bool is_granted(void)
{
    return ++allocations != fail_at;
}

static void *counted(void *p)
{
    alive += p != NULL ? 1 : 0;
    return p;
}

void *malloc(size_t n)
{
    return is_granted() ? counted(__libc_malloc(n)) : NULL;
}

void *calloc(size_t n, size_t size)
{
    return is_granted() ? counted(__libc_calloc(n, size)) : NULL;
}

void *realloc(void *p, size_t n)
{
    if (!is_granted()) {
        return NULL;
    }
    return p == NULL ? counted(__libc_malloc(n)) : __libc_realloc(p, n);
}

void free(void *p)
{
    alive -= p != NULL ? 1 : 0;
    __libc_free(p);
}
#endif

/* Under a sanitizer allocations do not come here, and valgrind (which shows itself as a preloaded library) wants all to itself. */
static void skip_unless_counting(void)
{
    unsigned long before = allocations;
    const char *preloaded = getenv("LD_PRELOAD");
    void *volatile p = malloc(1);

    free(p);
    if (allocations == before || (preloaded != NULL && strstr(preloaded, "valgrind") != NULL)) {
        print_message("skipped: this tool has an allocator of its own\n");
        skip();
    }
}

static uint8_t text[COMMIT_REDUCED_BYTES_MAX];

/* One commit of `count` entries through all its forms, written and read. */
static void all_forms(struct commit_packer *packer, struct unpack *unpack, uint32_t count, size_t length)
{
    static struct commit commit;
    static struct commit back;
    static uint8_t reduced_bytes[COMMIT_REDUCED_BYTES_MAX];
    static uint8_t packed_bytes[COMMIT_REDUCED_BYTES_MAX + 1];
    static uint8_t leaf_bytes[256];
    uint8_t canonical_bytes[COMMIT_CANONICAL_BYTES_MAX];
    struct out reduced = out_into(reduced_bytes, sizeof reduced_bytes);
    struct out packed = out_into(packed_bytes, sizeof packed_bytes);
    struct out canonical = out_into(canonical_bytes, sizeof canonical_bytes);
    struct span form;

    commit.version = FORMAT_VERSION;
    commit.seq = commit.entries_total = 1;
    commit.entry_count = count;
    for (uint32_t i = 0; i < count; i++) {
        struct out leaf = out_into(leaf_bytes, sizeof leaf_bytes);

        commit.entries[i].leaf.length = (uint32_t)length;
        commit.entries[i].has_payload = true;
        commit.entries[i].payload = span_of(text, length);
        leaf_canonical(&commit.entries[i].leaf, &leaf);
    }
    commit_canonical(&commit, &canonical);
    commit_reduced(&commit, &reduced);
    assert_int_equal(commit_pack(packer, out_written(&reduced), &packed), ERR_OK);
    assert_int_equal(commit_unpack(packer, out_written(&packed), &form, NULL), ERR_OK);
    assert_int_equal(commit_reduced_decode(unpack, form, &back, NULL), ERR_OK);
    assert_int_equal(back.entry_count, count);
    assert_int_equal(commit_canonical_decode(unpack, out_written(&canonical), &back, NULL), ERR_OK);
}

static void commits_of_all_sizes_are_written_and_read_without_allocating(void **state)
{
    struct unpack *unpack;
    struct commit_packer *packer;
    unsigned long before;

    (void)state;
    skip_unless_counting();
    unpack = unpack_new();
    packer = commit_packer_new();
    assert_true(unpack != NULL && packer != NULL);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)("cocaine heroin cannabis "[i % 24]);
    }
    assert_true(allocations > 0);
    before = allocations;
    for (uint32_t i = 0; i < 1000; i++) {
        all_forms(packer, unpack, 1, i % 200);
    }
    all_forms(packer, unpack, COMMIT_ENTRIES_MAX, 192);
    all_forms(packer, unpack, 26, 500);
    for (uint32_t i = 0; i < 1000; i++) {
        all_forms(packer, unpack, 1 + i % COMMIT_ENTRIES_MAX, i % 193);
    }
    assert_true(allocations == before);
    unpack_destroy(&unpack);
    commit_packer_destroy(&packer);
}

/* A document that is larger than the zone of a fresh unpack. */
static struct span large_document(void)
{
    static uint8_t bytes[65536];
    struct out out = out_into(bytes, sizeof bytes);

    pack_array(&out, 20000);
    for (uint32_t i = 0; i < 20000; i++) {
        pack_array(&out, 1);
        pack_uint(&out, i % 128);
    }
    assert_false(out.is_full);
    return out_written(&out);
}

static struct span roster_document(void)
{
    static uint8_t bytes[4096];
    static struct cut cut;
    struct member members[2] = {{.node = {{1}}, .name = "a"}, {.node = {{2}}, .name = "b"}};
    struct roster roster = {
        .version = 1, .number = 1, .threshold = 1, .key_count = 1, .member_count = 2, .cut_count = 1, .members = members, .cuts = &cut};
    struct out out = out_into(bytes, sizeof bytes);

    assert_int_equal(roster_encode(&roster, &out), ERR_OK);
    return out_written(&out);
}

/* Each of these is run with its first, second ... allocation failing, until it gets through. */
static enum err make_packer(void)
{
    struct commit_packer *packer = commit_packer_new();
    enum err err = packer == NULL ? ERR_MEMORY : ERR_OK;

    commit_packer_destroy(&packer);
    return err;
}

static enum err make_unpack(void)
{
    struct unpack *unpack = unpack_new();
    enum err err = unpack == NULL ? ERR_MEMORY : ERR_OK;

    unpack_destroy(&unpack);
    return err;
}

static enum err read_large_document(void)
{
    struct unpack *unpack = unpack_new();
    const char *clause = NULL;
    enum err err = unpack == NULL ? ERR_MEMORY : unpack_begin(unpack, large_document(), &clause);

    if (unpack != NULL && err == ERR_MEMORY) {
        assert_string_equal(clause, "memory ran out");
        assert_true(unpack_array(unpack, UINT32_MAX).is_bad);
    }
    unpack_destroy(&unpack);
    return err;
}

static enum err read_roster(void)
{
    struct roster roster = {.number = 77};
    struct unpack *unpack = unpack_new();
    enum err err = unpack == NULL ? ERR_MEMORY : roster_decode(unpack, roster_document(), &roster, NULL);

    if (err != ERR_OK) {
        assert_true(roster.number == 77 && roster.members == NULL);
    }
    roster_fini(&roster);
    unpack_destroy(&unpack);
    return err;
}

static void memory_that_runs_out_is_an_error_and_nothing_leaks(void **state)
{
    static const struct {
        const char *what;
        enum err (*run)(void);
    } rows[] = {
        {"a packer", make_packer},
        {"an unpack", make_unpack},
        {"a large document", read_large_document},
        {"a roster", read_roster},
    };

    (void)state;
    skip_unless_counting();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        unsigned failures = 0;
        enum err err = ERR_MEMORY;

        while (err == ERR_MEMORY && failures < 100) {
            long before = alive;

            fail_at = allocations + 1 + failures;
            err = rows[i].run();
            fail_at = 0;
            if (alive != before) {
                fail_msg("%s: %ld blocks leak when allocation %u fails", rows[i].what, alive - before, failures + 1);
            }
            failures += err == ERR_MEMORY ? 1 : 0;
        }
        assert_int_equal(err, ERR_OK);
        assert_true(failures > 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commits_of_all_sizes_are_written_and_read_without_allocating),
        cmocka_unit_test(memory_that_runs_out_is_an_error_and_nothing_leaks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
