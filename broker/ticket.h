/* One-time tickets: made for a person who is known already, proven by NTLM or told over TLS.
 * The NT hash is kept sealed. First use binds a ticket to a session; later it re-enters only that.
 * Not here: the binding itself (store/ticket.h, called by broker/assign.c). */
#ifndef ORL_BROKER_TICKET_H
#define ORL_BROKER_TICKET_H
#include "base/seal.h"
#include "broker/ntlm_verify.h"
#include "store/ticket.h"

#define ORL_TICKET_PASSWORD_LEN 16 /* of orl_secret_text(): 80 random bits */

struct orl_tickets { /* all borrowed */
    struct orl_store *store;
    struct orl_ntlm *ntlm;
    const struct orl_seal_key *key;
    uint32_t first_use_ms;
    uint32_t max_failures; /* failed proofs that burn a ticket */
};
struct orl_ticket_want { /* borrowed */
    const char *user, *pool;
    uint32_t slot;
    const char *binding; /* of the portal login that alone may use it; NULL or "": whoever has it */
    const struct orl_regional *regional; /* NULL: not known */
};
struct orl_ticket_issued { /* the caller wipes it */
    char id[ORL_TICKET_ID_LEN + 1];
    char password[ORL_TICKET_PASSWORD_LEN + 1];
    uint64_t expires_ms;
};
void orl_ticket_new_id(char ret_id[ORL_TICKET_ID_LEN + 1]);
ORL_NODISCARD int orl_tickets_issue(const struct orl_tickets *tickets,
        const struct orl_ticket_want *want, uint64_t now_ms, struct orl_ticket_issued *ret_issued,
        struct orl_err *err);
/* The proof holds and the ticket is neither revoked nor late: NTOWFv2 and the row. Counts what does
 * not hold. ORL_E_DENIED: for whatever reason; nobody is told which. */
ORL_NODISCARD int orl_tickets_prove(const struct orl_tickets *tickets, const char *id,
        const struct orl_ntlm_proof *proof, uint64_t now_ms, uint8_t ret_ntowfv2[ORL_NTLM_HASH_LEN],
        struct orl_ticket_row *ret_row, struct orl_err *err);
/* The same for a ticket's password in clear, and the binding of the browser that shows it ("": no
 * browser), which must be the ticket's. */
ORL_NODISCARD int orl_tickets_check(const struct orl_tickets *tickets, const char *id,
        const char *password, const char *binding, uint64_t now_ms, struct orl_ticket_row *ret_row,
        struct orl_err *err);

#endif
