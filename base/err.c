#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((format(printf, 4, 0))) static void err_vset(
        struct orl_err *err, int code, int sys_errno, const char *fmt, va_list ap)
{
    err->code = code;
    err->sys_errno = sys_errno;
    if (vsnprintf(err->text, sizeof(err->text), fmt, ap) < 0) {
        err->text[0] = '\0';
    }
}

int orl_err_set(struct orl_err *err, int code, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;
        va_start(ap, fmt);
        err_vset(err, code, 0, fmt, ap);
        va_end(ap);
    }
    return code;
}

int orl_err_sys(struct orl_err *err, int errno_value, const char *fmt, ...)
{
    if (err != NULL) {
        va_list ap;
        va_start(ap, fmt);
        err_vset(err, ORL_E_SYS, errno_value, fmt, ap);
        va_end(ap);
        size_t used = strlen(err->text);
        char reason[80];
        (void)snprintf(err->text + used, sizeof(err->text) - used, ": %s",
                strerror_r(errno_value, reason, sizeof(reason)));
    }
    return ORL_E_SYS;
}

int orl_err_prefix(struct orl_err *err, const char *fmt, ...)
{
    if (err == NULL) {
        return ORL_E_INVAL;
    }
    char with_prefix[sizeof(err->text)];
    va_list ap;
    va_start(ap, fmt);
    int used = vsnprintf(with_prefix, sizeof(with_prefix), fmt, ap);
    va_end(ap);
    if (used >= 0 && (size_t)used < sizeof(with_prefix)) {
        size_t left = sizeof(with_prefix) - (size_t)used;
        if (snprintf(with_prefix + used, left, ": %s", err->text) >= 0) {
            memcpy(err->text, with_prefix, sizeof(err->text));
        }
    }
    return err->code;
}

const char *orl_err_name(int code)
{
    switch (code) {
    case ORL_OK:
        return "success";
    case ORL_E_INVAL:
        return "invalid argument";
    case ORL_E_NOMEM:
        return "out of memory";
    case ORL_E_SYS:
        return "system error";
    case ORL_E_PROTO:
        return "protocol error";
    case ORL_E_CLOSED:
        return "closed by the peer";
    case ORL_E_AGAIN:
        return "not ready";
    case ORL_E_LIMIT:
        return "limit reached";
    case ORL_E_TIMEOUT:
        return "timed out";
    case ORL_E_NOTFOUND:
        return "not found";
    case ORL_E_EXISTS:
        return "already exists";
    case ORL_E_DENIED:
        return "not permitted";
    case ORL_E_CONFLICT:
        return "changed by another one meanwhile";
    case ORL_E_UNSUPPORTED:
        return "not supported";
    case ORL_E_CONFIG:
        return "configuration error";
    case ORL_E_BACKEND:
        return "backend error";
    default:
        return "unknown error";
    }
}

void orl_assert_failed(const char *file, int line, const char *what)
{
    (void)fprintf(stderr, "<2>%s:%d: our own fault: %s does not hold\n", file, line, what);
    abort();
}
