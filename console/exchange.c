#include "console/exchange.h"
#include "base/clock.h"

#define ASK_AGAIN_US (2 * ORL_US_PER_S) /* a guest that did not answer is asked once more */

void orl_exchange_init(
        struct orl_exchange *exchange, const struct orl_exchange_events *events, void *ctx)
{
    *exchange = (struct orl_exchange){.events = events, .ctx = ctx};
}

static void offer_guest_text(struct orl_exchange *e, unsigned link)
{
    const struct orl_clipboard offer = {
            .step = ORL_CLIPBOARD_OFFER, .serial = e->guest_serial, .has_text = e->has_guest_text};
    if (e->links[link].is_in && e->links[link].may_take) {
        e->events->to_link(e->ctx, link, &offer);
    }
}

static void refuse_link(struct orl_exchange *e, unsigned link, uint32_t serial)
{
    const struct orl_clipboard none = {.step = ORL_CLIPBOARD_DATA, .serial = serial};
    e->events->to_link(e->ctx, link, &none);
}

static void refuse_guest(struct orl_exchange *e, uint32_t serial)
{
    const struct orl_clipboard none = {.step = ORL_CLIPBOARD_DATA, .serial = serial};
    e->is_guest_waiting = false;
    e->events->to_source(e->ctx, &none);
}

/* To all who asked; an answer that cannot be had too. */
static void answer_links(struct orl_exchange *e, const struct orl_clipboard *data)
{
    e->asked_us = 0;
    for (unsigned i = 0; i <= ORL_EXCHANGE_TYPING; i++) {
        if (e->links[i].is_waiting) {
            e->links[i].is_waiting = false;
            e->events->to_link(e->ctx, i, data);
        }
    }
}

static void drop_guest_text(struct orl_exchange *e)
{
    const struct orl_clipboard none = {.step = ORL_CLIPBOARD_DATA, .serial = e->guest_serial};
    e->has_guest_text = false;
    answer_links(e, &none);
}

static void offer_to_guest(struct orl_exchange *e, bool has_text)
{
    if (e->is_guest_waiting) {
        refuse_guest(e, e->serial);
    }
    const struct orl_clipboard offer = {
            .step = ORL_CLIPBOARD_OFFER, .serial = ++e->serial, .has_text = has_text};
    e->events->to_source(e->ctx, &offer);
}

static void drop_owner(struct orl_exchange *e)
{
    e->has_owner = false;
    offer_to_guest(e, false);
}

void orl_exchange_join(struct orl_exchange *exchange, unsigned link, bool may_give, bool may_take)
{
    struct orl_exchange_link *l = &exchange->links[link];
    bool is_new = !l->is_in;
    l->is_in = true;
    l->may_give = may_give;
    l->may_take = may_take;
    if (is_new && exchange->has_guest_text) {
        offer_guest_text(exchange, link);
    }
}

void orl_exchange_leave(struct orl_exchange *exchange, unsigned link)
{
    exchange->links[link] = (struct orl_exchange_link){.is_in = false};
    exchange->has_former = exchange->has_former && exchange->former != link;
    if (orl_exchange_owns(exchange, link)) {
        drop_owner(exchange);
    }
}

static void link_offers(struct orl_exchange *e, unsigned link, const struct orl_clipboard *offer)
{
    if (!e->links[link].may_give) {
        return;
    }
    if (!offer->has_text) {
        if (orl_exchange_owns(e, link)) {
            drop_owner(e);
        }
        return;
    }
    drop_guest_text(e); /* the guest's own clipboard now holds this one */
    if (link != ORL_EXCHANGE_TYPING) {
        e->has_former = false;
    } else if (!orl_exchange_owns(e, ORL_EXCHANGE_TYPING)) {
        e->has_former = e->has_owner;
        e->former = e->owner;
        e->former_serial = e->owner_serial;
    }
    e->has_owner = true;
    e->owner = link;
    e->owner_serial = offer->serial;
    offer_to_guest(e, true);
}

static void link_asks(struct orl_exchange *e, unsigned link, uint32_t serial)
{
    if (!e->links[link].may_take || !e->has_guest_text || serial != e->guest_serial) {
        refuse_link(e, link, serial);
        return;
    }
    e->links[link].is_waiting = true;
    uint64_t now_us = orl_clock_now_us();
    if (e->asked_us == 0 || now_us - e->asked_us >= ASK_AGAIN_US) {
        const struct orl_clipboard ask = {.step = ORL_CLIPBOARD_REQUEST, .serial = serial};
        e->asked_us = now_us;
        e->events->to_source(e->ctx, &ask);
    }
}

static void link_answers(struct orl_exchange *e, unsigned link, const struct orl_clipboard *data)
{
    if (e->is_guest_waiting && orl_exchange_owns(e, link) && data->serial == e->owner_serial) {
        struct orl_clipboard renumbered = *data;
        renumbered.serial = e->serial;
        e->is_guest_waiting = false;
        e->events->to_source(e->ctx, &renumbered);
    }
}

void orl_exchange_from_link(
        struct orl_exchange *exchange, unsigned link, const struct orl_clipboard *step)
{
    if (!exchange->links[link].is_in) {
        return;
    }
    if (step->step == ORL_CLIPBOARD_OFFER) {
        link_offers(exchange, link, step);
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        link_asks(exchange, link, step->serial);
    } else {
        link_answers(exchange, link, step);
    }
}

static void guest_offers(struct orl_exchange *e, const struct orl_clipboard *offer)
{
    drop_guest_text(e);
    if (e->is_guest_waiting) {
        refuse_guest(e, e->serial);
    }
    e->has_owner = false;
    e->has_guest_text = offer->has_text;
    e->guest_serial = offer->serial;
    for (unsigned i = 0; i <= ORL_EXCHANGE_TYPING; i++) {
        offer_guest_text(e, i);
    }
}

static void guest_asks(struct orl_exchange *e, uint32_t serial)
{
    if (!e->has_owner || serial != e->serial) {
        refuse_guest(e, serial);
        return;
    }
    const struct orl_clipboard ask = {.step = ORL_CLIPBOARD_REQUEST, .serial = e->owner_serial};
    e->is_guest_waiting = true;
    e->events->to_link(e->ctx, e->owner, &ask);
}

bool orl_exchange_owns(const struct orl_exchange *exchange, unsigned link)
{
    return exchange->has_owner && exchange->owner == link;
}

void orl_exchange_give_back(struct orl_exchange *exchange)
{
    if (!orl_exchange_owns(exchange, ORL_EXCHANGE_TYPING)) {
        return; /* somebody copied meanwhile */
    }
    if (!exchange->has_former) {
        drop_owner(exchange);
        return;
    }
    exchange->has_former = false;
    exchange->owner = exchange->former;
    exchange->owner_serial = exchange->former_serial;
    offer_to_guest(exchange, true);
}

void orl_exchange_from_source(struct orl_exchange *exchange, const struct orl_clipboard *step)
{
    if (step->step == ORL_CLIPBOARD_OFFER) {
        guest_offers(exchange, step);
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        guest_asks(exchange, step->serial);
    } else if (step->serial == exchange->guest_serial) {
        answer_links(exchange, step);
    }
}
