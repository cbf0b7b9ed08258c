#include "node/sandbox.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "node/file.h"
#include "node/home.h"
#include "node/root.h"
#include "node/trust.h"
#include "store/folder.h"

static const char plan_magic[] = "griot sandbox 1\n";
enum { PLAN_BYTES_MAX = 262144, SEAL_KEY_BYTES = 32 };

/* RILO Dakar's sixteen, then RILO Douala's eight. */
enum { DAKAR_EDGES = 16 };
const char *const sandbox_edges[] = {"bj", "bf", "cv", "ci", "gm", "gh", "gn", "gw", "lr", "ml", "mr", "ne", "ng",
                                     "sn", "sl", "tg", "cm", "cf", "td", "cg", "cd", "gq", "ga", "st", NULL};

/* ---- paths ---- */

char *sandbox_home(const struct sandbox *sandbox, const char *name, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%.*s/%.*s", SANDBOX_PATH_BYTES_MAX, sandbox->path, NAME_BYTES_MAX, name);
    return ret;
}

char *sandbox_root(const struct sandbox *sandbox, const char *below, char ret[PATH_MAX])
{
    snprintf(ret, PATH_MAX, "%.*s/root/%.*s", SANDBOX_PATH_BYTES_MAX, sandbox->path, 2 * NAME_BYTES_MAX, below);
    return ret;
}

/* ---- the plan, written and read ---- */

static enum err plan_write(const struct sandbox *sandbox)
{
    char path[PATH_MAX];
    char *text = malloc(PLAN_BYTES_MAX);
    size_t at = 0;
    enum err err;

    if (text == NULL) {
        return ERR_MEMORY;
    }
    at += (size_t)snprintf(text, PLAN_BYTES_MAX, "%s", plan_magic);
    for (size_t i = 0; i < sandbox->node_count && at < PLAN_BYTES_MAX; i++) {
        const struct sandbox_node *node = &sandbox->nodes[i];

        at += (size_t)snprintf(text + at, PLAN_BYTES_MAX - at, "node %s %s %u\n", node->name, node->role == ROLE_HUB ? "hub" : "edge", node->port);
    }
    for (size_t i = 0; i < sandbox->port_count && at < PLAN_BYTES_MAX; i++) {
        const struct wire_port *port = &sandbox->ports[i];

        at += (size_t)snprintf(text + at, PLAN_BYTES_MAX - at, "port %s %s %u %u\n", port->dialler, port->listener, port->port, port->to);
    }
    err = at < PLAN_BYTES_MAX ? file_write(sandbox_root(sandbox, "sandbox", path), span_of(text, at), 0644, true) : ERR_INTERNAL;
    free(text);
    return err;
}

static bool node_read(const char *line, struct sandbox *sandbox)
{
    struct sandbox_node *node = &sandbox->nodes[sandbox->node_count];
    char role[8];
    unsigned port;
    int end = 0;

    if (sandbox->node_count == SANDBOX_NODES_MAX || sscanf(line, "node %32s %7s %5u%n", node->name, role, &port, &end) != 3 || line[end] != '\0' || port > UINT16_MAX ||
        !home_name_is_valid(node->name) || (strcmp(role, "hub") != 0 && strcmp(role, "edge") != 0)) {
        return false;
    }
    node->role = strcmp(role, "hub") == 0 ? ROLE_HUB : ROLE_EDGE;
    node->port = (uint16_t)port;
    sandbox->node_count++;
    return true;
}

static bool port_read(const char *line, struct sandbox *sandbox)
{
    struct wire_port *port = &sandbox->ports[sandbox->port_count];
    unsigned at, to;
    int end = 0;

    if (sandbox->port_count == WIRE_PORTS_MAX || sscanf(line, "port %32s %32s %5u %5u%n", port->dialler, port->listener, &at, &to, &end) != 4 || line[end] != '\0' ||
        at == 0 || at > UINT16_MAX || to == 0 || to > UINT16_MAX || !home_name_is_valid(port->listener) ||
        (strcmp(port->dialler, "*") != 0 && !home_name_is_valid(port->dialler))) {
        return false;
    }
    port->port = (uint16_t)at;
    port->to = (uint16_t)to;
    sandbox->port_count++;
    return true;
}

static enum err plan_read(struct sandbox *sandbox)
{
    char path[PATH_MAX];
    uint8_t *text = NULL;
    size_t n = 0, magic = sizeof plan_magic - 1;
    enum err err = file_read(sandbox_root(sandbox, "sandbox", path), PLAN_BYTES_MAX, &text, &n);
    char *save = NULL;

    if (err != ERR_OK) {
        return err == ERR_OVERSIZE || err == ERR_INVALID ? ERR_CORRUPT : err;
    }
    err = n >= magic && memcmp(text, plan_magic, magic) == 0 ? ERR_OK : ERR_CORRUPT;
    for (char *line = err == ERR_OK ? strtok_r((char *)text + magic, "\n", &save) : NULL; line != NULL && err == ERR_OK; line = strtok_r(NULL, "\n", &save)) {
        bool is_good = strncmp(line, "node ", 5) == 0 ? node_read(line, sandbox) : port_read(line, sandbox);

        err = is_good ? ERR_OK : ERR_CORRUPT;
    }
    free(text);
    return err == ERR_OK && sandbox->node_count == 0 ? ERR_CORRUPT : err;
}

const struct sandbox_node *sandbox_find(const struct sandbox *sandbox, const char *name)
{
    for (size_t i = 0; i < sandbox->node_count; i++) {
        if (strcmp(sandbox->nodes[i].name, name) == 0) {
            return &sandbox->nodes[i];
        }
    }
    return NULL;
}

static int compare_nodes(const void *a, const void *b)
{
    const struct sandbox_node *x = a, *y = b;

    return strcmp(x->name, y->name);
}

/* Homes in DIR that the plan does not know. */
static enum err guests_find(struct sandbox *sandbox)
{
    size_t planned = sandbox->node_count;
    DIR *folder = opendir(sandbox->path);
    struct dirent *entry;

    if (folder == NULL) {
        return folder_errno(errno);
    }
    while (sandbox->node_count < SANDBOX_NODES_MAX && (entry = readdir(folder)) != NULL) {
        struct sandbox_node *node = &sandbox->nodes[sandbox->node_count];
        char path[PATH_MAX];

        if (!home_name_is_valid(entry->d_name) || sandbox_find(sandbox, entry->d_name) != NULL) {
            continue;
        }
        sandbox_home(sandbox, entry->d_name, path);
        strncat(path, "/node", sizeof path - strlen(path) - 1);
        if (access(path, F_OK) == 0) {
            *node = (struct sandbox_node){.role = ROLE_EDGE, .is_guest = true};
            memcpy(node->name, entry->d_name, strlen(entry->d_name) + 1);
            sandbox->node_count++;
        }
    }
    closedir(folder);
    qsort(sandbox->nodes + planned, sandbox->node_count - planned, sizeof sandbox->nodes[0], compare_nodes);
    return ERR_OK;
}

enum err sandbox_open(const char *path, struct sandbox **ret)
{
    struct sandbox *sandbox = calloc(1, sizeof *sandbox);
    enum err err;

    if (sandbox == NULL) {
        return ERR_MEMORY;
    }
    if (realpath(path, sandbox->path) == NULL) {
        err = folder_errno(errno);
    } else if (strlen(sandbox->path) > SANDBOX_PATH_BYTES_MAX) {
        err = ERR_NOT_FOUND;
    } else {
        err = plan_read(sandbox);
    }
    if (err == ERR_OK) {
        err = guests_find(sandbox);
    }
    if (err != ERR_OK) {
        free(sandbox);
        return err;
    }
    *ret = sandbox;
    return ERR_OK;
}

/* ---- cuts ---- */

static char *cut_path(const struct sandbox *sandbox, const char *name, char ret[PATH_MAX])
{
    char below[2 * NAME_BYTES_MAX];

    snprintf(below, sizeof below, "cut/%.*s", NAME_BYTES_MAX, name);
    return sandbox_root(sandbox, below, ret);
}

bool sandbox_is_cut(const struct sandbox *sandbox, const char *name)
{
    char path[PATH_MAX];

    return access(cut_path(sandbox, name, path), F_OK) == 0;
}

enum err sandbox_cut(const struct sandbox *sandbox, const char *name, bool is_cut)
{
    char path[PATH_MAX];
    FILE *file;

    cut_path(sandbox, name, path);
    if (!is_cut) {
        return unlink(path) == 0 || errno == ENOENT ? ERR_OK : folder_errno(errno);
    }
    file = fopen(path, "ae");
    if (file == NULL) {
        return folder_errno(errno);
    }
    return fclose(file) == 0 ? ERR_OK : folder_errno(errno);
}

bool sandbox_is_applied(const struct sandbox *sandbox, const char *name, bool is_cut)
{
    char path[PATH_MAX], *save = NULL;
    uint8_t *text = NULL;
    size_t n = 0;
    bool is_named = false;

    if (file_read(sandbox_root(sandbox, "wire.cut", path), 65536, &text, &n) != ERR_OK) {
        return false;
    }
    for (char *line = strtok_r((char *)text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
        is_named = is_named || strcmp(line, name) == 0;
    }
    free(text);
    return is_named == is_cut;
}

/* ---- ports ---- */

static bool port_is_free(uint16_t port)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool is_free = fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0;

    if (fd >= 0) {
        close(fd);
    }
    return is_free;
}

struct ports { /* upwards from a random base */
    uint32_t next;
};

static enum err port_take(struct ports *ports, uint16_t *ret)
{
    while (ports->next <= SANDBOX_PORT_LAST) {
        uint16_t port = (uint16_t)ports->next++;

        if (port_is_free(port)) {
            *ret = port;
            return ERR_OK;
        }
    }
    return ERR_BUSY;
}

/* ---- making ---- */

struct making {
    struct sandbox *sandbox;
    const struct sandbox_plan *plan;
    struct node_id ids[SANDBOX_NODES_MAX];
    struct region_id region;
    struct secret *root_key;
    struct wall_ms now;
};

static enum err plan_check(const struct sandbox_plan *plan)
{
    size_t count = 0;

    for (; plan->edges[count] != NULL; count++) {
        bool is_known = false;

        for (size_t i = 0; sandbox_edges[i] != NULL; i++) {
            is_known = is_known || strcmp(sandbox_edges[i], plan->edges[count]) == 0;
        }
        for (size_t i = 0; i < count; i++) {
            is_known = is_known && strcmp(plan->edges[i], plan->edges[count]) != 0;
        }
        if (!is_known || count == SANDBOX_EDGES_MAX) {
            return ERR_INVALID;
        }
    }
    return plan->hubs >= 1 && plan->hubs <= SANDBOX_HUBS_MAX ? ERR_OK : ERR_INVALID;
}

static void nodes_name(struct making *m)
{
    struct sandbox *s = m->sandbox;

    for (uint32_t i = 0; i < m->plan->hubs; i++) {
        struct sandbox_node *node = &s->nodes[s->node_count++];

        node->role = ROLE_HUB;
        snprintf(node->name, sizeof node->name, i == 0 ? "rilo-dakar" : i == 1 ? "rilo-douala" : "hub-%u", i + 1);
    }
    for (size_t i = 0; m->plan->edges[i] != NULL; i++) {
        struct sandbox_node *node = &s->nodes[s->node_count++];

        node->role = ROLE_EDGE;
        snprintf(node->name, sizeof node->name, "%s", m->plan->edges[i]);
    }
    for (size_t i = 0; i < s->node_count; i++) {
        random_fill(m->ids[i].b, sizeof m->ids[i].b);
    }
}

/* The lower node id dials. */
static bool dials(const struct making *m, size_t from, size_t to)
{
    const struct sandbox_node *a = &m->sandbox->nodes[from], *b = &m->sandbox->nodes[to];

    return from != to && b->role == ROLE_HUB && (a->role != ROLE_HUB || memcmp(m->ids[from].b, m->ids[to].b, sizeof m->ids[0].b) < 0);
}

static enum err port_plan(struct making *m, struct ports *ports, const char *dialler, const struct sandbox_node *listener)
{
    struct wire_port *port = &m->sandbox->ports[m->sandbox->port_count];
    enum err err = port_take(ports, &port->port);

    if (err == ERR_OK) {
        memcpy(port->dialler, dialler, strlen(dialler) + 1);
        memcpy(port->listener, listener->name, sizeof port->listener);
        port->to = listener->port;
        m->sandbox->port_count++;
    }
    return err;
}

static enum err ports_plan(struct making *m)
{
    struct sandbox *s = m->sandbox;
    struct ports ports = {0};
    uint32_t random;
    enum err err = ERR_OK;

    random_fill(&random, sizeof random);
    ports.next = SANDBOX_PORT_FIRST + random % (SANDBOX_PORT_BASE_MAX - SANDBOX_PORT_FIRST);
    for (size_t i = 0; i < s->node_count && err == ERR_OK; i++) {
        if (s->nodes[i].role == ROLE_HUB) {
            err = port_take(&ports, &s->nodes[i].port);
        }
    }
    for (size_t to = 0; to < s->node_count && err == ERR_OK; to++) {
        if (s->nodes[to].role == ROLE_HUB) {
            err = port_plan(m, &ports, "*", &s->nodes[to]);
        }
        for (size_t from = 0; from < s->node_count && err == ERR_OK; from++) {
            if (dials(m, from, to)) {
                err = port_plan(m, &ports, s->nodes[from].name, &s->nodes[to]);
            }
        }
    }
    return err;
}

static uint16_t port_of(const struct sandbox *s, const char *dialler, const char *listener)
{
    for (size_t i = 0; i < s->port_count; i++) {
        if (strcmp(s->ports[i].dialler, dialler) == 0 && strcmp(s->ports[i].listener, listener) == 0) {
            return s->ports[i].port;
        }
    }
    return 0;
}

static enum err root_key_give(void *arg, uint32_t number, struct unlock *ret)
{
    struct making *m = arg;

    (void)number;
    *ret = (struct unlock){.key = m->root_key};
    return ERR_OK;
}

/* The file that opens a home, or the root keys. */
static enum err unlock_write(struct making *m, const char *name, const struct secret *key, char ret[PATH_MAX])
{
    char below[2 * NAME_BYTES_MAX];

    snprintf(below, sizeof below, "unlock/%s", name);
    return file_write(sandbox_root(m->sandbox, below, ret), span_of(secret_read(key), secret_bytes(key)), 0600, true);
}

static enum err folder_make(const struct sandbox *sandbox, const char *below)
{
    char path[PATH_MAX];

    return mkdir(sandbox_root(sandbox, below, path), 0700) == 0 ? ERR_OK : folder_errno(errno);
}

static enum err root_make(struct making *m)
{
    struct root_plan plan = {.name = "sandbox", .threshold = 3, .keys = 5, .now = m->now};
    char path[PATH_MAX];
    enum err err;

    snprintf(path, sizeof path, "%.*s/root", SANDBOX_PATH_BYTES_MAX, m->sandbox->path);
    m->root_key = secret_random(SEAL_KEY_BYTES);
    err = m->root_key == NULL ? ERR_MEMORY : root_create(path, &plan, root_key_give, m, &m->region);
    if (err == ERR_OK) {
        err = folder_make(m->sandbox, "unlock");
    }
    if (err == ERR_OK) {
        err = folder_make(m->sandbox, "cut");
    }
    return err == ERR_OK ? unlock_write(m, "root", m->root_key, path) : err;
}

/* [peer "rilo-dakar"] for each hub that the node dials. */
static void peers_write(const struct making *m, size_t at, char *ret, size_t cap)
{
    const struct sandbox *s = m->sandbox;
    size_t used = 0;

    ret[0] = '\0';
    for (size_t to = 0; to < s->node_count; to++) {
        if (dials(m, at, to) && used < cap) {
            used += (size_t)snprintf(ret + used, cap - used, "[peer \"%s\"]\naddress = tcp://127.0.0.1:%u\n", s->nodes[to].name,
                                     port_of(s, s->nodes[at].name, s->nodes[to].name));
        }
    }
}

/* The RILO of an office, by the two lists above; in a sandbox of one hub that one. */
static const char *rilo_of(const struct sandbox *s, const char *edge)
{
    for (size_t i = 0; i < DAKAR_EDGES; i++) {
        if (strcmp(sandbox_edges[i], edge) == 0) {
            return s->nodes[0].name;
        }
    }
    return s->nodes[1].role == ROLE_HUB ? s->nodes[1].name : s->nodes[0].name;
}

static enum err home_make(struct making *m, size_t at)
{
    const struct sandbox_node *node = &m->sandbox->nodes[at];
    char home[PATH_MAX], key_file[PATH_MAX], listen[64], guests[64], peers[SANDBOX_HUBS_MAX * 128];
    const char *addresses[] = {guests, NULL};
    struct secret *key = secret_random(SEAL_KEY_BYTES);
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = node->name,
                             .role = node->role,
                             .region = m->region,
                             .node = m->ids[at],
                             .rilo = node->role == ROLE_EDGE ? rilo_of(m->sandbox, node->name) : NULL,
                             .key_file = key_file,
                             .unlock = &unlock,
                             .ini_extra = peers,
                             .now = m->now};
    enum err err = key == NULL ? ERR_MEMORY : unlock_write(m, node->name, key, key_file);

    if (node->role == ROLE_HUB) {
        snprintf(listen, sizeof listen, "tcp://127.0.0.1:%u", node->port);
        snprintf(guests, sizeof guests, "tcp://127.0.0.1:%u", port_of(m->sandbox, "*", node->name));
        plan.listen = listen;
        plan.addresses = addresses;
    }
    peers_write(m, at, peers, sizeof peers);
    if (err == ERR_OK) {
        err = home_create(sandbox_home(m->sandbox, node->name, home), &plan);
    }
    secret_destroy(&key);
    return err;
}

static enum err home_use(const struct making *m, size_t at, enum err (*use)(struct home *home, void *arg), void *arg)
{
    struct home *home = calloc(1, sizeof *home);
    char path[PATH_MAX];
    enum err err;

    if (home == NULL) {
        return ERR_MEMORY;
    }
    err = home_open(sandbox_home(m->sandbox, m->sandbox->nodes[at].name, path), home);
    if (err == ERR_OK) {
        err = use(home, arg);
        home_fini(home);
    }
    free(home);
    return err;
}

static enum err card_take(struct home *home, void *arg) { return home_card_current(home, arg); }

static enum err roster_make(struct making *m)
{
    size_t count = m->sandbox->node_count;
    uint8_t *bytes = calloc(count, CARD_NOTICE_BYTES_MAX);
    struct span *cards = calloc(count, sizeof *cards);
    struct root_signed made;
    char path[PATH_MAX];
    enum err err = bytes == NULL || cards == NULL ? ERR_MEMORY : ERR_OK;

    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        struct out out = out_into(bytes + i * CARD_NOTICE_BYTES_MAX, CARD_NOTICE_BYTES_MAX);

        err = home_use(m, i, card_take, &out);
        cards[i] = out_written(&out);
    }
    if (err == ERR_OK) {
        snprintf(path, sizeof path, "%.*s/root", SANDBOX_PATH_BYTES_MAX, m->sandbox->path);
        err = root_roster(path, NULL, &(struct proposal_plan){.cards = cards, .card_count = count, .has_profile = true, .profile = PROFILE_SANDBOX, .now = m->now}, false, root_key_give, m, &made, NULL);
    }
    free(bytes);
    free(cards);
    return err;
}

static enum err region_take(struct home *home, void *arg)
{
    const struct region_file *region = arg;
    struct trust_join join = {.notices = region->notices, .count = region->count};
    enum err err = home_unlock(home, NULL);

    if (err == ERR_OK) {
        err = trust_join_home(home, &join);
        free(join.refs);
    }
    return err == ERR_OK && join.refused > 0 ? join.refusal : err;
}

static enum err regions_give(struct making *m)
{
    struct region_file region;
    char path[PATH_MAX];
    enum err err = region_file_read(sandbox_root(m->sandbox, "region", path), &region, NULL);

    if (err != ERR_OK) {
        return err;
    }
    for (size_t i = 0; i < m->sandbox->node_count && err == ERR_OK; i++) {
        err = home_use(m, i, region_take, &region);
    }
    region_file_fini(&region);
    return err;
}

static enum err make_all(struct making *m)
{
    size_t count;
    enum err err;

    nodes_name(m);
    count = m->sandbox->node_count;
    err = ports_plan(m);
    if (err == ERR_OK) {
        err = root_make(m);
    }
    for (size_t i = 0; i < count && err == ERR_OK; i++) {
        err = home_make(m, i);
        if (err == ERR_OK && m->plan->progress != NULL) {
            m->plan->progress(m->plan->arg, (uint32_t)i + 1, (uint32_t)count, m->sandbox->nodes[i].name);
        }
    }
    if (err == ERR_OK) {
        err = roster_make(m);
    }
    if (err == ERR_OK) {
        err = regions_give(m);
    }
    return err == ERR_OK ? plan_write(m->sandbox) : err; /* last: without it DIR is no sandbox */
}

enum err sandbox_create(const char *path, const struct sandbox_plan *plan)
{
    struct making making = {.plan = plan};
    struct timespec now;
    enum err err = plan_check(plan);

    if (err == ERR_OK) {
        err = crypto_start();
    }
    if (err != ERR_OK) {
        return err;
    }
    if (access(path, F_OK) == 0 && rmdir(path) != 0) {
        return errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION : ERR_EXISTS;
    }
    if (mkdir(path, 0700) != 0) {
        return folder_errno(errno);
    }
    making.sandbox = calloc(1, sizeof *making.sandbox);
    if (making.sandbox == NULL) {
        err = ERR_MEMORY;
    } else if (realpath(path, making.sandbox->path) == NULL || strlen(making.sandbox->path) > SANDBOX_PATH_BYTES_MAX) {
        err = ERR_INVALID;
    } else {
        (void)clock_gettime(CLOCK_REALTIME, &now);
        making.now = (struct wall_ms){(uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000};
        err = make_all(&making);
    }
    if (err != ERR_OK) {
        file_remove_tree(path);
    }
    secret_destroy(&making.root_key);
    free(making.sandbox);
    return err;
}
