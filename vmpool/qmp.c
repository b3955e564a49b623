#include "vmpool/qmp.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "vmpool/libvirt_conn.h"
#include <errno.h>
#include <fcntl.h>
#include <libvirt/libvirt-qemu.h>
#include <poll.h>
#include <string.h>

enum { PIPE_BYTES = 1024 * 1024, POLL_MS = 5 };

#define FD_NAME "oriel-state"

static int command(virDomainPtr domain, const char *text, char **ret_reply, struct orl_err *err)
{
    char *reply = NULL;
    if (virDomainQemuMonitorCommand(domain, text, &reply, 0) < 0) {
        return orl_libvirt_err(err, "QEMU's monitor");
    }
    /* An error is in the reply. */
    int r = strstr(reply, "\"error\":") ? orl_err_set(err, ORL_E_BACKEND, "QEMU: %s", reply) : 0;
    if (ret_reply && r == 0) {
        *ret_reply = orl_steal(reply);
    }
    free(reply);
    return r;
}

int orl_qmp_ignore_shared(virDomainPtr domain, bool is_on, struct orl_err *err)
{
    return command(domain,
            is_on ? "{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":"
                    "[{\"capability\":\"x-ignore-shared\",\"state\":true}]}}"
                  : "{\"execute\":\"migrate-set-capabilities\",\"arguments\":{\"capabilities\":"
                    "[{\"capability\":\"x-ignore-shared\",\"state\":false}]}}",
            NULL, err);
}

/* QEMU gets its own copy of fd. */
static int give_fd(virDomainPtr domain, int fd, struct orl_err *err)
{
    char *reply = NULL;
    int fds[] = {fd};
    if (virDomainQemuMonitorCommandWithFiles(domain,
                "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"" FD_NAME "\"}}", 1, fds, NULL,
                NULL, &reply, 0) < 0) {
        return orl_libvirt_err(err, "a pipe to QEMU");
    }
    int r = strstr(reply, "\"error\":") ? orl_err_set(err, ORL_E_BACKEND, "QEMU: %s", reply) : 0;
    free(reply);
    return r;
}

enum orl_qmp_progress orl_qmp_progress_of(const char *reply)
{
    if (strstr(reply, "\"status\":\"completed\"")) {
        return ORL_QMP_COMPLETED;
    }
    return strstr(reply, "\"status\":\"failed\"") || strstr(reply, "\"status\":\"cancelled\"")
                   ? ORL_QMP_FAILED
                   : ORL_QMP_UNDER_WAY;
}

static int await_end(virDomainPtr domain, uint64_t deadline_us, struct orl_err *err)
{
    for (;;) {
        ORL_AUTO(orl_free_auto) char *reply = NULL;
        int r = command(domain, "{\"execute\":\"query-migrate\"}", &reply, err);
        if (r < 0) {
            return r;
        }
        switch (orl_qmp_progress_of(reply)) {
        case ORL_QMP_COMPLETED:
            return 0;
        case ORL_QMP_FAILED:
            return orl_err_set(err, ORL_E_BACKEND, "QEMU could not move its state: %s", reply);
        case ORL_QMP_UNDER_WAY:
            break;
        }
        if (orl_clock_now_us() >= deadline_us) {
            return orl_err_set(err, ORL_E_TIMEOUT, "QEMU did not move its state in time");
        }
        (void)poll(NULL, 0, POLL_MS);
    }
}

static int make_pipe(int ret_ends[2], struct orl_err *err)
{
    if (pipe2(ret_ends, O_CLOEXEC) < 0) {
        return orl_err_sys(err, errno, "pipe");
    }
    (void)fcntl(ret_ends[0], F_SETPIPE_SZ, PIPE_BYTES);
    return 0;
}

static bool await_fd(int fd, short events, uint64_t deadline_us)
{
    struct pollfd p = {.fd = fd, .events = events};
    uint64_t now_us = orl_clock_now_us();
    return now_us < deadline_us && poll(&p, 1, (int)((deadline_us - now_us) / ORL_US_PER_MS)) > 0;
}

/* Until the writer has closed its end. */
static int drain(int from, int to, uint64_t max_bytes, uint64_t deadline_us, struct orl_err *err)
{
    uint64_t sum = 0;
    while (await_fd(from, POLLIN, deadline_us)) {
        ssize_t n = splice(from, NULL, to, NULL, PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return orl_err_sys(err, errno, "writing a machine's state");
        }
        sum += n > 0 ? (uint64_t)n : 0;
        if (sum > max_bytes) {
            return orl_err_set(err, ORL_E_LIMIT, "a machine's state is larger than its memory");
        }
    }
    return orl_err_set(err, ORL_E_TIMEOUT, "QEMU did not write its state in time");
}

int orl_qmp_state_save(
        virDomainPtr domain, int fd, uint64_t max_bytes, unsigned timeout_ms, struct orl_err *err)
{
    uint64_t deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS;
    int ends[2] = {-1, -1};
    int r = make_pipe(ends, err);
    r = r < 0 ? r : give_fd(domain, ends[1], err);
    orl_close_fd(&ends[1]);
    r = r < 0 ? r
              : command(domain,
                        "{\"execute\":\"migrate\",\"arguments\":{\"uri\":\"fd:" FD_NAME "\"}}",
                        NULL, err);
    r = r < 0 ? r : drain(ends[0], fd, max_bytes, deadline_us, err);
    r = r < 0 ? r : await_end(domain, deadline_us, err);
    orl_close_fd(&ends[0]);
    return r;
}

/* QEMU may stop reading at the end of the state and close its end before ours. */
static int fill(int from, int to, uint64_t deadline_us, struct orl_err *err)
{
    while (await_fd(to, POLLOUT, deadline_us)) {
        ssize_t n = splice(from, NULL, to, NULL, PIPE_BYTES, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n == 0 || (n < 0 && errno == EPIPE)) {
            return 0;
        }
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            return orl_err_sys(err, errno, "reading a golden image's state");
        }
    }
    return orl_err_set(err, ORL_E_TIMEOUT, "QEMU did not read its state in time");
}

int orl_qmp_state_load(virDomainPtr domain, int fd, unsigned timeout_ms, struct orl_err *err)
{
    uint64_t deadline_us = orl_clock_now_us() + timeout_ms * ORL_US_PER_MS;
    int ends[2] = {-1, -1};
    int r = make_pipe(ends, err);
    r = r < 0 ? r : give_fd(domain, ends[0], err);
    orl_close_fd(&ends[0]);
    r = r < 0 ? r
              : command(domain,
                        "{\"execute\":\"migrate-incoming\",\"arguments\":{\"uri\":\"fd:" FD_NAME
                        "\"}}",
                        NULL, err);
    r = r < 0 ? r : fill(fd, ends[1], deadline_us, err);
    orl_close_fd(&ends[1]);
    return r < 0 ? r : await_end(domain, deadline_us, err);
}
