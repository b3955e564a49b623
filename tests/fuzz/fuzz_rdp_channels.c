/* A hostile client's clipboard, sound and display PDUs: text that comes out is UTF-8 within its cap, and survives the way
 * back; monitors make up a desktop. */
#include "base/utf8.h"
#include "protocols/rdp/rdp_clipboard_wire.h"
#include "protocols/rdp/rdp_monitors.h"
#include "protocols/rdp/rdp_sound_wire.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CAP = 4096 };

static void check_text(const struct orl_clip_pdu *pdu, uint32_t format)
{
    struct orl_buf text;
    struct orl_buf msg;
    struct orl_buf again;
    struct orl_clip_pdu back;
    orl_buf_init(&text, CAP);
    orl_buf_init(&msg, orl_clip_response_max(CAP));
    orl_buf_init(&again, CAP);
    if (orl_clip_text_of(pdu, format, &text) == ORL_OK) {
        orl_assert(text.len <= CAP && (text.len == 0 || orl_utf8_is_valid(text.data, text.len)));
        orl_clip_put_text(&msg, format, (const char *)text.data, text.len);
        orl_assert(!msg.is_failed && orl_clip_parse(msg.data, msg.len, &back) == ORL_OK);
        orl_assert(orl_clip_text_of(&back, format, &again) == ORL_OK && again.len == text.len);
        orl_assert(text.len == 0 || memcmp(again.data, text.data, text.len) == 0);
    }
    orl_buf_fini(&text);
    orl_buf_fini(&msg);
    orl_buf_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct orl_clip_pdu pdu;
    struct orl_snd_client_pdu sound;
    uint32_t format = 0;
    if (orl_clip_parse(data, len, &pdu) == ORL_OK) {
        (void)orl_clip_has_long_names(&pdu);
        (void)orl_clip_listed_text(&pdu, false);
        (void)orl_clip_listed_text(&pdu, true);
        orl_assert(orl_clip_requested(&pdu, &format) == ORL_OK || pdu.len < 4);
        check_text(&pdu, ORL_CLIP_UNICODE_TEXT);
        check_text(&pdu, ORL_CLIP_TEXT);
    }
    struct orl_layout layout;
    if (orl_rdp_monitors_parse(data, len, 4096, 4096, &layout) == ORL_OK && layout.count > 0) {
        uint32_t width = 0;
        uint32_t height = 0;
        orl_layout_bounds(&layout, &width, &height);
        orl_assert(orl_layout_is_valid(&layout) && width <= 4096 && height <= 4096);
    }
    if (orl_snd_parse(data, len, &sound) == ORL_OK && sound.kind == ORL_SND_CLIENT_FORMATS) {
        for (unsigned i = 0; i < ORL_SND_FORMAT_COUNT; i++) {
            orl_assert(sound.numbers[i] >= -1 && sound.numbers[i] < 256);
        }
    }
    return 0;
}
