#include "broker/password.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(ORL_PASSWORD_HASH_MAX + 1 == crypto_pwhash_STRBYTES, "libsodium's text fits");

static unsigned long long ops_of(enum orl_password_cost cost)
{
    switch (cost) {
    case ORL_PASSWORD_MINIMAL:
        return crypto_pwhash_OPSLIMIT_MIN;
    case ORL_PASSWORD_INTERACTIVE:
        return crypto_pwhash_OPSLIMIT_INTERACTIVE;
    case ORL_PASSWORD_MODERATE:
        break;
    }
    return crypto_pwhash_OPSLIMIT_MODERATE;
}

static size_t bytes_of(enum orl_password_cost cost)
{
    switch (cost) {
    case ORL_PASSWORD_MINIMAL:
        return crypto_pwhash_MEMLIMIT_MIN;
    case ORL_PASSWORD_INTERACTIVE:
        return crypto_pwhash_MEMLIMIT_INTERACTIVE;
    case ORL_PASSWORD_MODERATE:
        break;
    }
    return crypto_pwhash_MEMLIMIT_MODERATE;
}

int orl_password_init(struct orl_err *err)
{
    if (sodium_init() < 0) {
        return orl_err_set(err, ORL_E_BACKEND, "libsodium does not start");
    }
    return 0;
}

int orl_password_hash(
        const char *password, enum orl_password_cost cost, char ret_hash[ORL_PASSWORD_HASH_MAX + 1])
{
    if (crypto_pwhash_str_alg(ret_hash, password, strlen(password), ops_of(cost), bytes_of(cost),
                crypto_pwhash_ALG_ARGON2ID13) != 0) {
        return ORL_E_NOMEM;
    }
    return 0;
}

bool orl_password_verify(const char *hash, const char *password)
{
    return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
}

uint64_t orl_password_cost_kib(enum orl_password_cost cost)
{
    return bytes_of(cost) / 1024;
}

/* "$argon2id$v=19$m=65536,t=2,p=1$...": m is in KiB. */
uint64_t orl_password_memory_kib(const char *hash)
{
    const char *memory = strstr(hash, "$m=");
    return memory != NULL ? strtoull(memory + 3, NULL, 10) : 0;
}

bool orl_password_is_stale(const char *hash, enum orl_password_cost cost)
{
    return crypto_pwhash_str_needs_rehash(hash, ops_of(cost), bytes_of(cost)) != 0;
}
