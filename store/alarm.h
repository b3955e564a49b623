/* What an administrator must look at: raised by whoever sees it, cleared when it is over. One row for each reason and
 * object, however often it is raised. docs/operations.md tells what to do about each. */
#ifndef ORL_STORE_ALARM_H
#define ORL_STORE_ALARM_H
#include "store/page.h"
#include "store/store.h"

struct orl_alarm_row {
    enum orl_reason reason;
    char object[ORL_TEXT_MAX + 1]; /* "pool:NAME", "host:NAME", "template:NAME", "desktop:ID" */
    char text[ORL_TEXT_MAX + 1];
    uint64_t since_ms;
    uint64_t seen_ms; /* raised again then, at most once a minute */
    uint64_t count;   /* how often */
};
typedef int (*orl_alarm_fn)(void *ctx, const struct orl_alarm_row *row);

/* New, or seen again. A new one is audited (alarm.raise). */
ORL_NODISCARD int orl_alarm_raise(struct orl_store *store, enum orl_reason reason,
        const char *object, const char *text, uint64_t now_ms, struct orl_err *err);
/* reason NONE: all of the object. One that was there is audited (alarm.clear); none: nothing happens. */
ORL_NODISCARD int orl_alarm_clear(struct orl_store *store, enum orl_reason reason,
        const char *object, uint64_t now_ms, struct orl_err *err);
/* Oldest first. */
ORL_NODISCARD int orl_alarm_list(struct orl_store *store, const struct orl_page *page,
        orl_alarm_fn fn, void *ctx, struct orl_err *err);

#endif
