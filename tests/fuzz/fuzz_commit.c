/* A first byte, 0 for the canonical form or 1 for the reduced one, then the form. */
#include "proto/commit.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct unpack *unpack;
    static struct commit commit;
    uint8_t bytes[COMMIT_REDUCED_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct span in;
    enum err err;

    unpack = unpack == NULL ? unpack_new() : unpack;
    must(unpack != NULL);
    if (size == 0) {
        return 0;
    }
    in = span_of(data + 1, size - 1);
    err = data[0] == 0 ? commit_canonical_decode(unpack, in, &commit, &clause) : commit_reduced_decode(unpack, in, &commit, &clause);
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return 0;
    }
    if (data[0] == 0) {
        commit_canonical(&commit, &out);
    } else {
        must(commit_cost(&commit) <= COMMIT_BYTES_MAX);
        commit_reduced(&commit, &out);
    }
    must_equal(&out, in);
    return 0;
}
