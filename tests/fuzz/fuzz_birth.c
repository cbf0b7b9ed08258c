/* A birth as carried. */
#include "proto/commit.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct unpack *unpack;
    uint8_t bytes[BIRTH_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    const char *clause = NULL;
    struct birth birth;
    struct span canonical;
    enum err err;

    unpack = unpack == NULL ? unpack_new() : unpack;
    must(unpack != NULL);
    err = birth_decode(unpack, span_of(data, size), &birth, &canonical, &clause);
    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return 0;
    }
    birth_encode(&birth, &out);
    must_equal(&out, span_of(data, size));
    out = out_into(bytes, sizeof bytes);
    birth_canonical(&birth, &out);
    must_equal(&out, canonical);
    return 0;
}
