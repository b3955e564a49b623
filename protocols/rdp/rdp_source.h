/* An RDP server as a source (display/source.h), over FreeRDP 3's client: TLS or NLA to a server whose certificate is
 * known. FreeRDP's handshake blocks, so it runs in a thread; everything after it runs on the loop.
 * Not here: connecting (vmpool), which account (the store). */
#ifndef ORL_PROTOCOLS_RDP_RDP_SOURCE_H
#define ORL_PROTOCOLS_RDP_RDP_SOURCE_H
#include "display/source.h"

struct orl_rdp_source_opts {
    int fd; /* a connected stream socket; taken, also on failure */
    /* Borrowed for the call. */
    const char *user, *domain, *password; /* the desktop's own account; may be empty */
    const char
            *fingerprint; /* SHA-256 of the server's certificate, 64 hex digits, colons allowed */
};

/* Once per process, before the sandbox: what the libraries must load or open. */
ORL_NODISCARD int orl_rdp_source_prepare(struct orl_err *err);
/* Two spellings of one SHA-256? Empty ones are nobody's. */
bool orl_rdp_fingerprint_is_equal(const char *a, const char *b);
/* Connects when the first layout is known, or a second later. Starts a thread: after the sandbox. events are called
 * from the loop only, never from here. */
ORL_NODISCARD int orl_rdp_source_new(struct orl_loop *loop, const struct orl_rdp_source_opts *opts,
        const struct orl_source_events *events, void *ctx, struct orl_source_handle *ret_handle,
        struct orl_err *err);

#endif
