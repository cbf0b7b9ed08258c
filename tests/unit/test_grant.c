/* Keys for a reader who came later: what is given is what was counted; and what is held sealed, counted by key. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/grant.h"
#include "node/sealed.h"
#include "tests/lib/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct station station;

static int setup(void **state)
{
    static const char *const edges[] = {"sn", "gm", "bj", "ci", NULL};
    (void)state;
    station_init(&station, edges);
    station_open(&station, "sn");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    station_fini(&station);
    return 0;
}

/* Records it and writes its id. */
static void record(const char *to, const char *words, char ret[40])
{
    enum err err;
    json_t *result = station_record(&station, "seizure", (const char *const[]){"date", "2026-11-01", "country", "SN", "heading", "DRG", "description", words, "quantity", "1 kg", NULL},
                                 NULL, to, &err);
    assert_int_equal(err, ERR_OK);
    if (ret != NULL) {
        (void)snprintf(ret, 40, "%s", json_string_value(json_array_get(json_object_get(result, "ids"), 0)));
    }
    json_decref(result);
}

static json_int_t number(const json_t *answer, const char *key) { return json_integer_value(json_object_get(answer, key)); }

static json_t *grant(json_t *request, enum err *ret_err)
{
    (void)json_object_set_new(request, "do", json_string("grant"));
    return station_ask(&station, request, ret_err);
}

static void what_is_held_sealed_is_counted_by_key(void **state)
{
    struct sealed_table table;
    (void)state;
    assert_int_equal(sealed_count(station.service.store, NULL, NULL, NULL, &table), ERR_OK);
    assert_int_equal(table.count, 0);
    sealed_fini(&table);
    record("region", "for all", NULL);
    record("gm", "one", NULL);
    record("gm", "two", NULL);
    record("gm,bj", "three", NULL);
    assert_int_equal(sealed_count(station.service.store, &station.home.node, NULL, NULL, &table), ERR_OK);
    assert_int_equal(table.count, 2);
    assert_int_equal(table.entries, 3);
    assert_int_equal(table.keys[0].entries + table.keys[1].entries, 3);
    assert_int_equal(table.bytes, table.keys[0].bytes + table.keys[1].bytes);
    assert_int_equal(table.bytes % 16, 0); /* of padded sizes */
    for (size_t i = 0; i < 2; i++) {
        assert_true(table.keys[i].first.ms > 0 && table.keys[i].last.ms >= table.keys[i].first.ms);
        assert_int_equal(table.keys[i].channel, CHANNEL_REPORT);
        assert_ptr_equal(sealed_find(&table, &station.home.node, &table.keys[i].id), &table.keys[i]);
    }
    assert_null(sealed_find(&table, &station.home.node, &(struct hash){{1}}));
    sealed_fini(&table);
    assert_int_equal(sealed_count(station.service.store, &(struct node_id){{1}}, NULL, NULL, &table), ERR_OK);
    assert_int_equal(table.count, 0);
    sealed_fini(&table);
}

static void what_is_given_is_what_was_counted(void **state)
{
    enum err err;
    json_t *answer;
    (void)state;
    record("gm", "one", NULL);
    record("gm", "two", NULL);
    record("gm,bj", "three", NULL);
    record("bj", "four", NULL);
    answer = grant(json_pack("{s:s, s:s, s:b}", "name", "ci", "to", "gm", "dry", true), &err);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 2);
    assert_int_equal(json_array_size(json_object_get(answer, "keys")), 1);
    assert_true(json_is_true(json_object_get(answer, "dry_run")));
    json_decref(answer);
    answer = grant(json_pack("{s:s, s:s}", "name", "ci", "to", "gm,ci"), &err); /* nothing is for these */
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 0);
    assert_int_equal(number(answer, "held"), 0);
    json_decref(answer);
    answer = grant(json_pack("{s:s, s:s}", "name", "ci", "to", "gm"), &err);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 2);
    assert_int_equal(number(answer, "held"), 0);
    json_decref(answer);
    answer = grant(json_pack("{s:s, s:s}", "name", "ci", "to", "gm"), &err);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 0);
    assert_int_equal(number(answer, "held"), 1);
    json_decref(answer);
    answer = grant(json_pack("{s:s, s:s}", "name", "gm", "to", "gm,bj"), &err); /* named from the start */
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 0);
    assert_int_equal(number(answer, "held"), 1);
    json_decref(answer);
}

static void who_joins_an_operation_is_given_what_came_before(void **state)
{
    enum err err;
    json_t *answer;
    (void)state;
    json_decref(station_record(&station, "operation", (const char *const[]){"date", "2026-11-01", "name", "BAOBAB", "purpose", "exercise", "coordinator", "sn", "participant", "gm",
                                                                      "participant", "ci", NULL},
                            NULL, "region", &err));
    assert_int_equal(err, ERR_OK);
    record("gm", "before ci took part", NULL);
    record("operation:BAOBAB", "with ci", NULL);
    record("bj,gm", "of another group", NULL);
    answer = grant(json_pack("{s:s, s:s}", "name", "ci", "to", "operation:BAOBAB"), &err);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 1);
    assert_int_equal(number(answer, "held"), 1);
    json_decref(answer);
}

static void only_keys_in_use_since_then(void **state)
{
    enum err err;
    json_int_t now = (json_int_t)wall_now().ms;
    json_t *answer;
    (void)state;
    record("gm", "one", NULL);
    answer = grant(json_pack("{s:s, s:s, s:b, s:I}", "name", "ci", "to", "gm", "dry", true, "since_ms", now - 60000), &err);
    assert_int_equal(number(answer, "entries"), 1);
    json_decref(answer);
    answer = grant(json_pack("{s:s, s:s, s:b, s:I}", "name", "ci", "to", "gm", "dry", true, "since_ms", now + 600000), &err);
    assert_int_equal(number(answer, "entries"), 0);
    json_decref(answer);
}

static void by_record_all_that_its_key_opens_is_given(void **state)
{
    char id[40];
    enum err err;
    json_t *answer;
    (void)state;
    record("gm", "one", NULL);
    record("gm", "two", id);
    record("bj", "three", NULL);
    answer = grant(json_pack("{s:s, s:s}", "name", "ci", "id", id), &err);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 2);
    json_decref(answer);
    answer = station_ask(&station, json_pack("{s:s, s:s}", "do", "readers", "id", id), &err);
    assert_int_equal(err, ERR_OK);
    const json_t *readers = json_object_get(json_array_get(json_object_get(answer, "versions"), 0), "readers");
    assert_int_equal(json_array_size(readers), 3);
    assert_string_equal(json_string_value(json_object_get(json_array_get(readers, 0), "name")), "sn");
    assert_string_equal(json_string_value(json_object_get(json_array_get(readers, 1), "name")), "ci");
    assert_true(json_is_true(json_object_get(json_array_get(readers, 1), "granted")));
    assert_true(json_is_true(json_object_get(json_array_get(readers, 1), "reads")));
    assert_null(json_object_get(json_array_get(readers, 2), "granted"));
    json_decref(answer);
}

/* Each under a new key, since the one before was given away. */
static void several_keys_are_given_at_once(void **state)
{
    struct readers *readers;
    struct hash ids[3];
    struct grant_wish wish = {.ids = ids, .id_count = 3};
    struct sealed_table table;
    struct grant given;
    enum err err;
    (void)state;
    assert_null(service_readers(&station.service, "ci", &readers, &err));
    wish.node = readers->rows[1].node;
    free(readers);
    for (size_t i = 0; i < 3; i++) {
        record("gm", "text", NULL);
        json_decref(grant(json_pack("{s:s, s:s}", "name", "bj", "to", "gm"), &err));
        assert_int_equal(err, ERR_OK);
    }
    assert_int_equal(sealed_count(station.service.store, NULL, NULL, NULL, &table), ERR_OK);
    assert_int_equal(table.count, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(table.keys[i].entries, 1);
        ids[i] = table.keys[i].id;
    }
    sealed_fini(&table);
    assert_int_equal(grant_plan(station.service.store, &wish, NULL, NULL, &given), ERR_OK);
    assert_int_equal(given.count, 3);
    assert_int_equal(given.entries, 3);
    assert_int_equal(service_change(&station.service, grant_make, &given), ERR_OK);
    grant_fini(&given);
    assert_int_equal(grant_plan(station.service.store, &wish, NULL, NULL, &given), ERR_OK);
    assert_int_equal(given.count, 0);
    assert_int_equal(given.held, 3);
    grant_fini(&given);
}

static void what_cannot_be_given_is_refused_by_name(void **state)
{
    char id[40], open[40];
    (void)state;
    record("gm", "one", id);
    record("region", "for all", open);
    const struct {
        const char *what;
        json_t *request;
        enum err err;
        const char *says;
    } rows[] = {
        {"to nobody", json_pack("{s:s}", "to", "gm"), ERR_USAGE, "a grant names a reader"},
        {"of nothing", json_pack("{s:s}", "name", "ci"), ERR_USAGE, "a grant names a reader"},
        {"of a list and a record", json_pack("{s:s, s:s, s:s}", "name", "ci", "to", "gm", "id", id), ERR_USAGE, "a grant names a reader"},
        {"since before time", json_pack("{s:s, s:s, s:i}", "name", "ci", "to", "gm", "since_ms", -1), ERR_USAGE, "a grant names a reader"},
        {"to a stranger", json_pack("{s:s, s:s}", "name", "xx", "to", "gm"), ERR_NOT_FOUND, "no member bears this name"},
        {"to itself", json_pack("{s:s, s:s}", "name", "sn", "to", "gm"), ERR_INVALID, "this node reads"},
        {"of the region", json_pack("{s:s, s:s}", "name", "ci", "to", "region"), ERR_INVALID, "what the whole region reads"},
        {"of a list that is none", json_pack("{s:s, s:s}", "name", "ci", "to", "gm,,"), ERR_USAGE, "nobody is named"},
        {"of a record that is not here", json_pack("{s:s, s:s}", "name", "ci", "id", "0123456789abcdef"), ERR_NOT_FOUND, "no record with that id"},
        {"of a record for all", json_pack("{s:s, s:s}", "name", "ci", "id", open), ERR_INVALID, "the record is not restricted"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err err;
        json_t *answer = grant(rows[i].request, &err);
        const char *what = json_string_value(json_object_get(answer, "what"));
        if (err != rows[i].err || what == NULL || strncmp(what, rows[i].says, strlen(rows[i].says)) != 0) {
            fail_msg("%s: %s: %s", rows[i].what, err_name(err), what != NULL ? what : "");
        }
        json_decref(answer);
    }
}

static void whose_card_is_not_here_is_given_nothing(void **state)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct span card;
    enum err err;
    json_t *answer;
    (void)state;
    station_newcomer(&station, "tg", &out);
    card = out_written(&out);
    station_sign(&station, &card, 1, NULL);
    station_join(&station, "tg");
    record("gm,tg", "one", NULL); /* named, but without a key */
    json_decref(grant(json_pack("{s:s, s:s}", "name", "tg", "to", "gm,tg"), &err));
    assert_int_equal(err, ERR_UNKNOWN_KEY);
    station_join(&station, NULL);
    answer = grant(json_pack("{s:s, s:s}", "name", "tg", "to", "gm,tg"), &err);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "entries"), 1);
    json_decref(answer);
}

static void the_answer_about_sealed_entries_proves_it(void **state)
{
    enum err err;
    json_t *answer;
    const json_t *key;
    (void)state;
    record("gm", "one", NULL);
    json_decref(grant(json_pack("{s:s, s:s}", "name", "ci", "to", "gm"), &err));
    answer = station_ask(&station, json_pack("{s:s}", "do", "sealed"), &err);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(number(answer, "encryption_keys"), 1);
    assert_int_equal(number(json_object_get(answer, "readable"), "entries"), 1);
    assert_int_equal(number(json_object_get(answer, "unreadable"), "entries"), 0);
    key = json_array_get(json_object_get(answer, "keys"), 0);
    assert_string_equal(json_string_value(json_object_get(key, "state")), "readable");
    assert_string_equal(json_string_value(json_object_get(key, "author")), "sn");
    assert_int_equal(json_array_size(json_object_get(key, "audience")), 2);
    assert_string_equal(json_string_value(json_array_get(json_object_get(key, "granted"), 0)), "ci");
    assert_int_equal(number(key, "wraps"), 3);
    assert_int_equal(number(key, "opened"), 1); /* its own wrap, of three */
    json_decref(answer);
}

#define AT_SN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_SN(what_is_held_sealed_is_counted_by_key),
        AT_SN(what_is_given_is_what_was_counted),
        AT_SN(who_joins_an_operation_is_given_what_came_before),
        AT_SN(only_keys_in_use_since_then),
        AT_SN(by_record_all_that_its_key_opens_is_given),
        AT_SN(several_keys_are_given_at_once),
        AT_SN(what_cannot_be_given_is_refused_by_name),
        AT_SN(whose_card_is_not_here_is_given_nothing),
        AT_SN(the_answer_about_sealed_entries_proves_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
