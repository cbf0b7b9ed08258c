#include "region.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "crypto/hash.h"

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct node_id));
}

struct span region_keep(struct region *region, struct span bytes)
{
    uint8_t *copy = malloc(bytes.n + 1);
    void **kept = realloc(region->kept, (region->kept_count + 1) * sizeof(void *));
    assert_non_null(copy);
    assert_non_null(kept);
    memcpy(copy, bytes.p, bytes.n);
    region->kept = kept;
    region->kept[region->kept_count++] = copy;
    return span_of(copy, bytes.n);
}

static struct span notice_keep(struct region *region, const struct notice *notice)
{
    static uint8_t mem[NOTICE_BYTES_MAX + 4096];
    struct out out = out_into(mem, sizeof mem);
    notice_encode(notice, &out);
    assert_false(out.is_full);
    return region_keep(region, out_written(&out));
}

void region_init(struct region *region, size_t hubs)
{
    struct charter charter = {.version = FORMAT_VERSION, .name_bytes = 4, .name = "test", .threshold = REGION_THRESHOLD, .key_count = REGION_ROOTS};
    struct node_id ids[REGION_NODES];
    uint8_t mem[2048];
    struct out out = out_into(mem, sizeof mem);
    struct hash hash;
    memset(region, 0, sizeof *region);
    assert_int_equal(crypto_start(), ERR_OK);
    for (size_t i = 0; i < REGION_ROOTS; i++) {
        assert_int_equal(sign_keypair(&region->root[i], &region->root_secret[i]), ERR_OK);
        charter.keys[i] = region->root[i];
    }
    random_fill(charter.random, sizeof charter.random);
    charter_encode(&charter, &out);
    assert_false(out.is_full);
    hash_of(HASH_CHARTER, out_written(&out), &hash);
    memcpy(region->id.b, hash.b, sizeof region->id.b);
    region->charter = notice_keep(region, &(struct notice){.kind = NOTICE_CHARTER, .body = out_written(&out)});
    random_fill(ids, sizeof ids);
    qsort(ids, REGION_NODES, sizeof ids[0], compare_ids);
    for (size_t i = 0; i < REGION_NODES; i++) {
        struct region_node *node = &region->nodes[i];
        node->id = ids[i];
        node->role = i < hubs ? ROLE_HUB : ROLE_EDGE;
        (void)snprintf(node->name, sizeof node->name, "node-%zu", i);
        assert_int_equal(sign_keypair(&node->identity, &node->secret), ERR_OK);
    }
}

void region_fini(struct region *region)
{
    for (size_t i = 0; i < REGION_ROOTS; i++) {
        secret_destroy(&region->root_secret[i]);
    }
    for (size_t i = 0; i < REGION_NODES; i++) {
        secret_destroy(&region->nodes[i].secret);
    }
    for (size_t i = 0; i < region->kept_count; i++) {
        free(region->kept[i]);
    }
    free(region->kept);
    region->kept = NULL;
    region->kept_count = 0;
}

struct span region_sign(struct region *region, enum notice_kind kind, enum sign_purpose purpose, struct span body, const struct secret *key)
{
    struct notice notice = {.kind = kind, .body = body, .signature_count = 1};
    sign_make(purpose, &region->id, body, key, &notice.signatures[0].signature);
    return notice_keep(region, &notice);
}

static struct member member_of(const struct region_node *node)
{
    struct member member = {.node = node->id, .role = node->role, .identity = node->identity};
    memcpy(member.name, node->name, sizeof member.name);
    return member;
}

struct span region_roster(struct region *region, const struct region_roster *spec, struct hash *ret_hash)
{
    static uint8_t mem[ROSTER_BYTES_MAX + 16];
    static struct cut cuts[REGION_NODES];
    struct member members[REGION_NODES];
    struct out out = out_into(mem, sizeof mem);
    struct roster roster = {.version = FORMAT_VERSION,
                            .region = spec->region == NULL ? region->id : *spec->region,
                            .number = spec->number,
                            .previous = spec->previous,
                            .threshold = REGION_THRESHOLD,
                            .key_count = REGION_ROOTS,
                            .created = {1000 + spec->salt},
                            .protocol_min = spec->protocol_min == 0 ? 1 : spec->protocol_min,
                            .profile = PROFILE_SANDBOX,
                            .members = members,
                            .cuts = cuts};
    memcpy(roster.keys, region->root, sizeof region->root);
    for (size_t i = 0; i < REGION_NODES; i++) {
        if (spec->members >> i & 1) {
            members[roster.member_count++] = member_of(&region->nodes[i]);
        }
        if (spec->cut >> i & 1) {
            struct cut *cut = &cuts[roster.cut_count++];
            *cut = (struct cut){.node = region->nodes[i].id, .head_count = spec->head_count};
            for (uint32_t h = 0; h < spec->head_count; h++) {
                cut->heads[h] = spec->heads[h];
                cut->heads[h].entries = 0;
            }
        }
    }
    assert_int_equal(roster_encode(&roster, &out), ERR_OK);
    struct notice notice = {.kind = NOTICE_ROSTER, .body = out_written(&out)};
    notice.signature_count = spec->signers == 0 ? REGION_THRESHOLD : spec->signers;
    for (uint32_t i = 0; i < notice.signature_count; i++) {
        notice.signatures[i].key = i;
        sign_make(SIGN_ROSTER, &region->id, notice.body, region->root_secret[i], &notice.signatures[i].signature);
    }
    if (ret_hash != NULL) {
        hash_of(HASH_NOTICE, notice.body, ret_hash);
    }
    return notice_keep(region, &notice);
}

static struct span act_keep(struct region *region, struct act *act, size_t registrar)
{
    static uint8_t mem[NOTICE_BYTES_MAX];
    struct out out = out_into(mem, sizeof mem);
    act->version = FORMAT_VERSION;
    act->region = region->id;
    act->registrar = region->nodes[registrar].id;
    assert_int_equal(act_encode(act, &out), ERR_OK);
    return region_sign(region, NOTICE_ACT, SIGN_ACT, out_written(&out), region->nodes[registrar].secret);
}

struct span region_admit(struct region *region, size_t registrar, uint64_t roster_number, const struct hash *roster_hash, uint32_t number,
                         size_t subject)
{
    static struct act act;
    memset(&act, 0, sizeof act);
    act.kind = ACT_ADMIT;
    act.roster_number = roster_number;
    act.roster_hash = *roster_hash;
    act.number = number;
    act.subject = member_of(&region->nodes[subject]);
    return act_keep(region, &act, registrar);
}

struct span region_suspend(struct region *region, size_t registrar, uint64_t roster_number, const struct hash *roster_hash, uint32_t number,
                           size_t subject, const struct head *heads, uint32_t head_count)
{
    static struct act act;
    memset(&act, 0, sizeof act);
    act.kind = ACT_SUSPEND;
    act.roster_number = roster_number;
    act.roster_hash = *roster_hash;
    act.number = number;
    act.subject.node = act.cut.node = region->nodes[subject].id;
    act.cut.head_count = head_count;
    for (uint32_t i = 0; i < head_count; i++) {
        act.cut.heads[i] = heads[i];
        act.cut.heads[i].entries = 0;
    }
    return act_keep(region, &act, registrar);
}

struct span region_card(struct region *region, size_t node, uint64_t counter)
{
    struct box_public encryption;
    random_fill(encryption.b, sizeof encryption.b);
    return region_card_with(region, node, counter, &encryption);
}

struct span region_card_with(struct region *region, size_t node, uint64_t counter, const struct box_public *encryption)
{
    uint8_t mem[2048];
    struct out out = out_into(mem, sizeof mem);
    struct card card = {.version = FORMAT_VERSION, .region = region->id, .counter = counter};
    card.node = region->nodes[node].id;
    card.role = region->nodes[node].role;
    card.identity = region->nodes[node].identity;
    memcpy(card.name, region->nodes[node].name, sizeof card.name);
    random_fill(card.transport.b, sizeof card.transport.b);
    card.encryption = *encryption;
    card_encode(&card, &out);
    assert_false(out.is_full);
    return region_sign(region, NOTICE_CARD, SIGN_CARD, out_written(&out), region->nodes[node].secret);
}

static int compare_heads(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct log_id));
}

struct span region_heads(struct region *region, const struct head *heads, size_t count)
{
    static struct head sorted[FRONTIER_HEADS_MAX + 1];
    static uint8_t mem[80000];
    struct out out = out_into(mem, sizeof mem);
    assert_true(count <= FRONTIER_HEADS_MAX + 1);
    if (count > 0) {
        memcpy(sorted, heads, count * sizeof *heads);
    }
    qsort(sorted, count, sizeof *sorted, compare_heads);
    heads_canonical(sorted, count, &out);
    assert_false(out.is_full);
    return region_keep(region, out_written(&out));
}

struct span region_frontier(struct region *region, size_t node, uint64_t counter, const struct head *heads, size_t count, struct span *ret_heads)
{
    uint8_t mem[1024];
    struct out out = out_into(mem, sizeof mem);
    struct frontier frontier = {.version = FORMAT_VERSION, .region = region->id, .counter = counter, .head_count = (uint32_t)count, .clock = region->clock};
    frontier.node = region->nodes[node].id;
    *ret_heads = region_heads(region, heads, count);
    hash_of(HASH_HEADS, *ret_heads, &frontier.heads_digest);
    frontier_encode(&frontier, &out);
    assert_false(out.is_full);
    return region_sign(region, NOTICE_FRONTIER, SIGN_FRONTIER, out_written(&out), region->nodes[node].secret);
}

/* ---- logs ---- */

void region_log_init(struct region_log *log, struct region *region, size_t node, enum channel channel)
{
    uint8_t canonical_mem[BIRTH_BYTES_MAX], mem[BIRTH_BYTES_MAX];
    struct out canonical = out_into(canonical_mem, sizeof canonical_mem), out = out_into(mem, sizeof mem);
    struct birth birth = {.version = FORMAT_VERSION, .region = region->id, .channel = channel};
    memset(log, 0, sizeof *log);
    log->region = region;
    birth.node = region->nodes[node].id;
    assert_int_equal(sign_keypair(&birth.key, &log->key), ERR_OK);
    random_fill(birth.random, sizeof birth.random);
    birth_canonical(&birth, &canonical);
    sign_make(SIGN_BIRTH, &region->id, out_written(&canonical), region->nodes[node].secret, &birth.signature);
    birth_encode(&birth, &out);
    assert_false(out.is_full);
    log->birth = region_keep(region, out_written(&out));
    log->chain = (struct chain){.region = region->id, .node = birth.node, .channel = channel, .key = birth.key};
    hash_of(HASH_BIRTH, out_written(&canonical), &log->chain.hash);
    memcpy(log->chain.log.b, log->chain.hash.b, sizeof log->chain.log.b);
}

void region_log_fini(struct region_log *log)
{
    secret_destroy(&log->key);
}

struct hash region_content(const struct entry *entry)
{
    struct hash hash;
    hash_leaf(entry->salt, entry->payload, &hash);
    return hash;
}

struct span region_log_entries(struct region_log *log, const struct entry *entries, uint32_t count, uint64_t without, uint64_t roster_number)
{
    static struct commit commit;
    static uint8_t reduced_mem[COMMIT_REDUCED_BYTES_MAX], packed_mem[COMMIT_REDUCED_BYTES_MAX + 1];
    struct out reduced = out_into(reduced_mem, sizeof reduced_mem), packed = out_into(packed_mem, sizeof packed_mem);
    struct commit_packer *packer = commit_packer_new();
    assert_non_null(packer);
    memset(&commit, 0, sizeof commit);
    commit.entry_count = count;
    commit.author_time.ms = 1700000000000;
    commit.roster_version = roster_number;
    memcpy(commit.entries, entries, count * sizeof *entries);
    commit_author(&log->chain, &commit, log->key);
    for (uint32_t i = 0; i < count; i++) {
        commit.entries[i].has_payload = (without >> i & 1) == 0;
    }
    commit_reduced(&commit, &reduced);
    assert_false(reduced.is_full);
    assert_int_equal(commit_pack(packer, out_written(&reduced), &packed), ERR_OK);
    commit_packer_destroy(&packer);
    return region_keep(log->region, out_written(&packed));
}

static struct span commit_write(struct region_log *log, uint32_t entries, size_t bytes, size_t random_bytes)
{
    static struct entry made[COMMIT_ENTRIES_MAX];
    static uint8_t payloads[COMMIT_ENTRIES_MAX][PAYLOAD_BYTES_MAX];
    memset(made, 0, sizeof made);
    for (uint32_t i = 0; i < entries; i++) {
        memset(payloads[i], 'a' + (int)(i % 26), bytes);
        random_fill(payloads[i], random_bytes);
        random_fill(made[i].salt, sizeof made[i].salt);
        made[i].has_payload = true;
        made[i].payload = span_of(payloads[i], bytes);
        made[i].leaf.kind = ENTRY_RECORD;
    }
    return region_log_entries(log, made, entries, 0, log->chain.roster_version);
}

struct span region_log_commit(struct region_log *log, uint32_t entries, size_t bytes)
{
    return commit_write(log, entries, bytes, bytes < 24 ? bytes : 24);
}

struct span region_log_noise(struct region_log *log, uint32_t entries, size_t bytes)
{
    return commit_write(log, entries, bytes, bytes);
}

struct head region_log_head(const struct region_log *log)
{
    return (struct head){log->chain.log, log->chain.seq, log->chain.entries, log->chain.hash};
}

struct seg region_seg(const struct log_id *log, uint64_t first, const struct span *items, uint32_t count)
{
    struct seg seg = {.log = *log, .first = first, .count = count};
    memcpy(seg.items, items, count * sizeof *items);
    return seg;
}
