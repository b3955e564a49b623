/* Commands of `oriel`, but those about people (cli/cmd_people.c). The keys are those of docs/api.md. */
#include "cli/cmd_table.h"

const struct orl_cli_opt orl_cli_find_opts[] = {FIND_OPT, END};
const struct orl_cli_opt orl_cli_global_opts[] = {
        OPT("socket", ORL_CLI_OPT_STR, "PATH", NULL,
                "Socket of the broker; default " ORL_CLI_SOCKET "."),
        OPT("url", ORL_CLI_OPT_STR, "URL", NULL,
                "The portal to ask instead, https://...; needs --token."),
        OPT("token", ORL_CLI_OPT_STR, "FILE", NULL, "File with a personal access token."),
        OPT("ca", ORL_CLI_OPT_STR, "FILE", NULL,
                "Certificates that the portal's may be signed by; default the system's."),
        OPT("if-match", ORL_CLI_OPT_STR, "ETAG", NULL,
                "Change or remove only what is still as `show` said with this etag."),
        OPT("json", ORL_CLI_OPT_ON, NULL, NULL, "Print the broker's answer as it is."),
        OPT("help", ORL_CLI_OPT_ON, NULL, NULL, "Show this help; also after a noun or a verb."),
        OPT("version", ORL_CLI_OPT_ON, NULL, NULL, "Show the version."),
        OPT("man", ORL_CLI_OPT_ON, NULL, NULL, "Write the manual page."),
        END,
};

#define POOL_SPARE_OPTS                                                                            \
    OPT("template-version", ORL_CLI_OPT_NUM, "N", "template_version",                              \
            "Version of the template for new desktops; 0: the newest that is good."),              \
            OPT("suspended", ORL_CLI_OPT_NUM, "N", "spares_suspended",                             \
                    "Free desktops that are kept suspended, beside the spares."),                  \
            OPT("spare-age", ORL_CLI_OPT_NUM, "SECONDS", "spare_max_age_s",                        \
                    "A spare older than this is made anew; 0: never."),                            \
            OPT("schedule", ORL_CLI_OPT_STR, "TEXT", "schedule",                                   \
                    "Other spares at times: \"mon-fri 07:00-19:00 spares=20 suspended=5; ...\"."), \
            OPT("forecast", ORL_CLI_OPT_ON, NULL, "forecast",                                      \
                    "More spares when past weeks say so."),                                        \
            OPT("no-forecast", ORL_CLI_OPT_OFF, NULL, "forecast", "Spares as they are set."),      \
            OPT("clone-method", ORL_CLI_OPT_STR, "HOW", "clone_method",                            \
                    "auto, instant, restore or cold.")
#define POOL_RESOURCE_OPTS                                                                         \
    OPT("cpu-shares", ORL_CLI_OPT_NUM, "N", "cpu_shares",                                          \
            "Weight against other desktops; 0: the host's."),                                      \
            OPT("cpu-cap", ORL_CLI_OPT_NUM, "PERCENT", "cpu_cap_percent",                          \
                    "Most processor time, of one processor; 0: no limit."),                        \
            OPT("disk-iops", ORL_CLI_OPT_NUM, "N", "disk_iops",                                    \
                    "Most disk requests a second; 0: no limit."),                                  \
            OPT("disk-rate", ORL_CLI_OPT_NUM, "MIB", "disk_mib_s",                                 \
                    "Most disk traffic a second; 0: no limit."),                                   \
            OPT("balloon-min", ORL_CLI_OPT_NUM, "MIB", "balloon_min_mib",                          \
                    "What an idle guest keeps of its memory; 0: all."),                            \
            OPT("tpm", ORL_CLI_OPT_ON, NULL, "tpm", "With a TPM 2.0."),                            \
            OPT("no-tpm", ORL_CLI_OPT_OFF, NULL, "tpm", "Without."),                               \
            OPT("firmware", ORL_CLI_OPT_STR, "KIND", "firmware", "bios or uefi."),                 \
            OPT("secure-boot", ORL_CLI_OPT_ON, NULL, "secure_boot", "UEFI with secure boot."),     \
            OPT("no-secure-boot", ORL_CLI_OPT_OFF, NULL, "secure_boot", "Without."),               \
            OPT("autostart", ORL_CLI_OPT_ON, NULL, "autostart",                                    \
                    "Dedicated desktops are kept running."),                                       \
            OPT("no-autostart", ORL_CLI_OPT_OFF, NULL, "autostart", "When they are wanted."),      \
            OPT("network", ORL_CLI_OPT_STR, "KIND", "network",                                     \
                    "isolated, nat, routed, bridged or none."),                                    \
            OPT("network-name", ORL_CLI_OPT_STR, "NAME", "network_name",                           \
                    "Bridge or libvirt network to use."),                                          \
            OPT("display", ORL_CLI_OPT_STR, "HOW", "display",                                      \
                    "How the screen is read: auto, vnc or rdp.")
#define POOL_POLICY_OPTS                                                                           \
    OPT("idle-timeout", ORL_CLI_OPT_NUM, "SECONDS", "idle_timeout_s",                              \
            "A session without input is disconnected then; 0: never."),                            \
            OPT("max-session", ORL_CLI_OPT_NUM, "SECONDS", "max_session_s",                        \
                    "A session ends then; 0: never."),                                             \
            OPT("warn-first", ORL_CLI_OPT_NUM, "SECONDS", "warn_first_s",                          \
                    "First warning so long before; 0: none."),                                     \
            OPT("warn-last", ORL_CLI_OPT_NUM, "SECONDS", "warn_last_s",                            \
                    "Last warning so long before; 0: none."),                                      \
            OPT("allowed-hours", ORL_CLI_OPT_STR, "TEXT", "allowed_hours",                         \
                    "When sessions may be: \"mon-fri 08:00-18:00; sat 09:00-12:00\"."),            \
            OPT("allowed-from", ORL_CLI_OPT_STR, "LIST", "allowed_from",                           \
                    "Addresses and ranges that clients may have, by commas."),                     \
            OPT("per-user", ORL_CLI_OPT_NUM, "N", "max_per_user",                                  \
                    "Desktops that a person may have at once.")
#define POOL_PERSON_OPTS                                                                           \
    OPT("person", ORL_CLI_OPT_STR, "HOW", "person",                                                \
            "auto: an account of the person in the guest; off."),                                  \
            OPT("home", ORL_CLI_OPT_STR, "KIND", "home",                                           \
                    "Home of each person: none, volume, nfs."),                                    \
            OPT("home-size", ORL_CLI_OPT_NUM, "MIB", "home_size_mib", "Size of a home volume."),   \
            OPT("home-target", ORL_CLI_OPT_STR, "SERVER:/PATH", "home_target",                     \
                    "Where homes are, by NFS."),                                                   \
            OPT("on-assign", ORL_CLI_OPT_STR, "PROGRAM", "on_assign",                              \
                    "Program in the guest, when it gets its person."),                             \
            OPT("on-logoff", ORL_CLI_OPT_STR, "PROGRAM", "on_logoff",                              \
                    "Program in the guest, before its person goes."),                              \
            OPT("hook-deadline", ORL_CLI_OPT_NUM, "SECONDS", "hook_deadline_s",                    \
                    "How long the guest may take for its person.")
#define POOL_OPTS                                                                                  \
    OPT("template", ORL_CLI_OPT_STR, "NAME", "template", "Template that desktops are cloned of."), \
            OPT("spares", ORL_CLI_OPT_NUM, "N", "spares", "Free desktops that are kept running."), \
            OPT("max", ORL_CLI_OPT_NUM, "N", "max", "Most desktops at once."),                     \
            OPT("memory", ORL_CLI_OPT_NUM, "MIB", "memory_mib",                                    \
                    "Memory of each; 0: the template's."),                                         \
            OPT("vcpus", ORL_CLI_OPT_NUM, "N", "vcpus", "Processors of each; 0: the template's."), \
            OPT("disconnect-timeout", ORL_CLI_OPT_NUM, "SECONDS", "disconnect_timeout_s",          \
                    "How long a disconnected session is kept; 0: for ever."),                      \
            OPT("clipboard", ORL_CLI_OPT_STR, "WAY", "clipboard",                                  \
                    "Clipboard text: both, to_guest, to_client or none."),                         \
            OPT("clipboard-max", ORL_CLI_OPT_NUM, "BYTES", "clipboard_max_bytes",                  \
                    "Longest clipboard text."),                                                    \
            OPT("sound", ORL_CLI_OPT_ON, NULL, "sound", "The client hears the desktop."),          \
            OPT("no-sound", ORL_CLI_OPT_OFF, NULL, "sound", "It does not."),                       \
            OPT("thumbnails", ORL_CLI_OPT_ON, NULL, "thumbnails",                                  \
                    "Small pictures of a person's desktop at their portal (the default)."),        \
            OPT("no-thumbnails", ORL_CLI_OPT_OFF, NULL, "thumbnails", "None."), POOL_SPARE_OPTS,   \
            POOL_RESOURCE_OPTS, POOL_POLICY_OPTS, POOL_PERSON_OPTS,                                \
            OPT("maintenance", ORL_CLI_OPT_ON, NULL, "maintenance", "No new sessions.")
static const struct orl_cli_opt pool_add_opts[] = {
        NEEDED("kind", ORL_CLI_OPT_STR, "KIND", "kind",
                "floating (destroyed after use), dedicated (kept for one person) or static "
                "(machines of somebody else, by VNC or RDP)."),
        POOL_OPTS,
        END,
};
static const struct orl_cli_opt pool_set_opts[] = {
        POOL_OPTS,
        OPT("no-maintenance", ORL_CLI_OPT_OFF, NULL, "maintenance", "New sessions again."),
        END,
};
static const struct orl_cli_column pool_columns[] = {
        {"NAME", "name", 0},
        {"KIND", "kind", 0},
        {"TEMPLATE", "template", 0},
        {"READY", "desktops.ready", 0},
        {"SUSPENDED", "desktops.suspended", 0},
        {"GIVEN", "desktops.given", 0},
        {"TOTAL", "desktops.total", 0},
        {"SPARES", "spares", 0},
        {"MAX", "max", 0},
        {"WAITING", "waiting", 0},
        {"MAINTENANCE", "maintenance", 0},
        {"DELETED", "deleted", 0},
        {"PROBLEM", "problem", 0},
        COL_END,
};

static const struct orl_cli_opt desktop_list_opts[] = {
        OPT("pool", ORL_CLI_OPT_STR, "NAME", "pool", "Only of this pool."),
        OPT("user", ORL_CLI_OPT_STR, "NAME", "user", "Only of this person."),
        OPT("host", ORL_CLI_OPT_STR, "NAME", "host", "Only on this host."),
        FIND_OPT,
        OPT("lease", ORL_CLI_OPT_STR, "STATE", "lease", "Only with this lease: free, in_use, ..."),
        OPT("power", ORL_CLI_OPT_STR, "STATE", "power", "Only in this state: running, failed, ..."),
        END,
};
static const struct orl_cli_opt desktop_add_opts[] = {
        NEEDED("pool", ORL_CLI_OPT_STR, "NAME", "pool", "A static pool."),
        OPT("vnc", ORL_CLI_OPT_STR, "TARGET", "vnc",
                "Where its VNC server listens: HOST:PORT or unix:PATH; or --rdp, or --machine."),
        OPT("rdp", ORL_CLI_OPT_STR, "TARGET", "rdp",
                "Where its RDP server listens: HOST:PORT. With --machine: that one's."),
        OPT("machine", ORL_CLI_OPT_STR, "NAME", "machine",
                "A machine that libvirt knows, by name or UUID; its display is looked up, or is "
                "--rdp's."),
        OPT("uri", ORL_CLI_OPT_STR, "URI", "uri",
                "On which libvirt, if not vmpool's own; vmpool's static_uris must name it."),
        OPT("password-file", ORL_CLI_OPT_FILE, "FILE", "password",
                "Password at the server, from the first line of FILE; - is standard input."),
        OPT("user", ORL_CLI_OPT_STR, "NAME", "user", "User at the RDP server."),
        OPT("domain", ORL_CLI_OPT_STR, "NAME", "domain", "And their domain there."),
        OPT("fingerprint", ORL_CLI_OPT_STR, "SHA256", "fingerprint",
                "Of the RDP server's certificate. Without it nobody connects; who tries is told "
                "it."),
        END,
};
static const struct orl_cli_opt desktop_set_opts[] = {
        OPT("maintenance", ORL_CLI_OPT_ON, NULL, "on", "Is given to nobody new."),
        OPT("no-maintenance", ORL_CLI_OPT_OFF, NULL, "on", "May be given again."),
        END,
};
static const struct orl_cli_opt desktop_remove_opts[] = {
        OPT("force", ORL_CLI_OPT_ON, NULL, "force", "Also with a session on it, which ends."),
        END,
};
static const struct orl_cli_opt purge_opts[] = {
        NEEDED("yes", ORL_CLI_OPT_CONFIRM, NULL, NULL, "Its disk is deleted for ever: I know."),
        END,
};
static const struct orl_cli_column desktop_columns[] = {
        {"ID", "id", 0},
        {"POOL", "pool", 0},
        {"LEASE", "lease", 0},
        {"POWER", "power", 0},
        {"READY", "is_ready", 0},
        {"USER", "user", 0},
        {"HOST", "host", 0},
        {"VNC", "vnc", 0},
        {"RDP", "rdp", 0},
        {"MAINTENANCE", "maintenance", 0},
        {"REASON", "reason", 0},
        COL_END,
};
static const struct orl_cli_column quarantine_columns[] = {
        {"ID", "id", 0},
        {"HOST", "host", 0},
        {"POOL", "pool", 0},
        {"USER", "user", 0},
        {"DOMAIN", "domain", 0},
        {"VERDICT", "verdict", 0},
        {"SEEN", "seen_ms", ORL_CLI_FMT_TIME},
        {"WHY", "reason_text", 0},
        COL_END,
};

static const struct orl_cli_opt session_list_opts[] = {
        OPT("user", ORL_CLI_OPT_STR, "NAME", "user", "Only of this person."),
        OPT("pool", ORL_CLI_OPT_STR, "NAME", "pool", "Only in this pool."),
        OPT("all", ORL_CLI_OPT_ON, NULL, "all", "Also those that have ended."),
        FIND_OPT,
        OPT("state", ORL_CLI_OPT_STR, "STATE", "state", "Only in this state: active, ended, ..."),
        OPT("desktop", ORL_CLI_OPT_STR, "ID", "desktop", "Only on this desktop."),
        END,
};
static const struct orl_cli_opt session_show_opts[] = {
        OPT("live", ORL_CLI_OPT_LIVE, NULL, NULL,
                "What it does, a line each second until it ends or Ctrl-C; with --json an object."),
        END,
};
static const struct orl_cli_column session_columns[] = {
        {"ID", "id", 0},
        {"USER", "user", 0},
        {"POOL", "pool", 0},
        {"STATE", "state", 0},
        {"GUEST", "guest_state", 0},
        {"DESKTOP", "desktop", 0},
        {"PROTOCOL", "protocol", 0},
        {"CLIENT", "client", 0},
        {"STARTED", "started_ms", ORL_CLI_FMT_TIME},
        {"REASON", "reason", 0},
        COL_END,
};

static const struct orl_cli_column golden_columns[] = {
        {"ID", "id", 0},
        {"HOST", "host", 0},
        {"TEMPLATE", "template", 0},
        {"VERSION", "template_version", 0},
        {"METHOD", "method", 0},
        {"MEMORY", "memory_mib", 0},
        {"STATE", "state", 0},
        {"PERCENT", "percent", 0},
        {"TEXT", "text", 0},
        COL_END,
};

static const struct orl_cli_column home_columns[] = {
        {"ID", "id", 0},
        {"USER", "user", 0},
        {"POOL", "pool", 0},
        {"KIND", "kind", 0},
        {"SIZE", "size_mib", 0},
        {"DESKTOP", "desktop", 0},
        {"USED", "used_ms", ORL_CLI_FMT_TIME},
        {"PATH", "path", 0},
        COL_END,
};
static const struct orl_cli_opt home_delete_opts[] = {
        NEEDED("yes", ORL_CLI_OPT_CONFIRM, NULL, NULL,
                "The person begins with an empty home: I know. The disk's file stays."),
        END,
};
static const struct orl_cli_column alarm_columns[] = {
        {"REASON", "reason", 0},
        {"OBJECT", "object", 0},
        {"SINCE", "since_ms", ORL_CLI_FMT_TIME},
        {"SEEN", "seen_ms", ORL_CLI_FMT_TIME},
        {"COUNT", "count", 0},
        {"TEXT", "text", 0},
        COL_END,
};
static const struct orl_cli_opt alarm_clear_opts[] = {
        NEEDED("reason", ORL_CLI_OPT_STR, "CODE", "reason", "The alarm's reason."),
        END,
};

static const struct orl_cli_opt ticket_list_opts[] = {
        OPT("user", ORL_CLI_OPT_STR, "NAME", "user", "Only of this person."),
        FIND_OPT,
        END,
};
static const struct orl_cli_opt ticket_issue_opts[] = {
        OPT("pool", ORL_CLI_OPT_STR, "NAME", "pool",
                "Which pool; needed by who may use more than one."),
        END,
};
static const struct orl_cli_column ticket_columns[] = {
        {"ID", "id", 0},
        {"USER", "user", 0},
        {"POOL", "pool", 0},
        {"CREATED", "created_ms", ORL_CLI_FMT_TIME},
        {"EXPIRES", "expires_ms", ORL_CLI_FMT_TIME},
        {"USED", "used_ms", ORL_CLI_FMT_TIME},
        {"REVOKED", "revoked_ms", ORL_CLI_FMT_TIME},
        {"FAILURES", "failures", 0},
        {"SESSION", "session", 0},
        COL_END,
};

static const struct orl_cli_opt login_list_opts[] = {
        OPT("user", ORL_CLI_OPT_STR, "NAME", "user", "Only of this person."),
        FIND_OPT,
        END,
};
static const struct orl_cli_column login_columns[] = {
        {"ID", "id", 0},
        {"USER", "user", 0},
        {"CLIENT", "client", 0},
        {"CREATED", "created_ms", ORL_CLI_FMT_TIME},
        {"USED", "used_ms", ORL_CLI_FMT_TIME},
        {"ENDS", "expires_ms", ORL_CLI_FMT_TIME},
        {"BROWSER", "agent", 0},
        COL_END,
};

#define AUDIT_FILTERS                                                                              \
    OPT("since", ORL_CLI_OPT_TIME, "TIME", "since_ms",                                             \
            "Not before: 30m, 2h, 7d ago, or milliseconds since 1970."),                           \
            OPT("until", ORL_CLI_OPT_TIME, "TIME", "until_ms", "Before this time."),               \
            OPT("reason", ORL_CLI_OPT_STR, "CODE", "reason",                                       \
                    "Only refusals and ends for this reason; any: for whatever reason."),          \
            OPT("user", ORL_CLI_OPT_STR, "NAME", "user", "Only about this person."),               \
            OPT("action", ORL_CLI_OPT_STR, "ACTION", "action", "Only this action, as login."),     \
            OPT("object", ORL_CLI_OPT_STR, "OBJECT", "object", "Only about this object.")
static const struct orl_cli_opt audit_opts[] = {
        AUDIT_FILTERS,
        OPT("limit", ORL_CLI_OPT_NUM, "N", "limit",
                "At most so many rows, up to 1000; default 200."),
        OPT("before", ORL_CLI_OPT_NUM, "SEQ", "after", "The page after the row with this number."),
        END,
};
static const struct orl_cli_opt audit_export_opts[] = {
        OPT("format", ORL_CLI_OPT_STR, "FORMAT", "format", "jsonl (default) or csv."),
        AUDIT_FILTERS,
        END,
};
static const struct orl_cli_opt audit_verify_opts[] = {
        OPT("head", ORL_CLI_OPT_STR, "SEQ:HASH", "head",
                "A head that the broker's log once had: nothing up to there was changed."),
        OPT("store", ORL_CLI_OPT_STR, "STORE", "store",
                "Without a broker: file or PostgreSQL's address, as in broker.yaml."),
        END,
};
static const struct orl_cli_column audit_columns[] = {
        {"SEQ", "seq", 0},
        {"TIME", "time_ms", ORL_CLI_FMT_TIME},
        {"ACTION", "action", 0},
        {"REASON", "reason", 0},
        {"ACTOR", "actor", 0},
        {"USER", "user", 0},
        {"CLIENT", "client", 0},
        {"OBJECT", "object", 0},
        {"COUNT", "count", 0},
        {"ID", "id", 0},
        COL_END,
};

static const struct orl_cli_opt job_list_opts[] = {
        OPT("kind", ORL_CLI_OPT_STR, "KIND", "kind", "Only of this kind, as template.check."),
        OPT("object", ORL_CLI_OPT_STR, "OBJECT", "object", "Only about this, as template:NAME."),
        OPT("limit", ORL_CLI_OPT_NUM, "N", "limit", "At most so many; default 200."),
        END,
};
static const struct orl_cli_column job_columns[] = {
        {"ID", "id", 0},
        {"KIND", "kind", 0},
        {"OBJECT", "object", 0},
        {"HOST", "host", 0},
        {"STATE", "state", 0},
        {"PERCENT", "progress_percent", 0},
        {"BY", "actor", 0},
        {"CREATED", "created_ms", ORL_CLI_FMT_TIME},
        {"REASON", "reason", 0},
        COL_END,
};
static const struct orl_cli_column certificate_columns[] = {
        {"SERVICE", "service", 0},
        {"CONNECTED", "is_connected", 0},
        {"SOURCE", "source", 0},
        {"NAMES", "names", 0},
        {"ISSUER", "issuer", 0},
        {"UNTIL", "until_ms", ORL_CLI_FMT_TIME},
        {"FINGERPRINT", "fingerprint", 0},
        {"PROBLEM", "problem", 0},
        COL_END,
};
static const struct orl_cli_opt certificate_opts[] = {
        NEEDED("cert", ORL_CLI_OPT_TEXT, "FILE", "certificate",
                "PEM: the server's certificate, then those that signed it; - is standard input."),
        NEEDED("key", ORL_CLI_OPT_TEXT, "FILE", "key", "PEM: its key, without a passphrase."),
        END,
};
#define CERTIFICATE_SERVICE IN_PATH("SERVICE", "rdp (also VNC's) or web (the portal's).")
static const struct orl_cli_column host_columns[] = {
        {"NAME", "name", 0},
        {"STATE", "state", 0},
        {"ACCEL", "accel", 0},
        {"MEMORY", "memory_mib", 0},
        {"FREE", "free_memory_mib", 0},
        {"DISK", "free_disk_mib", 0},
        {"CPU", "cpu_percent", 0},
        {"LOAD", "load", 0},
        {"DRAINING", "is_draining", 0},
        {"HEARTBEAT", "heartbeat_ms", ORL_CLI_FMT_TIME},
        {"REASON", "reason", 0},
        {"URI", "uri", 0},
        COL_END,
};

static const struct orl_cli_opt doctor_opts[] = {
        OPT("host", ORL_CLI_OPT_STR, "NAME", "host", "Only what is known of this host."),
        END,
};
static const struct orl_cli_opt apply_opts[] = {
        OPT("dry-run", ORL_CLI_OPT_ON, NULL, "dry_run",
                "Only say what would change and for whom; exit code 0: nothing, 2: something, "
                "1: it can't be done."),
        OPT("prune", ORL_CLI_OPT_ON, NULL, "prune",
                "Lists in the file are complete: remove what they do not have."),
        OPT("plan", ORL_CLI_OPT_STR, "HASH", "plan",
                "Refuse unless it does exactly what --dry-run said with this."),
        END,
};
static const struct orl_cli_opt load_opts[] = {
        OPT("minutes", ORL_CLI_OPT_NUM, "N", "minutes", "Only the last so many."),
        END,
};

static const struct orl_cli_opt site_opts[] = {
        OPT("contact", ORL_CLI_OPT_STR, "TEXT", "contact",
                "Whom to call; follows each refusal. At most 99 bytes."),
        OPT("notice", ORL_CLI_OPT_STR, "TEXT", "notice",
                "Stands above the log-in at the portal. At most 239 bytes."),
        END,
};
static const struct orl_cli_column reason_columns[] = {
        {"CODE", "code", 0},
        {"OWN", "is_own", 0},
        {"TEXT", "text", 0},
        COL_END,
};

#define DESKTOP_ID IN_PATH("ID", "Id of the desktop.")
#define SESSION_ID IN_PATH("ID", "Id of the session.")
#define MESSAGE_TEXT                                                                               \
    IN_BODY("TEXT", "text",                                                                        \
            "At most 200 bytes; goes by itself after two minutes, or by a key or a click.")
#define MESSAGE_SKIPPED "not to {skipped}, who got another one just now: {skipped_users}"
#define HOST_NAME IN_PATH("NAME", "Name of the host.")
#define POOL_NAME IN_PATH("NAME", "Name of the pool.")

#define STORE_OPT                                                                                  \
    OPT("store", ORL_CLI_OPT_STR, "STORE", "store",                                                \
            "File or PostgreSQL's address, as in broker.yaml; default "                            \
            "/var/lib/oriel/store/oriel.db.")
#define KEY_OPT                                                                                    \
    OPT("key-file", ORL_CLI_OPT_PATH, "FILE", "key_file",                                          \
            "Key of backups; default /etc/oriel/backup.key, made by the first backup.")

static const struct orl_cli_opt home_backup_opts[] = {
        STORE_OPT,
        NEEDED("id", ORL_CLI_OPT_STR, "ID", "id", "Id of the home, as listed."),
        END,
};
static const struct orl_cli_opt backup_opts[] = {
        STORE_OPT,
        KEY_OPT,
        OPT("plain", ORL_CLI_OPT_ON, NULL, "is_plain", "Not encrypted: a store of SQLite."),
        END,
};
static const struct orl_cli_opt restore_opts[] = {
        STORE_OPT,
        KEY_OPT,
        NEEDED("yes", ORL_CLI_OPT_CONFIRM, NULL, NULL,
                "What the store has now is replaced: I know."),
        END,
};
static const struct orl_cli_opt store_create_opts[] = {
        STORE_OPT,
        OPT("broker", ORL_CLI_OPT_STR, "ROLE", "broker", "PostgreSQL's role of the broker."),
        OPT("vmpool", ORL_CLI_OPT_STR, "ROLE", "vmpool", "PostgreSQL's role of vmpool."),
        END,
};
static const struct orl_cli_opt store_restored_opts[] = {
        STORE_OPT,
        NEEDED("yes", ORL_CLI_OPT_CONFIRM, NULL, NULL,
                "Free desktops are made anew or quarantined, tickets and logins end: I know."),
        END,
};
static const struct orl_cli_opt store_migrate_opts[] = {
        NEEDED("from", ORL_CLI_OPT_STR, "STORE", "from", "The store that is."),
        NEEDED("to", ORL_CLI_OPT_STR, "STORE", "to", "The store that will be: new, or empty."),
        END,
};

const struct orl_cli_cmd orl_cli_cmds[] = {
        {.noun = "status",
                .verb = "",
                .help = "Show the broker's version and what it is doing.",
                .path = "/v1/status",
                .output = ORL_CLI_OUT_OBJECT},

        LIST("pool", "List the pools and how full they are.", "/v1/pools", orl_cli_find_opts,
                pool_columns),
        SHOW("pool", "Show one.", "/v1/pools/{0}", POOL_NAME),
        {.noun = "pool",
                .verb = "defaults",
                .help = "Show what a new pool of each kind has.",
                .path = "/v1/pool-defaults",
                .output = ORL_CLI_OUT_OBJECT},
        ACT("pool", "add", "Add a pool.", ORL_CLI_POST, "/v1/pools",
                IN_BODY("NAME", "name", "a to z, 0 to 9 and -; at most 63."), pool_add_opts,
                "pool {0} added"),
        ACT("pool", "set", "Change what is given.", ORL_CLI_PATCH, "/v1/pools/{0}", POOL_NAME,
                pool_set_opts, "pool {0} changed"),
        ACT("pool", "remove", "Drain a pool, then remove it: its sessions end first.",
                ORL_CLI_DELETE, "/v1/pools/{0}", POOL_NAME, NULL, "pool {0} is being removed"),

        LIST("desktop", "List desktops.", "/v1/desktops", desktop_list_opts, desktop_columns),
        SHOW("desktop", "Show one.", "/v1/desktops/{0}", DESKTOP_ID),
        {.noun = "desktop",
                .verb = "add",
                .help = "Add a VNC server, an RDP server or a machine of libvirt to a static pool.",
                .method = ORL_CLI_POST,
                .path = "/v1/desktops",
                .opts = desktop_add_opts,
                .done = "desktop {id} added"},
        ACT("desktop", "set", "Put a desktop into maintenance, or back.", ORL_CLI_POST,
                "/v1/desktops/{0}/maintenance", DESKTOP_ID, desktop_set_opts,
                "desktop {0} changed"),
        ACT("desktop", "start", "Start a desktop that is off.", ORL_CLI_POST,
                "/v1/desktops/{0}/start", DESKTOP_ID, NULL, "desktop {0} is being started"),
        ACT("desktop", "stop", "Shut a desktop down.", ORL_CLI_POST, "/v1/desktops/{0}/stop",
                DESKTOP_ID, NULL, "desktop {0} is being stopped"),
        ACT("desktop", "restart",
                "Ask a desktop's guest to restart; make it, if it does not listen.", ORL_CLI_POST,
                "/v1/desktops/{0}/restart", DESKTOP_ID, NULL, "desktop {0} is being restarted"),
        ACT("desktop", "reset", "Restart a desktop at once, without asking its guest.",
                ORL_CLI_POST, "/v1/desktops/{0}/reset", DESKTOP_ID, NULL,
                "desktop {0} is being reset"),
        ACT("desktop", "remove", "Remove a desktop without a session, and its disk.",
                ORL_CLI_DELETE, "/v1/desktops/{0}", DESKTOP_ID, desktop_remove_opts,
                "desktop {0} is being removed"),
        {.noun = "desktop",
                .verb = "quarantine",
                .help = "List machines that carry our mark and that no row knows.",
                .path = "/v1/quarantine",
                .output = ORL_CLI_OUT_LIST,
                .columns = quarantine_columns},
        ACT("desktop", "adopt", "Take a machine from quarantine back into its pool.", ORL_CLI_POST,
                "/v1/desktops/{0}/adopt", DESKTOP_ID, NULL, "desktop {0} is being adopted"),
        ACT("desktop", "purge", "Delete a machine from quarantine, and its disk.", ORL_CLI_POST,
                "/v1/desktops/{0}/purge", DESKTOP_ID, purge_opts, "desktop {0} is being purged"),

        LIST("session", "List sessions.", "/v1/sessions", session_list_opts, session_columns),
        {.noun = "session",
                .verb = "show",
                .help = "Show one.",
                .path = "/v1/sessions/{0}",
                .args = {SESSION_ID},
                .opts = session_show_opts,
                .output = ORL_CLI_OUT_OBJECT},
        ACT("session", "logoff",
                "End a session for good: a floating desktop is destroyed, a dedicated one stopped.",
                ORL_CLI_POST, "/v1/sessions/{0}/logoff", SESSION_ID, NULL, "session {0} ended"),
        ACT("session", "close", "Disconnect a session; the person may come back to it.",
                ORL_CLI_POST, "/v1/sessions/{0}/close", SESSION_ID, NULL,
                "session {0} disconnected"),

        {.noun = "message",
                .verb = "session",
                .help = "Show a line to whoever is at this session's desktop.",
                .method = ORL_CLI_POST,
                .path = "/v1/sessions/{0}/message",
                .args = {SESSION_ID, MESSAGE_TEXT},
                .done = "shown at {shown} desktop"},
        {.noun = "message",
                .verb = "pool",
                .help = "Show a line to everybody who is at a desktop of this pool.",
                .method = ORL_CLI_POST,
                .path = "/v1/messages",
                .args = {IN_BODY("POOL", "pool", "Name of the pool."), MESSAGE_TEXT},
                .done = "shown at {shown} desktops",
                .also = MESSAGE_SKIPPED,
                .also_key = "skipped_users"},
        {.noun = "message",
                .verb = "all",
                .help = "Show a line to everybody who is at a desktop.",
                .method = ORL_CLI_POST,
                .path = "/v1/messages",
                .args = {MESSAGE_TEXT},
                .done = "shown at {shown} desktops",
                .also = MESSAGE_SKIPPED,
                .also_key = "skipped_users"},

        LIST("ticket", "List tickets.", "/v1/tickets", ticket_list_opts, ticket_columns),
        {.noun = "ticket",
                .verb = "issue",
                .help = "Issue a one-time ticket: a user name and a password for one session.",
                .method = ORL_CLI_POST,
                .path = "/v1/tickets",
                .args = {IN_BODY("USER", "user", "For whom.")},
                .opts = ticket_issue_opts,
                .output = ORL_CLI_OUT_OBJECT},
        ACT("ticket", "remove", "Revoke a ticket.", ORL_CLI_DELETE, "/v1/tickets/{0}",
                IN_PATH("ID", "Id of the ticket."), NULL, "ticket {0} revoked"),

        LIST("login", "List where people are logged in at the portal.", "/v1/logins",
                login_list_opts, login_columns),
        ACT("login", "end", "Sign a browser out and close what it has open.", ORL_CLI_DELETE,
                "/v1/logins/{0}", IN_PATH("ID", "Id of the login."), NULL, "login {0} ended"),

        LIST("golden", "List golden images, and how far those are that are being made.",
                "/v1/goldens", NULL, golden_columns),

        LIST("home", "List whose files are kept, and on which desktop they are.", "/v1/homes", NULL,
                home_columns),
        SHOW("home", "Show one.", "/v1/homes/{0}", IN_PATH("ID", "Id of the home, as listed.")),
        LOCAL("home", "backup",
                "Copy a home that no desktop has into a qcow2 file of its own; on its host.",
                IN_BODY("FILE", "file", "File to make."), home_backup_opts),
        ACT("home", "delete", "Forget a home that no desktop has; its file stays where it is.",
                ORL_CLI_DELETE, "/v1/homes/{0}", IN_PATH("ID", "Id of the home, as listed."),
                home_delete_opts, "home {0} forgotten; its file stays"),
        LIST("job", "List them, the newest first.", "/v1/jobs", job_list_opts, job_columns),
        SHOW("job", "Show one: how far it is, or how it ended.", "/v1/jobs/{0}",
                IN_PATH("ID", "Id of the job.")),
        ACT("job", "cancel", "Call one off.", ORL_CLI_POST, "/v1/jobs/{0}/cancel",
                IN_PATH("ID", "Id of the job."), NULL, "job {0} is called off"),
        LIST("alarm", "List what is wrong now.", "/v1/alarms", NULL, alarm_columns),
        ACT("alarm", "clear", "Forget an alarm whose cause nobody sees any more.", ORL_CLI_POST,
                "/v1/alarms/clear", IN_BODY("OBJECT", "object", "As listed: \"pool:NAME\"."),
                alarm_clear_opts, "alarm of {0} cleared"),

        {.noun = "audit",
                .verb = "list",
                .help = "List what happened, newest first.",
                .path = "/v1/audit",
                .opts = audit_opts,
                .output = ORL_CLI_OUT_LIST,
                .columns = audit_columns,
                .is_endless = true},
        SHOW("audit", "Show one row, by the id that a person was shown.", "/v1/audit/{0}",
                IN_PATH("ID", "Id of the row.")),
        {.noun = "audit",
                .verb = "verify",
                .help = "Find the first row that was changed, removed or moved since it was "
                        "written.",
                .method = ORL_CLI_OWN,
                .path = "",
                .opts = audit_verify_opts},
        {.noun = "audit",
                .verb = "export",
                .help = "Write rows to standard output, newest first.",
                .method = ORL_CLI_OWN,
                .path = "",
                .opts = audit_export_opts},

        LIST("host", "List the hosts that desktops run on.", "/v1/hosts", orl_cli_find_opts,
                host_columns),
        SHOW("host", "Show one, with what was found out about it.", "/v1/hosts/{0}", HOST_NAME),
        ACT("host", "drain", "Put nobody new on a host; who is on it stays.", ORL_CLI_POST,
                "/v1/hosts/{0}/drain", HOST_NAME, NULL, "host {0} is being emptied"),
        ACT("host", "undrain", "Use a host again.", ORL_CLI_POST, "/v1/hosts/{0}/undrain",
                HOST_NAME, NULL, "host {0} is used again"),
        ACT("host", "remove", "Forget a host without desktops whose oriel-vmpool is gone.",
                ORL_CLI_DELETE, "/v1/hosts/{0}", HOST_NAME, NULL, "host {0} removed"),
        {.noun = "load",
                .verb = "show",
                .help = "How busy everything was: a sample a minute, of the last day.",
                .path = "/v1/load",
                .opts = load_opts,
                .output = ORL_CLI_OUT_OBJECT},

        LIST("certificate", "List what clients are shown.", "/v1/certificates", NULL,
                certificate_columns),
        SHOW("certificate", "Show one: who issued it, for which names, how long it is good.",
                "/v1/certificates/{0}", CERTIFICATE_SERVICE),
        ACT("certificate", "set", "Show another one to everybody who connects from now on.",
                ORL_CLI_PATCH, "/v1/certificates/{0}", CERTIFICATE_SERVICE, certificate_opts,
                "certificate {0} is shown from now on: {fingerprint}"),
        ACT("certificate", "reset", "Forget the uploaded one, and show the program's own.",
                ORL_CLI_DELETE, "/v1/certificates/{0}", CERTIFICATE_SERVICE, NULL,
                "certificate {0} is its own again: {fingerprint}"),
        {.noun = "site",
                .verb = "show",
                .help = "Show whom people are told to call, and the notice at the log-in.",
                .path = "/v1/site",
                .output = ORL_CLI_OUT_OBJECT},
        {.noun = "site",
                .verb = "set",
                .help = "Change what is given; an empty text takes it away.",
                .method = ORL_CLI_PATCH,
                .path = "/v1/site",
                .opts = site_opts,
                .done = "site changed"},
        LIST("reason", "List the reasons and their texts.", "/v1/reasons", NULL, reason_columns),
        {.noun = "reason",
                .verb = "set",
                .help = "Say it in your own words.",
                .method = ORL_CLI_PATCH,
                .path = "/v1/reasons/{0}",
                .args = {IN_PATH("CODE", "The reason, as listed."),
                        IN_BODY("TEXT", "text", "One line, at most 139 bytes.")},
                .done = "reason {0} has your text"},
        ACT("reason", "reset", "Take Oriel's own text again.", ORL_CLI_DELETE, "/v1/reasons/{0}",
                IN_PATH("CODE", "The reason, as listed."), NULL, "reason {0} has Oriel's text"),

        {.noun = "doctor",
                .verb = "",
                .help = "Check this host and what the broker sees, or with --url only what that "
                        "one's "
                        "broker sees; exit code 1 if anything is bad.",
                .method = ORL_CLI_OWN,
                .path = "",
                .opts = doctor_opts},
        {.noun = "export",
                .verb = "",
                .help = "Write site, users, pools and entitlements as YAML to standard output.",
                .method = ORL_CLI_OWN,
                .path = ""},
        {.noun = "apply",
                .verb = "",
                .help = "Make it as a YAML file says, whole or not at all; what it does not name "
                        "stays.",
                .method = ORL_CLI_OWN,
                .path = "",
                .args = {IN_BODY(
                        "FILE", "file", "As oriel export writes it; - is standard input.")},
                .opts = apply_opts},

        LOCAL("store", "create",
                "Make a store, or bring it up to date; its owner does, and lets the programs in.",
                NO_ARG, store_create_opts),
        LOCAL("store", "restored",
                "Say that the store went back to an older state by other means than oriel restore.",
                NO_ARG, store_restored_opts),
        LOCAL("store", "migrate",
                "Copy the store whole into a new one of the other kind, SQLite or PostgreSQL.",
                NO_ARG, store_migrate_opts),
        LOCAL("backup", "", "Copy the store into an encrypted file, while the programs run.",
                IN_BODY("FILE", "file", "File to make."), backup_opts),
        LOCAL("restore", "", "Make the store what a backup has; the programs are stopped before.",
                IN_BODY("FILE", "file", "File that was made by oriel backup."), restore_opts),
        {.noun = NULL},
};
