/* A growing byte buffer with a hard cap, for writing messages. Failure is sticky.
 * Not here: reading (base/rd.h). */
#ifndef ORL_BASE_BUF_H
#define ORL_BASE_BUF_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_buf {
    uint8_t *data; /* owned; NULL while empty */
    size_t len;
    size_t capacity;
    size_t max_len; /* never grows beyond */
    bool is_failed; /* a put went over max_len or memory ran out; len is then unchanged */
};

void orl_buf_init(struct orl_buf *buf, size_t max_len);
void orl_buf_fini(struct orl_buf *buf);  /* NULL is fine */
void orl_buf_wipe(struct orl_buf *buf);  /* zeroes the bytes, keeps the memory, clears is_failed */
void orl_buf_reset(struct orl_buf *buf); /* len = 0, clears is_failed */
/* Makes room for len bytes and returns where they go (uninitialised), or NULL and is_failed. */
uint8_t *orl_buf_extend(struct orl_buf *buf, size_t len);
void orl_buf_put(struct orl_buf *buf, const void *data, size_t len);
void orl_buf_put_u8(struct orl_buf *buf, uint8_t v);
void orl_buf_put_u16le(struct orl_buf *buf, uint16_t v);
void orl_buf_put_u16be(struct orl_buf *buf, uint16_t v);
void orl_buf_put_u32le(struct orl_buf *buf, uint32_t v);
void orl_buf_put_u32be(struct orl_buf *buf, uint32_t v);
void orl_buf_put_u64le(struct orl_buf *buf, uint64_t v);
/* Drops the first len bytes (len <= buf->len). */
void orl_buf_consume(struct orl_buf *buf, size_t len);

#endif
