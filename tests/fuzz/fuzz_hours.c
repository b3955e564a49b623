/* Hours and networks, as an administrator writes them into a pool's policy. */
#include "base/addr.h"
#include "base/hours.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct orl_hours hours;
    struct orl_addr_nets nets;
    char *text = malloc(size + 1);
    if (text == NULL) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (orl_hours_parse(text, &hours, NULL) == 0 && orl_hours_has(&hours, 0)) {
        orl_assert(orl_hours_left_s(&hours, 0, 7200) > 0);
    }
    if (orl_addr_nets_parse(text, &nets, NULL) == 0) {
        orl_assert(nets.count <= ORL_ADDR_NETS_MAX);
        (void)orl_addr_nets_has(&nets, "203.0.113.7:4711");
    }
    free(text);
    return 0;
}
