/* Slows guessing down without giving anybody a way to lock others out.
 *   (account, prefix)  after 3 failures refused for 1, 2, 4 .. 300 s: hurts only the guesser's network
 *   prefix             after 20 failures each answer is held for 1, 2, 4 s, whatever the accounts, and
 *                      never refused: many share an address, and one of them may be the guesser. Not
 *                      held: an account that has logged in from there before
 *   account            after 50 failures anywhere each answer is held for 1 s, never refused
 * Tickets have only the first rule: nobody guesses 144 bits, and each burns by itself.
 * A prefix is an IPv4 address or an IPv6 /64. Failures are forgotten after 15 quiet minutes. The
 * tables have a fixed size; the least recently failed of a bucket makes room. */
#ifndef ORL_BROKER_THROTTLE_H
#define ORL_BROKER_THROTTLE_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct orl_throttle;

/* entries: of each of the three tables, rounded up to a power of two. */
ORL_NODISCARD int orl_throttle_new(
        unsigned entries, struct orl_throttle **ret_throttle, struct orl_err *err);
void orl_throttle_free(struct orl_throttle *throttle); /* NULL is fine */

struct orl_throttle_verdict {
    uint64_t wait_us; /* not 0: refuse; another try makes sense after this */
    uint64_t hold_us; /* not 0: answer only after this */
    bool is_known;    /* this account was right from there before */
};
/* account: any text, letters of either case are one; client: as in base/ipc_msgs.h. */
struct orl_throttle_verdict orl_throttle_check(
        struct orl_throttle *throttle, const char *account, const char *client, uint64_t now_us);
/* A try begins. For (account, prefix) it counts as a failure at once, so that many at once do not slip through; for
 * the others, who only hold answers back, when it has failed: a thousand honest people behind one address, whose
 * passwords wait to be checked, are no guessers. One of the three follows. */
void orl_throttle_begin(
        struct orl_throttle *throttle, const char *account, const char *client, uint64_t now_us);
/* It was wrong. */
void orl_throttle_fail(
        struct orl_throttle *throttle, const char *account, const char *client, uint64_t now_us);
/* It was neither wrong nor all that is needed: it never was. */
void orl_throttle_undo(struct orl_throttle *throttle, const char *account, const char *client);
/* It was right: forgets (account, prefix). */
void orl_throttle_forgive(struct orl_throttle *throttle, const char *account, const char *client);

#endif
