/* story.c - one hub, two edges, one record: the protocol as a story. The golden file beside it is what it must say. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "tests/sim/world.h"

static const char *const names[] = {"hub", "anna", "bela"};

static const char *name_of(uint32_t node)
{
    return node < 3 ? names[node] : "?";
}

static void __attribute__((format(printf, 1, 2))) say(const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vprintf(format, list);
    va_end(list);
    (void)putchar('\n');
}

static void say_send(struct world *world, const struct node *node, const struct sync_action *action)
{
    static struct head_hint hints[HEADS_PER_MESSAGE_MAX];
    static struct sub_item subs[SUBS_PER_MESSAGE_MAX];
    static struct notice_ref refs[NOTICES_PER_MESSAGE_MAX];
    static struct head heads[FRONTIER_HEADS_MAX];
    struct unpack *unpack = world->registry.unpack;
    struct span body = action->u.send.body;
    const char *from = name_of(node->index);
    const char *to = name_of(action->peer);
    const char *clause = NULL;
    struct hash digest;
    bool is_set = false;
    size_t n = 0;

    switch ((int)action->u.send.type) {
    case MESSAGE_ECHO:
        (void)!heads_decode(unpack, body, heads, FRONTIER_HEADS_MAX, &n, &clause);
        say("%s tells %s: of your own logs I hold %zu", from, to, n);
        break;
    case MESSAGE_HEADS:
        (void)!heads_message_decode(unpack, body, &is_set, hints, HEADS_PER_MESSAGE_MAX, &n, &clause);
        if (is_set) {
            say("%s tells %s: I hold %zu logs", from, to, n);
        } else {
            say("%s tells %s: I hold that log durably up to commit %" PRIu64, from, to, hints[0].seq);
        }
        break;
    case MESSAGE_SUB:
        (void)!sub_decode(unpack, body, &is_set, &digest, subs, SUBS_PER_MESSAGE_MAX, &n, &clause);
        if (is_set) {
            say("%s grants %s every log from where both are", from, to);
        } else {
            say("%s grants %s that log %s", from, to, subs[0].has_birth ? "from what it holds" : "from its birth");
        }
        break;
    case MESSAGE_STOP:
        say("%s tells %s to stop", from, to);
        break;
    case MESSAGE_NOTICES:
        (void)!notices_decode(unpack, body, refs, NOTICES_PER_MESSAGE_MAX, &n, &clause);
        if (n > 0) {
            say("%s tells %s: I hold %zu notices", from, to, n);
        }
        break;
    default:
        say("%s sends %s a message %d", from, to, action->u.send.type);
        break;
    }
}

void story_event(const struct world *world, const struct node *node, const struct sync_event *event)
{
    const char *who = name_of(node->index);

    switch (event->type) {
    case SYNC_PEER_UP:
        say("-- %s and %s: the session stands for %s", who, name_of(event->peer), who);
        break;
    case SYNC_STORED:
        if (event->peer == UINT32_MAX && !event->u.stored.is_start) {
            say("-- an officer records at %s; commit %" PRIu64 " is on its disk", who, event->u.stored.head.seq);
        } else {
            say("-- it is on the disk of %s", who);
        }
        break;
    case SYNC_PEER_DOWN:
    case SYNC_MESSAGE:
    case SYNC_REFUSED:
    case SYNC_SENT:
    case SYNC_NOTICE:
    case SYNC_ROSTER:
    case SYNC_FOUND:
    case SYNC_TICK:
        break;
    }
    (void)world;
}

void story_action(struct world *world, const struct node *node, const struct sync_action *action)
{
    const char *from = name_of(node->index);
    const char *to = name_of(action->peer);

    switch (action->type) {
    case SYNC_SEND:
        say_send(world, node, action);
        break;
    case SYNC_SEND_RANGE:
        say("%s pushes %s what follows %s %" PRIu64, from, to, action->u.range.has_birth ? "commit" : "nothing, so from", action->u.range.after_seq);
        break;
    case SYNC_SEND_NOTICE:
        say("%s sends %s a %s", from, to,
            action->u.notice.ref.kind == NOTICE_CARD       ? "card"
            : action->u.notice.ref.kind == NOTICE_FRONTIER ? "frontier"
                                                           : "notice");
        break;
    case SYNC_ADMIT:
        say("%s verifies what %s pushed", from, to);
        break;
    case SYNC_MAKE_FRONTIER:
        say("%s signs a frontier", from);
        break;
    case SYNC_OWN_RELEASED:
        say("%s knows now that nothing of its own was lost", from);
        break;
    case SYNC_ADMIT_NOTICE:
    case SYNC_DROP_PEER:
    case SYNC_OWN_AHEAD:
    case SYNC_LOOK_UP:
        break;
    }
}

void story_run(struct world *world)
{
    struct happening append = {.type = HAPPEN_APPEND, .at_us = 5000000, .node = 1};
    struct happening stop = {.type = HAPPEN_LOOK, .at_us = 8000000};

    world_push(world, &append);
    append.at_us = 6500000; /* now every lane stands */
    world_push(world, &append);
    world_push(world, &stop);
}
