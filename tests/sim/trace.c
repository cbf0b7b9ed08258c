/* trace.c - --trace: every action of every engine, in short: "who>whom WHAT log:seq ...". */
#include <inttypes.h>
#include <stdio.h>

#include "tests/sim/world.h"

static void log_print(const struct world *world, const struct log_id *id)
{
    const struct sim_log *log = registry_log(&world->registry, id);

    if (log == NULL) {
        printf(" ?%02x%02x", id->b[0], id->b[1]);
    } else {
        printf(" %u/%u", log->author, log->number);
    }
}

static void send_print(const struct world *world, const struct sync_action *action)
{
    static const char *const names[] = {"?", "HELLO", "ACK", "ECHO", "HEADS", "SUB", "STOP", "SEG", "NOTICES", "NOTICE", "PING", "PONG", "BYE"};
    static struct head_hint hints[HEADS_PER_MESSAGE_MAX];
    static struct sub_item subs[SUBS_PER_MESSAGE_MAX];
    static struct log_id stops[SUBS_PER_MESSAGE_MAX];
    struct unpack *unpack = world->registry.unpack;
    const char *clause = NULL;
    struct hash digest;
    bool is_set = false;
    size_t n = 0;

    printf("%s", names[action->u.send.type]);
    if (action->u.send.type == MESSAGE_HEADS &&
        heads_message_decode(unpack, action->u.send.body, &is_set, hints, HEADS_PER_MESSAGE_MAX, &n, &clause) == ERR_OK) {
        printf("%s", is_set ? " all" : "");
        for (size_t i = 0; i < n; i++) {
            log_print(world, &hints[i].log);
            printf(":%" PRIu64, hints[i].seq);
        }
    } else if (action->u.send.type == MESSAGE_SUB &&
               sub_decode(unpack, action->u.send.body, &is_set, &digest, subs, SUBS_PER_MESSAGE_MAX, &n, &clause) == ERR_OK) {
        printf("%s", is_set ? " digest" : "");
        for (size_t i = 0; i < n; i++) {
            log_print(world, &subs[i].log);
            printf(subs[i].has_birth ? ":%" PRIu64 : ":birth", subs[i].seq);
        }
    } else if (action->u.send.type == MESSAGE_STOP && stop_decode(unpack, action->u.send.body, stops, SUBS_PER_MESSAGE_MAX, &n, &clause) == ERR_OK) {
        for (size_t i = 0; i < n; i++) {
            log_print(world, &stops[i]);
        }
    }
}

void trace_action(struct world *world, const struct node *node, const struct sync_action *action)
{
    if (action->type != SYNC_SEND && action->type != SYNC_SEND_RANGE && action->type != SYNC_LOOK_UP) {
        return;
    }
    printf("%9.3f %u>%u ", (double)world->now_us / 1e6, node->index, action->peer);
    if (action->type == SYNC_SEND) {
        send_print(world, action);
    } else if (action->type == SYNC_SEND_RANGE) {
        printf("RANGE");
        log_print(world, &action->u.range.log);
        printf(action->u.range.has_birth ? ":%" PRIu64 : ":birth", action->u.range.after_seq);
        printf("..%" PRIu64, action->u.range.until_seq);
    } else {
        printf("LOOK_UP");
        log_print(world, &action->u.look_up.log);
        printf(":%" PRIu64, action->u.look_up.seq);
    }
    (void)putchar('\n');
}
