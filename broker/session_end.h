/* When a session ends by its pool's policy, and what its person is told before. Pure: clock and facts are given. */
#ifndef ORL_BROKER_SESSION_END_H
#define ORL_BROKER_SESSION_END_H
#include "base/ipc_msgs.h"
#include "store/pool.h"

#define ORL_END_NEVER UINT32_MAX

struct orl_session_facts {
    uint64_t now_ms, started_ms, last_input_ms; /* wall clock */
    uint32_t hours_left_s; /* of the allowed hours; ORL_END_NEVER: they do not end soon */
    bool is_connected;     /* who is not there has no input to miss */
};
enum orl_end_stage { ORL_END_FAR = 0, ORL_END_FIRST_WARNING, ORL_END_LAST_WARNING, ORL_END_NOW };
struct orl_session_end {
    enum orl_end_stage stage;
    enum orl_reason reason; /* of the end that comes first; NONE: FAR */
    uint32_t left_s;        /* ORL_END_NEVER: none in sight */
};
struct orl_session_end orl_session_end_next(
        const struct orl_pool_policy *policy, const struct orl_session_facts *facts);
/* What to show; empty for FAR. In steps: minutes, then ten seconds. */
void orl_session_end_text(const struct orl_session_end *end, char ret_text[ORL_TEXT_MAX + 1]);

#endif
