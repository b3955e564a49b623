#include "guest/hook/verbs.h"
#include "guest/hook/home.h"
#include "guest/hook/identity.h"
#include "guest/hook/regional_files.h"
#include "guest/hook/run.h"
#include "guest/hook/text_file.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define LOCK_PROGRAM "/etc/oriel/lock"
#define MESSAGE_PROGRAM "/etc/oriel/message"
/* HOME_MS by the guest's own clock, which may run fast under emulation: the host's deadline ends it before. */
enum { DEADLINE_S = 30, DEADLINE_MAX_S = 600, HOME_MS = 600000, PROGRAM_MS = 5000 };

static void answer_failed(
        struct orl_hook_msg *ret, uint64_t serial, const char *code, const char *text)
{
    (void)fprintf(stderr, "oriel-hook: %s: %s\n", code, text);
    orl_hook_msg_init(ret, "failed", serial);
    orl_hook_msg_put(ret, "code", code);
    orl_hook_msg_put(ret, "text", text);
}

void orl_verbs_hello(const struct orl_session *session, uint64_t serial, struct orl_hook_msg *ret)
{
    char boot[64] = "";
    (void)orl_text_read("/proc/sys/kernel/random/boot_id", boot, sizeof(boot));
    boot[strcspn(boot, "\n")] = '\0';
    orl_hook_msg_init(ret, "hello", serial);
    orl_hook_msg_put_u64(ret, "version", ORL_HOOK_VERSION);
    orl_hook_msg_put(ret, "features",
            access(ORL_RDP_PROGRAM, X_OK) == 0
                    ? "identity,assign,logoff,lock,message,freeze,home,rdp"
                    : "identity,assign,logoff,lock,message,freeze,home");
    orl_hook_msg_put(ret, "state", orl_session_state(session));
    orl_hook_msg_put(ret, "user", session->account.name);
    orl_hook_msg_put(ret, "boot", boot);
}

static const char *run_hook(
        struct orl_session *s, const struct orl_regional *regional, const char *program)
{
    char path[256];
    char *argv[] = {path, NULL};
    int n = snprintf(path, sizeof(path), "%s", program);
    if (program[0] == '\0') {
        return NULL;
    }
    if (program[0] != '/' || n < 0 || (size_t)n >= sizeof(path)) {
        return "on_assign is no absolute path";
    }
    int status = orl_run(argv, orl_session_env(s, regional), s->deadline_s * 1000);
    return status == 0     ? NULL
           : status == 126 ? "on_assign cannot be run"
           : status == 137 ? "on_assign took too long"
                           : "on_assign failed";
}

/* The account's password is the secret for as long as its session starts, and then none; who comes by RDP logs in
 * with it, also anew, until the session's end. Nobody logs in to a prepared session. */
static const char *log_in(
        struct orl_session *s, const struct orl_regional *regional, const char *secret)
{
    bool is_password = secret[0] != '\0' && s->prepared == 0;
    if (is_password && !orl_account_set_secret("/etc", &s->account, secret)) {
        return "shadow cannot be written";
    }
    const char *why = orl_session_start(s, regional, secret, s->deadline_s * 1000);
    bool is_over = !s->is_rdp || why != NULL;
    if (is_over && is_password && !orl_account_set_secret("/etc", &s->account, NULL) &&
            why == NULL) {
        orl_session_finish(s);
        why = "shadow cannot be written";
    }
    return why;
}

static const char *new_secret(const struct orl_session *s, const char *secret)
{
    return secret[0] != '\0' && orl_account_set_secret("/etc", &s->account, secret)
                   ? NULL
                   : "shadow cannot be written";
}

static const char *open_account(struct orl_session *s, const struct orl_hook_msg *msg, uint32_t uid)
{
    struct orl_prepared of_template;
    const struct orl_prepared *prepared =
            orl_prepared_read(ORL_PREPARED_FILE, &of_template) ? &of_template : NULL;
    const char *why = orl_account_choose("/etc", msg, uid, &prepared);
    if (why == NULL) {
        why = orl_account_open("/etc", orl_hook_msg_get(msg, "user"), uid, prepared, &s->account);
    }
    if (why == NULL && prepared != NULL) {
        why = orl_prepared_move_home("/home", prepared, s->account.name);
        s->prepared = s->is_rdp ? 0 : orl_prepared_pid(ORL_PREPARED_PID_FILE);
    }
    return why;
}

static const char *open_home(struct orl_session *s, const struct orl_hook_msg *msg)
{
    const char *disk = orl_hook_msg_get(msg, "home_device");
    const char *nfs = orl_hook_msg_get(msg, "home_nfs");
    bool is_new = false;
    s->has_home = disk[0] != '\0' || nfs[0] != '\0';
    const char *why =
            orl_home_mount(&s->account, disk, nfs, nfs[0] != '\0' ? s->deadline_s * 1000 : HOME_MS);
    why = why != NULL ? why : orl_account_make_home(&s->account, &is_new);
    s->home_is = !s->has_home ? "own" : is_new ? "new" : "kept";
    return why;
}

static const char *assign(
        struct orl_session *s, const struct orl_hook_msg *msg, const char **ret_code)
{
    struct orl_regional regional = {0};
    uint64_t uid = 0;
    uint64_t deadline_s = 0;
    *ret_code = "account";
    if (!orl_hook_msg_get_u64(msg, "uid", &uid) || uid > ORL_UID_MAX) {
        return "no uid";
    }
    bool is_rdp = strcmp(orl_hook_msg_get(msg, "display"), "rdp") == 0;
    if (s->pid > 0) { /* asked again: it was done, or it is somebody else's */
        return s->account.number != uid ? "another person is logged on"
               : s->is_rdp != is_rdp    ? "they are logged on in another way"
               : is_rdp                 ? new_secret(s, orl_hook_msg_get(msg, "secret"))
                                        : NULL;
    }
    if (s->has_ended && s->account.number != uid) {
        return "this desktop was another person's";
    }
    struct orl_session fresh;
    orl_session_init(&fresh);
    fresh.is_rdp = is_rdp;
    const char *why = open_account(&fresh, msg, (uint32_t)uid);
    if (why != NULL) {
        return why;
    }
    bool has_deadline = orl_hook_msg_get_u64(msg, "deadline_s", &deadline_s);
    fresh.deadline_s = has_deadline && deadline_s > 0 && deadline_s <= DEADLINE_MAX_S
                               ? (uint32_t)deadline_s
                               : DEADLINE_S;
    (void)snprintf(
            fresh.on_logoff, sizeof(fresh.on_logoff), "%s", orl_hook_msg_get(msg, "on_logoff"));
    (void)snprintf(regional.locale, sizeof(regional.locale), "%s", orl_hook_msg_get(msg, "locale"));
    (void)snprintf(
            regional.timezone, sizeof(regional.timezone), "%s", orl_hook_msg_get(msg, "timezone"));
    (void)snprintf(
            regional.keyboard, sizeof(regional.keyboard), "%s", orl_hook_msg_get(msg, "keyboard"));
    orl_regional_clean(&regional);
    *s = fresh;
    orl_regional_files_write(&regional);
    *ret_code = "home";
    why = open_home(s, msg);
    if (why == NULL) {
        *ret_code = "on_assign";
        why = run_hook(s, &regional, orl_hook_msg_get(msg, "on_assign"));
    }
    if (why == NULL) {
        *ret_code = "session";
        why = log_in(s, &regional, orl_hook_msg_get(msg, "secret"));
    }
    if (why != NULL && s->has_home) {
        (void)orl_home_unmount(&s->account);
    }
    return why;
}

/* A template's program for what only its desktop can do; text, if any, is its argument. */
static const char *run_program(struct orl_session *s, const char *program, const char *text)
{
    char path[64];
    char argument[1024];
    char *argv[] = {path, text != NULL ? argument : NULL, NULL};
    (void)snprintf(path, sizeof(path), "%s", program);
    (void)snprintf(argument, sizeof(argument), "%s", text != NULL ? text : "");
    if (s->pid == 0) {
        return "nobody is logged on";
    }
    if (access(path, X_OK) < 0) {
        return "this template cannot";
    }
    return orl_run(argv, orl_session_env(s, NULL), PROGRAM_MS) == 0
                   ? NULL
                   : "the template's program failed";
}

void orl_verbs_do(struct orl_session *s, const struct orl_hook_msg *msg, struct orl_hook_msg *ret)
{
    const char *why = NULL;
    const char *code = msg->verb;
    if (orl_hook_msg_is(msg, "hello")) {
        orl_verbs_hello(s, msg->serial, ret);
        return;
    }
    if (orl_hook_msg_is(msg, "identity")) {
        why = orl_identity_set(msg);
    } else if (orl_hook_msg_is(msg, "assign")) {
        why = assign(s, msg, &code);
    } else if (orl_hook_msg_is(msg, "logoff")) {
        orl_session_finish(s);
    } else if (orl_hook_msg_is(msg, "lock")) {
        why = run_program(s, LOCK_PROGRAM, NULL);
    } else if (orl_hook_msg_is(msg, "message")) {
        why = run_program(s, MESSAGE_PROGRAM, orl_hook_msg_get(msg, "text"));
    } else if (orl_hook_msg_is(msg, "freeze")) {
        sync();
    } else {
        code = "unknown";
        why = "no such verb";
    }
    if (why != NULL) {
        answer_failed(ret, msg->serial, code, why);
        return;
    }
    orl_hook_msg_init(ret, "done", msg->serial);
    orl_hook_msg_put(ret, "state", orl_session_state(s));
    orl_hook_msg_put(ret, "user", s->account.name);
    if (s->is_rdp && s->pid > 0) {
        orl_hook_msg_put(ret, "rdp_fingerprint", s->rdp_fingerprint);
        orl_hook_msg_put_u64(ret, "rdp_port", s->rdp_port);
    }
}
