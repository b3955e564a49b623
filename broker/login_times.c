#include "broker/login_times.h"

static const char *const names[ORL_LOGIN_PARTS] = {"authentication", "decision", "queue"};

const char *orl_login_part_name(enum orl_login_part part)
{
    return names[part];
}

/* Each bucket ends a fifth (and a microsecond) above the one before it. */
static uint64_t next_bound(uint64_t bound_us)
{
    return bound_us + bound_us / 5 + 1;
}

void orl_login_times_add(struct orl_login_times *times, enum orl_login_part part, uint64_t took_us)
{
    unsigned bucket = 0;
    for (uint64_t bound_us = 100; bucket + 1 < ORL_LOGIN_BUCKETS && took_us > bound_us;
            bound_us = next_bound(bound_us)) {
        bucket++;
    }
    times->counts[part][bucket]++;
    times->sums_us[part] += took_us;
}

uint64_t orl_login_times_count(const struct orl_login_times *times, enum orl_login_part part)
{
    uint64_t count = 0;
    for (unsigned i = 0; i < ORL_LOGIN_BUCKETS; i++) {
        count += times->counts[part][i];
    }
    return count;
}

uint64_t orl_login_times_quantile_us(
        const struct orl_login_times *times, enum orl_login_part part, unsigned permille)
{
    uint64_t wanted = (orl_login_times_count(times, part) * permille + 999) / 1000;
    uint64_t bound_us = 100;
    uint64_t seen = 0;
    if (wanted == 0) {
        return 0;
    }
    for (unsigned i = 0; i < ORL_LOGIN_BUCKETS; i++, bound_us = next_bound(bound_us)) {
        seen += times->counts[part][i];
        if (seen >= wanted) {
            break;
        }
    }
    return bound_us;
}
