#include "broker/policy.h"

#include "base/addr.h"
#include "base/hours.h"
#include "store/entitlement.h"
#include "store/session.h"

#include <stdio.h>
#include <string.h>

struct pick {
    char pool[ORL_NAME_MAX + 1];
    unsigned count;
};

/* One pool comes once for each reason why they may use it. */
static int pick_pool(void *ctx, const struct orl_entitlement_way *way)
{
    struct pick *pick = ctx;
    if (strcmp(pick->pool, way->pool) != 0) {
        orl_msg_text(pick->pool, sizeof(pick->pool), way->pool);
        pick->count++;
    }
    return 0;
}

static int refuse(struct orl_policy *ret_policy, enum orl_reason reason)
{
    ret_policy->reason = reason;
    return 0;
}

static int choose(struct orl_store *store, struct orl_policy *policy, const char *pool,
        struct pick *pick, struct orl_err *err)
{
    if (pool[0] != '\0') {
        orl_msg_text(pick->pool, sizeof(pick->pool), pool);
        return 0;
    }
    int rc = orl_entitlement_ways(store, policy->user.name, pick_pool, pick, err);
    if (rc < 0) {
        return rc;
    }
    if (pick->count != 1) {
        policy->reason = pick->count == 0 ? ORL_REASON_NOT_ENTITLED : ORL_REASON_POOL_AMBIGUOUS;
    }
    return 0;
}

/* Nonsense, which the API does not take, lets nobody in. */
static bool is_open(const struct orl_pool_policy *policy, uint64_t now_ms)
{
    struct orl_hours hours;
    return policy->allowed_hours[0] == '\0' ||
           (orl_hours_parse(policy->allowed_hours, &hours, NULL) == 0 &&
                   orl_hours_has(&hours, now_ms));
}

static bool is_from_there(const struct orl_pool_policy *policy, const char *client)
{
    struct orl_addr_nets nets;
    return policy->allowed_from[0] == '\0' ||
           (orl_addr_nets_parse(policy->allowed_from, &nets, NULL) == 0 &&
                   orl_addr_nets_has(&nets, client));
}

static enum orl_reason judge_place(const struct orl_policy_ask *ask, struct orl_policy *policy)
{
    const struct orl_pool_policy *rules = &policy->pool.policy;
    if (ask->client == NULL) {
        return ORL_REASON_NONE;
    }
    if (!is_from_there(rules, ask->client)) {
        return ORL_REASON_ADDRESS_NOT_ALLOWED;
    }
    if (!is_open(rules, ask->now_ms)) {
        (void)snprintf(policy->text, sizeof(policy->text),
                "This pool is closed now. It is open %.160s.", rules->allowed_hours);
        return ORL_REASON_OUTSIDE_HOURS;
    }
    return ORL_REASON_NONE;
}

/* Who has the session already may always come back to it. */
static int judge_quota(struct orl_store *store, struct orl_policy *policy, struct orl_err *err)
{
    struct orl_session_row row;
    const struct orl_pool_row *pool = &policy->pool;
    int rc = orl_session_find_slot(store, policy->user.name, pool->name, policy->slot, &row, err);
    if (rc != ORL_E_NOTFOUND) {
        return rc;
    }
    if (policy->slot > pool->policy.max_per_user) {
        return refuse(policy, ORL_REASON_POOL_QUOTA);
    }
    int count =
            policy->user.max_desktops > 0 ? orl_session_count_of(store, policy->user.name, err) : 0;
    if (count < 0) {
        return count;
    }
    return policy->user.max_desktops > 0 && (uint32_t)count >= policy->user.max_desktops
                   ? refuse(policy, ORL_REASON_USER_QUOTA)
                   : 0;
}

int orl_policy_decide(struct orl_store *store, const struct orl_policy_ask *ask,
        struct orl_policy *ret_policy, struct orl_err *err)
{
    *ret_policy = (struct orl_policy){.slot = ask->slot > 0 ? ask->slot : 1};
    int rc = orl_user_get(store, ask->user, &ret_policy->user, err);
    if (rc == ORL_E_NOTFOUND) {
        return refuse(ret_policy, ORL_REASON_AUTH_FAILED);
    }
    if (rc < 0) {
        return rc;
    }
    if (ret_policy->user.is_disabled) {
        return refuse(ret_policy, ORL_REASON_ACCOUNT_DISABLED);
    }
    struct pick pick = {0};
    rc = choose(store, ret_policy, ask->pool, &pick, err);
    if (rc < 0 || ret_policy->reason != ORL_REASON_NONE) {
        return rc;
    }
    rc = orl_pool_get(store, pick.pool, &ret_policy->pool, err);
    if (rc == ORL_E_NOTFOUND || (rc == 0 && ret_policy->pool.is_deleted)) {
        return refuse(ret_policy, ORL_REASON_NO_SUCH_POOL);
    }
    rc = rc < 0 ? rc : orl_entitlement_has(store, ret_policy->user.name, pick.pool, err);
    if (rc < 0) {
        return rc;
    }
    ret_policy->reason = rc == 1 ? judge_place(ask, ret_policy) : ORL_REASON_NOT_ENTITLED;
    return ret_policy->reason == ORL_REASON_NONE ? judge_quota(store, ret_policy, err) : 0;
}
