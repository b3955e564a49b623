#include "broker/queue_eta.h"

#include <stdio.h>

enum { OVERDUE_PART = 4 };

/* How long the one that is index-th to be ready still takes. One that is late takes a little longer, nobody knows how
 * long. */
static uint64_t left_ms(
        const struct orl_desktop_pace *pace, unsigned index, uint64_t took_ms, uint64_t now_ms)
{
    uint64_t since_ms = pace->making_since_ms[index];
    uint64_t age_ms = now_ms > since_ms ? now_ms - since_ms : 0;
    uint64_t least_ms = took_ms / OVERDUE_PART;
    return age_ms + least_ms < took_ms ? took_ms - age_ms : least_ms;
}

uint32_t orl_queue_eta_s(const struct orl_desktop_pace *pace, unsigned position, uint64_t now_ms)
{
    if (pace->took == 0 || position == 0) {
        return 0;
    }
    uint64_t took_ms = pace->took_ms[pace->took / 2];
    uint64_t eta_ms;
    if (position <= pace->making) {
        eta_ms = left_ms(pace, position - 1, took_ms, now_ms);
    } else {
        /* As many at a time as now, one after the other. */
        unsigned at_once = pace->making > 0 ? pace->making : 1;
        uint64_t first_ms = pace->making > 0 ? left_ms(pace, pace->making - 1, took_ms, now_ms) : 0;
        uint64_t rounds = (position - pace->making + at_once - 1) / at_once;
        eta_ms = first_ms + rounds * took_ms;
    }
    uint64_t eta_s = eta_ms / 1000 + 1;
    return eta_s < UINT32_MAX ? (uint32_t)eta_s : UINT32_MAX;
}

void orl_queue_eta_text(uint32_t eta_s, char *ret_text, size_t size)
{
    unsigned minutes = eta_s / 60 + (eta_s % 60 != 0);
    if (eta_s == 0) {
        (void)snprintf(ret_text, size, "%s", "");
    } else if (eta_s <= 15) {
        (void)snprintf(ret_text, size, "Your desktop is expected in a few seconds.");
    } else if (minutes <= 1) {
        (void)snprintf(ret_text, size, "Your desktop is expected in less than a minute.");
    } else if (minutes <= 60) {
        (void)snprintf(ret_text, size, "Your desktop is expected in about %u minutes.", minutes);
    } else {
        (void)snprintf(ret_text, size, "Your desktop is expected in more than an hour.");
    }
}
