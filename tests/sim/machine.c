/* The machine under the simulation, which must not show in it: its time zone, its users, how many cores it has and how
 * busy they are; in place of what vmpool/host_load.c reads. And SQLite as one process without threads wants it. */
#include "sim.h"
#include "vmpool/host_load.h"
#include <sqlite3.h>
#include <stdlib.h>
#include <time.h>

enum { CPUS = 4, CPU_PERMILLE = 250, LOAD_CENTI = 100 };

void sim_machine_init(void)
{
    if (setenv("TZ", "UTC", 1) < 0) {
        abort();
    }
    tzset();
    /* Nobody else opens our files: their locks, and the index of the log, are in this process alone. */
    if (sqlite3_config(SQLITE_CONFIG_SINGLETHREAD) != SQLITE_OK ||
            sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0) != SQLITE_OK ||
            sqlite3_vfs_register(sqlite3_vfs_find("unix-excl"), 1) != SQLITE_OK) {
        abort();
    }
}

void orl_host_load_read(struct orl_host_load_meter *meter, const char *root,
        const struct orl_pressure *pressure, struct orl_host_load *ret_load)
{
    (void)meter;
    (void)root;
    *ret_load = (struct orl_host_load){.cpus = CPUS,
            .cpu_permille = CPU_PERMILLE,
            .load_centi = LOAD_CENTI,
            .pressure_cpu_centi = pressure->cpu_centi,
            .pressure_memory_centi = pressure->memory_centi,
            .pressure_io_centi = pressure->io_centi};
}
