#include "base/rd.h"

void orl_rd_init(struct orl_rd *rd, const void *data, size_t len)
{
    *rd = (struct orl_rd){.data = data, .len = len};
}

size_t orl_rd_left(const struct orl_rd *rd)
{
    return rd->is_failed ? 0 : rd->len - rd->at;
}

const uint8_t *orl_rd_bytes(struct orl_rd *rd, size_t len)
{
    if (rd->is_failed || len > rd->len - rd->at) {
        rd->is_failed = true;
        return NULL;
    }
    const uint8_t *at = rd->data + rd->at;
    rd->at += len;
    return at;
}

void orl_rd_skip(struct orl_rd *rd, size_t len)
{
    (void)orl_rd_bytes(rd, len);
}

static uint64_t get_le(struct orl_rd *rd, size_t len)
{
    const uint8_t *at = orl_rd_bytes(rd, len);
    uint64_t v = 0;
    for (size_t i = 0; at != NULL && i < len; i++) {
        v |= (uint64_t)at[i] << (8 * i);
    }
    return v;
}

static uint64_t get_be(struct orl_rd *rd, size_t len)
{
    const uint8_t *at = orl_rd_bytes(rd, len);
    uint64_t v = 0;
    for (size_t i = 0; at != NULL && i < len; i++) {
        v = v << 8 | at[i];
    }
    return v;
}

uint8_t orl_rd_u8(struct orl_rd *rd)
{
    return (uint8_t)get_le(rd, 1);
}

uint16_t orl_rd_u16le(struct orl_rd *rd)
{
    return (uint16_t)get_le(rd, 2);
}

uint16_t orl_rd_u16be(struct orl_rd *rd)
{
    return (uint16_t)get_be(rd, 2);
}

uint32_t orl_rd_u32le(struct orl_rd *rd)
{
    return (uint32_t)get_le(rd, 4);
}

uint32_t orl_rd_u32be(struct orl_rd *rd)
{
    return (uint32_t)get_be(rd, 4);
}

uint64_t orl_rd_u64le(struct orl_rd *rd)
{
    return get_le(rd, 8);
}
