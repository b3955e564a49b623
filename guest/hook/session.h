/* The person's session: what the template's /etc/oriel/session runs, from its start to its end, also across a
 * restart of this program. Its end is the proof that somebody logged off. */
#ifndef ORL_GUEST_HOOK_SESSION_H
#define ORL_GUEST_HOOK_SESSION_H
#include "base/hook_wire.h"
#include "base/regional.h"
#include "guest/hook/account.h"
#include <sys/types.h>

#define ORL_SESSION_PROGRAM "/etc/oriel/session"
/* The same where the person comes by the guest's own RDP server: that server and who is in by it. */
#define ORL_RDP_PROGRAM "/etc/oriel/rdp"
#define ORL_STATE_DIR "/run/oriel"

struct orl_session {
    struct orl_account account;
    pid_t pid;            /* of the program; 0: no session */
    uint64_t start_ticks; /* of pid: another process of that number is not it */
    int pidfd;            /* readable when it has ended; -1: no session */
    bool has_ended;       /* there was one: "logged_off" */
    bool has_home;
    pid_t prepared;      /* the session that becomes theirs; 0: theirs begins anew */
    const char *home_is; /* "own": this disk's; of a mounted one "new" or "kept" */
    bool is_locked;
    bool is_rdp;              /* ORL_RDP_PROGRAM; the account keeps its secret until it ends */
    char rdp_fingerprint[65]; /* SHA-256 of the server's certificate, in hex */
    uint32_t rdp_port;
    char on_logoff[256];
    uint32_t deadline_s;
};

void orl_session_init(struct orl_session *session);
/* Takes up what an earlier life of this program started; pid stays 0 if there is nothing. */
void orl_session_restore(struct orl_session *session);
/* Starts it for session->account and waits until it says that it is there. NULL, or why not. */
const char *orl_session_start(struct orl_session *session, const struct orl_regional *regional,
        const char *secret, unsigned timeout_ms);
/* Ends it if it runs (is_wanted: the host asked), then what is left of the person: processes, on_logoff, home. */
void orl_session_finish(struct orl_session *session);
/* What hello says: "", "logged_on", "locked", "logged_off". */
const char *orl_session_state(const struct orl_session *session);
/* Environment for programs run on the person's behalf; NULL ends it. Static storage. */
char **orl_session_env(const struct orl_session *session, const struct orl_regional *regional);

#endif
