/* origin.c */
#include "node/cli/origin.h"

#include "node/cli/explain_home.h"
#include "node/cli/text.h"
#include "node/home.h"
#include "proto/record/record.h"

#include <ctype.h>
#include <string.h>

int origin_read(const struct invocation *invocation, bool is_optional, struct origin *ret)
{
    static struct home home; /* too large for a comfortable stack; one thread */
    const struct code_list *countries = code_list_by_name("country");
    enum err err;

    memset(ret, 0, sizeof *ret);
    text_rfc3339(ret->entry_time, time(NULL));
    err = home_open(invocation->home, &home);
    if (err == ERR_NOT_FOUND && is_optional) {
        return OUTCOME_DONE;
    }
    if (err != ERR_OK) {
        return explain_home(invocation, err, &home.fault);
    }
    (void)snprintf(ret->owner, sizeof ret->owner, "%s", home.name);
    if (strlen(home.name) == 2 && countries != NULL) {
        char upper[3] = {(char)toupper((unsigned char)home.name[0]), (char)toupper((unsigned char)home.name[1]), '\0'};
        const struct code *code = code_find(countries, span_text(upper));
        if (code != NULL && strcmp(code->code, upper) == 0) {
            memcpy(ret->country, upper, sizeof upper);
        }
    }
    home_fini(&home);
    return OUTCOME_DONE;
}
