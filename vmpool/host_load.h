/* How busy this host is, between two looks. */
#ifndef ORL_VMPOOL_HOST_LOAD_H
#define ORL_VMPOOL_HOST_LOAD_H
#include "store/host.h"
#include "vmpool/pressure.h"

struct orl_host_load_meter {
    uint64_t busy, all; /* clock ticks of all processors, at the look before; all 0: none */
};
/* A text of /proc/stat: ticks so far and how many processors; false: not one. Pure. */
bool orl_host_load_parse_stat(
        const char *text, struct orl_host_load_meter *ret_now, uint32_t *ret_cpus);
/* "1.23 ...": 123. Pure. */
uint32_t orl_host_load_parse_average(const char *text);
/* Reads two small files of the kernel below root ("": this host): does not block. The first look knows no use. */
void orl_host_load_read(struct orl_host_load_meter *meter, const char *root,
        const struct orl_pressure *pressure, struct orl_host_load *ret_load);

#endif
