#include "broker/api_page.h"

#include "broker/api.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIMIT_DEFAULT = 200, LIMIT_MAX = 1000 };

static bool read_limit(const struct orl_http_req *req, unsigned *ret_limit)
{
    char text[8];
    *ret_limit = LIMIT_DEFAULT;
    if (!orl_http_query_get(req, "limit", text, sizeof(text))) {
        return true;
    }
    unsigned long limit = strtoul(text, NULL, 10);
    *ret_limit = (unsigned)limit;
    return strspn(text, "0123456789") == strlen(text) && limit >= 1 && limit <= LIMIT_MAX;
}

bool orl_api_page_begin(struct orl_http_req *req, struct orl_api_page *ret_page)
{
    struct orl_api_page *p = ret_page;
    memset(p, 0, sizeof(*p));
    if (!read_limit(req, &p->limit)) {
        orl_api_refuse(req, 400, "bad_request", "limit: 1 to 1000");
        return false;
    }
    p->page.max_count = p->limit + 1;
    const char *after = p->after;
    p->page.after = orl_http_query_get(req, "after", p->after, sizeof(p->after)) ? after : NULL;
    p->page.text = orl_http_query_get(req, "q", p->text, sizeof(p->text)) ? p->text : NULL;
    p->page.user = orl_http_query_get(req, "user", p->user, sizeof(p->user)) ? p->user : NULL;
    p->page.group = orl_http_query_get(req, "group", p->group, sizeof(p->group)) ? p->group : NULL;
    p->page.pool = orl_http_query_get(req, "pool", p->pool, sizeof(p->pool)) ? p->pool : NULL;
    p->rows = json_array();
    return true;
}

int orl_api_page_add(struct orl_api_page *page, json_t *item, const char *key, ...)
{
    if (json_array_size(page->rows) >= page->limit) {
        json_decref(item);
        page->has_more = true;
        return 1;
    }
    va_list args;
    va_start(args, key);
    (void)vsnprintf(page->next, sizeof(page->next), key, args);
    va_end(args);
    return json_array_append_new(page->rows, item) < 0 ? ORL_E_NOMEM : 0;
}

void orl_api_page_reply(struct orl_http_req *req, struct orl_api_page *page, const char *name,
        int rc, const struct orl_err *err)
{
    if (rc < 0) {
        const struct orl_err no_memory = {.code = ORL_E_NOMEM};
        json_decref(page->rows);
        orl_api_fail(req, err->code < 0 ? err : &no_memory);
        return;
    }
    json_t *body = json_pack("{s:o}", name, page->rows);
    if (page->has_more) {
        (void)json_object_set_new(body, "next", json_string(page->next));
    }
    orl_http_reply(req, 200, body);
}
