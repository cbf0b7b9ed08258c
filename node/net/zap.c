#include "node/net/zap.h"

#include <stdlib.h>
#include <zmq.h>

/* RFC 27 has 300 for this: disconnected without a word, so that libzmq's dialler tries again, while a 400 silences it for ever (Z2). But after a 300
 * libzmq 4.3.4 disconnects only if the answer finds it busy, else it sits there until the time of the handshake is up; a status that it does not know
 * it disconnects at once. */
#define NOT_YET "301"

enum { ZAP_FRAMES_MAX = 16, ZAP_FRAME_BYTES_MAX = 256 };

struct zap {
    void *socket;
    struct curve_public *keys;
    size_t count;
    struct curve_public *revoked;
    size_t revoked_count;
    uint64_t refused_for_now, refused_for_good, let_in;
};

enum err zap_new(void *context, struct zap **ret)
{
    struct zap *zap = calloc(1, sizeof *zap);
    if (zap == NULL) {
        return ERR_MEMORY;
    }
    zap->socket = zmq_socket(context, ZMQ_REP);
    int linger = 0;
    if (zap->socket == NULL || zmq_setsockopt(zap->socket, ZMQ_LINGER, &linger, sizeof linger) != 0 ||
        zmq_bind(zap->socket, "inproc://zeromq.zap.01") != 0) {
        zap_destroy(&zap);
        return ERR_INTERNAL;
    }
    *ret = zap;
    return ERR_OK;
}

void zap_destroy(struct zap **zap)
{
    if (*zap == NULL) {
        return;
    }
    if ((*zap)->socket != NULL) {
        zmq_close((*zap)->socket);
    }
    free((*zap)->keys);
    free((*zap)->revoked);
    free(*zap);
    *zap = NULL;
}

void *zap_socket(struct zap *zap)
{
    return zap->socket;
}

static bool holds(const struct curve_public *keys, size_t count, const uint8_t *key)
{
    for (size_t i = 0; i < count; i++) {
        if (memcmp(keys[i].b, key, sizeof keys[i].b) == 0) {
            return true;
        }
    }
    return false;
}

static enum err copy_keys(const struct curve_public *keys, size_t count, struct curve_public **ret)
{
    *ret = NULL;
    if (count == 0) {
        return ERR_OK;
    }
    *ret = malloc(count * sizeof **ret);
    if (*ret == NULL) {
        return ERR_MEMORY;
    }
    memcpy(*ret, keys, count * sizeof **ret);
    return ERR_OK;
}

enum err zap_allow(struct zap *zap, const struct curve_public *keys, size_t count, const struct curve_public *revoked, size_t revoked_count)
{
    struct curve_public *new_keys, *new_revoked;
    if (copy_keys(keys, count, &new_keys) != ERR_OK) {
        return ERR_MEMORY;
    }
    if (copy_keys(revoked, revoked_count, &new_revoked) != ERR_OK) {
        free(new_keys);
        return ERR_MEMORY;
    }
    free(zap->keys);
    free(zap->revoked);
    zap->keys = new_keys;
    zap->count = count;
    zap->revoked = new_revoked;
    zap->revoked_count = revoked_count;
    return ERR_OK;
}

bool zap_welcomes(const struct zap *zap, const struct curve_public *key)
{
    return holds(zap->keys, zap->count, key->b) && !holds(zap->revoked, zap->revoked_count, key->b);
}

void zap_refused(const struct zap *zap, uint64_t *ret_for_now, uint64_t *ret_for_good)
{
    *ret_for_now = zap->refused_for_now;
    *ret_for_good = zap->refused_for_good;
}

uint64_t zap_let_in(const struct zap *zap)
{
    return zap->let_in;
}

static void send_text(void *socket, const char *text, int flags)
{
    /* A reply that cannot be sent leaves the asker waiting until its handshake times out: nothing better is possible here. */
    (void)zmq_send(socket, text, strlen(text), flags);
}

struct question {
    int frames;
    char text[ZAP_FRAMES_MAX][ZAP_FRAME_BYTES_MAX];
    size_t bytes[ZAP_FRAMES_MAX];
};

static bool read_question(void *socket, struct question *question)
{
    question->frames = 0;
    int more = 1;
    while (more) {
        zmq_msg_t part;
        zmq_msg_init(&part);
        if (zmq_msg_recv(&part, socket, ZMQ_DONTWAIT) < 0) {
            zmq_msg_close(&part);
            return false;
        }
        size_t n = zmq_msg_size(&part);
        if (question->frames < ZAP_FRAMES_MAX) {
            size_t kept = n < ZAP_FRAME_BYTES_MAX ? n : 0;
            memcpy(question->text[question->frames], zmq_msg_data(&part), kept);
            question->bytes[question->frames] = n;
        }
        question->frames++;
        more = zmq_msg_more(&part);
        zmq_msg_close(&part);
    }
    return true;
}

static bool frame_is(const struct question *question, int frame, const char *text)
{
    return question->bytes[frame] == strlen(text) && memcmp(question->text[frame], text, question->bytes[frame]) == 0;
}

/* RFC 27: version, request id, domain, address, identity, mechanism, credentials (CURVE: one frame, the 32-byte public key). */
void zap_answer(struct zap *zap)
{
    struct question question;
    while (read_question(zap->socket, &question)) {
        const char *status = "400", *why = "refused";
        char user[65] = "";
        if (question.frames == 7 && frame_is(&question, 0, "1.0") && frame_is(&question, 2, ZAP_DOMAIN) && frame_is(&question, 5, "CURVE") &&
            question.bytes[6] == sizeof(struct curve_public) && question.bytes[1] < ZAP_FRAME_BYTES_MAX) {
            const uint8_t *key = (const uint8_t *)question.text[6];
            if (holds(zap->revoked, zap->revoked_count, key)) {
                zap->refused_for_good++;
            } else if (holds(zap->keys, zap->count, key)) {
                static const char digits[] = "0123456789abcdef";
                for (size_t i = 0; i < 32; i++) {
                    user[2 * i] = digits[key[i] >> 4];
                    user[2 * i + 1] = digits[key[i] & 15];
                }
                user[64] = '\0';
                zap->let_in++;
                status = "200";
                why = "OK";
            } else {
                zap->refused_for_now++;
                status = NOT_YET;
                why = "not known yet";
            }
        }
        send_text(zap->socket, "1.0", ZMQ_SNDMORE);
        size_t id_bytes = question.frames > 1 && question.bytes[1] < ZAP_FRAME_BYTES_MAX ? question.bytes[1] : 0;
        (void)zmq_send(zap->socket, question.text[1], id_bytes, ZMQ_SNDMORE);
        send_text(zap->socket, status, ZMQ_SNDMORE);
        send_text(zap->socket, why, ZMQ_SNDMORE);
        send_text(zap->socket, user, ZMQ_SNDMORE);
        send_text(zap->socket, "", 0);
    }
}
