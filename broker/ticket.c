#include "broker/ticket.h"

#include "base/secret.h"

#include <stdio.h>
#include <string.h>

void orl_ticket_new_id(char ret_id[ORL_TICKET_ID_LEN + 1])
{
    uint8_t raw[8];
    orl_secret_random(raw, sizeof(raw));
    (void)snprintf(ret_id, ORL_TICKET_ID_LEN + 1, "t-%02x%02x%02x%02x%02x%02x%02x%02x", raw[0],
            raw[1], raw[2], raw[3], raw[4], raw[5], raw[6], raw[7]);
}

static int seal_hash(const struct orl_tickets *tickets, const struct orl_ticket_issued *issued,
        struct orl_ticket_row *row)
{
    uint8_t hash[ORL_NTLM_HASH_LEN];
    int rc = orl_ntlm_nt_hash(tickets->ntlm, issued->password, hash);
    if (rc == 0) {
        rc = orl_seal(
                tickets->key, issued->id, hash, sizeof(hash), row->secret, sizeof(row->secret));
    }
    orl_secret_wipe(hash, sizeof(hash));
    return rc;
}

int orl_tickets_issue(const struct orl_tickets *tickets, const struct orl_ticket_want *want,
        uint64_t now_ms, struct orl_ticket_issued *ret_issued, struct orl_err *err)
{
    struct orl_ticket_issued issued = {.expires_ms = now_ms + tickets->first_use_ms};
    struct orl_ticket_row row = {
            .slot = want->slot, .created_ms = now_ms, .first_use_by_ms = issued.expires_ms};
    orl_ticket_new_id(issued.id);
    orl_secret_text(issued.password, ORL_TICKET_PASSWORD_LEN);
    orl_msg_text(row.id, sizeof(row.id), issued.id);
    orl_msg_text(row.user, sizeof(row.user), want->user);
    orl_msg_text(row.pool, sizeof(row.pool), want->pool);
    orl_msg_text(row.binding, sizeof(row.binding), want->binding != NULL ? want->binding : "");
    if (want->regional != NULL) {
        row.regional = *want->regional;
        orl_regional_clean(&row.regional);
    }
    int rc = seal_hash(tickets, &issued, &row);
    if (rc < 0) {
        rc = orl_err_set(err, rc, "sealing a ticket");
    } else {
        rc = orl_ticket_insert(tickets->store, &row, now_ms, err);
    }
    if (rc == 0) {
        *ret_issued = issued;
    }
    orl_secret_wipe(&issued, sizeof(issued));
    return rc;
}

static bool is_open(const struct orl_ticket_row *row, uint64_t now_ms)
{
    return row->revoked_ms == 0 && (row->used_ms != 0 || now_ms <= row->first_use_by_ms);
}

static int open_hash(const struct orl_tickets *tickets, const char *id, uint64_t now_ms,
        struct orl_ticket_row *ret_row, uint8_t ret_hash[ORL_NTLM_HASH_LEN], struct orl_err *err)
{
    int rc = orl_ticket_get(tickets->store, id, ret_row, err);
    if (rc == ORL_E_NOTFOUND) {
        return orl_err_set(err, ORL_E_DENIED, "no such ticket");
    }
    if (rc < 0) {
        return rc;
    }
    if (!is_open(ret_row, now_ms)) {
        return orl_err_set(err, ORL_E_DENIED, "revoked, burnt or too late");
    }
    size_t len = 0;
    if (orl_unseal(tickets->key, id, ret_row->secret, ret_hash, ORL_NTLM_HASH_LEN, &len) < 0 ||
            len != ORL_NTLM_HASH_LEN) {
        return orl_err_set(err, ORL_E_DENIED, "sealed by another key");
    }
    return 0;
}

static int count_failure(
        const struct orl_tickets *tickets, const char *id, uint64_t now_ms, struct orl_err *err)
{
    uint32_t failures = 0;
    int rc = orl_ticket_fail(tickets->store, id, tickets->max_failures, now_ms, &failures, err);
    if (rc < 0) {
        return rc;
    }
    return orl_err_set(err, ORL_E_DENIED, "wrong %u times", failures);
}

int orl_tickets_prove(const struct orl_tickets *tickets, const char *id,
        const struct orl_ntlm_proof *proof, uint64_t now_ms, uint8_t ret_ntowfv2[ORL_NTLM_HASH_LEN],
        struct orl_ticket_row *ret_row, struct orl_err *err)
{
    uint8_t hash[ORL_NTLM_HASH_LEN] = {0};
    int rc = open_hash(tickets, id, now_ms, ret_row, hash, err);
    /* NLA is no browser's way in. */
    bool is_bound = rc == 0 && ret_row->binding[0] != '\0';
    if (rc == 0 && (is_bound || orl_ntlm_verify(tickets->ntlm, hash, proof, ret_ntowfv2) < 0)) {
        rc = count_failure(tickets, id, now_ms, err);
    }
    orl_secret_wipe(hash, sizeof(hash));
    return rc;
}

int orl_tickets_check(const struct orl_tickets *tickets, const char *id, const char *password,
        const char *binding, uint64_t now_ms, struct orl_ticket_row *ret_row, struct orl_err *err)
{
    uint8_t hash[ORL_NTLM_HASH_LEN] = {0};
    uint8_t told[ORL_NTLM_HASH_LEN] = {0};
    int rc = open_hash(tickets, id, now_ms, ret_row, hash, err);
    if (rc == 0 && (orl_ntlm_nt_hash(tickets->ntlm, password, told) < 0 ||
                           !orl_secret_is_equal(hash, told, sizeof(hash)) ||
                           strcmp(ret_row->binding, binding) != 0)) {
        rc = count_failure(tickets, id, now_ms, err);
    }
    orl_secret_wipe(hash, sizeof(hash));
    orl_secret_wipe(told, sizeof(told));
    return rc;
}
