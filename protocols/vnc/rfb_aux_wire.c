#include "protocols/vnc/rfb_aux_wire.h"
#include "base/rd.h"
#include "base/utf8.h"
#include <string.h>

enum { PAGE_HELLO = 1, PAGE_TEXT = 2, PAGE_QUALITY = 3, PAGE_STATS_WANTED = 4 };
enum { SESSION_SOUND_FORMAT = 1, SESSION_SOUND = 2, SESSION_STATS = 3, SESSION_NOTICE = 4 };
enum { CODECS_ALL = ORL_AUX_CODEC_OPUS | ORL_AUX_CODEC_PCM };

static bool take_text(struct orl_rd *rd, struct orl_aux_msg *msg)
{
    msg->type = ORL_AUX_TEXT;
    msg->u.text.len = orl_rd_left(rd);
    msg->u.text.data = (const char *)orl_rd_bytes(rd, msg->u.text.len);
    return msg->u.text.len >= 1 && msg->u.text.len <= ORL_AUX_TEXT_MAX &&
           orl_utf8_is_valid(msg->u.text.data, msg->u.text.len);
}

static bool take(struct orl_rd *rd, struct orl_aux_msg *msg)
{
    switch (orl_rd_u8(rd)) {
    case PAGE_HELLO: {
        msg->type = ORL_AUX_HELLO;
        const bool is_known = orl_rd_u8(rd) == ORL_AUX_VERSION;
        msg->u.codecs = orl_rd_u8(rd) & CODECS_ALL;
        return is_known;
    }
    case PAGE_TEXT:
        return take_text(rd, msg);
    case PAGE_QUALITY: {
        const uint8_t quality = orl_rd_u8(rd);
        msg->type = ORL_AUX_QUALITY;
        msg->u.quality = (enum orl_aux_quality)quality;
        return quality < ORL_AUX_QUALITY_COUNT;
    }
    case PAGE_STATS_WANTED:
        msg->type = ORL_AUX_STATS_WANTED;
        msg->u.is_wanted = orl_rd_u8(rd) != 0;
        return true;
    default:
        return false;
    }
}

int orl_aux_parse(const uint8_t *data, size_t len, struct orl_aux_msg *ret_msg)
{
    struct orl_aux_msg msg = {.type = ORL_AUX_NONE};
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    if (!take(&rd, &msg) || rd.is_failed || orl_rd_left(&rd) > 0) {
        return ORL_E_PROTO;
    }
    *ret_msg = msg;
    return ORL_OK;
}

void orl_aux_put_sound_format(
        struct orl_buf *buf, uint8_t codec, uint8_t channels, uint32_t rate_hz)
{
    orl_buf_put_u8(buf, SESSION_SOUND_FORMAT);
    orl_buf_put_u8(buf, codec);
    orl_buf_put_u8(buf, channels);
    orl_buf_put_u32le(buf, rate_hz);
}

void orl_aux_put_sound(struct orl_buf *buf, uint32_t stamp_ms, const void *data, size_t len)
{
    orl_buf_put_u8(buf, SESSION_SOUND);
    orl_buf_put_u32le(buf, stamp_ms);
    orl_buf_put(buf, data, len);
}

void orl_aux_put_stats(struct orl_buf *buf, const char *json)
{
    orl_buf_put_u8(buf, SESSION_STATS);
    orl_buf_put(buf, json, strlen(json));
}

void orl_aux_put_notice(struct orl_buf *buf, const char *text)
{
    orl_buf_put_u8(buf, SESSION_NOTICE);
    orl_buf_put(buf, text, strlen(text));
}
