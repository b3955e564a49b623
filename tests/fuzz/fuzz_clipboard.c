/* Parts of a hostile console or session: what comes out is UTF-8 within the cap, and goes out and in again unchanged. */
#include "base/rd.h"
#include "base/utf8.h"
#include "display/clipboard.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { CAP = 20000 };

static void go_round(const struct orl_clipboard *step)
{
    struct orl_clipboard_out out;
    struct orl_clipboard_in in;
    struct orl_clipboard back = {0};
    struct orl_clipboard_part part;
    int rc = 0;
    orl_clipboard_out_init(&out);
    orl_clipboard_in_init(&in, CAP);
    orl_assert(orl_clipboard_out_add(&out, step, NULL) == 0);
    while (orl_clipboard_out_next(&out, &part)) {
        orl_assert(rc == 0 && orl_clipboard_part_is_valid(&part));
        rc = orl_clipboard_in_add(&in, &part, &back, NULL);
        orl_clipboard_out_sent(&out, &part);
    }
    orl_assert(rc == 1 && back.step == step->step && back.serial == step->serial &&
               back.has_text == step->has_text && back.len == step->len);
    orl_assert(step->len == 0 || memcmp(back.text, step->text, step->len) == 0);
    orl_clipboard_out_fini(&out);
    orl_clipboard_in_fini(&in);
}

static void check_lines(const struct orl_clipboard *step)
{
    struct orl_buf buf;
    orl_buf_init(&buf, 2 * CAP);
    orl_assert(orl_clipboard_to_crlf(step->text, step->len, &buf) == 0);
    const size_t len = orl_clipboard_from_crlf((char *)buf.data, buf.len);
    orl_assert(len <= step->len && orl_utf8_is_valid(buf.data, len));
    orl_buf_fini(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct orl_clipboard_in in;
    struct orl_rd rd;
    orl_clipboard_in_init(&in, CAP);
    orl_rd_init(&rd, data, len);
    while (orl_rd_left(&rd) > 0) {
        struct orl_clipboard_part part = {.step = orl_rd_u8(&rd) & 3U,
                .serial = orl_rd_u8(&rd) & 3U,
                .has_text = orl_rd_u8(&rd) & 1U,
                .total = orl_rd_u16le(&rd),
                .at = orl_rd_u16le(&rd),
                .len = orl_rd_u16le(&rd)};
        /* Text that a fuzzer need not find: one byte, repeated. */
        uint8_t text[ORL_CLIPBOARD_PART_MAX];
        memset(text, orl_rd_u8(&rd), sizeof(text));
        part.data = text;
        struct orl_clipboard step = {0};
        if (orl_clipboard_in_add(&in, &part, &step, NULL) == 1) {
            orl_assert(
                    step.len <= CAP && (step.len == 0 || orl_utf8_is_valid(step.text, step.len)));
            go_round(&step);
            if (step.has_text) {
                check_lines(&step);
            }
        }
    }
    orl_clipboard_in_fini(&in);
    return 0;
}
