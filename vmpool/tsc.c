#include "vmpool/tsc.h"
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MEASURE_MS = 20, TRIES = 16 };

static pthread_once_t once = PTHREAD_ONCE_INIT;
static uint32_t khz;

struct instant {
    uint64_t ticks, ns;
};

static uint64_t raw_ns(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
    return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* Both at once, as nearly as can be: nobody took the processor away between them. */
static struct instant look(void)
{
    struct instant best = {0};
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < TRIES; i++) {
        uint64_t before = __builtin_ia32_rdtsc();
        uint64_t ns = raw_ns();
        uint64_t took = __builtin_ia32_rdtsc() - before;
        if (took < least) {
            least = took;
            best = (struct instant){.ticks = before + took / 2, .ns = ns};
        }
    }
    return best;
}

static void measure(void)
{
    char source[16] = "";
    FILE *file = fopen("/sys/devices/system/clocksource/clocksource0/current_clocksource", "re");
    bool is_trusted = file && fgets(source, sizeof source, file) && strcmp(source, "tsc\n") == 0;
    if (file) {
        (void)fclose(file);
    }
    if (!is_trusted) {
        return;
    }
    struct instant begin = look();
    (void)poll(NULL, 0, MEASURE_MS);
    struct instant end = look();
    if (end.ns > begin.ns && end.ticks > begin.ticks) {
        khz = (uint32_t)((end.ticks - begin.ticks) * 1000000 / (end.ns - begin.ns));
    }
}

uint32_t orl_tsc_khz(void)
{
    (void)pthread_once(&once, measure);
    return khz;
}
