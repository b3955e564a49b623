/* The person's word on who wants to look at their desktop: the question or the notice in the band, and the keys and
 * clicks that answer it and never reach the guest.
 * Not here: who may ask, and what an answer does (broker/watching.h). */
#ifndef ORL_SESSION_CONSENT_H
#define ORL_SESSION_CONSENT_H
#include "session/band.h"

#define ORL_CONSENT_READ_US (2 * ORL_US_PER_S) /* nobody has read a question sooner: no yes */

typedef void (*orl_consent_answer_fn)(void *ctx, const struct orl_msg_consent *answer);
struct orl_consent {
    struct orl_picture *picture; /* borrowed */
    struct orl_band *band;       /* borrowed */
    orl_consent_answer_fn answer;
    void *ctx;
    struct orl_msg_consent asked;
    struct { /* of the band's text, in characters */
        int from, to;
    } allow, refuse;
    uint64_t shown_us;
    unsigned modifiers; /* that are down */
    uint32_t held_key;  /* pressed as an answer: its release is not the guest's either; 0: none */
    uint32_t buttons;   /* that are down */
    bool is_click_ours; /* until all buttons are up */
    bool is_ending;     /* who looks was told to go, and the broker has not said that they did */
};
void orl_consent_init(struct orl_consent *consent, struct orl_picture *picture,
        struct orl_band *band, orl_consent_answer_fn answer, void *ctx);
void orl_consent_show(struct orl_consent *consent, const struct orl_msg_consent *msg);
/* All of the client's input passes here, positions as the client sees them. True: it is not the guest's. */
bool orl_consent_on_input(struct orl_consent *consent, const struct orl_input *input);

#endif
