/* The bytes that a display sends while vmpool looks whether something is painted. */
#include "vmpool/console_look.h"
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PART_MAX = 65536, DEADLINE_MS = 1000 };
    int pair[2];
    bool is_painted = false;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
        abort();
    }
    if (send(pair[1], data, size < PART_MAX ? size : PART_MAX, MSG_DONTWAIT) >= 0 &&
            shutdown(pair[1], SHUT_WR) == 0) {
        (void)!orl_console_look(pair[0], DEADLINE_MS, &is_painted, NULL);
    }
    close(pair[0]);
    close(pair[1]);
    return 0;
}
