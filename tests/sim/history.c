/* The seed's numbers, and what came of them. */
#include "sim.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* splitmix64: every state is a good one, 0 too. */
uint64_t sim_random64(struct sim *sim)
{
    uint64_t z = (sim->rng += UINT64_C(0x9e3779b97f4a7c15));
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

unsigned sim_pick(struct sim *sim, unsigned below)
{
    return (unsigned)(sim_random64(sim) % below);
}

bool sim_one_in(struct sim *sim, unsigned n)
{
    return n > 0 && !sim->is_calm && sim_pick(sim, n) == 0;
}

__attribute__((format(printf, 3, 0))) static void add_line(
        struct sim *sim, const char *kind, const char *fmt, va_list args)
{
    char *line = sim->lines[sim->line_count++ % SIM_LINES];
    int at = snprintf(line, sizeof sim->lines[0], "%u %" PRIu64 ".%03u %s%s", sim->step,
            sim->now_ms / 1000, (unsigned)(sim->now_ms % 1000), kind,
            sim->current != SIM_CHECKER ? sim->processes[sim->current].name : "");
    if (at > 0 && (size_t)at < sizeof sim->lines[0] - 2) {
        line[at++] = ' ';
        (void)vsnprintf(line + at, sizeof sim->lines[0] - (size_t)at, fmt, args);
    }
    for (const char *c = line; *c; c++) { /* FNV-1a */
        sim->hash = (sim->hash ^ (uint8_t)*c) * UINT64_C(0x100000001b3);
    }
    if (sim->out) {
        (void)fprintf(sim->out, "%s\n", line);
    }
}

void sim_note(struct sim *sim, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_line(sim, "", fmt, args);
    va_end(args);
}

void sim_fault(struct sim *sim, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    add_line(sim, "FAULT ", fmt, args);
    va_end(args);
    sim->faults++;
}

void sim_fail(struct sim *sim, const char *fmt, ...)
{
    va_list args;
    if (sim->fault[0]) {
        return;
    }
    va_start(args, fmt);
    (void)vsnprintf(sim->fault, sizeof sim->fault, fmt, args);
    va_end(args);
    sim_note(sim, "DOES NOT HOLD: %s", sim->fault);
}

void sim_print(const struct sim *sim, unsigned lines)
{
    uint64_t have = sim->line_count < SIM_LINES ? sim->line_count : SIM_LINES;
    uint64_t from = sim->line_count - (lines < have ? lines : have);
    for (uint64_t i = from; i < sim->line_count; i++) {
        (void)printf("%s\n", sim->lines[i % SIM_LINES]);
    }
}
