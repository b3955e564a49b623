#include "base/ipc_msgs.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes must encode to the very same bytes: there is one form of every message. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct orl_msg msg;
    if (orl_msg_decode(data, size, &msg) < 0) {
        return 0;
    }
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_MSG_MAX_BYTES);
    orl_assert(orl_msg_encode(&msg, &buf) == 0);
    orl_assert(buf.len == size && memcmp(buf.data, data, size) == 0);
    orl_buf_fini(&buf);
    return 0;
}
