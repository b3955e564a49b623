/* Structured log lines to stderr, one each: `<6>gateway: session refused reason=auth_failed client=10.0.0.7`.
 * The <N> prefix is what journald reads (sd-daemon(3)); it is left out when stderr is a terminal.
 * Never logged: passwords, tickets, keys, clipboard, key presses, frame content. */
#ifndef ORL_BASE_LOG_H
#define ORL_BASE_LOG_H
#include <stdbool.h>
#include <stdint.h>

enum orl_log_level { ORL_LOG_ERROR = 3, ORL_LOG_WARN = 4, ORL_LOG_INFO = 6, ORL_LOG_DEBUG = 7 };

/* A chain, innermost first: session > connection > daemon. Borrowed by the calls. */
struct orl_log_ctx {
    const struct orl_log_ctx *parent; /* NULL for the outermost */
    const char *name;                 /* "gateway", "session" */
    const char *id;                   /* NULL or what tells this one from its siblings */
};

void orl_log_set_level(enum orl_log_level level);
/* "error", "warn", "info", "debug"; false if it is none of them. */
bool orl_log_level_parse(const char *text, enum orl_log_level *ret_level);
/* msg is fixed text; then key, value pairs of const char *, ended by NULL. Values are escaped. */
void orl_log(enum orl_log_level level, const struct orl_log_ctx *ctx, const char *msg, ...)
        __attribute__((sentinel));
#define orl_log_error(ctx, ...) orl_log(ORL_LOG_ERROR, ctx, __VA_ARGS__, NULL)
#define orl_log_warn(ctx, ...) orl_log(ORL_LOG_WARN, ctx, __VA_ARGS__, NULL)
#define orl_log_info(ctx, ...) orl_log(ORL_LOG_INFO, ctx, __VA_ARGS__, NULL)
#define orl_log_debug(ctx, ...) orl_log(ORL_LOG_DEBUG, ctx, __VA_ARGS__, NULL)

/* Formats a value for one call: `ORL_LOG_NUM(n)` lives until the end of the full expression. */
struct orl_log_num {
    char text[24];
};
struct orl_log_num orl_log_num(int64_t v);
#define ORL_LOG_NUM(v) (orl_log_num((int64_t)(v)).text)

/* For lines that a peer can trigger: true at most `burst` times per period; then says how many were
 * dropped by returning true once with *ret_dropped > 0. */
struct orl_log_limit {
    uint64_t period_us;
    unsigned burst;
    uint64_t window_start_us;
    unsigned used;
    unsigned dropped;
};
bool orl_log_limit_pass(struct orl_log_limit *limit, uint64_t now_us, unsigned *ret_dropped);

#endif
