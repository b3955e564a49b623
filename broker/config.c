#include "broker/config.h"

#define AT(member) offsetof(struct orl_broker_cfg, member)
#define STR(key, limit, text, why)                                                                 \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_STR, .offset = AT(key), .max = (limit), .fallback = (text),  \
        .help = (why)                                                                              \
    }
#define INT(key, low, high, of, text, why)                                                         \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_INT, .offset = AT(key), .min = (low), .max = (high),         \
        .unit = (of), .fallback = (text), .help = (why)                                            \
    }
#define ENUM(key, list, text, why)                                                                 \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_ENUM, .offset = AT(key), .choices = (list),                  \
        .fallback = (text), .help = (why)                                                          \
    }

enum { DIR_BYTES = 90, PATH_BYTES = 240, USER_BYTES = 32, UID_BYTES = 10 };

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};
/* In the order of enum orl_second_factor. */
static const char *const factors[] = {"optional", "required", NULL};
/* In the order of enum orl_password_cost. */
static const char *const costs[] = {"moderate", "interactive", "minimal", NULL};

const struct orl_cfg_key orl_broker_keys[] = {
        STR(run_dir, DIR_BYTES, "/run/oriel", "Folder of broker.sock, gateway.sock, console.sock."),
        STR(state_dir, PATH_BYTES - 40, "/var/lib/oriel",
                "Folder for what must survive a restart."),
        STR(store, PATH_BYTES, "",
                "File of the store, or PostgreSQL's address without a password "
                "(postgresql://USER@HOST/DATABASE, service=NAME); empty: oriel.db in state_dir."),
        STR(user, USER_BYTES, "oriel-broker",
                "User to run as when started by root; empty: stay root."),
        STR(gateway_user, USER_BYTES, "oriel", "User whose gateways may connect."),
        STR(vmpool_user, USER_BYTES, "oriel-vmpool", "User whose vmpool may wake the broker."),
        {.name = "admin_uids",
                .type = ORL_CFG_LIST,
                .offset = AT(admin_uids),
                .max = UID_BYTES,
                .fallback = "",
                .help = "Numeric uids that may call the API, besides root and the broker's own."},
        INT(lease_s, 1, 3600, "s", "30",
                "How long a session counts as connected without news from its gateway."),
        INT(wait_timeout_s, 1, 3600, "s", "180", "How long a login waits for a desktop."),
        INT(vmpool_silent_s, 2, 3600, "s", "60",
                "After how long without its heartbeat a host counts as gone."),
        INT(max_idle_s, 0, 604800, "s", "0",
                "Told to gateways: a session without input for that long is closed; 0: never."),
        INT(ticket_first_use_s, 1, 86400, "s", "300", "How long an unused ticket is good."),
        INT(ticket_max_failures, 1, 100, NULL, "5", "Failed proofs that burn a ticket."),
        INT(audit_keep_days, 1, 36500, "days", "400", "How long audit rows are kept."),
        INT(audit_head_min, 0, 10080, "min", "60",
                "How often the log is told the head of the audit's chain, when there is a new one; "
                "0: never."),
        INT(password_threads, 0, 16, NULL, "0",
                "Passwords checked at once; 0: one less than there are cores, at least 1."),
        INT(password_memory_mib, 8, 65536, "MiB", "512",
                "Memory that checking passwords may take at once (password_cost each); one is "
                "always checked."),
        INT(password_queue, 1, 65536, NULL, "1024",
                "Passwords that wait to be checked, in turn by network and account; beyond it: "
                "auth.busy."),
        INT(max_connections, 1, 65536, NULL, "8192", "Client connections of all gateways."),
        INT(max_api_connections, 4, 1024, NULL, "64", "Connections to broker.sock."),
        INT(api_request_s, 1, 300, "s", "10",
                "How long a request to broker.sock may take to arrive."),
        INT(api_idle_s, 1, 3600, "s", "30", "How long a connection to broker.sock may be silent."),
        STR(web_user, USER_BYTES, "oriel-web",
                "User whose oriel-web may bring people's requests; it has no rights of its own."),
        INT(max_web_connections, 4, 4096, NULL, "1024",
                "Connections of oriel-web to broker.sock, an open portal page being one."),
        INT(web_idle_s, 1, 86400, "s", "1800", "How long a login at the portal lives unused."),
        INT(web_max_s, 1, 604800, "s", "43200", "How long a login at the portal lives at most."),
        STR(portal_url, PATH_BYTES, "",
                "Where the portal is (https://...), told to people who need it."),
        ENUM(second_factor, factors, "optional",
                "optional: who has set up a second factor needs it; required: everybody does. Who "
                "needs it can't log in by password over RDP or VNC."),
        {.name = "console_needs_totp",
                .type = ORL_CFG_BOOL,
                .offset = AT(console_needs_totp),
                .fallback = "false",
                .help = "Who has a console role (viewer, operator, admin) may only what people may "
                        "until "
                        "they have set up a second factor."},
        STR(rdp_address_public, PATH_BYTES, "",
                "HOST or HOST:PORT in .rdp files; empty: the portal's host."),
        STR(rdp_fingerprint, PATH_BYTES, "",
                "Of the gateway's certificate (sha256:...), shown with FreeRDP's command line."),
        ENUM(password_cost, costs, "interactive",
                "Cost of password hashes: interactive 64 MiB, moderate 256 MiB, minimal for "
                "tests."),
        ENUM(log_level, levels, "info", "Least important lines that are logged."),
        {.name = NULL},
};

const char *orl_broker_log_level(const struct orl_broker_cfg *cfg)
{
    return levels[cfg->log_level];
}
