/* oriel-console and oriel-console-rdp: started by oriel-gateway with the control socket as fd 3. */
#include "base/heap.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "console/console.h"
#include "console/sources.h"
#include <stdio.h>
#include <string.h>

#define CONTROL_FD 3
#define START_TIMEOUT_MS 10000

static const struct orl_log_ctx log_ctx = {.name = "console"};

static int receive_start(
        struct orl_msg *ret_msg, struct orl_ipc_fds *ret_display, struct orl_err *err)
{
    int rc = orl_ipc_recv(CONTROL_FD, START_TIMEOUT_MS, ret_msg, ret_display);
    if (rc == ORL_OK && ret_msg->type != ORL_MSG_START) {
        rc = ORL_E_PROTO;
    }
    return rc < 0 ? orl_err_set(err, rc, "no start message: %s", orl_err_name(rc)) : ORL_OK;
}

static int run(struct orl_loop *loop, struct orl_err *err)
{
    struct orl_msg start;
    struct orl_ipc_fds display = {.count = 0};
    int rc = receive_start(&start, &display, err);
    if (rc < 0) {
        return rc;
    }
    struct orl_sandbox_report report = {0};
    rc = orl_sandbox_enter(ORL_SANDBOX_CONSOLE, &report, err);
    if (rc < 0) {
        orl_console_tell_end(CONTROL_FD, ORL_REASON_INTERNAL, err->text);
    }
    struct orl_console *console = NULL;
    if (rc == ORL_OK) {
        rc = orl_console_new(loop, CONTROL_FD, &display, &start.u.start, &console, err);
    }
    orl_msg_wipe(&start);
    if (rc == ORL_OK) {
        orl_heap_drop_loaded();
        orl_loop_run(loop);
        orl_console_free(console);
    }
    return rc;
}

int main(int argc, char **argv)
{
    orl_sandbox_harden();
    if (argc != 1) {
        (void)fprintf(
                stderr, "usage: %s, started by oriel-gateway (control socket on fd 3)\n", argv[0]);
        return 64;
    }
    struct orl_err err = {0};
    struct orl_loop *loop = NULL;
    int rc = orl_console_prepare_sources(&err);
    if (rc == ORL_OK) {
        rc = orl_loop_new(&loop, &err);
    }
    if (rc == ORL_OK) {
        rc = run(loop, &err);
    }
    orl_loop_free(loop);
    if (rc < 0) {
        orl_log_error(&log_ctx, "console failed", "error", err.text);
        return 1;
    }
    return 0;
}
