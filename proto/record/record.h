/* record.h - a domain object's version in memory: seizure, alert, operation, request, answer. One schema table drives validation, entry, import, index fields, show and
 * export; adding a field is one line, adding a kind is one file. Pure. Payload format: WIRE.md 6; fields: FIELDS.md (generated from the table). */
#ifndef GRIOT_PROTO_RECORD_RECORD_H
#define GRIOT_PROTO_RECORD_RECORD_H

#include "proto/ids.h"
#include "proto/unpack.h"

/* Marks an English sentence for xgettext (-kN_); the caller translates it when it shows it. */
#define N_(text) text

enum record_kind { RECORD_SEIZURE = 1, RECORD_ALERT = 2, RECORD_OPERATION = 3, RECORD_REQUEST = 4, RECORD_ANSWER = 5 }; /* permanent numbers */

enum field_type {
    FIELD_TEXT,       /* free UTF-8, NFC as entered */
    FIELD_NAME,       /* short text without line breaks: place, brand, airline */
    FIELD_CODE,       /* one of a code list, stored as its code */
    FIELD_COUNTRY,    /* ISO 3166 alpha-2, or "XX" unknown */
    FIELD_DATE,       /* 2026-11-22, 2026-11 or 2026 (precision by length) */
    FIELD_TIME,       /* RFC 3339 UTC to the second */
    FIELD_DECIMAL,    /* canonical: digits, optional '.', no exponent, no trailing zeros, at most 24 characters */
    FIELD_COUNT,      /* whole number 0..2^53 */
    FIELD_FLAG,       /* "true" or "false" */
    FIELD_IDENTIFIER, /* exact and never fuzzy: container, plate, waybill; kept as entered */
    FIELD_REFERENCE,  /* id of another record */
    FIELD_GROUP,      /* a repeated sub-table: item lines, legs */
};

enum {
    FIELD_MANDATORY = 1, /* in the short form too; "unknown" where the list allows it counts as given, and is counted */
    FIELD_REPEATED = 2,
    FIELD_WORDS = 4, /* folded words go into the index */
    FIELD_EXACT = 8, /* the whole value goes into the index under the field's name */
    FIELD_NOMINAL = 16,
    FIELD_LONG = 32,     /* long form only */
    FIELD_ENVELOPE = 64, /* set by the node or with defaults, same number in all kinds */
};

struct code_list;

struct field {
    uint16_t number;  /* permanent, never reused; below 32: envelope; inside a group: its own numbers */
    const char *name; /* a-z 0-9 _; in JSON, command line, mapping files, queries; never translated */
    enum field_type type;
    uint32_t flags;
    uint16_t bytes_max;
    const struct code_list *codes; /* FIELD_CODE */
    const struct field *group;     /* FIELD_GROUP: its fields, ended by number 0 */
    const char *label;             /* English label, a gettext msgid */
    const char *help;              /* one English sentence, a gettext msgid */
};

struct kind {
    enum record_kind number;
    const char *name; /* "seizure" */
    const char *label;
    const struct field *fields; /* envelope fields first; ended by number 0 */
};

/* All kinds, NULL at the end of iteration; by name or number, NULL when unknown. */
const struct kind *kind_at(size_t index);
const struct kind *kind_by_name(struct span name);
const struct kind *kind_by_number(uint32_t number);
/* A field by name. "quantity" finds an item's field too (then *ret_group is the group field and *ret_item is 1), as do "item.quantity" and
 * "item.2.quantity". NULL when there is none. */
const struct field *kind_field(const struct kind *kind, struct span name, const struct field **ret_group, uint32_t *ret_item);

enum {
    RECORD_VALUES_MAX = 256,
    RECORD_REPLACES_MAX = 8,
    RECORD_ITEMS_MAX = 32,        /* of one group */
    RECORD_TEXT_BYTES_MAX = 1800, /* all values together with what they cost to encode; leaves room in a payload for id and replaces */
};

struct record_value {
    const struct field *field;
    const struct field *group; /* NULL at top level */
    uint32_t item;             /* 1.. within its group */
    struct span text;          /* canonical text of the value, borrowed */
};

/* One version of a record. Values are sorted by (field or group number, item, number within group, order given). */
struct record {
    enum record_kind kind;
    struct record_id id;
    uint32_t depth; /* 1 for the first version, one more than the deepest replaced */
    uint32_t replaces_count;
    struct hash replaces[RECORD_REPLACES_MAX]; /* leaf content hashes of the versions it replaces */
    uint32_t value_count;
    struct record_value values[RECORD_VALUES_MAX];
    uint32_t unknown_count; /* fields of a newer schema, kept in the payload, not shown */
};

/* Payload numbers below the envelope's fields. */
enum { PAYLOAD_KIND = 1, PAYLOAD_ID = 2, PAYLOAD_DEPTH = 3, PAYLOAD_REPLACES = 4 };

/* Payload bytes: a map keyed by field number. `record` must be valid (record_validate gave no error). ERR_OVERSIZE above PAYLOAD_BYTES_MAX. */
MUST_CHECK enum err record_encode(const struct record *record, struct out *ret);
/* Decode; spans point into `payload`. Unknown field numbers are counted and skipped; unknown kinds give ERR_VERSION.
 *   errors  those of unpack_begin; ERR_MALFORMED (a field of another type, no kind, no id), ERR_NONCANONICAL (a value not in its one form),
 *           ERR_OVERSIZE (a value), ERR_LIMIT (values, items, replaces); `*clause` then names the clause of WIRE.md */
MUST_CHECK enum err record_decode(struct unpack *unpack, struct span payload, struct record *ret, const char **clause);

/* Does it hold a value that names or identifies a person or company? */
bool record_is_nominal(const struct record *record);
/* First value of a field, or an empty span. */
struct span record_get(const struct record *record, const char *field_name);

/* A fault found by validation. */
enum fault_level { FAULT_ERROR, FAULT_WARNING };
struct record_fault {
    enum fault_level level;
    const struct field *field; /* NULL: the record as a whole */
    uint32_t item;
    struct span value; /* as given, borrowed */
    const char *rule;  /* stable code: "field.unknown", "date.future", "code.unknown", "mandatory", "decimal.syntax", "container.check_digit" ... */
    const char *text;  /* English sentence with what to do, a gettext msgid; holds one %s for the field's label (unless `field` is NULL), then perhaps
                          one for  the value */
};
/* The sentence of a fault with label and value put in. `translate` (gettext, or NULL for English) turns msgids into the reader's language. A long
 * value is cut. */
void record_fault_write(const struct record_fault *fault, char *(*translate)(const char *msgid), struct out *ret);
enum { RECORD_FAULTS_MAX = 64 };
struct record_faults {
    size_t count; /* at most RECORD_FAULTS_MAX are kept */
    size_t errors;
    struct record_fault faults[RECORD_FAULTS_MAX];
};

/* A record under construction, from entry or import. Owns the text it is given. One owner at a time. */
struct draft;
struct draft *draft_new(const struct kind *kind); /* NULL when memory runs out */
void draft_reset(struct draft *draft, const struct kind *kind);
void draft_destroy(struct draft **draft);
/* Add a value as a person or file gives it; normalised by type (dates to the canonical form, codes by code or alias in any case, decimals, countries
 * by alpha-2). The value is copied. Faults go to `faults`. returns  false when it was refused (then a fault says why) */
bool draft_add(struct draft *draft, struct span name, struct span value, struct record_faults *faults);
/* The same for a field that the caller has looked up once: `field` with `group` as kind_field gave them; `item` 0 means the current item of the
 * group, or the next one when the field is set there already and not repeated (so commodity=.. quantity=.. commodity=.. makes two items). */
bool draft_add_field(struct draft *draft, const struct field *field, const struct field *group, uint32_t item, struct span value,
                     struct record_faults *faults);
/* Whether the draft holds a value of the field named, in any item: for defaults that only fill a gap. */
bool draft_has(const struct draft *draft, const char *name);
/* How many items the group named has so far: the next one is this and 1. */
uint32_t draft_items(const struct draft *draft, const struct field *group);
/* Validate the whole: mandatory fields, cross-field rules, defaults. `today` in days since 1970 bounds dates. Writes a sorted record whose spans
 * borrow from the draft. returns  true when there is no error (warnings allowed) */
bool draft_finish(struct draft *draft, uint32_t today, struct record *ret, struct record_faults *faults);
/* Share of the kind's weighted fields that hold a known value, 0..100. */
uint32_t record_completeness(const struct record *record);

/* Code lists: data with labels in three languages. */
struct code {
    const char *code;
    const char *label[3]; /* en, fr, pt */
    const char *aliases;  /* lower-case alternatives separated by '|', or NULL */
};
const struct code_list *code_list_by_name(const char *name);
const char *code_list_name(const struct code_list *list);
size_t code_list_count(const struct code_list *list);
const struct code *code_list_at(const struct code_list *list, size_t index);
/* By code, alias or label in any of the languages; case, accents, punctuation and surrounding space are ignored ("x-ray", "Côte d’Ivoire"). NULL when
 * unknown. */
const struct code *code_find(const struct code_list *list, struct span text);
/* Exactly a code of the list, as stored. */
const struct code *code_exact(const struct code_list *list, struct span code);
/* The code of another list that this one belongs to: a commodity's heading, a unit's base unit, a heading's main unit. NULL when it has none. */
const char *code_parent(const struct code_list *list, const struct code *code);
/* All lists in turn, NULL at the end. */
const struct code_list *code_list_index(size_t index);

/* Folded words for the index: lower case, accents stripped, œ and ligatures opened, ’ and – as separators; words of 1..48 bytes of letters and
 * digits. Calls `each` for each word in order. ASCII and Latin-1 take a table, the rest utf8proc. */
void fold_words(struct span utf8, void (*each)(void *arg, struct span word), void *arg);
/* An exact value's key: folded, inner spaces to one, at most 64 bytes (longer: cut). Returns bytes written. */
size_t fold_exact(struct span utf8, uint8_t *ret, size_t cap);

/* Write the reference of all kinds, fields and code lists as Markdown, piece by piece: FIELDS.md is this text. */
void fields_reference(void (*put)(void *arg, const char *text), void *arg);

#endif
