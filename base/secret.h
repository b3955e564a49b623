/* Random bytes, constant-time comparison, wiping. OpenSSL underneath. */
#ifndef ORL_BASE_SECRET_H
#define ORL_BASE_SECRET_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Fills from the system's generator; aborts if there is none (no safe way to go on). */
void orl_secret_random(void *ret_data, size_t len);
void orl_secret_wipe(void *data, size_t len); /* not optimised away; NULL with 0 is fine */
/* free() for what malloc() gave and nobody knows the length of; all of it is wiped. NULL is fine. */
void orl_secret_free(void *data);
bool orl_secret_is_equal(const void *a, const void *b, size_t len);
/* len characters of [a-z2-9] without look-alikes (5 bits each), then NUL: ret needs len + 1. */
void orl_secret_text(char *ret, size_t len);

#endif
