/* Clipboard and sound between the viewer and the console's link: what policy lets pass, asked and answered in time, told
 * anew to a console that takes over. Nothing is offered to one side that the other does not have any more. */
#ifndef ORL_SESSION_ASIDE_H
#define ORL_SESSION_ASIDE_H
#include "display/permit.h"
#include "display/viewer.h"
#include "session/picture.h"

#define ORL_ASIDE_ANSWER_US                                                                        \
    UINT64_C(5000000) /* a guest that says nothing for so long has no text */

struct orl_aside {
    struct orl_loop *loop;
    struct orl_picture *picture;     /* borrowed */
    struct orl_viewer_handle viewer; /* ops NULL: none yet */
    struct orl_viewer_caps caps;
    struct orl_permit permit; /* nothing until the plan comes */
    struct orl_timer *timer;  /* for the guest's answer */
    struct orl_clipboard_in in;
    struct orl_clipboard_out out;
    uint32_t guest_offer; /* 0: none */
    uint32_t asked;       /* the guest's offer whose text the client waits for; 0: none */
    uint32_t client_offer;
    bool client_has_text;
    uint32_t wanted; /* the client's offer whose text the guest waits for; 0: none */
    bool is_told;    /* the link's console knows what we want */
};
ORL_NODISCARD int orl_aside_init(struct orl_aside *aside, struct orl_loop *loop,
        struct orl_picture *picture, struct orl_err *err);
/* The client is ready (and can this), under this policy. Again when either changes. */
void orl_aside_set(struct orl_aside *aside, const struct orl_viewer_handle *viewer,
        const struct orl_viewer_caps *caps, const struct orl_permit *permit);
/* CLIPBOARD or SOUND of the link. Negative: the console broke the rules. */
ORL_NODISCARD int orl_aside_on_link(struct orl_aside *aside, const struct orl_link_msg *msg);
void orl_aside_on_client(struct orl_aside *aside, const struct orl_clipboard *step);
void orl_aside_attached(struct orl_aside *aside); /* there is a new link */
void orl_aside_lost(struct orl_aside *aside);     /* the link is gone */
void orl_aside_flush(struct orl_aside *aside);    /* the link takes more */
void orl_aside_fini(struct orl_aside *aside);

#endif
