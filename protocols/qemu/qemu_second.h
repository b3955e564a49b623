/* The trusted side of a display's second head: registers a listener for it when somebody first asks for two monitors, does
 * its handshake, hands its stream to the console (ORL_LINK_HEAD), and watches that it is drained. Loop thread only. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_SECOND_H
#define ORL_PROTOCOLS_QEMU_QEMU_SECOND_H
#include "base/loop.h"
#include "protocols/qemu/qemu_listener.h"
#include <systemd/sd-bus.h>

enum orl_qemu_second_state {
    ORL_QEMU_SECOND_NONE = 0,
    ORL_QEMU_SECOND_OPENING,
    ORL_QEMU_SECOND_READY, /* the console has no room for it at the moment */
    ORL_QEMU_SECOND_OPEN,
    ORL_QEMU_SECOND_ABSENT /* the machine has one head only */
};
struct orl_qemu_second {
    struct orl_loop *loop;
    sd_bus *bus; /* borrowed, as link_fd */
    int link_fd;
    enum orl_qemu_second_state state;
    struct orl_qemu_listener listener;
    struct orl_io *io; /* until the stream is handed out */
    bool is_registered, is_asking;
    uint64_t heard_us;
    const char *why; /* set: the display is over */
};
void orl_qemu_second_init(struct orl_qemu_second *second, struct orl_loop *loop);
/* Somebody wants two heads; nothing when they are there, on their way, or not to be had. */
void orl_qemu_second_open(struct orl_qemu_second *second, sd_bus *bus, int link_fd);
/* Each 100 ms. Why the display must end, or NULL. */
const char *orl_qemu_second_tick(struct orl_qemu_second *second, uint64_t now_us);
void orl_qemu_second_fini(struct orl_qemu_second *second);

#endif
