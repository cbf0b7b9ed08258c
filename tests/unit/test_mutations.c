/* A hundred thousand bent copies of everything that is signed: none is taken for anything but its original, each refusal has a name and a clause.
 * The same seed gives the same keys, objects and mutations; GRIOT_SEED and GRIOT_MUTATIONS choose others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "node/net/session.h"
#include "tests/lib/home.h"
#include "tests/lib/mutate.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef __SANITIZE_ADDRESS__
enum { MUTATIONS = 15000 };
#else
enum { MUTATIONS = 100000 };
#endif

enum { HUB, OTHER_HUB, EDGE, FORKER, OUTSIDER, SUSPECT, OBJECTS_MAX = 32, RESIGNED_MAX = 16, ROUND = 500 /* tries in one transaction */ };
enum object_type { OBJECT_NOTICE, OBJECT_BIRTH, OBJECT_COMMIT };

/* Something signed that the store does not hold yet, and would take as new. */
struct object {
    const char *what;
    enum object_type type;
    struct span bytes, heads; /* heads: beside a frontier */
    struct log_id log;        /* of births and commits */
    uint64_t seq;
    struct hash hash;                      /* what it is: HASH_NOTICE over the signed bytes, hash of the commit */
    struct span resigned[RESIGNED_MAX];    /* its parts, signed by the wrong key, for another purpose or another region */
    size_t resigned_count;
};

static struct region region;
static struct region_log held_log, fork_log, fork_branch, new_log;
static struct home home;
static struct object objects[OBJECTS_MAX];
static size_t object_count;
static struct unpack *unpack;
static struct rng rng;
static uint64_t seed, mutations;
static uint64_t refused[ERR_COUNT], same, tried[MUTATION_COUNT + 1];

/* ---- the same run for the same seed: libsodium draws from it, too ---- */

static struct rng sodium_rng;
static const char *seeded_name(void) { return "seeded"; }
static uint32_t seeded_random(void) { return (uint32_t)rng_next(&sodium_rng); }
static void seeded_fill(void *p, size_t n) { rng_fill(&sodium_rng, p, n); }
static struct randombytes_implementation seeded = {.implementation_name = seeded_name, .random = seeded_random, .buf = seeded_fill};

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* ---- the objects ---- */

static struct object *object_add(const char *what, enum object_type type, struct span bytes)
{
    assert_true(object_count < OBJECTS_MAX);
    struct object *object = &objects[object_count++];
    *object = (struct object){.what = what, .type = type, .bytes = bytes};
    return object;
}

static void resigned_add(struct object *object, struct span bytes)
{
    assert_true(object->resigned_count < RESIGNED_MAX);
    object->resigned[object->resigned_count++] = bytes;
}

static void notice_of(struct span bytes, struct notice *ret)
{
    const char *clause;
    assert_int_equal(notice_decode(unpack, bytes, ret, &clause), ERR_OK);
}

static struct span notice_kept(const struct notice *notice)
{
    static uint8_t mem[NOTICE_BYTES_MAX];
    struct out out = out_into(mem, sizeof mem);
    notice_encode(notice, &out);
    assert_false(out.is_full);
    return region_keep(&region, out_written(&out));
}

/* The same signed bytes with signatures that sign something else. */
static void notice_resign(struct object *object, enum sign_purpose purpose, const struct secret *key)
{
    struct region_id other = region.id;
    struct notice notice;
    other.b[0] ^= 1;
    notice_of(object->bytes, &notice);
    struct span body = region_keep(&region, notice.body);
    notice.body = body;
    for (int wrong = 0; wrong < SIGN_PURPOSE_COUNT + 2; wrong++) {
        if (wrong == (int)purpose) {
            continue;
        }
        bool is_region = wrong == SIGN_PURPOSE_COUNT, is_key = wrong > SIGN_PURPOSE_COUNT;
        for (uint32_t i = 0; i < notice.signature_count; i++) {
            const struct secret *by = key != NULL ? key : region.root_secret[i];
            sign_make(is_region || is_key ? purpose : (enum sign_purpose)wrong, is_region ? &other : &region.id, body, is_key ? region.nodes[OUTSIDER].secret : by,
                      &notice.signatures[i].signature);
        }
        resigned_add(object, notice_kept(&notice));
    }
}

static void notice_add(const char *what, struct span bytes, struct span heads, enum sign_purpose purpose, const struct secret *key)
{
    struct object *object = object_add(what, OBJECT_NOTICE, bytes);
    struct notice notice;
    object->heads = heads;
    notice_of(bytes, &notice);
    hash_of(HASH_NOTICE, notice.body, &object->hash);
    if (notice.signature_count > 0) {
        notice_resign(object, purpose, key);
    }
}

static struct object *item_add(const char *what, enum object_type type, const struct region_log *log, struct span bytes)
{
    struct object *object = object_add(what, type, bytes);
    object->log = log->chain.log;
    object->seq = log->chain.seq;
    object->hash = log->chain.hash;
    return object;
}

/* The reduced form of a commit, completed on the chain before it. */
static void commit_of(const struct chain *chain, struct span packed, struct commit *ret, struct span *ret_reduced)
{
    struct commit_packer *packer = commit_packer_new();
    struct span reduced;
    const char *clause;
    assert_non_null(packer);
    assert_int_equal(commit_unpack(packer, packed, &reduced, &clause), ERR_OK);
    *ret_reduced = region_keep(&region, reduced);
    commit_packer_destroy(&packer);
    assert_int_equal(commit_reduced_decode(unpack, *ret_reduced, ret, &clause), ERR_OK);
    commit_complete(chain, ret);
}

/* The next commit of a log in both packed forms, and with signatures that sign something else. */
static struct span commit_add(struct region_log *log, const char *what, const char *what_plain, uint32_t entries, size_t bytes)
{
    static struct commit commit;
    static uint8_t plain_mem[COMMIT_REDUCED_BYTES_MAX + 1];
    uint8_t canonical_mem[COMMIT_CANONICAL_BYTES_MAX];
    struct chain before = log->chain;
    struct span packed = region_log_commit(log, entries, bytes), reduced;
    commit_of(&before, packed, &commit, &reduced);
    struct out plain = out_into(plain_mem, sizeof plain_mem), canonical = out_into(canonical_mem, sizeof canonical_mem);
    out_bytes(&plain, &(uint8_t){0}, 1);
    out_span(&plain, reduced);
    commit_canonical(&commit, &canonical);
    (void)item_add(what, OBJECT_COMMIT, log, packed);
    struct object *object = item_add(what_plain, OBJECT_COMMIT, log, region_keep(&region, out_written(&plain)));
    struct region_id other = region.id;
    other.b[31] ^= 0x80;
    for (int wrong = 0; wrong < SIGN_PURPOSE_COUNT + 2; wrong++) {
        if (wrong == SIGN_COMMIT) {
            continue;
        }
        bool is_region = wrong == SIGN_PURPOSE_COUNT, is_key = wrong > SIGN_PURPOSE_COUNT;
        sign_make(is_region || is_key ? SIGN_COMMIT : (enum sign_purpose)wrong, is_region ? &other : &region.id, out_written(&canonical),
                  is_key ? region.nodes[EDGE].secret : log->key, &commit.signature);
        plain.at = 1;
        commit_reduced(&commit, &plain);
        resigned_add(object, region_keep(&region, out_written(&plain)));
    }
    return packed;
}

static void birth_add(struct region_log *log, const char *what)
{
    struct object *object = item_add(what, OBJECT_BIRTH, log, log->birth);
    struct region_id other = region.id;
    struct birth birth;
    struct span canonical;
    const char *clause;
    uint8_t mem[BIRTH_BYTES_MAX];
    other.b[7] ^= 1;
    assert_int_equal(birth_decode(unpack, log->birth, &birth, &canonical, &clause), ERR_OK);
    canonical = region_keep(&region, canonical);
    for (int wrong = 0; wrong < SIGN_PURPOSE_COUNT + 2; wrong++) {
        if (wrong == SIGN_BIRTH) {
            continue;
        }
        bool is_region = wrong == SIGN_PURPOSE_COUNT, is_key = wrong > SIGN_PURPOSE_COUNT;
        struct out out = out_into(mem, sizeof mem);
        sign_make(is_region || is_key ? SIGN_BIRTH : (enum sign_purpose)wrong, is_region ? &other : &region.id, canonical,
                  is_key ? log->key : region.nodes[EDGE].secret, &birth.signature);
        birth_encode(&birth, &out);
        resigned_add(object, region_keep(&region, out_written(&out)));
    }
}

/* Two commits of one number, and what proves it. */
static struct span fork_proof_make(void)
{
    static struct commit commits[2];
    uint8_t canonical_mem[2][COMMIT_CANONICAL_BYTES_MAX], mem[4096];
    struct out canonical[2], body = out_into(mem, sizeof mem);
    struct span reduced;
    struct hash hashes[2];
    for (int i = 0; i < 2; i++) {
        struct region_log *log = i == 0 ? &fork_log : &fork_branch;
        struct chain before = log->chain;
        commit_of(&before, region_log_commit(log, 1, 40), &commits[i], &reduced);
        canonical[i] = out_into(canonical_mem[i], sizeof canonical_mem[i]);
        commit_canonical(&commits[i], &canonical[i]);
        commit_hash(&commits[i], &hashes[i]);
    }
    int first = memcmp(hashes[0].b, hashes[1].b, sizeof hashes[0].b) < 0 ? 0 : 1;
    struct fork_proof proof = {.birth = fork_log.birth, .a = out_written(&canonical[first]), .b = out_written(&canonical[1 - first])};
    proof.signature_a = commits[first].signature;
    proof.signature_b = commits[1 - first].signature;
    fork_proof_encode(&proof, &body);
    return notice_kept(&(struct notice){.kind = NOTICE_FORK_PROOF, .body = out_written(&body)});
}

static void objects_make(void)
{
    struct hash roster;
    struct head head;
    struct span heads, items[3];
    struct admitted admitted;
    region_init(&region, 2);
    home_init(&home, &region, HUB);
    home_found(&home, &region, 1 << HUB | 1 << OTHER_HUB | 1 << EDGE | 1 << FORKER | 1 << SUSPECT, &roster);
    region_log_init(&held_log, &region, EDGE, CHANNEL_REPORT);
    region_log_init(&new_log, &region, EDGE, CHANNEL_ALERT);
    region_log_init(&fork_log, &region, FORKER, CHANNEL_CONTROL);
    fork_branch = fork_log;
    items[0] = held_log.birth;
    items[1] = region_log_commit(&held_log, 2, 100);
    assert_int_equal(home_admit(&home, &held_log.chain.log, 0, items, 2, &admitted), ERR_OK);
    head = region_log_head(&held_log);

    notice_add("charter", region.charter, span_of(NULL, 0), SIGN_ROSTER, NULL);
    notice_add("roster", region_roster(&region, &(struct region_roster){.number = 2, .previous = roster, .members = 0x2f, .cut = 1 << OUTSIDER, .signers = 4}, NULL),
               span_of(NULL, 0), SIGN_ROSTER, NULL);
    notice_add("act that admits", region_admit(&region, HUB, 1, &roster, 1, OUTSIDER), span_of(NULL, 0), SIGN_ACT, region.nodes[HUB].secret);
    notice_add("act that suspends", region_suspend(&region, OTHER_HUB, 1, &roster, 1, SUSPECT, &head, 1), span_of(NULL, 0), SIGN_ACT,
               region.nodes[OTHER_HUB].secret);
    notice_add("card", region_card(&region, EDGE, 5), span_of(NULL, 0), SIGN_CARD, region.nodes[EDGE].secret);
    struct span frontier = region_frontier(&region, OTHER_HUB, 9, &head, 1, &heads);
    notice_add("frontier", frontier, heads, SIGN_FRONTIER, region.nodes[OTHER_HUB].secret);
    notice_add("fork proof", fork_proof_make(), span_of(NULL, 0), SIGN_COMMIT, NULL);
    birth_add(&new_log, "birth");
    (void)commit_add(&held_log, "commit, packed", "commit, plain", 3, 300);
    (void)item_add("commit that is held", OBJECT_COMMIT, &held_log, items[1]);
    objects[object_count - 1].seq = 1;
    objects[object_count - 1].hash = head.hash;
}

/* ---- the judgement ---- */

static void __attribute__((format(printf, 2, 3))) guilty(const char *what, const char *format, ...)
{
    char text[300];
    va_list list;
    va_start(list, format);
    (void)vsnprintf(text, sizeof text, format, list);
    va_end(list);
    fail_msg("%s: %s; again with GRIOT_SEED=%llu", what, text, (unsigned long long)seed);
}

/* A refusal has the name of something that a peer can do wrong, and the clause. */
static void judge_refusal(const char *what, enum err err, const char *clause)
{
    if (err_blame(err) != BLAME_PEER || clause == NULL) {
        guilty(what, "refused as %s, %s", err_name(err), clause == NULL ? "without a clause" : clause);
    }
    refused[err]++;
}

static bool is_original(const struct hash *hash, enum object_type type, uint64_t seq)
{
    for (size_t i = 0; i < object_count; i++) {
        if (objects[i].type == type && objects[i].seq == seq && hash_equal(&objects[i].hash, hash)) {
            return true;
        }
    }
    return false;
}

/* True when the store took it: then it must be the original, however it was packed. */
static bool offer(const struct object *object, struct span bytes, struct span heads, const char *what)
{
    const char *clause = NULL;
    enum err err;
    if (object->type == OBJECT_NOTICE) {
        struct notice_ref ref;
        bool is_new = false;
        err = store_admit_notice(home.store, bytes, 0, heads, &ref, &is_new, &clause);
        if (err == ERR_OK) {
            struct notice notice;
            struct hash hash;
            notice_of(bytes, &notice);
            hash_of(HASH_NOTICE, notice.body, &hash);
            if (!is_original(&hash, OBJECT_NOTICE, 0)) {
                guilty(object->what, "%s was taken for another", what);
            }
        }
    } else {
        struct admitted admitted;
        struct seg seg = region_seg(&object->log, object->seq, &bytes, 1);
        err = store_admit(home.store, &seg, &admitted, &clause);
        if (admitted.has_fork) {
            guilty(object->what, "%s made a fork", what);
        }
        if (err == ERR_OK && admitted.after.seq != admitted.before.seq && !is_original(&admitted.after.hash, OBJECT_COMMIT, admitted.after.seq)) {
            guilty(object->what, "%s was taken for another", what);
        }
    }
    if (err != ERR_OK) {
        judge_refusal(object->what, err, clause);
        return false;
    }
    same++;
    return true;
}

static void transaction_renew(void)
{
    store_abort(home.store);
    assert_int_equal(store_begin(home.store), ERR_OK);
}

static const struct object *object_any(void)
{
    return &objects[rng_below(&rng, object_count)];
}

static bool try_one(void)
{
    static uint8_t mem[2 * NOTICE_BYTES_MAX], heads_mem[2 * NOTICE_BYTES_MAX];
    const struct object *object = object_any(), *other = object_any();
    struct out out = out_into(mem, sizeof mem), heads_out = out_into(heads_mem, sizeof heads_mem);
    enum mutation mutation = (enum mutation)rng_below(&rng, MUTATION_COUNT + 1);
    struct span bytes, heads = object->heads;
    if (mutation == MUTATION_COUNT) {
        if (object->resigned_count == 0) {
            return false;
        }
        bytes = object->resigned[rng_below(&rng, object->resigned_count)];
    } else if (object->heads.n > 0 && rng_chance(&rng, 300)) {
        mutate(&rng, mutation, object->heads, other->bytes, &heads_out);
        heads = out_written(&heads_out);
        bytes = object->bytes;
    } else if (object->type == OBJECT_COMMIT && object->bytes.p[0] == 0 && mutation >= MUTATE_FIELD_SWAP) {
        struct out inside = out_into(mem + 1, sizeof mem - 1); /* behind the byte that says how it is packed */
        mem[0] = 0;
        mutate(&rng, mutation, span_of(object->bytes.p + 1, object->bytes.n - 1), other->bytes, &inside);
        bytes = span_of(mem, inside.at + 1);
    } else {
        mutate(&rng, mutation, object->bytes, other->bytes, &out);
        bytes = out_written(&out);
    }
    if (span_equal(bytes, object->bytes) && span_equal(heads, object->heads)) {
        if (mutation == MUTATION_COUNT) {
            guilty(object->what, "another key, purpose or region gives the same signature");
        }
        return false; /* nothing was bent */
    }
    char what[80];
    (void)snprintf(what, sizeof what, "%s", mutation == MUTATION_COUNT ? "what another key, purpose or region signed" : mutation_name(mutation));
    bool is_taken = offer(object, bytes, heads, what);
    if (is_taken && mutation == MUTATION_COUNT) {
        guilty(object->what, "%s was taken", what);
    }
    tried[mutation]++;
    return is_taken;
}

static void every_original_is_taken(void **state)
{
    (void)state;
    assert_int_equal(store_begin(home.store), ERR_OK);
    for (size_t i = 0; i < object_count; i++) {
        if (!offer(&objects[i], objects[i].bytes, objects[i].heads, "the original")) {
            guilty(objects[i].what, "the original is refused");
        }
        transaction_renew();
    }
    store_abort(home.store);
    same = 0;
}

static void no_bent_copy_is_taken_for_anything_but_its_original(void **state)
{
    (void)state;
    struct hash before = home_digest(&home);
    memset(refused, 0, sizeof refused);
    assert_int_equal(store_begin(home.store), ERR_OK);
    uint64_t left = mutations * 9 / 10; /* the rest are handshakes */
    for (uint64_t i = 0; left > 0; i++) {
        bool is_taken = try_one();
        uint64_t done = same;
        for (size_t e = 0; e < ERR_COUNT; e++) {
            done += refused[e];
        }
        left = done >= mutations * 9 / 10 ? 0 : mutations * 9 / 10 - done;
        if (is_taken || i % ROUND == ROUND - 1) {
            transaction_renew();
        }
    }
    store_abort(home.store);
    struct hash after = home_digest(&home);
    assert_memory_equal(before.b, after.b, sizeof before.b);
}

/* ---- the handshake ---- */

static struct membership *membership;
static struct curve_public transport[REGION_NODES];

static bool owns_key(void *arg, const struct node_id *node, const struct curve_public *key)
{
    (void)arg;
    for (size_t i = 0; i < REGION_NODES; i++) {
        if (node_id_equal(&region.nodes[i].id, node)) {
            return memcmp(transport[i].b, key->b, sizeof key->b) == 0;
        }
    }
    return false;
}

struct end {
    struct session_self self;
    struct session session;
    uint8_t memory[2 * HELLO_BYTES_MAX];
};

static struct span end_begin(struct end *end, size_t node, bool is_dialler, size_t peer)
{
    struct out out = out_into(end->memory, sizeof end->memory);
    end->self = (struct session_self){.identity = region.nodes[node].secret, .transport = transport[node], .membership = membership, .owns_key = owns_key};
    end->self.hello = (struct hello){.protocol = PROTOCOL_VERSION, .region = region.id, .node = region.nodes[node].id, .roster_number = 1};
    end->self.hello.frame_bytes_max = FRAME_BYTES_MAX;
    session_begin(&end->session, &end->self, is_dialler, &transport[peer], (struct wall_ms){1700000000000}, &out);
    return out_written(&out);
}

/* Give a frame to one end, bent when its turn has come. What it answers through `ret`. False: it refused. */
static bool give(struct end *end, struct span bytes, int turn, int bent, struct span other, struct span ret[2], bool *ret_is_bent)
{
    static uint8_t mem[8 * HELLO_BYTES_MAX + 80000];
    struct frame frame, original;
    size_t lengths[2] = {0, 0};
    struct out answer = out_into(end->memory, sizeof end->memory);
    const char *clause = NULL;
    enum err err;
    ret[0] = ret[1] = span_of(NULL, 0);
    assert_int_equal(frame_decode(bytes, &original, &clause), ERR_OK);
    if (turn == bent) {
        struct out out = out_into(mem, sizeof mem);
        out_bytes(&out, bytes.p, FRAME_HEADER_BYTES);
        struct out body = out_into(mem + FRAME_HEADER_BYTES, sizeof mem - FRAME_HEADER_BYTES);
        mutate(&rng, (enum mutation)rng_below(&rng, MUTATION_COUNT), original.body, other, &body);
        bytes = span_of(mem, FRAME_HEADER_BYTES + body.at);
    }
    err = frame_decode(bytes, &frame, &clause);
    if (err == ERR_OK) {
        *ret_is_bent = *ret_is_bent || !span_equal(frame.body, original.body);
        err = session_take(&end->session, &end->self, &frame, unpack, &answer, lengths, &clause);
    }
    if (err != ERR_OK) {
        judge_refusal("handshake", err, clause);
        return false;
    }
    ret[0] = span_of(end->memory, lengths[0]);
    ret[1] = span_of(end->memory + lengths[0], lengths[1]);
    return true;
}

static void no_bent_handshake_leads_to_a_session(void **state)
{
    (void)state;
    struct hash hash;
    struct span roster = region_roster(&region, &(struct region_roster){.number = 1, .members = 1 << HUB | 1 << EDGE}, &hash);
    assert_int_equal(membership_build(&region.id, region.charter, &roster, 1, NULL, 0, sign_check, &membership), ERR_OK);
    for (size_t i = 0; i < REGION_NODES; i++) {
        random_fill(transport[i].b, sizeof transport[i].b);
    }
    for (uint64_t i = 0; i < mutations / 10; i++) {
        static struct end dialler, listener;
        struct span sent[2], none[2];
        uint8_t mem[2][2 * HELLO_BYTES_MAX];
        struct span other = object_any()->bytes;
        int bent = (int)rng_below(&rng, 4);
        bool is_bent = false, goes_on;
        struct span hello = end_begin(&dialler, EDGE, true, HUB);
        memcpy(mem[0], hello.p, hello.n);
        (void)end_begin(&listener, HUB, false, EDGE);
        goes_on = give(&listener, span_of(mem[0], hello.n), 0, bent, other, sent, &is_bent);
        for (int k = 0; k < 2 && goes_on; k++) { /* HELLO and HELLO_ACK of the listener */
            memcpy(mem[k], sent[k].p, sent[k].n);
            sent[k].p = mem[k];
            goes_on = give(&dialler, sent[k], 1 + k, bent, other, none, &is_bent);
        }
        if (goes_on && none[0].n > 0) {
            goes_on = give(&listener, none[0], 3, bent, other, sent, &is_bent);
        }
        if (is_bent && listener.session.state == SESSION_UP) {
            guilty("handshake", "the listener believes in a session with a bent frame in it");
        }
        if (is_bent && bent < 3 && dialler.session.state == SESSION_UP) {
            guilty("handshake", "the dialler believes in a session with a bent frame in it");
        }
        same += goes_on;
        tried[MUTATION_COUNT]++;
    }
    membership_destroy(&membership);
}

static int group_setup(void **state)
{
    (void)state;
    unpack = unpack_new();
    objects_make();
    return unpack == NULL;
}

static int group_teardown(void **state)
{
    (void)state;
    print_message("    seed %llu, the same object after all %llu times, refused:", (unsigned long long)seed, (unsigned long long)same);
    for (size_t i = 0; i < ERR_COUNT; i++) {
        if (refused[i] > 0) {
            print_message(" %s %llu", err_name((enum err)i), (unsigned long long)refused[i]);
        }
    }
    print_message("\n");
    home_fini(&home);
    region_log_fini(&held_log);
    region_log_fini(&new_log);
    region_log_fini(&fork_log);
    region_fini(&region);
    unpack_destroy(&unpack);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_original_is_taken),
        cmocka_unit_test(no_bent_copy_is_taken_for_anything_but_its_original),
        cmocka_unit_test(no_bent_handshake_leads_to_a_session),
    };
    seed = from_environment("GRIOT_SEED", 20261123);
    mutations = from_environment("GRIOT_MUTATIONS", MUTATIONS);
    rng.state = seed;
    sodium_rng.state = ~seed;
    if (randombytes_set_implementation(&seeded) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
