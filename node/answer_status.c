#include "node/service.h"

#include <stdlib.h>

enum { STILL_MS = 30000, SKEW_MS_MAX = 600000 /* a clock this far off is flagged, never refused */ };
#define AUDIT_AGAIN_MS (UINT64_C(30) * 86400 * 1000) /* so long a new life of a trail is shown */

/* The state words of a peer, as seen from here (EXPERIENCE, rule 2). */
static const char *peer_state(const struct live_peer *peer)
{
    if (!peer->is_up) {
        return peer->is_refused ? "blocked" : peer->was_heard ? "silent" : "unknown";
    }
    if (peer->sync.is_vector_known && peer->sync.they_miss == 0 && peer->sync.we_miss == 0) {
        return "current";
    }
    return peer->still_ms > STILL_MS ? "behind" : "catching up";
}

static json_t *peer_json(const struct live_peer *peer, bool is_long)
{
    json_t *row = json_object();
    answer_text(row, "name", peer->name);
    answer_hex(row, "id", peer->node.b, sizeof peer->node.b);
    answer_text(row, "role", role_name(peer->role));
    answer_text(row, "state", peer_state(peer));
    json_object_set_new(row, "heard_ms", peer->was_heard ? json_integer((json_int_t)peer->heard_ms_ago) : json_null());
    bool is_told = peer->is_up && peer->sync.is_vector_known;
    json_object_set_new(row, "rtt_ms", peer->is_up && peer->sync.rtt_ms > 0 ? json_integer(peer->sync.rtt_ms) : json_null());
    json_object_set_new(row, "they_miss", is_told ? json_integer((json_int_t)peer->sync.they_miss) : json_null());
    json_object_set_new(row, "we_miss", is_told ? json_integer((json_int_t)peer->sync.we_miss) : json_null());
    json_object_set_new(row, "skew_ms", peer->is_up ? json_integer((json_int_t)peer->skew_ms) : json_null());
    answer_text(row, "address", peer->address);
    answer_text(row, "error", peer->error);
    if (is_long) {
        answer_number(row, "bytes_in", peer->sync.bytes_in);
        answer_number(row, "bytes_out", peer->sync.bytes_out);
        answer_number(row, "lanes_in", peer->sync.lanes_in);
        answer_number(row, "lanes_out", peer->sync.lanes_out);
        json_object_set_new(row, "dialled", json_boolean(peer->is_dialled));
        answer_number(row, "since_ms", peer->up_ms);
    }
    return row;
}

static json_t *peers_json(const struct live *live, bool is_long)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < live->peer_count; i++) {
        json_array_append_new(rows, peer_json(&live->peers[i], is_long));
    }
    return rows;
}

json_t *answer_peers(struct service *service, const json_t *request, enum err *ret_err)
{
    (void)request;
    struct live live;
    *ret_err = service_live(service, &live);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the node did not tell its peers", NULL, "try again");
    }
    json_t *answer = answer_new(service, "griot.peers/1");
    json_object_set_new(answer, "peers", peers_json(&live, true));
    live_fini(&live);
    return answer;
}

void answer_heard(json_t *object, const struct live *live)
{
    uint64_t heard_ms = 0;
    json_object_set_new(object, "alone", json_boolean(live_is_alone(live)));
    json_object_set_new(object, "heard_ms", live_heard(live, &heard_ms) ? json_integer((json_int_t)heard_ms) : json_null());
}

/* Names of the members of which nothing is known; while nobody is heard, of all others. */
static json_t *unknown_json(const struct live *live, const struct node_id *self)
{
    bool is_alone = live_is_alone(live);
    json_t *unknown = json_array();
    for (size_t i = 0; i < live->origin_count; i++) {
        const struct live_origin *origin = &live->origins[i];
        if ((is_alone || !origin->is_heard) && !node_id_equal(&origin->node, self)) {
            json_array_append_new(unknown, json_string(origin->name));
        }
    }
    return unknown;
}

static bool no_hit(void *arg, const struct version *version)
{
    (void)arg;
    (void)version;
    return false;
}

/* How many of the current seizures sum up several events; null when the views cannot tell. */
static json_t *aggregates_json(struct views_read *views)
{
    struct query_result result;
    size_t at;
    const char *why;
    enum err err = views_search(views, span_text("kind:seizure is_aggregate:true"), 0, 0, no_hit, NULL, &result, &at, &why);
    return err == ERR_OK ? json_integer((json_int_t)result.total) : json_null();
}

static void warn(json_t *warnings, const char *code, const char *text, const char *todo)
{
    json_t *warning = json_object();
    answer_text(warning, "code", code);
    answer_text(warning, "text", text);
    answer_text(warning, "do", todo);
    json_array_append_new(warnings, warning);
}

void answer_warn(json_t *warnings, const char *code, const char *text, const char *todo) { warn(warnings, code, text, todo); }

/* An act of a registrar is a warning everywhere: who, whom, when. */
static void warn_acts(json_t *warnings, const struct membership *membership)
{
    struct membership_act act;
    for (size_t i = 0; membership_act_at(membership, i, &act); i++) {
        const struct member *subject = membership_named(membership, &act.subject), *by = membership_named(membership, &act.registrar);
        if (act.kind == ACT_SUSPEND) {
            bool is_hub = subject != NULL && subject->role == ROLE_HUB;
            if (is_hub) {
                warn(warnings, "ACT-SUSPEND", "a hub is suspended: it relays, but neither admits nor makes final", "settle it: a roster of the root removes the node or lifts the suspension");
            } else {
                warn(warnings, "ACT-SUSPEND", "a node is suspended: nobody speaks with it", "settle it: a roster of the root removes the node or lifts the suspension");
            }
        } else {
            warn(warnings, "ACT-ADMIT", "a node was admitted by two hubs and is in no roster yet", "nothing, when you know of it; the next roster should list it");
        }
        json_t *row = json_array_get(warnings, json_array_size(warnings) - 1);
        answer_text(row, "whom", subject != NULL ? subject->name : "");
        answer_hex(row, "whom_id", act.subject.b, sizeof act.subject.b);
        answer_text(row, "who", by != NULL ? by->name : "");
        answer_hex(row, "who_id", act.registrar.b, sizeof act.registrar.b);
        answer_time(row, "when", act.created);
        answer_text(row, "reason", act.reason);
    }
}

struct trails {
    json_t *warnings;
    const struct membership *membership;
    struct node_id self;
    uint64_t now_ms;
};

/* A trail that went back, or began anew, is a warning at every node that remembers it otherwise. */
static bool warn_trail(void *arg, const struct witness *witness)
{
    struct trails *trails = arg;
    const struct member *member = membership_named(trails->membership, &witness->node);
    if (node_id_equal(&witness->node, &trails->self) || membership_find(trails->membership, &witness->node) == NULL) {
        return true;
    }
    bool is_back = witness->fault != WITNESS_NONE;
    bool is_again = !is_back && witness->life_at.ms != 0 && trails->now_ms < witness->life_at.ms + AUDIT_AGAIN_MS;
    if (is_back) {
        warn(trails->warnings, "AUDIT-BACK", "a node's audit trail is not the one that it has named before: it was changed or cut, or the node was put back to an older state",
             "ask who did it; at that node griot audit --verify, at this one griot audit --heads");
    } else if (is_again) {
        warn(trails->warnings, "AUDIT-AGAIN", "a node began a new life of its audit trail, as it does after it was restored", "nothing, when you know of the restore; else ask who did it");
    }
    if (is_back || is_again) {
        const struct audit_head *last = &witness->points[witness->count - 1].head;
        json_t *row = json_array_get(trails->warnings, json_array_size(trails->warnings) - 1);
        answer_text(row, "whom", member != NULL ? member->name : "");
        answer_hex(row, "whom_id", witness->node.b, sizeof witness->node.b);
        answer_time(row, "when", is_back ? witness->fault_at : witness->life_at);
        answer_number(row, "named", last->count);
        answer_number(row, "said", is_back ? witness->said.count : last->count);
        answer_number(row, "lost", is_back ? 0 : witness->life_lost);
    }
    return true;
}

static bool is_off(int64_t ms) { return ms > SKEW_MS_MAX || ms < -SKEW_MS_MAX; }

/* When most others differ from us alike, ours is wrong; whose clocks then seem wrong is only its consequence. */
static void warn_clocks(json_t *warnings, const struct live *live)
{
    int64_t off_ms;
    if (live_clock_off(live, &off_ms) && is_off(off_ms)) {
        warn(warnings, "CLOCK-SKEW", "the clock of this machine is wrong by more than ten minutes, as its peers see it: what is recorded here bears wrong times", "timedatectl set-ntp true");
        answer_number(json_array_get(warnings, json_array_size(warnings) - 1), "off_s", (uint64_t)(off_ms < 0 ? -off_ms : off_ms) / 1000);
        return;
    }
    for (size_t i = 0; i < live->peer_count; i++) {
        if (live->peers[i].is_up && is_off(live->peers[i].skew_ms)) {
            warn(warnings, "PEER-CLOCK", "the clock of a peer is wrong by more than ten minutes: what is recorded there bears wrong times; nothing is refused for that",
                 "tell its operator: timedatectl set-ntp true");
            json_t *row = json_array_get(warnings, json_array_size(warnings) - 1);
            answer_text(row, "whom", live->peers[i].name);
            answer_hex(row, "whom_id", live->peers[i].node.b, sizeof live->peers[i].node.b);
        }
    }
}

static json_t *warnings_json(const struct live *live, const struct membership *membership, const struct store_size *size, bool is_intake_stopped)
{
    json_t *warnings = json_array();
    if (membership == NULL) {
        warn(warnings, "NOT-JOINED", "this node has no roster yet and speaks to nobody", "griot join FILE");
    }
    if (is_intake_stopped) {
        warn(warnings, "DISK-FULL", "the disk is below its reserve: nothing new is stored, reading goes on", "free disk space");
    } else if (size->bytes_map > 0 && size->disk_free < (uint64_t)256 << 20) {
        warn(warnings, "DISK-LOW", "less than 256 MiB of disk are free", "free disk space");
    }
    if (live->is_own_ahead && live->own_again > 0) {
        warn(warnings, "OWN-AHEAD",
             "another node holds more of this node's own records than this node: it was restored from an old copy, or a clone runs. What was recorded here since then was moved into "
             "new logs, unchanged, and is sent from there; what the others hold is being fetched back",
             "stop the clone, if there is one");
    } else if (live->is_own_ahead) {
        warn(warnings, "OWN-AHEAD",
             "another node holds more of this node's own records than this node: it was restored from an old copy, or a clone runs. What the others hold is being fetched back; new "
             "records go into new logs",
             "stop the clone, if there is one");
    }
    for (size_t i = 0; i < live->greedy_count; i++) {
        warn(warnings, "AUTHOR-SHARE", "a node has written more than this node takes in of one in a day: the rest of it waits, and nothing else does",
             "ask its operator what it writes; author_mib_day of griot.ini sets how much is taken");
        answer_text(json_array_get(warnings, json_array_size(warnings) - 1), "whom", live->greedy[i]);
    }
    if (live->silence_ms >= HUB_SILENCE_MS) {
        warn(warnings, "HUB-SILENT", "a hub has signed nothing that arrived here for most of a day: it is down, or somebody keeps this node from its news",
             "ask that hub by telephone; if it runs, this node is cut off from it: check the links with griot peers");
        json_t *row = json_array_get(warnings, json_array_size(warnings) - 1);
        answer_text(row, "whom", live->silent_hub);
        answer_number(row, "silent_ms", live->silence_ms);
    }
    warn_clocks(warnings, live);
    if (membership != NULL && membership_is_disputed(membership)) {
        warn(warnings, "ROOT-DISPUTED",
             "the root has signed two rosters of one number: the one before them rules on, less whom either removes and with the cuts of both; nobody can be admitted",
             "tell the holders of the root keys; they settle it: griot region --out FILE at a hub, then griot root propose --region FILE");
        answer_number(json_array_get(warnings, json_array_size(warnings) - 1), "roster", membership_roster_number(membership));
    }
    if (membership != NULL && membership_protocol_min(membership) > PROTOCOL_VERSION) {
        warn(warnings, "RELEASE-TOO-OLD", "the region asks for a newer session protocol than this release speaks: nobody speaks with this node", "install a newer release");
    }
    if (live->is_gap_open) {
        warn(warnings, "GAP-OPEN", "this node came back from an older state, and what it had recorded since is not back yet: no file is imported meanwhile, all else goes on",
             "connect it; when nobody can send anything back: griot import --anyway");
    }
    if (membership != NULL) {
        warn_acts(warnings, membership);
    }
    return warnings;
}

static json_t *status_of(struct service *service, const struct live *live, struct views_read *views, struct store_read *read,
                         const struct membership *membership)
{
    struct views_count count;
    struct store_size size = {0};
    json_t *answer = answer_new(service, "griot.status/1");
    json_t *node = json_pack("{s:s, s:s}", "name", service->home->name, "role", role_name(service->home->role));
    answer_hex(node, "id", service->home->node.b, sizeof service->home->node.b);
    answer_hex(node, "region", service->home->region.b, sizeof service->home->region.b);
    json_object_set_new(answer, "node", node);
    answer_text(answer, "version", GRIOT_VERSION);
    if (store_size(read, &size) != ERR_OK || views_count(views, &count) != ERR_OK) {
        json_decref(answer);
        return NULL;
    }
    /* Said before the first refusal, and by a stopped node too. */
    bool is_intake_stopped = live->is_intake_stopped || size.disk_free < service->home->config.disk_reserve_mib << 20;
    uint64_t seizures = count.current[RECORD_SEIZURE], alerts = count.current[RECORD_ALERT];
    answer_number(answer, "records", seizures + alerts);
    json_object_set_new(answer, "kinds", json_pack("{s:I, s:I}", "seizure", (json_int_t)seizures, "alert", (json_int_t)alerts));
    json_object_set_new(answer, "aggregates", aggregates_json(views));
    answer_number(answer, "commits", size.commits);
    answer_number(answer, "entries", size.entries);
    answer_number(answer, "logs", size.logs);
    json_t *missing = json_object();
    answer_number(missing, "total", live->missing);
    json_object_set_new(missing, "unknown", unknown_json(live, &service->home->node));
    answer_heard(missing, live);
    json_object_set_new(answer, "missing", missing);
    answer_hex(answer, "heads_digest", live->heads_digest.b, sizeof live->heads_digest.b);
    json_object_set_new(answer, "released", json_boolean(live->is_released));
    if (membership != NULL) {
        static const char *const profiles[] = {"open", "sandbox", "metered"};
        json_t *roster = json_object();
        answer_number(roster, "number", membership_roster_number(membership));
        answer_hex(roster, "hash", membership_roster_hash(membership)->b, 32);
        answer_number(roster, "members", membership_count(membership));
        answer_text(roster, "profile", profiles[membership_profile(membership) % 3]);
        json_object_set_new(answer, "roster", roster);
    } else {
        json_object_set_new(answer, "roster", json_null());
    }
    json_object_set_new(answer, "peers", peers_json(live, false));
    json_object_set_new(answer, "index", json_pack("{s:I, s:I}", "followed", (json_int_t)count.followed, "journal", (json_int_t)count.journal));
    json_object_set_new(answer, "store",
                        json_pack("{s:I, s:I, s:I, s:I, s:s}", "freed", (json_int_t)store_freed(read), "bytes", (json_int_t)size.bytes_used, "map", (json_int_t)size.bytes_map, "disk_free",
                                  (json_int_t)size.disk_free, "intake", is_intake_stopped ? "stopped" : "open"));
    json_t *refused = json_array();
    for (size_t i = 0; i < live->refusal_count; i++) {
        const struct live_refusal *r = &live->refusals[i];
        json_array_append_new(refused, json_pack("{s:s, s:s, s:I, s:I}", "code", err_name(r->err), "clause", r->clause, "count", (json_int_t)r->count,
                                                 "last_ms", (json_int_t)r->last_ms_ago));
    }
    json_object_set_new(answer, "refused", refused);
    json_t *warnings = warnings_json(live, membership, &size, is_intake_stopped);
    answer_warn_forks(warnings, service);
    if (membership != NULL) {
        struct trails trails = {warnings, membership, service->home->node, wall_now().ms};
        (void)!witness_all(read, warn_trail, &trails);
    }
    json_object_set_new(answer, "warnings", warnings);
    answer_number(answer, "uptime_ms", live->uptime_ms);
    return answer;
}

json_t *answer_status(struct service *service, const json_t *request, enum err *ret_err)
{
    (void)request;
    struct live live;
    struct views_read *views = NULL;
    struct store_read *read = NULL;
    struct membership *membership = NULL;
    json_t *answer = NULL;
    *ret_err = service_live(service, &live);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the node did not tell its state", NULL, "try again");
    }
    *ret_err = store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        *ret_err = views_read_begin(service->views, service->store, &views);
    }
    if (*ret_err == ERR_OK) {
        (void)!store_membership(read, sign_check, &membership);
        answer = status_of(service, &live, views, read, membership);
    }
    membership_destroy(&membership);
    views_read_end(&views);
    store_read_end(&read);
    live_fini(&live);
    if (answer == NULL) {
        *ret_err = *ret_err != ERR_OK ? *ret_err : ERR_IO;
        answer = service_error(*ret_err, "the store could not be read", NULL, "griot fsck");
    }
    return answer;
}

/* ---- lag ---- */

struct lag_log {
    struct head head;
    struct node_id node;
};

struct lag {
    struct service *service;
    const struct live *live;
    struct lag_log *logs;
    size_t log_count;
    struct unpack *unpack;
    struct head *heads; /* FRONTIER_HEADS_MAX */
    json_t *nodes;
};

static bool lag_log(void *arg, const struct log_info *log)
{
    struct lag *lag = arg;
    struct lag_log *more = realloc(lag->logs, (lag->log_count + 1) * sizeof *more);
    if (more == NULL) {
        return false;
    }
    lag->logs = more;
    lag->logs[lag->log_count++] = (struct lag_log){log->head, log->node};
    return true;
}

static const char *origin_name(const struct live *live, const struct node_id *node)
{
    for (size_t i = 0; i < live->origin_count; i++) {
        if (node_id_equal(&live->origins[i].node, node)) {
            return live->origins[i].name;
        }
    }
    return NULL;
}

static uint64_t held_of(const struct head *heads, size_t count, const struct log_id *log)
{
    for (size_t i = 0; i < count; i++) {
        if (log_id_compare(&heads[i].log, log) == 0) {
            return heads[i].entries;
        }
    }
    return 0;
}

/* What the node of this frontier lacked, of what is held here, when it signed. */
static bool lag_frontier(void *arg, const struct notice_ref *ref, struct span bytes, struct span heads_bytes)
{
    struct lag *lag = arg;
    if (ref->kind != NOTICE_FRONTIER) {
        return true;
    }
    struct notice notice;
    struct frontier frontier;
    const char *clause;
    size_t count;
    const char *name;
    if (notice_decode(lag->unpack, bytes, &notice, &clause) != ERR_OK) {
        return true;
    }
    struct span body = notice.body;
    if (frontier_decode(lag->unpack, body, &frontier, &clause) != ERR_OK ||
        heads_decode(lag->unpack, heads_bytes, lag->heads, FRONTIER_HEADS_MAX, &count, &clause) != ERR_OK ||
        (name = origin_name(lag->live, &frontier.node)) == NULL) {
        return true;
    }
    json_t *by = json_object();
    uint64_t total = 0;
    for (size_t i = 0; i < lag->log_count; i++) {
        const char *origin = origin_name(lag->live, &lag->logs[i].node);
        uint64_t held = held_of(lag->heads, count, &lag->logs[i].head.log);
        uint64_t lacks = lag->logs[i].head.entries > held ? lag->logs[i].head.entries - held : 0;
        if (origin != NULL) {
            answer_number(by, origin, (uint64_t)json_integer_value(json_object_get(by, origin)) + lacks);
            total += lacks;
        }
    }
    json_t *row = json_object();
    answer_text(row, "name", name);
    answer_time(row, "at", frontier.clock);
    answer_number(row, "missing_total", total);
    json_object_set_new(row, "by", by);
    json_array_append_new(lag->nodes, row);
    return true;
}

static json_t *origins_json(const struct lag *lag)
{
    json_t *rows = json_array();
    for (size_t i = 0; i < lag->live->origin_count; i++) {
        const struct live_origin *origin = &lag->live->origins[i];
        uint64_t entries = 0;
        for (size_t j = 0; j < lag->log_count; j++) {
            entries += node_id_equal(&lag->logs[j].node, &origin->node) ? lag->logs[j].head.entries : 0;
        }
        json_t *row = json_object();
        answer_text(row, "name", origin->name);
        answer_hex(row, "id", origin->node.b, sizeof origin->node.b);
        answer_text(row, "role", role_name(origin->role));
        bool is_self = node_id_equal(&origin->node, &lag->service->home->node);
        json_object_set_new(row, "here",
                            json_pack("{s:I, s:I, s:b}", "entries", (json_int_t)entries, "missing", (json_int_t)origin->missing, "heard",
                                      origin->is_heard || is_self));
        json_array_append_new(rows, row);
    }
    return rows;
}

json_t *answer_lag(struct service *service, const json_t *request, enum err *ret_err)
{
    (void)request;
    struct live live;
    struct store_read *read = NULL;
    *ret_err = service_live(service, &live);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "the node did not tell its state", NULL, "try again");
    }
    struct lag lag = {.service = service, .live = &live, .unpack = unpack_new(), .heads = malloc(FRONTIER_HEADS_MAX * sizeof(struct head)), .nodes = json_array()};
    *ret_err = lag.unpack == NULL || lag.heads == NULL ? ERR_MEMORY : store_read_begin(service->store, &read);
    if (*ret_err == ERR_OK) {
        *ret_err = store_logs(read, lag_log, &lag);
    }
    if (*ret_err == ERR_OK) {
        *ret_err = store_notices(read, lag_frontier, &lag);
    }
    store_read_end(&read);
    json_t *answer;
    if (*ret_err == ERR_OK) {
        answer = answer_new(service, "griot.lag/1");
        json_object_set_new(answer, "origins", origins_json(&lag));
        json_object_set(answer, "nodes", lag.nodes);
    } else {
        answer = service_error(*ret_err, "the store could not be read", NULL, "griot fsck");
    }
    json_decref(lag.nodes);
    free(lag.logs);
    free(lag.heads);
    unpack_destroy(&lag.unpack);
    live_fini(&live);
    return answer;
}
