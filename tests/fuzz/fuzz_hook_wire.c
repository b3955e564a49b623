/* Bytes of a hostile guest: what decodes also encodes, to something that decodes to the same. */
#include "base/hook_wire.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct orl_hook_msg msg, again;
    int used = orl_hook_msg_decode(data, len, &msg);
    if (used <= 0) {
        return 0;
    }
    orl_assert((size_t)used <= len && msg.count <= ORL_HOOK_KEYS_MAX);
    char bytes[ORL_HOOK_MSG_MAX];
    int encoded = orl_hook_msg_encode(&msg, bytes);
    orl_assert(encoded > 0);
    orl_assert(orl_hook_msg_decode(bytes, (size_t)encoded, &again) == encoded);
    orl_assert(memcmp(&msg, &again, sizeof(msg)) == 0);
    return 0;
}
