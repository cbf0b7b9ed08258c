#include "node/own_entry.h"

#include <stdlib.h>
#include <time.h>

enum { DAY_MS = 86400000, WHY_BYTES = 512 };

uint32_t own_today(void) { return (uint32_t)(wall_now().ms / DAY_MS); }

void own_day_text(uint32_t days, char ret[DAY_TEXT_BYTES])
{
    time_t seconds = (time_t)days * 86400;
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || strftime(ret, DAY_TEXT_BYTES, "%Y-%m-%d", &utc) == 0) {
        ret[0] = '\0';
    }
}

struct own_entry {
    struct draft *draft;
    struct record record;
    struct record_faults faults;
    uint8_t batch[PAYLOAD_BYTES_MAX + 8]; /* one item without row key */
};

struct own_entry *own_entry_new(const struct home *home, const char *kind)
{
    struct own_entry *entry = calloc(1, sizeof *entry);
    char day[DAY_TEXT_BYTES], time_text[32];
    time_t now = (time_t)(wall_now().ms / 1000);
    struct tm utc;
    if (entry == NULL || (entry->draft = draft_new(kind_by_name(span_text(kind)))) == NULL || gmtime_r(&now, &utc) == NULL) {
        if (entry != NULL) {
            draft_destroy(&entry->draft);
        }
        free(entry);
        return NULL;
    }
    own_day_text(own_today(), day);
    (void)strftime(time_text, sizeof time_text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    (void)draft_add(entry->draft, span_text("owner"), span_text(home->name), &entry->faults);
    (void)draft_add(entry->draft, span_text("entry_time"), span_text(time_text), &entry->faults);
    (void)draft_add(entry->draft, span_text("date"), span_text(day), &entry->faults);
    return entry;
}

void own_entry_destroy(struct own_entry **entry)
{
    if (*entry != NULL) {
        draft_destroy(&(*entry)->draft);
        free(*entry);
        *entry = NULL;
    }
}

void own_entry_put(struct own_entry *entry, const char *field, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        (void)draft_add(entry->draft, span_text(field), span_text(text), &entry->faults);
    }
}

/* Whole, as a batch for append_records. NULL, or the error. */
json_t *own_entry_finish(struct own_entry *entry, struct append *append, enum err *ret_err)
{
    bool is_good = draft_finish(entry->draft, own_today(), &entry->record, &entry->faults) && entry->faults.errors == 0;
    struct out out = out_into(entry->batch + 6, sizeof entry->batch - 6);
    for (size_t i = 0; !is_good && i < entry->faults.count; i++) {
        if (entry->faults.faults[i].level == FAULT_ERROR) {
            char why[WHY_BYTES];
            struct out text = out_into(why, sizeof why - 1);
            record_fault_write(&entry->faults.faults[i], NULL, &text);
            why[text.at] = '\0';
            *ret_err = ERR_INVALID;
            return service_error(ERR_INVALID, "it cannot be recorded like this", why, "correct it and send it again");
        }
    }
    random_fill(entry->record.id.b, sizeof entry->record.id.b);
    entry->record.depth = 1;
    *ret_err = record_encode(&entry->record, &out);
    if (*ret_err != ERR_OK) {
        return service_error(*ret_err, "it cannot be recorded like this", "the text is too long", "say it in fewer words");
    }
    const uint8_t head[6] = {0x92, 0xc4, 0x00, out.at < 256 ? 0xc4 : 0xc5, (uint8_t)(out.at < 256 ? out.at : out.at >> 8), (uint8_t)out.at};
    size_t head_bytes = out.at < 256 ? 5 : 6;
    memmove(entry->batch + head_bytes, entry->batch + 6, out.at);
    memcpy(entry->batch, head, head_bytes);
    append->channel = CHANNEL_REPORT;
    append->batch = span_of(entry->batch, head_bytes + out.at);
    return NULL;
}
