/* Keys and pointer on their way from the client to the console: in order, mapped into the source's
 * picture, and bounded: a console that does not read costs pointer moves, never keys without a
 * release. */
#ifndef ORL_SESSION_INPUT_H
#define ORL_SESSION_INPUT_H
#include "display/input.h"
#include "display/layout.h"
#include "session/picture.h"

#define ORL_SESSION_INPUT_MAX 64

struct orl_session_input {
    struct orl_picture *picture; /* borrowed */
    struct orl_input queue[ORL_SESSION_INPUT_MAX];
    unsigned count;
    struct orl_layout layout;
    bool is_layout_due;  /* the link did not take it yet */
    bool is_view_only;   /* nothing of the client goes there */
    bool has_overflowed; /* keys were lost: all are released before anything else goes */
};
void orl_session_input_init(struct orl_session_input *in, struct orl_picture *picture);
/* The client's monitors, for a console whether or not its picture is shown yet. */
void orl_session_input_layout(struct orl_session_input *in, const struct orl_layout *layout);
/* Dropped when no console's picture is shown, but for releases. */
void orl_session_input_send(struct orl_session_input *in, const struct orl_input *input);
void orl_session_input_flush(struct orl_session_input *in); /* the link takes more */
void orl_session_input_clear(struct orl_session_input *in); /* another link */

#endif
