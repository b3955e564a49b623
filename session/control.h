/* The session's side of its one socket to the gateway: START at the beginning, questions that wait for
 * their answer while the client logs in, messages on the loop after that. */
#ifndef ORL_SESSION_CONTROL_H
#define ORL_SESSION_CONTROL_H
#include "base/ipc.h"
#include "display/viewer.h"

#define ORL_SESSION_CONTROL_FD 3
#define ORL_SESSION_PEM_MAX ((size_t)256 * 1024)

/* What START brings. */
struct orl_session_start {
    struct orl_msg_start msg;
    int client_fd;  /* owned */
    int aux_fd;     /* owned; of a browser, else -1 */
    char *cert_pem; /* owned; NULL for a browser, which oriel-web speaks TLS with */
    char *key_pem;  /* the same; wiped by fini */
};
/* Waits for START. */
ORL_NODISCARD int orl_session_start_recv(
        int fd, struct orl_session_start *ret_start, struct orl_err *err);
void orl_session_start_fini(struct orl_session_start *start);

struct orl_control;
struct orl_control_events {
    void (*on_plan)(void *ctx, const struct orl_msg_plan *plan);
    void (*on_notice)(void *ctx, const struct orl_msg_notice *notice);
    void (*on_link)(void *ctx, int fd); /* takes fd */
    void (*on_watch)(void *ctx);        /* somebody looks at the statistics */
    void (*on_thumb)(void *ctx);        /* somebody wants to see the desktop, small */
    void (*on_consent)(void *ctx, const struct orl_msg_consent *consent);
    void (*on_close)(void *ctx, enum orl_reason reason, const char *text, const char *audit);
    void (*on_gone)(void *ctx); /* the gateway is gone, or broke the rules */
};
/* Takes fd. */
ORL_NODISCARD int orl_control_new(struct orl_loop *loop, int fd,
        const struct orl_control_events *events, void *ctx, struct orl_control **ret_control,
        struct orl_err *err);
/* Sends a login or proof and waits for what comes of it; the gateway's deadline bounds the wait. A plan
 * that came is told by on_plan later, on the loop. */
void orl_control_ask(struct orl_control *control, const struct orl_msg *question,
        struct orl_viewer_login_answer *ret_answer);
void orl_control_post(struct orl_control *control, const struct orl_msg *msg);
void orl_control_free(struct orl_control *control);

#endif
