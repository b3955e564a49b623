#include "base/secret.h"
#include "protocols/rdp/rdp_priv.h"
#include "protocols/rdp/rdp_regional.h"
#include <freerdp/error.h>
#include <stdlib.h>
#include <string.h>
#include <winpr/error.h>
#include <winpr/sspi.h>
#include <winpr/string.h>

/* What xfreerdp names and mstsc has a sentence for; MS-RDPBCGR 2.2.5.1.1. */
uint32_t orl_rdp_error_info(enum orl_reason reason)
{
    switch (reason) {
    case ORL_REASON_NONE:
    case ORL_REASON_CLIENT_CLOSED:
        return ERRINFO_SUCCESS;
    case ORL_REASON_AUTH_FAILED:
    case ORL_REASON_TICKET_INVALID:
    case ORL_REASON_ACCOUNT_DISABLED:
    case ORL_REASON_NOT_ENTITLED:
    case ORL_REASON_ACCESS_REVOKED:
    case ORL_REASON_SECOND_FACTOR:
        return ERRINFO_SERVER_INSUFFICIENT_PRIVILEGES;
    case ORL_REASON_AUTH_DELAYED:
    case ORL_REASON_TOO_MANY_CONNECTIONS:
    case ORL_REASON_POOL_MAINTENANCE:
    case ORL_REASON_AUTH_BUSY:
    case ORL_REASON_OUTSIDE_HOURS:
    case ORL_REASON_ADDRESS_NOT_ALLOWED:
    case ORL_REASON_POOL_QUOTA:
    case ORL_REASON_USER_QUOTA:
        return ERRINFO_SERVER_DENIED_CONNECTION;
    case ORL_REASON_NO_SUCH_POOL:
    case ORL_REASON_POOL_AMBIGUOUS:
    case ORL_REASON_TEMPLATE_MISSING:
    case ORL_REASON_TEMPLATE_CORRUPT:
    case ORL_REASON_CONSOLE_UNREACHABLE:
    case ORL_REASON_POOL_LIMITS:
    case ORL_REASON_POOL_NETWORK:
    case ORL_REASON_DESKTOP_LOST:
        return ERRINFO_CB_DESTINATION_NOT_FOUND;
    case ORL_REASON_POOL_FULL:
    case ORL_REASON_HOST_FULL:
        return ERRINFO_CB_DESTINATION_POOL_NOT_FREE;
    case ORL_REASON_WAIT_TIMEOUT:
    case ORL_REASON_GUEST_START_FAILED:
        return ERRINFO_CB_SESSION_ONLINE_VM_BOOT_TIMEOUT;
    case ORL_REASON_HYPERVISOR_DOWN:
    case ORL_REASON_VMPOOL_DOWN:
    case ORL_REASON_BROKER_DOWN:
    case ORL_REASON_GUEST_DIED:
    case ORL_REASON_GUEST_REBOOTING:
    case ORL_REASON_CONSOLE_AUTH:
    case ORL_REASON_CONSOLE_PROTOCOL:
    case ORL_REASON_CONSOLE_CERTIFICATE:
    case ORL_REASON_CONSOLE_ENDED:
    case ORL_REASON_CONSOLE_LOST:
    case ORL_REASON_PERSON_FAILED:
    case ORL_REASON_HOME_IN_USE:
    case ORL_REASON_HOME_UNAVAILABLE:
    case ORL_REASON_GUEST_HOOK_BROKEN:
    case ORL_REASON_STORE_RESTORED:
    case ORL_REASON_SWEEP_STOPPED:
    case ORL_REASON_NOT_REMOVED:
    case ORL_REASON_NOT_ALLOWED:
    case ORL_REASON_WATCH_REFUSED:
    case ORL_REASON_WATCH_NO_ANSWER:
    case ORL_REASON_WATCH_ENDED:
    case ORL_REASON_WATCH_OVER:
    case ORL_REASON_WATCH_UNUSED:
    case ORL_REASON_CERTIFICATE_REFUSED:
    case ORL_REASON_CERTIFICATE_EXPIRING:
    case ORL_REASON_CERTIFICATE_BROKEN:
    case ORL_REASON_IMAGE_REFUSED:
    case ORL_REASON_IMAGE_TOO_LARGE:
    case ORL_REASON_NO_SPACE:
    case ORL_REASON_UPLOAD_STOPPED:
    case ORL_REASON_NAME_TAKEN:
    case ORL_REASON_STORE_DOWN:
    case ORL_REASON_GOLDEN_FAILED:
    case ORL_REASON_GUEST_NO_SPACE:
    case ORL_REASON_GUEST_DISK_FAILED:
    case ORL_REASON_CLOCK_OFF:
        return ERRINFO_CB_SESSION_ONLINE_VM_SESSMON_FAILED;
    case ORL_REASON_HANDSHAKE_TIMEOUT:
        return ERRINFO_LOGON_TIMEOUT;
    case ORL_REASON_TAKEN_OVER:
        return ERRINFO_DISCONNECTED_BY_OTHER_CONNECTION;
    case ORL_REASON_LOGGED_OFF:
        return ERRINFO_LOGOFF_BY_USER;
    case ORL_REASON_DISCONNECT_TIMEOUT:
    case ORL_REASON_IDLE_TIMEOUT:
        return ERRINFO_IDLE_TIMEOUT;
    case ORL_REASON_MAX_SESSION:
        return ERRINFO_LOGON_TIMEOUT;
    case ORL_REASON_CLIENT_PROTOCOL:
    case ORL_REASON_CLIENT_STALLED:
    case ORL_REASON_CLIENT_UNSUPPORTED:
    case ORL_REASON_SESSION_CRASHED:
    case ORL_REASON_CLOSED_BY_ADMIN:
    case ORL_REASON_SHUTDOWN:
    case ORL_REASON_INTERNAL:
    case ORL_REASON_COUNT:
        break;
    }
    return ERRINFO_RPC_INITIATED_DISCONNECT;
}

static bool to_utf8(const UINT16 *text, UINT32 chars, char *ret, size_t size)
{
    ret[0] = '\0';
    if (text == NULL || chars == 0) {
        return true;
    }
    if (chars >= size) {
        return false;
    }
    const SSIZE_T used = ConvertWCharNToUtf8(text, chars, ret, size);
    if (used < 0 || (size_t)used >= size) {
        return false;
    }
    ret[used] = '\0';
    return true;
}

static bool fill_proof(struct orl_msg_proof *proof, const SEC_WINNT_AUTH_IDENTITY *identity,
        const SecBuffer *value, const BYTE *key, const BYTE *mic, const SecBuffer *messages)
{
    if (!to_utf8(identity->User, identity->UserLength, proof->user, sizeof(proof->user)) ||
            !to_utf8(identity->Domain, identity->DomainLength, proof->domain,
                    sizeof(proof->domain)) ||
            proof->user[0] == '\0' || value->cbBuffer > ORL_NTLM_MAX ||
            messages->cbBuffer > ORL_NTLM_MAX) {
        return false;
    }
    proof->protocol = ORL_PROTOCOL_RDP;
    memcpy(proof->session_key, key, sizeof(proof->session_key));
    memcpy(proof->mic, mic, sizeof(proof->mic));
    proof->proof_len = (uint32_t)value->cbBuffer;
    memcpy(proof->proof, value->pvBuffer, value->cbBuffer);
    proof->messages_len = (uint32_t)messages->cbBuffer;
    memcpy(proof->messages, messages->pvBuffer, messages->cbBuffer);
    return true;
}

static DWORD logon_error(enum orl_reason reason)
{
    return reason == ORL_REASON_ACCOUNT_DISABLED ? ERROR_ACCOUNT_DISABLED : ERROR_LOGON_FAILURE;
}

/* Returns non-zero for yes, whatever the type says: winpr's ntlm_compute.c tests it so. The identity is
 * what the client's NTLM message names, which the proof covers; Client Info's user name is not. */
static SECURITY_STATUS on_ntlm_hash(void *client, const SEC_WINNT_AUTH_IDENTITY *identity,
        const SecBuffer *value, const BYTE *key, const BYTE *mic, const SecBuffer *messages,
        BYTE *ret_hash)
{
    struct orl_viewer *v = orl_rdp_of(((freerdp_peer *)client)->context);
    struct orl_viewer_login_answer answer = {.reason = ORL_REASON_AUTH_FAILED};
    struct orl_msg_proof *proof = calloc(1, sizeof(*proof));
    if (proof != NULL && identity != NULL && !v->wants_close &&
            fill_proof(proof, identity, value, key, mic, messages)) {
        v->events->on_proof(v->ctx, proof, &answer);
    }
    if (proof != NULL) {
        orl_secret_wipe(proof, sizeof(*proof));
        free(proof);
    }
    /* FreeRDP sends GetLastError() to the client, also when a wrong MIC is found later on. */
    SetLastError(logon_error(answer.reason));
    if (!answer.is_accepted) {
        orl_rdp_close(v, answer.reason, answer.text);
        return 0;
    }
    memcpy(ret_hash, answer.ntowfv2, sizeof(answer.ntowfv2));
    orl_secret_wipe(&answer, sizeof(answer));
    v->is_authenticated = true;
    return 1;
}

static void wipe_setting(rdpSettings *settings, FreeRDP_Settings_Keys_String key)
{
    char *text = freerdp_settings_get_string_writable(settings, key);
    if (text != NULL) {
        orl_secret_wipe(text, strlen(text));
    }
    (void)freerdp_settings_set_string(settings, key, NULL);
}

static void wipe_identity(SEC_WINNT_AUTH_IDENTITY *identity)
{
    if (identity->Password != NULL) {
        orl_secret_wipe(identity->Password, (size_t)identity->PasswordLength * sizeof(UINT16));
    }
}

/* MS-RDPBCGR gives a routing token no form of its own; ours is the RD Connection Broker's. */
static void pool_of_route(const char *route, char *ret, size_t size)
{
    static const char prefix[] = "tsv://";
    static const char plugin[] = "MS Terminal Services Plugin.1.";
    ret[0] = '\0';
    if (strncmp(route, prefix, sizeof(prefix) - 1) != 0) {
        return;
    }
    const char *name = route + sizeof(prefix) - 1;
    if (strncmp(name, plugin, sizeof(plugin) - 1) == 0) {
        name += sizeof(plugin) - 1;
    }
    if (strlen(name) < size && orl_name_is_valid(name)) {
        orl_msg_text(ret, size, name);
    }
}

/* TS_TIME_ZONE_INFORMATION: FreeRDP keeps the structure and, from newer clients, the key's name. */
static void take_regional(rdpSettings *settings, struct orl_regional *ret_regional)
{
    char name[64] = "";
    const TIME_ZONE_INFORMATION *zone =
            freerdp_settings_get_pointer(settings, FreeRDP_ClientTimeZone);
    const char *key = freerdp_settings_get_string(settings, FreeRDP_DynamicDSTTimeZoneKeyName);
    if ((key == NULL || key[0] == '\0') && zone != NULL) {
        size_t chars = 0;
        while (chars < ARRAYSIZE(zone->StandardName) && zone->StandardName[chars] != 0) {
            chars++;
        }
        key = to_utf8((const UINT16 *)zone->StandardName, (UINT32)chars, name, sizeof(name)) ? name
                                                                                             : NULL;
    }
    orl_rdp_regional(freerdp_settings_get_uint32(settings, FreeRDP_KeyboardLayout), key,
            zone != NULL ? zone->Bias : 0, ret_regional);
}

static void ask_login(struct orl_viewer *v, struct orl_viewer_login_answer *ret_answer)
{
    rdpSettings *settings = orl_rdp_settings(v);
    const char *user = freerdp_settings_get_string(settings, FreeRDP_Username);
    const char *domain = freerdp_settings_get_string(settings, FreeRDP_Domain);
    const char *password = freerdp_settings_get_string(settings, FreeRDP_Password);
    const char *name = freerdp_settings_get_string(settings, FreeRDP_ClientHostname);
    if (user == NULL || user[0] == '\0' || strlen(user) > ORL_USER_MAX ||
            (password != NULL && strlen(password) > ORL_PASSWORD_MAX) ||
            (domain != NULL && strlen(domain) > ORL_USER_MAX)) {
        return; /* cut, it would be another one's name */
    }
    struct orl_msg_login login = {.protocol = ORL_PROTOCOL_RDP};
    orl_msg_text(login.user, sizeof(login.user), user);
    orl_msg_text(login.domain, sizeof(login.domain), domain != NULL ? domain : "");
    orl_msg_text(login.password, sizeof(login.password), password != NULL ? password : "");
    orl_msg_text(login.client_name, sizeof(login.client_name), name != NULL ? name : "");
    take_regional(settings, &login.regional);
    pool_of_route(v->request.route, login.pool, sizeof(login.pool));
    v->events->on_login(v->ctx, &login, ret_answer);
    orl_secret_wipe(&login, sizeof(login));
}

static bool refuse(struct orl_viewer *v)
{
    rdpContext *context = v->peer->context;
    freerdp_set_error_info(context->rdp, orl_rdp_error_info(v->close_reason));
    (void)freerdp_send_error_info(context->rdp);
    return false;
}

bool orl_rdp_auth_login(struct orl_viewer *v)
{
    rdpSettings *settings = orl_rdp_settings(v);
    struct orl_viewer_login_answer answer = {.reason = ORL_REASON_AUTH_FAILED};
    /* Reactivation, for a new size, comes here again. */
    if (!v->is_nla && !v->wants_close && !v->is_authenticated) {
        ask_login(v, &answer);
        v->is_authenticated = answer.is_accepted;
    }
    /* Under NLA the password came along as well (TSCredentials). */
    wipe_setting(settings, FreeRDP_Password);
    wipe_identity(&v->peer->identity);
    if (!v->is_authenticated && !v->wants_close) {
        orl_rdp_close(v, answer.reason, answer.text);
    }
    return v->wants_close ? refuse(v) : true;
}

void orl_rdp_auth_setup(struct orl_viewer *v)
{
    v->peer->SspiNtlmHashCallback = on_ntlm_hash;
}
