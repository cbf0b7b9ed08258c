/* What people carry by hand between desks. A first byte: 0 a region file, 1 a proposal, 2 a proposal below its opening, which is made here, 3 a root key's public half, 4 a root signature,
 * 5 a card; then the file. */
#include "node/file.h"
#include "node/proposal.h"
#include "node/root_key.h"
#include "tests/fuzz/fuzz.h"

#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static const char opening[] = "griot proposal 1\n";
static char folder[] = "/dev/shm/fuzz_carried.XXXXXX";

static void leave(void) { file_remove_tree(folder); }

static const char *in_folder(const char *name)
{
    static char paths[2][PATH_MAX];
    static unsigned turn;
    char *path = paths[turn++ % 2];

    (void)snprintf(path, PATH_MAX, "%s/%s", folder, name);
    return path;
}

static void put(const char *name, struct span head, struct span bytes)
{
    FILE *file = fopen(in_folder(name), "wb");

    must(file != NULL && fwrite(head.p, 1, head.n, file) == head.n && fwrite(bytes.p, 1, bytes.n, file) == bytes.n && fclose(file) == 0);
}

/* The file is at fault, and nothing else. */
static void must_refuse(enum err err)
{
    must(err != ERR_OK && err != ERR_IO && err != ERR_MEMORY && err != ERR_NOT_FOUND && err != ERR_PERMISSION);
}

static void region_again(void)
{
    struct region_file region = {0}, again = {0};
    const char *why = NULL;
    enum err err = region_file_read(in_folder("in"), &region, &why);

    if (err != ERR_OK) {
        must_refuse(err);
        return;
    }
    err = region_file_write(&region, in_folder("out"));
    must(err == ERR_OK || err == ERR_MALFORMED || err == ERR_OVERSIZE);
    if (err == ERR_OK) {
        must(region_file_read(in_folder("out"), &again, &why) == ERR_OK && again.count == region.count && region_id_equal(&again.id, &region.id));
        region_file_fini(&again);
    }
    region_file_fini(&region);
}

static void proposal_again(void)
{
    struct proposal proposal = {0}, again = {0};
    struct proposal_signers signers;
    struct proposal_change *changes = NULL;
    size_t count = 0;
    const char *why = NULL;
    enum err err = proposal_read(in_folder("in"), &proposal, &why);

    if (err != ERR_OK) {
        must_refuse(err);
        return;
    }
    must(proposal_changes(&proposal, &changes, &count) == ERR_OK);
    free(changes);
    proposal_signers(&proposal, &signers);
    must(signers.before_threshold >= 1 && signers.before_threshold <= signers.before_count && signers.after_threshold >= 1 && signers.after_threshold <= signers.after_count);
    for (uint32_t i = 0; i < signers.after_count; i++) {
        must(proposal_key_number(&proposal, &signers.after[i]) != UINT32_MAX);
    }
    must(proposal_follows(&proposal, &proposal.region, &why) == ERR_OK);
    must(proposal_write(&proposal, in_folder("out")) == ERR_OK);
    must(proposal_read(in_folder("out"), &again, &why) == ERR_OK && memcmp(again.hash.b, proposal.hash.b, sizeof again.hash.b) == 0);
    proposal_fini(&again);
    proposal_fini(&proposal);
}

static void signature_again(void)
{
    struct root_signature signature;
    char text[ROOT_TEXT_BYTES_MAX];
    const char *why = NULL;
    enum err err = root_signature_read(in_folder("in"), &signature, &why);

    if (err != ERR_OK) {
        must_refuse(err);
        return;
    }
    put("in", span_of(text, 0), span_of(text, root_signature_encode(&signature, text)));
    must(root_signature_read(in_folder("in"), &signature, &why) == ERR_OK);
}

static void key_read(void)
{
    struct sign_public key;
    const char *why = NULL;
    enum err err = root_key_read(in_folder("in"), &key, &why);

    if (err != ERR_OK) {
        must_refuse(err);
    }
}

static void card_read(void)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct card card;
    char print[FINGERPRINT_CHARS];
    const char *why = NULL;
    enum err err = card_file_read(in_folder("in"), &out, &card, print, &why);

    if (err != ERR_OK) {
        must_refuse(err);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static bool is_begun;
    struct span bytes;
    struct hash sum;
    uint8_t head[sizeof opening - 1 + sizeof sum.b];

    if (!is_begun) {
        must(crypto_start() == ERR_OK && mkdtemp(folder) != NULL && atexit(leave) == 0);
        is_begun = true;
    }
    if (size == 0) {
        return 0;
    }
    bytes = span_of(data + 1, size - 1);
    memcpy(head, opening, sizeof opening - 1);
    hash_of(HASH_FILE, bytes, &sum);
    memcpy(head + sizeof opening - 1, sum.b, sizeof sum.b);
    put("in", span_of(head, data[0] == 2 ? sizeof head : 0), bytes);
    switch (data[0]) {
    case 0:
        region_again();
        break;
    case 3:
        key_read();
        break;
    case 4:
        signature_again();
        break;
    case 5:
        card_read();
        break;
    default:
        proposal_again();
        break;
    }
    return 0;
}
