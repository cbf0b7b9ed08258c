/* config.c - griot.ini through one table. libinih splits lines; this file counts them, since its handler is not told, and refuses what it would cut
 * short. */
#include "node/config.h"

#include "node/compaction.h"
#include "node/cli/i18n.h"
#include "node/metrics.h"
#include "proto/limits.h"

#include <errno.h>
#include <ini.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>

enum config_type { TYPE_TEXT, TYPE_U32, TYPE_U64 };
enum { FILE_LINES_MAX = 10000, GIVEN_BYTES_SHOWN = 64 };

/* One key. `check` says whether a text is allowed; NULL: any. */
struct config_row {
    const char *section;
    const char *key;
    enum config_type type;
    size_t offset, bytes; /* of its member */
    uint64_t min, max;    /* numbers */
    const char *fallback; /* default, as written in the file */
    const char *unit;     /* or what is allowed */
    const char *help;
    bool (*check)(const char *text);
};

static bool is_port(const char *text)
{
    char *end = NULL;
    unsigned long port;

    if (text[0] < '1' || text[0] > '9' || strlen(text) > 5) {
        return false;
    }
    port = strtoul(text, &end, 10);
    return *end == '\0' && port <= 65535;
}

/* tcp://host:port. Other transports of the library are refused: they were never reviewed for hostile input. */
static bool is_address(const char *text)
{
    static const char scheme[] = "tcp://";
    const char *host = text + sizeof scheme - 1;
    const char *colon;

    if (strncmp(text, scheme, sizeof scheme - 1) != 0) {
        return false;
    }
    colon = strrchr(host, ':');
    if (colon == NULL || colon == host || !is_port(colon + 1)) {
        return false;
    }
    for (const char *p = host; p < colon; p++) {
        bool is_letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9');
        bool is_bracketed = host[0] == '[' && colon[-1] == ']';
        if (!is_letter && *p != '.' && *p != '-' && !(*p == '*' && colon == host + 1) && !(is_bracketed && strchr("[]:%", *p) != NULL)) {
            return false;
        }
    }
    return true;
}

static bool is_address_or_empty(const char *text)
{
    return text[0] == '\0' || is_address(text);
}

static bool is_node_or_empty(const char *text)
{
    size_t n = strlen(text);

    return n == 0 || (n <= NAME_BYTES_MAX && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && text[0] != '-' && text[n - 1] != '-');
}

static bool is_path(const char *text)
{
    return text[0] == '\0' || text[0] == '/';
}

static bool is_level(const char *text)
{
    return strcmp(text, "error") == 0 || strcmp(text, "warn") == 0 || strcmp(text, "info") == 0 || strcmp(text, "debug") == 0;
}

static bool is_rotation(const char *text) { return strcmp(text, "monthly") == 0 || strcmp(text, "never") == 0; }

static bool is_language(const char *text)
{
    return text[0] == '\0' || language_is_known(text);
}

static bool is_key_or_empty(const char *text)
{
    return text[0] == '\0' || (strlen(text) == 64 && strspn(text, "0123456789abcdefABCDEF") == 64);
}

static bool is_metrics(const char *text)
{
    return text[0] == '\0' || metrics_address_is_valid(text);
}

#define MEMBER(name) offsetof(struct config, name), sizeof((struct config *)0)->name

static const struct config_row rows[] = {
    {"node", "listen", TYPE_TEXT, MEMBER(listen), 0, 0, "", "tcp://HOST:PORT",
     "Where other nodes may dial this one; * for every interface. Empty: nobody dials it, it dials others.", is_address_or_empty},
    {"node", "key_file", TYPE_TEXT, MEMBER(key_file), 0, 0, "", "an absolute path",
     "File with the sealing key that opens the keys. Empty: the service credential griot-key, else a passphrase is asked for.", is_path},
    {"node", "language", TYPE_TEXT, MEMBER(language), 0, 0, "", "fr, en or pt",
     "Language of what people read. Empty: that of their environment, else French.", is_language},
    {"node", "rilo", TYPE_TEXT, MEMBER(rilo), 0, 0, "", "the name of a hub",
     "The RILO that this office belongs to: whom records for rilo are released to. Empty: such records are refused.", is_node_or_empty},
    {"keys", "rotate", TYPE_TEXT, MEMBER(rotate), 0, 0, "monthly", "monthly or never",
     "Make new transport and encryption keys by itself when the node's card is 30 days old, at a quiet moment; or only by griot rotate.", is_rotation},
    {"store", "disk_reserve_mib", TYPE_U64, MEMBER(disk_reserve_mib), 16, 1048576, "512", "MiB, 16 to 1048576",
     "Below this much free disk nothing new is taken in; reading goes on.", NULL},
    {"store", "author_mib_day", TYPE_U64, MEMBER(author_mib_day), 0, 1048576, "0", "MiB, 0 to 1048576",
     "How much is taken in of one other node in a day; the rest waits. 0: an eighth of the free disk, at least 64.", NULL},
    {"store", "compact", TYPE_TEXT, MEMBER(compact), 0, 0, "02:30", "HH:MM, local time, or never",
     "In the hour after it the store is compacted, if something was erased or has expired since: free pages are given back with what stood in them. The node is away for as long as a copy takes.",
     compaction_at_is_valid},
    {"log", "level", TYPE_TEXT, MEMBER(log_level), 0, 0, "info", "error, warn, info or debug", "How much the log says.", is_level},
    {"audit", "auditor", TYPE_TEXT, MEMBER(auditor), 0, 0, "", "64 hexadecimal digits",
     "Public key of the auditor, who alone can then read what was searched for. Empty: whoever has this node's keys can.", is_key_or_empty},
    {"link", "retry_max_s", TYPE_U32, MEMBER(retry_max_s), 0, 3600, "0", "seconds, 0 to 3600",
     "Longest wait before a lost peer is dialled again. 0: what the region's profile says.", NULL},
    {"metrics", "listen", TYPE_TEXT, MEMBER(metrics), 0, 0, "", "127.0.0.1:PORT or [::1]:PORT",
     "Where Prometheus may fetch http://.../metrics; only from this machine. Empty: nowhere.", is_metrics},
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static const char peer_help[] = "One section a peer whose address in its card does not fit here, for example behind a relay or a tunnel.";

/* One reading of one file. */
struct reading {
    FILE *file;
    char *text; /* getline's */
    size_t text_cap;
    uint32_t line;
    bool is_failed;
    struct config *config;
    bool is_given[ROWS];
    struct config_fault *faults;
    size_t max, count;
};

__attribute__((format(printf, 2, 3))) static void fault(struct reading *reading, const char *format, ...)
{
    va_list args;

    if (reading->count < reading->max) {
        struct config_fault *at = &reading->faults[reading->count];
        at->line = reading->line;
        va_start(args, format);
        (void)vsnprintf(at->what, sizeof at->what, format, args);
        va_end(args);
    }
    reading->count++;
}

static void set_row(struct config *config, const struct config_row *row, const char *text, uint64_t number)
{
    char *member = (char *)config + row->offset;
    uint32_t number32 = (uint32_t)number;

    switch (row->type) {
    case TYPE_TEXT:
        (void)snprintf(member, row->bytes, "%s", text);
        break;
    case TYPE_U32:
        memcpy(member, &number32, sizeof number32);
        break;
    case TYPE_U64:
        memcpy(member, &number, sizeof number);
        break;
    }
}

static bool read_number(const struct config_row *row, const char *text, uint64_t *ret)
{
    char *end = NULL;
    unsigned long long number;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    number = strtoull(text, &end, 10);
    *ret = number;
    return *end == '\0' && errno == 0 && number >= row->min && number <= row->max;
}

void config_defaults(struct config *config)
{
    memset(config, 0, sizeof *config);
    for (size_t i = 0; i < ROWS; i++) {
        uint64_t number = 0;
        if (rows[i].type != TYPE_TEXT) {
            number = strtoull(rows[i].fallback, NULL, 10);
        }
        set_row(config, &rows[i], rows[i].fallback, number);
    }
}

static void take_row(struct reading *reading, size_t i, const char *value)
{
    const struct config_row *row = &rows[i];
    uint64_t number = 0;
    bool is_good =
        row->type == TYPE_TEXT ? strlen(value) < row->bytes && (row->check == NULL || row->check(value)) : read_number(row, value, &number);

    if (reading->is_given[i]) {
        fault(reading, _("%s is given twice (a line that begins with a space continues the line above)"), row->key);
        return;
    }
    reading->is_given[i] = true;
    if (!is_good) {
        fault(reading, _("%s = %.*s is not allowed: %s"), row->key, GIVEN_BYTES_SHOWN, value, row->unit);
        return;
    }
    set_row(reading->config, row, value, number);
}

/* [peer "NAME"]: the name, or false when the section is none. */
static bool peer_name(const char *section, char *ret, size_t cap)
{
    static const char head[] = "peer \"";
    size_t n = strlen(section);
    const char *name = section + sizeof head - 1;
    size_t name_bytes;

    if (strncmp(section, head, sizeof head - 1) != 0 || n < sizeof head + 1 || section[n - 1] != '"') {
        return false;
    }
    name_bytes = n - sizeof head;
    if (name_bytes == 0 || name_bytes >= cap || strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") != name_bytes) {
        return false;
    }
    memcpy(ret, name, name_bytes);
    ret[name_bytes] = '\0';
    return true;
}

static void take_peer(struct reading *reading, const char *name, const char *key, const char *value)
{
    struct config *config = reading->config;

    if (strcmp(key, "address") != 0) {
        fault(reading, _("unknown key %.*s in [peer \"%s\"]: only address is known"), GIVEN_BYTES_SHOWN, key, name);
        return;
    }
    if (!is_address(value) || strlen(value) >= CONFIG_TEXT_BYTES_MAX) {
        fault(reading, _("%s = %.*s is not allowed: %s"), key, GIVEN_BYTES_SHOWN, value, "tcp://HOST:PORT");
        return;
    }
    for (uint32_t i = 0; i < config->peer_count; i++) {
        if (strcmp(config->peers[i].name, name) == 0) {
            fault(reading, _("peer \"%s\" is given twice"), name);
            return;
        }
    }
    if (config->peer_count == CONFIG_PEERS_MAX) {
        fault(reading, _("more than %d peers"), CONFIG_PEERS_MAX);
        return;
    }
    (void)snprintf(config->peers[config->peer_count].name, sizeof config->peers[0].name, "%s", name);
    (void)snprintf(config->peers[config->peer_count].address, sizeof config->peers[0].address, "%s", value);
    config->peer_count++;
}

static int on_key(void *user, const char *section, const char *key, const char *value)
{
    struct reading *reading = user;
    char name[sizeof reading->config->peers[0].name];
    bool has_section = false;

    if (peer_name(section, name, sizeof name)) {
        take_peer(reading, name, key, value);
        return 1;
    }
    for (size_t i = 0; i < ROWS; i++) {
        bool is_here = strcmp(rows[i].section, section) == 0;
        has_section = has_section || is_here;
        if (is_here && strcmp(rows[i].key, key) == 0) {
            take_row(reading, i, value);
            return 1;
        }
    }
    if (section[0] == '\0') {
        fault(reading, _("%.*s stands before any section: begin with [node]"), GIVEN_BYTES_SHOWN, key);
    } else if (!has_section) {
        fault(reading, _("unknown section [%.*s]: node, store, log, link and peer \"NAME\" are known"), GIVEN_BYTES_SHOWN, section);
    } else {
        fault(reading, _("unknown key %.*s in [%s]"), GIVEN_BYTES_SHOWN, key, section);
    }
    return 1;
}

/* Is it a line that libinih takes silently or reports without saying what is wrong? Those are explained here and not passed on. */
static bool check_line(struct reading *reading, const char *text, size_t n)
{
    const char *p = text + strspn(text, " \t\r\n");

    if (memchr(text, '\0', n) != NULL) {
        fault(reading, _("the line holds a NUL byte: this is not a text file"));
        return false;
    }
    if (reading->line == 1 && strncmp(p, "\xef\xbb\xbf", 3) == 0) {
        p += 3;
    }
    if (*p == '[' && strchr(p, ']') == NULL) {
        fault(reading, _("a section that is not closed: ] is missing"));
        return false;
    }
    if (*p != '\0' && strchr(";#[", *p) == NULL && strpbrk(p, "=:") == NULL) {
        fault(reading, _("neither a [section] nor key = value: %.*s"),
              (int)strcspn(p, "\r\n") < GIVEN_BYTES_SHOWN ? (int)strcspn(p, "\r\n") : GIVEN_BYTES_SHOWN, p);
        return false;
    }
    return true;
}

/* fgets for libinih: whole lines only, counted. A line that does not fit is a fault, never two lines. */
static char *next_line(char *to, int cap, void *stream)
{
    struct reading *reading = stream;
    ssize_t n = reading->line >= FILE_LINES_MAX ? -1 : getline(&reading->text, &reading->text_cap, reading->file);

    if (n < 0) {
        reading->is_failed = ferror(reading->file) != 0;
        return NULL;
    }
    reading->line++;
    if (n >= cap) {
        fault(reading, _("the line is longer than %d characters"), cap - 2);
        strcpy(to, "\n");
        return to;
    }
    if (!check_line(reading, reading->text, (size_t)n)) {
        strcpy(to, "\n");
        return to;
    }
    memcpy(to, reading->text, (size_t)n + 1);
    return to;
}

enum err config_read(const char *path, struct config *ret, struct config_fault *faults, size_t max, size_t *ret_count)
{
    struct config config;
    struct reading reading = {.config = &config, .faults = faults, .max = max};
    enum err err = ERR_OK;
    int line;

    *ret_count = 0;
    config_defaults(&config);
    reading.file = fopen(path, "re");
    if (reading.file == NULL) {
        return errno == ENOENT || errno == ENOTDIR ? ERR_NOT_FOUND : errno == EACCES ? ERR_PERMISSION : ERR_IO;
    }
    line = ini_parse_stream(next_line, &reading, on_key, &reading);
    if (line > 0 && reading.count == 0) {
        reading.line = (uint32_t)line;
        fault(&reading, _("the line is not understood"));
    }
    if (reading.line >= FILE_LINES_MAX) {
        fault(&reading, _("more than %d lines"), FILE_LINES_MAX);
    }
    if (reading.is_failed) {
        err = ERR_IO;
    } else if (line == -2) {
        err = ERR_MEMORY;
    } else if (reading.count > 0) {
        err = ERR_CONFIG;
    }
    free(reading.text);
    (void)fclose(reading.file);
    *ret_count = reading.count < max ? reading.count : max;
    if (err == ERR_OK || err == ERR_CONFIG) {
        *ret = config;
    }
    return err;
}

void config_reference(FILE *to)
{
    const char *section = "";

    (void)fprintf(to, "; griot.ini - configuration of one node. Every line may be left out: what stands here is the default.\n"
                      "; Check it with: griot -H HOME config check\n");
    for (size_t i = 0; i < ROWS; i++) {
        if (strcmp(section, rows[i].section) != 0) {
            section = rows[i].section;
            (void)fprintf(to, "\n[%s]\n", section);
        }
        (void)fprintf(to, "; %s\n; Allowed: %s.\n%s =%s%s\n", rows[i].help, rows[i].unit, rows[i].key, rows[i].fallback[0] != '\0' ? " " : "",
                      rows[i].fallback);
    }
    (void)fprintf(to, "\n; %s\n;[peer \"rilo-dakar\"]\n;address = tcp://198.51.100.7:7301\n", peer_help);
}
