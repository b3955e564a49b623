/* What a person typed as a user name: pure text, no store. One rule for every way in. */
#ifndef ORL_BROKER_NAMES_H
#define ORL_BROKER_NAMES_H
#include "base/ipc_msgs.h"

#define ORL_LOGIN_NAME_MAX 64

struct orl_names {
    char user[ORL_LOGIN_NAME_MAX + 1]; /* as typed, without the pool; a ticket in lower case */
    char pool[ORL_NAME_MAX + 1];       /* lower case; empty: none was chosen */
    uint32_t slot;                     /* which of the person's desktops in the pool; 0: not said */
    bool is_ticket;
};
/* The pool is taken from "user@pool" or "pool\user" (pool: also "pool:2", the second desktop there), else from the cookie, else from the domain. A
 * cookie or domain that can't be a pool's name is left out: load balancers and clients write their
 * own. false: nobody can have that name. Bytes in, any bytes. */
bool orl_names_parse(
        const char *user, const char *domain, const char *cookie, struct orl_names *ret_names);
/* "pool" or "pool:2", in any case; false: neither. */
bool orl_names_pool_parse(
        const char *text, size_t len, char ret_pool[ORL_NAME_MAX + 1], uint32_t *ret_slot);
/* 1 to 64 of [A-Za-z0-9._-], starting with a letter or digit, and not like a ticket. */
bool orl_names_user_is_valid(const char *text);
bool orl_names_ticket_is_valid(const char *text); /* "t-" and 16 of [0-9a-f] */
/* Ids of tickets are half of a secret: "ticket#" and a short hash where text is one, also behind "ticket:" or a path;
 * else text. NULL is "". */
const char *orl_names_without_ticket(const char *text, char ret_hash[24]);

#endif
