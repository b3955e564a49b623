/* What vmpool and the program inside a guest (guest/hook) say to each other over the virtio-serial port `oriel`:
 * `VERB SERIAL\n`, `key value\n`..., `.\n`; values are UTF-8, percent-encoded. One byte 0x18 before a verb takes
 * back whatever was begun before it: each side sends it first, as the other may still have half a message of one
 * who is gone. Used inside guests too: libc and base/utf8 only. Not here: what the verbs do (docs/guest.md). */
#ifndef ORL_BASE_HOOK_WIRE_H
#define ORL_BASE_HOOK_WIRE_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_HOOK_PORT "oriel"
#define ORL_HOOK_VERSION 1
#define ORL_HOOK_RESET 0x18
#define ORL_HOOK_MSG_MAX 4096 /* bytes of one message on the wire */
#define ORL_HOOK_BUF_MAX (2 * ORL_HOOK_MSG_MAX)
#define ORL_HOOK_KEYS_MAX 64
#define ORL_HOOK_NAME_MAX 31 /* of a verb or key: a-z 0-9 _ */

/* Holds secrets for a while: orl_hook_msg_wipe(). */
struct orl_hook_msg {
    char verb[ORL_HOOK_NAME_MAX + 1];
    uint64_t serial; /* the host's, said again in the answer; of an event: the guest's own */
    size_t count;
    struct {
        uint16_t key, value; /* where in text */
    } pairs[ORL_HOOK_KEYS_MAX];
    size_t text_len;
    char text[ORL_HOOK_MSG_MAX]; /* decoded, each with its NUL */
    bool is_failed;              /* a put was refused; encode says so */
};

void orl_hook_msg_init(struct orl_hook_msg *msg, const char *verb, uint64_t serial);
/* NULL is taken as ''. A name that is none, a key twice, text that is not UTF-8, or no room: is_failed. */
void orl_hook_msg_put(struct orl_hook_msg *msg, const char *key, const char *value);
void orl_hook_msg_put_u64(struct orl_hook_msg *msg, const char *key, uint64_t value);
/* '' where the key is missing: never NULL. Lives as long as msg. */
const char *orl_hook_msg_get(const struct orl_hook_msg *msg, const char *key);
bool orl_hook_msg_is(const struct orl_hook_msg *msg, const char *verb);
/* False where the key is missing or no plain decimal number. */
bool orl_hook_msg_get_u64(const struct orl_hook_msg *msg, const char *key, uint64_t *ret_value);
/* Bytes written to buf (ORL_HOOK_MSG_MAX), or ORL_E_LIMIT where msg is too large, ORL_E_INVAL where it is_failed. */
ORL_NODISCARD int orl_hook_msg_encode(const struct orl_hook_msg *msg, char *buf);
/* One message from the start of data: bytes used, 0 where its end is missing, or ORL_E_PROTO: then nothing of the
 * stream can be trusted up to the next ORL_HOOK_RESET. *ret_msg is written only when there is one. Keep the bytes
 * of 0; a buffer of ORL_HOOK_BUF_MAX that is full with it is a fault, too. */
ORL_NODISCARD int orl_hook_msg_decode(const void *data, size_t len, struct orl_hook_msg *ret_msg);
void orl_hook_msg_wipe(struct orl_hook_msg *msg);

#endif
