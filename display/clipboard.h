/* Clipboard text on its way between a guest and a client, the same three steps in both directions:
 *   OFFER    my side has text now (or none any more); nothing is copied yet
 *   REQUEST  somebody pastes: give me the text of that offer
 *   DATA     here it is, or it cannot be had
 * An offer replaces the one before it; a request for an older one is answered with "cannot be had".
 * Text is UTF-8 without NUL, line ends are LF, at most the policy's cap; each protocol converts at its own edge.
 * Between processes DATA goes in parts (display/link.h), cut and put together here. */
#ifndef ORL_DISPLAY_CLIPBOARD_H
#define ORL_DISPLAY_CLIPBOARD_H
#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_CLIPBOARD_MAX_BYTES (16U << 20) /* no policy allows more */
#define ORL_CLIPBOARD_PART_MAX 7680

enum orl_clipboard_step {
    ORL_CLIPBOARD_NONE = 0,
    ORL_CLIPBOARD_OFFER,
    ORL_CLIPBOARD_REQUEST,
    ORL_CLIPBOARD_DATA,
    ORL_CLIPBOARD_STEP_COUNT
};
struct orl_clipboard {
    enum orl_clipboard_step step;
    uint32_t serial;  /* of the offer; whoever offers counts up, REQUEST and DATA repeat it */
    bool has_text;    /* OFFER: false, the clipboard holds no text. DATA: false, it cannot be had */
    const char *text; /* DATA: borrowed for the call; not NUL-terminated */
    size_t len;
};

/* One step, or a part of a DATA, as it travels. */
struct orl_clipboard_part {
    uint32_t step;
    uint32_t serial;
    uint32_t has_text;
    uint32_t total; /* DATA: bytes of the whole text */
    uint32_t at;    /* DATA: where this part begins */
    const uint8_t *data;
    size_t len; /* <= ORL_CLIPBOARD_PART_MAX */
};
/* In range and fitting together; what comes from another process must pass it. */
bool orl_clipboard_part_is_valid(const struct orl_clipboard_part *part);

/* Parts to steps. max_bytes: of one text; a longer one becomes "cannot be had", its parts are passed over. */
struct orl_clipboard_in {
    uint32_t max_bytes;
    uint32_t serial, total;
    bool is_open; /* a text has begun */
    struct orl_buf text;
};
void orl_clipboard_in_init(struct orl_clipboard_in *in, uint32_t max_bytes);
/* 1: *ret_step is whole, its text borrowed until the next call. 0: more parts follow.
 * ORL_E_PROTO: parts that do not fit, or text that is not UTF-8 or holds a NUL; the peer broke the rules. */
ORL_NODISCARD int orl_clipboard_in_add(struct orl_clipboard_in *in,
        const struct orl_clipboard_part *part, struct orl_clipboard *ret_step, struct orl_err *err);
void orl_clipboard_in_fini(struct orl_clipboard_in *in); /* wiped */
/* As new, wiped: for another peer, or when a text was used and is not to be kept. */
void orl_clipboard_in_reset(struct orl_clipboard_in *in, uint32_t max_bytes);

/* Steps to parts. Holds the newest OFFER, REQUEST and DATA each, until the peer takes them: a later one of the same
 * step replaces what was not begun, so that nothing queues. */
struct orl_clipboard_out {
    struct orl_clipboard_part steps[ORL_CLIPBOARD_STEP_COUNT]; /* step 0: nothing waits */
    struct orl_buf text;
};
void orl_clipboard_out_init(struct orl_clipboard_out *out);
ORL_NODISCARD int orl_clipboard_out_add(
        struct orl_clipboard_out *out, const struct orl_clipboard *step, struct orl_err *err);
/* The part to be sent next, or false. Borrowed until orl_clipboard_out_sent(). */
bool orl_clipboard_out_next(
        const struct orl_clipboard_out *out, struct orl_clipboard_part *ret_part);
void orl_clipboard_out_sent(struct orl_clipboard_out *out, const struct orl_clipboard_part *part);
void orl_clipboard_out_fini(struct orl_clipboard_out *out); /* wiped */

/* Line ends: text with CR LF or CR becomes LF (in place; returns the new length), and LF becomes CR LF (appended
 * to ret_text). For the protocols whose peers write CR LF (MS-RDPECLIP 2.2.5.2.1). */
size_t orl_clipboard_from_crlf(char *text, size_t len);
ORL_NODISCARD int orl_clipboard_to_crlf(const char *text, size_t len, struct orl_buf *ret_text);

#endif
