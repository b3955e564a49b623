/* Where passwords are hashed: threads of their own, as many at once as cores and memory allow; who waits is served in
 * turn by network and account (broker/fair_queue.h), so that one network's flood costs others nothing but its share. */
#ifndef ORL_BROKER_HASHING_H
#define ORL_BROKER_HASHING_H
#include "base/loop.h"
#include <stdint.h>

struct orl_hashing;
struct orl_hashing_opts {
    unsigned threads;     /* 0: one less than there are cores */
    uint64_t memory_kib;  /* of all at once; one may always run */
    unsigned max_waiting; /* beyond it somebody is turned away */
};
struct orl_hashing_job { /* inside the caller's struct; copies only */
    const char
            *client; /* borrowed for the call: ADDR:PORT, or any text of the place it comes from */
    const char *account;                   /* borrowed for the call */
    uint64_t memory_kib;                   /* what run() takes: orl_password_memory_kib() */
    void (*run)(void *ctx);                /* on a thread */
    void (*done)(void *ctx, bool was_run); /* on the loop; false: too many, or we are stopping */
    void *ctx;
};
struct orl_hashing_stats {
    unsigned running, waiting, threads;
    uint64_t done, refused;
};
ORL_NODISCARD int orl_hashing_new(struct orl_loop *loop, const struct orl_hashing_opts *opts,
        struct orl_hashing **ret_hashing, struct orl_err *err);
/* done() comes once, perhaps before this returns. ORL_E_NOMEM: it does not come. */
ORL_NODISCARD int orl_hashing_submit(
        struct orl_hashing *hashing, const struct orl_hashing_job *job);
/* How long one that comes now would wait, from those that ran last; at least 1. */
unsigned orl_hashing_wait_s(const struct orl_hashing *hashing);
void orl_hashing_stats(const struct orl_hashing *hashing, struct orl_hashing_stats *ret_stats);
/* Waits for those that run; done(false) for those that wait. NULL is fine. */
void orl_hashing_free(struct orl_hashing *hashing);

#endif
