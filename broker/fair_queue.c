#include "broker/fair_queue.h"

#include <stdlib.h>

/* A place, whose turns go to its accounts; or an account, which has items. */
struct flow {
    uint64_t key;
    unsigned count; /* items below */
    struct flow *next, *previous;
    struct flow *turn; /* of a place: the account that is next */
    struct orl_fair_item *first, **last;
};
struct orl_fair_queue {
    struct flow *turn; /* the place that is next */
    unsigned count;
    unsigned max_items;
};

int orl_fair_queue_new(unsigned max_items, struct orl_fair_queue **ret_queue, struct orl_err *err)
{
    struct orl_fair_queue *queue = calloc(1, sizeof(*queue));
    if (queue == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "fair queue: out of memory");
    }
    queue->max_items = max_items;
    *ret_queue = queue;
    return 0;
}

static struct flow *find(struct flow *turn, uint64_t key)
{
    struct flow *flow = turn;
    if (flow != NULL) {
        do {
            if (flow->key == key) {
                return flow;
            }
            flow = flow->next;
        } while (flow != turn);
    }
    return NULL;
}

/* The last in the ring of *turn; NULL: out of memory. */
static struct flow *find_or_add(struct flow **turn, uint64_t key)
{
    struct flow *flow = find(*turn, key);
    if (flow != NULL || (flow = calloc(1, sizeof(*flow))) == NULL) {
        return flow;
    }
    flow->key = key;
    flow->last = &flow->first;
    flow->next = *turn != NULL ? *turn : flow;
    flow->previous = *turn != NULL ? (*turn)->previous : flow;
    flow->previous->next = flow;
    flow->next->previous = flow;
    *turn = *turn != NULL ? *turn : flow;
    return flow;
}

static void drop_if_empty(struct flow **turn, struct flow *flow)
{
    if (flow->count > 0) {
        return;
    }
    if (*turn == flow) {
        *turn = flow->next != flow ? flow->next : NULL;
    }
    flow->previous->next = flow->next;
    flow->next->previous = flow->previous;
    free(flow);
}

/* The newest of the longest. */
static struct flow *longest(struct flow *turn)
{
    struct flow *found = turn;
    for (struct flow *flow = turn->next; flow != turn; flow = flow->next) {
        found = flow->count >= found->count ? flow : found;
    }
    return found;
}

static struct orl_fair_item *take(struct orl_fair_queue *queue, struct flow *place,
        struct flow *account, struct orl_fair_item **at)
{
    struct orl_fair_item *item = *at;
    *at = item->next;
    if (*at == NULL) {
        account->last = at;
    }
    item->next = NULL;
    account->count--;
    place->count--;
    queue->count--;
    drop_if_empty(&place->turn, account);
    drop_if_empty(&queue->turn, place);
    return item;
}

static struct orl_fair_item *push_out(struct orl_fair_queue *queue)
{
    struct flow *place = longest(queue->turn);
    struct flow *account = longest(place->turn);
    struct orl_fair_item **at = &account->first;
    while ((*at)->next != NULL) {
        at = &(*at)->next;
    }
    return take(queue, place, account, at);
}

int orl_fair_queue_push(struct orl_fair_queue *queue, uint64_t place_key, uint64_t account_key,
        struct orl_fair_item *item, struct orl_fair_item **ret_out)
{
    struct flow *place = find_or_add(&queue->turn, place_key);
    struct flow *account = place != NULL ? find_or_add(&place->turn, account_key) : NULL;
    if (account == NULL) {
        if (place != NULL) {
            drop_if_empty(&queue->turn, place);
        }
        return ORL_E_NOMEM;
    }
    item->next = NULL;
    *account->last = item;
    account->last = &item->next;
    account->count++;
    place->count++;
    queue->count++;
    *ret_out = queue->count > queue->max_items ? push_out(queue) : NULL;
    return 0;
}

struct orl_fair_item *orl_fair_queue_pop(struct orl_fair_queue *queue)
{
    struct flow *place = queue->turn;
    if (place == NULL) {
        return NULL;
    }
    struct flow *account = place->turn;
    queue->turn = place->next;
    place->turn = account->next;
    return take(queue, place, account, &account->first);
}

unsigned orl_fair_queue_count(const struct orl_fair_queue *queue)
{
    return queue->count;
}

void orl_fair_queue_free(struct orl_fair_queue *queue)
{
    while (queue != NULL && orl_fair_queue_pop(queue) != NULL) {
    }
    free(queue);
}
