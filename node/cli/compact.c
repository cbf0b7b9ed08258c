/* compact.c - griot compact: free pages, and what stands in them, given back to the disk. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/compaction.h"
#include "node/writer.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

enum { LOOK_MS = 50, STALL_MS = 60000 };

static void show_progress(const struct invocation *invocation, uint64_t done, uint64_t total)
{
    char done_text[TEXT_NUMBER_BYTES], total_text[TEXT_NUMBER_BYTES];

    if (done > 0) {
        progress(invocation, (uint32_t)(done >> 26), _("%s of at most %s copied"), text_bytes(done_text, done), text_bytes(total_text, total));
    }
}

static int print_done(const struct invocation *invocation, json_t *answer)
{
    char before[TEXT_NUMBER_BYTES], after[TEXT_NUMBER_BYTES], age[TEXT_NUMBER_BYTES];
    uint64_t bytes_before = 0, bytes_after = 0;
    int outcome = OUTCOME_DONE;

    progress_end(invocation);
    (void)reply_number(answer, "before", &bytes_before);
    (void)reply_number(answer, "after", &bytes_after);
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        (void)printf(_("compacted: %s before, %s now, %s"), text_bytes(before, bytes_before), text_bytes(after, bytes_after), reply_age(age, answer, "took_ms"));
        (void)putchar('\n');
        tell(invocation, _("What was erased or had expired stands in no file of this node any more. The search index is made anew; searches meanwhile say how far it is."));
    }
    json_decref(answer);
    return outcome;
}

/* ---- a node that runs ---- */

/* It answers again when it has compacted. *ret_answer: its last word. */
static enum err await_daemon(const struct invocation *invocation, uint64_t number, uint64_t total, json_t **ret_answer)
{
    uint64_t copied = 0, moved = mono_now().ms;

    for (;;) {
        struct client *client = NULL;
        uint64_t now = store_compacting(invocation->home);
        if (client_dial(invocation->home, &client) == ERR_OK) {
            json_t *request = json_pack("{s:s, s:I}", "do", "compact", "number", (json_int_t)number);
            enum err err = request != NULL ? client_call(client, request, NULL, NULL, ret_answer) : ERR_MEMORY;
            json_decref(request);
            client_close(&client);
            if (err != ERR_UNREACHABLE && (err != ERR_OK || strcmp(reply_string(*ret_answer, "state"), "done") == 0)) {
                return err;
            }
            json_decref(*ret_answer);
            *ret_answer = NULL;
        }
        if (now != copied) {
            copied = now;
            moved = mono_now().ms;
            show_progress(invocation, copied, total);
        }
        if (mono_now().ms - moved > STALL_MS) {
            return ERR_UNREACHABLE;
        }
        usleep(LOOK_MS * 1000);
    }
}

static int compact_daemon(const struct invocation *invocation, struct client **client)
{
    json_t *answer = NULL;
    uint64_t number = 0, total = 0;
    int outcome = ask_client(invocation, *client, json_pack("{s:s}", "do", "compact"), NULL, NULL, &answer);

    client_close(client);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    (void)reply_number(answer, "number", &number);
    (void)reply_number(answer, "before", &total);
    json_decref(answer);
    answer = NULL;
    enum err err = await_daemon(invocation, number, total, &answer);
    if (err == ERR_OK) {
        return print_done(invocation, answer);
    }
    progress_end(invocation);
    outcome = answer != NULL ? fail_answer(invocation, err, answer)
                             : fail_because(invocation, err, _("the node has not come back from compacting its store"), NULL, _("look at its log; nothing is lost: griot run, or systemctl start griot@NAME"));
    json_decref(answer);
    return outcome;
}

/* ---- a node that does not run ---- */

struct work {
    const char *home;
    struct compacted compacted;
    enum err err;
    atomic_bool is_done;
};

static void *work_main(void *arg)
{
    struct work *work = arg;

    work->err = compaction_run(work->home, &work->compacted);
    atomic_store(&work->is_done, true);
    return NULL;
}

static int compact_here(const struct invocation *invocation)
{
    struct work work = {.home = invocation->home};
    pthread_t thread;

    if (pthread_create(&thread, NULL, work_main, &work) != 0) {
        return fail(invocation, ERR_INTERNAL, "%s", _("the store was not compacted; nothing has changed"));
    }
    while (!atomic_load(&work.is_done)) {
        show_progress(invocation, store_compacting(invocation->home), work.compacted.size.bytes_before);
        usleep(LOOK_MS * 1000);
    }
    pthread_join(thread, NULL);
    if (work.err != ERR_OK) {
        progress_end(invocation);
        return fail_because(invocation, work.err, _("the store was not compacted; nothing has changed"), NULL,
                            work.err == ERR_FULL ? _("free as much disk as the store takes, and try again") : NULL);
    }
    json_t *answer = output_new("griot.compact/1", NULL);
    (void)json_object_set_new(answer, "state", json_string("done"));
    (void)json_object_set_new(answer, "before", json_integer((json_int_t)work.compacted.size.bytes_before));
    (void)json_object_set_new(answer, "after", json_integer((json_int_t)work.compacted.size.bytes_after));
    (void)json_object_set_new(answer, "took_ms", json_integer((json_int_t)work.compacted.took_ms));
    return print_done(invocation, answer);
}

static int run_compact(struct invocation *invocation)
{
    struct client *client = NULL;
    int outcome = ask_open(invocation, &client);

    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (client_is_daemon(client)) {
        return compact_daemon(invocation, &client);
    }
    client_close(&client); /* it is a home, and its keys open */
    return compact_here(invocation);
}

static const struct example_row examples[] = {
    {"griot compact", N_("after an erasure that must not wait for the night")},
    {NULL, NULL},
};

const struct command command_compact = {
    .name = "compact",
    .usage = "",
    .summary = N_("copy the store without its free pages, where erased things may still stand"),
    .details = N_("A page of the store that is freed keeps its bytes until it is used again. This writes a copy without such pages, puts it in the place of the old one in one step, and has the search "
                  "index made anew. A power cut leaves the old store or the new one.\n\n"
                  "A running node ends its connections in order, compacts, and goes on by itself: its peers see one reconnect. It needs as much free disk as the store takes. The node does it by itself "
                  "at the hour that griot.ini names, when something was erased or has expired."),
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_compact,
};
