#include "node/import/reading.h"
#include "proto/record/fold.h"
#include "proto/record/value.h"

#include <stdlib.h>

struct mapping_lookup *lookup_by_name(struct reading *reading, const char *name)
{
    struct mapping *mapping = reading->mapping;

    for (uint32_t i = 0; i < mapping->lookup_count; i++) {
        if (strcmp(mapping->lookups[i].name, name) == 0) {
            return &mapping->lookups[i];
        }
    }
    if (mapping->lookup_count == MAPPING_LOOKUPS_MAX) {
        (void)reading_wrong(reading, N_("A mapping can have at most 16 look-up tables."), "");
        return NULL;
    }
    name = reading_keep(reading, name, strlen(name));
    if (name == NULL) {
        return NULL;
    }
    mapping->lookups[mapping->lookup_count] = (struct mapping_lookup){.name = name, .line = reading->line};
    return &mapping->lookups[mapping->lookup_count++];
}

static bool read_action(struct reading *reading, struct mapping_entry *entry, struct span piece)
{
    struct mapping_action action = {.what = ACTION_MAIN};
    const uint8_t *colon = memchr(piece.p, ':', piece.n);

    if (entry->count == MAPPING_ACTIONS_MAX) {
        return reading_wrong(reading, N_("An entry can give at most 4 values."), "");
    }
    if (colon != NULL) {
        struct span name = span_of(piece.p, (size_t)(colon - piece.p));

        piece = value_trim(span_of(colon + 1, piece.n - name.n - 1));
        if (span_equal(name, span_text("place"))) {
            action.what = ACTION_PLACE;
        } else {
            action.what = ACTION_FIELD;
            action.field = reading_field(reading, name, &action.group, &(uint32_t){0});
            if (action.field == NULL) {
                return false;
            }
            if (action.group != NULL && strcmp(action.group->name, "item") != 0) {
                return reading_wrong(reading, N_("An entry cannot give a field of that group."), "");
            }
        }
    }
    if (action.what == ACTION_FIELD) {
        if (!reading_value(reading, reading->line, action.field, piece, &action.text)) {
            return false;
        }
    } else {
        const char *kept = reading_keep(reading, (const char *)piece.p, piece.n);

        if (kept == NULL) {
            return false;
        }
        action.text = span_of(kept, piece.n);
    }
    entry->actions[entry->count++] = action;
    return true;
}

bool lookup_read_entry(struct reading *reading, const char *table, const char *key, const char *value)
{
    struct mapping *mapping = reading->mapping;
    struct mapping_lookup *lookup;
    struct mapping_entry entry = {.line = reading->line};
    char folded[MAPPING_KEY_BYTES_MAX];
    size_t n = fold_key(span_text(key), folded, sizeof folded);
    struct span piece;
    char *kept;

    if (mapping->kind == NULL) {
        return reading_wrong(reading, N_("[mapping] with kind must come before look-up tables."), "");
    }
    lookup = lookup_by_name(reading, table);
    if (lookup == NULL || mapping->entry_count == MAPPING_ENTRIES_MAX || n == 0 || n >= sizeof folded) {
        return reading_wrong(reading, N_("There is no room for this entry, or '%s' is no key."), key);
    }
    if (strcmp(value, "-") != 0) {
        while (reading_piece(&value, ',', &piece)) {
            if (piece.n == 0 || !read_action(reading, &entry, piece)) {
                return reading_wrong(reading, N_("The entry '%s' lacks a value; write '-' for none."), key);
            }
        }
    }
    kept = reading_keep(reading, folded, n);
    if (kept == NULL) {
        return false;
    }
    entry.key = span_of(kept, n);
    /* Entries of one table follow each other in the file; close_lookups sorts them out by table. */
    if (lookup->entries == NULL) {
        lookup->entries = &mapping->entries[mapping->entry_count];
    }
    if (lookup->entries + lookup->count != &mapping->entries[mapping->entry_count]) {
        return reading_wrong(reading, N_("The table [lookup %s] is in two pieces. Keep its lines together."), table);
    }
    mapping->entries[mapping->entry_count++] = entry;
    lookup->count++;
    return true;
}

static int compare_spans(struct span a, struct span b)
{
    size_t n = a.n < b.n ? a.n : b.n;
    int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

    return order != 0 ? order : a.n < b.n ? -1 : a.n > b.n;
}

static int compare_entries(const void *a, const void *b)
{
    return compare_spans(((const struct mapping_entry *)a)->key, ((const struct mapping_entry *)b)->key);
}

const struct mapping_entry *mapping_find(const struct mapping_lookup *lookup, struct span value)
{
    char folded[MAPPING_KEY_BYTES_MAX];
    size_t n = fold_key(value, folded, sizeof folded);
    struct span key = span_of(folded, n);
    uint32_t low = 0;
    uint32_t high = lookup->count;

    if (n >= sizeof folded) {
        return NULL;
    }
    while (low < high) {
        uint32_t mid = (low + high) / 2;
        int order = compare_spans(lookup->entries[mid].key, key);

        if (order == 0) {
            return &lookup->entries[mid];
        }
        if (order < 0) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return NULL;
}

bool lookup_close_all(struct reading *reading)
{
    struct mapping *mapping = reading->mapping;

    for (uint32_t i = 0; i < mapping->lookup_count; i++) {
        struct mapping_lookup *lookup = &mapping->lookups[i];

        if (strcmp(lookup->name, "units") == 0) {
            lookup->is_used = true;
            mapping->units = lookup;
        }
        if (lookup->count == 0 || !lookup->is_used) {
            return reading_refuse(reading, lookup->line,
                                  lookup->count == 0 ? N_("There is no table [lookup %s].") : N_("No column uses the table [lookup %s]."),
                                  lookup->name);
        }
        qsort(lookup->entries, lookup->count, sizeof lookup->entries[0], compare_entries);
        for (uint32_t k = 1; k < lookup->count; k++) {
            if (span_equal(lookup->entries[k - 1].key, lookup->entries[k].key)) {
                return reading_refuse(reading, lookup->entries[k].line, N_("The table has two entries for '%s'; case and accents do not matter."),
                                      (const char *)lookup->entries[k].key.p);
            }
        }
        for (uint32_t k = 0; k < lookup->count; k++) {
            if (span_equal(lookup->entries[k].key, span_text("*"))) {
                lookup->empty = &lookup->entries[k];
            }
        }
    }
    return true;
}
