/* What only readers with the key see of an entry, and the keys themselves. The first byte says which. */
#include "proto/sealed.h"
#include "proto/sender_key.h"
#include "tests/fuzz/fuzz.h"

static void inside(struct commit_packer *packer, struct unpack *unpack, struct span bytes)
{
    static uint8_t expanded[PAYLOAD_EXPANDED_BYTES_MAX], again[PAYLOAD_EXPANDED_BYTES_MAX], packed[SEALED_INNER_BYTES_MAX];
    struct out out = out_into(packed, sizeof packed);
    const char *clause = NULL;
    struct sealed sealed, back;
    enum err err = sealed_read(packer, unpack, bytes, expanded, &sealed, &clause);

    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return;
    }
    must(sealed.kind != ENTRY_SEALED && sealed.payload.n <= PAYLOAD_EXPANDED_BYTES_MAX);
    err = sealed_write(packer, &sealed, &out);
    if (err == ERR_OVERSIZE) {
        return; /* somebody packs better than we do */
    }
    must(err == ERR_OK && sealed_read(packer, unpack, out_written(&out), again, &back, &clause) == ERR_OK);
    must(back.kind == sealed.kind && back.flags == sealed.flags && span_equal(back.payload, sealed.payload));
}

static void key(struct unpack *unpack, struct span bytes)
{
    static struct sender_key read;
    uint8_t memory[PAYLOAD_BYTES_MAX];
    struct out out = out_into(memory, sizeof memory);
    const char *clause = NULL;
    enum err err = sender_key_read(unpack, bytes, &read, &clause);

    if (err != ERR_OK) {
        must_refuse_well(err, clause);
        return;
    }
    sender_key_write(&read, &out);
    must_equal(&out, bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct commit_packer *packer;
    static struct unpack *unpack;

    packer = packer == NULL ? commit_packer_new() : packer;
    unpack = unpack == NULL ? unpack_new() : unpack;
    must(packer != NULL && unpack != NULL);
    if (size == 0) {
        return 0;
    }
    if (data[0] % 2 == 0) {
        inside(packer, unpack, span_of(data + 1, size - 1));
    } else {
        key(unpack, span_of(data + 1, size - 1));
    }
    return 0;
}
