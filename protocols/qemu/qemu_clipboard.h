/* The guest's clipboard on QEMU's D-Bus display (org.qemu.Display1.Clipboard, both ways), as steps on the console's link.
 * The trusted side: asynchronous calls only, for QEMU calls back before it answers Register. A guest that pastes stops
 * QEMU's main loop until we answer: at once when the text is here, else within ORL_QEMU_PASTE_MAX_US; what comes later
 * is offered again, for the next paste. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_CLIPBOARD_H
#define ORL_PROTOCOLS_QEMU_QEMU_CLIPBOARD_H
#include "base/clock.h"
#include "protocols/qemu/qemu_copy.h"
#include <systemd/sd-bus.h>

#define ORL_QEMU_PASTE_MAX_US (500 * ORL_US_PER_MS)

struct orl_qemu_clipboard {
    sd_bus *bus; /* borrowed */
    sd_bus_slot *object;
    struct orl_qemu_copy copy;
    bool is_wanted;
    uint32_t qemu_serial;         /* of the last Grab */
    bool is_telling, is_tell_due; /* a Grab or Release is unanswered; another must follow it */
    bool has_guest_text, is_guest_asked;
    uint32_t guest_serial;
    bool has_client_text, is_kept, is_late;
    uint32_t client_serial;
    struct orl_buf kept;   /* the client's text, once it was asked for */
    sd_bus_message *paste; /* QEMU's question, and it stands still */
    uint64_t paste_us;
};
void orl_qemu_clipboard_init(struct orl_qemu_clipboard *clipboard, sd_bus *bus);
void orl_qemu_clipboard_fini(struct orl_qemu_clipboard *clipboard);
void orl_qemu_clipboard_set_link(struct orl_qemu_clipboard *clipboard, int link_fd); /* borrowed */
/* Registers with QEMU at the first want. */
void orl_qemu_clipboard_want(struct orl_qemu_clipboard *clipboard, uint32_t wants);
/* From the console. ORL_E_PROTO: it broke the rules. */
ORL_NODISCARD int orl_qemu_clipboard_take(
        struct orl_qemu_clipboard *clipboard, const struct orl_clipboard_part *part);
void orl_qemu_clipboard_tick(struct orl_qemu_clipboard *clipboard, uint64_t now_us);

#endif
