/* Base64 as JSON brings bytes (RFC 4648 4). */
#ifndef ORL_BASE_BASE64_H
#define ORL_BASE_BASE64_H
#include <stddef.h>

/* Bytes written to ret, or -1: no base64, or more than size. */
long orl_base64_decode(const char *text, size_t len, void *ret, size_t size);

#endif
