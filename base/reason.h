/* Why somebody was refused or a session ended: one code for the client's screen, the API's answer,
 * the audit row and the metric. The text of a code never changes its meaning; new ones are appended. */
#ifndef ORL_BASE_REASON_H
#define ORL_BASE_REASON_H
#include <stdbool.h>
#include <stdint.h>

enum orl_reason {
    ORL_REASON_NONE = 0,
    /* who you are */
    ORL_REASON_AUTH_FAILED,  /* wrong password or unknown user: never said which */
    ORL_REASON_AUTH_DELAYED, /* too many failures from this address or for this account */
    ORL_REASON_ACCOUNT_DISABLED,
    ORL_REASON_TICKET_INVALID, /* unknown, expired, used or revoked: never said which */
    /* what you may have */
    ORL_REASON_NOT_ENTITLED,
    ORL_REASON_NO_SUCH_POOL,
    ORL_REASON_POOL_AMBIGUOUS, /* several entitlements and none chosen */
    ORL_REASON_POOL_MAINTENANCE,
    /* what there is */
    ORL_REASON_POOL_FULL, /* maximum reached and all in use */
    ORL_REASON_HOST_FULL, /* no memory or disk for one more */
    ORL_REASON_TEMPLATE_MISSING,
    ORL_REASON_TEMPLATE_CORRUPT,
    ORL_REASON_HYPERVISOR_DOWN, /* libvirt does not answer */
    ORL_REASON_VMPOOL_DOWN,
    ORL_REASON_BROKER_DOWN,
    ORL_REASON_WAIT_TIMEOUT, /* no desktop became ready in time */
    ORL_REASON_GUEST_START_FAILED,
    ORL_REASON_GUEST_DIED,
    ORL_REASON_GUEST_REBOOTING,
    ORL_REASON_CONSOLE_UNREACHABLE, /* nothing listens at the desktop's display */
    ORL_REASON_CONSOLE_AUTH,        /* the desktop's display wants another password */
    ORL_REASON_CONSOLE_PROTOCOL,    /* the desktop's display broke its protocol */
    ORL_REASON_CONSOLE_LOST,
    /* the connection */
    ORL_REASON_TOO_MANY_CONNECTIONS,
    ORL_REASON_HANDSHAKE_TIMEOUT,
    ORL_REASON_CLIENT_PROTOCOL,    /* the client broke its protocol */
    ORL_REASON_CLIENT_STALLED,     /* the client stopped reading */
    ORL_REASON_CLIENT_UNSUPPORTED, /* the client lacks something without which we can't serve it */
    ORL_REASON_SESSION_CRASHED,
    /* ends */
    ORL_REASON_CLIENT_CLOSED,
    ORL_REASON_TAKEN_OVER, /* the same person connected from elsewhere */
    ORL_REASON_LOGGED_OFF,
    ORL_REASON_DISCONNECT_TIMEOUT,
    ORL_REASON_CLOSED_BY_ADMIN,
    ORL_REASON_SHUTDOWN,
    ORL_REASON_INTERNAL,
    ORL_REASON_ACCESS_REVOKED,      /* disabled, not entitled any more, or with a new password */
    ORL_REASON_SECOND_FACTOR,       /* a password alone does not do: the portal asks for the code */
    ORL_REASON_AUTH_BUSY,           /* more passwords to check than there is room for */
    ORL_REASON_IDLE_TIMEOUT,        /* no input for longer than the pool allows */
    ORL_REASON_MAX_SESSION,         /* the pool's longest session is over */
    ORL_REASON_OUTSIDE_HOURS,       /* not one of the pool's allowed hours, or not any more */
    ORL_REASON_ADDRESS_NOT_ALLOWED, /* the pool is not for clients from there */
    ORL_REASON_POOL_QUOTA,          /* as many desktops of this pool as one person may have */
    ORL_REASON_USER_QUOTA,          /* as many desktops as this person may have at once */
    ORL_REASON_POOL_LIMITS,         /* its limits make no sense, or this host can't give them */
    ORL_REASON_POOL_NETWORK,        /* its guests' network can't be had */
    ORL_REASON_CONSOLE_CERTIFICATE, /* the desktop's display shows another certificate than the known one */
    ORL_REASON_CONSOLE_ENDED,    /* by the desktop itself: a log-off there, or another connection */
    ORL_REASON_PERSON_FAILED,    /* the guest could not be told whose it is */
    ORL_REASON_HOME_IN_USE,      /* another desktop has it */
    ORL_REASON_HOME_UNAVAILABLE, /* its disk or folder cannot be had */
    ORL_REASON_GUEST_HOOK_BROKEN, /* alarm: a guest's hook was cut off */
    ORL_REASON_STORE_RESTORED,    /* alarm: a backup was put in the store's place */
    ORL_REASON_SWEEP_STOPPED,     /* alarm: vmpool removes nothing until somebody has looked */
    ORL_REASON_DESKTOP_LOST,      /* a person's own machine is not there any more */
    ORL_REASON_NOT_REMOVED, /* alarm: a machine that nobody has any more, or its disk, does not go */
    ORL_REASON_NOT_ALLOWED,          /* the caller's role is too small for this */
    ORL_REASON_WATCH_REFUSED,        /* the person does not want to be looked at */
    ORL_REASON_WATCH_NO_ANSWER,      /* nor did they say anything in time */
    ORL_REASON_WATCH_ENDED,          /* one of the two ended it */
    ORL_REASON_WATCH_OVER,           /* nobody is at the desktop any more */
    ORL_REASON_WATCH_UNUSED,         /* nobody came to look in time */
    ORL_REASON_CERTIFICATE_REFUSED,  /* an uploaded certificate or key is no good */
    ORL_REASON_CERTIFICATE_EXPIRING, /* alarm: within 30 days, within 7, or it is over */
    ORL_REASON_CERTIFICATE_BROKEN,   /* alarm: another one is shown than the uploaded one */
    ORL_REASON_IMAGE_REFUSED,        /* a file that was to become a template is none that may */
    ORL_REASON_IMAGE_TOO_LARGE,
    ORL_REASON_NO_SPACE,          /* on a host's disk, for what was asked */
    ORL_REASON_UPLOAD_STOPPED,    /* its end never came */
    ORL_REASON_NAME_TAKEN,        /* something else has it by now */
    ORL_REASON_STORE_DOWN,        /* the database does not answer */
    ORL_REASON_GOLDEN_FAILED,     /* alarm: desktops boot instead of beginning as copies */
    ORL_REASON_GUEST_NO_SPACE,    /* it stands still: a disk of it is full on its host */
    ORL_REASON_GUEST_DISK_FAILED, /* it stands still: a disk of it does not work */
    ORL_REASON_CLOCK_OFF,         /* alarm: a host's clock was set, or differs from the others' */
    ORL_REASON_COUNT
};

/* "auth_failed", ...; "internal" for what is not in the enum. */
const char *orl_reason_code(enum orl_reason reason);
/* A sentence for the person at the client, with what to do; plain ASCII. */
const char *orl_reason_text(enum orl_reason reason);
bool orl_reason_parse(const char *code, enum orl_reason *ret_reason);
/* For numbers from a message: ORL_REASON_INTERNAL for what is not in the enum. */
enum orl_reason orl_reason_from_u32(uint32_t value);

#endif
