#include "session/control.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { START_TIMEOUT_MS = 10000, ANSWER_TIMEOUT_MS = 120000, MAX_QUEUED = 16 };

struct orl_control {
    struct orl_loop *loop;
    struct orl_ipc *ipc; /* NULL: gone */
    struct orl_control_events events;
    void *ctx;
    struct orl_msg_plan plan; /* came as the answer to a question */
    bool has_plan;
    bool is_freed;
};

/* The offset of the memory file is shared with other sessions: pread(2). */
static char *read_pem(int fd)
{
    size_t len = 0;
    char *text = fd >= 0 ? calloc(1, ORL_SESSION_PEM_MAX + 1) : NULL;
    while (text != NULL && len < ORL_SESSION_PEM_MAX) {
        ssize_t got = pread(fd, text + len, ORL_SESSION_PEM_MAX - len, (off_t)len);
        if (got == 0) {
            return text;
        }
        if (got < 0 && errno != EINTR) {
            break;
        }
        len += got > 0 ? (size_t)got : 0;
    }
    free(text);
    return NULL;
}

static int read_pair(struct orl_ipc_fds *fds, struct orl_session_start *start, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int cert_fd = orl_ipc_fds_take(fds, 1);
    ORL_AUTO(orl_close_auto) int key_fd = orl_ipc_fds_take(fds, 2);
    start->cert_pem = read_pem(cert_fd);
    start->key_pem = read_pem(key_fd);
    if (start->cert_pem == NULL || start->key_pem == NULL) {
        orl_session_start_fini(start);
        return orl_err_set(err, ORL_E_PROTO, "the certificate or its key can't be read");
    }
    return ORL_OK;
}

int orl_session_start_recv(int fd, struct orl_session_start *ret_start, struct orl_err *err)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    int code = orl_ipc_recv(fd, START_TIMEOUT_MS, &msg, &fds);
    if (code < 0) {
        return orl_err_set(err, code, "no start message: %s", orl_err_name(code));
    }
    const bool is_web = msg.type == ORL_MSG_START && msg.u.start.is_web != 0;
    if (msg.type != ORL_MSG_START || fds.count != (is_web ? 2 : 3)) {
        orl_ipc_fds_close(&fds);
        return orl_err_set(err, ORL_E_PROTO, "the first message is no start message");
    }
    *ret_start = (struct orl_session_start){.msg = msg.u.start,
            .client_fd = orl_ipc_fds_take(&fds, 0),
            .aux_fd = is_web ? orl_ipc_fds_take(&fds, 1) : -1};
    return is_web ? ORL_OK : read_pair(&fds, ret_start, err);
}

void orl_session_start_fini(struct orl_session_start *start)
{
    if (start->key_pem != NULL) {
        orl_secret_wipe(start->key_pem, ORL_SESSION_PEM_MAX);
    }
    free(start->key_pem);
    free(start->cert_pem);
    orl_close_fd(&start->client_fd);
    orl_close_fd(&start->aux_fd);
    start->key_pem = NULL;
    start->cert_pem = NULL;
}

static int on_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct orl_control *control = ctx;
    (void)ipc;
    switch (msg->type) {
    case ORL_MSG_PLAN:
        control->events.on_plan(control->ctx, &msg->u.plan);
        return ORL_OK;
    case ORL_MSG_NOTICE:
        control->events.on_notice(control->ctx, &msg->u.notice);
        return ORL_OK;
    case ORL_MSG_WATCH:
        control->events.on_watch(control->ctx);
        return ORL_OK;
    case ORL_MSG_THUMB:
        control->events.on_thumb(control->ctx);
        return ORL_OK;
    case ORL_MSG_CONSENT:
        control->events.on_consent(control->ctx, &msg->u.consent);
        return ORL_OK;
    case ORL_MSG_SURFACE: {
        int fd = orl_ipc_fds_take(fds, 0);
        if (fd < 0) {
            return ORL_E_PROTO;
        }
        control->events.on_link(control->ctx, fd);
        return ORL_OK;
    }
    case ORL_MSG_CLOSE:
        control->events.on_close(control->ctx, orl_reason_from_u32(msg->u.close.reason),
                msg->u.close.text, msg->u.close.audit);
        return ORL_OK;
    default:
        return ORL_E_PROTO;
    }
}

static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct orl_control *control = ctx;
    (void)code;
    orl_ipc_free(ipc);
    control->ipc = NULL;
    control->events.on_gone(control->ctx);
}

int orl_control_new(struct orl_loop *loop, int fd, const struct orl_control_events *events,
        void *ctx, struct orl_control **ret_control, struct orl_err *err)
{
    static const struct orl_ipc_events ipc_events = {.on_msg = on_msg, .on_closed = on_closed};
    struct orl_control *control = calloc(1, sizeof(*control));
    if (control == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "control: out of memory");
    }
    control->loop = loop;
    control->events = *events;
    control->ctx = ctx;
    int code = orl_ipc_new(loop, fd, MAX_QUEUED, &ipc_events, control, &control->ipc, err);
    if (code < 0) {
        free(control);
        return code;
    }
    *ret_control = control;
    return ORL_OK;
}

static void tell_plan(void *arg)
{
    struct orl_control *control = arg;
    control->has_plan = false;
    if (control->is_freed) {
        free(control);
        return;
    }
    control->events.on_plan(control->ctx, &control->plan);
}

/* True: this message is the answer. */
static bool is_answer(struct orl_control *control, const struct orl_msg *msg, bool is_proof,
        struct orl_viewer_login_answer *answer)
{
    if (msg->type == ORL_MSG_CLOSE) {
        answer->reason = orl_reason_from_u32(msg->u.close.reason);
        orl_msg_text(answer->text, sizeof(answer->text),
                msg->u.close.text[0] != '\0' ? msg->u.close.text : orl_reason_text(answer->reason));
        return true;
    }
    if (is_proof && msg->type == ORL_MSG_HASH) {
        memcpy(answer->ntowfv2, msg->u.hash.ntowfv2, sizeof(answer->ntowfv2));
        answer->is_accepted = true;
        return true;
    }
    if (!is_proof && msg->type == ORL_MSG_PLAN) {
        control->plan = msg->u.plan;
        if (!control->has_plan) {
            control->has_plan = true;
            orl_loop_defer(control->loop, tell_plan, control);
        }
        answer->is_accepted = true;
        return true;
    }
    return false;
}

void orl_control_ask(struct orl_control *control, const struct orl_msg *question,
        struct orl_viewer_login_answer *ret_answer)
{
    bool has_answer = false;
    *ret_answer = (struct orl_viewer_login_answer){.reason = ORL_REASON_BROKER_DOWN};
    if (control->ipc != NULL) {
        orl_ipc_post(control->ipc, question, NULL, 0);
    }
    while (!has_answer && control->ipc != NULL) {
        struct orl_msg msg;
        struct orl_ipc_fds fds;
        if (orl_ipc_recv(orl_ipc_fd(control->ipc), ANSWER_TIMEOUT_MS, &msg, &fds) < 0) {
            return;
        }
        has_answer = is_answer(control, &msg, question->type == ORL_MSG_PROOF, ret_answer);
        orl_ipc_fds_close(&fds);
        orl_msg_wipe(&msg);
    }
}

void orl_control_post(struct orl_control *control, const struct orl_msg *msg)
{
    if (control->ipc != NULL) {
        orl_ipc_post(control->ipc, msg, NULL, 0);
    }
}

void orl_control_free(struct orl_control *control)
{
    if (control == NULL) {
        return;
    }
    orl_ipc_free(control->ipc);
    control->ipc = NULL;
    control->is_freed = true;
    if (!control->has_plan) {
        free(control); /* else the deferred call does */
    }
}
