/* A VNC server's clipboard as the three steps of display/clipboard.h. Where the server has the extended clipboard text
 * goes on demand; where it has plain cut text only, it comes unasked, and ours is fetched when the client offers it.
 * Not here: bytes (vnc_cut.h), the socket (vnc_source.h). */
#ifndef ORL_PROTOCOLS_VNC_VNC_CLIPBOARD_H
#define ORL_PROTOCOLS_VNC_VNC_CLIPBOARD_H
#include "display/clipboard.h"
#include "protocols/vnc/vnc_cut.h"

struct orl_vnc_clipboard {
    void (*on_step)(void *ctx, const struct orl_clipboard *step); /* for the console */
    void *ctx;
    bool is_qemu;
    bool is_extended, takes_notify; /* the server told so */
    struct orl_buf out;             /* whole messages for the server */
    uint32_t guest_serial;
    bool is_guest_asked;
    bool has_kept; /* the guest's text came without being asked for */
    struct orl_buf kept;
    bool has_client_text;
    uint32_t client_serial;
};
void orl_vnc_clipboard_init(struct orl_vnc_clipboard *clipboard,
        void (*on_step)(void *ctx, const struct orl_clipboard *step), void *ctx);
void orl_vnc_clipboard_fini(struct orl_vnc_clipboard *clipboard);
void orl_vnc_clipboard_from_server(
        struct orl_vnc_clipboard *clipboard, const struct orl_vnc_cut *cut);
void orl_vnc_clipboard_from_client(
        struct orl_vnc_clipboard *clipboard, const struct orl_clipboard *step);

#endif
