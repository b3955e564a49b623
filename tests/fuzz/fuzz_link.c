/* Bytes of a hostile console or session: what decodes also encodes to the same bytes. */
#include "display/link.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct orl_link_msg msg;
    if (orl_link_decode(data, len, &msg) < 0) {
        return 0;
    }
    orl_assert(msg.surface_fd == -1);
    orl_assert(msg.type != ORL_LINK_INPUT || orl_input_is_valid(&msg.input));
    orl_assert(msg.type != ORL_LINK_CLIPBOARD || orl_clipboard_part_is_valid(&msg.clipboard));
    orl_assert(msg.type != ORL_LINK_SOUND || orl_sound_is_valid(&msg.sound));
    uint8_t again[ORL_LINK_MSG_MAX];
    orl_assert(orl_link_encode(&msg, again) == len && memcmp(again, data, len) == 0);
    return 0;
}
