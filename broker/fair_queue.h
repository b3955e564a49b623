/* A bounded queue that is fair to where its items come from: places take turns, and so do the accounts of one place.
 * Who fills it pushes out their own: when it is full, the newest of the place with the most goes.
 * A place and an account are hashes, by a key that nobody outside knows. Not here: what the items are. */
#ifndef ORL_BROKER_FAIR_QUEUE_H
#define ORL_BROKER_FAIR_QUEUE_H
#include "base/err.h"
#include <stdint.h>

struct orl_fair_item { /* inside the caller's struct */
    struct orl_fair_item *next;
};
struct orl_fair_queue;
ORL_NODISCARD int orl_fair_queue_new(
        unsigned max_items, struct orl_fair_queue **ret_queue, struct orl_err *err);
void orl_fair_queue_free(struct orl_fair_queue *queue); /* items are the caller's; NULL is fine */
/* *ret_out: the item that found no place, this one or another; NULL: there was room. ORL_E_NOMEM. */
ORL_NODISCARD int orl_fair_queue_push(struct orl_fair_queue *queue, uint64_t place,
        uint64_t account, struct orl_fair_item *item, struct orl_fair_item **ret_out);
struct orl_fair_item *orl_fair_queue_pop(struct orl_fair_queue *queue); /* NULL: empty */
unsigned orl_fair_queue_count(const struct orl_fair_queue *queue);

#endif
