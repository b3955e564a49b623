/* Bounded reader over bytes that somebody else wrote. A read past the end sets is_failed, returns
 * zero and moves nothing; check it once per message. Borrows the bytes; never allocates. */
#ifndef ORL_BASE_RD_H
#define ORL_BASE_RD_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_rd {
    const uint8_t *data;
    size_t len;
    size_t at;
    bool is_failed;
};

void orl_rd_init(struct orl_rd *rd, const void *data, size_t len);
size_t orl_rd_left(const struct orl_rd *rd);
uint8_t orl_rd_u8(struct orl_rd *rd);
uint16_t orl_rd_u16le(struct orl_rd *rd);
uint16_t orl_rd_u16be(struct orl_rd *rd);
uint32_t orl_rd_u32le(struct orl_rd *rd);
uint32_t orl_rd_u32be(struct orl_rd *rd);
uint64_t orl_rd_u64le(struct orl_rd *rd);
/* The next len bytes in place, or NULL and is_failed. */
const uint8_t *orl_rd_bytes(struct orl_rd *rd, size_t len);
void orl_rd_skip(struct orl_rd *rd, size_t len);

#endif
