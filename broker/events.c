#include "broker/events.h"

#include "base/clock.h"
#include "broker/api_me.h"
#include "broker/thumbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOKS_PER_TICK = 128, MAX_PER_LOGIN = 4, MAX_PER_PERSON = 16 };
#define TICK_US ORL_US_PER_S
#define POKED_US (ORL_US_PER_S / 20)
#define PING_US (UINT64_C(15) * ORL_US_PER_S)

struct page {
    struct orl_events *events;
    struct orl_http_stream *stream;
    char binding[ORL_COOKIE_BINDING_LEN + 1];
    char user[ORL_USER_MAX + 1];
    char *told;        /* what the page was told last */
    char *due;         /* what it is to be told; NULL: nothing */
    bool is_over;      /* the login: that is told, then the stream ends */
    bool is_revoked;   /* it did not end by itself */
    uint64_t until_ms; /* when it ends by itself, wall clock */
    bool needs_ping;
    bool is_poked;                /* its person's next look comes first */
    uint64_t heard_us;            /* when it was sent something */
    struct page *next, *previous; /* a ring: the first has waited longest for a look */
};
struct orl_events {
    struct orl_broker *broker;
    struct orl_timer *tick;
    struct page *first;
    unsigned count;
    bool is_poked;
};

static void on_tick(void *ctx);

int orl_events_new(struct orl_broker *broker, struct orl_events **ret_events, struct orl_err *err)
{
    struct orl_events *events = calloc(1, sizeof(*events));
    if (events == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "events: out of memory");
    }
    events->broker = broker;
    int rc = orl_timer_new(broker->loop, on_tick, events, &events->tick, err);
    if (rc < 0) {
        free(events);
        return rc;
    }
    orl_timer_start(events->tick, TICK_US, TICK_US);
    *ret_events = events;
    return 0;
}

void orl_events_free(struct orl_events *events)
{
    if (events != NULL) {
        orl_timer_free(events->tick);
        free(events);
    }
}

unsigned orl_events_count(const struct orl_events *events)
{
    return events != NULL ? events->count : 0;
}

static void link_last(struct page *page)
{
    struct page *first = page->events->first;
    page->next = first != NULL ? first : page;
    page->previous = first != NULL ? first->previous : page;
    page->previous->next = page;
    page->next->previous = page;
    if (first == NULL) {
        page->events->first = page;
    }
}

static void unlink_page(struct page *page)
{
    struct orl_events *events = page->events;
    page->previous->next = page->next;
    page->next->previous = page->previous;
    if (events->first == page) {
        events->first = page->next != page ? page->next : NULL;
    }
}

static char *text_of_desktops(struct page *page)
{
    struct orl_err err = {0};
    json_t *body = orl_api_me_desktops(page->events->broker, page->user, &err);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    if (body == NULL) {
        orl_broker_log_store(page->events->broker, "a page's desktops", &err);
    }
    json_decref(body);
    return text;
}

static bool is_alive(struct page *page)
{
    struct orl_weblogin_row login;
    uint64_t now_ms = orl_clock_wall_ms();
    int rc = orl_weblogin_find(page->events->broker->store, page->binding, now_ms, &login, NULL);
    if (rc == 0) {
        page->until_ms =
                login.idle_until_ms < login.expires_ms ? login.idle_until_ms : login.expires_ms;
    }
    page->is_revoked = now_ms < page->until_ms;
    return rc != ORL_E_NOTFOUND;
}

static void look(struct page *page, uint64_t now_us)
{
    if (page->stream == NULL || page->is_over) {
        return;
    }
    if (!is_alive(page)) {
        page->is_over = true;
        orl_http_stream_wake(page->stream);
        return;
    }
    orl_thumbs_ask_first(page->events->broker->thumbs, page->user);
    char *now = text_of_desktops(page);
    bool is_news = now != NULL && (page->told == NULL || strcmp(now, page->told) != 0);
    if (is_news) {
        free(page->due);
        page->due = now;
    } else {
        free(now);
    }
    page->needs_ping = now_us - page->heard_us >= PING_US;
    if (is_news || page->needs_ping) {
        orl_http_stream_wake(page->stream);
    }
}

static void look_at_poked(struct orl_events *events, uint64_t now_us)
{
    struct page *page = events->first;
    for (unsigned i = 0; i < events->count; i++, page = page->next) {
        if (page->is_poked) {
            page->is_poked = false;
            look(page, now_us);
        }
    }
}

static void look_at_some(struct orl_events *events, uint64_t now_us)
{
    unsigned count = events->count < LOOKS_PER_TICK ? events->count : LOOKS_PER_TICK;
    for (unsigned i = 0; i < count; i++) {
        struct page *page = events->first;
        events->first = page->next;
        look(page, now_us);
    }
}

static void on_tick(void *ctx)
{
    struct orl_events *events = ctx;
    if (events->is_poked) {
        events->is_poked = false;
        orl_timer_start(events->tick, TICK_US, TICK_US);
    }
    uint64_t now_us = orl_loop_now_us(events->broker->loop);
    look_at_poked(events, now_us);
    look_at_some(events, now_us);
    orl_thumbs_sweep(events->broker->thumbs);
}

void orl_events_poke(struct orl_events *events, const char *user)
{
    if (events == NULL || events->count == 0) {
        return;
    }
    struct page *page = events->first;
    for (unsigned i = 0; user != NULL && i < events->count; i++, page = page->next) {
        page->is_poked = page->is_poked || strcmp(page->user, user) == 0;
    }
    if (!events->is_poked) {
        events->is_poked = true;
        orl_timer_start(events->tick, POKED_US, 0);
    }
}

static char *event_of(const char *name, const char *data)
{
    size_t size = strlen(name) + strlen(data) + 20;
    char *text = malloc(size);
    if (text != NULL) {
        (void)snprintf(text, size, "event: %s\ndata: %s\n\n", name, data);
    }
    return text;
}

static char *next(void *ctx, bool *ret_is_last)
{
    struct page *page = ctx;
    char *text = NULL;
    if (page->is_over) {
        *ret_is_last = true;
        text = event_of("ended", page->is_revoked ? "{\"code\":\"access.revoked\"}"
                                                  : "{\"code\":\"not_logged_in\"}");
    } else if (page->due != NULL) {
        text = event_of("desktops", page->due);
        free(page->told);
        page->told = page->due;
        page->due = NULL;
    } else if (page->needs_ping) {
        text = strdup(":\n\n");
    }
    if (text != NULL) {
        page->needs_ping = false;
        page->heard_us = orl_loop_now_us(page->events->broker->loop);
    }
    return text;
}

static void closed(void *ctx)
{
    struct page *page = ctx;
    unlink_page(page);
    page->events->count--;
    free(page->told);
    free(page->due);
    free(page);
}

static bool has_enough(const struct orl_events *events, const struct orl_weblogin_row *login)
{
    unsigned of_login = 0;
    unsigned of_person = 0;
    const struct page *page = events->first;
    for (unsigned i = 0; i < events->count; i++, page = page->next) {
        of_login += strcmp(page->binding, login->token_hash) == 0;
        of_person += strcmp(page->user, login->user) == 0;
    }
    return of_login >= MAX_PER_LOGIN || of_person >= MAX_PER_PERSON;
}

void orl_events_open(struct orl_events *events, struct orl_http_req *req)
{
    static const struct orl_http_stream_ops ops = {.next = next, .closed = closed};
    unsigned max = (unsigned)events->broker->cfg->max_web_connections / 2;
    if (events->count >= max || has_enough(events, &req->login)) {
        req->retry_s = 10;
        orl_api_refuse(req, 429, "busy", "too many open pages");
        return;
    }
    struct page *page = calloc(1, sizeof(*page));
    if (page == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    page->events = events;
    page->heard_us = orl_loop_now_us(events->broker->loop);
    orl_msg_text(page->binding, sizeof(page->binding), req->login.token_hash);
    orl_msg_text(page->user, sizeof(page->user), req->login.user);
    page->until_ms = req->login.idle_until_ms;
    link_last(page);
    events->count++;
    struct orl_http_stream *stream = orl_http_reply_stream(req, &ops, page);
    if (stream != NULL) {
        page->stream = stream;
        look(page, page->heard_us);
    }
}
