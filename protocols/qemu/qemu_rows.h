/* Rows of pixels on their way from a stream to their places: where the next bytes go, whatever the strides. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_ROWS_H
#define ORL_PROTOCOLS_QEMU_QEMU_ROWS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#define ORL_QEMU_IOV_MAX 64

/* count rows come, src_stride bytes each; the first keep_bytes of the first keep_rows are wanted. */
struct orl_qemu_rows {
    uint8_t *to;
    size_t to_stride, keep_bytes, src_stride;
    uint32_t row, count, keep_rows;
    size_t at; /* in the current row */
};
/* What is not wanted goes to scratch. Returns how many of iov are used. */
unsigned orl_qemu_rows_room(
        const struct orl_qemu_rows *rows, struct iovec scratch, struct iovec iov[ORL_QEMU_IOV_MAX]);
/* len bytes are there, at most the room. True: all rows are. */
bool orl_qemu_rows_got(struct orl_qemu_rows *rows, size_t len);

#endif
