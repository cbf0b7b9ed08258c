#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/lib/station.h"

#include "node/file.h"
#include "node/sandbox.h"
#include "node/trust.h"
#include "proto/pack.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TODAY = 20779 /* 2026-11-22 */ };

void station_init(struct station *station, const char *const *edges)
{
    struct sandbox_plan plan = {.hubs = 2, .edges = edges};
    memset(station, 0, sizeof *station);
    (void)snprintf(station->work, sizeof station->work, "/tmp/griot-station.XXXXXX");
    assert_non_null(mkdtemp(station->work));
    (void)snprintf(station->region, sizeof station->region, "%s/region", station->work);
    assert_int_equal(sandbox_create(station->region, &plan), ERR_OK);
}

void station_fini(struct station *station)
{
    station_close(station);
    file_remove_tree(station->work);
}

const char *station_path(const struct station *station, const char *below)
{
    static char paths[4][PATH_MAX];
    static int turn;
    char *path = paths[turn++ % 4];
    (void)snprintf(path, PATH_MAX, "%s/%s", station->region, below);
    return path;
}

void station_open(struct station *station, const char *name)
{
    assert_int_equal(home_open(station_path(station, name), &station->home), ERR_OK);
    assert_int_equal(home_unlock(&station->home, NULL), ERR_OK);
    assert_int_equal(service_open(&station->home, &station->service), ERR_OK);
}

void station_close(struct station *station)
{
    service_close(&station->service);
    home_lock(&station->home);
}

json_t *station_ask(struct station *station, json_t *request, enum err *ret_err)
{
    assert_non_null(request);
    json_t *answer = service_answer(&station->service, request, NULL, NULL, ret_err);
    assert_non_null(answer);
    json_decref(request);
    return answer;
}

json_t *station_append(struct station *station, struct span payload, const char *key, const char *to, enum err *ret_err)
{
    static struct append_plan plan;
    uint8_t bytes[PAYLOAD_BYTES_MAX + 128];
    struct out batch = out_into(bytes, sizeof bytes);
    json_t *request = json_pack("{s:s, s:s}", "channel", "report", "to", to);
    json_t *error = service_append_begin(&station->service, request, &plan, ret_err);
    json_decref(request);
    if (*ret_err != ERR_OK) {
        return error;
    }
    pack_array(&batch, 2);
    pack_bin(&batch, key != NULL ? span_text(key) : span_of(NULL, 0));
    pack_bin(&batch, payload);
    assert_false(batch.is_full);
    return service_append(&station->service, &plan, out_written(&batch), ret_err);
}

json_t *station_record(struct station *station, const char *kind, const char *const *pairs, const char *key, const char *to, enum err *ret_err)
{
    static struct record record;
    struct record_faults faults = {.count = 0};
    struct draft *draft = draft_new(kind_by_name(span_text(kind)));
    uint8_t bytes[PAYLOAD_BYTES_MAX];
    struct out payload = out_into(bytes, sizeof bytes);
    assert_non_null(draft);
    for (; *pairs != NULL; pairs += 2) {
        assert_true(draft_add(draft, span_text(pairs[0]), span_text(pairs[1]), &faults));
    }
    assert_true(draft_finish(draft, TODAY, &record, &faults));
    assert_int_equal(record_encode(&record, &payload), ERR_OK);
    draft_destroy(&draft);
    return station_append(station, out_written(&payload), key, to, ret_err);
}

static enum err root_key(void *arg, uint32_t number, struct unlock *ret)
{
    (void)number;
    *ret = (struct unlock){.key = arg};
    return ERR_OK;
}

void station_sign(struct station *station, const struct span *cards, size_t count, const char *const *removed)
{
    struct secret *key = NULL;
    struct root_signed made;
    assert_int_equal(unlock_key_read(station_path(station, "root/unlock/root"), &key), ERR_OK);
    struct proposal_plan plan = {.cards = cards, .card_count = count, .removed = removed, .now = {1700000000000}};
    assert_int_equal(root_roster(station_path(station, "root"), NULL, &plan, false, root_key, key, &made, NULL), ERR_OK);
    secret_destroy(&key);
}

void station_join(struct station *station, const char *without)
{
    struct region_file file;
    struct trust_join join = {.count = 0};
    struct span *notices;
    assert_int_equal(region_file_read(station_path(station, "root/region"), &file, NULL), ERR_OK);
    notices = calloc(file.count, sizeof *notices);
    assert_non_null(notices);
    join.notices = notices;
    for (size_t i = 0; i < file.count; i++) {
        char print[FINGERPRINT_CHARS];
        struct card card;
        bool is_card = card_open(file.notices[i], &card, print, NULL) == ERR_OK;
        if (!is_card || without == NULL || strcmp(card.name, without) != 0) {
            notices[join.count++] = file.notices[i];
        }
    }
    assert_int_equal(service_change(&station->service, trust_join, &join), ERR_OK);
    assert_int_equal(join.refused, 0);
    free(join.refs);
    free(notices);
    region_file_fini(&file);
}

void station_newcomer(struct station *station, const char *name, struct out *ret)
{
    static struct home home;
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = name, .role = ROLE_EDGE, .region = station->home.region, .unlock = &unlock, .now = {1700000000000}};
    assert_non_null(key);
    assert_int_equal(home_create(station_path(station, name), &plan), ERR_OK);
    assert_int_equal(home_open(station_path(station, name), &home), ERR_OK);
    assert_int_equal(home_card_current(&home, ret), ERR_OK);
    home_lock(&home);
    secret_destroy(&key);
}
