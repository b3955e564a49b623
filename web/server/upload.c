#include "web/server/upload.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/secret.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { LINE_MAX_BYTES = 400, HEAD_MAX_BYTES = 160 };

struct orl_upload {
    int fd;
    struct orl_io *io;
    orl_loop_fn on_news;
    void *ctx;
    enum orl_upload_state state;
    struct orl_buf out; /* head and body */
    size_t out_at;
    char line[LINE_MAX_BYTES + 1];
    size_t line_len;
    uint64_t begun_us;
};

static const struct orl_log_ctx log_ctx = {.name = "upload"};

static bool parse_offset(const char *query, uint64_t *ret)
{
    static const char key[] = "offset=";
    if (query[0] == '\0') {
        *ret = 0;
        return true;
    }
    const char *text = query + sizeof(key) - 1;
    if (strncmp(query, key, sizeof(key) - 1) != 0 || text[0] == '\0' || strlen(text) > 18 ||
            text[strspn(text, "0123456789")] != '\0') {
        return false;
    }
    *ret = strtoull(text, NULL, 10);
    return true;
}

bool orl_upload_parse(const char *path, const char *query, const char *authorization,
        struct orl_upload_to *ret_to)
{
    static const char prefix[] = "/upload/";
    static const char scheme[] = "Upload ";
    static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    if (strncmp(path, prefix, sizeof(prefix) - 1) != 0 ||
            !orl_id_is_valid(path + sizeof(prefix) - 1) ||
            strncmp(authorization, scheme, sizeof(scheme) - 1) != 0) {
        return false;
    }
    const char *ticket = authorization + sizeof(scheme) - 1;
    if (strlen(ticket) != ORL_UPLOAD_TICKET_LEN || ticket[strspn(ticket, digits)] != '\0' ||
            !parse_offset(query, &ret_to->offset)) {
        return false;
    }
    memcpy(ret_to->job, path + sizeof(prefix) - 1, sizeof(ret_to->job));
    memcpy(ret_to->ticket, ticket, sizeof(ret_to->ticket));
    return true;
}

/* Printable ASCII, without what JSON would escape. */
static void clean(char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < ' ' || *text > '~' || *text == '"' || *text == '\\') {
            *text = '?';
        }
    }
}

bool orl_upload_answer_json(const char *line, unsigned *ret_status, char *ret_json, size_t size)
{
    char code[64];
    char text[256] = "";
    unsigned status = 0;
    uint64_t offset = 0;
    if (sscanf(line, "%3u %63s %18" SCNu64 " %255[^\n]", &status, code, &offset, text) < 3 ||
            status < 200 || status > 599) {
        return false;
    }
    clean(code);
    clean(text);
    int len = status == 200 ? snprintf(ret_json, size, "{\"offset\":%" PRIu64 "}", offset)
                            : snprintf(ret_json, size,
                                      "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,"
                                      "\"detail\":\"%s\",\"code\":\"%s\",\"offset\":%" PRIu64 "}",
                                      code, status, text, code, offset);
    *ret_status = status;
    return len > 0 && (size_t)len < size;
}

static void end(struct orl_upload *upload, enum orl_upload_state state)
{
    upload->state = state;
    orl_io_close(upload->io);
    upload->io = NULL;
    orl_close_fd(&upload->fd);
    upload->on_news(upload->ctx);
}

static void read_answer(struct orl_upload *upload)
{
    ssize_t n = recv(upload->fd, upload->line + upload->line_len, LINE_MAX_BYTES - upload->line_len,
            MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        return;
    }
    upload->line_len += n > 0 ? (size_t)n : 0;
    upload->line[upload->line_len] = '\0';
    char *stop = strchr(upload->line, '\n');
    if (stop != NULL) {
        *stop = '\0';
        end(upload, ORL_UPLOAD_DONE);
    } else if (n <= 0 || upload->line_len == LINE_MAX_BYTES) {
        end(upload, ORL_UPLOAD_FAILED);
    }
}

static void on_socket(void *ctx, unsigned events)
{
    struct orl_upload *upload = ctx;
    size_t left = upload->out.len - upload->out_at;
    if ((events & ORL_IO_WRITE) != 0 && left > 0) {
        ssize_t n = send(
                upload->fd, upload->out.data + upload->out_at, left, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            upload->out_at = upload->out.len; /* it has answered already, and does not read */
        }
        upload->out_at += n > 0 ? (size_t)n : 0;
        if (upload->out_at == upload->out.len) {
            orl_io_set(upload->io, ORL_IO_READ);
        }
    }
    if ((events & (ORL_IO_READ | ORL_IO_HANGUP)) != 0) {
        read_answer(upload);
    }
}

static int connect_to(const struct orl_upload_opts *opts, int *ret_fd)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct ucred cred;
    socklen_t len = sizeof(cred);
    int path_len = snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", opts->path);
    if (path_len < 0 || (size_t)path_len >= sizeof(addr.sun_path)) {
        return ORL_E_LIMIT;
    }
    ORL_AUTO(orl_close_auto)
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0 ||
            getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0) {
        return ORL_E_CLOSED;
    }
    if (cred.uid != 0 && cred.uid != geteuid() && cred.uid != opts->uid) {
        orl_log_error(
                &log_ctx, "somebody else listens at upload.sock", "uid", ORL_LOG_NUM(cred.uid));
        return ORL_E_DENIED;
    }
    *ret_fd = orl_steal_fd(&fd);
    return 0;
}

static void put_all(struct orl_upload *upload, const struct orl_upload_to *to, struct orl_buf *body)
{
    char head[HEAD_MAX_BYTES];
    int len = snprintf(head, sizeof(head), "PUT %s %s %" PRIu64 " %zu\n", to->job, to->ticket,
            to->offset, body->len);
    orl_buf_init(&upload->out, ORL_UPLOAD_BODY_MAX + sizeof(head));
    orl_buf_put(&upload->out, head, (size_t)len);
    if (body->len > 0) {
        orl_buf_put(&upload->out, body->data, body->len);
    }
    orl_secret_wipe(head, sizeof(head));
}

int orl_upload_new(struct orl_loop *loop, const struct orl_upload_opts *opts,
        const struct orl_upload_to *to, struct orl_buf *body, orl_loop_fn on_news, void *ctx,
        struct orl_upload **ret_upload)
{
    struct orl_upload *upload = calloc(1, sizeof(*upload));
    if (upload == NULL) {
        return ORL_E_NOMEM;
    }
    *upload = (struct orl_upload){
            .fd = -1, .on_news = on_news, .ctx = ctx, .begun_us = orl_clock_now_us()};
    put_all(upload, to, body);
    orl_buf_fini(body);
    int code = upload->out.is_failed ? ORL_E_NOMEM : connect_to(opts, &upload->fd);
    if (code == 0) {
        code = orl_io_open(
                loop, upload->fd, ORL_IO_READ | ORL_IO_WRITE, on_socket, upload, &upload->io, NULL);
    }
    if (code < 0) {
        orl_upload_free(upload);
        return code;
    }
    *ret_upload = upload;
    return 0;
}

enum orl_upload_state orl_upload_state(const struct orl_upload *upload)
{
    return upload->state;
}

bool orl_upload_is_good(const struct orl_upload *upload)
{
    return upload->state == ORL_UPLOAD_DONE && strncmp(upload->line, "200 ", 4) == 0;
}

bool orl_upload_has_ticket(const struct orl_upload *upload)
{
    return upload->state == ORL_UPLOAD_DONE && strncmp(upload->line, "404 ", 4) != 0;
}

const char *orl_upload_line(const struct orl_upload *upload)
{
    return upload->line;
}

uint64_t orl_upload_begun_us(const struct orl_upload *upload)
{
    return upload->begun_us;
}

void orl_upload_free(struct orl_upload *upload)
{
    if (upload != NULL) {
        orl_io_close(upload->io);
        orl_close_fd(&upload->fd);
        if (upload->out.data != NULL) {
            orl_secret_wipe(upload->out.data,
                    upload->out.len < HEAD_MAX_BYTES ? upload->out.len : HEAD_MAX_BYTES);
        }
        orl_buf_fini(&upload->out);
        free(upload);
    }
}
