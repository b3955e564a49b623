/* One desktop in a browser: the session's byte stream and its datagrams, and the WebSockets that look at them.
 * Nothing is read from the session before the browser can take it. Not here: WebSocket framing (ws.c). */
#ifndef ORL_WEB_DESKTOP_H
#define ORL_WEB_DESKTOP_H
#include "base/ipc_msgs.h"
#include "base/loop.h"
#include "web/server/gateway_link.h"
#include "web/server/request.h"

#define ORL_DESKTOP_CHUNK 16000 /* bytes of one WebSocket write: libwebsockets' limit is 16 KiB */
#define ORL_DESKTOP_DATAGRAM 16384
#define ORL_DESKTOP_WHY_MAX 123 /* RFC 6455 5.5.1: a close frame's text */

struct orl_desktop;
struct orl_desktops; /* all of them; one owner */
/* One end of a desktop that a WebSocket holds: its stream, or its datagrams. */
struct orl_desktop_end {
    struct orl_desktop *desktop;
    bool is_aux;
    int fd; /* owned by the desktop */
    struct orl_io *io;
    orl_loop_fn on_news; /* bytes to take, room again, or it is over; NULL: nobody holds it */
    void *ctx;
    bool is_readable;
    bool is_over;
    struct orl_buf
            waiting; /* what the session did not take yet: less than one read of the browser's */
};

ORL_NODISCARD int orl_desktops_new(struct orl_loop *loop, struct orl_gateway_link *link,
        struct orl_desktops **ret_desktops, struct orl_err *err);
void orl_desktops_free(struct orl_desktops *desktops);
/* For the link's on_close. */
void orl_desktops_on_close(
        struct orl_desktops *desktops, uint32_t number, const struct orl_msg_close *close);

/* Opens one with a ticket; ret_end is its stream. Negative: no gateway, no fds. */
ORL_NODISCARD int orl_desktop_open(struct orl_desktops *desktops, const struct orl_msg_web *web,
        orl_loop_fn on_news, void *ctx, struct orl_desktop_end **ret_end);
/* The datagrams of a desktop that is open with this ticket and cookie; NULL: none, or somebody has them. */
struct orl_desktop_end *orl_desktop_attach_aux(struct orl_desktops *desktops,
        const struct orl_offer *offer, const char *binding, orl_loop_fn on_news, void *ctx);
bool orl_desktop_has_aux(const struct orl_desktops *desktops, const struct orl_offer *offer,
        const char *binding); /* orl_desktop_attach_aux() would find it */
/* Gives it up; with the stream, the desktop ends. */
void orl_desktop_release(struct orl_desktop_end *end);

/* Up to ORL_DESKTOP_CHUNK bytes, or one datagram of up to ORL_DESKTOP_DATAGRAM; 0: none now. */
size_t orl_desktop_take(struct orl_desktop_end *end, void *ret_data);
/* Negative: it is over, or a datagram that is too long. A datagram that the session has no room for is dropped. */
ORL_NODISCARD int orl_desktop_give(struct orl_desktop_end *end, const void *data, size_t len);
/* The browser must not send more now; on_news tells when it may. */
bool orl_desktop_is_full(const struct orl_desktop_end *end);
/* Why it is over, for the close frame: "CODE AUDIT"; NULL while it is not known. */
const char *orl_desktop_why(const struct orl_desktop_end *end);

#endif
