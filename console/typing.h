/* Characters that a PC keyboard has no key for (an input method's, an accent's, an emoji): they go into the guest as a
 * paste. The guest's own copied text is fetched before and offered again after it; keys typed meanwhile wait, so that
 * the order stays. For sources that know keys only; others take keysyms as they are. */
#ifndef ORL_CONSOLE_TYPING_H
#define ORL_CONSOLE_TYPING_H
#include "base/loop.h"
#include "display/clipboard.h"
#include "display/input.h"

#define ORL_TYPING_MAX_BYTES 8192 /* of one paste, UTF-8 */
#define ORL_TYPING_HELD_MAX 256

struct orl_typing_events {
    void (*to_source)(void *ctx, const struct orl_input *input);
    void (*to_exchange)(void *ctx, const struct orl_clipboard *step);
    void (*give_back)(void *ctx); /* the clipboard is whose it was before the offer */
    bool (*is_ours)(void *ctx);   /* nobody offered since */
};
enum orl_typing_state {
    ORL_TYPING_IDLE = 0,
    ORL_TYPING_COLLECTING, /* more characters may come at once */
    ORL_TYPING_FETCHING,   /* the guest's own text, which the paste would take the place of */
    ORL_TYPING_OFFERED,    /* the guest hears that there is text */
    ORL_TYPING_PASTED,     /* the paste key was pressed */
};
struct orl_typing {
    const struct orl_typing_events *events;
    void *ctx;
    struct orl_timer *timer;
    enum orl_typing_state state;
    bool is_possible;     /* the guest takes text */
    struct orl_buf text;  /* to be pasted */
    struct orl_buf saved; /* the guest's own */
    bool is_offering_saved;
    bool has_guest_text, was_asked;
    uint64_t settle_us; /* from the offer to the key */
    uint64_t pasted_us;
    uint32_t guest_serial, serial;
    bool is_down[ORL_SCANCODE_EXTENDED * 2]; /* keys, by scancode */
    struct orl_input held[ORL_TYPING_HELD_MAX];
    unsigned held_count, downs_held;
};
ORL_NODISCARD int orl_typing_init(struct orl_typing *typing, struct orl_loop *loop,
        const struct orl_typing_events *events, void *ctx, struct orl_err *err);
void orl_typing_set_possible(struct orl_typing *typing, bool is_possible);
/* All input of all sessions passes here, to to_source, now or later. */
void orl_typing_input(struct orl_typing *typing, const struct orl_input *input);
/* What the exchange says to it as to one of its links. */
void orl_typing_clipboard(struct orl_typing *typing, const struct orl_clipboard *step);
void orl_typing_fini(struct orl_typing *typing);

#endif
