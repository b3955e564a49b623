/* The clipboard between one desktop and the sessions that look at it: who offered last, who asked for it. An offer
 * of the guest goes to everybody who may take it, the newest offer of a session to the guest; an answer goes to who
 * asked. Each side counts its own offers; the numbers are exchanged here. No I/O, no text is kept. */
#ifndef ORL_CONSOLE_EXCHANGE_H
#define ORL_CONSOLE_EXCHANGE_H
#include "console/links.h"
#include "display/clipboard.h"

/* What console/typing.h pastes is offered like a session's. */
#define ORL_EXCHANGE_TYPING ORL_LINKS_MAX

struct orl_exchange_events {
    void (*to_source)(void *ctx, const struct orl_clipboard *step);
    void (*to_link)(void *ctx, unsigned link, const struct orl_clipboard *step);
};
struct orl_exchange_link {
    bool is_in;
    bool may_give, may_take; /* text to the guest; text of the guest */
    bool is_waiting;         /* it asked for the guest's text */
};
struct orl_exchange {
    const struct orl_exchange_events *events;
    void *ctx;
    struct orl_exchange_link links[ORL_LINKS_MAX + 1];
    bool has_guest_text;
    uint32_t guest_serial;
    uint64_t asked_us; /* when the guest was asked; 0: it is not being asked */
    bool has_owner;    /* a session's offer is the newest */
    unsigned owner;
    uint32_t owner_serial; /* its number of it */
    uint32_t serial;       /* ours of it */
    bool is_guest_waiting;
    bool has_former; /* whose offer was the newest when typing took the clipboard */
    unsigned former;
    uint32_t former_serial;
};
void orl_exchange_init(
        struct orl_exchange *exchange, const struct orl_exchange_events *events, void *ctx);
/* It hears of what the guest offers already. Again: other rights. */
void orl_exchange_join(struct orl_exchange *exchange, unsigned link, bool may_give, bool may_take);
void orl_exchange_leave(struct orl_exchange *exchange, unsigned link);
void orl_exchange_from_link(
        struct orl_exchange *exchange, unsigned link, const struct orl_clipboard *step);
/* True: what this one offered is the newest. */
bool orl_exchange_owns(const struct orl_exchange *exchange, unsigned link);
/* Typing is done: the clipboard is whose it was before. */
void orl_exchange_give_back(struct orl_exchange *exchange);
void orl_exchange_from_source(struct orl_exchange *exchange, const struct orl_clipboard *step);

#endif
