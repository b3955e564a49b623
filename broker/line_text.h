/* A line of text that people will see: what an administrator may write there. Pure. */
#ifndef ORL_BROKER_LINE_TEXT_H
#define ORL_BROKER_LINE_TEXT_H
#include "base/err.h"
#include <stddef.h>

/* At most max bytes of UTF-8, on one line, no control characters, none that turn the direction round, and not blanks
 * alone. Empty is good. field: for the error. */
ORL_NODISCARD int orl_line_check(
        const char *field, const char *text, size_t max, struct orl_err *err);

#endif
