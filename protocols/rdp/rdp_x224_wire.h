/* The X.224 Connection Request, the one PDU that a client sends in clear before TLS: bytes to struct.
 * MS-RDPBCGR 2.2.1.1. No I/O, no policy. */
#ifndef ORL_PROTOCOLS_RDP_RDP_X224_WIRE_H
#define ORL_PROTOCOLS_RDP_RDP_X224_WIRE_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_X224_REQUEST_MAX 259 /* TPKT header, length indicator, 254 bytes (X.224 13.2.1) */

enum { /* requestedProtocols, MS-RDPBCGR 2.2.1.1.1 */
    ORL_X224_PROTOCOL_SSL = 0x1,
    ORL_X224_PROTOCOL_HYBRID = 0x2,
    ORL_X224_PROTOCOL_HYBRID_EX = 0x8
};

struct orl_x224_request {
    char user[ORL_X224_REQUEST_MAX];  /* of "Cookie: mstshash=", as sent (clients cut it); or "" */
    char route[ORL_X224_REQUEST_MAX]; /* any other routing token or load-balance text; or "" */
    bool has_nego;                    /* false: a client that knows only standard RDP security */
    uint8_t flags;                    /* of RDP_NEG_REQ */
    uint32_t protocols;               /* ORL_X224_PROTOCOL_*; may hold other bits */
};

/* Returns the bytes of the whole PDU, 0: more are needed, ORL_E_PROTO. *ret_request is written only when the PDU is whole.
 * Text that is not printable ASCII is a fault. */
ORL_NODISCARD int orl_x224_parse_request(
        const void *data, size_t len, struct orl_x224_request *ret_request);

#endif
