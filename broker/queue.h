/* The queue of each pool: who waits gets a desktop in the order of coming, nobody overtakes, and everybody is told their
 * place and when to expect it. The order is the store's; what was told is each connection's.
 * Not here: what getting a desktop means (broker/assign.h). */
#ifndef ORL_BROKER_QUEUE_H
#define ORL_BROKER_QUEUE_H
#include "broker/gateway_sock.h"

struct orl_queue;
ORL_NODISCARD int orl_queue_new(
        struct orl_broker *broker, struct orl_queue **ret_queue, struct orl_err *err);
void orl_queue_free(struct orl_queue *queue); /* NULL is fine */
/* There may be a desktop for somebody, or somebody more who waits: looks soon, and as long as there is work. */
void orl_queue_poke(struct orl_queue *queue);
/* When a new one comes: later than all before it, so that the order is that of coming. */
uint64_t orl_queue_stamp(struct orl_queue *queue, uint64_t now_ms);
/* Nobody waits in vain for what cannot be looked up: they are told so, and have that time later. */
void orl_queue_store_away(struct orl_queue *queue);
void orl_queue_store_back(struct orl_queue *queue, uint64_t gap_us);

#endif
