#include "node/net/door.h"

#include "node/net/route.h"

static void count(struct door *door, enum gateway_refusal what, uint64_t n)
{
    if (n > 0) {
        atomic_fetch_add(&door->counts[what], n);
        atomic_store(&door->last_ms[what], route_now_ms());
    }
}

void door_answered(struct door *door, uint64_t unknown, uint64_t revoked, uint64_t let_in)
{
    count(door, GATEWAY_UNKNOWN, unknown - atomic_load(&door->counts[GATEWAY_UNKNOWN]));
    count(door, GATEWAY_REVOKED, revoked - atomic_load(&door->counts[GATEWAY_REVOKED]));
    door->ending += unknown + revoked - door->answered;
    door->answered = unknown + revoked;
    door->entering += let_in - door->let_in;
    door->let_in = let_in;
}

void door_entered(struct door *door)
{
    door->entering -= door->entering > 0;
}

void door_left(struct door *door)
{
    if (door->ending > 0) {
        door->ending--;
    } else if (door->entering > 0) {
        door->entering--;
    } else {
        count(door, GATEWAY_UNPROVED, 1);
    }
}

void door_emptied(struct door *door)
{
    door->ending = door->entering = 0;
}

struct gateway_refused door_refused(const struct door *door, enum gateway_refusal what)
{
    return (struct gateway_refused){atomic_load(&door->counts[what]), {(uint64_t)atomic_load(&door->last_ms[what])}};
}
