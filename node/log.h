/* log.h - one failure, one line: level=warn event=record_refused peer=9f3c err=ERR_BADSIG. To stderr; never a key, never a record's content; never
 * translated. Thread-safe. Only node/ logs. */
#ifndef GRIOT_NODE_LOG_H
#define GRIOT_NODE_LOG_H

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

void log_set_level(enum log_level level);
/* `event` is a stable word; then pairs of key and value as one printf format: log_event(LOG_WARN, "record_refused", "peer=%s seq=%llu", ...). Values
 * with spaces, quotes or control bytes are quoted and escaped by the writer; a line holds at most 1 KiB. */
__attribute__((format(printf, 3, 4))) void log_event(enum log_level level, const char *event, const char *format, ...);

#endif
