#include "node/metrics.h"

#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

enum { IDLE_S_MAX = 5, CONNECTIONS_MAX = 16 };

/* ---- the text ---- */

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void head(FILE *to, const char *name, const char *type, const char *help)
{
    (void)fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and line feed are escaped, other control characters never get here from our own answers. */
static void label(FILE *to, const char *key, const char *value, bool is_first)
{
    (void)fprintf(to, "%s%s=\"", is_first ? "" : ",", key);
    for (; *value != '\0'; value++) {
        if (*value == '\\' || *value == '"') {
            (void)fputc('\\', to);
        }
        (void)fputs(*value == '\n' ? "\\n" : (char[]){*value, '\0'}, to);
    }
    (void)fputc('"', to);
}

static void sample(FILE *to, const char *name, const char *const *labels, double value)
{
    (void)fputs(name, to);
    for (size_t i = 0; labels != NULL && labels[i] != NULL; i += 2) {
        (void)fputs(i == 0 ? "{" : "", to);
        label(to, labels[i], labels[i + 1], i == 0);
    }
    (void)fprintf(to, "%s %.15g\n", labels != NULL && labels[0] != NULL ? "}" : "", value);
}

/* One metric without labels, when the answer has it. */
static void single(FILE *to, const char *name, const char *type, const char *help, const json_t *object, const char *key, double factor)
{
    const json_t *value = json_object_get(object, key);
    if (json_is_integer(value) || json_is_boolean(value)) {
        head(to, name, type, help);
        sample(to, name, NULL, json_is_boolean(value) ? json_is_true(value) : (double)json_integer_value(value) * factor);
    }
}

static void write_status(FILE *to, const json_t *status)
{
    const json_t *node = json_object_get(status, "node"), *store = json_object_get(status, "store"), *index = json_object_get(status, "index");
    const char *kind;
    const json_t *count, *row;
    size_t i;
    head(to, "griot_build_info", "gauge", "Release and name of this node.");
    sample(to, "griot_build_info", (const char *[]){"version", text_of(status, "version"), "node", text_of(node, "name"), "role", text_of(node, "role"), NULL}, 1);
    single(to, "griot_uptime_seconds", "gauge", "Time since the daemon was started.", status, "uptime_ms", 0.001);
    head(to, "griot_records", "gauge", "Current records held here.");
    json_object_foreach((json_t *)(uintptr_t)json_object_get(status, "kinds"), kind, count)
    {
        sample(to, "griot_records", (const char *[]){"kind", kind, NULL}, (double)json_integer_value(count));
    }
    single(to, "griot_entries", "gauge", "Entries held here that count.", status, "entries", 1);
    single(to, "griot_released", "gauge", "1 when own records may leave this node.", status, "released", 1);
    single(to, "griot_roster_number", "gauge", "The newest roster held.", json_object_get(status, "roster"), "number", 1);
    single(to, "griot_store_used_bytes", "gauge", "Bytes of the log in use.", store, "bytes", 1);
    single(to, "griot_store_size_bytes", "gauge", "Bytes of address space of the log; it grows by itself.", store, "map", 1);
    single(to, "griot_disk_free_bytes", "gauge", "Free bytes of the disk under the home.", store, "disk_free", 1);
    head(to, "griot_intake_open", "gauge", "0 when the disk is below its reserve and nothing new is taken in.");
    sample(to, "griot_intake_open", NULL, strcmp(text_of(store, "intake"), "open") == 0);
    json_int_t behind = json_integer_value(json_object_get(index, "journal")) - json_integer_value(json_object_get(index, "followed"));
    head(to, "griot_index_behind_items", "gauge", "Rows of the journal that the index has not followed yet.");
    sample(to, "griot_index_behind_items", NULL, behind > 0 ? (double)behind : 0);
    head(to, "griot_records_refused_total", "counter", "What was refused, by reason.");
    json_array_foreach(json_object_get(status, "refused"), i, row)
    {
        sample(to, "griot_records_refused_total", (const char *[]){"reason", text_of(row, "code"), "clause", text_of(row, "clause"), NULL},
               (double)json_integer_value(json_object_get(row, "count")));
    }
    head(to, "griot_warning", "gauge", "1 for each warning that stands; griot explain CODE says what to do.");
    json_array_foreach(json_object_get(status, "warnings"), i, row)
    {
        sample(to, "griot_warning", (const char *[]){"code", text_of(row, "code"), "whom", text_of(row, "whom"), NULL}, 1);
    }
}

/* One value for each peer that has it. */
static void each_peer(FILE *to, const json_t *peers, const char *name, const char *help, const char *key, double factor, double offset)
{
    size_t i;
    const json_t *peer;
    head(to, name, "gauge", help);
    json_array_foreach(peers, i, peer)
    {
        const json_t *value = json_object_get(peer, key);
        if (json_is_integer(value)) {
            sample(to, name, (const char *[]){"peer", text_of(peer, "name"), NULL}, offset + (double)json_integer_value(value) * factor);
        }
    }
}

static void write_peers(FILE *to, const json_t *answer)
{
    static const char *const states[] = {"current", "catching up", "behind", "silent", "blocked", "paused", "unknown"};
    const json_t *peers = json_object_get(answer, "peers"), *peer;
    size_t i;
    head(to, "griot_peer_state", "gauge", "1 for the state in which this node sees the peer, 0 for the others.");
    json_array_foreach(peers, i, peer)
    {
        for (size_t j = 0; j < sizeof states / sizeof *states; j++) {
            sample(to, "griot_peer_state", (const char *[]){"peer", text_of(peer, "name"), "state", states[j], NULL}, strcmp(text_of(peer, "state"), states[j]) == 0);
        }
    }
    each_peer(to, peers, "griot_peer_last_heard_timestamp_seconds", "When the peer was heard last, Unix time.", "heard_ms", -0.001, (double)wall_now().ms * 0.001);
    each_peer(to, peers, "griot_peer_round_trip_seconds", "Round trip to the peer.", "rtt_ms", 0.001, 0);
    each_peer(to, peers, "griot_peer_they_miss_entries", "Entries held here that the peer has not said it holds.", "they_miss", 1, 0);
    each_peer(to, peers, "griot_peer_we_miss_entries", "Entries the peer holds that are missing here.", "we_miss", 1, 0);
    head(to, "griot_link_bytes_total", "counter", "Bytes carried in the standing session with the peer.");
    json_array_foreach(peers, i, peer)
    {
        static const char *const keys[] = {"bytes_in", "bytes_out"}, *const directions[] = {"in", "out"};
        for (size_t j = 0; j < 2; j++) {
            sample(to, "griot_link_bytes_total", (const char *[]){"peer", text_of(peer, "name"), "direction", directions[j], NULL},
                   (double)json_integer_value(json_object_get(peer, keys[j])));
        }
    }
}

static void write_lag(FILE *to, const json_t *lag)
{
    const json_t *row, *count;
    const char *origin;
    size_t i;
    head(to, "griot_missing_here_records", "gauge", "Entries of the origin known elsewhere and missing here.");
    json_array_foreach(json_object_get(lag, "origins"), i, row)
    {
        sample(to, "griot_missing_here_records", (const char *[]){"origin", text_of(row, "name"), NULL},
               (double)json_integer_value(json_object_get(json_object_get(row, "here"), "missing")));
    }
    head(to, "griot_origin_heard", "gauge", "1 when something is known of how much the origin has recorded.");
    json_array_foreach(json_object_get(lag, "origins"), i, row)
    {
        sample(to, "griot_origin_heard", (const char *[]){"origin", text_of(row, "name"), NULL}, json_is_true(json_object_get(json_object_get(row, "here"), "heard")));
    }
    head(to, "griot_peer_missing_records", "gauge", "Entries held here that the node lacked when it said last what it holds, by origin.");
    json_array_foreach(json_object_get(lag, "nodes"), i, row)
    {
        json_object_foreach((json_t *)(uintptr_t)json_object_get(row, "by"), origin, count)
        {
            sample(to, "griot_peer_missing_records", (const char *[]){"peer", text_of(row, "name"), "origin", origin, NULL}, (double)json_integer_value(count));
        }
    }
}

void metrics_write(FILE *to, const json_t *status, const json_t *peers, const json_t *lag)
{
    if (status != NULL) {
        write_status(to, status);
    }
    if (peers != NULL) {
        write_peers(to, peers);
    }
    if (lag != NULL) {
        write_lag(to, lag);
    }
}

/* ---- the server ---- */

struct metrics {
    struct service *service;
    struct MHD_Daemon *server;
};

/* "127.0.0.1:9469" or "[::1]:9469". */
static bool address_read(const char *address, struct sockaddr_storage *ret)
{
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;
    bool is_six = strncmp(address, "[::1]:", 6) == 0;
    size_t skip = is_six ? 6 : 10;
    if (!is_six && strncmp(address, "127.0.0.1:", 10) != 0) {
        return false;
    }
    uint32_t port = 0;
    const char *p = address + skip;
    for (; *p >= '0' && *p <= '9' && port <= 65535; p++) {
        port = 10 * port + (uint32_t)(*p - '0');
    }
    if (*p != '\0' || port < 1 || port > 65535 || address[skip] == '0') {
        return false;
    }
    memset(ret, 0, sizeof *ret);
    if (is_six) {
        *six = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port), .sin6_addr = in6addr_loopback};
    } else {
        *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    }
    return true;
}

bool metrics_address_is_valid(const char *address)
{
    struct sockaddr_storage socket_address;
    return address_read(address, &socket_address);
}

static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *text, size_t n)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(n, (void *)(uintptr_t)text, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
    enum MHD_Result done = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return done;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text) { return reply(connection, status, text, strlen(text)); }

/* A page in a browser that has talked a name of its own into meaning 127.0.0.1 would send that name. */
static bool is_loopback_name(const char *host)
{
    static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
    for (size_t i = 0; host != NULL && i < sizeof names / sizeof *names; i++) {
        size_t n = strlen(names[i]);
        if (strncasecmp(host, names[i], n) == 0 && (host[n] == '\0' || host[n] == ':')) {
            return true;
        }
    }
    return false;
}

static json_t *ask(struct service *service, json_t *(*answer)(struct service *, const json_t *, enum err *))
{
    enum err err = ERR_OK;
    json_t *request = json_object(), *result = answer(service, request, &err);
    json_decref(request);
    if (err != ERR_OK) {
        json_decref(result);
        return NULL;
    }
    return result;
}

static enum MHD_Result answer_metrics(struct metrics *metrics, struct MHD_Connection *connection)
{
    json_t *status = ask(metrics->service, answer_status), *peers = ask(metrics->service, answer_peers), *lag = ask(metrics->service, answer_lag);
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    enum MHD_Result done;
    if (to != NULL) {
        metrics_write(to, status, peers, lag);
    }
    if (to == NULL || fclose(to) != 0 || status == NULL) {
        done = refuse(connection, MHD_HTTP_SERVICE_UNAVAILABLE, "the node did not tell its state\n");
    } else {
        done = reply(connection, MHD_HTTP_OK, text, n);
    }
    free(text);
    json_decref(status);
    json_decref(peers);
    json_decref(lag);
    return done;
}

static enum MHD_Result take_request(void *arg, struct MHD_Connection *connection, const char *url, const char *method, const char *version, const char *body,
                                    size_t *body_bytes, void **state)
{
    struct metrics *metrics = arg;
    (void)version;
    (void)body;
    (void)state;
    if (strcmp(method, MHD_HTTP_METHOD_GET) != 0 || *body_bytes > 0) {
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET\n");
    }
    if (!is_loopback_name(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_HOST))) {
        return refuse(connection, MHD_HTTP_FORBIDDEN, "only under a loopback name\n");
    }
    if (strcmp(url, "/metrics") != 0) {
        return refuse(connection, MHD_HTTP_NOT_FOUND, "only /metrics\n");
    }
    return answer_metrics(metrics, connection);
}

enum err metrics_new(const char *address, struct service *service, struct metrics **ret)
{
    struct sockaddr_storage socket_address;
    if (!address_read(address, &socket_address)) {
        return ERR_INVALID;
    }
    struct metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics == NULL) {
        return ERR_MEMORY;
    }
    metrics->service = service;
    unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | (socket_address.ss_family == AF_INET6 ? (unsigned)MHD_USE_IPv6 : 0);
    /* Without these a thousand idle connections lock everybody out (RELIABILITY H1). */
    metrics->server = MHD_start_daemon(flags, 0, NULL, NULL, take_request, metrics, MHD_OPTION_SOCK_ADDR, &socket_address, MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)IDLE_S_MAX,
                                       MHD_OPTION_CONNECTION_LIMIT, (unsigned)CONNECTIONS_MAX, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_END);
    if (metrics->server == NULL) {
        enum err err = errno == EADDRINUSE ? ERR_EXISTS : ERR_IO;
        free(metrics);
        return err;
    }
    *ret = metrics;
    return ERR_OK;
}

void metrics_destroy(struct metrics **metrics)
{
    if (*metrics != NULL) {
        MHD_stop_daemon((*metrics)->server);
        free(*metrics);
        *metrics = NULL;
    }
}
