#include "cli/send.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "cli/http.h"
#include <curl/curl.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { BITE = 256 * 1024, SILENT_S = 120, CONNECT_S = 10 };

/* Beside the broker's socket. */
static int connect_to(const struct orl_cli_call *call, int *ret_fd, struct orl_err *err)
{
    static const char name[] = "upload.sock";
    const struct timeval silent = {.tv_sec = SILENT_S};
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    const char *slash = strrchr(call->socket, '/');
    size_t dir = slash != NULL ? (size_t)(slash - call->socket) + 1 : 0;
    if (dir + sizeof(name) > sizeof(addr.sun_path)) {
        return orl_err_set(err, ORL_E_INVAL, "--socket is too long");
    }
    memcpy(addr.sun_path, call->socket, dir);
    memcpy(addr.sun_path + dir, name, sizeof(name));
    ORL_AUTO(orl_close_auto) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (const struct sockaddr *)&addr, sizeof(addr)) < 0) {
        return orl_err_set(err, ORL_E_CLOSED,
                "no vmpool answers at %.100s: %s (as root, or with --url)", addr.sun_path,
                strerror(errno));
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silent, sizeof(silent));
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silent, sizeof(silent));
    *ret_fd = orl_steal_fd(&fd);
    return 0;
}

static bool send_all(int fd, const char *data, size_t len)
{
    while (len > 0) {
        ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
        if (n < 0 && errno != EINTR) {
            return false;
        }
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    return true;
}

/* Who is refused is told so, and then not read: what can't be sent any more is no fault of its own. */
static int send_bytes(const struct orl_cli_piece *piece, int fd, struct orl_err *err)
{
    ORL_AUTO(orl_free_auto) char *bite = malloc(BITE);
    if (bite == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    for (uint64_t done = 0; done < piece->length;) {
        uint64_t left = piece->length - done;
        ssize_t n = pread(
                piece->fd, bite, left < BITE ? (size_t)left : BITE, (off_t)(piece->offset + done));
        if (n <= 0) {
            return n == 0 ? orl_err_set(err, ORL_E_INVAL, "the file became shorter meanwhile")
                          : orl_err_sys(err, errno, "reading the file");
        }
        if (!send_all(fd, bite, (size_t)n)) {
            return 0;
        }
        done += (uint64_t)n;
    }
    return 0;
}

static int read_line(int fd, struct orl_cli_piece_answer *ret, struct orl_err *err)
{
    char line[512];
    size_t len = 0;
    ssize_t n = 0;
    while (len + 1 < sizeof(line) && (n = recv(fd, line + len, sizeof(line) - 1 - len, 0)) > 0) {
        len += (size_t)n;
    }
    line[len] = '\0';
    line[strcspn(line, "\n")] = '\0';
    ret->text[0] = '\0';
    if (sscanf(line, "%u %63s %" SCNu64 " %255[^\n]", &ret->status, ret->code, &ret->offset,
                ret->text) < 3) {
        return orl_err_set(err, ORL_E_CLOSED, "vmpool did not answer");
    }
    return 0;
}

static int send_here(const struct orl_cli_call *call, const struct orl_cli_piece *piece,
        struct orl_cli_piece_answer *ret, struct orl_err *err)
{
    char head[200];
    ORL_AUTO(orl_close_auto) int fd = -1;
    int rc = connect_to(call, &fd, err);
    if (rc < 0) {
        return rc;
    }
    int len = snprintf(head, sizeof(head), "PUT %s %s %" PRIu64 " %" PRIu64 "\n", piece->job,
            piece->ticket, piece->offset, piece->length);
    if (len > 0 && (size_t)len < sizeof(head) && send_all(fd, head, (size_t)len)) {
        rc = send_bytes(piece, fd, err);
    }
    orl_secret_wipe(head, sizeof(head));
    return rc < 0 ? rc : read_line(fd, ret, err);
}

struct source {
    const struct orl_cli_piece *piece;
    uint64_t done;
};

static size_t on_read(char *data, size_t size, size_t count, void *ctx)
{
    struct source *source = ctx;
    uint64_t left = source->piece->length - source->done;
    size_t want = size * count < left ? size * count : (size_t)left;
    ssize_t n = pread(source->piece->fd, data, want, (off_t)(source->piece->offset + source->done));
    if (n < 0 || (n == 0 && left > 0)) {
        return CURL_READFUNC_ABORT;
    }
    source->done += (uint64_t)n;
    return (size_t)n;
}

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct orl_buf *body = ctx;
    orl_buf_put(body, data, size * count);
    return body->is_failed ? 0 : size * count;
}

static void read_json(const struct orl_buf *body, struct orl_cli_piece_answer *ret)
{
    json_t *root = json_loadb((const char *)body->data, body->len, 0, NULL);
    const char *code = json_string_value(json_object_get(root, "code"));
    const char *text = json_string_value(json_object_get(root, "detail"));
    (void)snprintf(ret->code, sizeof(ret->code), "%s", code != NULL ? code : "");
    (void)snprintf(ret->text, sizeof(ret->text), "%s", text != NULL ? text : "");
    ret->offset = (uint64_t)json_integer_value(json_object_get(root, "offset"));
    json_decref(root);
}

static bool set_up(CURL *curl, const struct orl_cli_call *call, const char *url,
        struct curl_slist *headers, struct source *source, struct orl_buf *body)
{
    return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           (call->ca_file == NULL ||
                   curl_easy_setopt(curl, CURLOPT_CAINFO, call->ca_file) == CURLE_OK) &&
           curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)SILENT_S) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)source->piece->length) ==
                   CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_READDATA, source) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_WRITEDATA, body) == CURLE_OK &&
           curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK;
}

static int send_by_portal(const struct orl_cli_call *call, const struct orl_cli_piece *piece,
        struct orl_cli_piece_answer *ret, struct orl_err *err)
{
    char url[1024];
    char line[100];
    struct source source = {.piece = piece};
    struct orl_buf body;
    long status = 0;
    orl_buf_init(&body, 65536);
    size_t len = strlen(call->url);
    (void)snprintf(url, sizeof(url), "%.*s/upload/%s?offset=%" PRIu64,
            (int)(len > 0 && call->url[len - 1] == '/' ? len - 1 : len), call->url, piece->job,
            piece->offset);
    (void)snprintf(line, sizeof(line), "Authorization: Upload %s", piece->ticket);
    struct curl_slist *headers = curl_slist_append(curl_slist_append(NULL, line), "Expect:");
    CURL *curl = curl_easy_init();
    int rc = curl != NULL && headers != NULL && set_up(curl, call, url, headers, &source, &body)
                     ? 0
                     : orl_err_set(err, ORL_E_NOMEM, "libcurl lacks something");
    CURLcode code = rc == 0 ? curl_easy_perform(curl) : CURLE_OK;
    if (code != CURLE_OK) {
        rc = orl_err_set(err, ORL_E_CLOSED, "%.120s: %s", call->url, curl_easy_strerror(code));
    } else if (rc == 0) {
        (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
        ret->status = (unsigned)status;
        read_json(&body, ret);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    orl_buf_fini(&body);
    orl_secret_wipe(line, sizeof(line));
    return rc;
}

int orl_cli_send(const struct orl_cli_call *call, const struct orl_cli_piece *piece,
        struct orl_cli_piece_answer *ret_answer, struct orl_err *err)
{
    return call->url != NULL ? send_by_portal(call, piece, ret_answer, err)
                             : send_here(call, piece, ret_answer, err);
}
