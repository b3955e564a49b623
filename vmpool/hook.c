#include "vmpool/hook.h"
#include "base/clock.h"
#include "base/ipc_msgs.h"
#include "base/secret.h"
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

enum { CODE_MAX = 31, WORDS_MAX = 160 };

bool orl_hook_is_answer(const struct orl_hook_msg *answer, uint64_t serial)
{
    return answer->serial == serial && serial != 0 &&
           (orl_hook_msg_is(answer, "done") || orl_hook_msg_is(answer, "failed") ||
                   orl_hook_msg_is(answer, "hello"));
}

static void take_words(char *ret, size_t max, const char *words)
{
    size_t used = 0;
    for (; words[used] != '\0' && used < max; used++) {
        ret[used] = words[used] >= ' ' && words[used] <= '~' ? words[used] : '?';
    }
    ret[used] = '\0';
}

int orl_hook_failure(const struct orl_hook_msg *answer, struct orl_err *err)
{
    char code[CODE_MAX + 1];
    char text[WORDS_MAX + 1];
    take_words(code, CODE_MAX, orl_hook_msg_get(answer, "code"));
    take_words(text, WORDS_MAX, orl_hook_msg_get(answer, "text"));
    return orl_err_set(err, ORL_E_BACKEND, "the guest says: %s: %s", code, text);
}

int orl_hook_bytes(const struct orl_hook_msg *msg, char *buf)
{
    size_t skip = orl_hook_msg_is(msg, "hello") ? 1 : 0;
    buf[0] = ORL_HOOK_RESET;
    int len = orl_hook_msg_encode(msg, buf + skip);
    return len < 0 ? -1 : len + (int)skip;
}

/* Until fd has one of events, or the time is over. */
static int wait_for(int fd, short events, uint64_t deadline_us, struct orl_err *err)
{
    uint64_t now_us = orl_clock_now_us();
    struct pollfd p = {.fd = fd, .events = events};
    uint64_t left_ms = now_us < deadline_us ? (deadline_us - now_us) / ORL_US_PER_MS + 1 : 0;
    int n = left_ms > 0 ? poll(&p, 1, (int)left_ms) : 0;
    if (n < 0 && errno != EINTR) {
        return orl_err_sys(err, errno, "the guest's hook");
    }
    return n != 0 ? 0 : orl_err_set(err, ORL_E_TIMEOUT, "the guest's hook does not answer");
}

static int send_all(
        int fd, const char *bytes, size_t len, uint64_t deadline_us, struct orl_err *err)
{
    while (len > 0) {
        ssize_t n = send(fd, bytes, len, MSG_NOSIGNAL);
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return orl_err_set(err, ORL_E_CLOSED, "the guest's port was closed");
        }
        int r = wait_for(fd, POLLOUT, deadline_us, err);
        if (r < 0) {
            return r;
        }
    }
    return 0;
}

struct reader {
    int fd;
    size_t len;
    unsigned messages;
    char buf[ORL_HOOK_BUF_MAX];
};

/* The next message, of whatever kind. */
static int read_one(
        struct reader *in, uint64_t deadline_us, struct orl_hook_msg *ret_msg, struct orl_err *err)
{
    for (;;) {
        int used = orl_hook_msg_decode(in->buf, in->len, ret_msg);
        if (used > 0) {
            in->len -= (size_t)used;
            memmove(in->buf, in->buf + used, in->len);
            return ++in->messages <= ORL_HOOK_CALL_MESSAGES
                           ? 0
                           : orl_err_set(err, ORL_E_PROTO, "the guest's hook says too much");
        }
        if (used < 0 || in->len == sizeof in->buf) {
            return orl_err_set(err, ORL_E_PROTO, "the guest's hook talks nonsense");
        }
        ssize_t n = recv(in->fd, in->buf + in->len, sizeof in->buf - in->len, 0);
        if (n > 0) {
            in->len += (size_t)n;
        } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
            return orl_err_set(err, ORL_E_CLOSED, "the guest's port was closed");
        } else {
            int r = wait_for(in->fd, POLLIN, deadline_us, err);
            if (r < 0) {
                return r;
            }
        }
    }
}

int orl_hook_call(int fd, const struct orl_hook_msg *msg, unsigned timeout_ms,
        struct orl_hook_msg *ret_answer, struct orl_err *err)
{
    char bytes[ORL_HOOK_MSG_MAX + 1];
    uint64_t deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS;
    int len = orl_hook_bytes(msg, bytes);
    if (len < 0) {
        return orl_err_set(err, ORL_E_LIMIT, "the message '%s' is too large", msg->verb);
    }
    int r = send_all(fd, bytes, (size_t)len, deadline_us, err);
    orl_secret_wipe(bytes, sizeof bytes);
    struct reader in = {.fd = fd};
    struct orl_hook_msg answer;
    do {
        r = r < 0 ? r : read_one(&in, deadline_us, &answer, err);
    } while (r == 0 && !orl_hook_is_answer(&answer, msg->serial));
    if (r < 0) {
        return r;
    }
    if (orl_hook_msg_is(&answer, "failed")) {
        return orl_hook_failure(&answer, err);
    }
    *ret_answer = answer;
    return 0;
}
