#include "gateway/config.h"
#include "base/client_limits.h"
#include "base/ipc_msgs.h"

#define TEXT_OF(number) #number
#define TEXT(number) TEXT_OF(number)
#define AT(member) offsetof(struct orl_gateway_cfg, member)
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

#define BOOL(key, text, why)                                                                       \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_BOOL, .offset = AT(key), .fallback = (text), .help = (why)   \
    }

enum { PATH_BYTES = 240, USER_BYTES = 32 };

/* In the order of enum orl_rdp_security. */
static const char *const securities[] = {"auto", "nla", "tls", NULL};
static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

const struct orl_cfg_key orl_gateway_keys[] = {
        STR(rdp_address, 45, "*",
                "Numeric address to listen on; * is every IPv4 and IPv6 address."),
        INT(rdp_port, 0, 65535, NULL, "3389", "Port for RDP; 0 takes a free one and logs it."),
        BOOL(vnc_enabled, "true", "Serve native VNC viewers, by VeNCrypt X509Plain only."),
        STR(vnc_address, 45, "*", "As rdp_address, for VNC."),
        INT(vnc_port, 0, 65535, NULL, "5900", "Port for VNC; 0 takes a free one and logs it."),
        STR(certificate, PATH_BYTES, "",
                "Certificate chain (PEM) shown to clients; empty: the one that was uploaded (oriel "
                "certificate set), or one made once and kept in state_dir."),
        STR(certificate_key, PATH_BYTES, "", "Its private key (PEM); set both or none."),
        STR(run_dir, PATH_BYTES - 140, "/run/oriel",
                "Folder of the broker's gateway.sock, the vmpool's console.sock, and web.sock."),
        STR(state_dir, PATH_BYTES - 40, "/var/lib/oriel",
                "Folder for what must survive a restart."),
        STR(libexec_dir, PATH_BYTES - 40, "",
                "Folder of oriel-session and oriel-console; empty: beside this program."),
        STR(user, USER_BYTES, "oriel", "User to run as when started by root; empty: stay root."),
        STR(session_user, USER_BYTES, "oriel-session",
                "User of sessions and consoles when started by root; empty: as this program."),
        STR(broker_user, USER_BYTES, "oriel-broker", "User whose broker is believed."),
        STR(vmpool_user, USER_BYTES, "oriel-vmpool", "User whose vmpool is believed."),
        STR(web_user, USER_BYTES, "oriel-web", "User whose oriel-web may open desktops."),
        INT(max_connections, 1, 4096, NULL, "500", "Connections at a time."),
        INT(max_half_open, 1, 4096, NULL, "100", "Connections that have not logged in yet."),
        INT(max_half_open_per_address, 1, 4096, NULL, "20",
                "The same, of one IPv4 address or IPv6 /64 prefix."),
        INT(max_rate_per_address, 1, 100000, "per minute", "240",
                "New connections of one IPv4 address or IPv6 /64 prefix."),
        INT(handshake_deadline_s, 1, 600, "s", TEXT(ORL_CLIENT_HANDSHAKE_S),
                "From connecting to the login, and from its answer to the first picture."),
        INT(client_silent_s, 5, 3600, "s", TEXT(ORL_CLIENT_SILENT_S),
                "A client that takes no picture for so long is closed (client_stalled)."),
        INT(console_keep_s, 0, 3600, "s", "30", "How long a desktop nobody looks at stays open."),
        INT(console_retry_s, 1, 3600, "s", "120", "How long to retry a desktop's lost display."),
        INT(encoder_threads, 1, 4, NULL, "1", "Threads of one session's H.264 encoder."),
        INT(max_width_px, 0, 8192, "px", "0", "Largest width of a desktop; 0: no limit."),
        INT(max_height_px, 0, 8192, "px", "0", "Largest height of a desktop; 0: no limit."),
        ENUM(rdp_security, securities, "auto",
                "auto: tickets by NLA, user and password by TLS; nla or tls: only that."),
        BOOL(rdp_clearcodec, "true",
                "ClearCodec for text; false: planar, for several times the bytes."),
        BOOL(rdp_bulk_compression, "true",
                "RDP 8 bulk compression of graphics. Its history, and ClearCodec's, let the "
                "lengths of "
                "messages tell what a screen has in common with what it showed before."),
        STR(rdp_planar_clients, ORL_TEXT_MAX, "",
                "Clients that get neither of the two: shell patterns of their name, or of "
                "build:NUMBER, "
                "by commas."),
        ENUM(log_level, levels, "info", "Least important lines that are logged."),
        {.name = NULL},
};

const char *orl_gateway_log_level(const struct orl_gateway_cfg *cfg)
{
    return levels[cfg->log_level];
}
