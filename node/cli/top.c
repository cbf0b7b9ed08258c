/* top.c - griot top: status, peers and lag on a screen that keeps itself up to date. It draws what the other commands print, so that a word means the
 * same everywhere; what does not fit is cut, and the keys say how to see it. Nothing is asked more than once a second, and nothing while it is paused. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"
#include "node/control.h"

#include <ncurses.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

enum { INTERVAL_S_DEFAULT = 2, INTERVAL_S_MAX = 3600, KEY_WAIT_MS = 250, ROW_CHARS_MAX = 1024 };

enum page { PAGE_PEERS, PAGE_LAG };

struct screen {
    const struct invocation *invocation;
    struct client *client; /* NULL while the node does not answer */
    enum page page;
    bool is_paused;
    int scrolled; /* rows of the lower part that are above the screen */
    json_t *status, *lower; /* the last answers, NULL: none yet */
};

/* ---- asking ---- */

/* Only a running node is shown: to answer without it this process would have to take the home's lock, and keep the node from starting. */
static bool is_running(const struct invocation *invocation)
{
    int fd = control_connect(invocation->home);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static void keep(json_t **slot, json_t *answer)
{
    if (answer != NULL) {
        json_decref(*slot);
        *slot = answer;
    }
}

static json_t *call(struct screen *screen, const char *name)
{
    json_t *request = json_pack("{s:s}", "do", name), *result = NULL;
    enum err err = screen->client != NULL && request != NULL ? client_call(screen->client, request, NULL, NULL, &result) : ERR_UNREACHABLE;

    json_decref(request);
    if (err == ERR_UNREACHABLE && screen->client != NULL) {
        client_close(&screen->client);
    }
    if (err != ERR_OK) {
        json_decref(result);
        return NULL;
    }
    return result;
}

static void refresh_answers(struct screen *screen)
{
    static const char *const names[] = {"peers", "lag"};

    if (screen->client == NULL && (!is_running(screen->invocation) || client_open(screen->invocation->home, &screen->client) != ERR_OK)) {
        return; /* what was known last stays on the screen, and is said to be old */
    }
    if (!client_is_daemon(screen->client)) { /* it stopped in between */
        client_close(&screen->client);
        return;
    }
    keep(&screen->status, call(screen, "status"));
    keep(&screen->lower, call(screen, names[screen->page]));
}

/* ---- drawing ---- */

/* One line of UTF-8 at a row, cut at the right edge. */
static void put_line(int row, attr_t look, const char *line, size_t n)
{
    char bytes[4 * ROW_CHARS_MAX];
    wchar_t wide[ROW_CHARS_MAX];
    int columns = 0;

    n = n < sizeof bytes - 1 ? n : sizeof bytes - 1;
    memcpy(bytes, line, n);
    bytes[n] = '\0';
    size_t count = mbstowcs(wide, bytes, ROW_CHARS_MAX - 1);
    if (count == (size_t)-1) {
        return;
    }
    size_t fit = 0;
    while (fit < count) {
        int width = wcwidth(wide[fit]);
        if (columns + (width > 0 ? width : 0) > COLS) {
            break;
        }
        columns += width > 0 ? width : 0;
        fit++;
    }
    (void)attr_set(look, 0, NULL);
    (void)mvaddnwstr(row, 0, wide, (int)fit);
    (void)attr_set(A_NORMAL, 0, NULL);
}

/* Lines of `text` from `skip` on, in rows from..to - 1. Returns how many lines there are. */
static int put_text(const char *text, int skip, int from, int to)
{
    int count = 0;

    while (*text != '\0') {
        size_t n = strcspn(text, "\n");
        if (count >= skip && from + count - skip < to) {
            put_line(from + count - skip, A_NORMAL, text, n);
        }
        count++;
        text += n + (text[n] == '\n');
    }
    return count;
}

static void draw_status(FILE *to, const struct screen *screen) { render_status(to, screen->status, false); }

static void draw_lower(FILE *to, const struct screen *screen)
{
    const char *schema = reply_string(screen->lower, "schema");

    if (strncmp(schema, "griot.lag/", 10) == 0) {
        render_lag(to, screen->lower, (size_t)COLS, false, false);
    } else {
        (void)render_peers(to, screen->lower, NULL, false);
    }
}

/* What a drawing function prints, as one text: free() it. NULL when memory runs out. */
static char *text_of(void (*draw)(FILE *to, const struct screen *screen), const struct screen *screen)
{
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);

    if (to == NULL) {
        return NULL;
    }
    draw(to, screen);
    if (fclose(to) != 0) {
        free(text);
        return NULL;
    }
    return text;
}

static void draw(struct screen *screen)
{
    int row = 0, last = LINES - 1;
    char bar[ROW_CHARS_MAX];

    (void)erase();
    if (screen->status != NULL) {
        char *text = text_of(draw_status, screen);
        int most = LINES / 2 > 11 ? LINES / 2 : 11; /* status is ten lines; many warnings must not push the peers off the screen */
        if (text != NULL) {
            int count = put_text(text, 0, 0, most < last ? most : last);
            row = (count < most ? count : most) + 1;
        }
        free(text);
    }
    if (screen->lower != NULL && row < last) {
        char *text = text_of(draw_lower, screen);
        if (text != NULL) {
            int count = put_text(text, screen->scrolled, row, last);
            int most = count - (last - row);
            screen->scrolled = screen->scrolled > most ? (most > 0 ? most : 0) : screen->scrolled;
        }
        free(text);
    }
    (void)snprintf(bar, sizeof bar, "%s%s%s", _("q quit   p pause   l lag   n peers   arrows scroll"), screen->is_paused ? "   " : "", screen->is_paused ? _("PAUSED") : "");
    if (screen->client == NULL) {
        (void)snprintf(bar, sizeof bar, "%s", screen->status != NULL ? _("the node does not answer: what is shown is what it said last   q quit") : _("the node does not answer   q quit"));
    }
    put_line(last, A_REVERSE, bar, strlen(bar));
    (void)refresh();
}

/* ---- keys ---- */

/* Returns false to quit; *ret_ask: something else is to be shown. */
static bool take_key(struct screen *screen, int key, bool *ret_ask)
{
    enum page page = screen->page;

    switch (key) {
    case 'q':
    case 'Q':
    case 27:
        return false;
    case 'p':
    case ' ':
        screen->is_paused = !screen->is_paused;
        break;
    case 'l':
        page = PAGE_LAG;
        break;
    case 'n':
        page = PAGE_PEERS;
        break;
    case KEY_DOWN:
    case 'j':
        screen->scrolled++;
        break;
    case KEY_UP:
    case 'k':
        screen->scrolled -= screen->scrolled > 0;
        break;
    default:
        break;
    }
    if (page != screen->page) {
        screen->page = page;
        screen->scrolled = 0;
        *ret_ask = true;
    }
    return true;
}

static void watch(struct screen *screen, uint64_t interval_s)
{
    uint64_t waited_ms = 0;
    bool is_first = true;

    timeout(KEY_WAIT_MS);
    for (;;) {
        bool is_asked = is_first || (!screen->is_paused && waited_ms >= interval_s * 1000);
        if (is_asked) {
            refresh_answers(screen);
            waited_ms = 0;
            is_first = false;
        }
        draw(screen);
        int key = getch();
        if (key == ERR) {
            waited_ms += KEY_WAIT_MS;
            continue;
        }
        bool wants = false;
        if (!take_key(screen, key, &wants)) {
            return;
        }
        is_first = wants;
    }
}

static int run_top(struct invocation *invocation)
{
    struct screen screen = {.invocation = invocation};
    uint64_t interval_s;

    if (!option_number(invocation, "interval", 1, INTERVAL_S_MAX, INTERVAL_S_DEFAULT, &interval_s)) {
        return OUTCOME_USAGE;
    }
    if (invocation->is_json || !isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
        return fail_because(invocation, ERR_USAGE, _("top needs a terminal"), NULL, _("for programs: griot status --json, or griot check"));
    }
    if (!is_running(invocation)) {
        return fail_because(invocation, ERR_UNREACHABLE, _("top shows a running node, and this one does not run"), NULL, _("griot status answers also while it is stopped"));
    }
    if (initscr() == NULL) {
        return fail_because(invocation, ERR_IO, _("the terminal cannot be used"), getenv("TERM"), _("set TERM to the kind of your terminal"));
    }
    (void)cbreak();
    (void)noecho();
    (void)curs_set(0);
    (void)keypad(stdscr, TRUE);
    watch(&screen, interval_s);
    (void)endwin();
    client_close(&screen.client);
    json_decref(screen.status);
    json_decref(screen.lower);
    return OUTCOME_DONE;
}

static const struct option_row options[] = {
    {"interval", 0, "SECONDS", N_("how often to look; default 2"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot top", N_("this node and its peers, always up to date; q quits")},
    {NULL, NULL},
};

const struct command command_top = {
    .name = "top",
    .usage = "[--interval SECONDS]",
    .summary = N_("watch this node on the whole screen"),
    .details = N_("Status above, peers below, problems last; l shows how far every node is by origin. It needs a terminal of 80 columns and 24 lines or more."),
    .options = options,
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_top,
};
