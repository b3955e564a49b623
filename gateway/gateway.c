#include "gateway/gateway.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/secret.h"
#include "gateway/gateway_priv.h"
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define GOODBYE_US (2 * ORL_US_PER_S)
#define STOP_US (3 * ORL_US_PER_S)

static void on_child(void *ctx, const struct orl_spawner_rep *rep)
{
    if (rep->kind == ORL_CHILD_SESSION) {
        orl_gateway_on_session_child(ctx, rep);
    } else if (rep->kind == ORL_CHILD_CONSOLE || rep->kind == ORL_CHILD_CONSOLE_RDP) {
        orl_gateway_on_console_child(ctx, rep);
    }
}

static void on_spawner_lost(void *ctx)
{
    struct orl_gateway *gateway = ctx;
    if (!gateway->is_stopping) {
        orl_log_error(&gateway->log, "the spawner is gone: ending");
        gateway->has_failed = true;
    }
    orl_loop_stop(gateway->loop);
}

static void on_broker_up(void *ctx)
{
    struct orl_gateway *gateway = ctx;
    orl_gateway_tell_service(gateway);
    for (struct orl_peer *peer = gateway->peers; peer != NULL; peer = peer->next) {
        orl_conn_announce(&peer->conn);
    }
}

static void on_broker_down(void *ctx)
{
    struct orl_gateway *gateway = ctx;
    for (struct orl_peer *peer = gateway->peers; peer != NULL; peer = peer->next) {
        orl_conn_on_broker_down(&peer->conn);
    }
}

static void on_broker_msg(void *ctx, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    (void)fds;
    if (msg->type == ORL_MSG_CERTIFICATE) {
        orl_gateway_take_certificate(ctx, msg);
        return;
    }
    struct orl_peer *peer = orl_gateway_find(ctx, msg->conn);
    if (peer != NULL) {
        orl_conn_on_broker_msg(&peer->conn, msg);
    }
}

static void on_vmpool_up(void *ctx)
{
    /* What another vmpool handed out this one can't take back: those consoles end, and ask again. While there is none,
     * nobody is given a desktop, and who has one goes on. */
    orl_gateway_cut_displays(ctx);
}

static void on_vmpool_down(void *ctx)
{
    (void)ctx; /* questions without an answer come again by their deadline */
}

static void on_vmpool_msg(void *ctx, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_gateway *gateway = ctx;
    if (msg->type == ORL_MSG_CONSOLE) {
        orl_console_table_on_answer(gateway->consoles, &msg->u.console, fds, orl_clock_now_us());
    }
}

static void on_console_due(void *ctx)
{
    struct orl_gateway *gateway = ctx;
    orl_console_table_tick(gateway->consoles, orl_clock_now_us());
}

static void on_stop_due(void *ctx)
{
    struct orl_gateway *gateway = ctx;
    orl_loop_stop(gateway->loop);
}

static uid_t uid_of(const char *user)
{
    const struct passwd *found = getpwnam(user);
    return found != NULL ? found->pw_uid : geteuid();
}

static int open_links(struct orl_gateway *gateway, struct orl_err *err)
{
    static const struct orl_control_link_events broker_events = {
            .on_up = on_broker_up, .on_down = on_broker_down, .on_msg = on_broker_msg};
    static const struct orl_control_link_events vmpool_events = {
            .on_up = on_vmpool_up, .on_down = on_vmpool_down, .on_msg = on_vmpool_msg};
    const struct orl_gateway_cfg *cfg = gateway->cfg;
    (void)snprintf(
            gateway->broker_path, sizeof(gateway->broker_path), "%s/gateway.sock", cfg->run_dir);
    (void)snprintf(
            gateway->vmpool_path, sizeof(gateway->vmpool_path), "%s/console.sock", cfg->run_dir);
    struct orl_control_link_opts broker = {
            .name = "broker", .path = gateway->broker_path, .uid = uid_of(cfg->broker_user)};
    struct orl_control_link_opts vmpool = {
            .name = "vmpool", .path = gateway->vmpool_path, .uid = uid_of(cfg->vmpool_user)};
    (void)snprintf(gateway->web_path, sizeof(gateway->web_path), "%s/web.sock", cfg->run_dir);
    struct orl_web_clients_opts web = {.path = gateway->web_path, .user = cfg->web_user};
    int code = orl_control_link_new(
            gateway->loop, &broker, &broker_events, gateway, &gateway->broker, err);
    if (code == ORL_OK) {
        code = orl_control_link_new(
                gateway->loop, &vmpool, &vmpool_events, gateway, &gateway->vmpool, err);
    }
    if (code == ORL_OK) {
        code = orl_web_clients_new(
                gateway->loop, &web, &orl_gateway_web_events, gateway, &gateway->web_clients, err);
    }
    return code;
}

static int make_tables(struct orl_gateway *gateway, struct orl_err *err)
{
    const struct orl_gateway_cfg *cfg = gateway->cfg;
    struct orl_admission_limits admission = {.max_total = (unsigned)cfg->max_connections,
            .max_half_open = (unsigned)cfg->max_half_open,
            .max_half_open_per_prefix = (unsigned)cfg->max_half_open_per_address,
            .max_rate_per_prefix = (unsigned)cfg->max_rate_per_address};
    struct orl_console_limits consoles = {.max_consoles = (unsigned)cfg->max_connections,
            .keep_us = (uint64_t)cfg->console_keep_s * ORL_US_PER_S,
            .retry_us = (uint64_t)cfg->console_retry_s * ORL_US_PER_S};
    if (orl_admission_new(&admission, &gateway->admission) < 0 ||
            orl_console_table_new(
                    &consoles, &orl_gateway_console_ops, gateway, &gateway->consoles) < 0) {
        return orl_err_set(err, ORL_E_NOMEM, "gateway: out of memory");
    }
    int code = orl_timer_new(gateway->loop, on_console_due, gateway, &gateway->console_timer, err);
    if (code == ORL_OK) {
        code = orl_timer_new(gateway->loop, on_stop_due, gateway, &gateway->stop_timer, err);
    }
    return code;
}

/* Takes both fds, also on failure. */
static int open_listeners(
        struct orl_gateway *gateway, const struct orl_gateway_opts *opts, struct orl_err *err)
{
    int vnc_fd = opts->vnc_listen_fd;
    int code = orl_listener_new(gateway->loop, opts->listen_fd, orl_gateway_on_client, gateway,
            &gateway->listener, err);
    if (code == ORL_OK && vnc_fd >= 0) {
        code = orl_listener_new(gateway->loop, orl_steal_fd(&vnc_fd), orl_gateway_on_vnc_client,
                gateway, &gateway->vnc_listener, err);
    }
    orl_close_fd(&vnc_fd);
    return code;
}

static void close_fds(const struct orl_gateway_opts *opts)
{
    int vnc_fd = opts->vnc_listen_fd;
    orl_close_fd(&vnc_fd);
    close(opts->listen_fd);
}

static void close_listeners(struct orl_gateway *gateway)
{
    orl_listener_free(gateway->listener);
    orl_listener_free(gateway->vnc_listener);
    gateway->listener = NULL;
    gateway->vnc_listener = NULL;
}

static int open_all(
        struct orl_gateway *gateway, const struct orl_gateway_opts *opts, struct orl_err *err)
{
    static const struct orl_spawn_events spawn_events = {
            .on_child = on_child, .on_lost = on_spawner_lost};
    int code = orl_spawn_new(
            gateway->loop, opts->spawner_fd, &spawn_events, gateway, &gateway->spawn, err);
    if (code < 0) {
        close_fds(opts);
        return code;
    }
    code = open_listeners(gateway, opts, err);
    if (code == ORL_OK) {
        code = orl_gateway_seal_certificate(gateway, err);
    }
    if (code == ORL_OK) {
        code = make_tables(gateway, err);
    }
    return code < 0 ? code : open_links(gateway, err);
}

int orl_gateway_new(struct orl_loop *loop, const struct orl_gateway_opts *opts,
        struct orl_gateway **ret_gateway, struct orl_err *err)
{
    struct orl_gateway *gateway = calloc(1, sizeof(*gateway));
    if (gateway == NULL) {
        close_fds(opts);
        close(opts->spawner_fd);
        return orl_err_set(err, ORL_E_NOMEM, "gateway: out of memory");
    }
    gateway->loop = loop;
    gateway->cfg = opts->cfg;
    gateway->shown = opts->shown;
    gateway->certificate = (struct orl_cert_files){.cert_fd = -1, .key_fd = -1};
    gateway->rdp_port = opts->rdp_port;
    gateway->vnc_port = opts->vnc_port;
    gateway->log = (struct orl_log_ctx){.name = "gateway"};
    gateway->refused_limit = (struct orl_log_limit){.period_us = 60 * ORL_US_PER_S, .burst = 10};
    gateway->report_limit = (struct orl_log_limit){.period_us = ORL_US_PER_S, .burst = 20};
    /* A broker that outlives us must not take a new connection for an old one. */
    orl_secret_random(&gateway->next_conn, sizeof(gateway->next_conn));
    gateway->next_conn = (gateway->next_conn >> 1) + 1;
    int code = open_all(gateway, opts, err);
    if (code < 0) {
        orl_gateway_free(gateway);
        return code;
    }
    *ret_gateway = gateway;
    return ORL_OK;
}

void orl_gateway_stop(struct orl_gateway *gateway)
{
    if (gateway->is_stopping) {
        return;
    }
    gateway->is_stopping = true;
    close_listeners(gateway);
    if (gateway->peers == NULL) {
        orl_loop_stop(gateway->loop);
        return;
    }
    for (struct orl_peer *peer = gateway->peers; peer != NULL; peer = peer->next) {
        peer->conn.closing_us = GOODBYE_US;
        orl_conn_close(&peer->conn, ORL_REASON_SHUTDOWN, NULL, NULL);
    }
    orl_timer_start(gateway->stop_timer, STOP_US, 0);
}

bool orl_gateway_has_failed(const struct orl_gateway *gateway)
{
    return gateway->has_failed;
}

void orl_gateway_free(struct orl_gateway *gateway)
{
    if (gateway == NULL) {
        return;
    }
    close_listeners(gateway);
    orl_web_clients_free(gateway->web_clients);
    orl_gateway_free_peers(gateway);
    orl_gateway_free_procs(gateway);
    if (gateway->console_timer != NULL) {
        orl_timer_free(gateway->console_timer);
    }
    orl_timer_free(gateway->stop_timer);
    orl_control_link_free(gateway->broker);
    orl_control_link_free(gateway->vmpool);
    orl_console_table_free(gateway->consoles);
    orl_admission_free(gateway->admission);
    orl_spawn_free(gateway->spawn);
    orl_cert_files_fini(&gateway->certificate);
    free(gateway);
}
