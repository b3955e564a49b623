/* Lists of the API, a page at a time: ?limit= ?after= ?q= (and ?user= ?group= ?pool= where the route has
 * them), answered as
 * {"NAME": [...], "next"?}. No more rows than one page are built. */
#ifndef ORL_BROKER_API_PAGE_H
#define ORL_BROKER_API_PAGE_H
#include "broker/http.h"
#include "store/page.h"

/* What a list's route has in its query, beside its filters. */
#define ORL_API_PAGE_QUERY "limit after q"

struct orl_api_page {
    struct orl_page page; /* for the store; asks for one row more than is shown */
    unsigned limit;
    json_t *rows;
    bool has_more;
    char next[ORL_PAGE_KEY_MAX + 1];
    char after[ORL_PAGE_KEY_MAX + 1];
    char text[ORL_NAME_MAX + 1];
    char user[ORL_USER_MAX + 1];
    char group[ORL_NAME_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
};
/* false: it has answered 400. Then nothing is to be freed; else orl_api_page_reply() comes. */
bool orl_api_page_begin(struct orl_http_req *req, struct orl_api_page *ret_page);
/* What a list's callback returns. Takes item. The key (printf) is what orl_page_key_*() of this list reads. */
ORL_NODISCARD int orl_api_page_add(struct orl_api_page *page, json_t *item, const char *key, ...)
        ORL_PRINTF(3, 4);
/* rc: of the store's list; err: why, when it is negative. */
void orl_api_page_reply(struct orl_http_req *req, struct orl_api_page *page, const char *name,
        int rc, const struct orl_err *err);

#endif
