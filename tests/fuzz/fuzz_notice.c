/* A first byte: 0 an envelope, 1 to 6 the signed bytes of that kind, 7 a list of heads; then the bytes. */
#include "proto/notice.h"
#include "tests/fuzz/fuzz.h"

static struct unpack *unpack;

static enum err roster_again(struct span in, struct out *out, const char **clause)
{
    struct roster roster;
    enum err err = roster_decode(unpack, in, &roster, clause);

    if (err == ERR_OK) {
        must(roster_encode(&roster, out) == ERR_OK);
        roster_fini(&roster);
    }
    return err;
}

static enum err again(uint8_t what, struct span in, struct out *out, const char **clause)
{
    static union {
        struct notice notice;
        struct charter charter;
        struct act act;
        struct card card;
        struct frontier frontier;
        struct fork_proof proof;
        struct head heads[FRONTIER_HEADS_MAX];
    } u;
    size_t count = 0;
    enum err err;

    switch (what) {
    case 0:
        err = notice_decode(unpack, in, &u.notice, clause);
        return err == ERR_OK ? (notice_encode(&u.notice, out), err) : err;
    case NOTICE_CHARTER:
        err = charter_decode(unpack, in, &u.charter, clause);
        return err == ERR_OK ? (charter_encode(&u.charter, out), err) : err;
    case NOTICE_ROSTER:
        return roster_again(in, out, clause);
    case NOTICE_ACT:
        err = act_decode(unpack, in, &u.act, clause);
        return err == ERR_OK ? act_encode(&u.act, out) : err;
    case NOTICE_CARD:
        err = card_decode(unpack, in, &u.card, clause);
        return err == ERR_OK ? (card_encode(&u.card, out), err) : err;
    case NOTICE_FRONTIER:
        err = frontier_decode(unpack, in, &u.frontier, clause);
        return err == ERR_OK ? (frontier_encode(&u.frontier, out), err) : err;
    case NOTICE_FORK_PROOF:
        err = fork_proof_decode(unpack, in, &u.proof, clause);
        return err == ERR_OK ? (fork_proof_encode(&u.proof, out), err) : err;
    default:
        err = heads_decode(unpack, in, u.heads, FRONTIER_HEADS_MAX, &count, clause);
        return err == ERR_OK ? (heads_canonical(u.heads, count, out), err) : err;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t bytes[FRAME_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    enum err err;

    unpack = unpack == NULL ? unpack_new() : unpack;
    must(unpack != NULL);
    if (size == 0) {
        return 0;
    }
    err = again(data[0], span_of(data + 1, size - 1), &out, &clause);
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return 0;
    }
    must_equal(&out, span_of(data + 1, size - 1));
    return 0;
}
