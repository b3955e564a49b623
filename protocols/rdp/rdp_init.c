#include "base/log.h"
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/channels/channels.h>
#include <freerdp/channels/wtsvc.h>
#include <freerdp/codec/color.h>
#include <freerdp/primitives.h>
#include <winpr/crypto.h>
#include <winpr/custom-crypto.h>
#include <winpr/ntlm.h>
#include <winpr/ssl.h>
#include <winpr/string.h>
#include <winpr/wlog.h>
#include <winpr/wtsapi.h>

static const struct orl_log_ctx log_ctx = {.name = "freerdp"};

/* FreeRDP's own words help only whoever debugs a client: the level that decides logs the reason. */
static BOOL on_log(const wLogMessage *message)
{
    if (message->TextString != NULL) {
        orl_log_debug(&log_ctx, "freerdp says", "text", message->TextString);
    }
    return TRUE;
}

static BOOL on_log_data(const wLogMessage *message)
{
    (void)message; /* packets and pictures are never logged */
    return TRUE;
}

static int silence(struct orl_err *err)
{
    wLog *root = WLog_GetRoot();
    wLogCallbacks callbacks = {
            .data = on_log_data, .image = on_log_data, .message = on_log, .package = on_log_data};
    if (root == NULL || !WLog_SetLogAppenderType(root, WLOG_APPENDER_CALLBACK) ||
            !WLog_ConfigureAppender(WLog_GetLogAppender(root), "callbacks", &callbacks) ||
            !WLog_SetLogLevel(root, WLOG_WARN)) {
        return orl_err_set(err, ORL_E_BACKEND, "WinPR's log cannot be set up");
    }
    return 0;
}

/* Runs once what would load data or providers at first use, which the sandbox would not let. */
static int warm_up(struct orl_err *err)
{
    char text[8] = {0};
    const WCHAR wide[] = {'a', 0xE4, 0};
    uint8_t hash[16] = {0};
    WCHAR user[] = {'u', 0};
    uint8_t nt_hash[16] = {0};
    if (ConvertWCharNToUtf8(wide, 2, text, sizeof(text)) < 0) {
        return orl_err_set(err, ORL_E_BACKEND, "WinPR cannot convert UTF-16");
    }
    if (!NTOWFv2FromHashW(nt_hash, user, sizeof(WCHAR), NULL, 0, hash)) {
        return orl_err_set(err, ORL_E_BACKEND, "WinPR has no NTLM");
    }
    uint8_t digest[WINPR_MD4_DIGEST_LENGTH];
    if (!winpr_Digest(WINPR_MD_MD4, "a", 1, digest, sizeof(digest))) {
        return orl_err_set(
                err, ORL_E_BACKEND, "no MD4 for NTLM: OpenSSL's legacy provider is missing");
    }
    WINPR_RC4_CTX *rc4 = winpr_RC4_New(digest, sizeof(digest));
    if (rc4 == NULL) {
        return orl_err_set(
                err, ORL_E_BACKEND, "no RC4 for NTLM: OpenSSL's legacy provider is missing");
    }
    winpr_RC4_Free(rc4);
    BITMAP_PLANAR_CONTEXT *planar = freerdp_bitmap_planar_context_new(
            PLANAR_FORMAT_HEADER_NA | PLANAR_FORMAT_HEADER_RLE, 16, 16);
    freerdp_bitmap_planar_context_free(planar);
    return 0;
}

int orl_rdp_init(struct orl_err *err)
{
    int code = silence(err);
    if (code < 0) {
        return code;
    }
    if (!WTSRegisterWtsApiFunctionTable(FreeRDP_InitWtsApi()) ||
            !winpr_InitializeSSL(WINPR_SSL_INIT_DEFAULT)) {
        return orl_err_set(err, ORL_E_BACKEND, "WinPR does not initialise");
    }
    /* Without the hint the first use runs a benchmark of 0.3 s and may choose the slow code. */
    primitives_set_hints(PRIMITIVES_ONLY_CPU);
    (void)primitives_get();
    return warm_up(err);
}
