#include "protocols/rdp/rdp_x224_wire.h"
#include "base/rd.h"
#include <string.h>

enum {
    TPKT_VERSION = 3,
    TPKT_BYTES = 4,
    X224_CR = 0xE0,     /* upper half; the lower one is the credit, 0 */
    X224_CR_MIN_LI = 6, /* code, two references, class */
    NEG_REQ_TYPE = 1,
    NEG_REQ_BYTES = 8,
    CORRELATION_TYPE = 6,
    CORRELATION_BYTES = 36
};
static const char COOKIE_USER[] = "Cookie: mstshash=";

/* The line's length without its CR LF, or -1 when there is no whole line. */
static int line_length(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if (data[i] == '\r' && data[i + 1] == '\n') {
            return (int)i;
        }
    }
    return -1;
}

static bool is_printable(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (data[i] < 0x20 || data[i] > 0x7E) {
            return false;
        }
    }
    return true;
}

static int parse_token(struct orl_rd *rd, struct orl_x224_request *request)
{
    const int length = line_length(rd->data + rd->at, orl_rd_left(rd));
    if (length < 0) {
        return 0; /* no token: what follows is RDP_NEG_REQ or nothing */
    }
    const size_t size = (size_t)length;
    const uint8_t *line = orl_rd_bytes(rd, size);
    orl_rd_skip(rd, 2);
    if (line == NULL || !is_printable(line, size)) {
        return ORL_E_PROTO;
    }
    const size_t prefix = sizeof(COOKIE_USER) - 1;
    if (size >= prefix && memcmp(line, COOKIE_USER, prefix) == 0) {
        memcpy(request->user, line + prefix, size - prefix);
    } else {
        memcpy(request->route, line, size);
    }
    return 0;
}

static int parse_nego(struct orl_rd *rd, struct orl_x224_request *request)
{
    if (orl_rd_left(rd) == 0) {
        return 0;
    }
    if (orl_rd_u8(rd) != NEG_REQ_TYPE) {
        return ORL_E_PROTO;
    }
    request->flags = orl_rd_u8(rd);
    const uint16_t length = orl_rd_u16le(rd);
    request->protocols = orl_rd_u32le(rd);
    if (rd->is_failed || length != NEG_REQ_BYTES) {
        return ORL_E_PROTO;
    }
    request->has_nego = true;
    if (orl_rd_left(rd) == 0) {
        return 0;
    }
    const uint8_t type = orl_rd_u8(rd);
    orl_rd_skip(rd, 1);
    const uint16_t correlation = orl_rd_u16le(rd);
    orl_rd_skip(rd, CORRELATION_BYTES - 4);
    if (rd->is_failed || type != CORRELATION_TYPE || correlation != CORRELATION_BYTES ||
            orl_rd_left(rd) != 0) {
        return ORL_E_PROTO;
    }
    return 0;
}

int orl_x224_parse_request(const void *data, size_t len, struct orl_x224_request *ret_request)
{
    const uint8_t *bytes = data;
    /* Refuse a foreign protocol at its first byte: nobody shall wait for the rest of it. */
    if (len >= 1 && bytes[0] != TPKT_VERSION) {
        return ORL_E_PROTO;
    }
    if (len < TPKT_BYTES) {
        return 0;
    }
    const size_t total = (size_t)bytes[2] << 8 | bytes[3];
    if (total < TPKT_BYTES + 1 + X224_CR_MIN_LI || total > ORL_X224_REQUEST_MAX) {
        return ORL_E_PROTO;
    }
    if (len < total) {
        return 0;
    }
    struct orl_rd rd;
    orl_rd_init(&rd, bytes + TPKT_BYTES, total - TPKT_BYTES);
    const uint8_t indicator = orl_rd_u8(&rd);
    const uint8_t code = orl_rd_u8(&rd);
    orl_rd_skip(&rd, 4); /* both references */
    const uint8_t options = orl_rd_u8(&rd);
    if (rd.is_failed || indicator != total - TPKT_BYTES - 1 || (code & 0xF0) != X224_CR ||
            options != 0) {
        return ORL_E_PROTO;
    }
    struct orl_x224_request request = {0};
    if (parse_token(&rd, &request) < 0 || parse_nego(&rd, &request) < 0) {
        return ORL_E_PROTO;
    }
    *ret_request = request;
    return (int)total;
}
