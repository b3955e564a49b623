/* Who may connect now: totals, half-open connections and rate per address prefix. Pure: no I/O, no
 * clock. A connection is half-open from accept until its login was accepted. */
#ifndef ORL_BASE_ADMISSION_H
#define ORL_BASE_ADMISSION_H
#include "base/addr.h"
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_ADMISSION_PERIOD_US UINT64_C(60000000)

struct orl_admission_limits {
    unsigned max_total;
    unsigned max_half_open;
    unsigned max_half_open_per_prefix;
    unsigned max_rate_per_prefix; /* per ORL_ADMISSION_PERIOD_US */
    /* No prefix has more half-open ones than others then find room for: however many are greedy, one that has none
     * finds a place. */
    bool leaves_room;
};
enum orl_admission_verdict {
    ORL_ADMIT = 0,
    ORL_REFUSE_TOTAL,
    ORL_REFUSE_HALF_OPEN,
    ORL_REFUSE_PREFIX,
    ORL_REFUSE_RATE,
};
const char *orl_admission_verdict_name(enum orl_admission_verdict verdict);

struct orl_admission; /* one owner */
ORL_NODISCARD int orl_admission_new(
        const struct orl_admission_limits *limits, struct orl_admission **ret_admission);
/* ORL_ADMIT counts one half-open connection of this prefix; it ends with exactly one
 * orl_admission_leave(). A refused one counts only against the rate. */
enum orl_admission_verdict orl_admission_enter(
        struct orl_admission *admission, const struct orl_prefix *prefix, uint64_t now_us);
void orl_admission_logged_in(struct orl_admission *admission, const struct orl_prefix *prefix);
void orl_admission_leave(
        struct orl_admission *admission, const struct orl_prefix *prefix, bool is_half_open);
unsigned orl_admission_total(const struct orl_admission *admission);
unsigned orl_admission_half_open(const struct orl_admission *admission);
void orl_admission_free(struct orl_admission *admission);

#endif
