/* oriel-session: started by the gateway with one socket (fd 3). Loads what it needs, enters the
 * sandbox, and only then looks at its client. */
#include "base/cleanup.h"
#include "base/heap.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "protocols/rdp/rdp_viewer.h"
#include "protocols/vnc/rfb_viewer.h"
#include "session/control.h"
#include "session/session.h"
#include <fcntl.h>
#include <stdlib.h>

static const struct orl_log_ctx log_ctx = {.name = "session"};

/* What is loaded before the sandbox: one of the two protocols. */
struct protocol {
    bool is_vnc;
    struct orl_tls_keys *keys; /* VNC from the network */
};

static int load_protocol(
        const struct orl_session_start *start, struct protocol *ret_protocol, struct orl_err *err)
{
    ret_protocol->is_vnc = start->msg.protocol == ORL_PROTOCOL_VNC;
    if (!ret_protocol->is_vnc) {
        return start->msg.is_web != 0 ? orl_err_set(err, ORL_E_PROTO, "a browser speaks VNC")
                                      : orl_rdp_init(err);
    }
    return start->msg.is_web != 0
                   ? ORL_OK
                   : orl_tls_keys_new(start->cert_pem, start->key_pem, &ret_protocol->keys, err);
}

static int start_rdp(struct orl_loop *loop, struct orl_session *session,
        struct orl_session_start *start, struct orl_err *err)
{
    struct orl_viewer_handle viewer;
    const struct orl_rdp_opts opts = {.security = (enum orl_rdp_security)start->msg.rdp_security,
            .fd = orl_steal_fd(&start->client_fd),
            .cert_pem = start->cert_pem,
            .key_pem = start->key_pem,
            .threads = start->msg.threads,
            .max_width_px = start->msg.width_px,
            .max_height_px = start->msg.height_px,
            .client = start->msg.client,
            .has_clear = start->msg.has_clear != 0,
            .has_bulk_compression = start->msg.has_bulk_compression != 0,
            .planar_clients = start->msg.planar_clients};
    int code = orl_rdp_viewer_new(loop, &opts, orl_session_viewer_events(), session, &viewer, err);
    if (code == ORL_OK) {
        code = orl_session_set_viewer(session, &viewer, err);
    }
    return code < 0 ? code : orl_rdp_viewer_start(viewer.viewer, err);
}

static int start_rfb(struct orl_loop *loop, struct orl_session *session,
        struct orl_session_start *start, const struct orl_tls_keys *keys, struct orl_err *err)
{
    struct orl_viewer_handle viewer;
    const struct orl_rfb_opts opts = {.fd = orl_steal_fd(&start->client_fd),
            .aux_fd = orl_steal_fd(&start->aux_fd),
            .keys = keys,
            .max_width_px = start->msg.width_px,
            .max_height_px = start->msg.height_px};
    int code = orl_rfb_viewer_new(loop, &opts, orl_session_viewer_events(), session, &viewer, err);
    if (code == ORL_OK) {
        code = orl_session_set_viewer(session, &viewer, err);
    }
    return code < 0 ? code : orl_rfb_viewer_start(viewer.viewer, err);
}

static int enter_sandbox(struct orl_err *err)
{
    struct orl_sandbox_report report;
    int code = orl_sandbox_enter(ORL_SANDBOX_SESSION, &report, err);
    if (code == ORL_OK) {
        orl_log_debug(&log_ctx, "in the sandbox", "seccomp", report.has_seccomp ? "yes" : "no",
                "landlock", ORL_LOG_NUM(report.landlock_abi));
    }
    return code;
}

static int run(struct orl_session_start *start, struct orl_err *err)
{
    struct orl_loop *loop = NULL;
    struct orl_session *session = NULL;
    struct protocol protocol = {.is_vnc = false};
    const struct orl_session_opts opts = {.control_fd = ORL_SESSION_CONTROL_FD,
            .threads = start->msg.threads,
            .silent_s = start->msg.silent_s};
    int code = orl_loop_new(&loop, err);
    if (code == ORL_OK) {
        code = load_protocol(start, &protocol, err);
    }
    if (code == ORL_OK) {
        code = enter_sandbox(err);
    }
    if (code == ORL_OK) {
        code = orl_session_new(loop, &opts, &session, err);
    }
    if (code == ORL_OK) {
        code = protocol.is_vnc ? start_rfb(loop, session, start, protocol.keys, err)
                               : start_rdp(loop, session, start, err);
    }
    orl_session_start_fini(start);
    if (code == ORL_OK) {
        orl_heap_drop_loaded();
        orl_loop_run(loop);
    }
    orl_session_free(session);
    orl_tls_keys_free(protocol.keys);
    orl_loop_free(loop);
    return code;
}

int main(void)
{
    struct orl_err err = {0};
    struct orl_session_start start = {.client_fd = -1, .aux_fd = -1};
    enum orl_log_level level = ORL_LOG_INFO;
    orl_sandbox_harden();
    const char *wanted = getenv("ORIEL_LOG");
    if (wanted != NULL && orl_log_level_parse(wanted, &level)) {
        orl_log_set_level(level);
    }
    if (fcntl(ORL_SESSION_CONTROL_FD, F_SETFD, FD_CLOEXEC) < 0) {
        orl_log_error(&log_ctx, "this is started by oriel-gateway, with its socket as fd 3");
        return EXIT_FAILURE;
    }
    int code = orl_session_start_recv(ORL_SESSION_CONTROL_FD, &start, &err);
    if (code == ORL_OK) {
        code = run(&start, &err);
    }
    if (code < 0) {
        orl_log_error(&log_ctx, "can't run", "why", err.text);
        return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}
