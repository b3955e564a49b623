#include "base/shown_cert.h"

#include "base/cert_check.h"
#include "base/cert_files.h"
#include "base/cleanup.h"
#include "base/tls.h"

#include <stdio.h>

static struct orl_cert_rules rules_of(const struct orl_shown_cert *shown, uint64_t now_ms)
{
    return (struct orl_cert_rules){
            .now_ms = now_ms, .is_rsa_only = shown->service == ORL_SERVICE_RDP};
}

static void begin(struct orl_shown_cert *shown, enum orl_service service)
{
    *shown = (struct orl_shown_cert){.service = service, .slots = {.fd = {-1, -1}}};
}

/* Takes pair. */
static void show(struct orl_shown_cert *shown, enum orl_cert_source source,
        struct orl_cert_pair *pair, const struct orl_cert_facts *facts)
{
    orl_cert_pair_fini(&shown->pair);
    shown->pair = *pair;
    *pair = (struct orl_cert_pair){0};
    shown->facts = *facts;
    shown->source = source;
}

/* Read already: OpenSSL's own use of it is the last proof. */
static int prove(const struct orl_cert_pair *pair, struct orl_err *err)
{
    struct orl_tls_keys *keys = NULL;
    int rc = orl_tls_keys_new(pair->cert_pem, pair->key_pem, &keys, err);
    orl_tls_keys_free(keys);
    return rc;
}

static int look_and_show(struct orl_shown_cert *shown, enum orl_cert_source source,
        struct orl_cert_pair *pair, struct orl_err *err)
{
    struct orl_cert_facts facts;
    int rc = orl_cert_look(pair->cert_pem, pair->cert_len, &facts, err);
    if (rc < 0) {
        orl_cert_pair_fini(pair);
    } else {
        show(shown, source, pair, &facts);
    }
    return rc;
}

int orl_shown_cert_read(struct orl_shown_cert *shown, enum orl_service service,
        const char *cert_path, const char *key_path, struct orl_err *err)
{
    struct orl_cert_pair pair;
    begin(shown, service);
    if ((cert_path[0] == '\0') != (key_path[0] == '\0')) {
        return orl_err_set(err, ORL_E_CONFIG, "set both certificate and certificate_key, or none");
    }
    if (cert_path[0] == '\0') {
        return ORL_OK;
    }
    int rc = orl_cert_files_read(cert_path, key_path, &pair, &shown->is_key_open, err);
    return rc < 0 ? rc : look_and_show(shown, ORL_CERT_SETTING, &pair, err);
}

/* False: this one is no good. Takes pair. */
static bool use_uploaded(
        struct orl_shown_cert *shown, struct orl_cert_pair *pair, struct orl_err *err)
{
    const struct orl_cert_rules rules = rules_of(shown, 0);
    struct orl_cert_facts facts;
    bool is_good = orl_cert_check(pair->cert_pem, pair->cert_len, pair->key_pem, pair->key_len,
                           &rules, NULL, &facts, err) == 0 &&
                   prove(pair, err) == 0;
    if (is_good) {
        shown->own = shown->pair;
        shown->pair = (struct orl_cert_pair){0};
        show(shown, ORL_CERT_UPLOADED, pair, &facts);
    } else {
        orl_cert_pair_fini(pair);
    }
    return is_good;
}

static void find_uploaded(struct orl_shown_cert *shown)
{
    struct orl_cert_pair pair;
    struct orl_err err = {0};
    if (shown->slots.is_damaged) {
        (void)snprintf(shown->problem, sizeof(shown->problem),
                "an upload did not end, or its file is damaged: the one before it is shown");
    }
    if (orl_cert_slots_get(&shown->slots, &pair, &err) < 0 || use_uploaded(shown, &pair, &err)) {
        return;
    }
    (void)snprintf(shown->problem, sizeof(shown->problem),
            "the uploaded one is no good, another is shown: %.150s", err.text);
    if (orl_cert_slots_get_former(&shown->slots, &pair, &err) == 0) {
        (void)use_uploaded(shown, &pair, &err);
    }
}

int orl_shown_cert_own(struct orl_shown_cert *shown, enum orl_service service, const char *dir,
        const char *name, struct orl_err *err)
{
    char cert[320];
    char key[320];
    struct orl_cert_pair pair;
    begin(shown, service);
    (void)snprintf(cert, sizeof(cert), "%.300s/%s.crt", dir, name);
    (void)snprintf(key, sizeof(key), "%.300s/%s.key", dir, name);
    int rc = orl_cert_files_ensure(cert, key, err);
    rc = rc < 0 ? rc : orl_cert_files_read(cert, key, &pair, &shown->is_key_open, err);
    rc = rc < 0 ? rc : look_and_show(shown, ORL_CERT_OWN, &pair, err);
    rc = rc < 0 ? rc : orl_cert_slots_open(dir, &shown->slots, err);
    if (rc == 0) {
        find_uploaded(shown);
    }
    return rc;
}

bool orl_shown_cert_has(const struct orl_shown_cert *shown)
{
    return shown->pair.key_pem != NULL;
}

static int go_back(struct orl_shown_cert *shown, struct orl_err *err)
{
    int rc = orl_cert_slots_clear(&shown->slots, err);
    shown->problem[0] = rc == 0 ? '\0' : shown->problem[0];
    if (rc == 0 && shown->source == ORL_CERT_UPLOADED) {
        rc = look_and_show(shown, ORL_CERT_OWN, &shown->own, err);
    }
    return rc;
}

int orl_shown_cert_take(struct orl_shown_cert *shown, const struct orl_msg_certificate *msg,
        uint64_t now_ms, struct orl_err *err)
{
    const struct orl_cert_rules rules = rules_of(shown, now_ms);
    struct orl_cert_pair pair;
    struct orl_cert_facts facts;
    if (shown->source == ORL_CERT_SETTING) {
        return orl_err_set(err, ORL_E_CONFLICT,
                "Its settings name a certificate: take certificate and certificate_key out of "
                "them and restart it, or replace those files.");
    }
    if (msg->chain_len == 0) {
        return go_back(shown, err);
    }
    int rc = orl_cert_check((const char *)msg->chain, msg->chain_len, (const char *)msg->key,
            msg->key_len, &rules, &pair, &facts, err);
    if (rc < 0) {
        return rc;
    }
    rc = prove(&pair, err);
    rc = rc < 0 ? rc : orl_cert_slots_put(&shown->slots, &pair, err);
    if (rc < 0) {
        orl_cert_pair_fini(&pair);
        return rc;
    }
    if (shown->source == ORL_CERT_OWN) {
        shown->own = shown->pair;
        shown->pair = (struct orl_cert_pair){0};
    }
    show(shown, ORL_CERT_UPLOADED, &pair, &facts);
    shown->problem[0] = '\0';
    return ORL_OK;
}

void orl_shown_cert_tell(const struct orl_shown_cert *shown, struct orl_msg *ret_msg)
{
    *ret_msg = (struct orl_msg){.type = ORL_MSG_SERVICE};
    struct orl_msg_service *service = &ret_msg->u.service;
    const struct orl_cert_facts *facts = &shown->facts;
    service->service = shown->service;
    service->source = shown->source;
    service->count = facts->count;
    service->is_self_signed = facts->is_self_signed ? 1 : 0;
    service->is_key_open = shown->is_key_open && shown->source != ORL_CERT_UPLOADED ? 1 : 0;
    service->from_ms = facts->from_ms;
    service->until_ms = facts->until_ms;
    orl_msg_text(service->issuer, sizeof(service->issuer), facts->issuer);
    orl_msg_text(service->names, sizeof(service->names), facts->names);
    orl_msg_text(service->fingerprint, sizeof(service->fingerprint), facts->fingerprint);
    orl_msg_text(service->problem, sizeof(service->problem), shown->problem);
}

void orl_shown_cert_fini(struct orl_shown_cert *shown)
{
    orl_cert_pair_fini(&shown->pair);
    orl_cert_pair_fini(&shown->own);
    orl_cert_slots_close(&shown->slots);
}
