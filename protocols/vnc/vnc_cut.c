#include "protocols/vnc/vnc_cut.h"
#include "base/rd.h"
#include "base/utf8.h"
#include "display/clipboard.h"
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

enum {
    FORMAT_TEXT = 1,
    ACTION_CAPS = 1 << 24,
    ACTION_REQUEST = 1 << 25,
    ACTION_PEEK = 1 << 26,
    ACTION_NOTIFY = 1 << 27,
    ACTION_PROVIDE = 1 << 28
};
#define FLAGS_BYTES 4U
#define UNKNOWN '?'
#define INFLATE_CHUNK 65536U
#define FLUSH_BYTES 16
#define SERVER_EXTRA_BYTES 4096U /* beside two bytes for each of a text's */

/* Latin-1 as UTF-8. */
static void take_plain(struct orl_vnc_cut *cut, const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len && data[i] != '\0'; i++) {
        if (data[i] < 0x80) {
            orl_buf_put_u8(&cut->text, data[i]);
        } else {
            orl_buf_put_u8(&cut->text, (uint8_t)(0xC0 | data[i] >> 6));
            orl_buf_put_u8(&cut->text, (uint8_t)(0x80 | (data[i] & 0x3F)));
        }
    }
    cut->has_text = true;
}

/* Grows as the bytes come, not by the peer's word. */
static bool inflate_bytes(struct orl_vnc_cut *cut, z_stream *z, size_t size)
{
    while (cut->text.len < size) {
        size_t left = size - cut->text.len;
        size_t chunk = left < INFLATE_CHUNK ? left : INFLATE_CHUNK;
        z->next_out = orl_buf_extend(&cut->text, chunk);
        z->avail_out = (uInt)chunk;
        int rc = z->next_out != NULL ? inflate(z, Z_SYNC_FLUSH) : Z_MEM_ERROR;
        if ((rc != Z_OK && rc != Z_STREAM_END) || z->avail_out > 0) {
            return false;
        }
    }
    return true;
}

/* A zlib stream of: u32 length, text with a NUL at its end; other formats may follow. */
static int inflate_text(struct orl_vnc_cut *cut, const uint8_t *data, size_t len)
{
    z_stream z = {.next_in = (Bytef *)(uintptr_t)data, .avail_in = (uInt)len};
    uint8_t head[4] = {0};
    if (inflateInit(&z) != Z_OK) {
        return ORL_E_NOMEM;
    }
    z.next_out = head;
    z.avail_out = sizeof(head);
    int rc = inflate(&z, Z_SYNC_FLUSH);
    struct orl_rd rd;
    orl_rd_init(&rd, head, sizeof(head));
    uint32_t size = orl_rd_u32be(&rd);
    bool is_ok = (rc == Z_OK || rc == Z_STREAM_END) && z.avail_out == 0;
    if (is_ok && size <= ORL_CLIPBOARD_MAX_BYTES) {
        cut->has_text = inflate_bytes(cut, &z, size);
    }
    (void)inflateEnd(&z);
    return is_ok ? ORL_OK : ORL_E_PROTO;
}

/* As it travels inside: no NUL, LF, UTF-8. */
static void clean_text(struct orl_vnc_cut *cut)
{
    const uint8_t *end = cut->text.len > 0 ? memchr(cut->text.data, '\0', cut->text.len) : NULL;
    if (end != NULL) {
        cut->text.len = (size_t)(end - cut->text.data);
    }
    if (cut->text.len > 0) {
        cut->text.len = orl_clipboard_from_crlf((char *)cut->text.data, cut->text.len);
    }
    if (cut->text.is_failed || !orl_utf8_is_valid(cut->text.data, cut->text.len)) {
        cut->has_text = false;
    }
    if (!cut->has_text) {
        orl_buf_wipe(&cut->text);
        cut->text.len = 0;
    }
}

static int take_extended(struct orl_vnc_cut *cut, const uint8_t *data, size_t len)
{
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    uint32_t flags = orl_rd_u32be(&rd);
    if (rd.is_failed) {
        return ORL_E_PROTO;
    }
    cut->has_text = (flags & FORMAT_TEXT) != 0;
    if ((flags & ACTION_CAPS) != 0) {
        cut->kind = ORL_VNC_CUT_CAPS;
        cut->takes_notify = (flags & ACTION_NOTIFY) != 0;
    } else if ((flags & ACTION_REQUEST) != 0) {
        cut->kind = ORL_VNC_CUT_REQUEST;
    } else if ((flags & ACTION_PEEK) != 0) {
        cut->kind = ORL_VNC_CUT_PEEK;
    } else if ((flags & ACTION_NOTIFY) != 0) {
        cut->kind = ORL_VNC_CUT_NOTIFY;
    } else if ((flags & ACTION_PROVIDE) != 0) {
        cut->kind = ORL_VNC_CUT_PROVIDE;
        bool is_text = cut->has_text;
        cut->has_text = false;
        return is_text ? inflate_text(cut, data + FLAGS_BYTES, len - FLAGS_BYTES) : ORL_OK;
    } else {
        return ORL_E_PROTO;
    }
    return ORL_OK;
}

int orl_vnc_cut_decode(
        const uint8_t *data, size_t len, bool is_extended, struct orl_vnc_cut **ret_cut)
{
    struct orl_vnc_cut *cut = calloc(1, sizeof(*cut));
    if (cut == NULL) {
        return ORL_E_NOMEM;
    }
    cut->kind = ORL_VNC_CUT_PLAIN;
    orl_buf_init(&cut->text, ORL_CLIPBOARD_MAX_BYTES);
    int rc = ORL_OK;
    if (is_extended) {
        rc = take_extended(cut, data, len);
    } else {
        take_plain(cut, data, len);
    }
    if (rc < 0) {
        orl_vnc_cut_free(cut);
        return rc;
    }
    if (cut->kind == ORL_VNC_CUT_PLAIN || cut->kind == ORL_VNC_CUT_PROVIDE) {
        clean_text(cut);
    }
    *ret_cut = cut;
    return ORL_OK;
}

void orl_vnc_cut_free(struct orl_vnc_cut *cut)
{
    if (cut != NULL) {
        orl_buf_wipe(&cut->text);
        orl_buf_fini(&cut->text);
        free(cut);
    }
}

static void put_head(struct orl_buf *buf, enum orl_vnc_cut_from from, uint32_t length)
{
    orl_buf_put_u8(buf, (uint8_t)from);
    orl_buf_put_u8(buf, 0);
    orl_buf_put_u16be(buf, 0);
    orl_buf_put_u32be(buf, length);
}

static void put_extended_head(
        struct orl_buf *buf, enum orl_vnc_cut_from from, uint32_t flags, size_t rest_len)
{
    put_head(buf, from, 0U - (uint32_t)(FLAGS_BYTES + rest_len));
    orl_buf_put_u32be(buf, flags);
}

void orl_vnc_cut_put_caps(struct orl_buf *buf, enum orl_vnc_cut_from from)
{
    put_extended_head(buf, from,
            ACTION_CAPS | ACTION_REQUEST | ACTION_PEEK | ACTION_NOTIFY | ACTION_PROVIDE |
                    FORMAT_TEXT,
            sizeof(uint32_t));
    orl_buf_put_u32be(buf, 0); /* of text, nothing unasked */
}

void orl_vnc_cut_put_notify(struct orl_buf *buf, enum orl_vnc_cut_from from, bool has_text)
{
    put_extended_head(buf, from, ACTION_NOTIFY | (has_text ? (uint32_t)FORMAT_TEXT : 0U), 0);
}

void orl_vnc_cut_put_request(struct orl_buf *buf, enum orl_vnc_cut_from from)
{
    put_extended_head(buf, from, ACTION_REQUEST | FORMAT_TEXT, 0);
}

/* A client's is not compressed: its display is on this host or near. Flushed and not finished: libvncserver 0.9.14
 * takes the end of the stream for an error. */
static bool pack(
        const struct orl_buf *plain, enum orl_vnc_cut_from from, struct orl_buf *ret_packed)
{
    const int level = from == ORL_VNC_CUT_BY_SERVER ? Z_BEST_SPEED : Z_NO_COMPRESSION;
    z_stream z = {.next_in = plain->data, .avail_in = (uInt)plain->len};
    if (plain->is_failed || deflateInit(&z, level) != Z_OK) {
        return false;
    }
    size_t bound = deflateBound(&z, plain->len) + FLUSH_BYTES;
    z.next_out = orl_buf_extend(ret_packed, bound);
    z.avail_out = z.next_out != NULL ? (uInt)bound : 0;
    bool is_ok = z.next_out != NULL && deflate(&z, Z_SYNC_FLUSH) == Z_OK && z.avail_in == 0 &&
                 z.avail_out > 0;
    ret_packed->len = is_ok ? z.total_out : 0;
    (void)deflateEnd(&z);
    return is_ok;
}

static void put_sized_text(struct orl_buf *plain, const char *text, size_t len, bool is_raw)
{
    orl_buf_put_u32be(plain, 0);
    if (is_raw) {
        orl_buf_put(plain, text, len);
    } else if (orl_clipboard_to_crlf(text, len, plain) == ORL_OK) {
        orl_buf_put_u8(plain, 0);
    }
    for (unsigned i = 0; i < FLAGS_BYTES && !plain->is_failed; i++) {
        plain->data[i] = (uint8_t)((plain->len - FLAGS_BYTES) >> (24 - 8 * i));
    }
}

bool orl_vnc_cut_put_provide(
        struct orl_buf *buf, enum orl_vnc_cut_from from, const char *text, size_t len, bool is_raw)
{
    const size_t max_bytes =
            from == ORL_VNC_CUT_BY_CLIENT ? ORL_VNC_CUT_MAX_BYTES : 2 * len + SERVER_EXTRA_BYTES;
    struct orl_buf plain;
    struct orl_buf packed;
    orl_buf_init(&plain, max_bytes);
    orl_buf_init(&packed, max_bytes - FLAGS_BYTES);
    put_sized_text(&plain, text, len, is_raw);
    bool is_ok = pack(&plain, from, &packed);
    if (is_ok) {
        put_extended_head(buf, from, ACTION_PROVIDE | FORMAT_TEXT, packed.len);
        orl_buf_put(buf, packed.data, packed.len);
    }
    orl_buf_wipe(&plain);
    orl_buf_fini(&plain);
    orl_buf_wipe(&packed);
    orl_buf_fini(&packed);
    return is_ok;
}

void orl_vnc_cut_put_plain(
        struct orl_buf *buf, enum orl_vnc_cut_from from, const char *text, size_t len)
{
    struct orl_buf latin1;
    orl_buf_init(&latin1, len > 0 ? len : 1);
    for (size_t at = 0, step = 1; at < len && step > 0; at += step) {
        uint32_t c = 0;
        step = orl_utf8_next((const uint8_t *)text + at, len - at, &c);
        orl_buf_put_u8(&latin1, c <= 0xFF ? (uint8_t)c : UNKNOWN);
    }
    if (!latin1.is_failed) {
        put_head(buf, from, (uint32_t)latin1.len);
        orl_buf_put(buf, latin1.data, latin1.len);
    }
    orl_buf_wipe(&latin1);
    orl_buf_fini(&latin1);
}
