#include "cli/import.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/http.h"
#include "cli/output.h"
#include "cli/send.h"
#include "cli/wait.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

enum { TRIES = 30, QUIET_S = 2 };

static volatile sig_atomic_t want_end;

static void on_signal(int signum)
{
    (void)signum;
    want_end = 1;
}

static enum orl_cli_exit fail(enum orl_cli_exit code, const struct orl_err *err)
{
    (void)fprintf(stderr, "oriel: %s\n", err->text);
    return code;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* body: borrowed. The answer's body is the caller's, also after a failure, and *ret_root. */
static long ask(const struct orl_cli_call *call, enum orl_cli_method method, const char *path,
        json_t *body, struct orl_cli_answer *answer, json_t **ret_root)
{
    struct orl_err err = {0};
    struct orl_cli_cmd cmd = *call->cmd;
    struct orl_cli_call own = *call;
    cmd.method = method;
    own.cmd = &cmd;
    own.body = body;
    orl_msg_text(own.path, sizeof(own.path), path);
    *ret_root = NULL;
    if (orl_cli_request(&own, answer, &err) < 0) {
        (void)fail(ORL_CLI_EXIT_UNREACHABLE, &err);
        return 0;
    }
    *ret_root = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
    if (answer->status >= 300) {
        orl_cli_print_refusal(*ret_root, answer->status, stderr);
    }
    return answer->status;
}

static void cancel(const struct orl_cli_call *call, const char *job)
{
    struct orl_cli_answer answer = {0};
    char path[80];
    json_t *root = NULL;
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s/cancel", job);
    if (ask(call, ORL_CLI_POST, path, NULL, &answer, &root) == 200) {
        (void)fprintf(stderr, "oriel: the job is called off\n");
    }
    json_decref(root);
    orl_buf_fini(&answer.body);
}

struct sending {
    struct orl_cli_piece piece;
    uint64_t size, begun_us, said_us;
    unsigned tries;
};

static void say(struct sending *s)
{
    uint64_t now_us = orl_clock_now_us();
    if (now_us < s->begun_us + QUIET_S * ORL_US_PER_S || now_us < s->said_us + ORL_US_PER_S) {
        return;
    }
    s->said_us = now_us;
    (void)fprintf(stderr, "%3u %%  sends the file: %" PRIu64 " of %" PRIu64 " MiB\n",
            (unsigned)(s->piece.offset * 100 / s->size), s->piece.offset >> 20,
            (s->size + (1 << 20) - 1) >> 20);
}

/* A piece that got lost is sent again, from what is there; true: go on. */
static bool again(struct sending *s, const struct orl_cli_piece_answer *answer, int rc)
{
    const struct timespec second = {.tv_sec = 1};
    bool is_late = rc == ORL_E_CLOSED || answer->status == 503 || answer->status == 408;
    bool is_other = rc == 0 && answer->status == 409 && answer->offset != s->piece.offset &&
                    answer->offset < s->size;
    if ((!is_late && !is_other) || ++s->tries > TRIES) {
        return false;
    }
    if (rc == 0 && answer->status != 503) {
        s->piece.offset = answer->offset;
    }
    (void)nanosleep(&second, NULL);
    return true;
}

static int send_file(const struct orl_cli_call *call, struct sending *s, struct orl_err *err)
{
    s->begun_us = orl_clock_now_us();
    while (s->piece.offset < s->size && want_end == 0) {
        struct orl_cli_piece_answer answer = {.status = 0};
        uint64_t left = s->size - s->piece.offset;
        s->piece.length = left < ORL_CLI_PIECE_BYTES ? left : ORL_CLI_PIECE_BYTES;
        int rc = orl_cli_send(call, &s->piece, &answer, err);
        if (rc == 0 && answer.status == 200) {
            s->piece.offset = answer.offset;
            s->tries = 0;
            say(s);
        } else if (want_end == 0 && !again(s, &answer, rc)) {
            return rc < 0 ? rc
                          : orl_err_set(err, ORL_E_DENIED, "refused: %.150s (code %.40s)",
                                    answer.text, answer.code);
        }
    }
    return want_end != 0 ? orl_err_set(err, ORL_E_CLOSED, "interrupted") : 0;
}

static enum orl_cli_exit begun(
        const struct orl_cli_call *call, const struct orl_cli_answer *answer, const json_t *root)
{
    const char *user = text_of(root, "user");
    if (strcmp(call->cmd->verb, "build") != 0) {
        return orl_cli_wait(call, answer);
    }
    if (call->is_json) {
        (void)json_dumpf(root, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
        return ORL_CLI_EXIT_OK;
    }
    (void)printf("job %s: the machine is pool %s's desktop", text_of(root, "job"),
            text_of(root, "pool"));
    (void)printf(user[0] != '\0' ? ", for %s\n"
                                 : "; let somebody in: oriel entitlement add USER POOL%s\n",
            user);
    (void)printf("when it is installed: oriel template seal %s\n", call->args[0]);
    return ORL_CLI_EXIT_OK;
}

static enum orl_cli_exit send_and_wait(const struct orl_cli_call *call, int fd, uint64_t size,
        const struct orl_cli_answer *answer, const json_t *root)
{
    struct orl_err err = {0};
    const json_t *upload = json_object_get(root, "upload");
    const char *job = text_of(root, "job");
    struct sending sending = {
            .piece = {.job = job, .ticket = text_of(upload, "ticket"), .fd = fd}, .size = size};
    if (upload != NULL && send_file(call, &sending, &err) < 0) {
        (void)fail(ORL_CLI_EXIT_REFUSED, &err);
        cancel(call, job);
        return ORL_CLI_EXIT_REFUSED;
    }
    return begun(call, answer, root);
}

static int open_file(const char *name, int *ret_fd, uint64_t *ret_size, struct orl_err *err)
{
    struct stat st;
    ORL_AUTO(orl_close_auto) int fd = open(name, O_RDONLY | O_CLOEXEC);
    if (fd < 0 || fstat(fd, &st) < 0) {
        return orl_err_sys(err, errno, "%s", name);
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        return orl_err_set(err, ORL_E_INVAL, "%.120s: not a file, or empty", name);
    }
    *ret_size = (uint64_t)st.st_size;
    *ret_fd = orl_steal_fd(&fd);
    return 0;
}

static enum orl_cli_exit begin(const struct orl_cli_call *call)
{
    struct orl_err err = {0};
    struct orl_cli_answer answer = {0};
    ORL_AUTO(orl_close_auto) int fd = -1;
    uint64_t size = 0;
    json_t *root = NULL;
    json_t *body = json_copy(call->body);
    bool is_on_host = json_is_true(json_object_get(body, "on_host"));
    (void)json_object_del(body, "on_host");
    (void)json_object_del(body, "file");
    if (is_on_host) {
        (void)json_object_set_new(body, "path", json_string(call->args[1]));
    } else if (open_file(call->args[1], &fd, &size, &err) < 0) {
        json_decref(body);
        return fail(ORL_CLI_EXIT_REFUSED, &err);
    } else {
        (void)json_object_set_new(body, "size_bytes", json_integer((json_int_t)size));
    }
    long status = ask(call, ORL_CLI_POST, call->path, body, &answer, &root);
    enum orl_cli_exit code = status == 0     ? ORL_CLI_EXIT_UNREACHABLE
                             : status != 202 ? ORL_CLI_EXIT_REFUSED
                                             : send_and_wait(call, fd, size, &answer, root);
    json_decref(body);
    json_decref(root);
    orl_buf_wipe(&answer.body);
    orl_buf_fini(&answer.body);
    return code;
}

/* The job that runs for the template; empty: there is none. */
static enum orl_cli_exit find_job(const struct orl_cli_call *call, char *ret_id, size_t size)
{
    struct orl_cli_answer answer = {0};
    char path[200];
    json_t *root = NULL;
    const json_t *job = NULL;
    size_t i = 0;
    ret_id[0] = '\0';
    (void)snprintf(path, sizeof(path), "/v1/jobs?kind=template.build&object=template:%.100s",
            call->args[0]);
    long status = ask(call, ORL_CLI_GET, path, NULL, &answer, &root);
    json_array_foreach(json_object_get(root, "jobs"), i, job)
    {
        if (ret_id[0] == '\0' && strcmp(text_of(job, "state"), "running") == 0) {
            (void)snprintf(ret_id, size, "%s", text_of(job, "id"));
        }
    }
    if (status == 200 && ret_id[0] == '\0') {
        (void)fprintf(stderr, "oriel: nothing is being installed for template %s\n", call->args[0]);
    }
    json_decref(root);
    orl_buf_fini(&answer.body);
    return status == 0         ? ORL_CLI_EXIT_UNREACHABLE
           : ret_id[0] == '\0' ? ORL_CLI_EXIT_REFUSED
                               : ORL_CLI_EXIT_OK;
}

static enum orl_cli_exit seal(const struct orl_cli_call *call)
{
    struct orl_cli_answer answer = {0};
    char id[64];
    char path[100];
    json_t *root = NULL;
    enum orl_cli_exit code = find_job(call, id, sizeof(id));
    if (code != ORL_CLI_EXIT_OK) {
        return code;
    }
    (void)snprintf(path, sizeof(path), "/v1/jobs/%s/seal", id);
    long status = ask(call, ORL_CLI_POST, path, NULL, &answer, &root);
    if (status == 200) {
        orl_buf_reset(&answer.body);
        char text[80];
        int len = snprintf(text, sizeof(text), "{\"job\":\"%s\"}", id);
        orl_buf_put(&answer.body, text, (size_t)len);
        code = orl_cli_wait(call, &answer);
    } else {
        code = status == 0 ? ORL_CLI_EXIT_UNREACHABLE : ORL_CLI_EXIT_REFUSED;
    }
    json_decref(root);
    orl_buf_fini(&answer.body);
    return code;
}

enum orl_cli_exit orl_cli_import(const struct orl_cli_call *call)
{
    const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: ends a pause */
    if (strcmp(call->cmd->verb, "seal") == 0) {
        return seal(call);
    }
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    return begin(call);
}
