/* Who a list of readers means: at a node of a real sandbox, without its daemon. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/trust.h"
#include "tests/lib/station.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct station station;
static struct readers *readers;
static json_t *error;

static void open_at(const char *name) { station_open(&station, name); }

static void close_it(void)
{
    free(readers);
    readers = NULL;
    json_decref(error);
    error = NULL;
    station_close(&station);
}

static int setup(void **state)
{
    static const char *const edges[] = {"sn", "gm", "bj", "cm", NULL};
    (void)state;
    station_init(&station, edges);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    close_it();
    station_fini(&station);
    return 0;
}

static enum err ask(const char *list)
{
    enum err err;
    free(readers);
    json_decref(error);
    error = service_readers(&station.service, list, &readers, &err);
    assert_int_equal(err == ERR_OK, readers != NULL);
    assert_int_equal(err == ERR_OK, error == NULL);
    return err;
}

/* "sn gm*": the names in order, with a star those who cannot read yet. */
static const char *names(void)
{
    static char text[1024];
    text[0] = '\0';
    for (uint32_t i = 0; i < readers->count; i++) {
        strcat(text, i > 0 ? " " : "");
        strcat(text, readers->rows[i].name);
        strcat(text, readers->rows[i].can_read ? "" : "*");
    }
    return text;
}

static const char *said(const char *key)
{
    const char *text = json_string_value(json_object_get(error, key));
    return text != NULL ? text : "";
}

/* A record of this node's, region-wide. */
static void record(const char *kind, const char *const *pairs)
{
    enum err err;
    json_decref(station_record(&station, kind, pairs, NULL, "region", &err));
    assert_int_equal(err, ERR_OK);
}

static void operation(const char *name, const char *phase, const char *first, const char *second)
{
    record("operation", (const char *const[]){"date", "2026-11-01", "name", name, "purpose", "exercise", "coordinator", "sn", "phase", phase, "participant", first,
                                              "participant", second, NULL});
}

/* ---- lists ---- */

static void lists_mean_nodes(void **state)
{
    static const struct {
        const char *what, *list, *names;
    } rows[] = {
        {"one office", "gm", "sn gm"},
        {"this node is in every audience", "gm,bj", "sn bj gm"},
        {"named itself", "sn,gm", "sn gm"},
        {"blanks and capitals", " GM ,\tBJ ", "sn bj gm"},
        {"this node alone", "local", "sn"},
        {"by its own name", "sn", "sn"},
        {"its RILO", "rilo", "sn rilo-dakar"},
        {"its RILO by both names", "rilo,rilo-dakar", "sn rilo-dakar"},
        {"RILO and offices", "rilo,gm,bj", "sn bj gm rilo-dakar"},
        {"all by name", "bj,cm,gm,rilo-dakar,rilo-douala,sn", "sn bj cm gm rilo-dakar rilo-douala"},
    };
    (void)state;
    open_at("sn");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        if (ask(rows[i].list) != ERR_OK || strcmp(names(), rows[i].names) != 0) {
            fail_msg("%s: %s %s", rows[i].what, error != NULL ? said("what") : names(), said("value"));
        }
        assert_false(readers->is_region);
        assert_int_equal(readers->audience.count, readers->count);
        assert_true(audience_is_valid(&readers->audience));
        assert_true(readers->rows[0].is_self);
        for (uint32_t j = 0; j < readers->count; j++) {
            assert_true(audience_has(&readers->audience, &readers->rows[j].node));
            assert_int_equal(readers->rows[j].is_rilo, strcmp(readers->rows[j].name, "rilo-dakar") == 0);
        }
    }
    assert_int_equal(ask("region"), ERR_OK);
    assert_true(readers->is_region);
    assert_int_equal(readers->audience.count, 0);
    assert_string_equal(names(), "sn bj cm gm rilo-dakar rilo-douala");
}

static void each_office_has_its_own_rilo(void **state)
{
    (void)state;
    open_at("cm");
    assert_int_equal(ask("rilo"), ERR_OK);
    assert_string_equal(names(), "cm rilo-douala");
    close_it();
    open_at("rilo-douala"); /* a RILO itself */
    assert_int_equal(ask("rilo"), ERR_OK);
    assert_string_equal(names(), "rilo-douala");
    close_it();
    open_at("sn");
    station.home.config.rilo[0] = '\0';
    assert_int_equal(ask("rilo"), ERR_CONFIG);
    assert_non_null(strstr(said("do"), "rilo = NAME"));
    (void)snprintf(station.home.config.rilo, sizeof station.home.config.rilo, "rilo-abidjan");
    assert_int_equal(ask("gm,rilo"), ERR_CONFIG);
    assert_string_equal(said("value"), "rilo-abidjan");
}

static void bad_lists_are_refused_by_name(void **state)
{
    static const struct {
        const char *what, *list;
        enum err err;
        const char *value, *says;
    } rows[] = {
        {"nothing", "", ERR_USAGE, "", "nobody is named"},
        {"blanks", "  ", ERR_USAGE, "", "nobody is named"},
        {"a comma", ",", ERR_USAGE, "", "nobody is named"},
        {"a gap", "gm,,bj", ERR_USAGE, "", "nobody is named"},
        {"an end that is left open", "gm,", ERR_USAGE, "", "nobody is named"},
        {"unknown", "gm,xx", ERR_NOT_FOUND, "xx", "no member bears"},
        {"only unknown", "xx", ERR_NOT_FOUND, "xx", "no member bears"},
        {"no name at all", "g m", ERR_NOT_FOUND, "g m", "no member bears"},
        {"twice", "gm,bj,gm", ERR_USAGE, "gm", "a reader is named twice"},
        {"twice but for capitals", "gm,GM", ERR_USAGE, "gm", "a reader is named twice"},
        {"region beside others", "region,gm", ERR_USAGE, "region", "region is named beside"},
        {"region twice", "region,region", ERR_USAGE, "region", "a reader is named twice"},
        {"local beside others", "gm,local", ERR_USAGE, "local", "local is named beside"},
        {"an operation without a name", "operation:", ERR_NOT_FOUND, "operation:", "no operation"},
        {"an unknown operation", "operation:COCAIR", ERR_NOT_FOUND, "COCAIR", "no operation"},
        {"an operation by a query", "operation:x\" -\"y", ERR_NOT_FOUND, "x\" -\"y", "no operation"},
        {"an operation by an id that is not here", "operation:0123456789abcdef", ERR_NOT_FOUND, "0123456789abcdef", "no operation"},
    };
    (void)state;
    open_at("sn");
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        enum err err = ask(rows[i].list);
        if (err != rows[i].err || strcmp(said("value"), rows[i].value) != 0 || strncmp(said("what"), rows[i].says, strlen(rows[i].says)) != 0 ||
            said("do")[0] == '\0') {
            fail_msg("%s: %s: %s: '%s'", rows[i].what, err_name(err), said("what"), said("value"));
        }
    }
}

static void a_list_is_bounded(void **state)
{
    char *list = malloc(AUDIENCE_LIST_BYTES_MAX + 2);
    (void)state;
    assert_non_null(list);
    open_at("sn");
    memset(list, 'x', AUDIENCE_LIST_BYTES_MAX + 1);
    list[AUDIENCE_LIST_BYTES_MAX + 1] = '\0';
    assert_int_equal(ask(list), ERR_USAGE);
    assert_string_equal(said("what"), "the list of readers is too long");
    list[AUDIENCE_LIST_BYTES_MAX] = '\0';
    assert_int_equal(ask(list), ERR_NOT_FOUND);
    assert_true(strlen(said("value")) < AUDIENCE_VALUE_BYTES);
    for (size_t i = 1; i < AUDIENCE_LIST_BYTES_MAX; i += 2) { /* as many words as there can be */
        list[i] = ',';
    }
    list[AUDIENCE_LIST_BYTES_MAX - 1] = 'x';
    assert_int_equal(ask(list), ERR_USAGE);
    assert_string_equal(said("what"), "a reader is named twice");
    free(list);
}

/* ---- operations ---- */

static void an_operation_is_its_participants(void **state)
{
    char id[40], list[64];
    json_t *request, *answer;
    enum err err;
    (void)state;
    open_at("sn");
    operation("COCAIR VIII", "OPERATE", "gm", "rilo-douala");
    assert_int_equal(ask("operation:COCAIR VIII"), ERR_OK);
    assert_string_equal(names(), "sn gm rilo-douala");
    assert_int_equal(ask("operation:cocair viii,bj"), ERR_OK);
    assert_string_equal(names(), "sn bj gm rilo-douala");
    /* by its id, and by the first digits */
    request = json_pack("{s:s, s:s}", "do", "search", "query", "kind:operation");
    answer = service_answer(&station.service, request, NULL, NULL, &err);
    (void)snprintf(id, sizeof id, "%s", json_string_value(json_object_get(json_array_get(json_object_get(answer, "hits"), 0), "id")));
    json_decref(request);
    json_decref(answer);
    (void)snprintf(list, sizeof list, "operation:%s", id);
    assert_int_equal(ask(list), ERR_OK);
    assert_string_equal(names(), "sn gm rilo-douala");
    list[strlen("operation:") + 8] = '\0';
    assert_int_equal(ask(list), ERR_OK);
    assert_string_equal(names(), "sn gm rilo-douala");
    /* a record that is no operation */
    record("seizure", (const char *const[]){"date", "2026-11-01", "country", "SN", "commodity", "cocaine", "quantity", "1 kg", "operation", "ADANSONIA", NULL});
    assert_int_equal(ask("operation:ADANSONIA"), ERR_NOT_FOUND);
}

static void operations_that_say_nothing_clear_are_refused(void **state)
{
    (void)state;
    open_at("sn");
    operation("BAOBAB", "CLOSED", "gm", "bj");
    assert_int_equal(ask("operation:BAOBAB"), ERR_INVALID);
    assert_string_equal(said("what"), "the operation is closed");
    operation("KAFO", "OPERATE", "gm", "bj");
    operation("Kafo", "OPERATE", "gm", "cm");
    assert_int_equal(ask("operation:KAFO"), ERR_EXISTS);
    assert_string_equal(said("value"), "KAFO");
    record("operation", (const char *const[]){"date", "2026-11-01", "name", "FANTOME", "purpose", "exercise", "coordinator", "zz", "participant", "yy", NULL});
    assert_int_equal(ask("operation:FANTOME"), ERR_INVALID);
    assert_string_equal(said("what"), "nobody who takes part in the operation is a member");
    record("operation", (const char *const[]){"date", "2026-11-01", "name", "RETIREE", "purpose", "exercise", "coordinator", "sn", "participant", "gm", "status",
                                              "WITHDRAWN", NULL});
    assert_int_equal(ask("operation:RETIREE"), ERR_INVALID);
}

static void who_takes_part_and_is_no_member_is_left_out_and_named(void **state)
{
    (void)state;
    open_at("sn");
    operation("COCAIR", "OPERATE", "gm", "zz");
    assert_int_equal(ask("operation:COCAIR"), ERR_OK);
    assert_string_equal(names(), "sn gm");
    assert_int_equal(readers->left_count, 1);
    assert_string_equal(readers->left[0].name, "zz");
    assert_int_equal(readers->left[0].gap, READER_UNKNOWN);
}

/* ---- those who come and go ---- */

static void who_has_no_card_is_in_but_cannot_read_yet(void **state)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct span card;
    (void)state;
    open_at("sn");
    station_newcomer(&station, "tg", &out);
    card = out_written(&out);
    assert_int_equal(ask("gm,tg"), ERR_NOT_FOUND);
    station_sign(&station, &card, 1, NULL);
    station_join(&station, "tg");
    assert_int_equal(ask("gm,tg"), ERR_OK);
    assert_string_equal(names(), "sn gm tg*");
    assert_int_equal(readers->audience.count, 3);
    station_join(&station, NULL);
    assert_int_equal(ask("gm,tg"), ERR_OK);
    assert_string_equal(names(), "sn gm tg");
}

static void who_has_left_is_refused_by_name_and_left_out_of_operations(void **state)
{
    static const char *const removed[] = {"gm", NULL};
    (void)state;
    open_at("sn");
    operation("COCAIR", "OPERATE", "gm", "bj");
    assert_int_equal(ask("operation:COCAIR"), ERR_OK);
    assert_string_equal(names(), "sn bj gm");
    station_sign(&station, NULL, 0, removed);
    station_join(&station, NULL);
    assert_int_equal(ask("bj,gm"), ERR_NOT_MEMBER);
    assert_string_equal(said("value"), "gm");
    assert_string_equal(said("what"), "this reader has left the region");
    assert_int_equal(ask("operation:COCAIR"), ERR_OK);
    assert_string_equal(names(), "sn bj");
    assert_int_equal(readers->left_count, 1);
    assert_int_equal(readers->left[0].gap, READER_GONE);
}

static bool keep_act(void *arg, const struct notice_ref *ref, struct span notice, struct span heads)
{
    struct out *acts = arg;
    (void)heads;
    if (ref->kind == NOTICE_ACT) {
        out_span(acts, notice);
    }
    return true;
}

static void who_is_suspended_is_refused_by_name_and_left_out_of_operations(void **state)
{
    uint8_t bytes[8192];
    struct out out = out_into(bytes, sizeof bytes);
    struct store_read *read;
    json_t *request = json_pack("{s:s, s:s, s:s}", "do", "suspend", "name", "gm", "reason", "stolen");
    struct span act;
    struct trust_join join = {.notices = &act, .count = 1};
    enum err err;
    (void)state;
    open_at("rilo-dakar");
    json_decref(service_answer(&station.service, request, NULL, NULL, &err));
    json_decref(request);
    assert_int_equal(err, ERR_OK);
    assert_int_equal(store_read_begin(station.service.store, &read), ERR_OK);
    assert_int_equal(store_notices(read, keep_act, &out), ERR_OK);
    store_read_end(&read);
    close_it();
    open_at("sn");
    act = out_written(&out);
    operation("COCAIR", "OPERATE", "gm", "bj");
    assert_int_equal(service_change(&station.service, trust_join, &join), ERR_OK);
    assert_int_equal(join.stored, 1);
    free(join.refs);
    assert_int_equal(ask("gm"), ERR_NOT_MEMBER);
    assert_string_equal(said("what"), "this reader is suspended");
    assert_string_equal(said("value"), "gm");
    assert_int_equal(ask("operation:COCAIR"), ERR_OK);
    assert_string_equal(names(), "sn bj");
    assert_int_equal(readers->left[0].gap, READER_SUSPENDED);
}

static void a_home_that_has_not_joined_knows_only_itself(void **state)
{
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = "tg", .role = ROLE_EDGE, .region = {{1}}, .unlock = &unlock, .now = {1700000000000}};
    (void)state;
    assert_int_equal(home_create(station_path(&station, "alone"), &plan), ERR_OK);
    assert_int_equal(home_open(station_path(&station, "alone"), &station.home), ERR_OK);
    assert_int_equal(home_unlock(&station.home, &unlock), ERR_OK);
    secret_destroy(&key);
    assert_int_equal(service_open(&station.home, &station.service), ERR_OK);
    assert_int_equal(ask("local"), ERR_OK);
    assert_string_equal(names(), "tg");
    assert_int_equal(ask("gm"), ERR_NOT_FOUND);
    assert_string_equal(said("what"), "this node knows no members yet");
    assert_int_equal(ask("region"), ERR_OK);
    assert_int_equal(readers->count, 0);
    enum err err;
    json_decref(station_record(&station, "seizure", (const char *const[]){"date", "2026-11-01", "country", "TG", "commodity", "cocaine", "quantity", "1 kg", NULL}, NULL, "local", &err));
    assert_int_equal(err, ERR_OK);
}

/* ---- the request that begins a stream of records ---- */

static void what_was_shown_is_what_is_meant(void **state)
{
    static struct append_plan plan;
    char gm[40], bj[40], sn[40];
    json_t *request;
    enum err err;
    (void)state;
    open_at("sn");
    assert_int_equal(ask("gm,bj"), ERR_OK);
    (void)hex_encode(readers->rows[0].node.b, 16, sn);
    (void)hex_encode(readers->rows[1].node.b, 16, bj);
    (void)hex_encode(readers->rows[2].node.b, 16, gm);
    const struct {
        const char *what;
        json_t *request;
        enum err err;
    } rows[] = {
        {"region unless said", json_pack("{s:s}", "channel", "report"), ERR_OK},
        {"nothing shown", json_pack("{s:s, s:s}", "channel", "report", "to", "gm"), ERR_OK},
        {"as shown, in any order", json_pack("{s:s, s:s, s:[s, s, s]}", "channel", "report", "to", "gm,bj", "shown", gm, sn, bj), ERR_OK},
        {"one less", json_pack("{s:s, s:s, s:[s, s]}", "channel", "report", "to", "gm,bj", "shown", gm, sn), ERR_STALE},
        {"one more", json_pack("{s:s, s:s, s:[s, s, s]}", "channel", "report", "to", "gm", "shown", gm, sn, bj), ERR_STALE},
        {"the region, where some were shown", json_pack("{s:s, s:s, s:[s, s]}", "channel", "report", "to", "region", "shown", gm, sn), ERR_STALE},
        {"no ids", json_pack("{s:s, s:s, s:[s]}", "channel", "report", "to", "gm", "shown", "gm"), ERR_USAGE},
        {"no list", json_pack("{s:s, s:s, s:s}", "channel", "report", "to", "gm", "shown", gm), ERR_USAGE},
        {"a list that is no text", json_pack("{s:s, s:i}", "channel", "report", "to", 1), ERR_USAGE},
        {"no readers", json_pack("{s:s, s:s}", "channel", "report", "to", ""), ERR_USAGE},
        {"no channel", json_pack("{s:s}", "to", "gm"), ERR_USAGE},
        {"the channel of orders", json_pack("{s:s}", "channel", "control"), ERR_USAGE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        json_t *answer = service_append_begin(&station.service, rows[i].request, &plan, &err);
        if (err != rows[i].err || (err == ERR_OK) != (answer == NULL)) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
        json_decref(answer);
        json_decref(rows[i].request);
    }
    request = json_pack("{s:s}", "do", "readers");
    json_decref(service_answer(&station.service, request, NULL, NULL, &err));
    json_decref(request);
    assert_int_equal(err, ERR_USAGE);
}

#define IN_REGION(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_REGION(lists_mean_nodes),
        IN_REGION(each_office_has_its_own_rilo),
        IN_REGION(bad_lists_are_refused_by_name),
        IN_REGION(a_list_is_bounded),
        IN_REGION(an_operation_is_its_participants),
        IN_REGION(operations_that_say_nothing_clear_are_refused),
        IN_REGION(who_takes_part_and_is_no_member_is_left_out_and_named),
        IN_REGION(who_has_no_card_is_in_but_cannot_read_yet),
        IN_REGION(who_has_left_is_refused_by_name_and_left_out_of_operations),
        IN_REGION(who_is_suspended_is_refused_by_name_and_left_out_of_operations),
        IN_REGION(a_home_that_has_not_joined_knows_only_itself),
        IN_REGION(what_was_shown_is_what_is_meant),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
