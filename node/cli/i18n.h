/* i18n.h - the language of what a person reads. gettext, domain "griot"; works on a machine that has no locale but C and C.UTF-8, since offices
 * rarely generate one. Never translated: JSON keys, log events, error codes, state words in JSON, field and kind names. */
#ifndef GRIOT_NODE_CLI_I18N_H
#define GRIOT_NODE_CLI_I18N_H

#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>

#define _(text) gettext(text)
#ifndef N_
#define N_(text) text
#endif

/* The languages there are: "fr", "en", "pt", NULL. French first. */
extern const char *const languages[];

/* Is it one of them? */
bool language_is_known(const char *language);
/* Which one to use: `asked` (--lang) or, when NULL or empty, `configured` (griot.ini), the environment (LC_ALL, LC_MESSAGES, LANG: the first that
 * names a language we have), else French. Returns an element of `languages`. */
const char *language_choose(const char *asked, const char *configured);
/* Use it from now on. Not thread-safe: call it before threads exist. Catalogues are looked for beside the executable (./locale, ../share/locale).
 * Falls back to English, whose msgids need no catalogue. returns  false when no catalogue for it is found */
bool language_use(const char *language);
/* The language in use: an element of `languages`. */
const char *language_now(void);

/* The folder of the running executable, without a slash at the end; "." when it cannot be known. */
const char *executable_folder(void);

#endif
