/* UTF-8 (RFC 3629: no overlong forms, no surrogates), with a bound. */
#ifndef ORL_BASE_UTF8_H
#define ORL_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_UTF8_REPLACEMENT 0xFFFD

/* Length of the sequence that begins at text, and its code point; 0 if it is none. left >= 1. A NUL is none. */
size_t orl_utf8_next(const uint8_t *text, size_t left, uint32_t *ret_codepoint);
/* All of it is UTF-8 without NUL. */
bool orl_utf8_is_valid(const void *text, size_t len);
/* Makes it UTF-8: each byte that begins no sequence becomes a '?'. */
void orl_utf8_clean(char *text);
/* At most max code points of text; a byte that begins no sequence gives ORL_UTF8_REPLACEMENT. Returns how many. */
size_t orl_utf8_decode(const char *text, uint32_t *ret_codepoints, size_t max);

#endif
