/* The ring is as long as what may be in flight: it cannot grow, whatever a client acknowledges. */
#include "display/pacer.h"
#include <string.h>

#define MEAN_WEIGHT 8

void orl_pacer_set_max(struct orl_pacer *pacer, unsigned max_in_flight)
{
    const unsigned max = max_in_flight < 1 ? 1 : max_in_flight;
    pacer->max_in_flight = max < ORL_PACER_MAX_IN_FLIGHT ? max : ORL_PACER_MAX_IN_FLIGHT;
}

void orl_pacer_init(
        struct orl_pacer *pacer, unsigned max_in_flight, uint64_t interval_us, bool has_acks)
{
    memset(pacer, 0, sizeof(*pacer));
    orl_pacer_set_max(pacer, max_in_flight);
    pacer->interval_us = interval_us;
    pacer->has_acks = has_acks;
}

static bool is_full(const struct orl_pacer *pacer)
{
    return pacer->has_acks && pacer->count >= pacer->max_in_flight;
}

uint64_t orl_pacer_due_us(const struct orl_pacer *pacer)
{
    if (is_full(pacer)) {
        return 0;
    }
    const uint64_t early_us = ORL_PACER_EARLY * pacer->interval_us;
    return pacer->next_us > early_us ? pacer->next_us - early_us : 1;
}

bool orl_pacer_can_send(const struct orl_pacer *pacer, uint64_t now_us)
{
    return !is_full(pacer) && now_us + ORL_PACER_EARLY * pacer->interval_us >= pacer->next_us;
}

static void drop_oldest(struct orl_pacer *pacer, unsigned count)
{
    pacer->count -= count;
    memmove(pacer->in_flight, pacer->in_flight + count, pacer->count * sizeof(pacer->in_flight[0]));
}

void orl_pacer_sent(struct orl_pacer *pacer, uint32_t frame_id, uint64_t now_us)
{
    pacer->next_us = (pacer->next_us > now_us ? pacer->next_us : now_us) + pacer->interval_us;
    if (!pacer->has_acks) {
        return;
    }
    if (pacer->count == ORL_PACER_MAX_IN_FLIGHT) {
        drop_oldest(pacer, 1);
    }
    pacer->in_flight[pacer->count++] = (struct orl_pacer_entry){frame_id, now_us};
}

bool orl_pacer_acked(struct orl_pacer *pacer, uint32_t frame_id, uint64_t now_us)
{
    for (unsigned i = pacer->count; i-- > 0;) {
        const struct orl_pacer_entry *entry = &pacer->in_flight[i];
        if (entry->frame_id != frame_id) {
            continue;
        }
        uint64_t latency_us = now_us > entry->sent_us ? now_us - entry->sent_us : 0;
        pacer->last_latency_us = latency_us;
        if (pacer->mean_latency_us == 0) {
            pacer->mean_latency_us = latency_us;
        } else {
            pacer->mean_latency_us =
                    (pacer->mean_latency_us * (MEAN_WEIGHT - 1) + latency_us) / MEAN_WEIGHT;
        }
        drop_oldest(pacer, i + 1);
        return true;
    }
    return false;
}

void orl_pacer_set_acks(struct orl_pacer *pacer, bool has_acks)
{
    pacer->has_acks = has_acks;
    pacer->count = 0;
}

unsigned orl_pacer_in_flight(const struct orl_pacer *pacer)
{
    return pacer->count;
}

uint64_t orl_pacer_oldest_us(const struct orl_pacer *pacer)
{
    return pacer->count == 0 ? 0 : pacer->in_flight[0].sent_us;
}
