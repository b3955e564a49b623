/* The typed, versioned messages between our processes. One datagram is one message:
 *     u16 version, u16 type, u32 conn, body (little endian; strings and blobs as u16 length + bytes).
 * One field table per type in ipc_msgs.c encodes and decodes it; decoding checks every length, that
 * strings hold no NUL and are valid UTF-8, and that nothing is left over.
 *
 *   session  <-> gateway <-> broker    login proof plan notice stats watch thumb consent close
 *   web      <-> gateway               web close
 *   gateway  <-> vmpool                console
 *   gateway  <-> session, console      start surface close
 *   console  <-> session               their own socket: display/link.h
 *   gateway, web <-> broker            service certificate
 *   anyone    -> broker, vmpool        poke
 * Which of them a process may send, at which stage, is the receiver's table. */
#ifndef ORL_BASE_IPC_MSGS_H
#define ORL_BASE_IPC_MSGS_H
#include "base/buf.h"
#include "base/cert.h"
#include "base/err.h"
#include "base/histogram.h"
#include "base/id.h"
#include "base/reason.h"
#include "base/regional.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_MSG_VERSION 5
#define ORL_MSG_MAX_BYTES 24576
#define ORL_MSG_MAX_FDS 4

#define ORL_USER_MAX 255 /* bytes of UTF-8 */
#define ORL_PASSWORD_MAX 511
#define ORL_NAME_MAX 63 /* pools, hosts, client names */
#define ORL_ADDR_MAX 63 /* "203.0.113.7:4711", "[2001:db8::1]:4711" */
#define ORL_TEXT_MAX 239
#define ORL_BINDING_LEN 64     /* SHA-256 of a portal cookie's token, in hex */
#define ORL_FINGERPRINT_MAX 95 /* SHA-256 of a certificate, in hex, with colons or without */
#define ORL_THUMB_MAX 16384    /* bytes of one JPEG */
#define ORL_NTLM_MAX 8192      /* bytes of one NTLM blob (AV pairs and three messages) */

enum orl_msg_type {
    ORL_MSG_NONE = 0,
    ORL_MSG_START,   /* gateway -> session, console: what you are; fds below */
    ORL_MSG_LOGIN,   /* session -> broker: user and password */
    ORL_MSG_PROOF,   /* session -> broker: NTLM proof of a ticket */
    ORL_MSG_HASH,    /* broker -> session: the proof held; NTOWFv2 */
    ORL_MSG_PLAN,    /* broker -> gateway, session: which desktop */
    ORL_MSG_NOTICE,  /* -> session: show this text screen */
    ORL_MSG_CONSOLE, /* gateway -> vmpool: want it; vmpool -> gateway: have it (fd) or why not */
    ORL_MSG_SURFACE, /* gateway -> session and console: one end each of a link (fd) */
    ORL_MSG_STATS,   /* session -> gateway -> broker, renews the lease */
    ORL_MSG_CLOSE,   /* any direction: this connection, or this console, is over */
    ORL_MSG_POKE,    /* the store has news for you; no body */
    ORL_MSG_WATCH,   /* broker -> gateway -> session: somebody looks, send STATS often; no body */
    ORL_MSG_WEB,     /* web -> gateway: a browser's desktop; fds: RFB stream, aux datagrams */
    ORL_MSG_THUMB,   /* broker -> session: send one (no data); session -> broker: here it is */
    ORL_MSG_CONSENT, /* broker -> session: who looks, or asks to; session -> broker: the answer */
    ORL_MSG_CERTIFICATE, /* broker -> gateway, web: show this one from now on */
    ORL_MSG_SERVICE,     /* gateway, web -> broker: which one it shows, and where it listens */
    ORL_MSG_TYPE_COUNT
};

enum orl_protocol { ORL_PROTOCOL_NONE = 0, ORL_PROTOCOL_RDP = 1, ORL_PROTOCOL_VNC = 2 };
enum orl_source_kind {
    ORL_SOURCE_NONE = 0,
    ORL_SOURCE_VNC = 1,
    ORL_SOURCE_QEMU = 2,
    ORL_SOURCE_RDP = 3
};
enum orl_rdp_security {
    ORL_RDP_SECURITY_AUTO = 0,
    ORL_RDP_SECURITY_NLA = 1,
    ORL_RDP_SECURITY_TLS = 2
};

/* Which way clipboard text may go. */
enum { ORL_CLIPBOARD_TO_GUEST = 1, ORL_CLIPBOARD_TO_CLIENT = 2, ORL_CLIPBOARD_BOTH = 3 };
/* What the pool's policy lets pass beside pixels and input; display/permit.h asks it. */
struct orl_permit {
    uint32_t clipboard;           /* ORL_CLIPBOARD_TO_* */
    uint32_t clipboard_max_bytes; /* of one text, UTF-8 */
    uint32_t has_sound;
    uint32_t is_view_only; /* nothing goes to the guest at all: somebody else's desktop */
};

/* To a session: fds = client socket, certificate PEM, key PEM; of a browser (is_web): its RFB stream, its aux
 * datagrams. To a console: fds = display. */
struct orl_msg_start {
    uint32_t protocol; /* enum orl_protocol; 0 for a console */
    uint32_t source;   /* enum orl_source_kind; 0 for a session */
    uint32_t is_web;   /* 1: the client is a browser that oriel-web speaks TLS with */
    uint32_t rdp_security;
    uint32_t width_px; /* largest desktop, 0: no limit beyond ORL_SURFACE_MAX_PX */
    uint32_t height_px;
    uint32_t threads;              /* for encoding, 1 .. 4 */
    uint32_t has_clear;            /* ClearCodec for text */
    uint32_t has_bulk_compression; /* RDP 8 bulk compression */
    uint32_t silent_s; /* a client that takes nothing for so long is over; 0: the default */
    char planar_clients[ORL_TEXT_MAX +
                        1]; /* patterns of client names, by commas: neither of the two */
    char client[ORL_ADDR_MAX + 1];
    /* Console only: of the desktop's display. */
    char password[ORL_PASSWORD_MAX + 1];
    char user[ORL_USER_MAX + 1]; /* RDP, as the next two */
    char domain[ORL_USER_MAX + 1];
    char fingerprint[ORL_FINGERPRINT_MAX + 1]; /* of the certificate that it must show */
};
struct orl_msg_login {
    uint32_t protocol;
    char user[ORL_USER_MAX + 1]; /* as typed: may hold "user@pool" or "pool\user" */
    char domain[ORL_USER_MAX + 1];
    char password[ORL_PASSWORD_MAX + 1];
    char pool[ORL_NAME_MAX + 1];   /* from the load-balance cookie, or empty */
    char client[ORL_ADDR_MAX + 1]; /* written by the gateway, never by the session */
    char client_name[ORL_NAME_MAX + 1];
    char binding[ORL_BINDING_LEN + 1]; /* by the gateway, for a browser, as user and password are */
    struct orl_regional regional;      /* the client's, as far as it says; not checked */
};
/* A browser's desktop: conn is oriel-web's number, which the gateway's CLOSE for it repeats. */
struct orl_msg_web {
    char client[ORL_ADDR_MAX + 1];
    char ticket[ORL_NAME_MAX + 1]; /* id and password of a ticket that is bound to the cookie */
    char password[ORL_NAME_MAX + 1];
    char binding[ORL_BINDING_LEN + 1];
};
/* What a desktop looks like, small: JPEG, for its owner's portal. */
struct orl_msg_thumb {
    char session[ORL_ID_LEN + 1]; /* written by the gateway */
    uint32_t data_len;            /* 0: the question */
    uint8_t data[ORL_THUMB_MAX];
};
/* Somebody else wants to look at this desktop, or does. An answer says which question it is of. */
enum orl_consent_kind {
    ORL_CONSENT_NONE = 0, /* to a session: nobody does */
    ORL_CONSENT_ASK,      /* to a session */
    ORL_CONSENT_LOOKS,    /* to a session */
    ORL_CONSENT_ALLOW,    /* from a session */
    ORL_CONSENT_REFUSE,   /* from a session: no, or not any longer */
};
struct orl_msg_consent {
    uint32_t kind;
    char watch[ORL_ID_LEN + 1]; /* of the question; empty: of all who look */
    char text[ORL_TEXT_MAX + 1];
    char why[ORL_TEXT_MAX + 1];
};
struct orl_msg_proof {
    uint32_t protocol;
    char user[ORL_USER_MAX + 1];
    char domain[ORL_USER_MAX + 1];
    char client[ORL_ADDR_MAX + 1]; /* written by the gateway */
    char client_name[ORL_NAME_MAX + 1];
    uint8_t session_key[16]; /* EncryptedRandomSessionKey, MS-NLMP 2.2.1.3 */
    uint8_t mic[16];         /* MIC, MS-NLMP 2.2.1.3 */
    uint32_t proof_len;
    uint8_t proof[ORL_NTLM_MAX]; /* ServerChallenge + temp, MS-NLMP 3.3.2 */
    uint32_t messages_len;
    uint8_t messages[ORL_NTLM_MAX]; /* NEGOTIATE + CHALLENGE + AUTHENTICATE with MIC zeroed */
};
struct orl_msg_hash {
    uint8_t ntowfv2[16];
};
struct orl_msg_plan {
    uint32_t is_ready; /* 0: waiting; a second plan follows */
    char session[ORL_ID_LEN + 1];
    char user[ORL_USER_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
    char desktop[ORL_ID_LEN + 1]; /* empty while waiting */
    uint64_t version;             /* the desktop's fencing version; 0 while waiting */
    uint64_t waiting_since_ms;    /* wall clock */
    uint32_t max_idle_s;          /* 0: none */
    struct orl_permit permit;
};
enum orl_notice_kind {
    ORL_NOTICE_SCREEN = 0, /* over all of the picture */
    ORL_NOTICE_BAND, /* a band on top of the picture, which goes on; an empty text takes it away */
    ORL_NOTICE_BAND_INPUT, /* the same, and any input takes it away */
    ORL_NOTICE_MESSAGE, /* over the band, if there is one; goes by itself, or by a key or a button */
};
struct orl_msg_notice {
    uint32_t kind;     /* enum orl_notice_kind */
    uint32_t reason;   /* enum orl_reason; 0: waiting */
    uint64_t since_ms; /* wall clock; elapsed time is shown when not 0 */
    char title[ORL_TEXT_MAX + 1];
    char text[ORL_TEXT_MAX + 1];
};
/* To vmpool: desktop, version, session. From vmpool: the same and source + fd, or reason. */
struct orl_msg_console {
    char desktop[ORL_ID_LEN + 1];
    uint64_t version;
    char session[ORL_ID_LEN + 1];
    uint32_t source;
    uint32_t reason;   /* 0 when there is an fd */
    uint32_t is_final; /* 1: asking again will not help */
    char password[ORL_PASSWORD_MAX + 1];
    char user[ORL_USER_MAX + 1]; /* RDP, as the next two */
    char domain[ORL_USER_MAX + 1];
    char fingerprint[ORL_FINGERPRINT_MAX + 1];
    char text[ORL_TEXT_MAX + 1];
};
struct orl_msg_surface {
    uint32_t link;            /* the gateway's number of this link */
    struct orl_permit permit; /* to a console: of this link, from the plan */
};
/* Times of frames, and of the answer to a key. */
enum orl_stats_time {
    ORL_STATS_ENCODE = 0, /* damage seen -> written to the socket */
    ORL_STATS_ACK,        /* written -> acknowledged */
    ORL_STATS_TOTAL,      /* damage seen -> acknowledged */
    ORL_STATS_KEY,        /* key pressed -> the next frame of something newer written */
    ORL_STATS_TIME_COUNT
};
/* What a frame's bytes were for. */
enum orl_stats_kind {
    ORL_STATS_COPY = 0, /* copies and fills alone */
    ORL_STATS_LOSSLESS,
    ORL_STATS_H264,
    ORL_STATS_REFINE, /* exact pixels where H.264 was */
    ORL_STATS_KIND_COUNT
};
/* Since the last STATS. Times by the buckets of base/histogram.h. */
struct orl_stats_since {
    uint32_t elapsed_ms;
    uint32_t frames;
    uint32_t counts[ORL_STATS_TIME_COUNT][ORL_HISTOGRAM_BUCKETS];
    uint64_t sums_us[ORL_STATS_TIME_COUNT];
    uint32_t kind_frames[ORL_STATS_KIND_COUNT]; /* a frame may be of several */
    uint64_t kind_bytes[ORL_STATS_KIND_COUNT];
};
struct orl_msg_stats {
    char session[ORL_ID_LEN + 1];
    uint32_t width_px;
    uint32_t height_px;
    uint64_t frames;
    uint64_t bytes_out;
    uint64_t bytes_in;
    uint32_t rtt_us;        /* 0: unknown */
    uint32_t ack_us;        /* damage seen to acknowledged, mean since the last */
    uint64_t last_input_ms; /* wall clock */
    struct orl_stats_since since;
};
/* Each has a certificate and key of its own. */
enum orl_service { ORL_SERVICE_NONE = 0, ORL_SERVICE_RDP = 1, ORL_SERVICE_WEB = 2 };
enum orl_cert_source {
    ORL_CERT_OWN = 0,      /* made by the program itself, self-signed */
    ORL_CERT_SETTING = 1,  /* of its settings: nothing else is shown */
    ORL_CERT_UPLOADED = 2, /* came by CERTIFICATE */
};
struct orl_msg_certificate {
    uint32_t serial; /* not 0; its SERVICE repeats it */
    uint32_t chain_len;
    uint8_t chain[ORL_CERT_CHAIN_MAX]; /* PEM; nothing: back to its own */
    uint32_t key_len;
    uint8_t key[ORL_CERT_KEY_MAX];
};
#define ORL_SERVICE_ISSUER_MAX 199
#define ORL_SERVICE_NAMES_MAX 399
struct orl_msg_service {
    uint32_t service; /* enum orl_service */
    uint32_t serial;  /* of what this answers; 0: nothing */
    uint32_t is_refused;
    char why[ORL_TEXT_MAX + 1]; /* is_refused */
    uint32_t port, other_port;  /* RDP and VNC, HTTPS and HTTP; 0: none */
    /* What it shows. */
    uint32_t source; /* enum orl_cert_source */
    uint32_t count;  /* of certificates in the chain */
    uint32_t is_self_signed;
    uint32_t is_key_open; /* others can read the key's file */
    uint64_t from_ms, until_ms;
    char issuer[ORL_SERVICE_ISSUER_MAX + 1];
    char names[ORL_SERVICE_NAMES_MAX + 1];
    char fingerprint[ORL_FINGERPRINT_MAX + 1];
    char problem[ORL_TEXT_MAX + 1]; /* not what it was to show, and why; empty: it is */
};
struct orl_msg_close {
    uint32_t reason;             /* enum orl_reason */
    char audit[ORL_ID_LEN + 1];  /* the audit row's id, or empty */
    char text[ORL_TEXT_MAX + 1]; /* may be empty: then orl_reason_text() */
};

struct orl_msg {
    uint16_t type; /* enum orl_msg_type */
    uint32_t conn; /* the gateway's connection number; 0 on a session's own socket */
    union {
        struct orl_msg_start start;
        struct orl_msg_login login;
        struct orl_msg_proof proof;
        struct orl_msg_hash hash;
        struct orl_msg_plan plan;
        struct orl_msg_notice notice;
        struct orl_msg_console console;
        struct orl_msg_surface surface;
        struct orl_msg_stats stats;
        struct orl_msg_close close;
        struct orl_msg_web web;
        struct orl_msg_thumb thumb;
        struct orl_msg_consent consent;
        struct orl_msg_certificate certificate;
        struct orl_msg_service service;
    } u;
};

/* Appends to buf. ORL_E_INVAL: a string is not terminated or a length is over its field. */
ORL_NODISCARD int orl_msg_encode(const struct orl_msg *msg, struct orl_buf *buf);
/* All of data is one message. Writes *ret_msg (fully zeroed first) only on success.
 * ORL_E_PROTO: wrong version, unknown type, bad length, text not UTF-8, bytes left over. */
ORL_NODISCARD int orl_msg_decode(const void *data, size_t len, struct orl_msg *ret_msg);
const char *orl_msg_name(unsigned type); /* "login"; "?" */
void orl_msg_wipe(struct orl_msg *msg);  /* messages carry passwords */
/* Cuts src to the room that dst has, at a character's border; always terminates. */
void orl_msg_text(char *dst, size_t dst_size, const char *src);

#endif
