/* A record for other readers; what is appended for whom; and why a version is not shown. At a node of a real sandbox. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/release.h"
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

static const char *const row[] = {"date", "2026-11-01", "country", "SN", "heading", "DRG", "description", "zibeline", "quantity", "1 kg", NULL};

/* Record a row; its state, and its id when `ret_id` is not NULL. */
static const char *record(const char *key, const char *to, char *ret_id)
{
    static char state[16];
    enum err err;
    json_t *result = station_record(&station, "seizure", row, key, to, &err);
    assert_int_equal(err, ERR_OK);
    (void)snprintf(state, sizeof state, "%s", json_string_value(json_array_get(json_object_get(result, "states"), 0)));
    if (ret_id != NULL) {
        (void)snprintf(ret_id, 40, "%s", json_string_value(json_array_get(json_object_get(result, "ids"), 0)));
    }
    json_decref(result);
    return state;
}

static json_t *show(const char *id)
{
    enum err err;
    json_t *answer = station_ask(&station, json_pack("{s:s, s:s}", "do", "show", "id", id), &err);
    assert_int_equal(err, ERR_OK);
    return answer;
}

/* "gm sn" of the version in force; "region" when it is not restricted. */
static const char *readers_of(const json_t *shown)
{
    static char text[256];
    const json_t *version = json_array_get(json_object_get(shown, "versions"), 0), *name;
    size_t i;
    text[0] = '\0';
    if (!json_is_true(json_object_get(version, "restricted"))) {
        return "region";
    }
    json_array_foreach(json_object_get(version, "readers"), i, name)
    {
        strcat(text, i > 0 ? " " : "");
        strcat(text, json_string_value(name));
    }
    return text;
}

static const char *release(const char *id, const char *to)
{
    static char state[16];
    enum err err;
    json_t *answer = station_ask(&station, json_pack("{s:s, s:s, s:s}", "do", "release", "id", id, "to", to), &err);
    (void)snprintf(state, sizeof state, "%s", err == ERR_OK ? json_string_value(json_object_get(answer, "state")) : err_name(err));
    json_decref(answer);
    return state;
}

static void a_row_is_unchanged_only_for_the_same_readers(void **state)
{
    char id[40], same[40];
    (void)state;
    assert_string_equal(record("row", "gm", id), "new");
    assert_string_equal(record("row", "gm", same), "unchanged");
    assert_string_equal(same, id);
    assert_string_equal(record("row", "gm,bj", same), "updated");
    assert_string_equal(same, id);
    assert_string_equal(record("row", "bj,gm", same), "unchanged"); /* in any order */
    assert_string_equal(record("row", "region", same), "updated");
    assert_string_equal(record("row", "region", same), "unchanged");
    json_t *shown = show(id);
    assert_string_equal(readers_of(shown), "region");
    assert_int_equal(json_array_size(json_object_get(shown, "versions")), 3);
    assert_int_equal(json_array_size(json_object_get(shown, "not_here")), 0);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(json_object_get(shown, "versions"), 0), "depth")), 3);
    json_decref(shown);
    assert_string_equal(record("row", "local", same), "updated");
    shown = show(id);
    assert_string_equal(readers_of(shown), "sn");
    json_decref(shown);
}

static void what_is_signed_is_what_it_is_sealed_for(void **state)
{
    static const char *const forged[] = {"date", "2026-11-01", "country", "SN", "heading", "DRG", "description", "zibeline", "quantity", "1 kg", "release", "ci", "release", "bj", NULL};
    enum err err;
    (void)state;
    json_t *result = station_record(&station, "seizure", forged, NULL, "gm", &err);
    assert_int_equal(err, ERR_OK);
    json_t *shown = show(json_string_value(json_array_get(json_object_get(result, "ids"), 0)));
    const json_t *list = json_object_get(json_object_get(json_array_get(json_object_get(shown, "versions"), 0), "fields"), "release");
    assert_int_equal(json_array_size(list), 2);
    assert_string_equal(json_string_value(json_array_get(list, 0)), "sn");
    assert_string_equal(json_string_value(json_array_get(list, 1)), "gm");
    json_decref(shown);
    json_decref(result);
    result = station_record(&station, "seizure", forged, NULL, "region", &err); /* for all: no list */
    assert_int_equal(err, ERR_OK);
    shown = show(json_string_value(json_array_get(json_object_get(result, "ids"), 0)));
    assert_null(json_object_get(json_object_get(json_array_get(json_object_get(shown, "versions"), 0), "fields"), "release"));
    json_decref(shown);
    json_decref(result);
}

static void a_release_says_the_same_to_others(void **state)
{
    char id[40];
    (void)state;
    record(NULL, "gm", id);
    assert_string_equal(release(id, "gm"), "unchanged");
    assert_string_equal(release(id, "gm,bj"), "released");
    assert_string_equal(release(id, "bj,gm"), "unchanged");
    json_t *shown = show(id);
    assert_string_equal(readers_of(shown), "bj gm sn");
    assert_int_equal(json_array_size(json_object_get(shown, "versions")), 2);
    const json_t *first = json_array_get(json_object_get(shown, "versions"), 0), *second = json_array_get(json_object_get(shown, "versions"), 1);
    assert_true(json_is_true(json_object_get(first, "current")));
    assert_false(json_is_true(json_object_get(second, "current")));
    assert_true(json_equal(json_object_get(json_object_get(first, "fields"), "item"), json_object_get(json_object_get(second, "fields"), "item")));
    json_decref(shown);
    assert_string_equal(release(id, "region"), "released");
    shown = show(id);
    assert_string_equal(readers_of(shown), "region");
    json_decref(shown);
    assert_string_equal(release(id, "local"), "released");
    assert_string_equal(release(id, "xx"), "ERR_NOT_FOUND");
    assert_string_equal(release(id, ""), "ERR_USAGE");
    assert_string_equal(release("0123456789", "gm"), "ERR_NOT_FOUND");
    assert_string_equal(release("xy", "gm"), "ERR_INVALID");
}

/* What an import finds later is what was released last. */
static void a_row_that_was_released_is_known_again(void **state)
{
    char id[40];
    (void)state;
    record("row", "gm", id);
    assert_string_equal(release(id, "gm,bj"), "released");
    assert_string_equal(record("row", "gm,bj", NULL), "unchanged");
    assert_string_equal(record("row", "gm", NULL), "updated");
    json_t *shown = show(id);
    assert_int_equal(json_array_size(json_object_get(shown, "versions")), 3);
    assert_string_equal(readers_of(shown), "gm sn");
    json_decref(shown);
}

static void a_version_that_came_in_between_is_not_overlooked(void **state)
{
    struct release stale = {.replaces_count = 1, .replaces = {{{1}}}, .depth = 1, .channel = CHANNEL_REPORT};
    char id[40];
    enum err err;
    (void)state;
    record("row", "gm", id);
    assert_true(hex_decode(id, stale.id.b, sizeof stale.id.b));
    /* what it says, as it would be said again */
    static struct record said;
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out payload = out_into(bytes, sizeof bytes);
    struct record_faults faults = {.count = 0};
    struct draft *draft = draft_new(kind_by_name(span_text("alert")));
    assert_true(draft_add(draft, span_text("date"), span_text("2026-11-01"), &faults) && draft_add(draft, span_text("title"), span_text("x"), &faults) &&
                draft_add(draft, span_text("threat"), span_text("x"), &faults) && draft_add(draft, span_text("valid_until"), span_text("2027-01-01"), &faults) &&
                draft_add(draft, span_text("requested_action"), span_text("INFORM"), &faults) && draft_finish(draft, 20779, &said, &faults));
    said.id = stale.id;
    assert_int_equal(record_encode(&said, &payload), ERR_OK);
    draft_destroy(&draft);
    stale.payload = out_written(&payload);
    err = service_change(&station.service, release_make, &stale);
    assert_int_equal(err, ERR_STALE);
    json_t *shown = show(id);
    assert_int_equal(json_array_size(json_object_get(shown, "versions")), 1);
    json_decref(shown);
}

/* ---- room ---- */

/* The payload of a record with a narrative of so many bytes, beyond what a form takes; 0 when it cannot be encoded. */
static size_t payload_of(size_t text_bytes, uint8_t *ret)
{
    static struct record said;
    static char text[RECORD_TEXT_BYTES_MAX + 1];
    struct out payload = out_into(ret, PAYLOAD_BYTES_MAX);
    struct record_faults faults = {.count = 0};
    struct draft *draft = draft_new(kind_by_name(span_text("seizure")));
    for (size_t i = 0; i < text_bytes; i++) { /* what does not compress well */
        text[i] = (char)('!' + (i * 7919 + i * i * 31 + (i >> 3) * 131) % 90);
    }
    for (size_t i = 0; row[i] != NULL; i += 2) {
        assert_true(draft_add(draft, span_text(row[i]), span_text(row[i + 1]), &faults));
    }
    assert_true(draft_add(draft, span_text("narrative"), span_text("x"), &faults));
    assert_true(draft_finish(draft, 20779, &said, &faults));
    for (uint32_t i = 0; i < said.value_count; i++) {
        if (strcmp(said.values[i].field->name, "narrative") == 0) {
            said.values[i].text = span_of(text, text_bytes);
        } else if (strcmp(said.values[i].field->name, "description") == 0) {
            said.values[i].text = span_of(text, 400);
        }
    }
    enum err err = record_encode(&said, &payload);
    draft_destroy(&draft);
    return err == ERR_OK ? payload.at : 0;
}

static void a_record_has_the_room_that_its_readers_leave(void **state)
{
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct readers *few, *many;
    enum err err;
    (void)state;
    assert_null(service_readers(&station.service, "gm", &few, &err));
    assert_null(service_readers(&station.service, "gm,bj,ci,rilo-dakar,rilo-douala", &many, &err));
    assert_int_equal(append_bytes_max(NULL), PAYLOAD_BYTES_MAX);
    size_t room = append_bytes_max(many);
    assert_true(room < append_bytes_max(few) && append_bytes_max(few) < PAYLOAD_BYTES_MAX);
    size_t text = 1000;
    while (payload_of(text, bytes) < room) {
        text++;
    }
    assert_int_equal(payload_of(text, bytes), room);
    json_t *appended = station_append(&station, span_of(bytes, room), "long row", "gm,bj,ci,rilo-dakar,rilo-douala", &err);
    if (err != ERR_OK) {
        fail_msg("%s: %s", err_name(err), json_string_value(json_object_get(appended, "why")));
    }
    json_decref(appended);
    json_decref(station_append(&station, span_of(bytes, room), "long row", "gm,bj,ci,rilo-dakar", &err)); /* as an update, too */
    assert_int_equal(err, ERR_OK);
    assert_int_equal(payload_of(text + 1, bytes), room + 1);
    json_t *refused = station_append(&station, span_of(bytes, room + 1), NULL, "gm,bj,ci,rilo-dakar,rilo-douala", &err);
    assert_int_equal(err, ERR_OVERSIZE);
    assert_string_equal(json_string_value(json_object_get(refused, "why")), "ANSWERS.md append: a record longer than its readers leave room for");
    json_decref(refused);
    json_decref(station_append(&station, span_of(bytes, room + 1), NULL, "region", &err));
    assert_int_equal(err, ERR_OK);
    free(few);
    free(many);
}

#define AT_SN(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_SN(a_row_is_unchanged_only_for_the_same_readers),
        AT_SN(what_is_signed_is_what_it_is_sealed_for),
        AT_SN(a_release_says_the_same_to_others),
        AT_SN(a_row_that_was_released_is_known_again),
        AT_SN(a_version_that_came_in_between_is_not_overlooked),
        AT_SN(a_record_has_the_room_that_its_readers_leave),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
