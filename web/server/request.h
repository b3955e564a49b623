/* What a request asks for and whether it may: paths, origins, tickets in subprotocols. Pure text, no I/O.
 * Cookies: base/cookie.h. */
#ifndef ORL_WEB_REQUEST_H
#define ORL_WEB_REQUEST_H
#include <stdbool.h>
#include <stddef.h>

#define ORL_REQUEST_PATH_MAX 1023

enum orl_route {
    ORL_ROUTE_NONE = 0, /* not a path that we take */
    ORL_ROUTE_PAGE,     /* an asset, or nothing */
    ORL_ROUTE_API,      /* the broker's */
    ORL_ROUTE_DESKTOP,  /* WebSocket only */
    ORL_ROUTE_AUX,      /* the same */
    ORL_ROUTE_UPLOAD,   /* a piece of a file, for vmpool */
};
/* Of a path whose percent-encoding was taken away once. What could be read in two ways (dot segments, empty
 * ones, backslashes, another percent sign, control characters) is ORL_ROUTE_NONE. */
enum orl_route orl_request_route(const char *path);
/* "/api/v1/x y" as the broker's "/v1/x%20y". false: too long, or not ours. */
bool orl_request_broker_path(const char *path, char *ret, size_t size);
/* Appends a piece of the query, such as "a=b c", whose percent-encoding was taken away once. false: too long. */
bool orl_request_add_query(char *path, size_t size, const char *piece, bool is_first);
/* A path in its percent-encoding. false: too long. */
bool orl_request_escape(const char *path, char *ret, size_t size);

/* "https://name", with a port that is not 443, as browsers write it; no path. */
bool orl_request_origin_is_valid(const char *text);
/* origin: the header's value; host: that of Host. True: it is one of list, and host is its own. */
bool orl_request_origin_may(const char *const *list, const char *origin, const char *host);

#define ORL_OFFER_TICKET_LEN 18
#define ORL_OFFER_PASSWORD_LEN 16
/* The ticket of a desktop in Sec-WebSocket-Protocol: "binary, oriel.TICKET.PASSWORD". */
struct orl_offer {
    char ticket[ORL_OFFER_TICKET_LEN + 1];
    char password[ORL_OFFER_PASSWORD_LEN + 1];
};
/* Exactly these two, in this order. */
bool orl_offer_parse(const char *header, struct orl_offer *ret_offer);

#endif
