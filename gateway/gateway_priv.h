/* Shared by the gateway's gateway*.c files. */
#ifndef ORL_GATEWAY_GATEWAY_PRIV_H
#define ORL_GATEWAY_GATEWAY_PRIV_H
#include "base/cert_files.h"
#include "base/control_link.h"
#include "base/ipc.h"
#include "base/listener.h"
#include "gateway/connection.h"
#include "gateway/console_table.h"
#include "gateway/gateway.h"
#include "gateway/spawn.h"
#include "gateway/web_clients.h"

/* A connection with its session's process and socket; freed when both are gone. */
struct orl_peer {
    struct orl_conn conn;
    struct orl_gateway *gateway;
    struct orl_ipc *ipc;     /* NULL once closed */
    struct orl_timer *timer; /* the connection's deadline */
    bool is_process_alive;
    bool is_exit_clean;
    bool is_over;             /* orl_conn_on_exit() was called */
    struct orl_web_link *web; /* a browser's; NULL: not, or its oriel-web is gone */
    uint32_t web_conn;
    struct orl_peer *next;
};
/* A console's process and socket. */
struct orl_console_proc {
    uint32_t number;
    enum orl_child_kind kind;
    struct orl_gateway *gateway;
    struct orl_ipc *ipc;     /* NULL once closed */
    struct orl_timer *grace; /* between CLOSE and SIGKILL */
    int display;             /* its stream, shut down with it; -1: not ours to end */
    bool is_process_alive;
    bool is_ending; /* the table has forgotten it */
    struct orl_console_proc *next;
};

struct orl_gateway {
    struct orl_loop *loop;
    const struct orl_gateway_cfg *cfg;
    struct orl_shown_cert *shown;
    struct orl_cert_files certificate; /* of shown, for sessions that begin */
    uint16_t rdp_port, vnc_port;
    struct orl_listener *listener;     /* RDP */
    struct orl_listener *vnc_listener; /* NULL: not served */
    struct orl_spawn *spawn;
    struct orl_admission *admission;
    struct orl_console_table *consoles;
    struct orl_timer *console_timer;
    struct orl_timer *stop_timer;
    struct orl_control_link *broker;
    struct orl_control_link *vmpool;
    struct orl_web_clients *web_clients;
    char broker_path[256];
    char vmpool_path[256];
    char web_path[256];
    struct orl_peer *peers;
    struct orl_console_proc *procs;
    uint32_t next_conn;
    struct orl_log_limit refused_limit;
    struct orl_log_limit report_limit; /* of refused clients, to the broker's audit */
    struct orl_log_ctx log;
    bool is_stopping;
    bool has_failed;
};

/* gateway_sessions.c */
void orl_gateway_on_client(void *ctx, int fd, const struct sockaddr *addr, socklen_t len); /* RDP */
void orl_gateway_on_vnc_client(void *ctx, int fd, const struct sockaddr *addr, socklen_t len);
extern const struct orl_web_clients_events orl_gateway_web_events;
void orl_gateway_on_session_child(struct orl_gateway *gateway, const struct orl_spawner_rep *rep);
struct orl_peer *orl_gateway_find(struct orl_gateway *gateway, uint32_t conn);
void orl_gateway_free_peers(struct orl_gateway *gateway);

/* gateway_certificate.c */
ORL_NODISCARD int orl_gateway_seal_certificate(struct orl_gateway *gateway, struct orl_err *err);
void orl_gateway_tell_service(struct orl_gateway *gateway);
void orl_gateway_take_certificate(struct orl_gateway *gateway, const struct orl_msg *msg);

/* gateway_consoles.c */
extern const struct orl_console_ops orl_gateway_console_ops;
/* Every stream that vmpool handed out and that is not its own to end. */
void orl_gateway_cut_displays(struct orl_gateway *gateway);
void orl_gateway_on_console_child(struct orl_gateway *gateway, const struct orl_spawner_rep *rep);
void orl_gateway_free_procs(struct orl_gateway *gateway);

#endif
