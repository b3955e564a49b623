#include "vmpool/console_sock.h"
#include <string.h>

static struct orl_console_verdict say(enum orl_reason reason, bool is_final)
{
    return (struct orl_console_verdict){.reason = reason, .is_final = is_final};
}

struct orl_console_verdict orl_console_judge(
        const struct orl_desktop_row *row, const struct orl_msg_console *ask, bool is_up)
{
    bool is_given = row->lease == ORL_LEASE_ASSIGNED || row->lease == ORL_LEASE_IN_USE ||
                    row->lease == ORL_LEASE_DISCONNECTED;
    if (!is_given || row->version != ask->version || row->session[0] == '\0' ||
            strcmp(row->session, ask->session) != 0) {
        return say(ORL_REASON_CONSOLE_LOST, true);
    }
    if (row->kind != ORL_POOL_STATIC && !is_up) {
        return say(ORL_REASON_HYPERVISOR_DOWN, false);
    }
    switch (row->power) {
    case ORL_POWER_RUNNING:
    case ORL_POWER_MIGRATING:
        return say(ORL_REASON_NONE, false);
    case ORL_POWER_FAILED:
        return say(row->reason ? row->reason : ORL_REASON_GUEST_DIED, true);
    case ORL_POWER_STOPPED: /* the guest switched itself off */
        return row->reason == ORL_REASON_GUEST_DIED ? say(ORL_REASON_GUEST_DIED, false)
                                                    : say(ORL_REASON_LOGGED_OFF, true);
    default:
        return say(ORL_REASON_GUEST_REBOOTING, false);
    }
}
