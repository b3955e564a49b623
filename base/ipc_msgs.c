#include "base/ipc_msgs.h"

#include "base/rd.h"
#include "base/secret.h"
#include "base/utf8.h"

#include <string.h>

enum field_kind {
    FIELD_U32 = 1,
    FIELD_U64,
    FIELD_TEXT,  /* char[size] */
    FIELD_BYTES, /* uint8_t[size], always all of it */
    FIELD_U32S,  /* uint32_t[], size bytes */
    FIELD_U64S,  /* uint64_t[], size bytes */
    FIELD_BLOB,  /* uint32_t length, then uint8_t[size] right behind it */
};

struct field {
    enum field_kind kind;
    uint16_t offset;
    uint16_t size;
};

#define AT(type, member) (uint16_t) offsetof(struct orl_msg_##type, member)
#define SIZE(type, member) (uint16_t)sizeof(((struct orl_msg_##type *)NULL)->member)
#define U32(type, member)                                                                          \
    {                                                                                              \
        FIELD_U32, AT(type, member), 4                                                             \
    }
#define U64(type, member)                                                                          \
    {                                                                                              \
        FIELD_U64, AT(type, member), 8                                                             \
    }
#define TEXT(type, member)                                                                         \
    {                                                                                              \
        FIELD_TEXT, AT(type, member), SIZE(type, member)                                           \
    }
#define BYTES(type, member)                                                                        \
    {                                                                                              \
        FIELD_BYTES, AT(type, member), SIZE(type, member)                                          \
    }
#define U32S(type, member)                                                                         \
    {                                                                                              \
        FIELD_U32S, AT(type, member), SIZE(type, member)                                           \
    }
#define U64S(type, member)                                                                         \
    {                                                                                              \
        FIELD_U64S, AT(type, member), SIZE(type, member)                                           \
    }
#define BLOB(type, length, member)                                                                 \
    {                                                                                              \
        FIELD_BLOB, AT(type, length), SIZE(type, member)                                           \
    }
#define PERMIT(type)                                                                               \
    U32(type, permit.clipboard), U32(type, permit.clipboard_max_bytes),                            \
            U32(type, permit.has_sound), U32(type, permit.is_view_only)

_Static_assert(
        offsetof(struct orl_msg_proof, proof) == offsetof(struct orl_msg_proof, proof_len) + 4 &&
                offsetof(struct orl_msg_proof, messages) ==
                        offsetof(struct orl_msg_proof, messages_len) + 4 &&
                offsetof(struct orl_msg_certificate, chain) ==
                        offsetof(struct orl_msg_certificate, chain_len) + 4 &&
                offsetof(struct orl_msg_certificate, key) ==
                        offsetof(struct orl_msg_certificate, key_len) + 4 &&
                offsetof(struct orl_msg_thumb, data) ==
                        offsetof(struct orl_msg_thumb, data_len) + 4,
        "a blob lies right behind its length");

static const struct field start_fields[] = {U32(start, protocol), U32(start, source),
        U32(start, is_web), U32(start, rdp_security), U32(start, width_px), U32(start, height_px),
        U32(start, threads), U32(start, has_clear), U32(start, has_bulk_compression),
        U32(start, silent_s), TEXT(start, planar_clients), TEXT(start, client),
        TEXT(start, password), TEXT(start, user), TEXT(start, domain), TEXT(start, fingerprint),
        {0}};
static const struct field login_fields[] = {U32(login, protocol), TEXT(login, user),
        TEXT(login, domain), TEXT(login, password), TEXT(login, pool), TEXT(login, client),
        TEXT(login, client_name), TEXT(login, binding), TEXT(login, regional.locale),
        TEXT(login, regional.timezone), TEXT(login, regional.keyboard), {0}};
static const struct field proof_fields[] = {U32(proof, protocol), TEXT(proof, user),
        TEXT(proof, domain), TEXT(proof, client), TEXT(proof, client_name),
        BYTES(proof, session_key), BYTES(proof, mic), BLOB(proof, proof_len, proof),
        BLOB(proof, messages_len, messages), {0}};
static const struct field hash_fields[] = {BYTES(hash, ntowfv2), {0}};
static const struct field plan_fields[] = {U32(plan, is_ready), TEXT(plan, session),
        TEXT(plan, user), TEXT(plan, pool), TEXT(plan, desktop), U64(plan, version),
        U64(plan, waiting_since_ms), U32(plan, max_idle_s), PERMIT(plan), {0}};
static const struct field notice_fields[] = {U32(notice, kind), U32(notice, reason),
        U64(notice, since_ms), TEXT(notice, title), TEXT(notice, text), {0}};
static const struct field console_fields[] = {TEXT(console, desktop), U64(console, version),
        TEXT(console, session), U32(console, source), U32(console, reason), U32(console, is_final),
        TEXT(console, password), TEXT(console, user), TEXT(console, domain),
        TEXT(console, fingerprint), TEXT(console, text), {0}};
static const struct field surface_fields[] = {U32(surface, link), PERMIT(surface), {0}};
static const struct field stats_fields[] = {TEXT(stats, session), U32(stats, width_px),
        U32(stats, height_px), U64(stats, frames), U64(stats, bytes_out), U64(stats, bytes_in),
        U32(stats, rtt_us), U32(stats, ack_us), U64(stats, last_input_ms),
        U32(stats, since.elapsed_ms), U32(stats, since.frames), U32S(stats, since.counts),
        U64S(stats, since.sums_us), U32S(stats, since.kind_frames), U64S(stats, since.kind_bytes),
        {0}};
static const struct field close_fields[] = {
        U32(close, reason), TEXT(close, audit), TEXT(close, text), {0}};
static const struct field web_fields[] = {
        TEXT(web, client), TEXT(web, ticket), TEXT(web, password), TEXT(web, binding), {0}};
static const struct field thumb_fields[] = {TEXT(thumb, session), BLOB(thumb, data_len, data), {0}};
static const struct field consent_fields[] = {
        U32(consent, kind), TEXT(consent, watch), TEXT(consent, text), TEXT(consent, why), {0}};
static const struct field certificate_fields[] = {U32(certificate, serial),
        BLOB(certificate, chain_len, chain), BLOB(certificate, key_len, key), {0}};
static const struct field service_fields[] = {U32(service, service), U32(service, serial),
        U32(service, is_refused), TEXT(service, why), U32(service, port), U32(service, other_port),
        U32(service, source), U32(service, count), U32(service, is_self_signed),
        U32(service, is_key_open), U64(service, from_ms), U64(service, until_ms),
        TEXT(service, issuer), TEXT(service, names), TEXT(service, fingerprint),
        TEXT(service, problem), {0}};
static const struct field no_fields[] = {{0}};

static const struct {
    const char *name;
    const struct field *fields;
} messages[ORL_MSG_TYPE_COUNT] = {
        [ORL_MSG_START] = {"start", start_fields},
        [ORL_MSG_LOGIN] = {"login", login_fields},
        [ORL_MSG_PROOF] = {"proof", proof_fields},
        [ORL_MSG_HASH] = {"hash", hash_fields},
        [ORL_MSG_PLAN] = {"plan", plan_fields},
        [ORL_MSG_NOTICE] = {"notice", notice_fields},
        [ORL_MSG_CONSOLE] = {"console", console_fields},
        [ORL_MSG_SURFACE] = {"surface", surface_fields},
        [ORL_MSG_STATS] = {"stats", stats_fields},
        [ORL_MSG_CLOSE] = {"close", close_fields},
        [ORL_MSG_POKE] = {"poke", no_fields},
        [ORL_MSG_WATCH] = {"watch", no_fields},
        [ORL_MSG_WEB] = {"web", web_fields},
        [ORL_MSG_THUMB] = {"thumb", thumb_fields},
        [ORL_MSG_CONSENT] = {"consent", consent_fields},
        [ORL_MSG_CERTIFICATE] = {"certificate", certificate_fields},
        [ORL_MSG_SERVICE] = {"service", service_fields},
};

static bool is_known(unsigned type)
{
    return type < ORL_MSG_TYPE_COUNT && messages[type].fields != NULL;
}

const char *orl_msg_name(unsigned type)
{
    return is_known(type) ? messages[type].name : "?";
}

static void put_counted(struct orl_buf *buf, const void *data, size_t len)
{
    orl_buf_put_u16le(buf, (uint16_t)len);
    orl_buf_put(buf, data, len);
}

static int encode_field(const struct field *field, const uint8_t *body, struct orl_buf *buf)
{
    const uint8_t *at = body + field->offset;
    uint32_t u32;
    uint64_t u64;
    switch (field->kind) {
    case FIELD_U32:
        memcpy(&u32, at, sizeof(u32));
        orl_buf_put_u32le(buf, u32);
        return 0;
    case FIELD_U64:
        memcpy(&u64, at, sizeof(u64));
        orl_buf_put_u64le(buf, u64);
        return 0;
    case FIELD_U32S:
        for (size_t i = 0; i < field->size; i += sizeof(u32)) {
            memcpy(&u32, at + i, sizeof(u32));
            orl_buf_put_u32le(buf, u32);
        }
        return 0;
    case FIELD_U64S:
        for (size_t i = 0; i < field->size; i += sizeof(u64)) {
            memcpy(&u64, at + i, sizeof(u64));
            orl_buf_put_u64le(buf, u64);
        }
        return 0;
    case FIELD_TEXT: {
        size_t len = strnlen((const char *)at, field->size);
        if (len >= field->size) {
            return ORL_E_INVAL;
        }
        put_counted(buf, at, len);
        return 0;
    }
    case FIELD_BYTES:
        orl_buf_put(buf, at, field->size);
        return 0;
    case FIELD_BLOB:
        memcpy(&u32, at, sizeof(u32));
        if (u32 > field->size) {
            return ORL_E_INVAL;
        }
        put_counted(buf, at + sizeof(u32), u32);
        return 0;
    default:
        return ORL_E_INVAL;
    }
}

static int decode_field(const struct field *field, uint8_t *body, struct orl_rd *rd)
{
    uint8_t *at = body + field->offset;
    uint32_t u32;
    uint64_t u64;
    const uint8_t *from;
    switch (field->kind) {
    case FIELD_U32:
        u32 = orl_rd_u32le(rd);
        memcpy(at, &u32, sizeof(u32));
        return 0;
    case FIELD_U64:
        u64 = orl_rd_u64le(rd);
        memcpy(at, &u64, sizeof(u64));
        return 0;
    case FIELD_U32S:
        for (size_t i = 0; i < field->size; i += sizeof(u32)) {
            u32 = orl_rd_u32le(rd);
            memcpy(at + i, &u32, sizeof(u32));
        }
        return 0;
    case FIELD_U64S:
        for (size_t i = 0; i < field->size; i += sizeof(u64)) {
            u64 = orl_rd_u64le(rd);
            memcpy(at + i, &u64, sizeof(u64));
        }
        return 0;
    case FIELD_TEXT:
        u32 = orl_rd_u16le(rd);
        from = orl_rd_bytes(rd, u32);
        if (from == NULL || u32 >= field->size || !orl_utf8_is_valid(from, u32)) {
            return ORL_E_PROTO;
        }
        memcpy(at, from, u32); /* the rest is zero already */
        return 0;
    case FIELD_BYTES:
        from = orl_rd_bytes(rd, field->size);
        if (from == NULL) {
            return ORL_E_PROTO;
        }
        memcpy(at, from, field->size);
        return 0;
    case FIELD_BLOB:
        u32 = orl_rd_u16le(rd);
        from = orl_rd_bytes(rd, u32);
        if (from == NULL || u32 > field->size) {
            return ORL_E_PROTO;
        }
        memcpy(at, &u32, sizeof(u32));
        memcpy(at + sizeof(u32), from, u32);
        return 0;
    default:
        return ORL_E_PROTO;
    }
}

int orl_msg_encode(const struct orl_msg *msg, struct orl_buf *buf)
{
    if (!is_known(msg->type)) {
        return ORL_E_INVAL;
    }
    orl_buf_put_u16le(buf, ORL_MSG_VERSION);
    orl_buf_put_u16le(buf, msg->type);
    orl_buf_put_u32le(buf, msg->conn);
    const uint8_t *body = (const uint8_t *)&msg->u;
    for (const struct field *field = messages[msg->type].fields; field->kind != 0; field++) {
        if (encode_field(field, body, buf) < 0) {
            return ORL_E_INVAL;
        }
    }
    return buf->is_failed ? ORL_E_LIMIT : 0;
}

int orl_msg_decode(const void *data, size_t len, struct orl_msg *ret_msg)
{
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    uint16_t version = orl_rd_u16le(&rd);
    uint16_t type = orl_rd_u16le(&rd);
    uint32_t conn = orl_rd_u32le(&rd);
    if (rd.is_failed || version != ORL_MSG_VERSION || !is_known(type)) {
        return ORL_E_PROTO;
    }
    struct orl_msg msg = {.type = type, .conn = conn};
    memset(&msg.u, 0, sizeof(msg.u)); /* the initialiser need not reach all members */
    int code = 0;
    for (const struct field *field = messages[type].fields; field->kind != 0 && code == 0;
            field++) {
        code = decode_field(field, (uint8_t *)&msg.u, &rd);
    }
    if (code == 0 && (rd.is_failed || orl_rd_left(&rd) != 0)) {
        code = ORL_E_PROTO;
    }
    if (code == 0) {
        *ret_msg = msg;
    }
    orl_msg_wipe(&msg);
    return code;
}

void orl_msg_wipe(struct orl_msg *msg)
{
    orl_secret_wipe(msg, sizeof(*msg));
}

void orl_msg_text(char *dst, size_t dst_size, const char *src)
{
    size_t len = strnlen(src, dst_size - 1);
    while (len > 0 && ((uint8_t)src[len] & 0xC0U) == 0x80U) {
        len--;
    }
    memcpy(dst, src, len);
    dst[len] = '\0';
}
