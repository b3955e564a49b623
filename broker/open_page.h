/* What the portal's pages and the consoles have in common: each is open in a browser on a stream of server-sent events, as
 * long as its login lives; those of a kind are looked at in turn. Not here: what they are told (broker/events.h,
 * broker/console.h). */
#ifndef ORL_BROKER_OPEN_PAGE_H
#define ORL_BROKER_OPEN_PAGE_H
#include "broker/http.h"

enum { ORL_OPEN_PAGES_PER_TICK = 128 };

/* The first member of what a page is to its kind. */
struct orl_open_page {
    struct orl_http_stream *stream;           /* NULL: not yet */
    char binding[ORL_COOKIE_BINDING_LEN + 1]; /* of its login; empty: not of a browser */
    char user[ORL_USER_MAX + 1];
    uint64_t until_ms;                     /* when the login ends by itself, wall clock */
    uint64_t heard_us;                     /* when it was sent something */
    bool is_over;                          /* the login: that is told, then the stream ends */
    bool is_revoked;                       /* it did not end by itself */
    struct orl_open_page *next, *previous; /* a ring */
};
struct orl_open_pages {
    struct orl_open_page *first; /* has waited longest for a look; NULL: none */
    unsigned count;
};

/* One login, or one person, has as many open as may be. */
bool orl_open_pages_has_enough(
        const struct orl_open_pages *pages, const struct orl_weblogin_row *login);
/* page is zeroed, and becomes that of req's login. */
void orl_open_pages_add(
        struct orl_open_pages *pages, struct orl_open_page *page, const struct orl_http_req *req);
void orl_open_pages_drop(struct orl_open_pages *pages, struct orl_open_page *page);
/* The one whose turn it is; pages has one. */
struct orl_open_page *orl_open_pages_turn(struct orl_open_pages *pages);

/* Its login, or ORL_E_NOTFOUND: that is over. Any other failure says nothing of it. */
ORL_NODISCARD int orl_open_page_login(
        struct orl_open_page *page, struct orl_store *store, struct orl_weblogin_row *ret_login);
/* For the caller to free; NULL: out of memory. */
char *orl_open_page_event(const char *name, const char *data);
char *orl_open_page_end(const struct orl_open_page *page);

#endif
