#include "broker/session_end.h"

#include <stdio.h>

/* Seconds from now to from_ms + after_s; 0: it is over. */
static uint32_t left_s(uint64_t from_ms, uint32_t after_s, uint64_t now_ms)
{
    uint64_t end_ms = from_ms + (uint64_t)after_s * 1000;
    uint64_t left_ms = end_ms > now_ms ? end_ms - now_ms : 0;
    uint64_t seconds = (left_ms + 999) / 1000;
    return seconds < ORL_END_NEVER ? (uint32_t)seconds : ORL_END_NEVER - 1;
}

/* A warning that comes before half of the time is over would always be there. */
static enum orl_end_stage stage_of(
        const struct orl_pool_policy *policy, uint32_t left, uint32_t whole_s)
{
    uint32_t first_s = policy->warn_first_s < whole_s / 2 ? policy->warn_first_s : whole_s / 2;
    uint32_t last_s = policy->warn_last_s < whole_s / 2 ? policy->warn_last_s : whole_s / 2;
    if (left == 0) {
        return ORL_END_NOW;
    }
    return left <= last_s    ? ORL_END_LAST_WARNING
           : left <= first_s ? ORL_END_FIRST_WARNING
                             : ORL_END_FAR;
}

static void consider(struct orl_session_end *end, const struct orl_pool_policy *policy,
        enum orl_reason reason, uint32_t left, uint32_t whole_s)
{
    if (left < end->left_s) {
        *end = (struct orl_session_end){
                .stage = stage_of(policy, left, whole_s), .reason = reason, .left_s = left};
    }
}

struct orl_session_end orl_session_end_next(
        const struct orl_pool_policy *policy, const struct orl_session_facts *facts)
{
    struct orl_session_end end = {.left_s = ORL_END_NEVER};
    if (policy->idle_timeout_s > 0 && facts->is_connected) {
        consider(&end, policy, ORL_REASON_IDLE_TIMEOUT,
                left_s(facts->last_input_ms, policy->idle_timeout_s, facts->now_ms),
                policy->idle_timeout_s);
    }
    if (policy->max_session_s > 0) {
        consider(&end, policy, ORL_REASON_MAX_SESSION,
                left_s(facts->started_ms, policy->max_session_s, facts->now_ms),
                policy->max_session_s);
    }
    consider(&end, policy, ORL_REASON_OUTSIDE_HOURS, facts->hours_left_s, ORL_END_NEVER);
    if (end.stage == ORL_END_FAR) {
        end.reason = ORL_REASON_NONE;
    }
    return end;
}

static void time_text(uint32_t seconds, char *ret_text, size_t size)
{
    if (seconds > 60) {
        (void)snprintf(ret_text, size, "%u minutes", seconds / 60 + (seconds % 60 != 0));
    } else {
        (void)snprintf(ret_text, size, "%u seconds", (seconds + 9) / 10 * 10);
    }
}

void orl_session_end_text(const struct orl_session_end *end, char ret_text[ORL_TEXT_MAX + 1])
{
    char time[40];
    time_text(end->left_s, time, sizeof(time));
    ret_text[0] = '\0';
    if (end->stage == ORL_END_FAR) {
        return;
    }
    if (end->reason == ORL_REASON_IDLE_TIMEOUT) {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1,
                "Nobody has used this desktop for a while. It is disconnected in %s. "
                "Press a key or move the mouse to stay.",
                time);
    } else if (end->reason == ORL_REASON_MAX_SESSION) {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1,
                "The longest time of a session is almost over: this one ends in %s. "
                "Please save your work.",
                time);
    } else {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1,
                "This pool closes: your session ends in %s. Please save your work.", time);
    }
}
