/* The trusted side of what a display has beside its first head, its second one and what it plays: registers a listener when
 * somebody first asks for it, does its handshake, hands its stream to the console, and watches that it is drained. Loop thread
 * only. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_EXTRA_H
#define ORL_PROTOCOLS_QEMU_QEMU_EXTRA_H
#include "base/loop.h"
#include "protocols/qemu/qemu_listener.h"
#include <systemd/sd-bus.h>

struct orl_qemu_extra_kind {
    const char *path, *interface, *member; /* of the call that registers it */
    enum orl_qemu_listener_kind listener;
    uint16_t link_type; /* ORL_LINK_*: how the console gets it */
    unsigned tries;     /* then the machine has none */
    const char *
            late; /* why the display is over when QEMU stops in the handshake; NULL: the machine has none then */
};
extern const struct orl_qemu_extra_kind orl_qemu_extra_head, orl_qemu_extra_sound;

enum orl_qemu_extra_state {
    ORL_QEMU_EXTRA_NONE = 0,
    ORL_QEMU_EXTRA_OPENING,
    ORL_QEMU_EXTRA_AGAIN, /* QEMU refused it, and may take the next: it has not seen yet that the former is gone */
    ORL_QEMU_EXTRA_READY, /* the console has no room for it at the moment */
    ORL_QEMU_EXTRA_OPEN,
    ORL_QEMU_EXTRA_ABSENT /* the machine has none */
};
struct orl_qemu_extra {
    const struct orl_qemu_extra_kind *kind;
    struct orl_loop *loop;
    sd_bus *bus; /* borrowed, as link_fd */
    int link_fd;
    enum orl_qemu_extra_state state;
    unsigned tried;
    struct orl_qemu_listener listener;
    struct orl_io *io; /* until the stream is handed out */
    sd_bus_slot *call; /* not answered yet */
    bool is_registered, is_asking;
    uint64_t heard_us;
    const char *why; /* set: the display is over */
};
void orl_qemu_extra_init(struct orl_qemu_extra *extra, const struct orl_qemu_extra_kind *kind,
        struct orl_loop *loop);
/* Somebody wants it; nothing when it is there, on its way, or not to be had. */
void orl_qemu_extra_open(struct orl_qemu_extra *extra, sd_bus *bus, int link_fd);
/* Nobody wants it any more: its stream ends. It can be opened again. */
void orl_qemu_extra_close(struct orl_qemu_extra *extra);
/* Each 100 ms. Why the display must end, or NULL. */
const char *orl_qemu_extra_tick(struct orl_qemu_extra *extra, uint64_t now_us);
void orl_qemu_extra_fini(struct orl_qemu_extra *extra); /* before the bus */

#endif
