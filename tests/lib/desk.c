#include "desk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "node/file.h"
#include "node/frontier.h"
#include "node/region_file.h"

enum { RECORD_BYTES = 200 };

static uint8_t sealing[32];

static void store_take(struct desk *desk)
{
    assert_int_equal(store_open(desk->home.path, &desk->store), ERR_OK);
    store_set_reserve(desk->store, 1);
    assert_int_equal(writer_open(&desk->home, desk->store, &desk->writer), ERR_OK);
}

void desk_open(struct desk *desk, struct region *region, size_t node)
{
    struct region_node *as = &region->nodes[node];
    const char *const none[] = {NULL}, *const some[] = {"tcp://127.0.0.1:7001", NULL};
    struct secret *key = secret_new(sizeof sealing);
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = as->name, .role = as->role, .region = region->id, .node = as->id, .addresses = as->role == ROLE_HUB ? some : none, .unlock = &unlock,
                             .now = {1700000000000}};
    char path[80];

    memset(desk, 0, sizeof *desk);
    assert_non_null(key);
    memset(secret_write(key), 7, sizeof sealing);
    (void)snprintf(desk->folder, sizeof desk->folder, "/tmp/griot-desk-XXXXXX");
    assert_non_null(mkdtemp(desk->folder));
    (void)snprintf(path, sizeof path, "%s/home", desk->folder);
    assert_int_equal(home_create(path, &plan), ERR_OK);
    assert_int_equal(home_open(path, &desk->home), ERR_OK);
    assert_int_equal(home_unlock(&desk->home, &unlock), ERR_OK);
    secret_destroy(&key);
    desk->region = region;
    desk->node = node;
    as->identity = desk->home.identity_public;
    memcpy(secret_write(as->secret), secret_read(desk->home.identity), secret_bytes(as->secret));
    store_take(desk);
}

void desk_reopen(struct desk *desk)
{
    writer_close(&desk->writer);
    store_close(&desk->store);
    store_take(desk);
}

void desk_snapshot(struct desk *desk, const char *name)
{
    char command[256];

    (void)snprintf(command, sizeof command, "cp -a '%s/home' '%s/%s'", desk->folder, desk->folder, name);
    assert_int_equal(system(command), 0);
}

void desk_restore(struct desk *desk, const char *name)
{
    struct secret *key = secret_new(sizeof sealing);
    struct unlock unlock = {.key = key};
    char command[256], path[80];

    assert_non_null(key);
    memset(secret_write(key), 7, sizeof sealing);
    writer_close(&desk->writer);
    store_close(&desk->store);
    home_lock(&desk->home);
    (void)snprintf(command, sizeof command, "rm -r '%s/home' && cp -a '%s/%s' '%s/home'", desk->folder, desk->folder, name, desk->folder);
    assert_int_equal(system(command), 0);
    (void)snprintf(path, sizeof path, "%s/home", desk->folder);
    assert_int_equal(home_open(path, &desk->home), ERR_OK);
    assert_int_equal(home_unlock(&desk->home, &unlock), ERR_OK);
    secret_destroy(&key);
    sleep(3); /* counters of frontiers are seconds: a disk that comes back is some older than what was signed last */
    store_take(desk);
}

void desk_close(struct desk *desk)
{
    writer_close(&desk->writer);
    store_close(&desk->store);
    home_lock(&desk->home); /* home_fini is the name of something else in tests */
    file_remove_tree(desk->folder);
}

struct span desk_card(const struct desk *desk)
{
    uint8_t mem[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(mem, sizeof mem);

    assert_int_equal(home_card_current(&desk->home, &out), ERR_OK);
    return region_keep(desk->region, out_written(&out));
}

/* ---- changes ---- */

enum err desk_change(void *arg, writer_change change, void *change_arg)
{
    struct desk *desk = arg;
    enum err err = ERR_BUSY;

    for (int i = 0; i < 8 && err == ERR_BUSY; i++) {
        assert_int_equal(store_begin(desk->store), ERR_OK);
        writer_forget(&desk->writer);
        err = change(&desk->writer, change_arg);
        if (err != ERR_OK) {
            store_abort(desk->store);
            return err;
        }
        err = store_commit(desk->store);
    }
    if (err == ERR_OK && desk->writer.has_notice) {
        writer_forget(&desk->writer);
        (void)!writer_refresh(&desk->writer);
    }
    return err;
}

struct one_notice {
    struct span notice, heads;
};

static enum err admit_one(struct writer *writer, void *arg)
{
    const struct one_notice *one = arg;
    struct notice_ref ref;
    bool is_new = false;
    const char *clause = NULL;
    enum err err = store_admit_notice(writer->store, one->notice, 0, one->heads, &ref, &is_new, &clause);

    return err == ERR_OK && is_new ? writer_note(writer, &ref) : err;
}

enum err desk_notice(struct desk *desk, struct span notice, struct span heads) { return desk_change(desk, admit_one, &(struct one_notice){notice, heads}); }

void desk_notices(struct desk *desk, const struct span *notices, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        enum err err = desk_notice(desk, notices[i], span_of(NULL, 0));

        if (err != ERR_OK) {
            fail_msg("notice %zu: %s", i, err_name(err));
        }
    }
}

struct segment {
    struct seg seg;
    struct admitted admitted;
};

static enum err admit_segment(struct writer *writer, void *arg)
{
    struct segment *segment = arg;
    const char *clause = NULL;

    return store_admit(writer->store, &segment->seg, &segment->admitted, &clause);
}

enum err desk_admit(struct desk *desk, const struct log_id *log, uint64_t first, const struct span *items, uint32_t count)
{
    return desk_change(desk, admit_segment, &(struct segment){.seg = region_seg(log, first, items, count)});
}

struct records {
    enum channel channel;
    size_t count;
};

static enum err append_all(struct writer *writer, void *arg)
{
    const struct records *records = arg;
    uint64_t roster = writer->membership != NULL ? membership_roster_number(writer->membership) : 0;
    uint8_t bytes[RECORD_BYTES];
    struct payload payload = {.kind = ENTRY_RECORD, .bytes = span_of(bytes, sizeof bytes)};
    struct head head;
    enum err err = ERR_OK;

    for (size_t i = 0; i < records->count && err == ERR_OK; i++) {
        random_fill(bytes, sizeof bytes);
        err = author_append(writer->author, records->channel, &payload, 1, wall_now(), roster, NULL, &head);
    }
    return err;
}

void desk_record(struct desk *desk, enum channel channel, size_t count) { assert_int_equal(desk_change(desk, append_all, &(struct records){channel, count}), ERR_OK); }

/* ---- what is held ---- */

struct digesting {
    struct store_read *read;
    struct hash_state state;
    struct head heads[256];
    size_t count;
    uint64_t entries;
};

static bool digest_log(void *arg, const struct log_info *log)
{
    static struct commit commit;
    struct digesting *d = arg;
    struct hash hash;

    hash_add(&d->state, span_of(&log->head, sizeof log->head));
    hash_add(&d->state, span_of(&log->held_seq, sizeof log->held_seq));
    for (uint64_t seq = 1; seq <= log->held_seq; seq++) {
        assert_int_equal(store_commit_at(d->read, log->number, seq, &commit, &hash), ERR_OK);
        hash_add(&d->state, span_of(hash.b, sizeof hash.b));
    }
    assert_true(d->count < sizeof d->heads / sizeof d->heads[0]);
    d->heads[d->count++] = log->head;
    d->entries += log->head.entries;
    return true;
}

static bool digest_notice(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct digesting *d = arg;

    hash_add(&d->state, span_of(ref->hash, sizeof ref->hash));
    hash_add(&d->state, notice);
    hash_add(&d->state, heads);
    return true;
}

static void digest(struct desk *desk, struct digesting *d)
{
    uint64_t end;

    memset(d, 0, sizeof *d);
    hash_start(&d->state, HASH_FILE);
    assert_int_equal(store_read_begin(desk->store, &d->read), ERR_OK);
    assert_int_equal(store_logs(d->read, digest_log, d), ERR_OK);
    assert_int_equal(store_notices(d->read, digest_notice, d), ERR_OK);
    end = store_journal_end(d->read);
    hash_add(&d->state, span_of(&end, sizeof end));
    store_read_end(&d->read);
}

struct hash desk_digest(struct desk *desk)
{
    struct digesting d;
    struct hash hash;

    digest(desk, &d);
    hash_end(&d.state, &hash);
    return hash;
}

static int compare_heads(const void *a, const void *b) { return log_id_compare(&((const struct head *)a)->log, &((const struct head *)b)->log); }

struct hash desk_heads(struct desk *desk)
{
    static uint8_t mem[65536];
    struct digesting d;
    struct out out = out_into(mem, sizeof mem);
    struct hash hash;

    digest(desk, &d);
    qsort(d.heads, d.count, sizeof d.heads[0], compare_heads);
    heads_canonical(d.heads, d.count, &out);
    assert_false(out.is_full);
    hash_of(HASH_HEADS, out_written(&out), &hash);
    return hash;
}

uint64_t desk_entries(struct desk *desk)
{
    struct digesting d;

    digest(desk, &d);
    return d.entries;
}

bool desk_log(struct desk *desk, const struct log_id *log, struct log_info *ret)
{
    struct store_read *read;
    enum err err;

    assert_int_equal(store_read_begin(desk->store, &read), ERR_OK);
    err = store_log(read, log, ret);
    store_read_end(&read);
    assert_true(err == ERR_OK || err == ERR_NOT_FOUND);
    return err == ERR_OK;
}

/* ---- bundles ---- */

enum err bytes_add(void *arg, struct span more)
{
    struct bytes *bytes = arg;

    if (more.n > bytes->cap - bytes->n) {
        bytes->cap = 2 * (bytes->n + more.n);
        bytes->p = realloc(bytes->p, bytes->cap);
        assert_non_null(bytes->p);
    }
    memcpy(bytes->p + bytes->n, more.p, more.n);
    bytes->n += more.n;
    return ERR_OK;
}

void bytes_free(struct bytes *bytes)
{
    free(bytes->p);
    *bytes = (struct bytes){0};
}

void parcel_free(struct parcel *parcel)
{
    for (uint32_t i = 0; i < parcel->count; i++) {
        bytes_free(&parcel->files[i]);
    }
    parcel->count = 0;
}

struct filling {
    struct desk *desk;
    struct bytes *file;
};

static enum err fill_sink(void *arg, struct span bytes) { return bytes_add(((struct filling *)arg)->file, bytes); }

static enum err fill_sign(void *arg, struct span body, struct signature *ret)
{
    const struct home *home = &((struct filling *)arg)->desk->home;

    sign_make(SIGN_BUNDLE, &home->region, body, home->identity, ret);
    return ERR_OK;
}

enum err desk_out(struct desk *desk, const struct bundle_order *order, struct parcel *ret)
{
    struct filling filling = {.desk = desk};
    struct bundle_hand hand = {.sink = fill_sink, .sign = fill_sign, .arg = &filling};
    struct bundle_plan *plan = NULL;
    struct bundle_written written;
    struct frontier_new fresh;
    struct leaving leaving;
    const char *why = NULL;
    enum err err = desk_change(desk, bundle_leave, &leaving);

    memset(ret, 0, sizeof *ret);
    if (err == ERR_OK) {
        err = desk_change(desk, frontier_now, &fresh);
    }
    if (err == ERR_OK || err == ERR_NOT_MEMBER) {
        err = bundle_plan_make(desk->store, order, &plan, &why);
        assert_true(err == ERR_OK || why != NULL);
    }
    if (err == ERR_OK) {
        err = bundle_split(plan, desk->store, order->bytes_max);
    }
    for (uint32_t part = 1; err == ERR_OK && part <= plan->parts; part++) {
        assert_true(part <= sizeof ret->files / sizeof ret->files[0]);
        filling.file = &ret->files[ret->count++];
        err = bundle_write(plan, desk->store, part, &hand, &written);
        assert_true(err != ERR_OK || written.bytes == filling.file->n);
        assert_true(err != ERR_OK || order->bytes_max == 0 || filling.file->n <= order->bytes_max);
    }
    bundle_plan_destroy(&plan);
    return err;
}

void desk_out_for(struct desk *desk, const struct desk *receiver, struct parcel *ret)
{
    struct bundle_order order = {.name = receiver->home.name, .now = wall_now()};

    assert_int_equal(desk_out(desk, &order, ret), ERR_OK);
}

static enum err feed(struct desk *desk, struct span file, size_t piece, bool is_checking, struct bundle_tally *ret, const char **clause)
{
    struct bundle_in *in = NULL;
    enum err err = bundle_in_new(&desk->home, is_checking, desk_change, desk, &in);

    assert_int_equal(err, ERR_OK);
    for (size_t at = 0; err == ERR_OK && at < file.n;) {
        size_t n = piece == 0 || file.n - at < piece ? file.n - at : piece;
        uint8_t *exact = malloc(n); /* of exact size, so that a sanitizer sees an overread */

        assert_non_null(exact);
        memcpy(exact, file.p + at, n);
        err = bundle_in_feed(in, span_of(exact, n), clause);
        free(exact);
        at += n;
    }
    if (err == ERR_OK) {
        err = bundle_in_end(in, clause);
    }
    if (ret != NULL) {
        *ret = *bundle_in_tally(in);
    }
    bundle_in_destroy(&in);
    return err;
}

enum err desk_in_pieces(struct desk *desk, struct span file, size_t piece, struct bundle_tally *ret, const char **clause)
{
    enum err err = feed(desk, file, piece, true, NULL, clause);

    if (ret != NULL) {
        memset(ret, 0, sizeof *ret);
    }
    return err == ERR_OK ? feed(desk, file, piece, false, ret, clause) : err;
}

enum err desk_in(struct desk *desk, struct span file, struct bundle_tally *ret)
{
    const char *clause = NULL;
    enum err err = desk_in_pieces(desk, file, 0, ret, &clause);

    if (err != ERR_OK && err_blame(err) == BLAME_PEER) {
        assert_non_null(clause);
    }
    return err;
}
