/* RDP 8 bulk compression (MS-RDPEGFX 2.2.5, 3.1.9.1): literals and matches against what was sent before. One per
 * connection: the decoder's history follows every message, compressed or not.
 * The history mixes what a viewer may not know with what a web page may choose: docs/security.md. */
#ifndef ORL_PROTOCOLS_RDP_RDP_ZGFX_H
#define ORL_PROTOCOLS_RDP_RDP_ZGFX_H
#include "base/buf.h"
#include <stdbool.h>

struct orl_zgfx; /* opaque; one owner; 1.8 MB */

ORL_NODISCARD int orl_zgfx_new(struct orl_zgfx **ret_zgfx);
void orl_zgfx_free(struct orl_zgfx *zgfx); /* NULL is fine */

/* Appends RDP_SEGMENTED_DATA (2.2.5.1) for one message of at least a byte to out. try_hard false: stored, for data that is compressed
 * already. Segments that would not shrink are stored. At most 65535 segments. */
void orl_zgfx_wrap(
        struct orl_zgfx *zgfx, struct orl_buf *out, const uint8_t *data, size_t len, bool try_hard);

#endif
