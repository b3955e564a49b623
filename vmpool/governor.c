#include "vmpool/governor.h"
#include <string.h>

enum { HOLD_MS = 10000, MS_PER_MINUTE = 60000, CENTI = 100 };
#define TOKEN UINT64_C(1000000)

void orl_governor_init(struct orl_governor *g, const struct orl_governor_cfg *cfg)
{
    memset(g, 0, sizeof *g);
    g->cfg = *cfg;
    g->micro_tokens = cfg->burst * TOKEN;
}

static bool is_over(uint32_t centi, uint32_t limit_percent)
{
    return limit_percent > 0 && centi > limit_percent * CENTI;
}

bool orl_governor_is_pressed(const struct orl_governor *g, const struct orl_pressure *pressure)
{
    return pressure->is_known && (is_over(pressure->cpu_centi, g->cfg.cpu_percent) ||
                                         is_over(pressure->memory_centi, g->cfg.memory_percent) ||
                                         is_over(pressure->io_centi, g->cfg.io_percent));
}

static void fill(struct orl_governor *g, uint64_t now_ms)
{
    uint64_t most = g->cfg.burst * TOKEN;
    if (g->filled_ms != 0 && now_ms > g->filled_ms) {
        uint64_t ms = now_ms - g->filled_ms;
        ms = ms < MS_PER_MINUTE ? ms : MS_PER_MINUTE;
        g->micro_tokens += ms * g->cfg.starts_per_minute * TOKEN / MS_PER_MINUTE;
        g->micro_tokens = g->micro_tokens < most ? g->micro_tokens : most;
    }
    g->filled_ms = now_ms;
}

struct orl_plan_starts orl_governor_ask(
        struct orl_governor *g, const struct orl_pressure *pressure, uint64_t now_ms)
{
    fill(g, now_ms);
    uint32_t all = (uint32_t)(g->micro_tokens / TOKEN);
    uint32_t spares = all;
    if (orl_governor_is_pressed(g, pressure)) {
        bool is_held = now_ms >= g->spare_ms && now_ms < g->spare_ms + HOLD_MS;
        spares = is_held || all == 0 ? 0 : 1;
    }
    return (struct orl_plan_starts){.all = all, .spares = spares};
}

void orl_governor_use(struct orl_governor *g, const struct orl_plan_starts *used, uint64_t now_ms)
{
    uint64_t tokens = ((uint64_t)used->all + used->spares) * TOKEN;
    g->micro_tokens = g->micro_tokens > tokens ? g->micro_tokens - tokens : 0;
    if (used->spares > 0) {
        g->spare_ms = now_ms;
    }
}
