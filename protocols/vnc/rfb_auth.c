#include "protocols/vnc/rfb_auth.h"
#include "base/rd.h"
#include "base/secret.h"
#include "base/utf8.h"
#include <string.h>

enum { TYPE_NONE = 1, TYPE_VENCRYPT = 19, SUBTYPE_X509_PLAIN = 262 };
enum { VERSION_BYTES = 12, RESULT_OK = 0, RESULT_FAILED = 1 };
enum { VENCRYPT_MAJOR = 0, VENCRYPT_MINOR = 2, VENCRYPT_REFUSED = 0xFF };

static const char needs_vencrypt[] =
        "This server needs a viewer with VeNCrypt X509Plain: TLS, user and password.";

void orl_rfb_auth_begin(struct orl_rfb_auth *auth, bool is_secure_pair, struct orl_buf *out)
{
    *auth = (struct orl_rfb_auth){.is_secure_pair = is_secure_pair};
    orl_buf_put(out, "RFB 003.008\n", VERSION_BYTES);
}

static void put_reason(struct orl_buf *out, const char *text)
{
    orl_buf_put_u32be(out, (uint32_t)strlen(text));
    orl_buf_put(out, text, strlen(text));
}

static int refuse(struct orl_rfb_auth *auth)
{
    auth->state = ORL_RFB_AUTH_REFUSED;
    return ORL_E_UNSUPPORTED;
}

static bool read_number(const uint8_t *digits, unsigned *ret_number)
{
    *ret_number = 0;
    for (unsigned i = 0; i < 3; i++) {
        if (digits[i] < '0' || digits[i] > '9') {
            return false;
        }
        *ret_number = *ret_number * 10 + (unsigned)(digits[i] - '0');
    }
    return true;
}

/* 7.1.2: versions that nobody published count as 3.3; those above 3.8 as 3.8, as macOS's 3.889. */
static int take_version(struct orl_rfb_auth *auth, const uint8_t *data, struct orl_buf *out)
{
    unsigned major = 0;
    unsigned minor = 0;
    if (memcmp(data, "RFB ", 4) != 0 || data[7] != '.' || data[11] != '\n' ||
            !read_number(data + 4, &major) || !read_number(data + 8, &minor) || major < 3) {
        return ORL_E_PROTO;
    }
    auth->minor = major > 3 || minor >= 8 ? 8 : minor == 7 ? 7 : 3;
    if (auth->minor == 3 && auth->is_secure_pair) {
        orl_buf_put_u32be(out, TYPE_NONE);
        auth->state = ORL_RFB_AUTH_LOGIN;
        return VERSION_BYTES;
    }
    if (auth->minor == 3) {
        orl_buf_put_u32be(out, 0);
        put_reason(out, needs_vencrypt);
        return refuse(auth);
    }
    orl_buf_put_u8(out, 1);
    orl_buf_put_u8(out, auth->is_secure_pair ? TYPE_NONE : TYPE_VENCRYPT);
    auth->state = ORL_RFB_AUTH_TYPE;
    return VERSION_BYTES;
}

static int take_type(struct orl_rfb_auth *auth, uint8_t type, struct orl_buf *out)
{
    if (type != (auth->is_secure_pair ? TYPE_NONE : TYPE_VENCRYPT)) {
        return ORL_E_PROTO; /* 7.1.2: one of those that we named */
    }
    if (auth->is_secure_pair) {
        auth->state = ORL_RFB_AUTH_LOGIN;
        return 1;
    }
    orl_buf_put_u8(out, VENCRYPT_MAJOR);
    orl_buf_put_u8(out, VENCRYPT_MINOR);
    auth->state = ORL_RFB_AUTH_VENCRYPT_VERSION;
    return 1;
}

static int take_vencrypt_version(struct orl_rfb_auth *auth, struct orl_rd *rd, struct orl_buf *out)
{
    const unsigned major = orl_rd_u8(rd);
    const unsigned minor = orl_rd_u8(rd);
    if (rd->is_failed) {
        return 0;
    }
    if (major != VENCRYPT_MAJOR || minor != VENCRYPT_MINOR) {
        orl_buf_put_u8(out, VENCRYPT_REFUSED);
        return refuse(auth);
    }
    orl_buf_put_u8(out, 0); /* taken */
    orl_buf_put_u8(out, 1); /* subtypes */
    orl_buf_put_u32be(out, SUBTYPE_X509_PLAIN);
    auth->state = ORL_RFB_AUTH_SUBTYPE;
    return (int)rd->at;
}

static int take_subtype(struct orl_rfb_auth *auth, struct orl_rd *rd, struct orl_buf *out)
{
    const uint32_t subtype = orl_rd_u32be(rd);
    if (rd->is_failed) {
        return 0;
    }
    if (subtype != SUBTYPE_X509_PLAIN) {
        orl_buf_put_u8(out, 0);
        return refuse(auth);
    }
    orl_buf_put_u8(out, 1);
    auth->state = ORL_RFB_AUTH_TLS;
    return (int)rd->at;
}

/* A name cut short would be another one's; text that is none cannot be anybody's. */
static bool take_text(char *ret, const uint8_t *data, size_t len)
{
    if (!orl_utf8_is_valid(data, len)) {
        return false;
    }
    memcpy(ret, data, len);
    ret[len] = '\0';
    return true;
}

static int take_plain(struct orl_rfb_auth *auth, struct orl_rd *rd)
{
    const uint32_t user_len = orl_rd_u32be(rd);
    const uint32_t password_len = orl_rd_u32be(rd);
    if (user_len > ORL_USER_MAX || password_len > ORL_PASSWORD_MAX) {
        return ORL_E_PROTO;
    }
    const uint8_t *user = orl_rd_bytes(rd, user_len);
    const uint8_t *password = orl_rd_bytes(rd, password_len);
    if (rd->is_failed) {
        return 0;
    }
    if (!take_text(auth->user, user, user_len) ||
            !take_text(auth->password, password, password_len)) {
        auth->user[0] = '\0'; /* nobody's: the broker refuses it, and counts it */
    }
    auth->state = ORL_RFB_AUTH_LOGIN;
    return (int)rd->at;
}

int orl_rfb_auth_step(
        struct orl_rfb_auth *auth, const uint8_t *data, size_t len, struct orl_buf *out)
{
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    switch (auth->state) {
    case ORL_RFB_AUTH_VERSION:
        return len < VERSION_BYTES ? 0 : take_version(auth, data, out);
    case ORL_RFB_AUTH_TYPE:
        return len < 1 ? 0 : take_type(auth, data[0], out);
    case ORL_RFB_AUTH_VENCRYPT_VERSION:
        return take_vencrypt_version(auth, &rd, out);
    case ORL_RFB_AUTH_SUBTYPE:
        return take_subtype(auth, &rd, out);
    case ORL_RFB_AUTH_PLAIN:
        return take_plain(auth, &rd);
    case ORL_RFB_AUTH_CLIENT_INIT: /* 7.3.1: whether others may look is the broker's to say */
        if (len > 0) {
            auth->state = ORL_RFB_AUTH_DONE;
        }
        return len > 0 ? 1 : 0;
    default:
        return 0;
    }
}

void orl_rfb_auth_secured(struct orl_rfb_auth *auth)
{
    if (auth->state == ORL_RFB_AUTH_TLS) {
        auth->state = ORL_RFB_AUTH_PLAIN;
    }
}

void orl_rfb_auth_answer(struct orl_rfb_auth *auth, const char *text, struct orl_buf *out)
{
    orl_secret_wipe(auth->password, sizeof(auth->password));
    if (auth->state != ORL_RFB_AUTH_LOGIN) {
        return;
    }
    /* 7.1.3: before 3.8 security None has no result, and a failure no words. */
    const bool has_result = !auth->is_secure_pair || auth->minor >= 8;
    if (has_result) {
        orl_buf_put_u32be(out, text == NULL ? RESULT_OK : RESULT_FAILED);
    }
    if (text != NULL && auth->minor >= 8) {
        put_reason(out, text);
    }
    auth->state = text == NULL ? ORL_RFB_AUTH_CLIENT_INIT : ORL_RFB_AUTH_REFUSED;
}

void orl_rfb_auth_fini(struct orl_rfb_auth *auth)
{
    orl_secret_wipe(auth, sizeof(*auth));
}
