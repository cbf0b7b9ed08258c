#include "proto/notice.h"
#include "proto/pack.h"

enum { PROOF_ITEMS = 6 };

void fork_proof_encode(const struct fork_proof *proof, struct out *ret)
{
    pack_array(ret, PROOF_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_bin(ret, proof->birth);
    pack_bin(ret, proof->a);
    pack_bin(ret, proof->b);
    pack_bin(ret, span_of(proof->signature_a.b, sizeof proof->signature_a.b));
    pack_bin(ret, span_of(proof->signature_b.b, sizeof proof->signature_b.b));
}

/* Both sides and the birth must be good by themselves and speak of one log and seq. Which hash is lower, and
 * whose signature it is, is for whoever can hash (store/validity.h). */
static enum err parts_decode(struct unpack *unpack, const struct fork_proof *proof, const char **clause)
{
    struct birth birth;
    struct commit commit;
    struct region_id region;
    struct log_id log;
    uint64_t seq;
    enum err err = birth_decode(unpack, proof->birth, &birth, NULL, clause);

    if (err == ERR_OK) {
        err = commit_canonical_decode(unpack, proof->a, &commit, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    region = commit.region;
    log = commit.log;
    seq = commit.seq;
    err = commit_canonical_decode(unpack, proof->b, &commit, clause);
    if (err != ERR_OK) {
        return err;
    }
    if (!region_id_equal(&region, &commit.region) || !region_id_equal(&region, &birth.region) || log_id_compare(&log, &commit.log) != 0 ||
        seq != commit.seq) {
        return unpack_refuse(clause, "WIRE.md 4.6: not two commits of one log and number", ERR_MALFORMED);
    }
    if (span_equal(proof->a, proof->b)) {
        return unpack_refuse(clause, "WIRE.md 4.6: twice the same commit", ERR_MALFORMED);
    }
    return ERR_OK;
}

enum err fork_proof_decode(struct unpack *unpack, struct span bytes, struct fork_proof *ret, const char **clause)
{
    struct cursor c;
    enum err err;

    if (bytes.n > NOTICE_BYTES_MAX) {
        return unpack_refuse(clause, "WIRE.md 4.7: longer than 61440 bytes", ERR_OVERSIZE);
    }
    err = unpack_begin(unpack, bytes, clause);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, PROOF_ITEMS, &c, clause);
    }
    if (err != ERR_OK) {
        return err;
    }
    ret->birth = cursor_bin(&c, 1, BIRTH_BYTES_MAX);
    ret->a = cursor_bin(&c, 1, COMMIT_CANONICAL_BYTES_MAX);
    ret->b = cursor_bin(&c, 1, COMMIT_CANONICAL_BYTES_MAX);
    cursor_bin_into(&c, ret->signature_a.b, sizeof ret->signature_a.b);
    cursor_bin_into(&c, ret->signature_b.b, sizeof ret->signature_b.b);
    if (cursor_end(&c) != ERR_OK) {
        return unpack_refuse(clause, "WIRE.md 4.6: a field has the wrong type, length or range", ERR_MALFORMED);
    }
    return parts_decode(unpack, ret, clause);
}
