/* missing.c - why a version is not shown, and what has been ordered for it, in words. */
#include "node/cli/i18n.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"

#include <string.h>

enum { REASON_BYTES_MAX = 512 };

static void print_order(FILE *to, const json_t *order)
{
    char when[TEXT_TIME_BYTES], reason[REASON_BYTES_MAX];
    const char *as = reply_string(order, "as"), *by = reply_string(order, "by");

    text_clean(reason, sizeof reason, reply_string(order, "why"));
    (void)reply_when(when, reply_string(order, "at"));
    if (strcmp(as, "owner") == 0) {
        (void)fprintf(to, _("  ordered by its owner %s, %s: %s"), by, when, reason);
    } else if (strcmp(as, "hub") == 0) {
        (void)fprintf(to, _("  ordered by the hub %s, %s: %s"), by, when, reason);
    } else {
        (void)fprintf(to, _("  asked for by %s, %s, without effect, since that is neither its owner nor a hub: %s"), by, when, reason);
    }
    (void)fputc('\n', to);
}

void render_erasure(FILE *to, const json_t *erasure)
{
    size_t i;
    const json_t *order;

    json_array_foreach(json_object_get(erasure, "orders"), i, order)
    {
        print_order(to, order);
    }
    if (strcmp(reply_string(erasure, "state"), "proposed") == 0) {
        (void)fputs(_("  one hub alone erases nothing: another must order the same"), to);
        (void)fputc('\n', to);
    }
}

void render_missing(FILE *to, const json_t *row)
{
    const char *missing = reply_string(row, "missing"), *expires = reply_string(row, "expires");

    if (strcmp(missing, "erased") == 0) {
        (void)fputs(_("  erased by order"), to);
    } else if (strcmp(missing, "expired") == 0) {
        (void)fprintf(to, _("  expired on %s"), expires);
    } else if (strcmp(missing, "no key yet") == 0) {
        (void)fputs(_("  sealed, and its key has not come yet"), to);
    } else if (strcmp(missing, "not entitled") == 0) {
        (void)fputs(_("  sealed for others: this node is not among its readers"), to);
    } else if (strcmp(missing, "key lost") == 0) {
        (void)fputs(_("  sealed, and its key was lost here: its author can grant it again"), to);
    } else if (strcmp(missing, "damaged") == 0) {
        (void)fputs(_("  sealed wrongly by its author: nobody can read it"), to);
    } else if (strcmp(missing, "not yet fetched") == 0) {
        (void)fputs(_("  not here yet"), to);
    } else if (expires[0] != '\0') {
        (void)fprintf(to, _("  expires on %s"), expires);
    }
    if (missing[0] != '\0' || expires[0] != '\0') {
        (void)fputc('\n', to);
    }
    render_erasure(to, json_object_get(row, "erasure"));
}
