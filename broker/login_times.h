/* How long logins take, part by part: counted in buckets a fifth apart, from a tenth of a millisecond to a quarter of
 * an hour, so that a storm's slowest per cent can be told from its middle. */
#ifndef ORL_BROKER_LOGIN_TIMES_H
#define ORL_BROKER_LOGIN_TIMES_H
#include <stdint.h>

enum orl_login_part {
    ORL_LOGIN_AUTHENTICATION = 0, /* password: waiting for its turn, and hashing */
    ORL_LOGIN_DECISION,           /* policy, session, claim */
    ORL_LOGIN_QUEUE,              /* waiting for a desktop; 0 for who got one at once */
    ORL_LOGIN_PARTS
};
enum { ORL_LOGIN_BUCKETS = 92 };
struct orl_login_times {
    uint64_t counts[ORL_LOGIN_PARTS][ORL_LOGIN_BUCKETS];
    uint64_t sums_us[ORL_LOGIN_PARTS];
};
const char *orl_login_part_name(enum orl_login_part part);
void orl_login_times_add(struct orl_login_times *times, enum orl_login_part part, uint64_t took_us);
uint64_t orl_login_times_count(const struct orl_login_times *times, enum orl_login_part part);
/* What permille of all did not exceed, to the next bucket; 0: there were none. */
uint64_t orl_login_times_quantile_us(
        const struct orl_login_times *times, enum orl_login_part part, unsigned permille);

#endif
