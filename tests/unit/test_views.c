/* Views over a real store: records found, versions, rebuilds, damage, and a process that dies. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "proto/erasure.h"
#include "store/index/search.h"
#include "store/index/tables.h"
#include "store/index/terms.h"
#include "store/kv.h"
#include "store/index/index.h"
#include "store/views.h"
#include "store/views_state.h"
#include "tests/lib/home.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static const uint32_t TODAY = 20779; /* 2026-11-22 */

static uint64_t seed;

static uint64_t next_random(void)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return seed >> 29;
}

/* What statvfs tells, instead of the C library's; UINT64_MAX: plenty. */
static uint64_t fault_free = UINT64_MAX;

int statvfs(const char *path, struct statvfs *ret)
{
    (void)path;
    memset(ret, 0, sizeof *ret);
    ret->f_frsize = ret->f_bsize = 4096;
    ret->f_blocks = 100 << 20;
    ret->f_bavail = ret->f_bfree = fault_free == UINT64_MAX ? 50 << 20 : fault_free / 4096;
    return 0;
}

/* What the clock says, instead of the C library's. */
static time_t fault_time = (time_t)20779 * 86400;

time_t time(time_t *ret)
{
    if (ret != NULL) {
        *ret = fault_time;
    }
    return fault_time;
}

/* ---- a store of two authors ---- */

struct scene {
    struct region region;
    struct home home;
    struct region_log logs[3];  /* node 0: report and alert; node 4, an edge: report */
    struct span items[3][2000]; /* commits written, in order; those admitted so far */
    uint32_t written[3], admitted[3];
    struct views *views;
    struct hash roster;
};
static struct scene scene;

static void scene_begin(void)
{
    memset(&scene, 0, sizeof scene);
    seed = 11;
    region_init(&scene.region, 2);
    home_init(&scene.home, &scene.region, 0);
    home_found(&scene.home, &scene.region, 0xff, &scene.roster);
    region_log_init(&scene.logs[0], &scene.region, 0, CHANNEL_REPORT);
    region_log_init(&scene.logs[1], &scene.region, 0, CHANNEL_ALERT);
    region_log_init(&scene.logs[2], &scene.region, 4, CHANNEL_REPORT);
    for (size_t i = 0; i < 3; i++) {
        struct admitted admitted;
        assert_int_equal(home_admit(&scene.home, &scene.logs[i].chain.log, 0, &scene.logs[i].birth, 1, &admitted), ERR_OK);
    }
    assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
}

static void scene_end(void)
{
    views_close(&scene.views);
    for (size_t i = 0; i < 3; i++) {
        region_log_fini(&scene.logs[i]);
    }
    home_fini(&scene.home);
    region_fini(&scene.region);
}

/* Write a commit of `count` entries; `ret_content` gets their content hashes. */
static void write_commit(size_t log, const struct entry *entries, uint32_t count, struct hash *ret_content)
{
    static struct commit commit;
    static uint8_t reduced_mem[COMMIT_REDUCED_BYTES_MAX], packed_mem[COMMIT_REDUCED_BYTES_MAX + 1];
    struct out reduced = out_into(reduced_mem, sizeof reduced_mem), packed = out_into(packed_mem, sizeof packed_mem);
    struct commit_packer *packer = commit_packer_new();

    assert_non_null(packer);
    memset(&commit, 0, sizeof commit);
    commit.entry_count = count;
    commit.author_time.ms = 1700000000000;
    memcpy(commit.entries, entries, count * sizeof *entries);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t r = next_random();
        memcpy(commit.entries[i].salt, &r, sizeof r);
    }
    commit_author(&scene.logs[log].chain, &commit, scene.logs[log].key);
    commit_reduced(&commit, &reduced);
    assert_int_equal(commit_pack(packer, out_written(&reduced), &packed), ERR_OK);
    commit_packer_destroy(&packer);
    scene.items[log][scene.written[log]++] = region_keep(&scene.region, out_written(&packed));
    for (uint32_t i = 0; i < count && ret_content != NULL; i++) {
        ret_content[i] = commit.entries[i].leaf.content;
    }
}

/* Admit what has been written of a log, at most `max` commits. */
static void admit(size_t log, uint32_t max)
{
    while (scene.admitted[log] < scene.written[log] && max > 0) {
        uint32_t n = scene.written[log] - scene.admitted[log];
        struct admitted admitted;
        n = n > max ? max : n;
        n = n > SEG_COMMITS_MAX ? SEG_COMMITS_MAX : n;
        assert_int_equal(
            home_admit(&scene.home, &scene.logs[log].chain.log, scene.admitted[log] + 1, scene.items[log] + scene.admitted[log], n, &admitted),
            ERR_OK);
        scene.admitted[log] += n;
        max -= n;
    }
}

static struct entry entry_of(struct span payload)
{
    struct entry entry = {.has_payload = true, .payload = payload};

    entry.leaf.kind = ENTRY_RECORD;
    return entry;
}

/* Payload of a record made of name, value, ..., NULL. Lives as long as the region. */
static struct span payload_of(const char *kind, uint32_t id, uint32_t depth, const struct hash *replaces, uint32_t replaces_count, va_list args)
{
    struct draft *draft = draft_new(kind_by_name(span_text(kind)));
    struct record *record = malloc(sizeof *record);
    struct record_faults *faults = calloc(1, sizeof *faults);
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    const char *name;

    assert_true(draft != NULL && record != NULL && faults != NULL);
    while ((name = va_arg(args, const char *)) != NULL) {
        const char *value = va_arg(args, const char *);
        if (!draft_add(draft, span_text(name), span_text(value), faults)) {
            fail_msg("%s=%s: %s", name, value, faults->faults[faults->count - 1].rule);
        }
    }
    if (!draft_finish(draft, TODAY, record, faults)) {
        fail_msg("%s", faults->faults[faults->count - 1].rule);
    }
    memset(record->id.b, 0, sizeof record->id.b);
    record->id.b[0] = (uint8_t)(id >> 8);
    record->id.b[1] = (uint8_t)id;
    record->id.b[15] = 0x77;
    record->depth = depth;
    record->replaces_count = replaces_count;
    for (uint32_t i = 0; i < replaces_count; i++) {
        record->replaces[i] = replaces[i];
    }
    assert_int_equal(record_encode(record, &out), ERR_OK);
    free(faults);
    free(record);
    draft_destroy(&draft);
    return region_keep(&scene.region, out_written(&out));
}

/* One version in a commit of its own. */
static struct hash put(size_t log, const char *kind, uint32_t id, uint32_t depth, const struct hash *replaces, uint32_t replaces_count, ...)
{
    struct hash content;
    struct entry entry;
    va_list args;

    va_start(args, replaces_count);
    entry = entry_of(payload_of(kind, id, depth, replaces, replaces_count, args));
    va_end(args);
    write_commit(log, &entry, 1, &content);
    return content;
}

#define BASE "country", "SN", "quantity", "2", "unit", "kg"

static void follow(uint64_t items_max)
{
    uint64_t left = 1;

    while (left > 0) {
        assert_int_equal(views_follow(scene.views, scene.home.store, items_max, &left), ERR_OK);
    }
}

/* ---- answers ---- */

struct answer {
    struct version versions[300];
    uint8_t payloads[300][PAYLOAD_BYTES_MAX];
    size_t count;
};
static struct answer answer;

static bool answer_add(void *arg, const struct version *version)
{
    (void)arg;
    assert_true(answer.count < 300);
    answer.versions[answer.count] = *version;
    if (version->payload.n > 0) { /* what is gone has none */
        memcpy(answer.payloads[answer.count], version->payload.p, version->payload.n);
    }
    answer.versions[answer.count].payload.p = answer.payloads[answer.count];
    answer.count++;
    return true;
}

static uint64_t search(const char *query, uint64_t offset, size_t limit)
{
    struct views_read *read;
    struct query_result result = {0, 0};
    size_t at = 0;
    const char *why = "";
    enum err err;

    answer.count = 0;
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    err = views_search(read, span_text(query), offset, limit, answer_add, NULL, &result, &at, &why);
    if (err != ERR_OK) {
        fail_msg("%s: %s at %zu %s", query, err_name(err), at, why);
    }
    assert_int_equal(result.count, answer.count);
    views_read_end(&read);
    return result.total;
}

static uint64_t current_of(uint32_t kind)
{
    struct views_read *read;
    struct views_count count;

    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    assert_int_equal(views_count(read, &count), ERR_OK);
    views_read_end(&read);
    return count.current[kind];
}

static enum err versions(uint32_t id)
{
    struct record_id record = {{(uint8_t)(id >> 8), (uint8_t)id}};
    struct views_read *read;
    enum err err;

    record.b[15] = 0x77;
    answer.count = 0;
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    err = views_versions(read, &record, answer_add, NULL);
    views_read_end(&read);
    return err;
}

static void dump_add(void *arg, struct span key, struct span value)
{
    struct hash_state *state = arg;
    uint8_t sizes[4] = {(uint8_t)key.n, (uint8_t)(key.n >> 8), (uint8_t)value.n, (uint8_t)(value.n >> 8)};

    hash_add(state, span_of(sizes, sizeof sizes));
    hash_add(state, key);
    hash_add(state, value);
}

static struct hash dump(void)
{
    struct views_read *read;
    struct hash_state state;
    struct hash hash;

    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    hash_start(&state, HASH_FILE);
    assert_int_equal(views_dump(read, dump_add, &state), ERR_OK);
    hash_end(&state, &hash);
    views_read_end(&read);
    return hash;
}

static char named[1 << 16]; /* the faults of the last check */

static void fault_add(void *arg, enum err err, const char *what)
{
    size_t n = strlen(named);

    (void)arg;
    assert_int_equal(err, ERR_CORRUPT);
    snprintf(named + n, sizeof named - n, "%s\n", what);
}

static enum err check(void)
{
    struct views_check check = {.fault = fault_add};
    struct views_read *read;
    enum err err;

    named[0] = '\0';
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    err = views_check(read, &check);
    views_read_end(&read);
    assert_int_equal(err == ERR_CORRUPT, check.faults > 0);
    assert_int_equal(check.faults > 0, named[0] != '\0');
    return err;
}

/* ---- tests ---- */

static void a_record_is_found_once_it_is_followed(void **state)
{
    uint64_t left = 0;

    (void)state;
    scene_begin();
    put(0, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "place", "Kédougou", "narrative",
        "Sacs cachés sous le plancher", NULL);
    put(0, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-04-05", "commodity", "cannabis_herb", "place", "Rosso", "narrative", "Dans un camion", NULL);
    put(1, "alert", 3, 1, NULL, 0, "date", "2026-04-01", "title", "Camion bleu", "threat", "faux plancher", "valid_until", "2026-12-01",
        "requested_action", "observe", NULL);
    admit(0, UINT32_MAX);
    admit(1, UINT32_MAX);
    assert_int_equal(search("", 0, 10), 0);
    assert_int_equal(views_follow(scene.views, scene.home.store, 1, &left), ERR_OK);
    assert_true(left > 0);
    follow(100);
    assert_int_equal(search("", 0, 10), 3);
    assert_int_equal(answer.count, 3);
    assert_int_equal(answer.versions[0].id.b[1], 2); /* the newest event first */
    assert_int_equal(answer.versions[1].id.b[1], 3);
    assert_int_equal(answer.versions[2].id.b[1], 1);
    assert_true(answer.versions[0].is_current);
    assert_int_equal(answer.versions[1].channel, CHANNEL_ALERT);
    assert_memory_equal(answer.versions[1].author.b, scene.region.nodes[0].id.b, 16);
    assert_int_equal(answer.versions[0].author_time.ms, 0);
    assert_int_equal(versions(1), ERR_OK);
    assert_int_equal(answer.versions[0].author_time.ms, 1700000000000);
    assert_int_equal(search("plancher", 0, 10), 2);
    assert_int_equal(search("PLANCHER kind:seizure", 0, 10), 1);
    assert_int_equal(search("cach* -camion", 0, 10), 1);
    assert_int_equal(search("kedougou", 0, 10), 1);
    assert_int_equal(search("place:KÉDOUGOU", 0, 10), 1);
    assert_int_equal(search("cocaine", 0, 10), 1);
    assert_int_equal(search("commodity:cocaine", 0, 10), 1);
    assert_int_equal(search("country:Senegal", 0, 10), 2);
    assert_int_equal(search("date:2026-04", 0, 10), 2);
    assert_int_equal(search("date:2026-04-05", 0, 10), 1);
    assert_int_equal(search("date:2025", 0, 10), 0);
    assert_int_equal(search("camion", 1, 1), 2);
    assert_int_equal(answer.count, 1);
    assert_int_equal(answer.versions[0].id.b[1], 3);
    assert_int_equal(current_of(RECORD_SEIZURE), 2);
    assert_int_equal(current_of(RECORD_ALERT), 1);
    scene_end();
}

static void a_new_version_takes_the_place_of_the_old(void **state)
{
    struct hash first, second[2];

    (void)state;
    scene_begin();
    first = put(0, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
    second[0] = put(0, "seizure", 1, 2, &first, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "bravo", NULL);
    second[1] = put(0, "seizure", 1, 2, &first, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "charlie", NULL);
    admit(0, 1);
    follow(1);
    assert_int_equal(search("alpha", 0, 10), 1);
    admit(0, 2);
    follow(1);
    assert_int_equal(search("alpha", 0, 10), 0);
    assert_int_equal(search("", 0, 10), 2); /* two heads, side by side */
    assert_int_equal(current_of(RECORD_SEIZURE), 2);
    put(0, "seizure", 1, 3, second, 2, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "delta", NULL);
    admit(0, 1);
    follow(1);
    assert_int_equal(search("", 0, 10), 1);
    assert_int_equal(search("delta", 0, 10), 1);
    assert_int_equal(current_of(RECORD_SEIZURE), 1);
    assert_int_equal(versions(1), ERR_OK);
    assert_int_equal(answer.count, 4);
    assert_true(answer.versions[0].is_current && !answer.versions[1].is_current && !answer.versions[3].is_current);
    assert_memory_equal(answer.versions[3].content.b, first.b, sizeof first.b);
    assert_true(memcmp(answer.versions[1].content.b, answer.versions[2].content.b, 32) < 0);
    assert_int_equal(versions(9), ERR_NOT_FOUND);
    scene_end();
}

static void only_the_owner_replaces(void **state)
{
    struct hash first;

    (void)state;
    scene_begin();
    first = put(0, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
    put(2, "seizure", 1, 2, &first, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "bravo", NULL);
    admit(0, 1);
    admit(2, 1);
    follow(10);
    assert_int_equal(search("alpha", 0, 10), 1);
    assert_int_equal(search("bravo", 0, 10), 1);
    assert_int_equal(versions(1), ERR_OK);
    assert_int_equal(answer.count, 2);
    assert_true(answer.versions[0].is_current && answer.versions[1].is_current);
    {
        char query[64] = "author:";
        hex_encode(scene.region.nodes[4].id.b, 16, query + 7);
        assert_int_equal(search(query, 0, 10), 1);
        assert_memory_equal(answer.versions[0].author.b, scene.region.nodes[4].id.b, 16);
    }
    scene_end();
}

/* Whatever stands in the logs that is no record for us is counted by reason, and changes nothing else. */
static void what_is_not_understood_is_counted(void **state)
{
    static const uint8_t KIND_99[] = {0x82, 0x01, 0x63, 0x02, 0xc4, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
    struct entry entries[5];
    struct views_read *read;
    struct views_count count;

    (void)state;
    scene_begin();
    put(0, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
    entries[0] = entry_of(span_text("garbage"));
    entries[1] = entry_of(span_of(KIND_99, sizeof KIND_99));
    entries[2] = entry_of(span_text("another kind of entry"));
    entries[2].leaf.kind = 77;
    entries[3] = entry_of(span_text("another codec"));
    entries[3].leaf.codec = 9;
    entries[4] = entry_of(span_text("for an audience"));
    entries[4].leaf.audience_bytes = 32;
    memset(entries[4].leaf.audience, 3, 32);
    write_commit(0, entries, 5, NULL);
    put(0, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "bravo", NULL);
    admit(0, UINT32_MAX);
    follow(2);
    assert_int_equal(search("", 0, 10), 2);
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    assert_int_equal(views_count(read, &count), ERR_OK);
    views_read_end(&read);
    assert_int_equal(count.entries, 7);
    assert_int_equal(count.versions, 2);
    assert_int_equal(count.followed, count.journal);
    assert_int_equal(count.skipped[VIEWS_SKIP_KIND], 1);
    assert_int_equal(count.skipped[VIEWS_SKIP_CODEC], 2);
    assert_int_equal(count.skipped[VIEWS_SKIP_VERSION] + count.skipped[VIEWS_SKIP_BAD], 2);
    scene_end();
}

/* ---- many records ---- */

static const char *const PLACES[] = {"Dakar", "Douala", "Lomé", "Cotonou", "Bissau", "Banjul", "Rosso"};
static const char *const COUNTRIES[] = {"SN", "CM", "TG", "BJ", "GW", "GM"};
static const char *const GOODS[] = {"cocaine", "heroin", "tramadol", "khat"};
enum { MANY_MAX = 3000 };

struct many { /* what record i says, for the scan */
    int place, country, goods, year, month;
    bool is_current;
    char words[8][8];
};
static struct many many[MANY_MAX];
static struct hash many_content[MANY_MAX];

static struct span many_payload(uint32_t i, uint32_t depth, const struct hash *replaces, uint32_t count, ...)
{
    struct span payload;
    va_list args;

    va_start(args, count);
    payload = payload_of("seizure", i, depth, replaces, count, args);
    va_end(args);
    return payload;
}

/* Write `count` records, 1 to 20 a commit; every ninth is a new version of the one nine before it. */
static void write_many(uint32_t count)
{
    static struct entry entries[20];
    uint32_t n = 0, first = 0, size = 1;

    for (uint32_t i = 0; i < count; i++) {
        struct many *m = &many[i];
        char date[16], text[80] = "", quantity[8];
        bool is_update = i >= 9 && i % 9 == 0;
        *m = (struct many){(int)(next_random() % 7),
                           (int)(next_random() % 6),
                           (int)(next_random() % 4),
                           2015 + (int)(next_random() % 10),
                           1 + (int)(next_random() % 12),
                           true,
                           {""}};
        snprintf(date, sizeof date, "%d-%02d", m->year, m->month);
        for (int w = 0; w < 8; w++) {
            snprintf(m->words[w], sizeof m->words[w], "mot%u", (unsigned)(next_random() % 60 * (next_random() % 2 + 1)));
            strcat(text, w == 0 ? "" : " ");
            strcat(text, m->words[w]);
        }
        snprintf(quantity, sizeof quantity, "%u", 1 + (unsigned)(next_random() % 900));
        if (is_update && n > 0) { /* what it replaces must be written, so that its hash is known */
            write_commit(0, entries, n, many_content + first);
            n = 0;
        }
        if (is_update) {
            many[i - 9].is_current = false;
        }
        first = n == 0 ? i : first;
        entries[n++] = entry_of(many_payload(is_update ? i - i % 81 : i, is_update ? 2 : 1, is_update ? &many_content[i - 9] : NULL,
                                             is_update ? 1 : 0, "country", COUNTRIES[m->country], "place", PLACES[m->place], "commodity",
                                             GOODS[m->goods], "date", date, "quantity", quantity, "unit", "kg", "narrative", text, NULL));
        if (n == size || i + 1 == count) {
            write_commit(0, entries, n, many_content + first);
            n = 0;
            size = 1 + (uint32_t)(next_random() % 20);
        }
    }
}

static bool many_has(const struct many *m, const char *prefix, bool is_exact)
{
    for (int w = 0; w < 8; w++) {
        if (is_exact ? strcmp(m->words[w], prefix) == 0 : strncmp(m->words[w], prefix, strlen(prefix)) == 0) {
            return true;
        }
    }
    return false;
}

/* The versions of one record id replace each other along i, i + 9 ..., as long as they carry the same id; others name a version of another record,
 * and replace nothing. */
static void settle_many(uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        many[i].is_current = true;
    }
    for (uint32_t i = 9; i < count; i += 9) {
        uint32_t id = i - i % 81, before = i - 9;
        uint32_t before_id = before >= 9 && before % 9 == 0 ? before - before % 81 : before;
        if (id == before_id) {
            many[before].is_current = false;
        }
    }
}

static void check_many(uint32_t count)
{
    for (int round = 0; round < 120; round++) {
        char query[160], word[16], prefix[8], absent[16];
        int place = (int)(next_random() % 7), country = (int)(next_random() % 6), goods = (int)(next_random() % 4),
            year = 2015 + (int)(next_random() % 10);
        int month = 1 + (int)(next_random() % 12);
        uint64_t expected = 0, got;
        snprintf(word, sizeof word, "mot%u", (unsigned)(next_random() % 120));
        snprintf(absent, sizeof absent, "mot%u", (unsigned)(next_random() % 120));
        snprintf(prefix, sizeof prefix, "mot%u", (unsigned)(next_random() % 10));
        switch (round % 6) {
        case 0:
            snprintf(query, sizeof query, "%s -%s", word, absent);
            break;
        case 1:
            snprintf(query, sizeof query, "%s* country:%s", prefix, COUNTRIES[country]);
            break;
        case 2:
            snprintf(query, sizeof query, "place:%s commodity:%s date:%d", PLACES[place], GOODS[goods], year);
            break;
        case 3:
            snprintf(query, sizeof query, "date:%d-%02d -country:%s", year, month, COUNTRIES[country]);
            break;
        case 4:
            snprintf(query, sizeof query, "-%s* kind:seizure", prefix);
            break;
        default:
            snprintf(query, sizeof query, "\"%s %s\"", word, PLACES[place]);
            break;
        }
        for (uint32_t i = 0; i < count; i++) {
            const struct many *m = &many[i];
            bool is_hit = round % 6 == 0   ? many_has(m, word, true) && !many_has(m, absent, true)
                          : round % 6 == 1 ? many_has(m, prefix, false) && m->country == country
                          : round % 6 == 2 ? m->place == place && m->goods == goods && m->year == year
                          : round % 6 == 3 ? m->year == year && m->month == month && m->country != country
                          : round % 6 == 4 ? !many_has(m, prefix, false)
                                           : many_has(m, word, true) && m->place == place;
            expected += is_hit && m->is_current;
        }
        got = search(query, 0, 30);
        if (got != expected) {
            fail_msg("%s: %llu expected, %llu found", query, (unsigned long long)expected, (unsigned long long)got);
        }
        for (size_t i = 1; i < answer.count; i++) { /* the dates fall */
            struct unpack *unpack = unpack_new();
            struct record *a = malloc(2 * sizeof *a), *b = a + 1;
            const char *clause;
            assert_true(unpack != NULL && a != NULL);
            assert_int_equal(record_decode(unpack, answer.versions[i - 1].payload, a, &clause), ERR_OK);
            assert_int_equal(record_decode(unpack, answer.versions[i].payload, b, &clause), ERR_OK);
            assert_true(terms_day(a) > terms_day(b) || (terms_day(a) == terms_day(b) && memcmp(a->id.b, b->id.b, 16) <= 0));
            free(a);
            unpack_destroy(&unpack);
        }
    }
}

static void many_records_agree_with_a_scan(void **state)
{
    (void)state;
    scene_begin();
    write_many(MANY_MAX);
    settle_many(MANY_MAX);
    admit(0, UINT32_MAX);
    follow(100);
    check_many(MANY_MAX);
    scene_end();
}

static void a_rebuild_gives_the_same_keys_and_values(void **state)
{
    static const uint64_t STEPS[] = {4096, 1, 2, 7, 100, 301};
    struct hash first = {{0}};

    (void)state;
    scene_begin();
    write_many(1200);
    admit(0, UINT32_MAX);
    for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
        struct hash hash;
        follow(STEPS[i]);
        hash = dump();
        first = i == 0 ? hash : first;
        assert_true(hash_equal(&hash, &first));
        if (i % 2 == 0) { /* by deleting the folder, or while open */
            views_close(&scene.views);
            assert_int_equal(views_drop(scene.home.path), ERR_OK);
            assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
        } else {
            assert_int_equal(views_reset(scene.views), ERR_OK);
        }
    }
    scene_end();
}

static void ids_are_resolved_by_hex(void **state)
{
    struct views_read *read;
    struct record_id found[4];
    size_t count = 0;

    (void)state;
    scene_begin();
    for (uint32_t i = 0; i < 5; i++) {
        put(0, "seizure", 0xab00 + i, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", NULL);
    }
    admit(0, UINT32_MAX);
    follow(10);
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    assert_int_equal(views_resolve(read, "ab0", found, 4, &count), ERR_INVALID);
    assert_int_equal(views_resolve(read, "ab0g", found, 4, &count), ERR_INVALID);
    assert_int_equal(views_resolve(read, "ab0300000000000000000000000000777", found, 4, &count), ERR_INVALID);
    assert_int_equal(views_resolve(read, "AB03", found, 4, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(found[0].b[1], 3);
    assert_int_equal(views_resolve(read, "ab03000000000000000000000000007", found, 4, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(views_resolve(read, "ab030000000000000000000000000077", found, 4, &count), ERR_OK);
    assert_int_equal(count, 1);
    assert_int_equal(views_resolve(read, "ab06", found, 4, &count), ERR_OK);
    assert_int_equal(count, 0);
    views_read_end(&read);
    scene_end();
}

static void a_wrong_query_is_answered_with_its_place(void **state)
{
    struct views_read *read;
    struct query_result result;
    size_t at = 0;
    const char *why = NULL;

    (void)state;
    scene_begin();
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    assert_int_equal(views_search(read, span_text("noir colour:red"), 0, 10, answer_add, NULL, &result, &at, &why), ERR_INVALID);
    assert_int_equal(at, 5);
    assert_non_null(why);
    assert_int_equal(views_search(read, span_text("noir"), SEARCH_DEPTH_MAX, 1, answer_add, NULL, &result, &at, &why), ERR_INVALID);
    assert_int_equal(at, 0);
    views_read_end(&read);
    scene_end();
}

/* ---- cuts ---- */

/* The state is that of views made anew now, in other steps. */
static void check_rebuild(void)
{
    struct hash before = dump(), after;

    assert_int_equal(check(), ERR_OK);
    assert_int_equal(views_reset(scene.views), ERR_OK);
    follow(3);
    after = dump();
    assert_true(hash_equal(&before, &after));
}

/* Node 4 leaves, cut at `heads`; comes back with a roster that lists it and lifts the suspension. */
static void suspend(const struct head *heads, uint32_t count)
{
    assert_int_equal(home_notice(&scene.home, region_suspend(&scene.region, 0, 1, &scene.roster, 1, 4, heads, count)), ERR_OK);
}

static void take_back(void)
{
    struct region_roster roster = {.number = 2, .previous = scene.roster, .members = 0xff, .cut = 1 << 4}; /* listed and named in the cuts: lifted */

    assert_int_equal(home_notice(&scene.home, region_roster(&scene.region, &roster, NULL)), ERR_OK);
}

static void a_cut_takes_versions_back_and_a_roster_gives_them_again(void **state)
{
    struct hash first, second;
    struct head head;

    (void)state;
    for (int order = 0; order < 4; order++) { /* the cut comes after everything, in the middle, before all; or everything is followed at once */
        scene_begin();
        put(0, "seizure", 7, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "other", NULL);
        admit(0, 1);
        first = put(2, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
        head = region_log_head(&scene.logs[2]);
        second = put(2, "seizure", 1, 2, &first, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "bravo", NULL);
        put(2, "seizure", 1, 3, &second, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "charlie", NULL);
        put(2, "alert", 2, 1, NULL, 0, "date", "2026-04-01", "title", "Camion", "threat", "delta", "valid_until", "2026-12-01", "requested_action",
            "observe", NULL);
        admit(2, order == 1 ? 2 : order == 2 ? 1 : UINT32_MAX);
        if (order < 3) {
            follow(1);
        }
        if (order == 0) {
            assert_int_equal(search("charlie", 0, 10), 1);
            assert_int_equal(search("alpha", 0, 10), 0);
            assert_int_equal(current_of(RECORD_ALERT), 1);
        }
        suspend(&head, 1);
        follow(1);
        assert_int_equal(search("alpha", 0, 10), 1);
        assert_int_equal(search("charlie", 0, 10), 0);
        assert_int_equal(search("delta", 0, 10), 0);
        assert_int_equal(search("", 0, 10), 2);
        assert_int_equal(current_of(RECORD_SEIZURE), 2);
        assert_int_equal(current_of(RECORD_ALERT), 0);
        assert_int_equal(versions(1), ERR_OK);
        assert_true(answer.versions[0].is_current && !answer.versions[0].is_disputed);
        assert_memory_equal(answer.versions[0].content.b, first.b, sizeof first.b);
        if (order == 0) {
            assert_int_equal(answer.count, 3);
            assert_true(answer.versions[1].is_disputed && answer.versions[2].is_disputed && !answer.versions[1].is_current);
        }
        check_rebuild();
        take_back();
        follow(1);
        if (scene.admitted[2] < scene.written[2]) {
            admit(2, UINT32_MAX);
            follow(2);
        }
        assert_int_equal(search("alpha", 0, 10), 0);
        assert_int_equal(search("charlie", 0, 10), 1);
        assert_int_equal(search("delta", 0, 10), 1);
        assert_int_equal(current_of(RECORD_SEIZURE), 2);
        assert_int_equal(current_of(RECORD_ALERT), 1);
        check_rebuild();
        scene_end();
    }
}

/* More than one step's worth, and the process dies between two steps. */
static void a_large_cut_is_worked_through_in_steps(void **state)
{
    static struct entry entries[20];
    uint64_t left = 1, steps = 0;

    (void)state;
    scene_begin();
    put(0, "seizure", 60000, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "other", NULL);
    admit(0, 1);
    for (uint32_t i = 0; i < 6000; i += 20) {
        for (uint32_t k = 0; k < 20; k++) {
            entries[k] = entry_of(many_payload(i + k, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL));
        }
        write_commit(2, entries, 20, NULL);
    }
    admit(2, UINT32_MAX);
    follow(4096);
    assert_int_equal(search("alpha", 0, 0), 6000);
    suspend(NULL, 0);
    while (left > 0) {
        assert_int_equal(views_follow(scene.views, scene.home.store, 100, &left), ERR_OK);
        steps++;
        views_close(&scene.views);
        assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
    }
    assert_true(steps >= 3);
    assert_int_equal(search("alpha", 0, 0), 0);
    assert_int_equal(search("", 0, 10), 1);
    assert_int_equal(current_of(RECORD_SEIZURE), 1);
    check_rebuild();
    take_back();
    follow(100);
    assert_int_equal(search("alpha", 0, 0), 6000);
    assert_int_equal(current_of(RECORD_SEIZURE), 6001);
    check_rebuild();
    scene_end();
}

/* ---- damage ---- */

static void overwrite(const char *name, off_t from, size_t n)
{
    char path[160];
    uint8_t junk[4096];
    int fd;

    snprintf(path, sizeof path, "%s/views/%s", scene.home.path, name);
    fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    memset(junk, 0x5a, sizeof junk);
    for (size_t done = 0; done < n; done += sizeof junk) {
        assert_int_equal(pwrite(fd, junk, sizeof junk, from + (off_t)done), sizeof junk);
    }
    close(fd);
}

static void a_damaged_folder_is_made_anew(void **state)
{
    struct hash before, after;

    (void)state;
    scene_begin();
    write_many(300);
    admit(0, UINT32_MAX);
    follow(100);
    before = dump();
    for (int round = 0; round < 3; round++) {
        views_close(&scene.views);
        if (round == 0) {
            overwrite("data.mdb", 0, 8192); /* both meta pages */
        } else if (round == 1) {
            char path[160];
            snprintf(path, sizeof path, "%s/views/data.mdb", scene.home.path);
            assert_int_equal(truncate(path, 0), 0);
        } else {
            static const char *const OTHER[] = {"something", "else"};
            static const struct kv_schema SCHEMA = {OTHER, 2, 99, 0}; /* another layout */
            char path[160];
            snprintf(path, sizeof path, "%s/views", scene.home.path);
            assert_int_equal(kv_drop(path), ERR_OK);
            assert_int_equal(kv_create(path, &SCHEMA, NULL, NULL), ERR_OK);
        }
        assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
        assert_int_equal(search("", 0, 1), 0);
        follow(100);
        after = dump();
        assert_true(hash_equal(&before, &after));
    }
    scene_end();
}

/* Every page but the two that begin the file is lost while the node runs: nothing can be emptied any more, so a new environment takes its place. */
static void views_beyond_emptying_are_replaced_while_open(void **state)
{
    struct hash before, after;
    struct views_read *read;
    struct views_count count;
    char path[160];
    uint8_t zeros[4096] = {0};
    uint64_t left = 1;
    struct stat status;

    (void)state;
    scene_begin();
    write_many(300);
    admit(0, UINT32_MAX);
    follow(100);
    before = dump();
    snprintf(path, sizeof path, "%s/views/data.mdb", scene.home.path);
    int fd = open(path, O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(fstat(fd, &status), 0);
    for (off_t at = 8192; at < status.st_size; at += (off_t)sizeof zeros) {
        assert_int_equal(pwrite(fd, zeros, sizeof zeros, at), sizeof zeros);
    }
    close(fd);
    assert_int_equal(views_reset(scene.views), ERR_OK);
    for (int i = 0; i < 100 && left > 0; i++) {
        enum err err = views_follow(scene.views, scene.home.store, 1000, &left);
        assert_true(err == ERR_OK || err == ERR_BUSY);
    }
    assert_int_equal(left, 0);
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    assert_int_equal(views_count(read, &count), ERR_OK);
    assert_int_equal(count.followed, count.journal);
    views_read_end(&read);
    after = dump();
    assert_true(hash_equal(&before, &after));
    scene_end();
}

/* A page of the index decays while the node runs: the search that meets it says so, and the next following makes the views anew. */
static void decay_is_mended_by_the_follower(void **state)
{
    struct hash before, after;
    struct views_read *read;
    struct query_result result;
    size_t at;
    const char *why;
    char path[160];
    uint8_t *bytes;
    long n;
    FILE *file;
    bool is_noticed = false;

    (void)state;
    scene_begin();
    write_many(600);
    admit(0, UINT32_MAX);
    follow(4096);
    before = dump();
    assert_int_equal(check(), ERR_OK);
    views_close(&scene.views);
    snprintf(path, sizeof path, "%s/views/data.mdb", scene.home.path);
    file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    n = ftell(file);
    bytes = malloc((size_t)n);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, (size_t)n, file), n);
    for (long i = 2 * 4096; i + 5 < n; i++) { /* every place where the word stands */
        if (memcmp(bytes + i, "wmot1", 5) == 0) {
            fseek(file, i + 1, SEEK_SET);
            fputc('X', file);
        }
    }
    fclose(file);
    free(bytes);
    assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
    assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
    is_noticed = views_search(read, span_text("mot1*"), 0, 10, answer_add, NULL, &result, &at, &why) == ERR_CORRUPT;
    views_read_end(&read);
    assert_true(is_noticed);
    assert_true(views_starts_again(scene.views));
    follow(4096);
    assert_false(views_starts_again(scene.views));
    after = dump();
    assert_true(hash_equal(&before, &after));
    scene_end();
}

/* A check names what no search need ever meet: a page of terms, and the sort key of a document, which has no sum of its own. */
static void a_check_names_what_differs_from_the_journal(void **state)
{
    static const struct {
        const char *what, *fault;
    } rows[] = {
        {"a page of terms", "a term of the volume"},
        {"the sort key of a document", "as the journal has it"},
        {"a document of the tail", "cannot be read"},
    };
    char path[160];

    (void)state;
    for (size_t row = 0; row < sizeof rows / sizeof *rows; row++) {
        struct hash before, after;
        static const uint8_t tail[] = {'w', 'm', 'o', 't', '1'}; /* written out in a row of the tail */
        uint8_t order[DOC_ORDER_BYTES], rest[DOC_REST_BYTES], needle[16];
        size_t bytes_n = sizeof tail, places = 0;
        struct views_read *read;
        struct kv_cursor cursor;
        struct doc doc;
        long size;
        scene_begin();
        write_many(600);
        admit(0, UINT32_MAX);
        follow(4096);
        before = dump();
        assert_int_equal(check(), ERR_OK);
        memcpy(needle, tail, sizeof tail);
        assert_int_equal(views_read_begin(scene.views, scene.home.store, &read), ERR_OK);
        if (row == 0) {
            kv_cursor_open(&read->txn, VIEW_TERMS, &cursor);
            assert_true(kv_first(&cursor));
            bytes_n = sizeof needle;
            memcpy(needle, cursor.value.p, bytes_n);
            kv_cursor_close(&cursor);
        } else if (row == 1) { /* the columns have no sum of their own */
            assert_int_equal(index_doc(&read->txn, read->state.docs, 0, &doc), ERR_OK);
            doc_write(&doc, order, rest);
            bytes_n = sizeof order;
            memcpy(needle, order, bytes_n);
        }
        views_read_end(&read);
        views_close(&scene.views);
        snprintf(path, sizeof path, "%s/views/data.mdb", scene.home.path);
        FILE *file = fopen(path, "r+b");
        assert_non_null(file);
        fseek(file, 0, SEEK_END);
        size = ftell(file);
        uint8_t *bytes = malloc((size_t)size);
        assert_non_null(bytes);
        rewind(file);
        assert_int_equal(fread(bytes, 1, (size_t)size, file), size);
        for (long i = 2 * 4096; i + (long)bytes_n < size; i++) {
            if (memcmp(bytes + i, needle, bytes_n) == 0) {
                fseek(file, i + (long)bytes_n - 1, SEEK_SET);
                fputc(needle[bytes_n - 1] ^ 1, file);
                places++;
            }
        }
        fclose(file);
        free(bytes);
        assert_true(places > 0);
        assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
        if (check() != ERR_CORRUPT || strstr(named, rows[row].fault) == NULL) {
            fail_msg("%s: %.400s", rows[row].what, named);
        }
        assert_true(views_starts_again(scene.views));
        follow(4096);
        after = dump();
        assert_true(hash_equal(&before, &after));
        assert_int_equal(check(), ERR_OK);
        scene_end();
    }
}

/* The log was brought back from a backup: shorter, or of another life. */
static void another_journal_is_followed_from_its_start(void **state)
{
    char kept[128], command[400];

    (void)state;
    scene_begin();
    put(0, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
    admit(0, 1);
    assert_int_equal(store_backup(scene.home.store, (snprintf(kept, sizeof kept, "%s/kept", scene.home.path), kept)), ERR_OK);
    put(0, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "bravo", NULL);
    put(0, "seizure", 3, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "charlie", NULL);
    admit(0, 2);
    follow(10);
    assert_int_equal(search("", 0, 10), 3);
    for (int round = 0; round < 2; round++) {
        views_close(&scene.views);
        store_close(&scene.home.store);
        snprintf(command, sizeof command, "rm -rf %s/log && cp -r %s %s/log", scene.home.path, kept, scene.home.path);
        assert_int_equal(system(command), 0);
        assert_int_equal(store_open(scene.home.path, &scene.home.store), ERR_OK);
        assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
        if (round == 1) { /* as long as before, but of other records */
            struct admitted admitted;
            struct span items[3];
            for (int i = 0; i < 3; i++) {
                put(2, "seizure", 4u + (uint32_t)i, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "delta", NULL);
                items[i] = scene.items[2][i];
            }
            assert_int_equal(home_admit(&scene.home, &scene.logs[2].chain.log, 1, items, 3, &admitted), ERR_OK);
        }
        follow(10);
        assert_int_equal(search("bravo", 0, 10), 0);
        assert_int_equal(search("", 0, 10), round == 0 ? 1 : 4);
        if (round == 0) { /* follow further, to stand where the other life then also stands */
            struct admitted admitted;
            assert_int_equal(home_admit(&scene.home, &scene.logs[0].chain.log, 2, scene.items[0] + 1, 2, &admitted), ERR_OK);
            follow(10);
            assert_int_equal(search("bravo", 0, 10), 1);
        }
    }
    scene_end();
}

/* A process that follows is killed at any time; the next one goes on, and ends with the same tables. */
static void a_killed_follower_loses_nothing(void **state)
{
    struct hash clean, after;

    (void)state;
    scene_begin();
    write_many(1500);
    admit(0, UINT32_MAX);
    follow(4096);
    clean = dump();
    for (int round = 0; round < 6; round++) {
        views_close(&scene.views);
        store_close(&scene.home.store);
        assert_int_equal(views_drop(scene.home.path), ERR_OK);
        for (int life = 0; life < 3; life++) {
            pid_t child = fork();
            assert_true(child >= 0);
            if (child == 0) {
                uint64_t left = 1;
                if (store_open(scene.home.path, &scene.home.store) != ERR_OK || views_open(scene.home.path, NULL, &scene.views) != ERR_OK) {
                    _exit(1);
                }
                while (left > 0) {
                    if (views_follow(scene.views, scene.home.store, 1 + (uint64_t)round % 5, &left) != ERR_OK) {
                        _exit(2);
                    }
                }
                _exit(0);
            }
            usleep((useconds_t)(next_random() % 25000));
            kill(child, SIGKILL);
            {
                int status = 0;
                waitpid(child, &status, 0);
                assert_true(WIFSIGNALED(status) || WEXITSTATUS(status) == 0);
            }
        }
        assert_int_equal(store_open(scene.home.path, &scene.home.store), ERR_OK);
        assert_int_equal(views_open(scene.home.path, NULL, &scene.views), ERR_OK);
        follow(50);
        after = dump();
        assert_true(hash_equal(&clean, &after));
    }
    scene_end();
}

/* The last of the disk belongs to the log: the views stand still, and go on when there is room. */
static void a_full_disk_stops_the_follower_not_the_answers(void **state)
{
    uint64_t left = 0;

    (void)state;
    scene_begin();
    put(0, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
    admit(0, 1);
    follow(10);
    put(0, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "bravo", NULL);
    admit(0, 1);
    fault_free = 1 << 20;
    assert_int_equal(views_follow(scene.views, scene.home.store, 10, &left), ERR_FULL);
    assert_int_equal(search("", 0, 10), 1);
    fault_free = UINT64_MAX;
    follow(10);
    assert_int_equal(search("", 0, 10), 2);
    scene_end();
}

/* A commit of the log decays: following stops before it and says so; what stands before it stays searchable. */
static void a_damaged_log_is_not_taken_for_damaged_views(void **state)
{
    uint64_t left = 0;
    char path[160];
    uint8_t *bytes;
    long n, hits = 0;
    FILE *file;
    enum err err;

    (void)state;
    scene_begin();
    put(0, "seizure", 1, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
    put(0, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "qqqqxyzzyqqqq", NULL);
    admit(0, 2);
    store_close(&scene.home.store);
    snprintf(path, sizeof path, "%s/log/data.mdb", scene.home.path);
    file = fopen(path, "r+b");
    assert_non_null(file);
    fseek(file, 0, SEEK_END);
    n = ftell(file);
    bytes = malloc((size_t)n);
    assert_non_null(bytes);
    rewind(file);
    assert_int_equal(fread(bytes, 1, (size_t)n, file), n);
    for (long i = 0; i + 5 < n; i++) {
        if (memcmp(bytes + i, "xyzzy", 5) == 0) {
            fseek(file, i, SEEK_SET);
            fputc('X', file);
            hits++;
        }
    }
    fclose(file);
    free(bytes);
    assert_true(hits > 0);
    assert_int_equal(store_open(scene.home.path, &scene.home.store), ERR_OK);
    err = views_follow(scene.views, scene.home.store, 100, &left);
    assert_int_equal(err, ERR_CORRUPT);
    assert_int_equal(left, 1);
    assert_int_equal(search("alpha", 0, 10), 1);
    assert_int_equal(views_follow(scene.views, scene.home.store, 100, &left), ERR_CORRUPT);
    assert_int_equal(search("alpha", 0, 10), 1);
    scene_end();
}

/* ---- what was erased or has expired ---- */

/* An order by the author of a log, in that log. */
static void order(size_t log, const struct hash *contents, uint32_t count)
{
    struct erasure erasure = {.author = scene.logs[log].chain.node, .leaf_count = count};
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);

    memcpy(erasure.leaves, contents, count * sizeof *contents);
    if (count == 2 && memcmp(contents[0].b, contents[1].b, 32) > 0) {
        erasure.leaves[0] = contents[1];
        erasure.leaves[1] = contents[0];
    }
    assert_int_equal(erasure_encode(&erasure, &out), ERR_OK);
    struct entry entry = {.leaf = {.kind = ENTRY_ERASURE}, .has_payload = true, .payload = region_keep(&scene.region, out_written(&out))};
    write_commit(log, &entry, 1, NULL);
    admit(log, UINT32_MAX);
}

/* The same answers from an index that was made after the fact. */
static void answers_stay_when_rebuilt(const char *const *queries, size_t count)
{
    uint64_t before[16], kinds[2] = {current_of(RECORD_SEIZURE), current_of(RECORD_ALERT)};

    assert_int_equal(check(), ERR_OK);
    for (size_t i = 0; i < count; i++) {
        before[i] = search(queries[i], 0, 100);
    }
    assert_int_equal(views_reset(scene.views), ERR_OK);
    follow(UINT64_MAX);
    for (size_t i = 0; i < count; i++) {
        if (search(queries[i], 0, 100) != before[i]) {
            fail_msg("%s: %d before, %d rebuilt", queries[i], (int)before[i], (int)answer.count);
        }
    }
    assert_int_equal(current_of(RECORD_SEIZURE), kinds[0]);
    assert_int_equal(current_of(RECORD_ALERT), kinds[1]);
    assert_int_equal(check(), ERR_OK);
}

static void what_is_erased_leaves_the_index_at_once(void **state)
{
    static const char *const queries[] = {"", "alpha", "beta", "gamma", "delta", "kind:seizure"};
    struct hash contents[300], both[2];

    (void)state;
    for (int in_volume = 0; in_volume < 2; in_volume++) { /* documents in the tail, and in a volume */
        scene_begin();
        for (uint32_t i = 0; i < (in_volume ? 290u : 1u); i++) {
            contents[i] = put(0, "seizure", 100 + i, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", i == 0 ? "alpha" : "other", NULL);
        }
        struct hash first = put(0, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "beta", NULL);
        struct hash second = put(0, "seizure", 2, 2, &first, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "gamma", NULL);
        put(2, "seizure", 3, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "delta", NULL);
        admit(0, UINT32_MAX);
        admit(2, UINT32_MAX);
        follow(UINT64_MAX);
        uint64_t all = search("", 0, 0);
        assert_int_equal(search("alpha", 0, 10), 1);
        order(0, contents, 1);
        follow(UINT64_MAX);
        assert_int_equal(search("alpha", 0, 10), 0);
        assert_int_equal(search("", 0, 0), all - 1);
        assert_int_equal(current_of(RECORD_SEIZURE), all - 1);
        assert_int_equal(versions(100), ERR_OK); /* until the next compaction it is known by its id */
        assert_int_equal(answer.count, 1);
        assert_true(answer.versions[0].is_gone && !answer.versions[0].is_current && !answer.versions[0].is_disputed && answer.versions[0].payload.n == 0);
        /* The newest version alone: the one it had replaced stands again, as for a node that never saw the newest. */
        order(0, &second, 1);
        follow(UINT64_MAX);
        assert_int_equal(search("gamma", 0, 10), 0);
        assert_int_equal(search("beta", 0, 10), 1);
        assert_int_equal(search("", 0, 0), all - 1);
        answers_stay_when_rebuilt(queries, 6);
        assert_int_equal(versions(100), ERR_NOT_FOUND);
        both[0] = first;
        both[1] = second;
        order(0, both, 2);
        follow(UINT64_MAX);
        assert_int_equal(search("beta", 0, 10), 0);
        assert_int_equal(search("", 0, 0), all - 2);
        answers_stay_when_rebuilt(queries, 6);
        scene_end();
    }
}

static void an_old_version_may_be_erased_alone(void **state)
{
    static const char *const queries[] = {"", "beta", "gamma"};

    (void)state;
    scene_begin();
    struct hash first = put(0, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "beta", NULL);
    put(0, "seizure", 2, 2, &first, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "gamma", NULL);
    admit(0, UINT32_MAX);
    follow(UINT64_MAX);
    order(0, &first, 1);
    follow(UINT64_MAX);
    assert_int_equal(search("gamma", 0, 10), 1);
    assert_int_equal(search("beta", 0, 10), 0);
    assert_int_equal(versions(2), ERR_OK);
    assert_int_equal(answer.count, 2);
    assert_true(answer.versions[0].is_current && answer.versions[1].is_gone);
    answers_stay_when_rebuilt(queries, 3);
    scene_end();
}

/* Erased before, between and after a cut that is lifted again: nothing comes back. */
static void what_is_erased_stays_so_whatever_its_log_counts(void **state)
{
    static const char *const queries[] = {"", "beta", "gamma", "delta"};

    (void)state;
    for (int when = 0; when < 3; when++) {
        scene_begin();
        struct hash first = put(2, "seizure", 2, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "beta", NULL);
        struct hash second = put(2, "seizure", 2, 2, &first, 1, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "gamma", NULL);
        put(2, "seizure", 3, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "delta", NULL);
        admit(2, UINT32_MAX);
        follow(UINT64_MAX);
        if (when == 0) {
            order(2, &second, 1);
            follow(UINT64_MAX);
        }
        suspend(NULL, 0); /* nothing of it counts */
        follow(UINT64_MAX);
        assert_int_equal(search("", 0, 10), 0);
        if (when == 1) { /* two hubs, since its own orders do not count now */
            struct region_log hub;
            struct erasure erasure = {.author = scene.region.nodes[4].id, .leaf_count = 1, .leaves = {second}};
            for (size_t i = 0; i < 2; i++) {
                uint8_t bytes[PAYLOAD_BYTES_MAX];
                struct out out = out_into(bytes, sizeof bytes);
                struct admitted admitted;
                region_log_init(&hub, &scene.region, i, CHANNEL_CONTROL);
                assert_int_equal(erasure_encode(&erasure, &out), ERR_OK);
                struct entry entry = {.leaf = {.kind = ENTRY_ERASURE}, .has_payload = true, .payload = out_written(&out)};
                struct span items[2] = {hub.birth, region_log_entries(&hub, &entry, 1, 0, 1)};
                assert_int_equal(home_admit(&scene.home, &hub.chain.log, 0, items, 2, &admitted), ERR_OK);
                region_log_fini(&hub);
            }
            follow(UINT64_MAX);
        }
        assert_int_equal(check(), ERR_OK);
        take_back();
        follow(UINT64_MAX);
        if (when == 2) {
            order(2, &second, 1);
            follow(UINT64_MAX);
        }
        assert_int_equal(search("gamma", 0, 10), 0);
        assert_int_equal(search("beta", 0, 10), 1);
        assert_int_equal(search("delta", 0, 10), 1);
        answers_stay_when_rebuilt(queries, 4);
        scene_end();
    }
}

static struct hash put_until(uint32_t id, uint32_t depth, const struct hash *replaces, uint32_t day, ...)
{
    struct hash content;
    va_list args;

    va_start(args, day);
    struct entry entry = entry_of(payload_of("seizure", id, depth, replaces, replaces == NULL ? 0 : 1, args));
    va_end(args);
    entry.leaf.expiry_day = day;
    write_commit(0, &entry, 1, &content);
    return content;
}

static void what_expires_is_hidden_from_its_day_on_and_shown_when_the_clock_is_put_right(void **state)
{
    static const char *const queries[] = {"", "alpha", "beta", "gamma", "delta"};

    (void)state;
    for (int in_volume = 0; in_volume < 2; in_volume++) {
        fault_time = (time_t)TODAY * 86400;
        scene_begin();
        for (uint32_t i = 0; in_volume && i < 290; i++) {
            put(0, "seizure", 100 + i, 1, NULL, 0, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "other", NULL);
        }
        put_until(1, 1, NULL, TODAY + 10, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
        struct hash first = put_until(2, 1, NULL, TODAY + 20, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "beta", NULL);
        put_until(2, 2, &first, TODAY + 20, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "gamma", NULL);
        put_until(3, 1, NULL, TODAY, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "delta", NULL);
        admit(0, UINT32_MAX);
        follow(UINT64_MAX);
        uint64_t others = in_volume ? 290 : 0;
        static const struct {
            int days;
            uint64_t alpha, gamma;
        } steps[] = {{0, 1, 1}, {9, 1, 1}, {10, 0, 1}, {19, 0, 1}, {20, 0, 0}, {4000, 0, 0}, {10, 0, 1}, {-9000, 1, 1}, {0, 1, 1}, {15, 0, 1}};
        for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
            fault_time = (time_t)((int)TODAY + steps[i].days) * 86400 + 100;
            follow(UINT64_MAX);
            assert_int_equal(search("alpha", 0, 10), steps[i].alpha);
            assert_int_equal(search("beta", 0, 10), 0);
            assert_int_equal(search("gamma", 0, 10), steps[i].gamma);
            assert_int_equal(search("delta", 0, 10), steps[i].days < 0);
            assert_int_equal(current_of(RECORD_SEIZURE), others + steps[i].alpha + steps[i].gamma + (steps[i].days < 0));
            assert_int_equal(check(), ERR_OK);
        }
        assert_int_equal(versions(1), ERR_OK);
        assert_int_equal(answer.count, 1);
        assert_true(answer.versions[0].is_expired && !answer.versions[0].is_gone && !answer.versions[0].is_current && answer.versions[0].payload.n == 0);
        answers_stay_when_rebuilt(queries, 5);
        order(0, &first, 1);
        follow(UINT64_MAX);
        answers_stay_when_rebuilt(queries, 5);
        scene_end();
    }
    fault_time = (time_t)TODAY * 86400;
}

/* Very much expires on one day: worked through in steps. */
static void many_days_are_worked_in_by_and_by(void **state)
{
    uint64_t left = 1;

    (void)state;
    scene_begin();
    for (uint32_t i = 0; i < 1500; i++) {
        put_until(i, 1, NULL, TODAY + 1 + i % 3, BASE, "date", "2026-03-05", "commodity", "cocaine", "narrative", "alpha", NULL);
    }
    admit(0, UINT32_MAX);
    follow(UINT64_MAX);
    assert_int_equal(search("alpha", 0, 0), 1500);
    fault_time += 10 * 86400;
    assert_int_equal(views_follow(scene.views, scene.home.store, 1000, &left), ERR_OK);
    assert_int_equal(left, 1);
    follow(UINT64_MAX);
    assert_int_equal(search("alpha", 0, 0), 0);
    assert_int_equal(check(), ERR_OK);
    fault_time -= 8 * 86400;
    follow(UINT64_MAX);
    assert_int_equal(search("alpha", 0, 0), 500);
    assert_int_equal(check(), ERR_OK);
    fault_time = (time_t)TODAY * 86400;
    scene_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_record_is_found_once_it_is_followed),
        cmocka_unit_test(a_new_version_takes_the_place_of_the_old),
        cmocka_unit_test(only_the_owner_replaces),
        cmocka_unit_test(what_is_not_understood_is_counted),
        cmocka_unit_test(many_records_agree_with_a_scan),
        cmocka_unit_test(a_rebuild_gives_the_same_keys_and_values),
        cmocka_unit_test(ids_are_resolved_by_hex),
        cmocka_unit_test(a_wrong_query_is_answered_with_its_place),
        cmocka_unit_test(a_cut_takes_versions_back_and_a_roster_gives_them_again),
        cmocka_unit_test(a_large_cut_is_worked_through_in_steps),
        cmocka_unit_test(a_damaged_folder_is_made_anew),
        cmocka_unit_test(views_beyond_emptying_are_replaced_while_open),
        cmocka_unit_test(decay_is_mended_by_the_follower),
        cmocka_unit_test(a_check_names_what_differs_from_the_journal),
        cmocka_unit_test(another_journal_is_followed_from_its_start),
        cmocka_unit_test(a_killed_follower_loses_nothing),
        cmocka_unit_test(a_full_disk_stops_the_follower_not_the_answers),
        cmocka_unit_test(a_damaged_log_is_not_taken_for_damaged_views),
        cmocka_unit_test(what_is_erased_leaves_the_index_at_once),
        cmocka_unit_test(an_old_version_may_be_erased_alone),
        cmocka_unit_test(what_is_erased_stays_so_whatever_its_log_counts),
        cmocka_unit_test(what_expires_is_hidden_from_its_day_on_and_shown_when_the_clock_is_put_right),
        cmocka_unit_test(many_days_are_worked_in_by_and_by),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
