#include "broker/auth.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/hashing.h"
#include "broker/names.h"
#include "broker/totp.h"
#include "store/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CODE_NAME_BYTES = ORL_USER_MAX + 8 };

struct check {
    struct orl_broker *broker;
    orl_auth_fn fn;
    void *ctx;
    enum orl_auth_way way;
    struct orl_timer *hold; /* answer only after this */
    bool has_user;
    bool is_right; /* written by the worker */
    bool has_password;
    char user[ORL_USER_MAX + 1];
    char client[ORL_ADDR_MAX + 1];
    char code[16];
    char hash[ORL_STORE_SECRET_MAX + 1];
    char password[ORL_PASSWORD_MAX + 1];
    struct check *next, **prev; /* while it is held */
};
struct orl_auth {
    struct orl_broker *broker;
    struct check *held;
    bool is_closing;
};

int orl_auth_new(struct orl_broker *broker, struct orl_auth **ret_auth, struct orl_err *err)
{
    int rc = orl_totp_init(err);
    if (rc < 0) {
        return rc;
    }
    struct orl_auth *auth = calloc(1, sizeof(*auth));
    if (auth == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "logins: out of memory");
    }
    auth->broker = broker;
    *ret_auth = auth;
    return 0;
}

static void free_check(struct check *check)
{
    if (check->prev != NULL) {
        *check->prev = check->next;
        if (check->next != NULL) {
            check->next->prev = check->prev;
        }
    }
    orl_timer_free(check->hold);
    orl_secret_wipe(check, sizeof(*check));
    free(check);
}

void orl_auth_portal_text(const struct orl_broker *broker, char ret_text[ORL_TEXT_MAX + 1])
{
    const char *url = broker->cfg->portal_url;
    ret_text[0] = '\0';
    if (url[0] != '\0') {
        (void)snprintf(ret_text, ORL_TEXT_MAX + 1,
                "Your account needs a second factor. Please log in at %.150s and open the desktop "
                "there.",
                url);
    }
}

bool orl_auth_may_try(struct orl_broker *broker, const char *account, const char *client,
        struct orl_auth_result *ret_result)
{
    uint64_t now_us = orl_loop_now_us(broker->loop);
    struct orl_throttle_verdict verdict =
            orl_throttle_check(broker->throttle, account, client, now_us);
    if (verdict.wait_us > 0) {
        *ret_result = (struct orl_auth_result){.reason = ORL_REASON_AUTH_DELAYED,
                .retry_s = (unsigned)(verdict.wait_us / ORL_US_PER_S + 1),
                .detail = ""};
        (void)snprintf(ret_result->text, sizeof(ret_result->text),
                "Too many failed logins. Please wait %u seconds and try again.",
                ret_result->retry_s);
        return false;
    }
    orl_throttle_begin(broker->throttle, account, client, now_us);
    return true;
}

static int use_code(struct orl_broker *broker, const struct orl_user_row *user, const char *code,
        struct orl_err *err)
{
    char digits[ORL_TOTP_DIGITS + 1];
    uint64_t step = 0;
    if (!orl_totp_parse(code, digits)) {
        return orl_err_set(err, ORL_E_DENIED, "not six digits");
    }
    int rc = orl_totp_check(
            &broker->totp_key, user->name, user->totp_secret, digits, orl_clock_wall_ms(), &step);
    orl_secret_wipe(digits, sizeof(digits));
    if (rc < 0) {
        return orl_err_set(err, rc,
                rc == ORL_E_DENIED ? "wrong code" : "the second factor was sealed by another key");
    }
    return orl_user_use_totp(broker->store, user->name, user->totp_secret, step, err);
}

/* There are a million codes and three are right at a time: whoever knows the password must not have some tries for
 * each of their addresses. So wrong codes are counted as those of a name of their own, from one place. */
static const char everywhere[] = "";

static void code_name(const struct orl_user_row *user, char ret_name[CODE_NAME_BYTES])
{
    (void)snprintf(ret_name, CODE_NAME_BYTES, "code:%s", user->name); /* ':' is in no name */
}

/* 0: a code may be tried. */
static unsigned code_wait_s(struct orl_broker *broker, const struct orl_user_row *user)
{
    char name[CODE_NAME_BYTES];
    code_name(user, name);
    uint64_t wait_us =
            orl_throttle_check(broker->throttle, name, everywhere, orl_loop_now_us(broker->loop))
                    .wait_us;
    return wait_us > 0 ? (unsigned)(wait_us / ORL_US_PER_S + 1) : 0;
}

int orl_auth_use_code(struct orl_broker *broker, const struct orl_user_row *user,
        const char *client, const char *code, struct orl_err *err)
{
    char name[CODE_NAME_BYTES];
    struct orl_throttle *throttle = broker->throttle;
    uint64_t now_us = orl_loop_now_us(broker->loop);
    unsigned wait_s = code_wait_s(broker, user);
    bool is_known =
            client != NULL && orl_throttle_check(throttle, user->name, client, now_us).is_known;
    if (wait_s > 0 && !is_known) {
        return orl_err_set(err, ORL_E_LIMIT,
                "Too many wrong codes. Please wait %u seconds and try again.", wait_s);
    }
    code_name(user, name);
    orl_throttle_begin(throttle, name, everywhere, now_us);
    int rc = use_code(broker, user, code, err);
    if (rc == 0) {
        orl_throttle_forgive(throttle, name, everywhere);
    } else if (rc == ORL_E_DENIED) {
        orl_throttle_fail(throttle, name, everywhere, now_us);
    } else {
        orl_throttle_undo(throttle, name, everywhere);
    }
    return rc;
}

/* The password is right: is there more to show? */
static enum orl_reason check_factor(struct check *check, const struct orl_user_row *user,
        struct orl_auth_result *result, struct orl_err *err)
{
    struct orl_broker *broker = check->broker;
    bool has_factor = user->totp_secret[0] != '\0';
    bool is_required = broker->cfg->second_factor == ORL_SECOND_FACTOR_REQUIRED;
    if (check->way == ORL_AUTH_CLIENT && (has_factor || is_required)) {
        orl_auth_portal_text(broker, result->text);
        return ORL_REASON_SECOND_FACTOR;
    }
    if (!has_factor || (check->way == ORL_AUTH_AGAIN && check->has_password)) {
        return ORL_REASON_NONE;
    }
    if (check->code[0] == '\0') {
        return ORL_REASON_SECOND_FACTOR;
    }
    int rc = orl_auth_use_code(broker, user, check->client, check->code, err);
    if (rc == ORL_E_LIMIT) {
        result->retry_s = code_wait_s(broker, user);
        orl_msg_text(result->text, sizeof(result->text), err->text);
        return ORL_REASON_AUTH_DELAYED;
    }
    if (rc < 0 && rc != ORL_E_DENIED) {
        return orl_broker_store_reason(rc);
    }
    return rc < 0 ? ORL_REASON_AUTH_FAILED : ORL_REASON_NONE;
}

/* What changed while we hashed counts: a password that is no more opens nothing. */
static enum orl_reason judge(
        struct check *check, struct orl_auth_result *result, struct orl_err *err)
{
    struct orl_user_row user = {0};
    if (!check->is_right) {
        return ORL_REASON_AUTH_FAILED;
    }
    int rc = orl_user_get(check->broker->store, check->user, &user, err);
    bool is_same =
            rc == 0 && (!check->has_password || strcmp(user.password_hash, check->hash) == 0);
    enum orl_reason reason = ORL_REASON_AUTH_FAILED;
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        reason = orl_broker_store_reason(rc);
    } else if (is_same) {
        reason = check_factor(check, &user, result, err);
    }
    orl_secret_wipe(&user, sizeof(user));
    return reason;
}

static void answer(struct check *check, const struct orl_auth_result *result)
{
    orl_auth_fn fn = check->fn;
    void *fn_ctx = check->ctx;
    free_check(check);
    fn(fn_ctx, result);
}

static void count_failure(const struct check *check)
{
    orl_throttle_fail(check->broker->throttle, check->user, check->client,
            orl_loop_now_us(check->broker->loop));
}

static bool is_our_fault(enum orl_reason reason)
{
    return reason == ORL_REASON_INTERNAL || reason == ORL_REASON_STORE_DOWN;
}

static void finish(void *ctx)
{
    struct check *check = ctx;
    struct orl_broker *broker = check->broker;
    struct orl_err err = {0};
    struct orl_auth_result result = {.detail = ""};
    result.reason = judge(check, &result, &err);
    result.detail = err.text;
    if (result.reason == ORL_REASON_NONE && check->way != ORL_AUTH_AGAIN) {
        orl_throttle_forgive(broker->throttle, check->user, check->client);
    } else if (result.reason == ORL_REASON_NONE || result.reason == ORL_REASON_SECOND_FACTOR ||
               result.reason == ORL_REASON_AUTH_DELAYED) {
        /* Not forgiven: else who knows the password could guess codes without end. */
        orl_throttle_undo(broker->throttle, check->user, check->client);
    } else if (is_our_fault(result.reason)) {
        orl_broker_log_store(broker, "login", &err);
    } else if (check->is_right) { /* but the code is wrong; a wrong password was counted before */
        count_failure(check);
    }
    answer(check, &result);
}
static void finish_busy(struct check *check)
{
    struct orl_broker *broker = check->broker;
    struct orl_auth_result result = {
            .reason = ORL_REASON_AUTH_BUSY, .detail = "too many checks at once"};
    result.retry_s = orl_hashing_wait_s(broker->hashing);
    (void)snprintf(result.text, sizeof(result.text),
            "Very many people are logging in just now. Please try again in %u seconds.",
            result.retry_s);
    /* Not this person's fault: whoever fills the queue must not make others wait for it. */
    orl_throttle_undo(broker->throttle, check->user, check->client);
    answer(check, &result);
}

static void on_checked(void *ctx, bool was_run)
{
    struct check *check = ctx;
    struct orl_auth *auth = check->broker->auth;
    if (!was_run) {
        finish_busy(check);
        return;
    }
    if (!check->is_right) {
        count_failure(check);
    }
    uint64_t hold_us = orl_throttle_check(check->broker->throttle, check->user, check->client,
            orl_loop_now_us(check->broker->loop))
                               .hold_us;
    if (hold_us > 0 && !auth->is_closing &&
            orl_timer_new(check->broker->loop, finish, check, &check->hold, NULL) == 0) {
        check->next = auth->held;
        check->prev = &auth->held;
        if (check->next != NULL) {
            check->next->prev = &check->next;
        }
        auth->held = check;
        orl_timer_start(check->hold, hold_us, 0);
        return;
    }
    finish(check);
}

void orl_auth_close(struct orl_auth *auth)
{
    if (auth != NULL) {
        auth->is_closing = true;
        while (auth->held != NULL) {
            finish(auth->held);
        }
    }
}

void orl_auth_free(struct orl_auth *auth)
{
    orl_auth_close(auth);
    free(auth);
}

static void run_check(void *job)
{
    struct check *check = job;
    check->is_right = orl_password_verify(check->hash, check->password) && check->has_user;
}

static int load_hash(struct orl_broker *broker, struct check *check)
{
    struct orl_err err = {0};
    struct orl_user_row user = {0};
    int rc = orl_names_user_is_valid(check->user)
                     ? orl_user_get(broker->store, check->user, &user, &err)
                     : ORL_E_NOTFOUND;
    if (rc < 0 && rc != ORL_E_NOTFOUND) {
        orl_broker_log_store(broker, "user", &err);
        return rc;
    }
    check->has_user = rc == 0 && user.password_hash[0] != '\0';
    orl_msg_text(check->hash, sizeof(check->hash),
            check->has_user ? user.password_hash : broker->dummy_hash);
    orl_secret_wipe(&user, sizeof(user));
    return 0;
}

static int submit(struct orl_broker *broker, struct check *check)
{
    if (!check->has_password) {
        check->is_right = true;
        on_checked(check, true);
        return 0;
    }
    int rc = load_hash(broker, check);
    const struct orl_hashing_job job = {.client = check->client,
            .account = check->user,
            .memory_kib = orl_password_memory_kib(check->hash),
            .run = run_check,
            .done = on_checked,
            .ctx = check};
    return rc < 0 ? rc : orl_hashing_submit(broker->hashing, &job);
}

static void fail(orl_auth_fn fn, void *ctx, int rc)
{
    const struct orl_auth_result result = {
            .reason = orl_broker_store_reason(rc), .detail = orl_err_name(rc)};
    fn(ctx, &result);
}

void orl_auth_start(
        struct orl_broker *broker, const struct orl_auth_try *try, orl_auth_fn fn, void *ctx)
{
    struct orl_auth_result result;
    if (!orl_auth_may_try(broker, try->user, try->client, &result)) {
        fn(ctx, &result);
        return;
    }
    struct check *check = calloc(1, sizeof(*check));
    if (check == NULL) {
        orl_throttle_undo(broker->throttle, try->user, try->client);
        fail(fn, ctx, ORL_E_NOMEM);
        return;
    }
    check->broker = broker;
    check->fn = fn;
    check->ctx = ctx;
    check->way = try->way;
    check->has_password = try->password != NULL;
    orl_msg_text(check->user, sizeof(check->user), try->user);
    orl_msg_text(check->client, sizeof(check->client), try->client);
    orl_msg_text(check->code, sizeof(check->code), try->code != NULL ? try->code : "");
    orl_msg_text(
            check->password, sizeof(check->password), try->password != NULL ? try->password : "");
    int rc = submit(broker, check);
    if (rc < 0) {
        orl_throttle_undo(broker->throttle, check->user, check->client);
        free_check(check);
        fail(fn, ctx, rc);
    }
}
