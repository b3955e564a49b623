#include "protocols/qemu/qemu_rows.h"

static bool put_iov(struct iovec *iov, unsigned *count, uint8_t *to, size_t len)
{
    if (len > 0) {
        iov[(*count)++] = (struct iovec){.iov_base = to, .iov_len = len};
    }
    return *count < ORL_QEMU_IOV_MAX;
}

unsigned orl_qemu_rows_room(
        const struct orl_qemu_rows *rows, struct iovec scratch, struct iovec iov[ORL_QEMU_IOV_MAX])
{
    unsigned count = 0;
    size_t at = rows->at;
    for (uint32_t row = rows->row; row < rows->count; row++) {
        size_t keep = row < rows->keep_rows ? rows->keep_bytes : 0;
        if (at < keep && !put_iov(iov, &count, rows->to + row * rows->to_stride + at, keep - at)) {
            break;
        }
        size_t done = at > keep ? at : keep;
        size_t drop = rows->src_stride - done;
        if (!put_iov(iov, &count, scratch.iov_base,
                    drop < scratch.iov_len ? drop : scratch.iov_len)) {
            break;
        }
        at = 0;
    }
    return count;
}

bool orl_qemu_rows_got(struct orl_qemu_rows *rows, size_t len)
{
    size_t at = rows->at + len;
    rows->row += (uint32_t)(at / rows->src_stride);
    rows->at = at % rows->src_stride;
    return rows->row >= rows->count;
}
