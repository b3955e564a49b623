/* A browser's request to the broker over broker.sock, by libcurl on our loop. An answer is read no faster than
 * it is taken. Not here: which requests may pass, and HTTP towards the browser (http.c). */
#ifndef ORL_WEB_RELAY_H
#define ORL_WEB_RELAY_H
#include "base/err.h"
#include "base/loop.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define ORL_RELAY_HEADER_MAX 4096

struct orl_relays; /* all of them; one owner */
struct orl_relays_opts {
    const char *socket_path; /* borrowed for life */
    uid_t broker_uid;        /* whose broker is believed, besides root's and our own */
    unsigned max_open;
};
ORL_NODISCARD int orl_relays_new(struct orl_loop *loop, const struct orl_relays_opts *opts,
        struct orl_relays **ret_relays, struct orl_err *err);
void orl_relays_free(struct orl_relays *relays); /* after its relays */

unsigned orl_relays_room(const struct orl_relays *relays); /* how many more may be open */

enum orl_relay_state {
    ORL_RELAY_WAITING = 0, /* no answer yet */
    ORL_RELAY_BODY,        /* status and headers are there */
    ORL_RELAY_DONE,        /* the broker has said all; bytes may be left to take */
    ORL_RELAY_FAILED,      /* it does not answer, or broke off */
};
struct orl_relay_req {
    const char *method;
    const char *path;           /* of the broker, with the query */
    const char *const *headers; /* "Cookie: ...", ended by NULL */
    const void *body;           /* NULL: none */
    size_t body_len;
};
struct orl_relay; /* one owner */
/* on_news: look at it again, when no callback is on the stack above you; called from the loop only. Everything
 * in req is copied. ORL_E_LIMIT: too many are open. */
ORL_NODISCARD int orl_relay_new(struct orl_relays *relays, const struct orl_relay_req *req,
        orl_loop_fn on_news, void *ctx, struct orl_relay **ret_relay);
enum orl_relay_state orl_relay_state(const struct orl_relay *relay);
unsigned orl_relay_status(const struct orl_relay *relay);
/* Those that may pass, each with its CR LF. */
const char *orl_relay_headers(const struct orl_relay *relay);
int64_t orl_relay_length(const struct orl_relay *relay); /* of the body; -1: not said */
bool orl_relay_is_events(const struct orl_relay *relay); /* a stream that does not end by itself */
/* Up to size bytes; 0: none now. */
size_t orl_relay_take(struct orl_relay *relay, void *ret_data, size_t size);
bool orl_relay_has_bytes(const struct orl_relay *relay);
uint64_t orl_relay_heard_us(
        const struct orl_relay *relay);       /* when the broker last said something */
void orl_relay_free(struct orl_relay *relay); /* NULL is fine; ends the request */

#endif
