#include "home.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/hash.h"

void home_init(struct home *home, const struct region *region, size_t node)
{
    memset(home, 0, sizeof *home);
    (void)snprintf(home->path, sizeof home->path, "/tmp/griot-home-XXXXXX");
    assert_non_null(mkdtemp(home->path));
    assert_int_equal(store_create(home->path, &region->id, &region->nodes[node].id), ERR_OK);
    assert_int_equal(store_open(home->path, &home->store), ERR_OK);
}

void home_reopen(struct home *home)
{
    store_close(&home->store);
    assert_int_equal(store_open(home->path, &home->store), ERR_OK);
}

void home_fini(struct home *home)
{
    char command[96];
    store_close(&home->store);
    (void)snprintf(command, sizeof command, "rm -rf '%s'", home->path);
    assert_int_equal(system(command), 0);
}

enum err home_notice(struct home *home, struct span notice)
{
    struct notice_ref ref;
    bool is_new = false;
    const char *clause = NULL;
    assert_int_equal(store_begin(home->store), ERR_OK);
    enum err err = store_admit_notice(home->store, notice, 0, span_of(NULL, 0), &ref, &is_new, &clause);
    assert_int_equal(store_commit(home->store), ERR_OK);
    if (err != ERR_OK) {
        assert_non_null(clause);
    }
    return err;
}

void home_notices(struct home *home, const struct span *notices, size_t count)
{
    assert_int_equal(store_begin(home->store), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        struct notice_ref ref;
        bool is_new = false;
        const char *clause = NULL;
        enum err err = store_admit_notice(home->store, notices[i], 0, span_of(NULL, 0), &ref, &is_new, &clause);
        if (err != ERR_OK || !is_new) {
            fail_msg("notice %zu: %s %s", i, err_name(err), clause == NULL ? "" : clause);
        }
    }
    assert_int_equal(store_commit(home->store), ERR_OK);
}

void home_found(struct home *home, struct region *region, uint32_t members, struct hash *ret_roster)
{
    struct region_roster spec = {.number = 1, .members = members};
    struct span notices[2] = {region->charter, region_roster(region, &spec, ret_roster)};
    home_notices(home, notices, 2);
}

enum err home_admit(struct home *home, const struct log_id *log, uint64_t first, const struct span *items, uint32_t count, struct admitted *ret)
{
    struct seg seg = region_seg(log, first, items, count);
    const char *clause = NULL;
    assert_int_equal(store_begin(home->store), ERR_OK);
    enum err err = store_admit(home->store, &seg, ret, &clause);
    assert_int_equal(store_commit(home->store), ERR_OK);
    if (err != ERR_OK && err_blame(err) == BLAME_PEER) {
        assert_non_null(clause);
    }
    return err;
}

struct digest {
    struct store_read *read;
    struct hash_state state;
};

static void digest_bytes(struct digest *d, const void *p, size_t n)
{
    hash_add(&d->state, span_of(p, n));
}

static bool digest_log(void *arg, const struct log_info *log)
{
    struct digest *d = arg;
    digest_bytes(d, log->head.hash.b, 32);
    digest_bytes(d, &log->held_seq, sizeof log->held_seq);
    for (uint64_t seq = 1; seq <= log->held_seq; seq++) {
        static struct commit commit;
        struct hash hash;
        assert_int_equal(store_commit_at(d->read, log->number, seq, &commit, &hash), ERR_OK);
        digest_bytes(d, hash.b, sizeof hash.b);
        for (uint32_t i = 0; i < commit.entry_count; i++) {
            hash_add(&d->state, commit.entries[i].payload);
        }
    }
    return true;
}

static bool digest_notice(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct digest *d = arg;
    digest_bytes(d, ref->hash, sizeof ref->hash);
    hash_add(&d->state, notice);
    hash_add(&d->state, heads);
    return true;
}

static bool digest_item(void *arg, const struct journal_item *item)
{
    digest_bytes(arg, &item->number, sizeof item->number);
    digest_bytes(arg, &item->seq, sizeof item->seq);
    return true;
}

struct hash home_digest(struct home *home)
{
    struct digest d;
    struct hash hash;
    struct store_size size;
    hash_start(&d.state, HASH_FILE);
    assert_int_equal(store_read_begin(home->store, &d.read), ERR_OK);
    assert_int_equal(store_logs(d.read, digest_log, &d), ERR_OK);
    assert_int_equal(store_notices(d.read, digest_notice, &d), ERR_OK);
    assert_int_equal(store_journal(d.read, 0, digest_item, &d), ERR_OK);
    assert_int_equal(store_size(d.read, &size), ERR_OK);
    digest_bytes(&d, &size.commits, sizeof size.commits);
    digest_bytes(&d, &size.entries, sizeof size.entries);
    store_read_end(&d.read);
    hash_end(&d.state, &hash);
    return hash;
}

uint64_t home_journal_end(struct home *home)
{
    struct store_read *read = NULL;
    assert_int_equal(store_read_begin(home->store, &read), ERR_OK);
    uint64_t end = store_journal_end(read);
    store_read_end(&read);
    return end;
}

bool home_log(struct home *home, const struct log_id *log, struct log_info *ret)
{
    struct store_read *read = NULL;
    assert_int_equal(store_read_begin(home->store, &read), ERR_OK);
    enum err err = store_log(read, log, ret);
    store_read_end(&read);
    assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
    return err == ERR_OK;
}
