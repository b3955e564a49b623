#include "broker/policy.h"

#include "store/entitlement.h"

struct pick {
    char pool[ORL_NAME_MAX + 1];
    unsigned count;
};

static int pick_pool(void *ctx, const struct orl_entitlement_row *row)
{
    struct pick *pick = ctx;
    if (pick->count++ == 0) {
        orl_msg_text(pick->pool, sizeof(pick->pool), row->pool);
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
    int rc = orl_entitlement_list(store, policy->user.name, NULL, pick_pool, pick, err);
    if (rc < 0) {
        return rc;
    }
    if (pick->count != 1) {
        policy->reason = pick->count == 0 ? ORL_REASON_NOT_ENTITLED : ORL_REASON_POOL_AMBIGUOUS;
    }
    return 0;
}

int orl_policy_decide(struct orl_store *store, const char *user, const char *pool,
        struct orl_policy *ret_policy, struct orl_err *err)
{
    *ret_policy = (struct orl_policy){0};
    int rc = orl_user_get(store, user, &ret_policy->user, err);
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
    rc = choose(store, ret_policy, pool, &pick, err);
    if (rc < 0 || ret_policy->reason != ORL_REASON_NONE) {
        return rc;
    }
    rc = orl_pool_get(store, pick.pool, &ret_policy->pool, err);
    if (rc == ORL_E_NOTFOUND || (rc == 0 && ret_policy->pool.is_deleted)) {
        return refuse(ret_policy, ORL_REASON_NO_SUCH_POOL);
    }
    if (rc < 0) {
        return rc;
    }
    rc = orl_entitlement_has(store, ret_policy->user.name, pick.pool, err);
    if (rc < 0) {
        return rc;
    }
    return rc == 1 ? 0 : refuse(ret_policy, ORL_REASON_NOT_ENTITLED);
}
