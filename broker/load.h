/* How busy everything is: the numbers of now, and one sample a minute of the last day for charts. In memory only. */
#ifndef ORL_BROKER_LOAD_H
#define ORL_BROKER_LOAD_H
#include "broker/broker.h"
#include "store/overview.h"

#include <jansson.h>

#define ORL_LOAD_MINUTES 1440

struct orl_load_latency { /* of the round trips that living sessions told last */
    uint32_t count;
    uint32_t p50_us, p95_us;
};
struct orl_load_now {
    uint64_t at_ms;
    struct orl_overview overview;
    struct orl_load_latency latency;
};
/* A minute. has_hosts false: no host was up; latency_us 0: nobody was connected. */
struct orl_load_sample {
    uint64_t at_ms;
    bool has_hosts;
    uint16_t cpu_permille, memory_permille;
    uint32_t sessions, waiting;
    uint32_t latency_us, latency_p95_us;
};
struct orl_load_history {
    struct orl_load_sample samples[ORL_LOAD_MINUTES];
    unsigned count, next;
};

ORL_NODISCARD int orl_load_read(
        struct orl_broker *broker, struct orl_load_now *ret_now, struct orl_err *err);
json_t *orl_load_now_json(const struct orl_load_now *now); /* NULL: out of memory */
void orl_load_keep(struct orl_load_history *history, const struct orl_load_now *now);
/* The last so many minutes, oldest first; NULL: out of memory. */
json_t *orl_load_history_json(const struct orl_load_history *history, unsigned minutes);
/* Sorts them. */
struct orl_load_latency orl_load_latency_of(uint32_t *rtts_us, uint32_t count);

#endif
