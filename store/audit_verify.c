/* audit_verify.c - is the trail as it was written? By itself a chain shows a change in its middle; what is done to its end shows in the heads that frontiers have named. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "store/audit_rows.h"

enum { WHAT_BYTES_MAX = 320 };

struct life { /* where one begins */
    uint64_t life, row;
};

struct walk {
    struct store_read *read;
    struct audit_report *report;
    struct life *lives;
    size_t life_count, life_cap;
    uint64_t last; /* number of the last row */
    uint64_t life;
    struct hash hash; /* of the last row */
};

static void say(void (*to)(void *arg, enum err err, uint64_t row, const char *what), struct walk *walk, enum err err, uint64_t row, const char *format, va_list args)
{
    char what[WHAT_BYTES_MAX];
    (void)vsnprintf(what, sizeof what, format, args);
    if (to != NULL) {
        to(walk->report->arg, err, row, what);
    }
}

static void __attribute__((format(printf, 4, 5))) fault(struct walk *walk, enum err err, uint64_t row, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    say(walk->report->fault, walk, err, row, format, args);
    va_end(args);
    walk->report->faults++;
}

static void __attribute__((format(printf, 3, 4))) lost(struct walk *walk, uint64_t row, const char *format, ...)
{
    char what[WHAT_BYTES_MAX];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(what, sizeof what, format, args);
    va_end(args);
    if (walk->report->lost != NULL) {
        walk->report->lost(walk->report->arg, row, what);
    }
}

static unsigned long long n(uint64_t number) { return number; }

/* ---- the rows ---- */

static enum err life_add(struct walk *walk, uint64_t life, uint64_t row)
{
    if (walk->life_count == walk->life_cap) {
        size_t cap = walk->life_cap == 0 ? 16 : 2 * walk->life_cap;
        struct life *more = realloc(walk->lives, cap * sizeof *more);
        if (more == NULL) {
            return ERR_MEMORY;
        }
        walk->lives = more;
        walk->life_cap = cap;
    }
    walk->lives[walk->life_count++] = (struct life){life, row};
    return ERR_OK;
}

static bool follows(const struct walk *walk, const struct audit_row *row)
{
#ifdef GRIOT_WITHOUT_T24_CHAIN
    (void)walk, (void)row;
    return true;
#else
    struct hash origin;
    audit_origin(walk->read->store, &origin);
    return hash_equal(&row->previous, row->number == 1 ? &origin : &walk->hash);
#endif
}

static enum err check_row(struct walk *walk, uint64_t number, struct span bytes)
{
    struct audit_row row;
    uint64_t expected = walk->last + 1;
    if (number != expected) {
        fault(walk, ERR_CORRUPT, expected, number == expected + 1 ? "row %llu is missing" : "rows %llu to %llu are missing", n(expected), n(number - 1));
    }
    enum err err = audit_row_decode(walk->read->unpack, bytes, &row);
    if (err == ERR_MEMORY) {
        return err;
    }
    walk->report->rows++;
    walk->last = number;
    if (err != ERR_OK) {
        fault(walk, ERR_CORRUPT, number, "row %llu is damaged: it does not decode", n(number));
    } else {
        if (row.number != number) {
            fault(walk, ERR_CORRUPT, number, "row %llu says that it is row %llu: rows were exchanged", n(number), n(row.number));
        } else if (number == expected && !follows(walk, &row)) {
            if (number == 1) {
                fault(walk, ERR_BADHASH, number, "row 1 is not the beginning of this node's trail");
            } else {
                fault(walk, ERR_BADHASH, number, "row %llu does not follow row %llu: one of the two was changed, or rows between them were taken out", n(number), n(number - 1));
            }
        }
        bool is_new = row.entry.action == AUDIT_LIFE;
        if (is_new ? row.life <= walk->life : row.life != walk->life && walk->life != 0) {
            fault(walk, ERR_CORRUPT, number, "row %llu is of life %llu, the row before of life %llu", n(number), n(row.life), n(walk->life));
        }
        walk->life = row.life;
        if (is_new) {
            err = life_add(walk, row.life, number);
            if (err != ERR_OK) {
                return err;
            }
        }
    }
    hash_of(HASH_AUDIT, bytes, &walk->hash);
    return ERR_OK;
}

static enum err check_rows(struct walk *walk)
{
    const uint8_t kind = AUDIT_KEY_ROW;
    struct kv_cursor cursor;
    enum err err = ERR_OK;
    kv_cursor_open(&walk->read->txn, TABLE_AUDIT, &cursor);
    for (bool ok = kv_seek_prefix(&cursor, span_of(&kind, 1)); ok && err == ERR_OK; ok = kv_next_prefix(&cursor, span_of(&kind, 1))) {
        uint64_t number = audit_row_number(cursor.key);
        if (number == 0) {
            fault(walk, ERR_CORRUPT, 0, "the table holds a key that is not that of a row");
            continue;
        }
        err = check_row(walk, number, cursor.value);
    }
    kv_cursor_close(&cursor);
    return err != ERR_OK ? err : walk->read->txn.err;
}

static void check_head(struct walk *walk)
{
    struct audit_head head = {0};
    bool has_head = audit_head_row(&walk->read->txn, &head);
    walk->report->head = (struct audit_head){walk->life, walk->last, walk->hash};
    if (!has_head) {
        if (walk->last > 0) {
            fault(walk, ERR_CORRUPT, walk->last, "the head beside the rows is missing or damaged");
        }
    } else if (head.count > walk->last) {
        fault(walk, ERR_CORRUPT, walk->last + 1, "%llu rows were written and %llu are there: the end was cut off from row %llu on", n(head.count), n(walk->last), n(walk->last + 1));
    } else if (head.count < walk->last) {
        fault(walk, ERR_CORRUPT, head.count + 1, "%llu rows are there and %llu were written: rows were put in from row %llu on", n(walk->last), n(head.count), n(head.count + 1));
    } else if (!hash_equal(&head.hash, &walk->hash)) {
        fault(walk, ERR_BADHASH, walk->last, "row %llu is not the one that was written", n(walk->last));
    } else if (head.life != walk->life) {
        fault(walk, ERR_CORRUPT, walk->last, "the head beside the rows is of life %llu, the last row of life %llu", n(head.life), n(walk->life));
    }
}

/* ---- what frontiers have named ---- */

static bool is_here(struct walk *walk, const struct audit_head *head)
{
    uint8_t mem[AUDIT_ROW_KEY_BYTES];
    struct span bytes;
    struct audit_row row;
    struct hash hash;
    if (head->count == 0) {
        return true; /* before there was a trail */
    }
    if (!kv_get(&walk->read->txn, TABLE_AUDIT, audit_row_key(head->count, mem), &bytes)) {
        return false;
    }
    hash_of(HASH_AUDIT, bytes, &hash);
    return hash_equal(&hash, &head->hash) && audit_row_decode(walk->read->unpack, bytes, &row) == ERR_OK && row.life == head->life;
}

/* Where the life after this one begins; 0: it is the last. */
static uint64_t life_after(const struct walk *walk, uint64_t life)
{
    for (size_t i = 0; i < walk->life_count; i++) {
        if (walk->lives[i].life > life) {
            return walk->lives[i].row;
        }
    }
    return 0;
}

/* `may_be_lost`: the trail need not have held it when the home came back from an older state. */
static void check_named(struct walk *walk, const struct audit_head *head, bool may_be_lost, const char *by)
{
    walk->report->compared++;
    if (is_here(walk, head)) {
        struct audit_head *named = &walk->report->named;
        if (head->life == walk->life && head->count >= named->count) {
            *named = *head;
        }
        return;
    }
    uint64_t row = may_be_lost ? life_after(walk, head->life) : 0;
    if (row > 0 && head->count >= row) {
        lost(walk, row, "row %llu began a new life, since the home had come back from an older state: %llu rows that had been written then are not in the trail, from row %llu on", n(row),
             n(head->count - row + 1), n(row));
    } else if (row > 0) {
        lost(walk, row, "row %llu began a new life, since the home had come back from an older state: what had been written then before row %llu differs from what is in the trail", n(row),
             n(head->count + 1));
    } else if (head->count > walk->last) {
        fault(walk, ERR_CORRUPT, walk->last + 1, "%s named %llu rows and %llu are there: the end was cut off from row %llu on", by, n(head->count), n(walk->last), n(walk->last + 1));
    } else {
        fault(walk, ERR_BADHASH, head->count, "%s named another row %llu: it, or one before it, was changed, put in or taken out", by, n(head->count));
    }
}

static enum err check_frontiers(struct walk *walk)
{
    struct witness *own = calloc(1, sizeof *own);
    if (own == NULL) {
        return ERR_MEMORY;
    }
    enum err err = witness_load(&walk->read->txn, walk->read->unpack, &walk->read->store->self, own);
    if (err == ERR_CORRUPT) {
        fault(walk, ERR_CORRUPT, 0, "what own frontiers have named is damaged");
        err = ERR_OK;
    }
#ifdef GRIOT_WITHOUT_T24_FRONTIER
    own->count = 0;
#endif
    for (size_t i = 0; err == ERR_OK && i < own->count; i++) {
        check_named(walk, &own->points[i].head, false, "a frontier of this node");
    }
    if (err == ERR_OK && own->fault != WITNESS_NONE) {
        check_named(walk, &own->said, true, "a frontier of this node that came back from another");
    }
    for (size_t i = 0; (err == ERR_OK || err == ERR_NOT_FOUND) && i < walk->report->other_count; i++) {
        check_named(walk, &walk->report->others[i].head, true, "a frontier of this node, as another node remembers it,");
    }
    free(own);
    return err == ERR_NOT_FOUND ? ERR_OK : err;
}

enum err audit_verify(struct store_read *read, struct audit_report *report)
{
    struct walk walk = {.read = read, .report = report};
    report->rows = report->faults = report->compared = 0;
    report->named = (struct audit_head){0};
    enum err err = check_rows(&walk);
    if (err == ERR_OK) {
        check_head(&walk);
        err = check_frontiers(&walk);
    }
    free(walk.lives);
    if (err == ERR_OK) {
        err = read->txn.err;
    }
    return err != ERR_OK ? err : report->faults == 0 ? ERR_OK : ERR_CORRUPT;
}
