/* One client's session: its viewer, the picture that it sees, and the gateway that says which. Runs in
 * the sandbox. */
#ifndef ORL_SESSION_SESSION_H
#define ORL_SESSION_SESSION_H
#include "base/loop.h"
#include "display/viewer.h"

struct orl_session;
struct orl_session_opts {
    int control_fd;    /* taken, also on failure */
    unsigned threads;  /* for encoding */
    uint32_t silent_s; /* as START has it */
};
ORL_NODISCARD int orl_session_new(struct orl_loop *loop, const struct orl_session_opts *opts,
        struct orl_session **ret_session, struct orl_err *err);
/* For whoever makes the viewer; ctx is the session. */
const struct orl_viewer_events *orl_session_viewer_events(void);
/* Takes the viewer. */
ORL_NODISCARD int orl_session_set_viewer(
        struct orl_session *session, const struct orl_viewer_handle *viewer, struct orl_err *err);
void orl_session_free(struct orl_session *session);

#endif
