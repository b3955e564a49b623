/* The clipboard's PDUs (MS-RDPECLIP 2.2), bytes to structs and back. Text formats only. Format names are long ones when
 * both sides know them (2.2.2.1.1.1), else short ones. No I/O, no policy. */
#ifndef ORL_PROTOCOLS_RDP_RDP_CLIPBOARD_WIRE_H
#define ORL_PROTOCOLS_RDP_RDP_CLIPBOARD_WIRE_H
#include "base/buf.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum orl_clip_type { /* 2.2.1 */
    ORL_CLIP_MONITOR_READY = 1,
    ORL_CLIP_FORMAT_LIST = 2,
    ORL_CLIP_FORMAT_LIST_RESPONSE = 3,
    ORL_CLIP_DATA_REQUEST = 4,
    ORL_CLIP_DATA_RESPONSE = 5,
    ORL_CLIP_CAPS = 7
};
enum { ORL_CLIP_OK = 1, ORL_CLIP_FAIL = 2 }; /* msgFlags */
enum { ORL_CLIP_NO_FORMAT = 0, ORL_CLIP_TEXT = 1, ORL_CLIP_UNICODE_TEXT = 13 };

struct orl_clip_pdu {
    uint16_t type; /* enum orl_clip_type, or one that we do not know */
    uint16_t flags;
    const uint8_t *body;
    size_t len;
};
ORL_NODISCARD int orl_clip_parse(const uint8_t *data, size_t len, struct orl_clip_pdu *ret_pdu);
/* Of a CAPS: whether the client knows long names. */
bool orl_clip_has_long_names(const struct orl_clip_pdu *pdu);
/* Of a FORMAT_LIST: the better text format in it, or ORL_CLIP_NO_FORMAT. */
uint32_t orl_clip_listed_text(const struct orl_clip_pdu *pdu, bool has_long_names);
/* Of a DATA_REQUEST. */
ORL_NODISCARD int orl_clip_requested(const struct orl_clip_pdu *pdu, uint32_t *ret_format);
/* Of a DATA_RESPONSE: UTF-8 with LF, up to its NUL; half a character becomes U+FFFD. ORL_E_LIMIT: longer than text's
 * cap. Text is in the client's own code page in ORL_CLIP_TEXT, which is not said: taken as Latin-1. */
ORL_NODISCARD int orl_clip_text_of(
        const struct orl_clip_pdu *pdu, uint32_t format, struct orl_buf *text);
/* The longest DATA_RESPONSE whose text may have max_bytes: every one of them a line end. */
size_t orl_clip_response_max(uint32_t max_bytes);

/* A message each. */
void orl_clip_put_caps(struct orl_buf *buf);
void orl_clip_put_ready(struct orl_buf *buf);
void orl_clip_put_list(struct orl_buf *buf, bool has_text, bool has_long_names);
void orl_clip_put_list_response(struct orl_buf *buf);
void orl_clip_put_request(struct orl_buf *buf, uint32_t format);
void orl_clip_put_text(struct orl_buf *buf, uint32_t format, const char *text, size_t len);
void orl_clip_put_no_text(struct orl_buf *buf);

#endif
