/* console.sock: gateways ask for a desktop's display and get a connected fd, if the desktop is that
 * session's; anybody who may connect may also poke. No path, address or name comes from a caller. */
#ifndef ORL_VMPOOL_CONSOLE_SOCK_H
#define ORL_VMPOOL_CONSOLE_SOCK_H
#include "base/ipc.h"
#include "base/seal.h"
#include "base/work.h"
#include "store/desktop.h"
#include "vmpool/backend.h"

/* How machines' screens are read; in the order of the setting's choices. */
enum orl_display_mode { ORL_DISPLAY_AUTO = 0, ORL_DISPLAY_DBUS, ORL_DISPLAY_VNC };

struct orl_console_sock_cfg { /* borrowed for the object's life */
    const char *path;
    struct orl_loop *loop;
    struct orl_work *work;
    struct orl_store *store;
    const struct orl_backend *backend;
    const struct orl_seal_key *key; /* of displays' passwords */
    char *const *static_allow;
    enum orl_display_mode display;
    uid_t gateway_uid; /* besides root and our own; (uid_t)-1: nobody */
    uid_t broker_uid;  /* may only poke */
    void (*on_poke)(void *ctx);
    bool (*is_up)(void *ctx); /* the hypervisor answers */
    void *ctx;
};
struct orl_console_sock;
ORL_NODISCARD int orl_console_sock_new(const struct orl_console_sock_cfg *cfg,
        struct orl_console_sock **ret_sock, struct orl_err *err);
/* After orl_work_free(). NULL is fine. */
void orl_console_sock_free(struct orl_console_sock *sock);

/* Why that session may not have that desktop's display now; reason NONE: it may. Pure. */
struct orl_console_verdict {
    enum orl_reason reason;
    bool is_final;
};
struct orl_console_verdict orl_console_judge(
        const struct orl_desktop_row *row, const struct orl_msg_console *ask, bool is_up);

#endif
