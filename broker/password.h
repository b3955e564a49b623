/* Passwords of people: argon2id by libsodium. Slow on purpose: call from a worker thread. */
#ifndef ORL_BROKER_PASSWORD_H
#define ORL_BROKER_PASSWORD_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

#define ORL_PASSWORD_HASH_MAX 127 /* libsodium's text, without the NUL */
#define ORL_PASSWORD_MIN 8        /* characters of a password that a person sets */

enum orl_password_cost {
    ORL_PASSWORD_MODERATE = 0, /* 256 MiB, about 1 s */
    ORL_PASSWORD_INTERACTIVE,  /* 64 MiB, about 0.1 s */
    ORL_PASSWORD_MINIMAL,      /* 8 KiB, for tests and small devices; the log warns */
};

/* Once, before the first thread. */
ORL_NODISCARD int orl_password_init(struct orl_err *err);
/* ORL_E_NOMEM: the limit's memory is not to be had. Any thread. */
ORL_NODISCARD int orl_password_hash(const char *password, enum orl_password_cost cost,
        char ret_hash[ORL_PASSWORD_HASH_MAX + 1]);
/* false also for a hash that is none. Any thread. */
bool orl_password_verify(const char *hash, const char *password);
/* What hashing at this cost, or checking this hash, takes for a while. */
uint64_t orl_password_cost_kib(enum orl_password_cost cost);
uint64_t orl_password_memory_kib(const char *hash);
/* A hash is made of today's cost when its own is another. */
bool orl_password_is_stale(const char *hash, enum orl_password_cost cost);

#endif
