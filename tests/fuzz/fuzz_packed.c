/* A packed commit: what unpacks is bounded, and packs and unpacks to itself. */
#include "proto/commit.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct commit_packer *packer;
    static uint8_t first[COMMIT_REDUCED_BYTES_MAX];
    static uint8_t bytes[COMMIT_REDUCED_BYTES_MAX + 1];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct span reduced;
    size_t n;
    enum err err;

    packer = packer == NULL ? commit_packer_new() : packer;
    must(packer != NULL);
    err = commit_unpack(packer, span_of(data, size), &reduced, &clause);
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return 0;
    }
    must(reduced.n <= sizeof first);
    n = reduced.n;
    if (n > 0) {
        memcpy(first, reduced.p, n);
    }
    must(commit_pack(packer, span_of(first, n), &out) == ERR_OK);
    must(commit_unpack(packer, out_written(&out), &reduced, &clause) == ERR_OK);
    must(span_equal(reduced, span_of(first, n)));
    return 0;
}
