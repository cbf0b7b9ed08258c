/* sandbox.c - griot sandbox: a whole region on this machine. */
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/cli/text.h"
#include "node/fleet.h"
#include "node/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

enum {
    POLL_MS = 20,
    UP_MS_MAX = 60000,    /* 26 nodes on a slow disk, with room */
    DOWN_MS_MAX = 10000,  /* then SIGKILL: a node loses nothing by it */
    APPLY_MS_MAX = 3000,  /* the relay answers within a millisecond when it runs */
    ASK_MS = 5000,
};

static void pause_ms(long ms)
{
    struct timespec time = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&time, NULL);
}

static int64_t now_ms(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int sandbox_read(const struct invocation *invocation, struct sandbox **ret)
{
    const char *folder = invocation->operands[0];
    char what[512];
    enum err err = sandbox_open(folder, ret);

    if (err == ERR_OK) {
        return OUTCOME_DONE;
    }
    (void)snprintf(what, sizeof what, _("%s is no sandbox"), folder);
    if (err == ERR_NOT_FOUND) {
        return fail_because(invocation, err, what, _("it was not made by griot sandbox create"), _("make one: griot sandbox create DIR; or check the path"));
    }
    if (err == ERR_CORRUPT) {
        return fail_because(invocation, err, what, _("its plan, root/sandbox, is damaged"), _("remove the folder and make a new one: a sandbox holds nothing worth saving"));
    }
    return fail(invocation, err, _("the sandbox %s cannot be read"), folder);
}

/* One `up` or `down` at a time; released when the process ends. -1 when it cannot be had. */
static int lock_take(const struct sandbox *sandbox)
{
    char path[PATH_MAX];
    int fd = open(sandbox_root(sandbox, "lock", path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);

    if (fd >= 0 && flock(fd, LOCK_EX) != 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

/* ---- create ---- */

static void on_progress(void *arg, uint32_t done, uint32_t total, const char *name)
{
    progress(arg, done * 4 / total, _("%u of %u homes: %s"), done, total, name); /* four lines where there is no terminal */
}

/* "24", or "sn,gm,gw,cm". `text` is cut up. */
static bool edges_read(char *text, const char *ret[SANDBOX_EDGES_MAX + 2])
{
    char *end = NULL, *save = NULL;
    unsigned long count = strtoul(text, &end, 10);
    size_t n = 0;

    if (text[0] >= '0' && text[0] <= '9' && *end == '\0') {
        for (; n < count && n < SANDBOX_EDGES_MAX; n++) {
            ret[n] = sandbox_edges[n];
        }
        ret[n] = NULL;
        return count <= SANDBOX_EDGES_MAX;
    }
    for (char *name = strtok_r(text, ",", &save); name != NULL; name = strtok_r(NULL, ",", &save)) {
        bool is_known = false;

        for (size_t i = 0; sandbox_edges[i] != NULL; i++) {
            is_known = is_known || strcmp(sandbox_edges[i], name) == 0;
        }
        for (size_t i = 0; i < n; i++) {
            is_known = is_known && strcmp(ret[i], name) != 0;
        }
        if (!is_known || n == SANDBOX_EDGES_MAX) {
            return false;
        }
        ret[n++] = name;
    }
    ret[n] = NULL;
    return n > 0;
}

static int explain_create(const struct invocation *invocation, enum err err)
{
    char what[512];

    (void)snprintf(what, sizeof what, _("no sandbox was made in %s"), invocation->operands[0]);
    switch ((int)err) {
    case ERR_EXISTS:
        return fail_because(invocation, err, what, _("the folder exists and is not empty"), _("name a new folder, or start the sandbox that is there: griot sandbox up DIR"));
    case ERR_NOT_FOUND:
        return fail_because(invocation, err, what, _("its parent folder does not exist"), _("make it first"));
    case ERR_INVALID:
        return fail_because(invocation, err, what, _("its absolute path is longer than 200 bytes"), _("choose a folder nearer to the root, such as /tmp/region"));
    case ERR_BUSY:
        return fail_because(invocation, err, what, _("too few ports between 20000 and 32767 are free on this machine"), _("stop other sandboxes (griot sandbox down DIR) and try again"));
    default:
        return fail_because(invocation, err, what, NULL, NULL);
    }
}

static int run_create(struct invocation *invocation)
{
    const char *edges[SANDBOX_EDGES_MAX + 2];
    const char *asked = option_text(invocation, "edges");
    struct sandbox_plan plan = {.edges = edges, .progress = on_progress, .arg = invocation};
    char *text = strdup(asked != NULL ? asked : "24");
    uint64_t hubs;
    int outcome;
    enum err err;

    if (text == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("no sandbox was made"));
    }
    if (!option_number(invocation, "hubs", 1, SANDBOX_HUBS_MAX, 2, &hubs)) {
        outcome = OUTCOME_USAGE;
    } else if (!edges_read(text, edges)) {
        outcome = fail_because(invocation, ERR_USAGE, _("which edges?"), _("it is a number from 0 to 24, or codes such as sn,gm,gw,cm, each once"),
                               "bj bf cv ci gm gh gn gw lr ml mr ne ng sn sl tg cm cf td cg cd gq ga st");
    } else {
        plan.hubs = (uint32_t)hubs;
        err = sandbox_create(invocation->operands[0], &plan);
        progress_end(invocation);
        outcome = err == ERR_OK ? OUTCOME_DONE : explain_create(invocation, err);
        if (err == ERR_OK) {
            tell(invocation, _("The region is made. Next: griot sandbox up %s"), invocation->operands[0]);
        }
    }
    free(text);
    return outcome;
}

/* ---- up ---- */

/* The relay must stand before the nodes dial; a word from it means that its ports are bound. */
static int wire_up(const struct invocation *invocation, const struct sandbox *sandbox, const struct fleet *fleet)
{
    char path[PATH_MAX], words[512];
    int64_t until = now_ms() + APPLY_MS_MAX;
    pid_t pid = 0;
    enum err err;

    if (fleet->wire > 0) {
        return OUTCOME_DONE;
    }
    (void)unlink(sandbox_root(sandbox, "wire.cut", path));
    err = fleet_start(sandbox, FLEET_WIRE, &pid);
    if (err != ERR_OK) {
        return fail(invocation, err, "%s", _("the relay of the sandbox cannot be started"));
    }
    /* Until the child has become the relay its command line is still ours: it is gone only once the kernel says so. */
    while (access(path, F_OK) != 0) {
        if (now_ms() > until || (kill(pid, 0) != 0 || (now_ms() > until - APPLY_MS_MAX + 200 && !fleet_is_running(sandbox, FLEET_WIRE, pid)))) {
            return fail_because(invocation, ERR_UNREACHABLE, _("the relay of the sandbox does not start"), fleet_last_words(sandbox, FLEET_WIRE, words, sizeof words),
                                fleet_log(sandbox, FLEET_WIRE, path));
        }
        pause_ms(2);
    }
    return OUTCOME_DONE;
}

static int explain_node(const struct invocation *invocation, const struct sandbox *sandbox, size_t at, bool is_gone)
{
    char what[256], words[512], path[PATH_MAX + 64];
    char log[PATH_MAX];

    (void)snprintf(what, sizeof what, is_gone ? _("%s ended right after its start") : _("%s does not answer"), sandbox->nodes[at].name);
    (void)snprintf(path, sizeof path, _("its log: %s; then run up again, which starts only what is not running"), fleet_log(sandbox, at, log));
    return fail_because(invocation, ERR_UNREACHABLE, what, fleet_last_words(sandbox, at, words, sizeof words), path);
}

struct waiting {
    pid_t pid;
    bool is_started; /* by us */
    bool is_up;
};

/* Wait until each answers. All are waited for before the first that does not is named. */
static int nodes_await(const struct invocation *invocation, const struct sandbox *sandbox, struct waiting *waiting)
{
    int64_t begin = now_ms(), until = begin + UP_MS_MAX;
    size_t left = sandbox->node_count, bad = SIZE_MAX;
    bool is_gone = false;

    while (left > 0 && now_ms() < until) {
        left = 0;
        for (size_t i = 0; i < sandbox->node_count; i++) {
            json_t *status = waiting[i].is_up ? NULL : fleet_ask(sandbox, i, ASK_MS);

            waiting[i].is_up = waiting[i].is_up || status != NULL;
            json_decref(status);
            if (waiting[i].is_up || waiting[i].pid == 0) {
                continue;
            }
            /* A child that has not become the node yet has our command line: give it a moment. */
            if (now_ms() - begin > 1000 && !fleet_is_running(sandbox, i, waiting[i].pid)) {
                waiting[i].pid = 0;
                bad = bad == SIZE_MAX ? i : bad;
                is_gone = is_gone || bad == i;
                continue;
            }
            left++;
        }
        if (left > 0) {
            progress(invocation, 0, _("%zu of %zu nodes answer"), sandbox->node_count - left, sandbox->node_count);
            pause_ms(POLL_MS);
        }
    }
    progress_end(invocation);
    for (size_t i = 0; i < sandbox->node_count && bad == SIZE_MAX; i++) {
        bad = waiting[i].is_up ? bad : i;
    }
    return bad == SIZE_MAX ? OUTCOME_DONE : explain_node(invocation, sandbox, bad, is_gone);
}

static int nodes_up(const struct invocation *invocation, const struct sandbox *sandbox, const struct fleet *fleet, size_t *ret_started)
{
    struct waiting *waiting = calloc(sandbox->node_count, sizeof *waiting);
    int outcome = OUTCOME_DONE;

    *ret_started = 0;
    if (waiting == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", _("the nodes cannot be started"));
    }
    for (size_t i = 0; i < sandbox->node_count && outcome == OUTCOME_DONE; i++) {
        waiting[i].pid = fleet->nodes[i];
        if (waiting[i].pid == 0) {
            enum err err = fleet_start(sandbox, i, &waiting[i].pid);

            outcome = err == ERR_OK ? OUTCOME_DONE : fail(invocation, err, _("%s cannot be started"), sandbox->nodes[i].name);
            (*ret_started)++;
        }
    }
    if (outcome == OUTCOME_DONE) {
        outcome = nodes_await(invocation, sandbox, waiting);
    }
    free(waiting);
    return outcome;
}

static int run_up(struct invocation *invocation)
{
    struct sandbox *sandbox = NULL;
    struct fleet fleet;
    size_t started = 0;
    int lock = -1;
    int outcome = sandbox_read(invocation, &sandbox);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    lock = lock_take(sandbox);
    if (lock < 0 || fleet_find(sandbox, &fleet) != ERR_OK) {
        outcome = fail(invocation, ERR_IO, _("the sandbox %s cannot be started"), sandbox->path);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = wire_up(invocation, sandbox, &fleet);
    }
    if (outcome == OUTCOME_DONE) {
        outcome = nodes_up(invocation, sandbox, &fleet, &started);
    }
    if (outcome == OUTCOME_DONE) {
        tell(invocation, _("%zu nodes are up, %zu of them started now. Next: griot sandbox status %s"), sandbox->node_count, started, invocation->operands[0]);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    free(sandbox);
    return outcome;
}

/* ---- down ---- */

/* Wait until none runs, at most `ms`; which of them are left is written to `fleet`. */
static bool nodes_gone(const struct sandbox *sandbox, struct fleet *fleet, int64_t ms)
{
    int64_t until = now_ms() + ms;

    for (;;) {
        bool is_any = false;

        for (size_t i = 0; i < sandbox->node_count; i++) {
            if (fleet->nodes[i] > 0 && !fleet_is_running(sandbox, i, fleet->nodes[i])) {
                fleet->nodes[i] = 0;
            }
            is_any = is_any || fleet->nodes[i] > 0;
        }
        if (!is_any || now_ms() > until) {
            return !is_any;
        }
        pause_ms(POLL_MS);
    }
}

static void nodes_signal(const struct sandbox *sandbox, const struct fleet *fleet, int signal)
{
    for (size_t i = 0; i < sandbox->node_count; i++) {
        fleet_signal(sandbox, i, fleet->nodes[i], signal);
    }
}

static void wire_down(const struct sandbox *sandbox, pid_t pid)
{
    int64_t until = now_ms() + DOWN_MS_MAX;

    fleet_signal(sandbox, FLEET_WIRE, pid, SIGTERM);
    while (pid > 0 && fleet_is_running(sandbox, FLEET_WIRE, pid)) {
        if (now_ms() > until) {
            fleet_signal(sandbox, FLEET_WIRE, pid, SIGKILL);
        }
        pause_ms(POLL_MS);
    }
}

static int run_down(struct invocation *invocation)
{
    struct sandbox *sandbox = NULL;
    struct fleet fleet;
    size_t killed = 0;
    int lock;
    int outcome = sandbox_read(invocation, &sandbox);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    lock = lock_take(sandbox);
    if (lock < 0 || fleet_find(sandbox, &fleet) != ERR_OK) {
        outcome = fail(invocation, ERR_IO, _("the sandbox %s cannot be stopped"), sandbox->path);
    } else {
        nodes_signal(sandbox, &fleet, SIGTERM);
        if (!nodes_gone(sandbox, &fleet, DOWN_MS_MAX)) {
            for (size_t i = 0; i < sandbox->node_count; i++) {
                killed += fleet.nodes[i] > 0;
            }
            nodes_signal(sandbox, &fleet, SIGKILL);
            (void)nodes_gone(sandbox, &fleet, DOWN_MS_MAX);
        }
        wire_down(sandbox, fleet.wire); /* last: the nodes take leave of each other through it */
        if (killed > 0) {
            tell(invocation, _("%zu nodes did not stop within 10 s and were killed; nothing acknowledged is lost"), killed);
        }
        tell(invocation, _("The sandbox is down. Its records stay: griot sandbox up %s"), invocation->operands[0]);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    free(sandbox);
    return outcome;
}

/* ---- status ---- */

static json_t *node_json(const struct sandbox *sandbox, size_t at, const struct fleet *fleet)
{
    const struct sandbox_node *node = &sandbox->nodes[at];
    json_t *status = fleet->nodes[at] > 0 ? fleet_ask(sandbox, at, ASK_MS) : NULL;
    char home[PATH_MAX];

    return json_pack("{s:s, s:s, s:s, s:o, s:b, s:b, s:b, s:o}", "name", node->name, "role", node->role == ROLE_HUB ? "hub" : "edge", "home",
                     sandbox_home(sandbox, node->name, home), "pid", fleet->nodes[at] > 0 ? json_integer(fleet->nodes[at]) : json_null(), "up", fleet->nodes[at] > 0, "cut",
                     sandbox_is_cut(sandbox, node->name), "guest", node->is_guest, "status", status != NULL ? status : json_null());
}

/* What each node lacks: by its own knowledge, or, of entries that any node of the sandbox holds, by what is seen from outside. A node that is cut off
 * cannot know the latter. */
static void nodes_compare(const json_t *nodes)
{
    uint64_t most = 0;
    json_t *node;
    size_t i;

    json_array_foreach(nodes, i, node)
    {
        uint64_t entries = 0;
        (void)reply_number(json_object_get(node, "status"), "entries", &entries);
        most = entries > most ? entries : most;
    }
    json_array_foreach(nodes, i, node)
    {
        const json_t *status = json_object_get(node, "status");
        uint64_t entries = 0, missing = 0;
        bool is_known = reply_number(status, "entries", &entries) && reply_number(json_object_get(status, "missing"), "total", &missing);

        missing = most - entries > missing ? most - entries : missing;
        (void)json_object_set_new(node, "missing", is_known ? json_integer((json_int_t)missing) : json_null());
    }
}

static void status_row(struct table *table, const json_t *node)
{
    const json_t *status = json_object_get(node, "status");
    bool is_up = json_is_true(json_object_get(node, "up")), is_cut = json_is_true(json_object_get(node, "cut"));
    char number[TEXT_NUMBER_BYTES], digest[13];
    uint64_t missing = 0;

    table_cell(table, PAINT_NONE, reply_string(node, "name"));
    table_cell(table, PAINT_NONE, role_word(reply_string(node, "role")));
    if (!is_up) {
        table_cell(table, PAINT_BAD, is_cut ? _("stopped, cut off") : _("stopped"));
    } else if (json_is_null(status)) {
        table_cell(table, PAINT_BAD, _("no answer"));
    } else {
        table_cell(table, is_cut ? PAINT_WARN : PAINT_GOOD, is_cut ? _("cut off") : _("running"));
    }
    table_cell(table, PAINT_NONE, reply_count(number, status, "records"));
    if (reply_number(node, "missing", &missing)) {
        size_t unknown = json_array_size(json_object_get(json_object_get(status, "missing"), "unknown"));
        char text[TEXT_NUMBER_BYTES + 2];

        (void)snprintf(text, sizeof text, "%s%s", text_count(number, missing), unknown > 0 ? "+?" : "");
        table_cell(table, missing > 0 ? PAINT_WARN : PAINT_NONE, text);
    } else {
        table_cell(table, PAINT_NONE, "?");
    }
    (void)snprintf(digest, sizeof digest, "%s", reply_string(status, "heads_digest"));
    table_cell(table, PAINT_FAINT, digest);
}

static void status_print(const struct invocation *invocation, const json_t *nodes)
{
    struct table *table = table_new(invocation->is_color);
    const json_t *node;
    size_t i;

    if (table == NULL) {
        return;
    }
    table_column(table, _("NODE"), false);
    table_column(table, _("ROLE"), false);
    table_column(table, _("STATE"), false);
    table_column(table, _("RECORDS"), true);
    table_column(table, _("MISSING"), true);
    table_column(table, _("HEADS"), false);
    json_array_foreach(nodes, i, node) { status_row(table, node); }
    table_print(table, stdout, "");
    table_destroy(&table);
}

static int run_status(struct invocation *invocation)
{
    struct sandbox *sandbox = NULL;
    struct fleet fleet;
    json_t *answer, *nodes;
    int outcome = sandbox_read(invocation, &sandbox);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (fleet_find(sandbox, &fleet) != ERR_OK) {
        free(sandbox);
        return fail(invocation, ERR_IO, "%s", _("the processes of this machine cannot be listed"));
    }
    nodes = json_array();
    for (size_t i = 0; i < sandbox->node_count; i++) {
        (void)json_array_append_new(nodes, node_json(sandbox, i, &fleet));
    }
    nodes_compare(nodes);
    if (invocation->is_json) {
        answer = output_new("griot.sandbox/1", NULL);
        (void)json_object_set_new(answer, "folder", json_string(sandbox->path));
        (void)json_object_set_new(answer, "wire", json_pack("{s:o, s:b}", "pid", fleet.wire > 0 ? json_integer(fleet.wire) : json_null(), "up", fleet.wire > 0));
        (void)json_object_set(answer, "nodes", nodes);
        outcome = output_json(answer);
        json_decref(answer);
    } else {
        status_print(invocation, nodes);
        if (fleet.wire == 0) {
            tell(invocation, _("The relay is not running: no node reaches another. Next: griot sandbox up %s"), invocation->operands[0]);
        }
    }
    json_decref(nodes);
    free(sandbox);
    return outcome;
}

/* ---- cut, heal ---- */

static int node_choose(const struct invocation *invocation, const struct sandbox *sandbox)
{
    const char *name = invocation->operands[1];
    const struct sandbox_node *node = sandbox_find(sandbox, name);
    char what[256], names[1024];
    size_t used = 0;

    if (node != NULL && !node->is_guest) {
        return OUTCOME_DONE;
    }
    names[0] = '\0';
    for (size_t i = 0; i < sandbox->node_count && used < sizeof names; i++) {
        if (!sandbox->nodes[i].is_guest) {
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used > 0 ? " " : "", sandbox->nodes[i].name);
        }
    }
    if (node != NULL) {
        (void)snprintf(what, sizeof what, _("%s has no cable of its own here"), name);
        return fail_because(invocation, ERR_NOT_FOUND, what, _("it was not made with the sandbox; its links share the hubs' guest ports"), names);
    }
    (void)snprintf(what, sizeof what, _("no node of this sandbox is called %s"), name);
    return fail_because(invocation, ERR_NOT_FOUND, what, _("these are its nodes"), names);
}

static int run_cable(struct invocation *invocation, bool is_cut)
{
    const char *name = invocation->operands[1];
    struct sandbox *sandbox = NULL;
    struct fleet fleet = {0};
    int64_t until = now_ms() + APPLY_MS_MAX;
    bool was_cut;
    int outcome = sandbox_read(invocation, &sandbox);
    enum err err;

    if (outcome == OUTCOME_DONE) {
        outcome = node_choose(invocation, sandbox);
    }
    if (outcome != OUTCOME_DONE) {
        free(sandbox);
        return outcome;
    }
    was_cut = sandbox_is_cut(sandbox, name);
    err = sandbox_cut(sandbox, name, is_cut);
    if (err != ERR_OK || fleet_find(sandbox, &fleet) != ERR_OK) {
        outcome = fail(invocation, err != ERR_OK ? err : ERR_IO, is_cut ? _("%s was not cut") : _("%s was not healed"), name);
    } else if (fleet.wire == 0) {
        tell(invocation, _("The relay is not running; this holds from the next griot sandbox up."));
    } else {
        while (!sandbox_is_applied(sandbox, name, is_cut) && now_ms() < until) {
            pause_ms(1);
        }
        if (!sandbox_is_applied(sandbox, name, is_cut)) {
            outcome = fail_because(invocation, ERR_UNREACHABLE, _("the relay does not answer"), _("it has not said that it did as told"), _("griot sandbox down DIR, then up again"));
        }
    }
    if (outcome == OUTCOME_DONE && was_cut == is_cut) {
        tell(invocation, is_cut ? _("%s is cut already.") : _("%s is not cut."), name);
    } else if (outcome == OUTCOME_DONE) {
        tell(invocation, is_cut ? _("%s is cut off; neither it nor its peers were told.") : _("%s is connected again; what was held flows."), name);
    }
    free(sandbox);
    return outcome;
}

static int run_cut(struct invocation *invocation) { return run_cable(invocation, true); }

static int run_heal(struct invocation *invocation) { return run_cable(invocation, false); }

/* ---- wire ---- */

static int stop_open(void)
{
    sigset_t stop;

    (void)sigemptyset(&stop);
    (void)sigaddset(&stop, SIGTERM);
    (void)sigaddset(&stop, SIGINT);
    if (sigprocmask(SIG_BLOCK, &stop, NULL) != 0) {
        return -1;
    }
    return signalfd(-1, &stop, SFD_CLOEXEC);
}

static void pid_write(const struct sandbox *sandbox)
{
    char path[PATH_MAX];
    FILE *file = fopen(sandbox_root(sandbox, "wire.pid", path), "we");

    if (file != NULL) {
        (void)fprintf(file, "%ld\n", (long)getpid());
        (void)fclose(file);
    }
}

static int explain_wire(const struct invocation *invocation, const struct sandbox *sandbox, enum err err, size_t at)
{
    char what[256];

    if (err == ERR_BUSY && at < sandbox->port_count) {
        const struct wire_port *port = &sandbox->ports[at];

        (void)snprintf(what, sizeof what, _("port %u, between %s and %s, is in use by another program"), port->port, port->dialler, port->listener);
        return fail_because(invocation, err, what, _("the ports of a sandbox are fixed when it is made"), _("stop that program (ss -ltnp shows it), or make a new sandbox"));
    }
    return fail(invocation, err, "%s", _("the relay cannot run"));
}

static int run_wire(struct invocation *invocation)
{
    struct rlimit files;
    struct sandbox *sandbox = NULL;
    struct wire *wire = NULL;
    char cuts[PATH_MAX], applied[PATH_MAX], pid[PATH_MAX];
    size_t at = SIZE_MAX;
    int outcome = sandbox_read(invocation, &sandbox);
    int stop;
    enum err err;

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max; /* best effort; without it diallers wait */
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    stop = stop_open();
    err = stop < 0 ? ERR_IO : wire_new(sandbox->ports, sandbox->port_count, sandbox_root(sandbox, "cut", cuts), sandbox_root(sandbox, "wire.cut", applied), &wire, &at);
    if (err == ERR_OK) {
        pid_write(sandbox);
        err = wire_run(wire, stop);
        (void)unlink(sandbox_root(sandbox, "wire.pid", pid));
    }
    outcome = err == ERR_OK ? OUTCOME_DONE : explain_wire(invocation, sandbox, err, at);
    wire_destroy(&wire);
    if (stop >= 0) {
        (void)close(stop);
    }
    free(sandbox);
    return outcome;
}

/* ---- table ---- */

static const struct option_row create_options[] = {
    {"hubs", 0, "N", N_("hubs, 1 to 8 (default 2: rilo-dakar, rilo-douala)"), COMPLETES_NOTHING},
    {"edges", 'e', "N|CODES", N_("edges: how many of the 24, or which, as sn,gm,gw,cm (default 24)"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row create_examples[] = {
    {"griot sandbox create /tmp/region --edges sn,gm,gw,cm", N_("two hubs and four edges")},
    {NULL, NULL},
};
static const struct command command_sandbox_create = {
    .name = "create",
    .usage = "DIR [--hubs N] [--edges N|CODES]",
    .summary = N_("make a region on this machine: root keys, homes, roster"),
    .details = N_("DIR holds a home for each node, DIR/NAME, which every command takes with -H, and the root. Ports are chosen now and kept. The homes are real: nothing in a node knows that "
                  "it is in a sandbox, but for faster timings in the roster."),
    .options = create_options,
    .examples = create_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_create,
};

static const struct example_row up_examples[] = {{"griot sandbox up /tmp/region", N_("start it")}, {NULL, NULL}};
static const struct command command_sandbox_up = {
    .name = "up",
    .usage = "DIR",
    .summary = N_("start every node of a sandbox, and the cable between them"),
    .details = N_("Starts only what is not running, so it may be repeated after a crash, and waits until every node answers. Each node is a process of its own, griot -H DIR/NAME run, and writes "
                  "DIR/NAME/log.txt. A home made in DIR by griot init is started too, as a guest."),
    .examples = up_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_up,
};

static const struct example_row down_examples[] = {{"griot sandbox down /tmp/region", N_("stop it; its records stay")}, {NULL, NULL}};
static const struct command command_sandbox_down = {
    .name = "down",
    .usage = "DIR",
    .summary = N_("stop a sandbox; its records stay"),
    .details = N_("Asks every node to stop, kills those that have not after 10 s, and stops the relay last."),
    .examples = down_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_down,
};

static const struct example_row status_examples[] = {{"griot sandbox status /tmp/region", N_("who is up, who is cut off, who lacks what")}, {NULL, NULL}};
static const struct command command_sandbox_status = {
    .name = "status",
    .usage = "DIR",
    .summary = N_("show every node of a sandbox"),
    .details = N_("Equal HEADS on two nodes mean that they hold the same records. With --json each node's own status is included; it is null when the node does not answer."),
    .examples = status_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_status,
};

static const struct example_row cut_examples[] = {{"griot sandbox cut /tmp/region gw", N_("cut gw off")}, {NULL, NULL}};
static const struct command command_sandbox_cut = {
    .name = "cut",
    .usage = "DIR NODE",
    .summary = N_("pull a node's cable"),
    .details = N_("No byte passes in either direction, nothing is closed, and nobody is told: as when a cable is pulled. It works also while the node or the whole sandbox is down, and "
                  "holds until griot sandbox heal."),
    .examples = cut_examples,
    .operands_min = 2,
    .operands_max = 2,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_HOMELESS,
    .run = run_cut,
};

static const struct example_row heal_examples[] = {{"griot sandbox heal /tmp/region gw", N_("put gw's cable back")}, {NULL, NULL}};
static const struct command command_sandbox_heal = {
    .name = "heal",
    .usage = "DIR NODE",
    .summary = N_("put a node's cable back"),
    .details = N_("What was held on the way flows, and connections that were tried meanwhile are answered."),
    .examples = heal_examples,
    .operands_min = 2,
    .operands_max = 2,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_HOMELESS,
    .run = run_heal,
};

static const struct example_row wire_examples[] = {{"griot sandbox wire /tmp/region", N_("in the foreground; up does this")}, {NULL, NULL}};
static const struct command command_sandbox_wire = {
    .name = "wire",
    .usage = "DIR",
    .summary = N_("run the relay between the nodes; up does this"),
    .examples = wire_examples,
    .operands_min = 1,
    .operands_max = 1,
    .completes = COMPLETES_FOLDER,
    .flags = COMMAND_HIDDEN | COMMAND_LONG | COMMAND_HOMELESS,
    .run = run_wire,
};

static const struct command *const subcommands[] = {
    &command_sandbox_create, &command_sandbox_up, &command_sandbox_down, &command_sandbox_status, &command_sandbox_cut, &command_sandbox_heal, &command_sandbox_wire, NULL,
};
static const struct example_row examples[] = {
    {"griot sandbox create /tmp/region --edges sn,gm,gw,cm", N_("two hubs and four edges")},
    {"griot sandbox up /tmp/region", N_("start it")},
    {"griot sandbox cut /tmp/region gw", N_("cut gw off")},
    {NULL, NULL},
};

const struct command command_sandbox = {
    .name = "sandbox",
    .usage = "create|up|down|status|cut|heal DIR ...",
    .summary = N_("run a whole region on this machine, to learn, to train, to test"),
    .details = N_("Two hubs and up to 24 edges, each a real node in a process of its own, joined by cables that can be pulled. Nothing in it leaves the machine."),
    .examples = examples,
    .subcommands = subcommands,
    .flags = COMMAND_HOMELESS,
};
