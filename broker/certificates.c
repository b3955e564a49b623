#include "broker/certificates.h"

#include "base/clock.h"
#include "broker/gateway_sock.h"
#include "store/alarm.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define DAY_MS UINT64_C(86400000)
#define LOOK_US (UINT64_C(60) * ORL_US_PER_S)
#define ANSWER_US (UINT64_C(20) * ORL_US_PER_S) /* it waits for its disk */
enum { SERVICES = ORL_SERVICE_WEB + 1, LOOKS_MAX = 20 /* between two of on_look() */ };

/* How near its end is. */
enum phase { PHASE_UNKNOWN = 0, PHASE_GOOD, PHASE_SOON, PHASE_NOW, PHASE_OVER };

struct service {
    struct orl_certificates *certificates;
    enum orl_service service;
    struct orl_msg_service said;
    bool is_known;
    unsigned links; /* connected programs of this kind */
    enum phase phase;
    bool is_broken, is_broken_known;
    struct orl_log_limit
            looks; /* each may be an alarm: no program makes them as often as it likes */
    /* Being sent. */
    struct orl_timer *deadline;
    orl_certificates_fn done; /* NULL: nothing is */
    void *ctx;
    uint32_t serial;
    unsigned left; /* answers to come */
};
struct orl_certificates {
    struct orl_broker *broker;
    struct orl_timer *look;
    uint32_t next_serial;
    struct service services[SERVICES];
};

static const char *const names[SERVICES] = {"", "rdp", "web"};

const char *orl_service_name(enum orl_service service)
{
    return names[service];
}

bool orl_service_parse(const char *name, enum orl_service *ret_service)
{
    for (unsigned i = ORL_SERVICE_RDP; i < SERVICES; i++) {
        if (strcmp(names[i], name) == 0) {
            *ret_service = (enum orl_service)i;
            return true;
        }
    }
    return false;
}

/* People copy it into a command line: nothing else gets there, whatever a program says. */
static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

void orl_certificates_print(
        const struct orl_msg_service *said, char ret[ORL_CERTIFICATE_PRINT_LEN + 1])
{
    const char *hex = said->fingerprint;
    size_t len = strlen(hex);
    (void)snprintf(ret, ORL_CERTIFICATE_PRINT_LEN + 1, "sha256");
    for (size_t i = 0; i + 1 < len && i < 64 && is_hex(hex[i]) && is_hex(hex[i + 1]); i += 2) {
        (void)snprintf(ret + 6 + i / 2 * 3, 4, ":%.2s", hex + i);
    }
}

unsigned orl_certificates_days(const struct orl_msg_service *said, uint64_t now_ms)
{
    uint64_t days = said->until_ms > now_ms ? (said->until_ms - now_ms) / DAY_MS : 0;
    return days < UINT32_MAX ? (unsigned)days : UINT32_MAX;
}

/* ---- alarms ---- */

static void say(struct service *s, enum orl_reason reason, const char *text)
{
    struct orl_err err = {0};
    struct orl_broker *broker = s->certificates->broker;
    char object[32];
    (void)snprintf(object, sizeof(object), "certificate:%s", names[s->service]);
    uint64_t now_ms = orl_clock_wall_ms();
    int rc = text != NULL ? orl_alarm_raise(broker->store, reason, object, text, now_ms, &err)
                          : orl_alarm_clear(broker->store, reason, object, now_ms, &err);
    if (rc < 0) {
        orl_broker_log_store(broker, "an alarm about a certificate", &err);
    }
}

static enum phase phase_of(const struct orl_msg_service *said, uint64_t now_ms)
{
    unsigned days = orl_certificates_days(said, now_ms);
    return said->until_ms <= now_ms           ? PHASE_OVER
           : days < ORL_CERTIFICATE_NOW_DAYS  ? PHASE_NOW
           : days < ORL_CERTIFICATE_SOON_DAYS ? PHASE_SOON
                                              : PHASE_GOOD;
}

/* Told anew at 30 days, at 7, and when it is over: each is a row of the audit. */
static void look_at_expiry(struct service *s)
{
    enum phase phase = phase_of(&s->said, orl_clock_wall_ms());
    time_t until = (time_t)(s->said.until_ms / 1000);
    struct tm tm = {0};
    char date[32] = "";
    char text[ORL_TEXT_MAX + 1];
    if (phase == s->phase) {
        return;
    }
    s->phase = phase;
    say(s, ORL_REASON_CERTIFICATE_EXPIRING, NULL);
    if (phase == PHASE_GOOD) {
        return;
    }
    (void)gmtime_r(&until, &tm);
    (void)strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm);
    (void)snprintf(text, sizeof(text), "the certificate %s %s%s: oriel certificate set %s",
            phase == PHASE_OVER ? "has expired on" : "expires on", date,
            phase == PHASE_NOW    ? ", in less than 7 days"
            : phase == PHASE_SOON ? ", in less than 30 days"
                                  : "",
            names[s->service]);
    say(s, ORL_REASON_CERTIFICATE_EXPIRING, text);
}

static void look_at(struct service *s)
{
    bool is_broken = s->said.problem[0] != '\0';
    if (!s->is_known) {
        return;
    }
    look_at_expiry(s);
    if (!s->is_broken_known || is_broken != s->is_broken) {
        say(s, ORL_REASON_CERTIFICATE_BROKEN, is_broken ? s->said.problem : NULL);
    }
    s->is_broken = is_broken;
    s->is_broken_known = true;
}

static void on_look(void *ctx)
{
    struct orl_certificates *certificates = ctx;
    for (unsigned i = ORL_SERVICE_RDP; i < SERVICES; i++) {
        look_at(&certificates->services[i]);
    }
}

/* ---- one is sent ---- */

static void finish(struct service *s, int code, const char *why)
{
    orl_certificates_fn done = s->done;
    s->done = NULL;
    orl_timer_stop(s->deadline);
    if (done != NULL) {
        done(s->ctx, code, why);
    }
}

static void on_deadline(void *ctx)
{
    finish(ctx, ORL_E_TIMEOUT, "It does not answer; what it shows is in its log.");
}

void orl_certificates_heard(
        struct orl_certificates *certificates, const struct orl_msg_service *said, bool is_new)
{
    struct service *s = &certificates->services[said->service];
    s->said = *said;
    s->is_known = true;
    s->links += is_new ? 1 : 0;
    unsigned dropped = 0;
    if (orl_log_limit_pass(&s->looks, orl_clock_now_us(), &dropped)) {
        look_at(s); /* else on_look() does */
    }
    if (said->serial == 0 || s->done == NULL || said->serial != s->serial) {
        return;
    }
    if (said->is_refused != 0) {
        finish(s, ORL_E_INVAL, said->why);
    } else if (--s->left == 0) {
        finish(s, 0, "");
    }
}

void orl_certificates_gone(struct orl_certificates *certificates, enum orl_service service)
{
    struct service *s = &certificates->services[service];
    s->links--;
    if (s->done != NULL) {
        finish(s, ORL_E_CLOSED, "It went away meanwhile; what it shows is seen when it is back.");
    }
}

int orl_certificates_send(struct orl_certificates *certificates, enum orl_service service,
        const struct orl_cert_pair *pair, orl_certificates_fn done, void *ctx, struct orl_err *err)
{
    struct service *s = &certificates->services[service];
    struct orl_msg msg = {.type = ORL_MSG_CERTIFICATE};
    if (s->done != NULL) {
        return orl_err_set(err, ORL_E_LIMIT, "Another certificate is on its way.");
    }
    s->serial = certificates->next_serial++;
    msg.u.certificate.serial = s->serial;
    if (pair != NULL) {
        msg.u.certificate.chain_len = (uint32_t)pair->cert_len;
        memcpy(msg.u.certificate.chain, pair->cert_pem, pair->cert_len);
        msg.u.certificate.key_len = (uint32_t)pair->key_len;
        memcpy(msg.u.certificate.key, pair->key_pem, pair->key_len);
    }
    s->left = orl_gateways_send_certificate(certificates->broker->gateways, service, &msg);
    orl_msg_wipe(&msg);
    if (s->left == 0) {
        return orl_err_set(err, ORL_E_CLOSED, "%s is not connected.",
                service == ORL_SERVICE_WEB ? "oriel-web" : "oriel-gateway");
    }
    s->done = done;
    s->ctx = ctx;
    orl_timer_start(s->deadline, ANSWER_US, 0);
    return 0;
}

const struct orl_msg_service *orl_certificates_get(
        const struct orl_certificates *certificates, enum orl_service service, bool *ret_is_up)
{
    const struct service *s = &certificates->services[service];
    *ret_is_up = s->links > 0;
    return s->is_known ? &s->said : NULL;
}

int orl_certificates_new(
        struct orl_broker *broker, struct orl_certificates **ret_certificates, struct orl_err *err)
{
    struct orl_certificates *certificates = calloc(1, sizeof(*certificates));
    if (certificates == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "certificates: out of memory");
    }
    certificates->broker = broker;
    certificates->next_serial = 1;
    int rc = orl_timer_new(broker->loop, on_look, certificates, &certificates->look, err);
    for (unsigned i = ORL_SERVICE_RDP; i < SERVICES && rc == 0; i++) {
        struct service *s = &certificates->services[i];
        s->certificates = certificates;
        s->service = (enum orl_service)i;
        s->looks = (struct orl_log_limit){.period_us = LOOK_US, .burst = LOOKS_MAX};
        rc = orl_timer_new(broker->loop, on_deadline, s, &s->deadline, err);
    }
    if (rc < 0) {
        orl_certificates_free(certificates);
        return rc;
    }
    orl_timer_start(certificates->look, LOOK_US, LOOK_US);
    *ret_certificates = certificates;
    return 0;
}

void orl_certificates_free(struct orl_certificates *certificates)
{
    if (certificates == NULL) {
        return;
    }
    orl_timer_free(certificates->look);
    for (unsigned i = ORL_SERVICE_RDP; i < SERVICES; i++) {
        orl_timer_free(certificates->services[i].deadline);
    }
    free(certificates);
}
