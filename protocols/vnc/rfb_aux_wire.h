/* What a browser's page and its session say to each other beside RFB, as datagrams: one kind in the first byte, little
 * endian after it.
 *   session -> page: SOUND_FORMAT u8 codec, u8 channels, u32 rate_hz · SOUND u32 stamp_ms, data · STATS JSON ·
 *                   NOTICE text that is written on the picture, UTF-8; empty: none any more
 *   page -> session: HELLO u8 version, u8 codecs it can play · TEXT typed, UTF-8 · QUALITY u8 · STATS_WANTED u8
 * Not here: what comes of them (rfb_aux.h). */
#ifndef ORL_VNC_RFB_AUX_WIRE_H
#define ORL_VNC_RFB_AUX_WIRE_H
#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_AUX_MAX_BYTES 16384 /* of one datagram, in both directions */
#define ORL_AUX_TEXT_MAX 4096
#define ORL_AUX_VERSION 1

enum { ORL_AUX_CODEC_OPUS = 1, ORL_AUX_CODEC_PCM = 2 }; /* PCM: s16le; HELLO has a bit for each */
enum orl_aux_quality {
    ORL_AUX_QUALITY_AUTO = 0,
    ORL_AUX_QUALITY_SHARP,  /* nothing that loses */
    ORL_AUX_QUALITY_SAVING, /* a bounded rate */
    ORL_AUX_QUALITY_COUNT
};
enum orl_aux_type {
    ORL_AUX_NONE = 0,
    ORL_AUX_HELLO,
    ORL_AUX_TEXT,
    ORL_AUX_QUALITY,
    ORL_AUX_STATS_WANTED
};
struct orl_aux_msg {
    enum orl_aux_type type;
    union {
        uint8_t codecs; /* HELLO: ORL_AUX_CODEC_* */
        struct {
            const char *data; /* borrowed; valid UTF-8 without NUL */
            size_t len;
        } text;
        enum orl_aux_quality quality;
        bool is_wanted;
    } u;
};
/* ORL_E_PROTO: not one of them. */
ORL_NODISCARD int orl_aux_parse(const uint8_t *data, size_t len, struct orl_aux_msg *ret_msg);

void orl_aux_put_sound_format(
        struct orl_buf *buf, uint8_t codec, uint8_t channels, uint32_t rate_hz);
void orl_aux_put_sound(struct orl_buf *buf, uint32_t stamp_ms, const void *data, size_t len);
void orl_aux_put_stats(struct orl_buf *buf, const char *json);
void orl_aux_put_notice(struct orl_buf *buf, const char *text);

#endif
