/* Hours of the week, as an administrator writes them: "mon-fri 08:00-18:00; sat 09:00-12:00", "daily 22:00-06:00".
 * They are minutes of the wall clock: whoever asks brings the host's local time, and a clock that is put
 * forward or back changes nothing here. */
#ifndef ORL_BASE_HOURS_H
#define ORL_BASE_HOURS_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ORL_HOURS_WEEK_MIN = 7 * 24 * 60 };

struct orl_hours {
    uint8_t minutes[ORL_HOURS_WEEK_MIN / 8]; /* a bit each, from Monday 00:00 */
};
/* Adds one entry: DAYS HH:MM-HH:MM, len bytes, of which *ret_used were read (spaces after it, too; NULL: all of it
 * must be). DAYS: "daily", or days and ranges by commas ("mon-wed,sat", "fri-mon"). An end that is not later than its
 * beginning is on the next day; 24:00 is an end. ORL_E_INVAL. */
ORL_NODISCARD int orl_hours_add(struct orl_hours *hours, const char *text, size_t len,
        size_t *ret_used, struct orl_err *err);
/* Entries by semicolons; an empty text is no hours at all, which is the caller's to mean "always". */
ORL_NODISCARD int orl_hours_parse(
        const char *text, struct orl_hours *ret_hours, struct orl_err *err);
/* Of the host's local time. */
bool orl_hours_has(const struct orl_hours *hours, uint64_t wall_ms);
/* How long they last from now on, at most max_s; 0: it is outside. To the minute. */
uint32_t orl_hours_left_s(const struct orl_hours *hours, uint64_t wall_ms, uint32_t max_s);

#endif
