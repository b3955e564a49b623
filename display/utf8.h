/* UTF-8 to code points, with a bound. */
#ifndef ORL_DISPLAY_UTF8_H
#define ORL_DISPLAY_UTF8_H
#include <stddef.h>
#include <stdint.h>

#define ORL_UTF8_REPLACEMENT 0xFFFD

/* At most max code points of text; a byte that begins no valid sequence (RFC 3629: no overlong forms, no
 * surrogates) gives ORL_UTF8_REPLACEMENT. Returns how many. */
size_t orl_utf8_decode(const char *text, uint32_t *ret_codepoints, size_t max);

#endif
