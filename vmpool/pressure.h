/* What the kernel says about work that waits: /proc/pressure (PSI), "some", average of 10 s. */
#ifndef ORL_VMPOOL_PRESSURE_H
#define ORL_VMPOOL_PRESSURE_H
#include <stdbool.h>
#include <stdint.h>

struct orl_pressure {
    bool is_known;                              /* the kernel measures it */
    uint32_t cpu_centi, memory_centi, io_centi; /* hundredths of a per cent */
};
/* "some avg10=1.23 ...": 123. Pure. */
bool orl_pressure_parse(const char *text, uint32_t *ret_centi);
/* dir: "/proc/pressure". Reads three small files of the kernel: does not block. */
void orl_pressure_read(const char *dir, struct orl_pressure *ret_pressure);

#endif
