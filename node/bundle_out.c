#include "node/bundle_out.h"

#include <stdlib.h>

enum {
    READ_SEGMENTS_MAX = 64, /* of one read transaction: two megabytes, well under a second */
    CONTENTS_BYTES_MAX = 65536,
    BODY_BYTES_MAX = 131072,
    TRAILER_BYTES_MAX = 256,
};

enum err bundle_leave(struct writer *writer, void *arg)
{
    struct leaving *leaving = arg;
    enum err err;

    *leaving = (struct leaving){0};
    if (writer->membership == NULL || membership_find(writer->membership, &writer->home->node) == NULL) {
        return ERR_OK;
    }
    err = author_leaves(writer->author, membership_roster_number(writer->membership), leaving);
    for (size_t i = 0; err == ERR_OK && i < CHANNEL_COUNT; i++) {
        if (leaving->heads[i].seq > 0) {
            writer->heads[i] = leaving->heads[i];
        }
    }
    writer->has_left = err == ERR_OK;
    return err;
}

/* One file on its way. */
struct making {
    struct bundle_plan *plan;
    struct store *store;
    struct store_read *read;
    struct bundle_writer *writer;
    const struct bundle_hand *hand; /* NULL: measuring */
    uint64_t bytes_max;             /* when measuring */
    uint8_t *body;                  /* BODY_BYTES_MAX */
    struct seg *seg;
    uint32_t read_segments;
    struct bundle_written *written;
};

/* A fresh look at the store now and then: pages that a reader may see are not used again. */
static enum err look(struct making *m, bool is_fresh)
{
    if (m->read != NULL && !is_fresh && m->read_segments < READ_SEGMENTS_MAX) {
        return ERR_OK;
    }
    store_read_end(&m->read);
    m->read_segments = 0;
    return store_read_begin(m->store, &m->read);
}

/* ---- contents, notices ---- */

static enum err sign(const struct making *m, struct span body, struct signature *ret)
{
    *ret = (struct signature){{0}};
    return m->hand != NULL ? m->hand->sign(m->hand->arg, body, ret) : ERR_OK;
}

static enum err contents_write(struct making *m, uint32_t part)
{
    const struct bundle_plan *plan = m->plan;
    struct node_id *nodes = calloc(plan->card_count, sizeof *nodes);
    struct bundle_contents contents = {.version = FORMAT_VERSION,
                                       .region = plan->region,
                                       .id = plan->id,
                                       .part = part,
                                       .parts = plan->parts,
                                       .writer = plan->self,
                                       .created = plan->created,
                                       .receiver_count = plan->is_for_region ? 0 : (uint32_t)plan->card_count,
                                       .receivers = nodes,
                                       .base_count = (uint32_t)plan->base_count,
                                       .bases = plan->bases};
    struct signature signature;
    struct out out = out_into(m->body, CONTENTS_BYTES_MAX);
    enum err err;

    if (nodes == NULL) {
        return ERR_MEMORY;
    }
    for (size_t i = 0; i < plan->card_count; i++) {
        nodes[i] = plan->cards[i].node;
    }
    bundle_contents_encode(&contents, &out);
    free(nodes);
    err = out.is_full ? ERR_OVERSIZE : sign(m, out_written(&out), &signature);
    return err == ERR_OK ? bundle_writer_contents(m->writer, out_written(&out), &signature) : err;
}

/* A notice may have been replaced since the plan was made: then the newer one comes with the next bundle. */
static enum err notice_write(struct making *m, const struct notice_ref *ref)
{
    struct span notice, heads;
    struct out out = out_into(m->body, BODY_BYTES_MAX);
    enum err err = store_notice(m->read, ref, &notice, &heads);

    if (err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    if (err == ERR_OK) {
        notice_message_encode(notice, 0, heads, &out);
        err = out.is_full ? ERR_OVERSIZE : bundle_writer_notice(m->writer, out_written(&out));
    }
    m->written->notices += err == ERR_OK;
    return err;
}

static enum err notices_write(struct making *m)
{
    const struct bundle_plan *plan = m->plan;
    enum err err = look(m, true);

    for (size_t i = 0; i < plan->notice_count && err == ERR_OK; i++) {
        err = notice_write(m, &plan->notices[i]);
    }
    return err;
}

static enum err file_begin(struct making *m, uint32_t part)
{
    const struct bundle_plan *plan = m->plan;
    enum err err = bundle_writer_new(&plan->region, &plan->id, part, plan->parts, plan->cards, plan->card_count, m->hand == NULL,
                                     m->hand == NULL ? NULL : m->hand->sink, m->hand == NULL ? NULL : m->hand->arg, &m->writer);

    if (err == ERR_OK) {
        err = contents_write(m, part);
    }
    return err == ERR_OK ? notices_write(m) : err;
}

static enum err file_end(struct making *m)
{
    uint8_t memory[TRAILER_BYTES_MAX];
    struct out out = out_into(memory, sizeof memory);
    struct signature signature;
    enum err err = bundle_writer_close(m->writer, &out);

    if (err == ERR_OK) {
        err = sign(m, out_written(&out), &signature);
    }
    if (err == ERR_OK) {
        err = bundle_writer_trailer(m->writer, out_written(&out), &signature);
    }
    m->written->bytes += bundle_writer_bytes(m->writer);
    bundle_writer_destroy(&m->writer);
    return err;
}

/* ---- segments ---- */

/* How far a range has been written: like a border, and with the entries of its log up to there. */
struct place {
    bool has_birth;
    uint64_t after, entries;
};

static enum err place_at(struct making *m, const struct bundle_range *range, const struct bundle_border *border, struct place *ret)
{
    static const struct hash any;
    uint64_t last;
    enum err err = look(m, false);

    *ret = (struct place){.has_birth = border->has_birth, .after = border->after};
    if (err == ERR_OK && border->has_birth && border->after > 0) { /* nothing lies between, but it says how many entries there are */
        err = store_segment(m->read, &range->log, true, border->after, &any, border->after, BUNDLE_SEG_BYTES, m->seg, &last, &ret->entries);
        err = err == ERR_CORRUPT ? ERR_OK : err;
    }
    return err;
}

/* The next segment of a range, its body in m->body; m->seg->count 0: the range is at its end. A damaged commit ends it too, and is counted. */
static enum err segment_read(struct making *m, const struct bundle_range *range, const struct place *at, uint64_t until, struct place *ret_next, struct span *ret_body)
{
    static const struct hash any;
    struct out out = out_into(m->body, BODY_BYTES_MAX);
    enum err err;

    m->seg->count = 0;
    *ret_next = (struct place){.has_birth = true};
    if (at->has_birth && at->after >= until) {
        return ERR_OK;
    }
    err = look(m, false);
    if (err == ERR_OK) {
        err = store_segment(m->read, &range->log, at->has_birth, at->after, &any, until, BUNDLE_SEG_BYTES, m->seg, &ret_next->after, &ret_next->entries);
    }
    if (err == ERR_CORRUPT) {
        m->written->damaged++;
        m->seg->count = 0;
        return ERR_OK;
    }
    if (err != ERR_OK || m->seg->count == 0) {
        return err;
    }
    m->read_segments++;
    seg_encode(m->seg, &out);
    *ret_body = out_written(&out);
    return out.is_full ? ERR_OVERSIZE : ERR_OK;
}

static enum err segment_write(struct making *m, struct span body, uint64_t entries)
{
    bool has_birth = m->seg->first == 0;
    enum err err = bundle_writer_segment(m->writer, body, m->seg->count);

    m->written->commits += m->seg->count - (has_birth ? 1 : 0);
    m->written->entries += entries;
    if (m->hand != NULL && m->hand->progress != NULL && err == ERR_OK) {
        m->hand->progress(m->hand->arg, m->written);
    }
    return err;
}

static struct bundle_border range_begin(const struct bundle_plan *plan, size_t range)
{
    bool is_end = range == plan->range_count;

    return (struct bundle_border){.range = range, .has_birth = is_end || plan->ranges[range].has_birth, .after = is_end ? 0 : plan->ranges[range].after};
}

/* ---- cutting ---- */

static enum err border_add(struct bundle_plan *plan, const struct bundle_border *border)
{
    struct bundle_border *more;

    if (plan->parts == BUNDLE_PARTS_MAX) {
        return ERR_LIMIT;
    }
    more = realloc(plan->borders, ((size_t)plan->parts + 2) * sizeof *more);
    if (more == NULL) {
        return ERR_MEMORY;
    }
    plan->borders = more;
    plan->borders[++plan->parts] = *border;
    return ERR_OK;
}

/* The file under way is full: it ends before `at`, another begins there. */
static enum err next_file(struct making *m, const struct bundle_border *at)
{
    enum err err = border_add(m->plan, at);

    bundle_writer_destroy(&m->writer);
    return err == ERR_OK ? file_begin(m, 1) : err;
}

static enum err range_measure(struct making *m, size_t index, uint64_t *first_bytes)
{
    const struct bundle_range *range = &m->plan->ranges[index];
    struct bundle_border border = range_begin(m->plan, index);
    struct place at, next;
    struct span body;
    enum err err = place_at(m, range, &border, &at);

    while (err == ERR_OK) {
        err = segment_read(m, range, &at, range->until, &next, &body);
        if (err != ERR_OK || m->seg->count == 0) {
            break;
        }
        if (bundle_writer_bytes(m->writer) + bundle_writer_cost(body.n) <= m->bytes_max) {
            err = segment_write(m, body, next.entries - at.entries);
            at = next;
        } else if (bundle_writer_bytes(m->writer) == *first_bytes) {
            err = ERR_LIMIT; /* nothing but notices is in it */
        } else { /* and read it again: the new file's notices are where it was */
            border.has_birth = at.has_birth;
            border.after = at.after;
            err = next_file(m, &border);
            *first_bytes = err == ERR_OK ? bundle_writer_bytes(m->writer) : 0;
        }
    }
    return err;
}

static enum err making_begin(struct making *m)
{
    m->body = malloc(BODY_BYTES_MAX);
    m->seg = malloc(sizeof *m->seg);
    return m->body == NULL || m->seg == NULL ? ERR_MEMORY : ERR_OK;
}

static void making_end(struct making *m)
{
    bundle_writer_destroy(&m->writer);
    store_read_end(&m->read);
    free(m->body);
    free(m->seg);
}

enum err bundle_split(struct bundle_plan *plan, struct store *store, uint64_t bytes_max)
{
    struct bundle_written measured = {0};
    struct making m = {.plan = plan, .store = store, .bytes_max = bytes_max, .written = &measured};
    struct bundle_border end = range_begin(plan, plan->range_count);
    enum err err = ERR_OK;

    plan->parts = 0;
    plan->borders = malloc(sizeof *plan->borders);
    if (plan->borders == NULL) {
        return ERR_MEMORY;
    }
    plan->borders[0] = range_begin(plan, 0);
    if (bytes_max > 0) {
        uint64_t first_bytes;

        plan->parts = BUNDLE_PARTS_MAX; /* as long in the head as any number of them */
        err = making_begin(&m);
        err = err == ERR_OK ? file_begin(&m, BUNDLE_PARTS_MAX) : err;
        plan->parts = 0;
        first_bytes = err == ERR_OK ? bundle_writer_bytes(m.writer) : 0;
        err = err == ERR_OK && first_bytes > bytes_max ? ERR_LIMIT : err;
        for (size_t i = 0; i < plan->range_count && err == ERR_OK; i++) {
            err = range_measure(&m, i, &first_bytes);
        }
        making_end(&m);
    }
    return err == ERR_OK ? border_add(plan, &end) : err;
}

/* ---- writing ---- */

static enum err range_write(struct making *m, size_t index, const struct bundle_border *from, uint64_t until)
{
    const struct bundle_range *range = &m->plan->ranges[index];
    struct place at, next;
    struct span body;
    enum err err = place_at(m, range, from, &at);

    while (err == ERR_OK) {
        err = segment_read(m, range, &at, until, &next, &body);
        if (err != ERR_OK || m->seg->count == 0) {
            break;
        }
        err = segment_write(m, body, next.entries - at.entries);
        at = next;
    }
    return err;
}

enum err bundle_write(struct bundle_plan *plan, struct store *store, uint32_t part, const struct bundle_hand *hand, struct bundle_written *ret)
{
    struct making m = {.plan = plan, .store = store, .hand = hand, .written = ret};
    struct bundle_border at = plan->borders[part - 1], end = plan->borders[part];
    enum err err = making_begin(&m);

    *ret = (struct bundle_written){0};
    if (err == ERR_OK) {
        err = file_begin(&m, part);
    }
    for (; err == ERR_OK && at.range < plan->range_count && at.range <= end.range; at = range_begin(plan, at.range + 1)) {
        if (at.range < end.range) {
            err = range_write(&m, at.range, &at, plan->ranges[at.range].until);
        } else if (end.has_birth && (!at.has_birth || end.after > at.after)) { /* this range goes on in the next file */
            err = range_write(&m, at.range, &at, end.after);
        }
    }
    if (err == ERR_OK) {
        err = file_end(&m);
    }
    making_end(&m);
    return err;
}
