/* A hostile QEMU against vmpool's side of a listener's handshake: its bytes in pieces of any size. It must end in
 * a console's stream, a refusal or a wait for more, and take nothing that is the console's. */
#include "base/cleanup.h"
#include "protocols/qemu/qemu_listener.h"
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The first byte: how much arrives at once. Then what QEMU says. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    enum { SAID_MAX = 4096 };
    struct orl_qemu_listener listener;
    int qemu_fd = -1;
    if (len < 1) {
        return 0;
    }
    const size_t step = 1U + data[0];
    const size_t end = len < SAID_MAX ? len : SAID_MAX;
    orl_assert(orl_qemu_listener_open(&listener, ORL_QEMU_LISTENER_PICTURE, &qemu_fd, NULL) == 0);
    int rc = ORL_E_AGAIN;
    size_t said = 1;
    while (rc == ORL_E_AGAIN && said < end) {
        const size_t part = end - said < step ? end - said : step;
        orl_assert(send(qemu_fd, data + said, part, MSG_NOSIGNAL) == (ssize_t)part);
        said += part;
        rc = orl_qemu_listener_step(&listener);
    }
    bool is_done = listener.state == ORL_QEMU_LISTENER_DONE;
    orl_assert(rc != ORL_OK || is_done);
    if (is_done) {
        uint8_t rest[SAID_MAX];
        const ssize_t got = recv(listener.fd, rest, sizeof(rest), MSG_DONTWAIT);
        orl_assert(got <= 0 || memcmp(rest, data + said - (size_t)got, (size_t)got) == 0);
    }
    close(qemu_fd);
    close(listener.fd);
    return 0;
}
