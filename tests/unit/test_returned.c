/* A node that lost its disk knows its own records again when its logs come back, sealed ones as well: importing the same rows then finds them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>

#include "node/writer.h"
#include "store/audience.h"
#include "tests/lib/founding.h"

enum { TODAY = 20780 };
static const struct wall_ms NOW = {1700000000000};

static struct founding founding;
static struct home home;
static struct unlock unlock;
static char work[64], path[96];

static struct span seizure(uint8_t id, uint8_t bytes[PAYLOAD_BYTES_MAX])
{
    static const char *const values[][2] = {{"country", "SN"}, {"quantity", "2"}, {"unit", "kg"}, {"date", "2026-03-05"}, {"commodity", "cocaine"}};
    struct draft *draft = draft_new(kind_by_name(span_text("seizure")));
    struct record *record = malloc(sizeof *record);
    struct record_faults *faults = calloc(1, sizeof *faults);
    struct out out = out_into(bytes, PAYLOAD_BYTES_MAX);

    assert_true(draft != NULL && record != NULL && faults != NULL);
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        assert_true(draft_add(draft, span_text(values[i][0]), span_text(values[i][1]), faults));
    }
    assert_true(draft_finish(draft, TODAY, record, faults));
    memset(record->id.b, id, sizeof record->id.b);
    assert_int_equal(record_encode(record, &out), ERR_OK);
    free(faults);
    free(record);
    draft_destroy(&draft);
    return out_written(&out);
}

/* The home's store, empty but for the roster. */
static void open_writer(struct store **store, struct writer *writer)
{
    assert_int_equal(store_open(path, store), ERR_OK);
    assert_int_equal(founding_tell(*store, founding.charter_notice), ERR_OK);
    assert_int_equal(founding_tell(*store, founding.roster_notice), ERR_OK);
    assert_int_equal(writer_open(&home, *store, writer), ERR_OK);
}

static struct hash append(struct writer *writer, struct span payload, const struct audience *audience)
{
    struct payload one = {.kind = ENTRY_RECORD, .bytes = payload, .audience = audience};
    struct hash content;
    struct head head;

    assert_int_equal(store_begin(writer->store), ERR_OK);
    assert_int_equal(author_append(writer->author, CHANNEL_REPORT, &one, 1, NOW, 1, &content, &head), ERR_OK);
    assert_int_equal(store_commit(writer->store), ERR_OK);
    return content;
}

static bool log_take(void *arg, const struct log_info *log)
{
    *(struct log_id *)arg = log->head.log;
    return true;
}

static enum err own_of(struct writer *writer, uint8_t id, struct own_record *ret)
{
    struct record_id record;

    memset(record.b, id, sizeof record.b);
    assert_int_equal(store_begin(writer->store), ERR_OK);
    enum err err = store_own_get(writer->store, &record, ret);
    store_abort(writer->store);
    return err;
}

static int setup(void **state)
{
    struct secret *key = secret_random(32);
    struct member member = {.role = ROLE_EDGE, .name = "sn"};

    (void)state;
    snprintf(work, sizeof work, "/tmp/griot-returned-XXXXXX");
    assert_non_null(mkdtemp(work));
    snprintf(path, sizeof path, "%s/home", work);
    unlock = (struct unlock){.key = key};
    founding_begin(&founding);
    assert_int_equal(home_create(path, &(struct home_plan){.name = "sn", .role = ROLE_EDGE, .region = founding.region, .unlock = &unlock, .now = NOW}), ERR_OK);
    assert_int_equal(home_open(path, &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    member.node = home.node;
    member.identity = home.identity_public;
    founding_roster(&founding, &member, 1);
    secret_destroy(&key);
    return 0;
}

static int teardown(void **state)
{
    char command[128];

    (void)state;
    home_lock(&home);
    founding_end(&founding);
    snprintf(command, sizeof command, "rm -rf '%s'", work);
    return system(command);
}

static void own_records_are_known_again_also_sealed_ones(void **state)
{
    static const struct hash any;
    static uint8_t body[FRAME_BYTES_MAX], bytes[2][PAYLOAD_BYTES_MAX];
    struct audience audience = {.count = 0};
    struct node_id reader = {{7}};
    struct unpack *unpack = unpack_new();
    struct out out = out_into(body, sizeof body);
    struct own_record plain, sealed;
    struct store_read *read = NULL;
    struct store *store = NULL;
    struct admitted admitted;
    struct writer writer;
    struct log_id log;
    struct seg seg;
    uint64_t last, entries;
    const char *clause = NULL;
    char command[160];

    (void)state;
    assert_int_equal(audience_add(&audience, &reader), ERR_OK);
    open_writer(&store, &writer);
    struct hash open_one = append(&writer, seizure(1, bytes[0]), NULL), sealed_one = append(&writer, seizure(2, bytes[1]), &audience);
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(store_logs(read, log_take, &log), ERR_OK);
    assert_int_equal(store_segment(read, &log, false, 0, &any, UINT64_MAX, 60000, &seg, &last, &entries), ERR_OK);
    assert_int_equal(seg.count, 4); /* the birth, a record, a key, a record */
    seg_encode(&seg, &out);
    store_read_end(&read);
    writer_close(&writer);
    store_close(&store);

    /* The disk is gone; keys and identity came out of a backup. */
    snprintf(command, sizeof command, "rm -rf '%s/log'", path);
    assert_int_equal(system(command), 0);
    assert_int_equal(store_create(path, &founding.region, &home.node), ERR_OK);
    open_writer(&store, &writer);
    assert_int_equal(own_of(&writer, 2, &sealed), ERR_NOT_FOUND);
    assert_int_equal(seg_decode(unpack, out_written(&out), &seg, &clause), ERR_OK);
    assert_int_equal(store_begin(store), ERR_OK);
    assert_int_equal(store_admit(store, &seg, &admitted, &clause), ERR_OK);
    assert_int_equal(append_returned(&writer, &seg, admitted.before.seq, admitted.after.seq), ERR_OK);
    assert_int_equal(store_commit(store), ERR_OK);
    assert_int_equal(own_of(&writer, 1, &plain), ERR_OK);
    assert_int_equal(own_of(&writer, 2, &sealed), ERR_OK);
    assert_true(hash_equal(&plain.version, &open_one) && hash_equal(&sealed.version, &sealed_one));
    assert_true(plain.depth == 1 && sealed.depth == 1);
    assert_memory_equal(plain.content, sealed.content, sizeof plain.content); /* the same values */
    writer_close(&writer);
    store_close(&store);
    unpack_destroy(&unpack);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(own_records_are_known_again_also_sealed_ones, setup, teardown),
    };

    return crypto_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
