#include "display/clipboard.h"
#include "base/utf8.h"
#include <string.h>

bool orl_clipboard_part_is_valid(const struct orl_clipboard_part *part)
{
    if (part->step == ORL_CLIPBOARD_NONE || part->step >= ORL_CLIPBOARD_STEP_COUNT ||
            part->has_text > 1) {
        return false;
    }
    if (part->step != ORL_CLIPBOARD_DATA || part->has_text == 0) {
        return part->total == 0 && part->at == 0 && part->len == 0;
    }
    return part->total <= ORL_CLIPBOARD_MAX_BYTES && part->at <= part->total &&
           part->len <= ORL_CLIPBOARD_PART_MAX && part->len <= part->total - part->at &&
           (part->len > 0 || part->total == 0);
}

void orl_clipboard_in_init(struct orl_clipboard_in *in, uint32_t max_bytes)
{
    *in = (struct orl_clipboard_in){.max_bytes = max_bytes};
    orl_buf_init(&in->text, max_bytes);
}

static void begin_text(struct orl_clipboard_in *in, const struct orl_clipboard_part *part)
{
    orl_buf_fini(&in->text);
    orl_buf_init(&in->text, in->max_bytes);
    in->is_open = true;
    in->serial = part->serial;
    in->total = part->total;
}

/* 1: the text is whole. */
static int add_part(
        struct orl_clipboard_in *in, const struct orl_clipboard_part *part, struct orl_err *err)
{
    if (part->at == 0) {
        begin_text(in, part);
    }
    bool is_too_long = in->total > in->max_bytes;
    size_t have = is_too_long ? part->at : in->text.len;
    if (!in->is_open || part->serial != in->serial || part->total != in->total ||
            part->at != have) {
        return orl_err_set(err, ORL_E_PROTO, "parts of a clipboard text that do not fit");
    }
    if (!is_too_long) {
        orl_buf_put(&in->text, part->data, part->len);
        if (in->text.is_failed) {
            return orl_err_set(err, ORL_E_NOMEM, "clipboard text");
        }
    }
    return part->at + part->len == in->total ? 1 : 0;
}

int orl_clipboard_in_add(struct orl_clipboard_in *in, const struct orl_clipboard_part *part,
        struct orl_clipboard *ret_step, struct orl_err *err)
{
    if (!orl_clipboard_part_is_valid(part)) {
        return orl_err_set(err, ORL_E_PROTO, "not a clipboard message");
    }
    *ret_step = (struct orl_clipboard){.step = (enum orl_clipboard_step)part->step,
            .serial = part->serial,
            .has_text = part->has_text != 0};
    if (part->step != ORL_CLIPBOARD_DATA || part->has_text == 0) {
        in->is_open = in->is_open && part->step != ORL_CLIPBOARD_DATA;
        return 1;
    }
    int rc = add_part(in, part, err);
    if (rc <= 0) {
        return rc;
    }
    in->is_open = false;
    if (in->total > in->max_bytes) {
        ret_step->has_text = false;
        return 1;
    }
    if (!orl_utf8_is_valid(in->text.data, in->text.len)) {
        return orl_err_set(err, ORL_E_PROTO, "clipboard text is not UTF-8");
    }
    ret_step->text = in->text.len > 0 ? (const char *)in->text.data : "";
    ret_step->len = in->text.len;
    return 1;
}

void orl_clipboard_in_fini(struct orl_clipboard_in *in)
{
    orl_buf_wipe(&in->text);
    orl_buf_fini(&in->text);
}

void orl_clipboard_in_reset(struct orl_clipboard_in *in, uint32_t max_bytes)
{
    orl_clipboard_in_fini(in);
    orl_clipboard_in_init(in, max_bytes);
}

void orl_clipboard_out_init(struct orl_clipboard_out *out)
{
    memset(out, 0, sizeof(*out));
    orl_buf_init(&out->text, ORL_CLIPBOARD_MAX_BYTES);
}

int orl_clipboard_out_add(
        struct orl_clipboard_out *out, const struct orl_clipboard *step, struct orl_err *err)
{
    struct orl_clipboard_part part = {
            .step = step->step, .serial = step->serial, .has_text = step->has_text ? 1 : 0};
    if (step->step == ORL_CLIPBOARD_DATA) {
        /* A text half sent is given up; its receiver sees a new one begin. */
        orl_buf_wipe(&out->text);
        orl_buf_fini(&out->text);
        orl_buf_init(&out->text, ORL_CLIPBOARD_MAX_BYTES);
        orl_buf_put(&out->text, step->text, step->has_text ? step->len : 0);
        if (out->text.is_failed) {
            return orl_err_set(err, ORL_E_LIMIT, "a clipboard text of %zu bytes", step->len);
        }
        part.total = (uint32_t)out->text.len;
    }
    out->steps[step->step] = part;
    return ORL_OK;
}

bool orl_clipboard_out_next(
        const struct orl_clipboard_out *out, struct orl_clipboard_part *ret_part)
{
    for (unsigned i = ORL_CLIPBOARD_OFFER; i < ORL_CLIPBOARD_STEP_COUNT; i++) {
        if (out->steps[i].step == ORL_CLIPBOARD_NONE) {
            continue;
        }
        *ret_part = out->steps[i];
        size_t left = ret_part->total - ret_part->at;
        ret_part->len = left < ORL_CLIPBOARD_PART_MAX ? left : ORL_CLIPBOARD_PART_MAX;
        ret_part->data = left > 0 ? out->text.data + ret_part->at : NULL;
        return true;
    }
    return false;
}

void orl_clipboard_out_sent(struct orl_clipboard_out *out, const struct orl_clipboard_part *part)
{
    struct orl_clipboard_part *step = &out->steps[part->step];
    step->at += (uint32_t)part->len;
    if (step->at >= step->total) {
        step->step = ORL_CLIPBOARD_NONE;
    }
    if (part->step == ORL_CLIPBOARD_DATA && step->step == ORL_CLIPBOARD_NONE) {
        orl_buf_wipe(&out->text);
        orl_buf_fini(&out->text);
        orl_buf_init(&out->text, ORL_CLIPBOARD_MAX_BYTES);
    }
}

void orl_clipboard_out_fini(struct orl_clipboard_out *out)
{
    orl_buf_wipe(&out->text);
    orl_buf_fini(&out->text);
}

size_t orl_clipboard_from_crlf(char *text, size_t len)
{
    size_t to = 0;
    for (size_t from = 0; from < len; from++) {
        bool is_cr = text[from] == '\r';
        if (is_cr && from + 1 < len && text[from + 1] == '\n') {
            continue;
        }
        text[to++] = (char)(is_cr ? '\n' : text[from]);
    }
    return to;
}

int orl_clipboard_to_crlf(const char *text, size_t len, struct orl_buf *ret_text)
{
    size_t from = 0;
    for (size_t at = 0; at < len; at++) {
        if (text[at] == '\n') {
            orl_buf_put(ret_text, text + from, at - from);
            orl_buf_put(ret_text, "\r\n", 2);
            from = at + 1;
        }
    }
    if (from < len) { /* no text at all has no address */
        orl_buf_put(ret_text, text + from, len - from);
    }
    return ret_text->is_failed ? ORL_E_LIMIT : ORL_OK;
}
