#include "base/log.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048, LOG_VALUE_MAX = 512, LOG_DEPTH_MAX = 6 };

static enum orl_log_level log_level = ORL_LOG_INFO;

void orl_log_set_level(enum orl_log_level level)
{
    log_level = level;
}

static const struct {
    const char *name;
    enum orl_log_level level;
} levels[] = {
        {"error", ORL_LOG_ERROR},
        {"warn", ORL_LOG_WARN},
        {"info", ORL_LOG_INFO},
        {"debug", ORL_LOG_DEBUG},
};

bool orl_log_level_parse(const char *text, enum orl_log_level *ret_level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcmp(levels[i].name, text) == 0) {
            *ret_level = levels[i].level;
            return true;
        }
    }
    return false;
}

static void put_text(struct orl_buf *line, const char *text)
{
    orl_buf_put(line, text, strlen(text));
}

/* A value that a peer wrote cannot start a new line or pretend to be another field. */
static void put_value(struct orl_buf *line, const char *value)
{
    size_t len = strnlen(value, LOG_VALUE_MAX);
    bool is_plain = len > 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        is_plain = is_plain && c > ' ' && c != '"' && c != '=' && c != '\\' && c != 127;
    }
    if (is_plain) {
        orl_buf_put(line, value, len);
        return;
    }
    orl_buf_put_u8(line, '"');
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)value[i];
        if (c == '"' || c == '\\') {
            orl_buf_put_u8(line, '\\');
            orl_buf_put_u8(line, c);
        } else if (c < ' ' || c == 127) {
            char escaped[5];
            (void)snprintf(escaped, sizeof(escaped), "\\x%02x", c);
            put_text(line, escaped);
        } else {
            orl_buf_put_u8(line, c);
        }
    }
    orl_buf_put_u8(line, '"');
}

/* Outermost first: "gateway/session[12]: ". */
static void put_ctx(struct orl_buf *line, const struct orl_log_ctx *ctx)
{
    const struct orl_log_ctx *chain[LOG_DEPTH_MAX];
    unsigned depth = 0;
    for (; ctx != NULL && depth < LOG_DEPTH_MAX; ctx = ctx->parent) {
        chain[depth++] = ctx;
    }
    for (unsigned i = depth; i-- > 0;) {
        put_text(line, chain[i]->name);
        if (chain[i]->id != NULL) {
            orl_buf_put_u8(line, '[');
            put_value(line, chain[i]->id);
            orl_buf_put_u8(line, ']');
        }
        put_text(line, i > 0 ? "/" : ": ");
    }
}

void orl_log(enum orl_log_level level, const struct orl_log_ctx *ctx, const char *msg, ...)
{
    if (level > log_level) {
        return;
    }
    struct orl_buf line;
    orl_buf_init(&line, LOG_LINE_MAX);
    if (!isatty(STDERR_FILENO)) {
        char prefix[5];
        (void)snprintf(prefix, sizeof(prefix), "<%u>", (unsigned)level % 10U);
        put_text(&line, prefix);
    }
    put_ctx(&line, ctx);
    put_text(&line, msg);
    va_list ap;
    va_start(ap, msg);
    for (const char *key; (key = va_arg(ap, const char *)) != NULL;) {
        const char *value = va_arg(ap, const char *);
        orl_buf_put_u8(&line, ' ');
        put_text(&line, key);
        orl_buf_put_u8(&line, '=');
        put_value(&line, value != NULL ? value : "");
    }
    va_end(ap);
    line.is_failed = false; /* a line that is too long is cut */
    if (line.len == line.max_len) {
        line.len--;
    }
    orl_buf_put_u8(&line, '\n');
    if (line.data != NULL && write(STDERR_FILENO, line.data, line.len) < 0) {
        /* nowhere left to say it */
    }
    orl_buf_fini(&line);
}

struct orl_log_num orl_log_num(int64_t v)
{
    struct orl_log_num num;
    (void)snprintf(num.text, sizeof(num.text), "%lld", (long long)v);
    return num;
}

bool orl_log_limit_pass(struct orl_log_limit *limit, uint64_t now_us, unsigned *ret_dropped)
{
    *ret_dropped = 0;
    if (now_us - limit->window_start_us >= limit->period_us) {
        *ret_dropped = limit->dropped;
        limit->window_start_us = now_us;
        limit->used = 0;
        limit->dropped = 0;
    }
    if (limit->used >= limit->burst) {
        limit->dropped++;
        return false;
    }
    limit->used++;
    return true;
}
