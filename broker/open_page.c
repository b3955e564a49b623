#include "broker/open_page.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_PER_LOGIN = 4, MAX_PER_PERSON = 16 };

bool orl_open_pages_has_enough(
        const struct orl_open_pages *pages, const struct orl_weblogin_row *login)
{
    unsigned of_login = 0;
    unsigned of_person = 0;
    const struct orl_open_page *page = pages->first;
    for (unsigned i = 0; i < pages->count; i++, page = page->next) {
        of_login += page->binding[0] != '\0' && strcmp(page->binding, login->token_hash) == 0;
        of_person += strcmp(page->user, login->user) == 0;
    }
    return of_login >= MAX_PER_LOGIN || of_person >= MAX_PER_PERSON;
}

void orl_open_pages_add(
        struct orl_open_pages *pages, struct orl_open_page *page, const struct orl_http_req *req)
{
    struct orl_open_page *first = pages->first;
    page->heard_us = orl_loop_now_us(req->broker->loop);
    orl_msg_text(page->binding, sizeof(page->binding), req->login.token_hash);
    orl_msg_text(page->user, sizeof(page->user), req->login.user);
    page->until_ms = req->login.idle_until_ms;
    page->next = first != NULL ? first : page;
    page->previous = first != NULL ? first->previous : page;
    page->previous->next = page;
    page->next->previous = page;
    pages->first = page->next;
    pages->count++;
}

void orl_open_pages_drop(struct orl_open_pages *pages, struct orl_open_page *page)
{
    page->previous->next = page->next;
    page->next->previous = page->previous;
    if (pages->first == page) {
        pages->first = page->next != page ? page->next : NULL;
    }
    pages->count--;
}

struct orl_open_page *orl_open_pages_turn(struct orl_open_pages *pages)
{
    struct orl_open_page *page = pages->first;
    pages->first = page->next;
    return page;
}

int orl_open_page_login(
        struct orl_open_page *page, struct orl_store *store, struct orl_weblogin_row *ret_login)
{
    uint64_t now_ms = orl_clock_wall_ms();
    page->is_revoked = now_ms < page->until_ms;
    int rc = orl_weblogin_find(store, page->binding, now_ms, ret_login, NULL);
    if (rc == 0) {
        uint64_t idle_ms = ret_login->idle_until_ms;
        page->until_ms = idle_ms < ret_login->expires_ms ? idle_ms : ret_login->expires_ms;
        page->is_revoked = true;
    }
    return rc;
}

char *orl_open_page_event(const char *name, const char *data)
{
    size_t size = strlen(name) + strlen(data) + 20;
    char *text = malloc(size);
    if (text != NULL) {
        (void)snprintf(text, size, "event: %s\ndata: %s\n\n", name, data);
    }
    return text;
}

char *orl_open_page_end(const struct orl_open_page *page)
{
    return orl_open_page_event("ended",
            page->is_revoked ? "{\"code\":\"access.revoked\"}" : "{\"code\":\"not_logged_in\"}");
}
