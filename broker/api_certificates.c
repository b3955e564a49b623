/* The certificates of RDP (and VNC) and of the portal. Keys come in, and never go out. */
#include "base/cert_check.h"
#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_handlers.h"
#include "broker/certificates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct input {
    char certificate[ORL_CERT_TEXT_MAX + 2];
    char key[ORL_CERT_KEY_MAX + 2];
};
/* One byte more than is good: the check says how large it may be. */
static const struct orl_api_field fields[] = {
        {"certificate", ORL_API_LINES, offsetof(struct input, certificate), ORL_CERT_TEXT_MAX + 2,
                0, true, NULL},
        {"key", ORL_API_LINES, offsetof(struct input, key), ORL_CERT_KEY_MAX + 2, 0, true, NULL},
        {0},
};

static const char *source_name(uint32_t source)
{
    static const char *const names[] = {"own", "setting", "uploaded"};
    return source < sizeof(names) / sizeof(names[0]) ? names[source] : "";
}

static json_t *names_of(const char *text)
{
    json_t *names = json_array();
    while (*text != '\0') {
        size_t len = strcspn(text, " ");
        (void)json_array_append_new(names, json_stringn(text, len));
        text += len + strspn(text + len, " ");
    }
    return names;
}

static json_t *to_json(struct orl_broker *broker, enum orl_service service)
{
    bool is_up = false;
    const struct orl_msg_service *said =
            orl_certificates_get(broker->certificates, service, &is_up);
    char print[ORL_CERTIFICATE_PRINT_LEN + 1];
    if (said == NULL) {
        return json_pack("{s:s, s:b}", "service", orl_service_name(service), "is_connected", is_up);
    }
    orl_certificates_print(said, print);
    return json_pack("{s:s, s:b, s:s, s:s, s:o, s:I, s:I, s:I, s:s, s:i, s:b, s:s, s:i, s:i}",
            "service", orl_service_name(service), "is_connected", is_up, "source",
            source_name(said->source), "issuer", said->issuer, "names", names_of(said->names),
            "from_ms", (json_int_t)said->from_ms, "until_ms", (json_int_t)said->until_ms,
            "days_left", (json_int_t)orl_certificates_days(said, orl_clock_wall_ms()),
            "fingerprint", print, "chain_length", (int)said->count, "is_self_signed",
            said->is_self_signed != 0, "problem", said->problem, "port", (int)said->port,
            "other_port", (int)said->other_port);
}

static json_t *changeable(struct orl_broker *broker, enum orl_service service)
{
    bool is_up = false;
    const struct orl_msg_service *said =
            orl_certificates_get(broker->certificates, service, &is_up);
    return json_pack("{s:s, s:i}", "fingerprint", said != NULL ? said->fingerprint : "", "source",
            said != NULL ? (int)said->source : 0);
}

/* false: it has answered. */
static bool find(struct orl_http_req *req, const char *name, enum orl_service *ret_service)
{
    bool is_one = orl_service_parse(name, ret_service);
    if (!is_one) {
        orl_api_refuse(req, 404, "not_found", "There are two certificates: rdp and web.");
    }
    return is_one;
}

void orl_api_certificates_list(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    orl_http_reply(req, 200,
            json_pack("{s:[o, o]}", "certificates", to_json(req->broker, ORL_SERVICE_RDP),
                    to_json(req->broker, ORL_SERVICE_WEB)));
}

void orl_api_certificates_get(struct orl_http_req *req, const struct orl_api_args *args)
{
    enum orl_service service;
    if (find(req, args->arg[0], &service)) {
        orl_api_etag_set(req, changeable(req->broker, service));
        orl_http_reply(req, 200, to_json(req->broker, service));
    }
}

struct change {
    struct orl_http_req *req;
    enum orl_service service;
    struct orl_id audit;
};

static void refuse(struct orl_http_req *req, enum orl_service service, unsigned status,
        const char *action, const char *text)
{
    char object[32];
    (void)snprintf(object, sizeof(object), "certificate:%s", orl_service_name(service));
    const struct orl_audit_event event = {.action = action,
            .reason = ORL_REASON_CERTIFICATE_REFUSED,
            .object = object,
            .detail = text};
    orl_api_refuse_event(req, status, &event, text);
}

static void on_done(void *ctx, int code, const char *why)
{
    struct change *change = ctx;
    struct orl_http_req *req = change->req;
    enum orl_service service = change->service;
    if (code == 0) {
        json_t *body = to_json(req->broker, service);
        (void)json_object_set_new(body, "audit", json_string(change->audit.text));
        orl_api_etag_set(req, changeable(req->broker, service));
        orl_http_reply(req, 200, body);
    } else {
        refuse(req, service, code == ORL_E_INVAL ? 400 : 503, "certificate.set", why);
    }
    free(change);
}

/* Its row is written before it is sent: what happens then is another one's disk. */
static int record(struct change *change, const char *print)
{
    struct orl_http_req *req = change->req;
    char object[32];
    char actor[ORL_API_ACTOR_MAX + 1];
    (void)snprintf(object, sizeof(object), "certificate:%s", orl_service_name(change->service));
    orl_api_actor(req, actor, sizeof(actor));
    const struct orl_audit_event event = {.actor = actor,
            .action = print != NULL ? "certificate.set" : "certificate.reset",
            .object = object,
            .client = req->client,
            .detail = print};
    return orl_broker_audit(req->broker, &event, &change->audit);
}

/* pair NULL: back to its own. */
static void send(struct orl_http_req *req, enum orl_service service,
        const struct orl_cert_pair *pair, const char *print)
{
    struct orl_err err = {0};
    bool is_up = false;
    const struct orl_msg_service *said =
            orl_certificates_get(req->broker->certificates, service, &is_up);
    if (is_up && said->source == ORL_CERT_SETTING) {
        refuse(req, service, 409, "certificate.set",
                "The settings of this program name a certificate, which is stronger: take "
                "certificate and certificate_key out of them and restart it, or replace those "
                "files.");
        return;
    }
    struct change *change = calloc(1, sizeof(*change));
    if (change == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    *change = (struct change){.req = req, .service = service};
    int rc = record(change, print);
    if (rc < 0) {
        (void)orl_err_set(&err, rc, "no audit row: no deed");
    } else {
        rc = orl_certificates_send(req->broker->certificates, service, pair, on_done, change, &err);
    }
    if (rc < 0) {
        free(change);
        refuse(req, service, 503, "certificate.set", err.text);
    }
}

/* Also looks again whether the caller may. false: it has answered. */
static bool may_change(struct orl_http_req *req, enum orl_service service)
{
    if (!orl_api_begin(req)) {
        return false;
    }
    orl_store_tx_end(&req->tx);
    return orl_api_etag_ok(req, changeable(req->broker, service), to_json(req->broker, service));
}

static void check_and_send(
        struct orl_http_req *req, enum orl_service service, const struct input *in)
{
    struct orl_err err = {0};
    struct orl_cert_pair pair;
    struct orl_cert_facts facts;
    const struct orl_cert_rules rules = {.now_ms = orl_clock_wall_ms(),
            .is_rsa_only = service == ORL_SERVICE_RDP,
            .needs_chain = true};
    int rc = orl_cert_check(in->certificate, strlen(in->certificate), in->key, strlen(in->key),
            &rules, &pair, &facts, &err);
    if (rc < 0) {
        refuse(req, service, rc == ORL_E_INVAL ? 400 : 503, "certificate.set", err.text);
        return;
    }
    char detail[80];
    (void)snprintf(detail, sizeof(detail), "sha256:%s", facts.fingerprint);
    send(req, service, &pair, detail);
    orl_cert_pair_fini(&pair);
}

void orl_api_certificates_change(struct orl_http_req *req, const struct orl_api_args *args)
{
    enum orl_service service;
    uint64_t seen = 0;
    struct input *in = NULL;
    if (!find(req, args->arg[0], &service) || !may_change(req, service)) {
        return;
    }
    in = calloc(1, sizeof(*in));
    if (in == NULL) {
        orl_api_refuse(req, 503, "busy", "out of memory");
        return;
    }
    if (orl_api_body(req, fields, in, &seen)) {
        check_and_send(req, service, in);
    }
    orl_secret_wipe(in, sizeof(*in));
    free(in);
}

void orl_api_certificates_reset(struct orl_http_req *req, const struct orl_api_args *args)
{
    enum orl_service service;
    if (find(req, args->arg[0], &service) && may_change(req, service)) {
        send(req, service, NULL, NULL);
    }
}
