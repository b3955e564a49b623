#include "base/buf.h"

#include "base/secret.h"

#include <stdlib.h>
#include <string.h>

enum { BUF_FIRST_BYTES = 256 };

void orl_buf_init(struct orl_buf *buf, size_t max_len)
{
    *buf = (struct orl_buf){.max_len = max_len};
}

void orl_buf_fini(struct orl_buf *buf)
{
    if (buf != NULL) {
        free(buf->data);
        *buf = (struct orl_buf){.max_len = buf->max_len};
    }
}

void orl_buf_wipe(struct orl_buf *buf)
{
    orl_secret_wipe(buf->data, buf->capacity);
    orl_buf_reset(buf);
}

void orl_buf_reset(struct orl_buf *buf)
{
    buf->len = 0;
    buf->is_failed = false;
}

/* realloc() would leave a copy of what may be a secret behind. */
static int buf_move_to(struct orl_buf *buf, size_t capacity)
{
    uint8_t *data = malloc(capacity);
    if (data == NULL) {
        return ORL_E_NOMEM;
    }
    if (buf->data != NULL) {
        memcpy(data, buf->data, buf->len);
    }
    orl_secret_wipe(buf->data, buf->capacity);
    free(buf->data);
    buf->data = data;
    buf->capacity = capacity;
    return 0;
}

uint8_t *orl_buf_extend(struct orl_buf *buf, size_t len)
{
    if (buf->is_failed || len > buf->max_len - buf->len) {
        buf->is_failed = true;
        return NULL;
    }
    size_t needed = buf->len + len;
    if (needed > buf->capacity || buf->data == NULL) {
        size_t capacity = buf->capacity < BUF_FIRST_BYTES ? BUF_FIRST_BYTES : buf->capacity;
        while (capacity < needed) {
            capacity = capacity > buf->max_len / 2 ? buf->max_len : capacity * 2;
        }
        if (buf_move_to(buf, capacity) < 0) {
            buf->is_failed = true;
            return NULL;
        }
    }
    uint8_t *at = buf->data + buf->len;
    buf->len = needed;
    return at;
}

void orl_buf_put(struct orl_buf *buf, const void *data, size_t len)
{
    uint8_t *at = orl_buf_extend(buf, len);
    if (at != NULL && len > 0) {
        memcpy(at, data, len);
    }
}

void orl_buf_put_u8(struct orl_buf *buf, uint8_t v)
{
    orl_buf_put(buf, &v, 1);
}

static void put_le(struct orl_buf *buf, uint64_t v, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(v >> (8 * i));
    }
    orl_buf_put(buf, bytes, len);
}

static void put_be(struct orl_buf *buf, uint64_t v, size_t len)
{
    uint8_t bytes[8];
    for (size_t i = 0; i < len; i++) {
        bytes[len - 1 - i] = (uint8_t)(v >> (8 * i));
    }
    orl_buf_put(buf, bytes, len);
}

void orl_buf_put_u16le(struct orl_buf *buf, uint16_t v)
{
    put_le(buf, v, 2);
}

void orl_buf_put_u16be(struct orl_buf *buf, uint16_t v)
{
    put_be(buf, v, 2);
}

void orl_buf_put_u32le(struct orl_buf *buf, uint32_t v)
{
    put_le(buf, v, 4);
}

void orl_buf_put_u32be(struct orl_buf *buf, uint32_t v)
{
    put_be(buf, v, 4);
}

void orl_buf_put_u64le(struct orl_buf *buf, uint64_t v)
{
    put_le(buf, v, 8);
}

void orl_buf_consume(struct orl_buf *buf, size_t len)
{
    orl_assert(len <= buf->len);
    if (len > 0) {
        memmove(buf->data, buf->data + len, buf->len - len);
        buf->len -= len;
    }
}
