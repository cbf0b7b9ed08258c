/* answer_doctor.c - what is wrong here, and what to do about it: one row a check, in an order in which a cause comes before what follows from it. A check that
 * only a known cause makes fail is left out: it would send people the wrong way. */
#include "node/service.h"

#include "node/cli/i18n.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { SAMPLE_COMMITS = 1000, DISK_LOW_MIB = 256, INDEX_BEHIND_MAX = 100000, CARD_DAYS_MAX = 45 };
#define DAY_MS UINT64_C(86400000)

struct doctor {
    struct service *service;
    json_t *checks;
    size_t failed, warned;
    bool has_cause; /* of everything that concerns other nodes: they are not looked at */
};

enum finding { FINDING_OK, FINDING_WARN, FINDING_FAIL };

/* `text` and `todo` are msgids; `value` (may be NULL) is shown behind the text as it is. */
static void check(struct doctor *doctor, const char *name, enum finding finding, const char *code, const char *text, const char *value, const char *todo)
{
    static const char *const words[] = {"ok", "warn", "fail"};
    json_t *row = json_object();
    answer_text(row, "name", name);
    answer_text(row, "state", words[finding]);
    answer_text(row, "code", code);
    answer_text(row, "text", text);
    json_object_set_new(row, "value", value != NULL && value[0] != '\0' ? json_string(value) : json_null());
    answer_text(row, "do", todo);
    json_array_append_new(doctor->checks, row);
    doctor->failed += finding == FINDING_FAIL;
    doctor->warned += finding == FINDING_WARN;
}

/* ---- what is here ---- */

struct sample {
    struct store_read *read;
    struct commit *commit;
    uint64_t count, damaged;
};

static bool sample_item(void *arg, const struct journal_item *item)
{
    struct sample *sample = arg;
    struct hash hash;
    if (item->type == JOURNAL_COMMIT && item->seq > 0) {
        sample->count++;
        sample->damaged += store_commit_at(sample->read, item->log_number, item->seq, sample->commit, &hash) != ERR_OK;
    }
    return sample->count < SAMPLE_COMMITS;
}

static void check_store(struct doctor *doctor)
{
    struct sample sample = {0};
    char value[64];
    enum err err = store_read_begin(doctor->service->store, &sample.read);
    sample.commit = malloc(sizeof *sample.commit);
    if (err == ERR_OK && sample.commit == NULL) {
        err = ERR_MEMORY;
    }
    if (err == ERR_OK) {
        uint64_t end = store_journal_end(sample.read);
        err = store_journal(sample.read, end > SAMPLE_COMMITS ? end - SAMPLE_COMMITS : 0, sample_item, &sample);
    }
    store_read_end(&sample.read);
    free(sample.commit);
    snprintf(value, sizeof value, "%ju", (uintmax_t)sample.count);
    if (err != ERR_OK || sample.damaged > 0) {
        check(doctor, "store", FINDING_FAIL, "ERR_CORRUPT", N_("stored commits do not match their hashes"), NULL, "griot fsck");
    } else {
        check(doctor, "store", FINDING_OK, "", N_("opens; so many of the newest commits were checked against their hashes:"), value, "");
    }
}

static void check_disk(struct doctor *doctor, const json_t *status)
{
    const json_t *store = json_object_get(status, "store");
    uint64_t mib = (uint64_t)json_integer_value(json_object_get(store, "disk_free")) >> 20;
    const char *intake = json_string_value(json_object_get(store, "intake"));
    char value[64];
    snprintf(value, sizeof value, "%ju MiB", (uintmax_t)mib);
    if (intake != NULL && strcmp(intake, "stopped") == 0) {
        check(doctor, "disk", FINDING_FAIL, "DISK-FULL", N_("the disk is below its reserve: nothing new is stored, reading goes on"), value, N_("free disk space"));
    } else if (mib < DISK_LOW_MIB + doctor->service->home->config.disk_reserve_mib) {
        check(doctor, "disk", FINDING_WARN, "DISK-LOW", N_("little disk is left before intake stops"), value, N_("free disk space"));
    } else {
        check(doctor, "disk", FINDING_OK, "", N_("free"), value, "");
    }
}

static void check_keys(struct doctor *doctor)
{
    char path[KEY_PATH_BYTES_MAX + 16];
    struct stat st;
    snprintf(path, sizeof path, "%s/keys", doctor->service->home->path);
    if (stat(path, &st) != 0 || (st.st_mode & 077) != 0) {
        check(doctor, "keys", FINDING_FAIL, "ERR_PERMISSION", N_("others may read the folder of keys"), path, "chmod 700 HOME/keys");
        return;
    }
    struct store_read *read;
    struct card card;
    uint64_t days = 0;
    bool has_card = false;
    if (store_read_begin(doctor->service->store, &read) == ERR_OK) {
        has_card = store_card(read, &doctor->service->home->node, &card) == ERR_OK;
        store_read_end(&read);
    }
    struct wall_ms now = wall_now();
    days = has_card && now.ms > card.created.ms ? (now.ms - card.created.ms) / DAY_MS : 0;
    char value[64];
    snprintf(value, sizeof value, "%ju", (uintmax_t)days);
    if (days > CARD_DAYS_MAX) {
        check(doctor, "keys", FINDING_WARN, "KEYS-OLD", N_("transport and encryption keys are older than a month; days:"), value, "griot rotate");
    } else {
        check(doctor, "keys", FINDING_OK, "", N_("readable by this user only"), NULL, "");
    }
}

static void check_config(struct doctor *doctor)
{
    char path[KEY_PATH_BYTES_MAX + 16];
    struct config *config = malloc(sizeof *config);
    size_t faults = 0;
    snprintf(path, sizeof path, "%s/griot.ini", doctor->service->home->path);
    enum err err = config == NULL ? ERR_MEMORY : config_read(path, config, NULL, 0, &faults);
    free(config);
    if (err == ERR_OK) {
        check(doctor, "config", FINDING_OK, "", N_("nothing unknown in griot.ini"), NULL, "");
    } else {
        check(doctor, "config", err == ERR_CONFIG ? FINDING_WARN : FINDING_FAIL, err_name(err), N_("griot.ini has faults; the running node goes by what it read at its start"), NULL, "griot config check");
    }
}

static void check_index(struct doctor *doctor, const json_t *status)
{
    const json_t *index = json_object_get(status, "index");
    json_int_t behind = json_integer_value(json_object_get(index, "journal")) - json_integer_value(json_object_get(index, "followed"));
    char value[64];
    snprintf(value, sizeof value, "%jd", (intmax_t)(behind > 0 ? behind : 0));
    if (behind > INDEX_BEHIND_MAX) {
        check(doctor, "index", FINDING_WARN, "INDEX-BEHIND", N_("searches do not find everything yet; rows still to be followed:"), value, N_("wait; if it does not fall: griot rebuild"));
    } else {
        check(doctor, "index", FINDING_OK, "", N_("searches find what is here; rows still to be followed:"), value, "");
    }
}

/* ---- what concerns others ---- */

static void check_region(struct doctor *doctor, const json_t *status)
{
    if (json_is_null(json_object_get(status, "roster"))) {
        check(doctor, "region", FINDING_FAIL, "NOT-JOINED", N_("this node has no roster yet and speaks to nobody"), NULL, N_("griot join FILE"));
        doctor->has_cause = true;
    } else if (doctor->service->core == NULL) {
        check(doctor, "node", FINDING_FAIL, "NOT-RUNNING", N_("the node is stopped: nothing is sent or received"), NULL, "griot run");
        doctor->has_cause = true;
    } else {
        check(doctor, "region", FINDING_OK, "", N_("joined, and the node runs"), NULL, "");
    }
}

/* Those of status that no other check says. */
static void check_warnings(struct doctor *doctor, const json_t *status)
{
    static const char *const said[] = {"NOT-JOINED", "DISK-FULL", "DISK-LOW"};
    size_t i;
    const json_t *warning;
    json_array_foreach(json_object_get(status, "warnings"), i, warning)
    {
        const char *code = json_string_value(json_object_get(warning, "code")), *text = json_string_value(json_object_get(warning, "text"));
        const char *todo = json_string_value(json_object_get(warning, "do")), *whom = json_string_value(json_object_get(warning, "whom"));
        bool is_said = code == NULL || text == NULL;
        for (size_t j = 0; !is_said && j < sizeof said / sizeof *said; j++) {
            is_said = strcmp(said[j], code) == 0;
        }
        if (!is_said) {
            check(doctor, strcmp(code, "CLOCK-SKEW") == 0 ? "clock" : "warning", strcmp(code, "CLOCK-SKEW") == 0 ? FINDING_FAIL : FINDING_WARN, code, text, whom, todo != NULL ? todo : "");
        }
    }
}

static void check_peer(struct doctor *doctor, const json_t *peer)
{
    const char *state = json_string_value(json_object_get(peer, "state")), *error = json_string_value(json_object_get(peer, "error"));
    const char *name = json_string_value(json_object_get(peer, "name"));
    char value[256];
    snprintf(value, sizeof value, "%s%s%s", name != NULL ? name : "", error != NULL && error[0] != '\0' ? ": " : "", error != NULL ? error : "");
    if (state == NULL) {
        return;
    }
    if (strcmp(state, "current") == 0 || strcmp(state, "catching up") == 0) {
        snprintf(value, sizeof value, "%s, %jd s", name != NULL ? name : "", (intmax_t)(json_integer_value(json_object_get(peer, "heard_ms")) / 1000));
        check(doctor, "link", FINDING_OK, "", N_("the link stands; peer, and when it was heard last:"), value, "");
    } else if (strcmp(state, "behind") == 0) {
        check(doctor, "link", FINDING_WARN, "PEER-BEHIND", N_("the link stands, but what is missing on one side has not moved for half a minute:"), value, "griot lag");
    } else if (strcmp(state, "blocked") == 0) {
        check(doctor, "link", FINDING_FAIL, "PEER-BLOCKED", N_("the peer turns this node away:"), value, N_("compare griot card on this node with what its operator has; griot status there names the reason"));
    } else {
        check(doctor, "link", FINDING_WARN, "PEER-SILENT", N_("the peer is not heard:"), value, N_("is its machine on, and its address right? griot peers shows the address"));
    }
}

/* Nobody at all: then it is this machine's network, and one row says so. */
static void check_peers(struct doctor *doctor, const json_t *status, const char *only, bool *ret_is_found)
{
    const json_t *peers = json_object_get(status, "peers"), *peer;
    size_t i;
    bool is_alone = json_is_true(json_object_get(json_object_get(status, "missing"), "alone"));
    if (only == NULL && is_alone && json_array_size(peers) > 1) {
        check(doctor, "network", FINDING_FAIL, "ALONE", N_("no peer answers: this machine's network, or its way to all of them, is the first thing to look at"), json_string_value(json_object_get(json_array_get(peers, 0), "error")),
              N_("ip address; ip route; ping the gateway"));
        return;
    }
    json_array_foreach(peers, i, peer)
    {
        const char *name = json_string_value(json_object_get(peer, "name"));
        if (only == NULL || (name != NULL && strcmp(only, name) == 0)) {
            check_peer(doctor, peer);
            *ret_is_found = true;
        }
    }
}

static void check_missing(struct doctor *doctor, const json_t *status)
{
    json_int_t total = json_integer_value(json_object_get(json_object_get(status, "missing"), "total"));
    char value[64];
    snprintf(value, sizeof value, "%jd", (intmax_t)total);
    check(doctor, "incoming", total == 0 ? FINDING_OK : FINDING_WARN, total == 0 ? "" : "BEHIND", total == 0 ? N_("nothing known elsewhere is missing here") : N_("entries known elsewhere are missing here:"), total == 0 ? NULL : value,
          total == 0 ? "" : N_("wait; griot lag shows whose"));
}

json_t *answer_doctor(struct service *service, const json_t *request, enum err *ret_err)
{
    const char *only = json_string_value(json_object_get(request, "peer"));
    struct doctor doctor = {.service = service};
    bool is_found = only == NULL;
    json_t *status = answer_status(service, request, ret_err);
    if (*ret_err != ERR_OK) {
        return status;
    }
    doctor.checks = json_array();
    check_store(&doctor);
    check_disk(&doctor, status);
    check_keys(&doctor);
    check_config(&doctor);
    check_index(&doctor, status);
    check_region(&doctor, status);
    check_warnings(&doctor, status);
    if (!doctor.has_cause) {
        check_peers(&doctor, status, only, &is_found);
        check_missing(&doctor, status);
    }
    json_decref(status);
    if (!is_found && !doctor.has_cause) {
        json_decref(doctor.checks);
        *ret_err = ERR_NOT_FOUND;
        return service_error(ERR_NOT_FOUND, "no peer has this name", NULL, "griot peers lists all peers");
    }
    json_t *answer = answer_new(service, "griot.doctor/1");
    json_object_set_new(answer, "checks", doctor.checks);
    answer_number(answer, "failed", doctor.failed);
    answer_number(answer, "warned", doctor.warned);
    return answer;
}
