#include "broker/console.h"

#include "base/clock.h"
#include "broker/api.h"
#include "broker/load.h"
#include "broker/open_page.h"
#include "broker/weblogin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOAD_TICKS = 5 };
#define RETRY_US (UINT64_C(5) * ORL_US_PER_S)
#define TICK_US ORL_US_PER_S
#define PING_US (UINT64_C(15) * ORL_US_PER_S)
#define KEEP_US (UINT64_C(60) * ORL_US_PER_S)

struct view {
    struct orl_open_page page;
    struct orl_console *console;
    uint32_t changed;   /* kinds that it is to be told of */
    uint64_t load_told; /* the number of the load that it knows */
};
struct orl_console {
    struct orl_broker *broker;
    struct orl_timer *tick;
    struct orl_open_pages pages;
    unsigned ticks;
    struct orl_marks marks;
    uint64_t load_number; /* of load_text; 0: there is none */
    char *load_text;
    uint64_t kept_us;  /* when the history was due last, read or not */
    uint64_t retry_us; /* the store did not answer: not before this */
    struct orl_load_history history;
};

static void on_tick(void *ctx);

int orl_console_new(
        struct orl_broker *broker, struct orl_console **ret_console, struct orl_err *err)
{
    struct orl_console *console = calloc(1, sizeof(*console));
    if (console == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "console: out of memory");
    }
    console->broker = broker;
    int rc = orl_timer_new(broker->loop, on_tick, console, &console->tick, err);
    if (rc < 0) {
        free(console);
        return rc;
    }
    orl_timer_start(console->tick, TICK_US, TICK_US);
    *ret_console = console;
    return 0;
}

void orl_console_free(struct orl_console *console)
{
    if (console != NULL) {
        orl_timer_free(console->tick);
        free(console->load_text);
        free(console);
    }
}

unsigned orl_console_count(const struct orl_console *console)
{
    return console != NULL ? console->pages.count : 0;
}

static struct view *view_of(struct orl_open_page *page)
{
    return (struct view *)(void *)page;
}

/* Its login lives, and its account may still look. A store that is away ends nothing. */
static bool is_alive(struct view *view)
{
    const struct orl_broker *broker = view->console->broker;
    struct orl_weblogin_row login;
    struct orl_user_row user;
    if (view->page.binding[0] == '\0') {
        return true;
    }
    int rc = orl_open_page_login(&view->page, broker->store, &login);
    rc = rc < 0 ? rc : orl_user_get(broker->store, login.user, &user, NULL);
    return rc != ORL_E_NOTFOUND && (rc < 0 || orl_weblogins_role(broker, &user) >= ORL_HTTP_VIEWER);
}

static void look(struct view *view)
{
    if (view->page.stream != NULL && !view->page.is_over && !is_alive(view)) {
        view->page.is_over = true;
        orl_http_stream_wake(view->page.stream);
    }
}

static void look_at_some(struct orl_console *console)
{
    for (unsigned i = 0; i < console->pages.count && i < ORL_OPEN_PAGES_PER_TICK; i++) {
        look(view_of(orl_open_pages_turn(&console->pages)));
    }
}

static bool is_minute_over(const struct orl_console *console, uint64_t now_us)
{
    return console->kept_us == 0 || now_us >= console->kept_us + KEEP_US;
}

/* A store that is away holds the loop up as long as each call waits for it: the rest of the tick is left out, and
 * the next ones. */
static void back_off(struct orl_console *console, const char *what, const struct orl_err *err)
{
    orl_broker_log_store(console->broker, what, err);
    console->retry_us = orl_loop_now_us(console->broker->loop) + RETRY_US;
}

static bool read_load(struct orl_console *console, uint64_t now_us)
{
    struct orl_err err = {0};
    struct orl_load_now now;
    bool is_kept = is_minute_over(console, now_us);
    console->kept_us = is_kept ? now_us : console->kept_us;
    if (orl_load_read(console->broker, &now, &err) < 0) {
        back_off(console, "the overview", &err);
        return false;
    }
    if (is_kept) {
        orl_load_keep(&console->history, &now);
    }
    json_t *json = orl_load_now_json(&now);
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    if (text != NULL) {
        free(console->load_text);
        console->load_text = text;
        console->load_number++;
    }
    return true;
}

static bool read_marks(struct orl_console *console, uint32_t *ret_changed)
{
    struct orl_err err = {0};
    *ret_changed = 0;
    if (orl_marks_look(console->broker->store, &console->marks, ret_changed, &err) < 0) {
        back_off(console, "what has changed", &err);
        return false;
    }
    return true;
}

static bool has_news(const struct view *view, uint64_t now_us)
{
    return view->page.is_over || view->changed != 0 ||
           view->load_told != view->console->load_number || now_us >= view->page.heard_us + PING_US;
}

static void on_tick(void *ctx)
{
    struct orl_console *console = ctx;
    uint64_t now_us = orl_loop_now_us(console->broker->loop);
    uint32_t changed = 0;
    console->ticks++;
    if (now_us < console->retry_us) {
        return;
    }
    bool is_due = is_minute_over(console, now_us) ||
                  (console->pages.count > 0 && console->ticks % LOAD_TICKS == 0);
    if (is_due && !read_load(console, now_us)) {
        return;
    }
    if (console->pages.count == 0 || !read_marks(console, &changed)) {
        return;
    }
    look_at_some(console);
    struct orl_open_page *page = console->pages.first;
    for (unsigned i = 0; i < console->pages.count; i++, page = page->next) {
        view_of(page)->changed |= changed;
        if (page->stream != NULL && has_news(view_of(page), now_us)) {
            orl_http_stream_wake(page->stream);
        }
    }
}

static char *changed_text(uint32_t changed)
{
    json_t *kinds = json_array();
    for (unsigned i = 0; i < ORL_KIND_COUNT; i++) {
        if ((changed & 1U << i) != 0) {
            (void)json_array_append_new(kinds, json_string(orl_kind_name((enum orl_kind)i)));
        }
    }
    json_t *json = json_pack("{s:o}", "kinds", kinds);
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT) : NULL;
    json_decref(json);
    return text;
}

static char *changed_event(struct view *view)
{
    char *data = changed_text(view->changed);
    char *text = data != NULL ? orl_open_page_event("changed", data) : NULL;
    free(data);
    view->changed = 0;
    return text;
}

/* One event: what is left comes when it has been taken. */
static char *next(void *ctx, bool *ret_is_last)
{
    struct view *view = ctx;
    struct orl_console *console = view->console;
    uint64_t now_us = orl_loop_now_us(console->broker->loop);
    char *text = NULL;
    if (view->page.is_over) {
        *ret_is_last = true;
        text = orl_open_page_end(&view->page);
    } else if (view->changed != 0) {
        text = changed_event(view);
    } else if (view->load_told != console->load_number) {
        view->load_told = console->load_number;
        text = orl_open_page_event("load", console->load_text);
    } else if (now_us >= view->page.heard_us + PING_US) {
        text = strdup(": keep-alive\n\n");
    }
    if (text != NULL) {
        view->page.heard_us = now_us;
    }
    return text;
}

static void closed(void *ctx)
{
    struct view *view = ctx;
    orl_open_pages_drop(&view->console->pages, &view->page);
    free(view);
}

void orl_console_open(struct orl_console *console, struct orl_http_req *req)
{
    static const struct orl_http_stream_ops ops = {.next = next, .closed = closed};
    if (req->by == ORL_HTTP_BY_TOKEN) { /* nobody would end it with its token */
        orl_api_refuse(req, 403, "not_allowed", "this is for a person at the console");
        return;
    }
    unsigned max = (unsigned)console->broker->cfg->max_web_connections / 4;
    if (console->pages.count >= max || orl_open_pages_has_enough(&console->pages, &req->login)) {
        req->retry_s = 10;
        orl_api_refuse(req, 429, "busy", "too many open consoles");
        return;
    }
    struct view *view = calloc(1, sizeof(*view));
    if (view == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    view->console = console;
    if (console->pages.count == 0) {
        uint32_t missed = 0; /* what changed while nobody looked is no news */
        (void)(read_marks(console, &missed) &&
                read_load(console, orl_loop_now_us(console->broker->loop)));
    }
    orl_open_pages_add(&console->pages, &view->page, req);
    struct orl_http_stream *stream = orl_http_reply_stream(req, &ops, view);
    if (stream != NULL) {
        view->page.stream = stream;
        orl_http_stream_wake(stream);
    }
}

void orl_console_history(struct orl_console *console, struct orl_http_req *req, unsigned minutes)
{
    json_t *json = orl_load_history_json(&console->history, minutes);
    if (json == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    orl_http_reply(req, 200, json);
}
