#include "node/bundle_in.h"

#include <stdlib.h>

#include "node/audit.h"
#include "node/log.h"

enum {
    BATCH_DOCUMENTS = 6, /* what the control socket brings at a time, and a rest */
    STEP_MS_MAX = 30, /* of one change: others wait no longer for their turn */
};

enum writer_state { WRITER_UNSEEN, WRITER_GOOD, WRITER_BAD };

struct bundle_in {
    const struct home *home;
    bool is_checking;
    bundle_change change;
    void *arg;
    struct bundle_file *file;
    struct unpack *unpack;
    struct bundle_item *items;
    struct seg *seg;
    struct head *heads;
    struct commit *commit;
    uint8_t *batch; /* documents, BUNDLE_DOCUMENT_BYTES_MAX apart */
    size_t document_bytes[BATCH_DOCUMENTS];
    size_t document_count;
    struct bundle_tally tally;
    /* what is known of the writer */
    enum err writer_err;
    const char *writer_clause;
    /* whose frontiers have named commits that we have made since the start */
    bool is_seen_by_hub;
    struct node_id seen_by[2];
    size_t seen_count;
};


/* ---- what became of it ---- */

static enum bundle_fate fate_of(enum err err)
{
    switch ((int)err) {
    case ERR_GAP:
    case ERR_UNKNOWN_KEY:
    case ERR_UNKNOWN_LOG:
        return BUNDLE_WAITS;
    case ERR_VERSION:
    case ERR_CUT:
    case ERR_FORK:
    case ERR_INTERNAL: /* more logs than are kept: policy */
        return BUNDLE_ASIDE;
    default:
        return BUNDLE_REFUSED;
    }
}

static void tell(struct bundle_tally *tally, enum err err, const char *clause, const struct node_id *node, uint64_t count)
{
    struct bundle_reason reason = {.fate = fate_of(err), .err = err, .has_node = node != NULL, .count = count};
    uint64_t *sums[] = {[BUNDLE_WAITS] = &tally->waiting, [BUNDLE_ASIDE] = &tally->aside, [BUNDLE_REFUSED] = &tally->refused};
    size_t i = 0;

    (void)snprintf(reason.clause, sizeof reason.clause, "%s", clause != NULL ? clause : "");
    if (node != NULL) {
        reason.node = *node;
    }
    *sums[reason.fate] += count;
    while (i < tally->reason_count && (tally->reasons[i].err != err || tally->reasons[i].has_node != reason.has_node ||
                                       !node_id_equal(&tally->reasons[i].node, &reason.node) || strcmp(tally->reasons[i].clause, reason.clause) != 0)) {
        i++;
    }
    if (i == BUNDLE_REASONS_MAX) {
        tally->reasons[i - 1].count += count;
    } else if (i == tally->reason_count) {
        tally->reasons[tally->reason_count++] = reason;
    } else {
        tally->reasons[i].count += count;
    }
}

/* What stops the import: our own trouble, but for a limit on logs, which is policy. */
static bool is_ours(enum err err) { return err_blame(err) == BLAME_SELF && err != ERR_INTERNAL; }

/* ---- the writer ---- */

/* A session is refused to whoever is unknown, put out, or signs with a key that was replaced; so is what he has written by hand. */
static enum err writer_check(const struct bundle_in *in, const struct membership *membership, const char **clause)
{
    const struct bundle_reader *reader = bundle_file_reader(in->file);
    const struct node_id *node = &bundle_reader_contents(reader)->writer;
    const struct sign_public *key = membership == NULL ? NULL : membership_identity(membership, node);
    enum err err = ERR_BADSIG;

#ifdef GRIOT_WITHOUT_T32_BUNDLE
    (void)err;
    (void)clause;
    return ERR_OK;
#endif
    if (key == NULL) {
        return unpack_refuse(clause, "WIRE.md 8.5: the node that wrote it is not known here yet", ERR_UNKNOWN_KEY);
    }
    for (size_t i = 0; key != NULL && err == ERR_BADSIG; key = membership_identity_at(membership, node, ++i)) {
        err = bundle_reader_check(reader, key, clause);
        if (err == ERR_OK && i > 0) {
            return unpack_refuse(clause, "WIRE.md 8.5: signed by an identity key that has been replaced", ERR_STALE);
        }
    }
    if (err == ERR_OK && membership_peer(membership, node) == NULL) {
        return unpack_refuse(clause, "WIRE.md 8.5: the node that wrote it has been put out of the region", ERR_NOT_MEMBER);
    }
    return err;
}

/* ---- one step: a change of the store ---- */

struct step {
    struct bundle_in *in;
    size_t document, item; /* where it begins */
    /* results; made anew when the change is done again */
    size_t document_end, item_end;
    struct bundle_tally tally;
    bool has_notice; /* it has stored some */
    bool has_looked; /* at the writer */
    bool has_audit_life; /* this step has begun one */
};

/* Others hold more of an own log, or something else: it gives way (store/README.md 5), before anything of theirs is admitted. */
static enum err give_way(struct step *s, struct writer *writer, const struct log_id *log, uint64_t from)
{
    uint64_t roster = writer->membership != NULL ? membership_roster_number(writer->membership) : 0;
    struct gave_way done;
    char hex[17];
    enum err err = author_give_way(writer->author, log, from, roster, &done);

    if (err == ERR_NOT_FOUND) {
        return ERR_OK;
    }
    if (err == ERR_OK) {
        if (done.commits > 0 || !s->tally.is_own_ahead) {
            (void)hex_encode(log->b, 8, hex);
            log_event(LOG_WARN, "own_log_gave_way", "log=%s seq=%llu was=%llu again=%llu by=bundle", hex, (unsigned long long)done.after.seq,
                      (unsigned long long)done.before.seq, (unsigned long long)done.entries);
        }
        s->tally.is_own_ahead = true;
        s->tally.own_again += done.entries;
        writer_gave_way(writer, &done);
        if (!writer->has_audit_life) { /* what is true of the logs is true of the audit trail beside them */
            err = audit_settle(writer, true);
            writer->has_audit_life = s->has_audit_life = err == ERR_OK;
        }
    }
    return err;
}

/* ---- notices ---- */

/* Does he hold something of this log of ours that we do not: more, or another commit? */
static bool is_ahead(struct step *s, struct store_read *read, const struct log_info *log, const struct head *named)
{
    struct hash hash;

    if (named->seq == 0 || named->seq > log->held_seq) {
        return named->seq > log->held_seq;
    }
    return store_commit_at(read, log->number, named->seq, s->in->commit, &hash) == ERR_OK && !hash_equal(&hash, &named->hash);
}

/* The heads of our own logs in a frontier. What its signer has of ours and we have not was lost here; what he has of what we made since the start proves that he speaks of now. */
static enum err frontier_look(struct step *s, struct writer *writer, const struct node_id *signer, struct span heads)
{
    struct bundle_in *in = s->in;
    bool is_writer = node_id_equal(signer, &bundle_reader_contents(bundle_file_reader(in->file))->writer);
    struct store_read *read = NULL;
    size_t count = 0;
    bool has_proof = false;
    enum err err = heads_decode(in->unpack, heads, in->heads, FRONTIER_HEADS_MAX, &count, NULL);

    if (err != ERR_OK || node_id_equal(signer, &in->home->node)) {
        return err == ERR_MEMORY ? err : ERR_OK;
    }
    err = store_read_begin(writer->store, &read);
    for (size_t i = 0; err == ERR_OK && i < count; i++) {
        const struct head *named = &in->heads[i];
        struct log_info log;

        if (store_log(read, &named->log, &log) != ERR_OK || !node_id_equal(&log.node, &in->home->node)) {
            continue;
        }
        has_proof = has_proof || author_has_proof(writer->author, read, named);
        if (is_writer && is_ahead(s, read, &log, named)) {
            err = give_way(s, writer, &named->log, 0);
        }
    }
    store_read_end(&read);
    if (has_proof) {
        const struct member *member = writer->membership == NULL ? NULL : membership_find(writer->membership, signer);

        in->is_seen_by_hub = in->is_seen_by_hub || (member != NULL && member->role == ROLE_HUB);
        if (member != NULL && in->seen_count < 2 && (in->seen_count == 0 || !node_id_equal(&in->seen_by[0], signer))) {
            in->seen_by[in->seen_count++] = *signer;
        }
    }
    return err;
}

/* A hub, or two others, have shown our heads as they are now (DESIGN 3): as after an ECHO. */
static enum err release(struct step *s, struct writer *writer)
{
    enum err err;

    if (author_is_released(writer->author) || !(s->in->is_seen_by_hub || s->in->seen_count >= 2)) {
        return ERR_OK;
    }
    err = author_released(writer->author);
    if (err == ERR_OK) {
        s->tally.is_released = true;
        log_event(LOG_INFO, "own_released", "by=bundle");
    }
    return err;
}

static enum err take_notice(struct step *s, struct writer *writer, struct span body)
{
    struct bundle_tally *tally = &s->tally;
    struct span notice = {NULL, 0}, heads = {NULL, 0};
    struct notice_ref ref;
    struct node_id signer;
    uint64_t base = 0;
    const char *clause = NULL;
    bool is_new = false;
    enum err err = notice_message_decode(s->in->unpack, body, &notice, &base, &heads, &clause);

    if (err == ERR_OK) {
        err = store_admit_notice(writer->store, notice, base, heads, &ref, &is_new, &clause);
    }
    if (is_ours(err)) {
        return err;
    }
    if (err != ERR_OK && err != ERR_STALE) {
        tell(tally, err, clause, NULL, 1);
        return ERR_OK;
    }
    if (err == ERR_STALE || !is_new) {
        tally->notices_held++;
        return ERR_OK;
    }
    tally->notices++;
    s->has_notice = true;
    err = writer_note(writer, &ref);
    if (err == ERR_OK && ref.kind == NOTICE_FRONTIER) {
        memcpy(signer.b, ref.subject, sizeof signer.b);
        err = frontier_look(s, writer, &signer, heads);
    }
    return err;
}

/* ---- segments ---- */

/* Of an own log that goes on beyond what is here, what has not left makes room first. */
static enum err own_make_room(struct step *s, struct writer *writer, const struct seg *seg)
{
    struct store_read *read = NULL;
    struct log_info log;
    enum err err = store_read_begin(writer->store, &read);
    bool is_beyond = false;

    if (err == ERR_OK) {
        bool is_own = store_log(read, &seg->log, &log) == ERR_OK && node_id_equal(&log.node, &s->in->home->node);

        is_beyond = is_own && seg->first + seg->count - 1 > log.held_seq;
        store_read_end(&read);
    }
    return err == ERR_OK && is_beyond ? give_way(s, writer, &seg->log, 0) : err;
}

static void segment_tell(struct step *s, const struct seg *seg, const struct admitted *admitted, enum err err, const char *clause)
{
    static const struct node_id nobody;
    struct bundle_tally *tally = &s->tally;
    uint64_t first = seg->first > 0 ? seg->first : 1, last = seg->first + seg->count - 1; /* the birth is no commit */
    uint64_t all = last >= first ? last - first + 1 : 0, before = admitted->before.seq, after = admitted->after.seq;
    uint64_t fresh = after > before ? after - before : 0, known = after < before ? after : before; /* a fork that it proves lowers what counts */
    uint64_t held = known < first ? 0 : (known < last ? known : last) - first + 1;
    uint64_t left = all > fresh + held ? all - fresh - held : 0;

    tally->commits += fresh;
    tally->entries += admitted->after.entries > admitted->before.entries ? admitted->after.entries - admitted->before.entries : 0;
    tally->commits_held += held;
    if (err != ERR_OK) {
        tell(tally, err, clause, node_id_equal(&admitted->node, &nobody) ? NULL : &admitted->node, left > 0 ? left : 1);
    }
}

static enum err take_segment(struct step *s, struct writer *writer, struct span body)
{
    struct seg *seg = s->in->seg;
    struct admitted admitted = {0};
    const char *clause = NULL;
    enum err err = seg_decode(s->in->unpack, body, seg, &clause);

    if (err == ERR_OK && s->in->writer_err != ERR_OK) {
        err = s->in->writer_err;
        clause = s->in->writer_clause;
    } else if (err == ERR_OK) {
        err = own_make_room(s, writer, seg);
        if (err == ERR_OK) {
            err = store_admit(writer->store, seg, &admitted, &clause);
        }
        if (err == ERR_GAP && admitted.own_conflict != 0) { /* ours may have left; it stands again in another log, and theirs comes in its place */
            err = give_way(s, writer, &seg->log, admitted.own_conflict);
            if (err == ERR_OK) {
                err = store_admit(writer->store, seg, &admitted, &clause);
            }
        }
    }
    if (is_ours(err)) {
        return err;
    }
    segment_tell(s, seg, &admitted, err, clause);
    if (admitted.after.seq != admitted.before.seq || admitted.is_new_log || admitted.has_fork) {
        enum err kept = writer_admitted(writer, &admitted);
        if (kept != ERR_OK) {
            return kept;
        }
    }
    if (!node_id_equal(&admitted.node, &s->in->home->node) || admitted.after.seq <= admitted.before.seq) {
        return ERR_OK;
    }
    s->tally.is_own_ahead = writer->is_own_ahead = true; /* written here in a life that this node does not remember */
    return append_returned(writer, seg, admitted.before.seq, admitted.after.seq);
}

/* ---- items in order ---- */

static enum err take_item(struct step *s, struct writer *writer, const struct bundle_item *item)
{
    struct bundle_in *in = s->in;

    switch (item->type) {
    case BUNDLE_NOTICE:
        return take_notice(s, writer, item->body);
    case BUNDLE_SEG:
        if (!s->has_looked) {
            in->writer_clause = NULL;
            in->writer_err = writer_check(in, writer->membership, &in->writer_clause);
            s->has_looked = true;
        }
        return take_segment(s, writer, item->body);
    case BUNDLE_TRAILER:
        return release(s, writer);
    case BUNDLE_CONTENTS:
        break;
    }
    return ERR_OK;
}

/* writer_change: as many items as there is time for. Notices end a step, so that membership counts when what follows is looked at. */
static enum err step_change(struct writer *writer, void *arg)
{
    struct step *s = arg;
    struct bundle_in *in = s->in;
    uint64_t begin = mono_now().ms;
    enum err err = ERR_OK;

    s->document_end = s->document;
    s->item_end = s->item;
    s->tally = in->tally;
    writer->has_audit_life = writer->has_audit_life && !s->has_audit_life; /* what was done the first time came to nothing */
    s->has_notice = s->has_looked = s->has_audit_life = false;
    for (; err == ERR_OK && s->document_end < in->document_count; s->document_end++, s->item_end = 0) {
        struct span document = span_of(in->batch + s->document_end * BUNDLE_DOCUMENT_BYTES_MAX, in->document_bytes[s->document_end]);
        const char *clause;
        uint32_t count = 0;

        err = bundle_document_decode(in->unpack, document, in->items, &count, &clause);
        for (; err == ERR_OK && s->item_end < count; s->item_end++) {
            if ((s->has_notice && in->items[s->item_end].type != BUNDLE_NOTICE) || mono_now().ms - begin >= STEP_MS_MAX) {
                return ERR_OK;
            }
            err = take_item(s, writer, &in->items[s->item_end]);
        }
    }
    return err;
}

/* ---- batches ---- */

static enum err batch_take(struct bundle_in *in)
{
    struct step *s = calloc(1, sizeof *s);
    enum err err = s == NULL ? ERR_MEMORY : ERR_OK;

    for (size_t document = 0, item = 0; err == ERR_OK && document < in->document_count; document = s->document_end, item = s->item_end) {
        s->in = in;
        s->document = document;
        s->item = item;
        s->has_audit_life = false;
        err = in->change(in->arg, step_change, s);
        if (err == ERR_OK) {
            in->tally = s->tally;
        } else {
            break;
        }
    }
    free(s);
    in->document_count = 0;
    return err;
}

static enum err take_document(void *arg, struct span document, const struct bundle_item *items, uint32_t count)
{
    struct bundle_in *in = arg;
    bool is_last = items[count - 1].type == BUNDLE_TRAILER;

    if (in->is_checking) {
        return ERR_OK;
    }
    memcpy(in->batch + in->document_count * BUNDLE_DOCUMENT_BYTES_MAX, document.p, document.n);
    in->document_bytes[in->document_count++] = document.n;
    return is_last || in->document_count == BATCH_DOCUMENTS ? batch_take(in) : ERR_OK;
}

/* ---- the file ---- */

enum err bundle_in_new(const struct home *home, bool is_checking, bundle_change change, void *arg, struct bundle_in **ret)
{
    struct bundle_in *in = calloc(1, sizeof *in);
    enum err err;

    if (in == NULL) {
        return ERR_MEMORY;
    }
    in->home = home;
    in->is_checking = is_checking;
    in->change = change;
    in->arg = arg;
    in->unpack = unpack_new();
    in->items = malloc(BUNDLE_ITEMS_MAX * sizeof *in->items);
    in->seg = malloc(sizeof *in->seg);
    in->heads = malloc(FRONTIER_HEADS_MAX * sizeof *in->heads);
    in->commit = malloc(sizeof *in->commit);
    in->batch = malloc((size_t)BATCH_DOCUMENTS * BUNDLE_DOCUMENT_BYTES_MAX);
    err = in->unpack == NULL || in->items == NULL || in->seg == NULL || in->heads == NULL || in->commit == NULL || in->batch == NULL ? ERR_MEMORY : ERR_OK;
    if (err == ERR_OK) {
        err = bundle_file_new(&home->region, &home->node, home->keyring, take_document, in, &in->file);
    }
    if (err != ERR_OK) {
        bundle_in_destroy(&in);
        return err;
    }
    *ret = in;
    return ERR_OK;
}

void bundle_in_destroy(struct bundle_in **in_ptr)
{
    struct bundle_in *in = *in_ptr;

    if (in == NULL) {
        return;
    }
    bundle_file_destroy(&in->file);
    unpack_destroy(&in->unpack);
    free(in->items);
    free(in->seg);
    free(in->heads);
    free(in->commit);
    free(in->batch);
    free(in);
    *in_ptr = NULL;
}

enum err bundle_in_feed(struct bundle_in *in, struct span bytes, const char **clause)
{
    enum err err = bundle_file_feed(in->file, bytes, clause);

    return err == ERR_OK ? batch_take(in) : err; /* what was said to be taken in is */
}

struct look {
    const struct bundle_in *in;
    enum err err;
    const char *clause;
};

static enum err look_change(struct writer *writer, void *arg)
{
    struct look *look = arg;

    look->err = writer_check(look->in, writer->membership, &look->clause);
    return ERR_OK;
}

enum err bundle_in_end(struct bundle_in *in, const char **clause)
{
    struct look look = {.in = in};
    enum err err = bundle_file_end(in->file, clause);

    if (err == ERR_OK) {
        err = in->change(in->arg, look_change, &look);
    }
    if (err == ERR_OK && look.err == ERR_UNKNOWN_KEY && in->is_checking) {
        return ERR_OK; /* perhaps its own notices make him known */
    }
    if (err == ERR_OK && look.err != ERR_OK) {
        *clause = look.clause;
        err = look.err;
    }
    return err;
}

const struct bundle_tally *bundle_in_tally(const struct bundle_in *in) { return &in->tally; }

const struct bundle_file *bundle_in_file(const struct bundle_in *in) { return in->file; }
