#include "web/server/config.h"

#define AT(member) offsetof(struct orl_web_cfg, member)
#define STR(key, limit, text, why)                                                                 \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_STR, .offset = AT(key), .max = (limit), .fallback = (text),  \
        .help = (why)                                                                              \
    }
#define LIST(key, limit, why)                                                                      \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_LIST, .offset = AT(key), .max = (limit), .fallback = "",     \
        .help = (why)                                                                              \
    }
#define INT(key, low, high, of, text, why)                                                         \
    {                                                                                              \
        .name = #key, .type = ORL_CFG_INT, .offset = AT(key), .min = (low), .max = (high),         \
        .unit = (of), .fallback = (text), .help = (why)                                            \
    }

enum { PATH_BYTES = 240, USER_BYTES = 32, ORIGIN_BYTES = 200, NET_BYTES = 49 };

static const char *const levels[] = {"error", "warn", "info", "debug", NULL};

const struct orl_cfg_key orl_web_keys[] = {
        STR(https_address, 45, "*",
                "Numeric address to listen on; * is every IPv4 and IPv6 address."),
        INT(https_port, 0, 65535, NULL, "443", "Port for HTTPS; 0 takes a free one and logs it."),
        INT(http_port, 0, 65535, NULL, "0", "Port that only redirects to HTTPS; 0: there is none."),
        LIST(origins, ORIGIN_BYTES,
                "Addresses of the portal as browsers show them, such as "
                "https://desktops.example.org; empty: https://HOST, with the port if it is not "
                "443, of this machine's name, localhost and 127.0.0.1."),
        LIST(proxy_trust, NET_BYTES,
                "Load balancers (10.0.0.0/8, 2001:db8::1) that begin each connection with PROXY "
                "protocol version 2; from others it is refused."),
        STR(certificate, PATH_BYTES, "",
                "Certificate chain (PEM) shown to browsers; empty: the one that was uploaded "
                "(oriel "
                "certificate set), or one made once and kept in state_dir."),
        STR(certificate_key, PATH_BYTES, "", "Its private key (PEM); set both or none."),
        STR(web_dir, PATH_BYTES, "", "Folder of the built pages; empty: where they are installed."),
        STR(run_dir, PATH_BYTES - 140, "/run/oriel",
                "Folder of the broker's broker.sock and the gateway's web.sock."),
        STR(state_dir, PATH_BYTES - 40, "/var/lib/oriel",
                "Folder for what must survive a restart."),
        STR(user, USER_BYTES, "oriel-web",
                "User to run as when started by root; empty: stay root."),
        STR(gateway_user, USER_BYTES, "oriel", "User whose gateway is believed."),
        STR(broker_user, USER_BYTES, "oriel-broker", "User whose broker is believed."),
        STR(vmpool_user, USER_BYTES, "oriel-vmpool",
                "User whose vmpool gets the files that people send."),
        INT(max_connections, 1, 16384, NULL, "4000", "Connections at a time."),
        INT(max_connections_per_address, 1, 16384, NULL, "1000",
                "The same, of one IPv4 address or IPv6 /64 prefix."),
        INT(max_rate_per_address, 1, 1000000, "per minute", "6000",
                "New connections of one IPv4 address or IPv6 /64 prefix."),
        INT(max_relayed, 1, 16384, NULL, "1000",
                "Requests to the broker at a time, one for each open portal page among them; below "
                "the broker's max_web_connections."),
        INT(request_s, 1, 300, "s", "15", "How long a request may take to arrive."),
        INT(idle_s, 1, 3600, "s", "60", "How long a connection may be without a request."),
        INT(stall_s, 1, 3600, "s", "45", "How long a browser may stop reading an answer."),
        INT(ping_s, 1, 300, "s", "20",
                "How often a silent desktop's browser is asked whether it is there; after twice "
                "that it is not."),
        {.name = "log_level",
                .type = ORL_CFG_ENUM,
                .offset = AT(log_level),
                .choices = levels,
                .fallback = "info",
                .help = "Least important lines that are logged."},
        {.name = NULL},
};

const char *orl_web_log_level(const struct orl_web_cfg *cfg)
{
    return levels[cfg->log_level];
}
