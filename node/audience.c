#include "node/audience.h"

#include "node/operation.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char operation_head[] = "operation:";

/* One list under way. */
struct resolving {
    const struct audience_source *source;
    struct readers *readers;
    struct audience_fault *fault;
    char list[AUDIENCE_LIST_BYTES_MAX + 1]; /* commas replaced by NUL */
    uint32_t word_count;
    const char *words[AUDIENCE_LIST_BYTES_MAX / 2 + 1];
    struct operation operation;
};

/* What is wrong, with the value that it is about. */
static enum err refuse(struct resolving *r, enum err err, const char *value, const char *what, const char *why, const char *todo)
{
    *r->fault = (struct audience_fault){.what = what, .why = why, .todo = todo};
    (void)snprintf(r->fault->value, sizeof r->fault->value, "%s", value);
    return err;
}

/* ---- the words of the list ---- */

static char *trim(char *word)
{
    size_t n;
    word += strspn(word, " \t");
    n = strlen(word);
    while (n > 0 && (word[n - 1] == ' ' || word[n - 1] == '\t')) {
        word[--n] = '\0';
    }
    return word;
}

static enum err nobody(struct resolving *r)
{
    return refuse(r, ERR_USAGE, "", N_("nobody is named who may read it"), N_("an empty list is nobody, not everybody"),
                  N_("--to region for the whole region, --to local for this node alone, or names: --to sn,gm"));
}

static enum err split(struct resolving *r, const char *list)
{
    size_t n = strlen(list);
    char *next = r->list;
    if (n > AUDIENCE_LIST_BYTES_MAX) {
        return refuse(r, ERR_USAGE, "", N_("the list of readers is too long"), N_("it may have 4096 characters"),
                      N_("release it to region, or to an operation: operation:NAME"));
    }
    memcpy(r->list, list, n + 1);
    while (next != NULL) {
        char *word = next;
        char *comma = strchr(word, ',');
        next = NULL;
        if (comma != NULL) {
            *comma = '\0';
            next = comma + 1;
        }
        word = trim(word);
        if (word[0] == '\0') {
            return nobody(r);
        }
        if (strncmp(word, operation_head, sizeof operation_head - 1) != 0) { /* names of nodes have no capitals: SN is sn */
            for (char *p = word; *p != '\0'; p++) {
                *p = (char)tolower((unsigned char)*p);
            }
        }
        for (uint32_t i = 0; i < r->word_count; i++) {
            if (strcmp(r->words[i], word) == 0) {
                return refuse(r, ERR_USAGE, word, N_("a reader is named twice"), N_("a slip may hide another name that was meant"), N_("name each once"));
            }
        }
        r->words[r->word_count++] = word;
    }
    return ERR_OK;
}

/* ---- who a reader is ---- */

static int compare_readers(const void *a, const void *b)
{
    const struct reader *x = a, *y = b;
    return x->is_self != y->is_self ? y->is_self - x->is_self : strcmp(x->name, y->name);
}

static bool has_key(const struct audience_source *source, const struct node_id *node)
{
    static const struct box_public none;
    struct card card;
    return store_card(source->read, node, &card) == ERR_OK && memcmp(card.encryption.b, none.b, sizeof none.b) != 0;
}

/* `member` NULL: nobody ever heard of it. */
static void add_row(const struct audience_source *source, const struct node_id *node, const struct member *member, struct readers *readers)
{
    struct reader *row = &readers->rows[readers->count];
    if (readers->count == MEMBERS_MAX) {
        return; /* more than a roster can name */
    }
    *row = (struct reader){.node = *node, .role = ROLE_EDGE, .is_self = node_id_equal(node, &source->home->node)};
    if (row->is_self) {
        memcpy(row->name, source->home->name, sizeof row->name);
        row->role = source->home->role;
    } else if (member != NULL) {
        memcpy(row->name, member->name, sizeof row->name);
        row->role = member->role;
    } else {
        char hex[2 * sizeof node->b + 1];
        (void)snprintf(row->name, sizeof row->name, "%s", hex_encode(node->b, sizeof node->b, hex));
    }
    row->is_rilo = source->home->config.rilo[0] != '\0' && strcmp(row->name, source->home->config.rilo) == 0;
    row->can_read = row->is_self || readers->is_region || has_key(source, node);
    readers->count++;
}

static void make_rows(const struct audience_source *source, struct readers *readers)
{
    readers->count = 0;
    for (size_t i = 0; i < readers->audience.count; i++) {
        const struct node_id *node = &readers->audience.nodes[i];
        add_row(source, node, source->membership != NULL ? membership_named(source->membership, node) : NULL, readers);
    }
    qsort(readers->rows, readers->count, sizeof readers->rows[0], compare_readers);
}

void readers_of_region(const struct audience_source *source, struct readers *readers)
{
    readers->audience.count = 0;
    readers->count = 0;
    readers->left_count = 0;
    size_t count = source->membership != NULL ? membership_count(source->membership) : 0;
    readers->is_region = true;
    for (size_t i = 0; i < count; i++) {
        const struct member *member = membership_at(source->membership, i);
        add_row(source, &member->node, member, readers);
    }
    qsort(readers->rows, readers->count, sizeof readers->rows[0], compare_readers);
}

/* ---- one word ---- */

static enum err add_node(struct resolving *r, const struct node_id *node)
{
    enum err err = audience_add(&r->readers->audience, node);
    return err == ERR_OK ? err
                         : refuse(r, err, "", N_("more readers are named than a record can have"), N_("it is sealed for at most 160 nodes"),
                                  N_("release it to region, or name fewer"));
}

/* The member of this name, or why there is none. */
static const struct member *find(const struct resolving *r, const char *name, enum reader_gap *ret_gap)
{
    const struct membership *membership = r->source->membership;
    const struct member *member = membership != NULL ? membership_by_name(membership, name) : NULL;
    if (member == NULL) {
        const struct member *before = membership != NULL ? membership_named_as(membership, name) : NULL;
        *ret_gap = before == NULL ? READER_UNKNOWN : membership_is_suspended(membership, &before->node) ? READER_SUSPENDED : READER_GONE;
    }
    return member;
}

static enum err add_name(struct resolving *r, const char *name)
{
    enum reader_gap gap = READER_UNKNOWN;
    const struct member *member;
    if (strcmp(name, r->source->home->name) == 0) {
        return ERR_OK; /* it is in every audience */
    }
    member = find(r, name, &gap);
    if (member != NULL) {
        return add_node(r, &member->node);
    }
    if (r->source->membership == NULL) {
        return refuse(r, ERR_NOT_FOUND, name, N_("this node knows no members yet"), N_("it has no roster of its region"), N_("griot join takes in the region's file"));
    }
    switch (gap) {
    case READER_SUSPENDED:
        return refuse(r, ERR_NOT_MEMBER, name, N_("this reader is suspended"), N_("what is released to it now may be read by whoever holds its machine"),
                      N_("leave it out; when the root lifts the suspension, griot grant gives it what it missed"));
    case READER_GONE:
        return refuse(r, ERR_NOT_MEMBER, name, N_("this reader has left the region"), N_("only members are released anything"), N_("leave it out"));
    case READER_UNKNOWN:
        break;
    }
    return refuse(r, ERR_NOT_FOUND, name, N_("no member bears this name"), N_("nothing is released to a name that nobody bears"),
                  N_("griot readers --to region lists the names; an operation is named operation:NAME"));
}

static enum err add_rilo(struct resolving *r)
{
    const struct home *home = r->source->home;
    enum reader_gap gap;
    if (home->config.rilo[0] == '\0' && home->role == ROLE_HUB) {
        return ERR_OK; /* a RILO itself */
    }
    if (home->config.rilo[0] == '\0') {
        return refuse(r, ERR_CONFIG, "", N_("this office's RILO is not known"), N_("griot.ini does not name it"),
                      N_("write rilo = NAME under [node] in griot.ini, with the name of the RILO's node, and start the node again"));
    }
    if (strcmp(home->config.rilo, home->name) != 0 && find(r, home->config.rilo, &gap) == NULL && gap == READER_UNKNOWN) {
        return refuse(r, ERR_CONFIG, home->config.rilo, N_("the RILO that griot.ini names is no member"), N_("nothing is released to a name that nobody bears"),
                      N_("correct rilo = NAME under [node] in griot.ini, and start the node again; griot readers --to region lists the names"));
    }
    return add_name(r, home->config.rilo);
}

static void leave_out(struct readers *readers, const char *name, enum reader_gap gap)
{
    for (uint32_t i = 0; i < readers->left_count; i++) {
        if (strcmp(readers->left[i].name, name) == 0) {
            return;
        }
    }
    if (readers->left_count < AUDIENCE_NODES_MAX) {
        struct reader_left *left = &readers->left[readers->left_count++];
        (void)snprintf(left->name, sizeof left->name, "%s", name);
        left->gap = gap;
    }
}

static enum err explain_operation(struct resolving *r, enum err err, const char *text)
{
    switch ((int)err) {
    case ERR_NOT_FOUND:
    case ERR_INVALID:
        return refuse(r, ERR_NOT_FOUND, text, N_("no operation of this name is here"), N_("it has not arrived yet, or this node may not read it"),
                      N_("griot search kind:operation lists those that are here"));
    case ERR_EXISTS:
        return refuse(r, err, text, N_("several operations bear this name"), N_("anybody may enter an operation, under any name"),
                      N_("name it by its id, operation:ID; griot search kind:operation shows whose each is"));
    default:
        return err;
    }
}

static enum err add_operation(struct resolving *r, const char *text)
{
    struct operation *operation = &r->operation;
    bool is_anybody = false;
    enum err err = operation_find(r->source->views, text, operation);
    if (err != ERR_OK) {
        return explain_operation(r, err, text);
    }
    if (operation->current > 1) {
        return refuse(r, ERR_INVALID, text, N_("the operation has several versions in force"), N_("they may not agree on who takes part"),
                      N_("ask its owner to write one that replaces them, or name the readers"));
    }
    if (operation->is_closed) {
        return refuse(r, ERR_INVALID, text, N_("the operation is closed"), N_("nothing new is released to a closed or withdrawn operation"), N_("name the readers"));
    }
    for (uint32_t i = 0; i < operation->count && err == ERR_OK; i++) {
        const char *name = operation->names[i];
        enum reader_gap gap;
        const struct member *member = find(r, name, &gap);
        bool is_self = strcmp(name, r->source->home->name) == 0;
        is_anybody = is_anybody || is_self || member != NULL;
        if (is_self) {
            continue;
        }
        if (member != NULL) {
            err = add_node(r, &member->node);
        } else {
            leave_out(r->readers, name, gap);
        }
    }
    if (err == ERR_OK && !is_anybody) {
        return refuse(r, ERR_INVALID, text, N_("nobody who takes part in the operation is a member"), N_("it would be released to nobody"),
                      N_("ask its owner to correct the participants, or name the readers"));
    }
    return err;
}

static enum err add_word(struct resolving *r, const char *word)
{
    if (strcmp(word, "region") == 0) {
        return refuse(r, ERR_USAGE, word, N_("region is named beside others"), N_("the whole region reads it then, the others among them"),
                      N_("name region alone, or the others without it"));
    }
    if (strcmp(word, "local") == 0) {
        return refuse(r, ERR_USAGE, word, N_("local is named beside others"), N_("it means this node alone; it is in every audience"),
                      N_("name local alone, or the others without it"));
    }
    if (strcmp(word, "rilo") == 0) {
        return add_rilo(r);
    }
    if (strncmp(word, operation_head, sizeof operation_head - 1) == 0) {
        const char *text = word + sizeof operation_head - 1;
        text += strspn(text, " \t");
        return text[0] == '\0' ? explain_operation(r, ERR_NOT_FOUND, word) : add_operation(r, text);
    }
    return add_name(r, word);
}

enum err readers_resolve(const struct audience_source *source, const char *list, struct readers *ret, struct audience_fault *ret_fault)
{
    struct resolving *r = calloc(1, sizeof *r);
    enum err err;
    if (r == NULL) {
        return ERR_MEMORY;
    }
    *r = (struct resolving){.source = source, .readers = ret, .fault = ret_fault};
    *ret_fault = (struct audience_fault){.what = NULL};
    ret->is_region = false;
    ret->audience.count = 0;
    ret->count = 0;
    ret->left_count = 0;
    err = split(r, list);
    if (err == ERR_OK && r->word_count == 1 && strcmp(r->words[0], "region") == 0) {
        readers_of_region(source, ret);
        free(r);
        return ERR_OK;
    }
    if (err == ERR_OK) {
        err = add_node(r, &source->home->node);
    }
    if (err == ERR_OK && !(r->word_count == 1 && strcmp(r->words[0], "local") == 0)) {
        for (uint32_t i = 0; i < r->word_count && err == ERR_OK; i++) {
            err = add_word(r, r->words[i]);
        }
    }
    if (err == ERR_OK) {
        make_rows(source, ret);
    }
    free(r);
    return err;
}

void readers_of_key(const struct audience_source *source, const struct key_readers *key, struct readers *ret)
{
    ret->is_region = false;
    ret->audience = key->audience;
    ret->left_count = 0;
    for (size_t i = 0; i < key->granted.count; i++) {
        if (audience_add(&ret->audience, &key->granted.nodes[i]) != ERR_OK) {
            break; /* who floods a key of his own with grants sees the first of them */
        }
    }
    make_rows(source, ret);
    for (uint32_t i = 0; i < ret->count; i++) {
        struct reader *row = &ret->rows[i];
        row->is_granted = !audience_has(&key->audience, &row->node);
        row->can_read = key_readers_can(key, &row->node);
    }
}
