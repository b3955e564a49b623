/* Schedules of spares, as an administrator writes them. */
#include "store/pool_schedule.h"
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct orl_spares own = {.running = 7, .suspended = 3};
    struct orl_err err = {0};
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    bool is_good = orl_schedule_check(text, own, UINT32_MAX, NULL) == 0;
    for (uint64_t hour = 0; hour < 7; hour++) {
        struct orl_spares spares = {.running = UINT32_MAX};
        int r = orl_schedule_spares(text, hour * 90000000, own, &spares, &err);
        orl_assert((r == 0) == is_good);
        if (r == 0) {
            orl_assert(spares.running <= ORL_SCHEDULE_MAX_SPARES);
            orl_assert(spares.suspended <= ORL_SCHEDULE_MAX_SPARES);
        } else {
            orl_assert(strncmp(err.text, "character ", 10) == 0);
            orl_assert(spares.running == UINT32_MAX);
            break;
        }
    }
    free(text);
    return 0;
}
