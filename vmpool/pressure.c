#include "vmpool/pressure.h"
#include "base/cleanup.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { FILE_MAX = 256, PATH_BYTES = 128, MOST = 100 };

bool orl_pressure_parse(const char *text, uint32_t *ret_centi)
{
    static const char head[] = "some avg10=";
    uint32_t whole = 0;
    if (strncmp(text, head, sizeof head - 1) != 0) {
        return false;
    }
    const char *at = text + sizeof head - 1;
    const char *start = at;
    while (*at >= '0' && *at <= '9' && whole <= MOST) {
        whole = whole * 10 + (uint32_t)(*at++ - '0');
    }
    bool has_rest = at > start && at[0] == '.' && at[1] >= '0' && at[1] <= '9' && at[2] >= '0' &&
                    at[2] <= '9' && at[3] == ' ';
    if (!has_rest || whole > MOST) {
        return false;
    }
    *ret_centi = whole * 100 + (uint32_t)(at[1] - '0') * 10 + (uint32_t)(at[2] - '0');
    return true;
}

static bool read_one(const char *dir, const char *name, uint32_t *ret_centi)
{
    char path[PATH_BYTES];
    char text[FILE_MAX];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
    text[n > 0 ? n : 0] = '\0';
    return orl_pressure_parse(text, ret_centi);
}

void orl_pressure_read(const char *dir, struct orl_pressure *ret_pressure)
{
    struct orl_pressure p = {0};
    p.is_known = read_one(dir, "cpu", &p.cpu_centi) && read_one(dir, "memory", &p.memory_centi) &&
                 read_one(dir, "io", &p.io_centi);
    *ret_pressure = p;
}
