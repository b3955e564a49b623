#include "protocols/rdp/rdp_clipboard_wire.h"
#include "base/rd.h"
#include "base/utf8.h"
#include "display/clipboard.h"

enum {
    HEADER_BYTES = 8,
    SHORT_NAME_BYTES = 32, /* 2.2.3.1.1.1 */
    CAPS_GENERAL = 1,      /* 2.2.2.1.1.1 */
    CAPS_GENERAL_BYTES = 12,
    LONG_NAMES = 2,
    UTF8_MAX_BYTES = 4
};

int orl_clip_parse(const uint8_t *data, size_t len, struct orl_clip_pdu *ret_pdu)
{
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    struct orl_clip_pdu pdu = {.type = orl_rd_u16le(&rd), .flags = orl_rd_u16le(&rd)};
    pdu.len = orl_rd_u32le(&rd);
    if (rd.is_failed || pdu.len > orl_rd_left(&rd)) {
        return ORL_E_PROTO;
    }
    pdu.body = data + HEADER_BYTES;
    *ret_pdu = pdu;
    return ORL_OK;
}

bool orl_clip_has_long_names(const struct orl_clip_pdu *pdu)
{
    struct orl_rd rd;
    orl_rd_init(&rd, pdu->body, pdu->len);
    unsigned sets = orl_rd_u16le(&rd);
    orl_rd_skip(&rd, 2);
    for (unsigned i = 0; i < sets && !rd.is_failed; i++) {
        uint16_t type = orl_rd_u16le(&rd);
        uint16_t len = orl_rd_u16le(&rd);
        if (type == CAPS_GENERAL) {
            orl_rd_skip(&rd, 4); /* version */
            return (orl_rd_u32le(&rd) & LONG_NAMES) != 0;
        }
        orl_rd_skip(&rd, len >= 4 ? len - 4U : 0);
    }
    return false;
}

static void skip_name(struct orl_rd *rd, bool is_long)
{
    if (!is_long) {
        orl_rd_skip(rd, SHORT_NAME_BYTES);
        return;
    }
    while (!rd->is_failed && orl_rd_u16le(rd) != 0) {
    }
}

uint32_t orl_clip_listed_text(const struct orl_clip_pdu *pdu, bool has_long_names)
{
    struct orl_rd rd;
    uint32_t found = ORL_CLIP_NO_FORMAT;
    orl_rd_init(&rd, pdu->body, pdu->len);
    while (orl_rd_left(&rd) > 0 && !rd.is_failed) {
        uint32_t format = orl_rd_u32le(&rd);
        skip_name(&rd, has_long_names);
        if (!rd.is_failed && (format == ORL_CLIP_UNICODE_TEXT ||
                                     (format == ORL_CLIP_TEXT && found == ORL_CLIP_NO_FORMAT))) {
            found = format;
        }
    }
    return found;
}

int orl_clip_requested(const struct orl_clip_pdu *pdu, uint32_t *ret_format)
{
    struct orl_rd rd;
    orl_rd_init(&rd, pdu->body, pdu->len);
    uint32_t format = orl_rd_u32le(&rd);
    if (rd.is_failed) {
        return ORL_E_PROTO;
    }
    *ret_format = format;
    return ORL_OK;
}

static bool is_high(uint32_t unit)
{
    return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool is_low(uint32_t unit)
{
    return unit >= 0xDC00 && unit <= 0xDFFF;
}

static void put_utf8(struct orl_buf *buf, uint32_t c)
{
    uint8_t bytes[UTF8_MAX_BYTES];
    size_t len = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const uint8_t lead[] = {0, 0x00, 0xC0, 0xE0, 0xF0};
    for (size_t i = len; i > 1; i--) {
        bytes[i - 1] = (uint8_t)(0x80 | (c & 0x3F));
        c >>= 6;
    }
    bytes[0] = (uint8_t)(lead[len] | c);
    orl_buf_put(buf, bytes, len);
}

/* The next code point of UTF-16; 0: its end. */
static uint32_t next_utf16(struct orl_rd *rd)
{
    uint32_t unit = orl_rd_left(rd) >= 2 ? orl_rd_u16le(rd) : 0;
    if (is_high(unit) && orl_rd_left(rd) >= 2) {
        struct orl_rd ahead = *rd;
        uint32_t low = orl_rd_u16le(&ahead);
        if (is_low(low)) {
            *rd = ahead;
            return 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        }
    }
    return is_high(unit) || is_low(unit) ? ORL_UTF8_REPLACEMENT : unit;
}

static uint32_t next_latin1(struct orl_rd *rd)
{
    return orl_rd_left(rd) >= 1 ? orl_rd_u8(rd) : 0;
}

/* Line ends are made LF on the way: the cap is on what the guest gets. */
int orl_clip_text_of(const struct orl_clip_pdu *pdu, uint32_t format, struct orl_buf *text)
{
    struct orl_rd rd;
    bool is_after_cr = false;
    orl_rd_init(&rd, pdu->body, pdu->len);
    for (;;) {
        uint32_t c = format == ORL_CLIP_UNICODE_TEXT ? next_utf16(&rd) : next_latin1(&rd);
        if (c == 0 || text->is_failed) {
            return text->is_failed ? ORL_E_LIMIT : ORL_OK;
        }
        if (c != '\n' || !is_after_cr) {
            put_utf8(text, c == '\r' ? '\n' : c);
        }
        is_after_cr = c == '\r';
    }
}

size_t orl_clip_response_max(uint32_t max_bytes)
{
    return HEADER_BYTES + 2 * (2 * (size_t)max_bytes + 1);
}

static void put_header(struct orl_buf *buf, enum orl_clip_type type, unsigned flags, size_t len)
{
    orl_buf_put_u16le(buf, (uint16_t)type);
    orl_buf_put_u16le(buf, (uint16_t)flags);
    orl_buf_put_u32le(buf, (uint32_t)len);
}

void orl_clip_put_caps(struct orl_buf *buf)
{
    enum { VERSION_2 = 2 };
    put_header(buf, ORL_CLIP_CAPS, 0, 4 + CAPS_GENERAL_BYTES);
    orl_buf_put_u16le(buf, 1); /* sets */
    orl_buf_put_u16le(buf, 0);
    orl_buf_put_u16le(buf, CAPS_GENERAL);
    orl_buf_put_u16le(buf, CAPS_GENERAL_BYTES);
    orl_buf_put_u32le(buf, VERSION_2);
    orl_buf_put_u32le(buf, LONG_NAMES); /* no files, no locks */
}

void orl_clip_put_ready(struct orl_buf *buf)
{
    put_header(buf, ORL_CLIP_MONITOR_READY, 0, 0);
}

void orl_clip_put_list(struct orl_buf *buf, bool has_text, bool has_long_names)
{
    static const uint8_t no_name[SHORT_NAME_BYTES];
    static const uint32_t formats[] = {ORL_CLIP_UNICODE_TEXT, ORL_CLIP_TEXT};
    size_t count = has_text ? sizeof(formats) / sizeof(formats[0]) : 0;
    size_t name_bytes = has_long_names ? 2 : SHORT_NAME_BYTES;
    put_header(buf, ORL_CLIP_FORMAT_LIST, 0, count * (4 + name_bytes));
    for (size_t i = 0; i < count; i++) {
        orl_buf_put_u32le(buf, formats[i]);
        orl_buf_put(buf, no_name, name_bytes);
    }
}

void orl_clip_put_list_response(struct orl_buf *buf)
{
    put_header(buf, ORL_CLIP_FORMAT_LIST_RESPONSE, ORL_CLIP_OK, 0);
}

void orl_clip_put_request(struct orl_buf *buf, uint32_t format)
{
    put_header(buf, ORL_CLIP_DATA_REQUEST, 0, 4);
    orl_buf_put_u32le(buf, format);
}

static void put_latin1(struct orl_buf *buf, uint32_t c)
{
    orl_buf_put_u8(buf, c > 0xFF ? '?' : (uint8_t)c);
}

static void put_utf16(struct orl_buf *buf, uint32_t c)
{
    if (c >= 0x10000) {
        orl_buf_put_u16le(buf, (uint16_t)(0xD800 + ((c - 0x10000) >> 10)));
        c = 0xDC00 + ((c - 0x10000) & 0x3FF);
    }
    orl_buf_put_u16le(buf, (uint16_t)c);
}

void orl_clip_put_text(struct orl_buf *buf, uint32_t format, const char *text, size_t len)
{
    void (*put)(struct orl_buf *, uint32_t) =
            format == ORL_CLIP_UNICODE_TEXT ? put_utf16 : put_latin1;
    const uint8_t *bytes = (const uint8_t *)text;
    size_t begin = buf->len;
    put_header(buf, ORL_CLIP_DATA_RESPONSE, ORL_CLIP_OK, 0);
    for (size_t at = 0; at < len && !buf->is_failed;) {
        uint32_t c = 0;
        size_t used = orl_utf8_next(bytes + at, len - at, &c);
        at += used > 0 ? used : 1;
        if (c == '\n') {
            put(buf, '\r');
        }
        put(buf, used > 0 ? c : ORL_UTF8_REPLACEMENT);
    }
    put(buf, 0);
    if (!buf->is_failed) {
        uint32_t size = (uint32_t)(buf->len - begin - HEADER_BYTES);
        for (unsigned i = 0; i < 4; i++) {
            buf->data[begin + 4 + i] = (uint8_t)(size >> (8 * i));
        }
    }
}

void orl_clip_put_no_text(struct orl_buf *buf)
{
    put_header(buf, ORL_CLIP_DATA_RESPONSE, ORL_CLIP_FAIL, 0);
}
