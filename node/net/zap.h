/* zap.h - who is let in: answers libzmq's questions (RFC 27) from a table in memory, nothing else (Z14). Never closed while a listener is open; with
 * the domain enforced, a missing answer refuses (Z3). A key not known yet is disconnected without a word, so that it tries again (what RFC 27 means
 * by 300); a revoked one is told 400, which is for good (Z2). */
#ifndef GRIOT_NODE_NET_ZAP_H
#define GRIOT_NODE_NET_ZAP_H

#include "proto/error.h"
#include "proto/ids.h"

#define ZAP_DOMAIN "griot"

struct zap;

/* Bind the handler in `context` (a libzmq context), empty table. ERR_INTERNAL, ERR_MEMORY */
MUST_CHECK enum err zap_new(void *context, struct zap **ret);
void zap_destroy(struct zap **zap);
void *zap_socket(struct zap *zap); /* to poll for input */
/* Answer the questions that are waiting. */
void zap_answer(struct zap *zap);
/* Replace the table; keys are copied. ERR_MEMORY leaves the old one. */
MUST_CHECK enum err zap_allow(struct zap *zap, const struct curve_public *keys, size_t count, const struct curve_public *revoked,
                              size_t revoked_count);
/* Would this key be let in now? */
bool zap_welcomes(const struct zap *zap, const struct curve_public *key);
/* How many were refused for now and for good. */
void zap_refused(const struct zap *zap, uint64_t *ret_for_now, uint64_t *ret_for_good);
uint64_t zap_let_in(const struct zap *zap);

#endif
