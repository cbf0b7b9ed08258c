#include "node/cli/names.h"

#include <string.h>

json_t *names_split(const char *text)
{
    json_t *list = json_array();

    while (list != NULL) {
        size_t n = strcspn(text, ",");
        const char *next = text[n] == ',' ? text + n + 1 : NULL;
        while (n > 0 && (*text == ' ' || *text == '\t')) {
            text++;
            n--;
        }
        while (n > 0 && (text[n - 1] == ' ' || text[n - 1] == '\t')) {
            n--;
        }
        if (n > 0) {
            (void)json_array_append_new(list, json_stringn(text, n));
        }
        if (next == NULL) {
            break;
        }
        text = next;
    }
    return list;
}
