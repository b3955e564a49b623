/* How far two rows of pixels are the same. Each byte is read once, and only what was read is looked at: one of
 * the rows may be another process's memory. Private to the planner's files. */
#ifndef ORL_DISPLAY_EQUAL_H
#define ORL_DISPLAY_EQUAL_H
#include <stddef.h>
#include <stdint.h>

/* Equal pixels (of 4 bytes) from a and b on, at most count. */
size_t orl_equal_px(const uint8_t *a, const uint8_t *b, size_t count);
/* The same backwards from the pixel before a_end and b_end. */
size_t orl_equal_px_back(const uint8_t *a_end, const uint8_t *b_end, size_t count);

#endif
