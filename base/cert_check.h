/* Whether a certificate chain and a key that somebody sent may be shown to clients, in words for who sent them.
 * Not here: keeping them (base/cert_slots.h); what is shown already (base/cert_look.h). */
#ifndef ORL_BASE_CERT_CHECK_H
#define ORL_BASE_CERT_CHECK_H
#include "base/cert.h"
#include "base/cert_look.h"

#define ORL_CERT_TEXT_MAX 40960 /* of a chain as it is sent: also words between certificates */

struct orl_cert_rules {
    uint64_t now_ms;  /* 0: whenever it is good */
    bool is_rsa_only; /* RDP clients */
    bool needs_chain; /* somebody knows its end: a root in it, or one that this host knows */
};
/* The server's certificate first, each signed by the next. *ret_pair is made anew of what was read: nothing else that
 * stood in the texts is in it. ORL_E_INVAL: err says what is wrong, beginning with "field 'certificate'" or
 * "field 'key'". ret_pair and ret_facts may be NULL. */
ORL_NODISCARD int orl_cert_check(const char *chain, size_t chain_len, const char *key,
        size_t key_len, const struct orl_cert_rules *rules, struct orl_cert_pair *ret_pair,
        struct orl_cert_facts *ret_facts, struct orl_err *err);

#endif
