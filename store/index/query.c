#include "store/index/query.h"

#include "store/index/terms.h"

#include <assert.h>
#include <stdlib.h>

/* The query under construction, with the first fault found. */
struct parser {
    struct query *query;
    struct span text;
    size_t at;
    size_t token_at; /* where the present token begins: faults that concern it as a whole */
    size_t fault_at;
    const char *why; /* NULL: no fault so far */
};

static void fault(struct parser *parser, size_t at, const char *why)
{
    if (parser->why == NULL) {
        parser->fault_at = at;
        parser->why = why;
    }
}

/* ---- building ---- */

/* Keep the term that `write` put into `out`, as a further atom of the present need. */
static void atom_add(struct parser *parser, struct span term, bool is_prefix)
{
    struct query *query = parser->query;

    if (query->atom_count == QUERY_ATOMS_MAX || term.n > sizeof query->text - query->text_bytes) {
        fault(parser, parser->token_at, N_("the query has too many parts: leave some out"));
        return;
    }
    memcpy(query->text + query->text_bytes, term.p, term.n);
    query->atoms[query->atom_count++] = (struct query_atom){span_of(query->text + query->text_bytes, term.n), is_prefix};
    query->text_bytes += term.n;
    query->needs[query->need_count - 1].count++;
}

static bool need_add(struct parser *parser)
{
    struct query *query = parser->query;

    if (query->need_count == QUERY_TERMS_MAX) {
        fault(parser, parser->token_at, N_("more than 32 words and values: leave some out"));
        return false;
    }
    query->needs[query->need_count++] = (struct query_need){query->atom_count, 0};
    query->clauses[query->clause_count - 1].count++;
    return true;
}

static bool clause_add(struct parser *parser, bool is_not)
{
    struct query *query = parser->query;

    if (query->clause_count == QUERY_TERMS_MAX) {
        fault(parser, parser->token_at, N_("more than 32 words and values: leave some out"));
        return false;
    }
    query->clauses[query->clause_count++] = (struct query_clause){is_not, query->need_count, 0};
    return true;
}

/* ---- values ---- */

static const struct code_list *field_codes(const struct field *field)
{
    return field->type == FIELD_COUNTRY && field->codes == NULL ? code_list_by_name("country") : field->codes;
}

/* Keep a field's value as a further atom of the present need: a code by any of its names, other values folded. */
static void value_atom(struct parser *parser, const struct kind *kind, const struct field *group, const struct field *field, struct span value,
                       bool is_prefix)
{
    const struct code_list *codes = field_codes(field);
    const struct code *code = is_prefix || codes == NULL ? NULL : code_find(codes, value);
    uint8_t b[TERM_BYTES_MAX], folded[TERM_VALUE_BYTES_MAX];
    struct out out = out_into(b, sizeof b);
    size_t n = fold_exact(code != NULL ? span_text(code->code) : value, folded, sizeof folded);
    struct query *query = parser->query;
    const struct query_need *need = &query->needs[query->need_count - 1];

    if (n == 0 || (is_prefix && n < QUERY_PREFIX_BYTES_MIN)) {
        fault(parser, parser->token_at, is_prefix ? N_("give at least two letters before '*'") : N_("there is no value behind the ':'"));
        return;
    }
    term_field(kind->number, group, field, span_of(folded, n), &out);
    for (uint32_t i = need->first; i < query->atom_count; i++) { /* an envelope field is the same in all kinds */
        if (span_equal(query->atoms[i].term, out_written(&out))) {
            return;
        }
    }
    atom_add(parser, out_written(&out), is_prefix);
}

/* ---- words ---- */

static void word_add(void *arg, struct span word)
{
    struct parser *parser = arg;
    uint8_t b[TERM_BYTES_MAX];
    struct out out = out_into(b, sizeof b);

    if (parser->why != NULL || !need_add(parser)) {
        return;
    }
    term_word(word, &out);
    atom_add(parser, out_written(&out), false);
}

/* Codes that say nothing: no finding for a word. */
static bool is_vague(const struct code *code)
{
    return strcmp(code->code, "UNKNOWN") == 0 || strcmp(code->code, "OTHER") == 0 || strcmp(code->code, "XX") == 0;
}

/* A word may also be said by a code: "cocaine" finds the commodity COCAINE, in any language that the code list knows. Short words are left alone:
 * "de" and "no" are words before they are countries. */
static void codes_add(struct parser *parser, const struct kind *kind, const struct field *group, const struct field *fields, struct span word)
{
    for (; fields->number != 0; fields++) {
        const struct code_list *codes = field_codes(fields);
        const struct code *code;
        if (fields->group != NULL) {
            codes_add(parser, kind, fields, fields->group, word);
        }
        code = codes == NULL || (fields->flags & FIELD_EXACT) == 0 ? NULL : code_find(codes, word);
        if (code != NULL && !is_vague(code)) {
            value_atom(parser, kind, group, fields, span_text(code->code), false);
        }
    }
}

/* The words of `text`, the last one as a prefix when `is_prefix`. */
static void words_add(struct parser *parser, struct span text, bool is_prefix, bool is_not)
{
    struct query *query = parser->query;
    uint32_t before = query->need_count;
    struct query_atom *last;
    const struct kind *kind;

    if (!clause_add(parser, is_not)) {
        return;
    }
    fold_words(text, word_add, parser);
    if (query->need_count == before) {
        fault(parser, parser->token_at, N_("there is no letter or digit to search for here"));
    }
    if (parser->why != NULL) {
        return;
    }
    last = &query->atoms[query->atom_count - 1];
    if (is_prefix) {
        last->is_prefix = true;
        if (last->term.n - 1 < QUERY_PREFIX_BYTES_MIN) {
            fault(parser, parser->token_at, N_("give at least two letters before '*'"));
        }
    } else if (query->need_count == before + 1 && text.n >= QUERY_CODE_BYTES_MIN) {
        for (size_t i = 0; (kind = kind_at(i)) != NULL; i++) {
            codes_add(parser, kind, NULL, kind->fields, text);
        }
    }
}

/* ---- fields ---- */

static void field_date(struct parser *parser, size_t value_at, struct span value)
{
    struct term_date date;
    uint8_t b[8];
    struct out out = out_into(b, sizeof b);

    if (!term_date_parse(value, &date)) {
        fault(parser, value_at, N_("write a date as 2026, 2026-11 or 2026-11-22"));
        return;
    }
    term_date(&date, &out);
    atom_add(parser, out_written(&out), false);
}

static size_t dots(struct span name)
{
    size_t n = 0;

    for (size_t i = 0; i < name.n; i++) {
        n += name.p[i] == '.';
    }
    return n;
}

/* A field of whatever kinds have it. */
static void field_any(struct parser *parser, size_t name_at, struct span name, size_t value_at, struct span value, bool is_prefix)
{
    const struct kind *kind;
    bool is_known = false, is_searched = false;

    for (size_t i = 0; (kind = kind_at(i)) != NULL && parser->why == NULL; i++) {
        const struct field *group = NULL, *field;
        uint32_t item = 0;
        field = dots(name) > 1 ? NULL : kind_field(kind, name, &group, &item);
        if (field == NULL) {
            continue;
        }
        is_known = true;
        if (terms_is_event_date(field)) {
            field_date(parser, value_at, value);
            return;
        }
        if ((field->flags & FIELD_EXACT) != 0) {
            is_searched = true;
            value_atom(parser, kind, group, field, value, is_prefix);
        }
    }
    if (!is_known) {
        fault(parser, name_at, N_("there is no field of this name: put the text in \"quotes\" to search for its words"));
    } else if (!is_searched) {
        fault(parser, name_at, N_("this field is not searched by its value: search for its words alone"));
    }
}

static void field_kind(struct parser *parser, size_t value_at, struct span value)
{
    const struct kind *kind = kind_by_name(value);
    uint8_t b[2];
    struct out out = out_into(b, sizeof b);

    if (kind == NULL) {
        fault(parser, value_at, N_("there is no kind of record of this name"));
        return;
    }
    term_kind(kind->number, &out);
    atom_add(parser, out_written(&out), false);
}

static int hex_digit(uint8_t c)
{
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static void field_author(struct parser *parser, size_t value_at, struct span value)
{
    struct node_id node;
    uint8_t b[1 + sizeof node.b];
    struct out out = out_into(b, sizeof b);
    bool is_hex = value.n == 2 * sizeof node.b;

    for (size_t i = 0; i < sizeof node.b && is_hex; i++) {
        int high = hex_digit(value.p[2 * i]), low = hex_digit(value.p[2 * i + 1]);
        is_hex = high >= 0 && low >= 0;
        node.b[i] = (uint8_t)(is_hex ? high << 4 | low : 0);
    }
    if (!is_hex) {
        fault(parser, value_at, N_("an author is a node id: 32 hexadecimal digits"));
        return;
    }
    term_author(&node, &out);
    atom_add(parser, out_written(&out), false);
}

static void field_add(struct parser *parser, size_t name_at, struct span name, size_t value_at, struct span value, bool is_prefix, bool is_not)
{
    bool is_kind = span_equal(name, span_text("kind")), is_author = span_equal(name, span_text("author"));
    bool is_date = span_equal(name, span_text("date"));

    if (!clause_add(parser, is_not) || !need_add(parser)) {
        return;
    }
    if ((is_kind || is_author || is_date) && is_prefix) {
        fault(parser, value_at, N_("'*' has no meaning here: give the whole value"));
    } else if (is_kind) {
        field_kind(parser, value_at, value);
    } else if (is_author) {
        field_author(parser, value_at, value);
    } else if (is_date) {
        field_date(parser, value_at, value);
    } else {
        field_any(parser, name_at, name, value_at, value, is_prefix);
    }
}

/* ---- tokens ---- */

static bool is_space(uint8_t c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static bool is_name(uint8_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '.';
}

/* The text between the quote at `at` and the next one; moves behind it. */
static bool quoted(struct parser *parser, struct span *ret)
{
    size_t from = parser->at + 1, to = from;

    while (to < parser->text.n && parser->text.p[to] != '"') {
        to++;
    }
    if (to == parser->text.n) {
        fault(parser, parser->at, N_("the closing '\"' is missing"));
        return false;
    }
    *ret = span_of(parser->text.p + from, to - from);
    parser->at = to + 1;
    return true;
}

/* The text up to the next space or quote, without the '*' at its end; moves behind it. */
static struct span bare(struct parser *parser, bool *ret_is_prefix)
{
    size_t from = parser->at, to = from, star = SIZE_MAX;

    while (to < parser->text.n && !is_space(parser->text.p[to]) && parser->text.p[to] != '"') {
        if (parser->text.p[to] == '*' && star == SIZE_MAX) {
            star = to;
        }
        to++;
    }
    parser->at = to;
    *ret_is_prefix = star != SIZE_MAX;
    if (star != SIZE_MAX && star + 1 != to) {
        fault(parser, star, N_("'*' stands only at the end of a word"));
    }
    return span_of(parser->text.p + from, (star == SIZE_MAX ? to : star) - from);
}

/* Bytes of a field's name when one stands here with its ':', else 0. */
static size_t name_bytes(const struct parser *parser)
{
    size_t to = parser->at;

    if (to < parser->text.n && (parser->text.p[to] < 'a' || parser->text.p[to] > 'z')) {
        return 0;
    }
    while (to < parser->text.n && is_name(parser->text.p[to])) {
        to++;
    }
    return to < parser->text.n && parser->text.p[to] == ':' ? to - parser->at : 0;
}

static void token(struct parser *parser)
{
    bool is_not = parser->text.p[parser->at] == '-', is_prefix = false;
    size_t name_at, n, value_at;
    struct span name, value;

    parser->token_at = parser->at;
    if (is_not && (++parser->at == parser->text.n || is_space(parser->text.p[parser->at]))) {
        fault(parser, parser->token_at, N_("'-' excludes the word behind it, and there is none"));
        return;
    }
    name_at = parser->at;
    n = name_bytes(parser);
    name = span_of(parser->text.p + name_at, n);
    value_at = parser->at += n > 0 ? n + 1 : 0;
    if (parser->at < parser->text.n && parser->text.p[parser->at] == '"') {
        if (!quoted(parser, &value)) {
            return;
        }
    } else {
        value = bare(parser, &is_prefix);
    }
    if (parser->why != NULL) {
        return;
    }
    if (n == 0) {
        words_add(parser, value, is_prefix, is_not);
    } else if (value.n == 0) {
        fault(parser, name_at, N_("there is no value behind the ':'"));
    } else {
        field_add(parser, name_at, name, value_at, value, is_prefix, is_not);
    }
}

/* The first byte that is not well-formed UTF-8, or text.n. */
static size_t utf8_fault(struct span text)
{
    for (size_t i = 0, n; i < text.n; i += n) {
        uint8_t c = text.p[i];
        uint8_t low = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80, high = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
        n = c < 0x80 ? 1 : c >= 0xc2 && c <= 0xdf ? 2 : c >= 0xe0 && c <= 0xef ? 3 : c >= 0xf0 && c <= 0xf4 ? 4 : 0;
        if (n == 0 || n > text.n - i || (n > 1 && (text.p[i + 1] < low || text.p[i + 1] > high))) {
            return i;
        }
        for (size_t k = 2; k < n; k++) {
            if ((text.p[i + k] & 0xc0) != 0x80) {
                return i;
            }
        }
    }
    return text.n;
}

enum err query_parse(struct span text, struct query *ret, size_t *ret_at, const char **ret_why)
{
    struct parser parser = {.query = ret, .text = text};

    ret->clause_count = ret->need_count = ret->atom_count = 0;
    ret->text_bytes = 0;
    if (text.n > QUERY_BYTES_MAX) {
        fault(&parser, QUERY_BYTES_MAX, N_("the query is longer than 1024 bytes"));
    } else if (utf8_fault(text) < text.n) {
        fault(&parser, utf8_fault(text), N_("this is not UTF-8 text"));
    }
    while (parser.why == NULL && parser.at < text.n) {
        if (is_space(text.p[parser.at])) {
            parser.at++;
        } else {
            token(&parser);
        }
    }
    if (parser.why != NULL) {
        *ret_at = parser.fault_at;
        *ret_why = parser.why;
        return ERR_INVALID;
    }
    return ERR_OK;
}
