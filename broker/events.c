#include "broker/events.h"

#include "base/clock.h"
#include "broker/api_me.h"
#include "broker/open_page.h"
#include "broker/thumbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_US ORL_US_PER_S
#define POKED_US (ORL_US_PER_S / 20)
#define PING_US (UINT64_C(15) * ORL_US_PER_S)

struct page {
    struct orl_open_page open;
    struct orl_events *events;
    char *told; /* what the page was told last */
    char *due;  /* what it is to be told; NULL: nothing */
    bool needs_ping;
    bool is_poked; /* its person's next look comes first */
};
struct orl_events {
    struct orl_broker *broker;
    struct orl_timer *tick;
    struct orl_open_pages pages;
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
    return events != NULL ? events->pages.count : 0;
}

static struct page *page_of(struct orl_open_page *open)
{
    return (struct page *)(void *)open;
}

static char *text_of_desktops(struct page *page)
{
    struct orl_err err = {0};
    json_t *body = orl_api_me_desktops(page->events->broker, page->open.user, &err);
    char *text = body != NULL ? json_dumps(body, JSON_COMPACT) : NULL;
    if (body == NULL) {
        orl_broker_log_store(page->events->broker, "a page's desktops", &err);
    }
    json_decref(body);
    return text;
}

static void look(struct page *page, uint64_t now_us)
{
    struct orl_weblogin_row login;
    struct orl_broker *broker = page->events->broker;
    if (page->open.stream == NULL || page->open.is_over) {
        return;
    }
    if (orl_open_page_login(&page->open, broker->store, &login) == ORL_E_NOTFOUND) {
        page->open.is_over = true;
        orl_http_stream_wake(page->open.stream);
        return;
    }
    orl_thumbs_ask_first(broker->thumbs, page->open.user);
    char *now = text_of_desktops(page);
    bool is_news = now != NULL && (page->told == NULL || strcmp(now, page->told) != 0);
    if (is_news) {
        free(page->due);
        page->due = now;
    } else {
        free(now);
    }
    page->needs_ping = now_us - page->open.heard_us >= PING_US;
    if (is_news || page->needs_ping) {
        orl_http_stream_wake(page->open.stream);
    }
}

static void look_at_poked(struct orl_events *events, uint64_t now_us)
{
    struct orl_open_page *open = events->pages.first;
    for (unsigned i = 0; i < events->pages.count; i++, open = open->next) {
        struct page *page = page_of(open);
        if (page->is_poked) {
            page->is_poked = false;
            look(page, now_us);
        }
    }
}

static void look_at_some(struct orl_events *events, uint64_t now_us)
{
    for (unsigned i = 0; i < events->pages.count && i < ORL_OPEN_PAGES_PER_TICK; i++) {
        look(page_of(orl_open_pages_turn(&events->pages)), now_us);
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
    if (events == NULL || events->pages.count == 0) {
        return;
    }
    struct orl_open_page *open = events->pages.first;
    for (unsigned i = 0; user != NULL && i < events->pages.count; i++, open = open->next) {
        struct page *page = page_of(open);
        page->is_poked = page->is_poked || strcmp(open->user, user) == 0;
    }
    if (!events->is_poked) {
        events->is_poked = true;
        orl_timer_start(events->tick, POKED_US, 0);
    }
}

static char *next(void *ctx, bool *ret_is_last)
{
    struct page *page = ctx;
    char *text = NULL;
    if (page->open.is_over) {
        *ret_is_last = true;
        text = orl_open_page_end(&page->open);
    } else if (page->due != NULL) {
        text = orl_open_page_event("desktops", page->due);
        free(page->told);
        page->told = page->due;
        page->due = NULL;
    } else if (page->needs_ping) {
        text = strdup(":\n\n");
    }
    if (text != NULL) {
        page->needs_ping = false;
        page->open.heard_us = orl_loop_now_us(page->events->broker->loop);
    }
    return text;
}

static void closed(void *ctx)
{
    struct page *page = ctx;
    orl_open_pages_drop(&page->events->pages, &page->open);
    free(page->told);
    free(page->due);
    free(page);
}

void orl_events_open(struct orl_events *events, struct orl_http_req *req)
{
    static const struct orl_http_stream_ops ops = {.next = next, .closed = closed};
    unsigned max = (unsigned)events->broker->cfg->max_web_connections / 2;
    if (events->pages.count >= max || orl_open_pages_has_enough(&events->pages, &req->login)) {
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
    orl_open_pages_add(&events->pages, &page->open, req);
    struct orl_http_stream *stream = orl_http_reply_stream(req, &ops, page);
    if (stream != NULL) {
        page->open.stream = stream;
        look(page, page->open.heard_us);
    }
}
