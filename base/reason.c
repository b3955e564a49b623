#include "base/reason.h"

#include <string.h>

static const struct {
    const char *code;
    const char *text;
} reasons[ORL_REASON_COUNT] = {
        [ORL_REASON_NONE] = {"none", "No reason was given."},
        [ORL_REASON_AUTH_FAILED] = {"auth_failed", "The user name or the password is wrong."},
        [ORL_REASON_AUTH_DELAYED] = {"auth_delayed",
                "Too many failed logins. Please wait a minute and try again."},
        [ORL_REASON_ACCOUNT_DISABLED] = {"account_disabled",
                "This account is disabled. Please ask your administrator."},
        [ORL_REASON_TICKET_INVALID] = {"ticket_invalid",
                "This ticket is not valid any more. Please get a new one."},
        [ORL_REASON_NOT_ENTITLED] = {"not_entitled",
                "You may not use this pool. Please ask your administrator for access."},
        [ORL_REASON_NO_SUCH_POOL] = {"no_such_pool",
                "There is no such pool. Please check the name after the @ of your user name."},
        [ORL_REASON_POOL_AMBIGUOUS] = {"pool_ambiguous",
                "You may use several pools. Please log in as user@pool."},
        [ORL_REASON_POOL_MAINTENANCE] = {"pool_maintenance",
                "This pool is under maintenance. Please try again later."},
        [ORL_REASON_POOL_FULL] = {"pool_full",
                "All desktops of this pool are in use. Please try again later."},
        [ORL_REASON_HOST_FULL] = {"host_full",
                "There is no room for another desktop now. Please try again later."},
        [ORL_REASON_TEMPLATE_MISSING] = {"template_missing",
                "The template of this pool is missing. Please tell your administrator."},
        [ORL_REASON_TEMPLATE_CORRUPT] = {"template_corrupt",
                "The template of this pool is damaged. Please tell your administrator."},
        [ORL_REASON_HYPERVISOR_DOWN] = {"hypervisor_down",
                "The host of this desktop does not answer. Please try again in a minute."},
        [ORL_REASON_VMPOOL_DOWN] = {"vmpool_down",
                "The desktop service does not answer. Please try again in a minute."},
        [ORL_REASON_BROKER_DOWN] = {"broker_down",
                "The login service does not answer. Please try again in a minute."},
        [ORL_REASON_WAIT_TIMEOUT] = {"wait_timeout",
                "No desktop became ready in time. Please try again."},
        [ORL_REASON_GUEST_START_FAILED] = {"guest_start_failed",
                "The desktop could not be started. Please try again."},
        [ORL_REASON_GUEST_DIED] = {"guest_died", "The desktop stopped unexpectedly."},
        [ORL_REASON_GUEST_REBOOTING] = {"guest_rebooting", "The desktop is restarting."},
        [ORL_REASON_CONSOLE_UNREACHABLE] = {"console_unreachable",
                "The desktop's display does not answer. Please try again."},
        [ORL_REASON_CONSOLE_AUTH] = {"console_auth",
                "The desktop's display refused our password. Please tell your administrator."},
        [ORL_REASON_CONSOLE_PROTOCOL] = {"console_protocol",
                "The desktop's display sent something wrong. Please tell your administrator."},
        [ORL_REASON_CONSOLE_LOST] = {"console_lost", "The desktop's display went away."},
        [ORL_REASON_TOO_MANY_CONNECTIONS] = {"too_many_connections",
                "Too many connections. Please try again in a minute."},
        [ORL_REASON_HANDSHAKE_TIMEOUT] = {"handshake_timeout",
                "The login took too long. Please connect again."},
        [ORL_REASON_CLIENT_PROTOCOL] = {"client_protocol",
                "The client sent something that it must not send."},
        [ORL_REASON_CLIENT_STALLED] = {"client_stalled", "The client stopped reading."},
        [ORL_REASON_CLIENT_UNSUPPORTED] = {"client_unsupported",
                "This client lacks something that is needed. Please use a newer one."},
        [ORL_REASON_SESSION_CRASHED] = {"session_crashed",
                "The connection failed on our side. Please connect again."},
        [ORL_REASON_CLIENT_CLOSED] = {"client_closed", "The client closed the connection."},
        [ORL_REASON_TAKEN_OVER] = {"taken_over",
                "You connected to this desktop from another place."},
        [ORL_REASON_LOGGED_OFF] = {"logged_off", "You are logged off."},
        [ORL_REASON_DISCONNECT_TIMEOUT] = {"disconnect_timeout",
                "The session was disconnected for too long and has ended."},
        [ORL_REASON_CLOSED_BY_ADMIN] = {"closed_by_admin", "An administrator closed this session."},
        [ORL_REASON_SHUTDOWN] = {"shutdown",
                "The gateway is being stopped. Please connect again in a minute."},
        [ORL_REASON_INTERNAL] = {"internal",
                "Something failed on our side. Please try again or tell your administrator."},
        [ORL_REASON_ACCESS_REVOKED] = {"access.revoked",
                "Your access has changed. Please log in again or ask your administrator."},
        [ORL_REASON_SECOND_FACTOR] = {"second_factor",
                "This account needs a second factor. Please log in at the portal."},
        [ORL_REASON_AUTH_BUSY] = {"auth.busy",
                "Very many people are logging in just now. Please try again in a minute."},
        [ORL_REASON_IDLE_TIMEOUT] = {"idle_timeout",
                "The session was not used for too long. Connect again to go on."},
        [ORL_REASON_MAX_SESSION] = {"max_session",
                "The longest time that a session of this pool may take is over."},
        [ORL_REASON_OUTSIDE_HOURS] = {"outside_hours",
                "This pool is closed now. Please come back in its opening hours."},
        [ORL_REASON_ADDRESS_NOT_ALLOWED] = {"address_not_allowed",
                "This pool may not be used from your network. Please ask your administrator."},
        [ORL_REASON_POOL_QUOTA] = {"pool_quota",
                "You may not have another desktop of this pool. Please log off from one first."},
        [ORL_REASON_USER_QUOTA] = {"user_quota",
                "You have as many desktops as you may have. Please log off from one first."},
        [ORL_REASON_POOL_LIMITS] = {"pool_limits",
                "The limits of this pool can't be met. Please tell your administrator."},
        [ORL_REASON_POOL_NETWORK] = {"pool_network",
                "The network of this pool's desktops is missing. Please tell your administrator."},
        [ORL_REASON_CONSOLE_CERTIFICATE] = {"console.certificate",
                "The desktop's display is not the one we know. Please tell your administrator."},
        [ORL_REASON_CONSOLE_ENDED] = {"console.ended",
                "The desktop has ended the connection: by a log-off, or for somebody else."},
        [ORL_REASON_PERSON_FAILED] = {"guest.person_failed",
                "The desktop could not be prepared for you. Please try again or tell your "
                "administrator."},
        [ORL_REASON_HOME_IN_USE] = {"home.in_use", "Your files are in use by another desktop of "
                                                   "yours. Please log off there and try again."},
        [ORL_REASON_HOME_UNAVAILABLE] = {"home.unavailable",
                "Your files cannot be reached now. Please try again or tell your administrator."},
        [ORL_REASON_GUEST_HOOK_BROKEN] = {"guest.hook_broken",
                "The program inside the desktop talks nonsense and was cut off."},
        [ORL_REASON_STORE_RESTORED] = {"store_restored",
                "This service was restored from a backup. Please tell your administrator."},
        [ORL_REASON_SWEEP_STOPPED] = {"sweep_stopped",
                "Clearing up has stopped on a host. Please tell your administrator."},
        [ORL_REASON_DESKTOP_LOST] = {"desktop_lost",
                "The machine of your desktop is missing. Please tell your administrator."},
        [ORL_REASON_NOT_REMOVED] = {"not_removed",
                "An old desktop cannot be removed. Please tell your administrator."},
        [ORL_REASON_NOT_ALLOWED] = {"not_allowed",
                "Your account may not do this. Please ask your administrator."},
        [ORL_REASON_WATCH_REFUSED] = {"watch.refused",
                "The person at this desktop does not want it to be looked at."},
        [ORL_REASON_WATCH_NO_ANSWER] = {"watch.no_answer",
                "The person at this desktop did not answer in time."},
        [ORL_REASON_WATCH_ENDED] = {"watch.ended", "Looking at this desktop was ended."},
        [ORL_REASON_WATCH_OVER] = {"watch.session_over",
                "Its person is not connected to this desktop any more."},
        [ORL_REASON_WATCH_UNUSED] = {"watch.unused",
                "Nobody came to look at this desktop in time."},
        [ORL_REASON_CERTIFICATE_REFUSED] = {"certificate.refused",
                "This certificate cannot be used. What was used before still is."},
        [ORL_REASON_CERTIFICATE_EXPIRING] = {"certificate.expiring",
                "A certificate of this service expires. Please tell your administrator."},
        [ORL_REASON_CERTIFICATE_BROKEN] = {"certificate.broken",
                "A certificate of this service is damaged. Please tell your administrator."},
        [ORL_REASON_IMAGE_REFUSED] = {"image_refused", "This file can't become a template."},
        [ORL_REASON_IMAGE_TOO_LARGE] = {"image_too_large",
                "This file is larger than the host takes."},
        [ORL_REASON_NO_SPACE] = {"no_space", "The host has no room on its disk for this."},
        [ORL_REASON_UPLOAD_STOPPED] = {"upload_stopped",
                "The file did not arrive whole. Please send it again."},
        [ORL_REASON_NAME_TAKEN] = {"name_taken", "Something else has this name by now."},
        [ORL_REASON_STORE_DOWN] = {"store_down",
                "The database of this service does not answer. Please try again in a minute."},
        [ORL_REASON_GOLDEN_FAILED] = {"golden_failed",
                "New desktops of this pool take longer to start. Please tell your administrator."},
        [ORL_REASON_GUEST_NO_SPACE] = {"guest.no_space",
                "Your desktop stands still: its host has no room on its disk. Nothing is lost, and "
                "it goes on when there is room. Please tell your administrator."},
        [ORL_REASON_GUEST_DISK_FAILED] = {"guest.disk_failed",
                "Your desktop stands still: its disk does not answer. It goes on when that works. "
                "Please tell your administrator."},
        [ORL_REASON_CLOCK_OFF] = {"clock_off",
                "The clock of a host is wrong. Please tell your administrator."},
};

const char *orl_reason_code(enum orl_reason reason)
{
    return reasons[orl_reason_from_u32((uint32_t)reason)].code;
}

const char *orl_reason_text(enum orl_reason reason)
{
    return reasons[orl_reason_from_u32((uint32_t)reason)].text;
}

bool orl_reason_parse(const char *code, enum orl_reason *ret_reason)
{
    for (unsigned i = 0; i < ORL_REASON_COUNT; i++) {
        if (strcmp(reasons[i].code, code) == 0) {
            *ret_reason = (enum orl_reason)i;
            return true;
        }
    }
    return false;
}

enum orl_reason orl_reason_from_u32(uint32_t value)
{
    return value < ORL_REASON_COUNT ? (enum orl_reason)value : ORL_REASON_INTERNAL;
}
