#include "vmpool/host_load.h"

#include "base/cleanup.h"
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 16384, PATH_BYTES = 128, FIELDS = 8, IDLE = 3, IOWAIT = 4, MOST_LOAD = 1000000 };

/* Guests' time is in user's already (proc(5)): the first eight fields are all there is. */
bool orl_host_load_parse_stat(
        const char *text, struct orl_host_load_meter *ret_now, uint32_t *ret_cpus)
{
    uint64_t ticks[FIELDS] = {0};
    struct orl_host_load_meter now = {0};
    uint32_t cpus = 0;
    if (sscanf(text,
                "cpu  %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64
                " %" SCNu64 " %" SCNu64,
                &ticks[0], &ticks[1], &ticks[2], &ticks[3], &ticks[4], &ticks[5], &ticks[6],
                &ticks[7]) != FIELDS) {
        return false;
    }
    for (unsigned i = 0; i < FIELDS; i++) {
        now.all += ticks[i];
        now.busy += i == IDLE || i == IOWAIT ? 0 : ticks[i];
    }
    for (const char *at = strstr(text, "\ncpu"); at != NULL; at = strstr(at + 1, "\ncpu")) {
        cpus++;
    }
    *ret_now = now;
    *ret_cpus = cpus;
    return true;
}

uint32_t orl_host_load_parse_average(const char *text)
{
    unsigned whole = 0;
    unsigned centi = 0;
    if (sscanf(text, "%6u.%2u", &whole, &centi) != 2) {
        return 0;
    }
    return whole < MOST_LOAD ? whole * 100 + centi : MOST_LOAD;
}

static bool read_text(const char *root, const char *name, char *ret_text)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof path, "%s%s", root, name);
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, ret_text, FILE_MAX - 1) : -1;
    ret_text[n > 0 ? n : 0] = '\0';
    return n > 0;
}

static uint32_t permille_of(
        const struct orl_host_load_meter *was, const struct orl_host_load_meter *now)
{
    if (was->all == 0 || now->all <= was->all || now->busy < was->busy) {
        return 0;
    }
    uint64_t share = (now->busy - was->busy) * 1000 / (now->all - was->all);
    return share < 1000 ? (uint32_t)share : 1000;
}

void orl_host_load_read(struct orl_host_load_meter *meter, const char *root,
        const struct orl_pressure *pressure, struct orl_host_load *ret_load)
{
    char text[FILE_MAX];
    struct orl_host_load_meter now;
    struct orl_host_load load = {.pressure_cpu_centi = pressure->cpu_centi,
            .pressure_memory_centi = pressure->memory_centi,
            .pressure_io_centi = pressure->io_centi};
    if (read_text(root, "/proc/stat", text) && orl_host_load_parse_stat(text, &now, &load.cpus)) {
        load.cpu_permille = permille_of(meter, &now);
        *meter = now;
    }
    if (read_text(root, "/proc/loadavg", text)) {
        load.load_centi = orl_host_load_parse_average(text);
    }
    *ret_load = load;
}
