/* Error codes and the error object that edge functions fill.
 * Not here: why a person was refused (base/reason.h); logging (base/log.h). */
#ifndef ORL_BASE_ERR_H
#define ORL_BASE_ERR_H

#define ORL_NODISCARD __attribute__((warn_unused_result))
#define ORL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* Functions return 0 (or a count) or one of these; read the sign, never the truthiness. */
enum orl_e {
    ORL_OK = 0,
    ORL_E_INVAL = -1, /* the caller's argument is out of its documented range */
    ORL_E_NOMEM = -2,
    ORL_E_SYS = -3,    /* a system call failed; sys_errno says how */
    ORL_E_PROTO = -4,  /* a peer broke its protocol */
    ORL_E_CLOSED = -5, /* the peer closed */
    ORL_E_AGAIN = -6,  /* nothing now; try when the fd is ready */
    ORL_E_LIMIT = -7,  /* a bound of ours was reached */
    ORL_E_TIMEOUT = -8,
    ORL_E_NOTFOUND = -9,
    ORL_E_EXISTS = -10,
    ORL_E_DENIED = -11,   /* not permitted to this caller */
    ORL_E_CONFLICT = -12, /* another one moved the object first: a version did not match */
    ORL_E_UNSUPPORTED = -13,
    ORL_E_CONFIG = -14,
    ORL_E_BACKEND = -15, /* libvirt, SQLite, x264 or FreeRDP refused; text says what it said */
};

struct orl_err {
    int code;      /* enum orl_e */
    int sys_errno; /* 0 unless code is ORL_E_SYS */
    char text[240];
};

/* All three return the code, so that `return orl_err_set(...)` reads well. err may be NULL. */
int orl_err_set(struct orl_err *err, int code, const char *fmt, ...) ORL_PRINTF(3, 4);
/* As orl_err_set() with ORL_E_SYS; appends ": " and the text of errno_value. */
int orl_err_sys(struct orl_err *err, int errno_value, const char *fmt, ...) ORL_PRINTF(3, 4);
/* Puts "context: " before the text that err already has; returns err->code (ORL_E_INVAL if NULL). */
int orl_err_prefix(struct orl_err *err, const char *fmt, ...) ORL_PRINTF(2, 3);
/* "invalid argument", "protocol error", ...; never NULL. */
const char *orl_err_name(int code);

/* For our own faults only. Kept in release builds: prints file, line and expression, then aborts. */
void orl_assert_failed(const char *file, int line, const char *what) __attribute__((noreturn));
#define orl_assert(cond) ((cond) ? (void)0 : orl_assert_failed(__FILE__, __LINE__, #cond))

#endif
