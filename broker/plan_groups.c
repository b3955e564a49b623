/* Groups, who is in them, and what they may use, as a plan writes them. */
#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_fields.h"
#include "broker/names.h"
#include "broker/plan_priv.h"
#include "store/entitlement.h"
#include "store/group.h"
#include "store/user.h"

#include <string.h>

struct group_input {
    char name[ORL_NAME_MAX + 1];
    char display[ORL_TEXT_MAX + 1];
};

int orl_plan_write_group(const struct orl_plan_deed *deed, struct orl_err *err)
{
    static const struct orl_api_field fields[] = {
            {"name", ORL_API_STR, offsetof(struct group_input, name), ORL_NAME_MAX + 1, 0, true,
                    NULL},
            {"display", ORL_API_STR, offsetof(struct group_input, display), ORL_TEXT_MAX + 1, 0,
                    false, NULL},
            {0},
    };
    struct orl_store *store = deed->plan->broker->store;
    struct orl_group_row row = {.user_count = 0};
    struct group_input in = {.name = ""};
    uint64_t seen = 0;
    if (deed->op == ORL_PLAN_REMOVE) {
        return orl_group_remove(store, deed->name, err);
    }
    int rc = deed->op == ORL_PLAN_CHANGE ? orl_group_get(store, deed->name, &row, err) : 0;
    memcpy(in.display, row.display, sizeof(in.display));
    rc = rc < 0 ? rc : orl_api_fields_read(deed->object, fields, &in, &seen, err);
    if (rc == 0 && !orl_names_user_is_valid(in.name)) {
        rc = orl_err_set(err, ORL_E_INVAL, "field 'name' can't be a group's name");
    }
    memcpy(row.display, in.display, sizeof(row.display));
    if (rc == 0 && deed->op == ORL_PLAN_ADD) {
        memcpy(row.name, in.name, sizeof(row.name));
        return orl_group_insert(store, &row, orl_clock_wall_ms(), err);
    }
    return rc < 0 ? rc : orl_group_update(store, &row, err);
}

/* {group, user}, {group, child}, {group, pool} */
struct pair {
    char group[ORL_USER_MAX + 1];
    char other[ORL_USER_MAX + 1];
};

static int read_pair(const struct orl_plan_deed *deed, const char *other, struct pair *ret_pair,
        struct orl_err *err)
{
    const struct orl_api_field fields[] = {
            {"group", ORL_API_STR, offsetof(struct pair, group), ORL_USER_MAX + 1, 0, true, NULL},
            {other, ORL_API_STR, offsetof(struct pair, other), ORL_USER_MAX + 1, 0, true, NULL},
            {0},
    };
    struct orl_group_row group;
    uint64_t seen = 0;
    orl_plan_split(deed->name, ret_pair->group, ret_pair->other);
    int rc = deed->object != NULL ? orl_api_fields_read(deed->object, fields, ret_pair, &seen, err)
                                  : 0;
    rc = rc < 0 ? rc : orl_group_get(deed->plan->broker->store, ret_pair->group, &group, err);
    if (rc == 0) {
        orl_msg_text(ret_pair->group, sizeof(ret_pair->group), group.name);
    }
    return rc;
}

static int write_member(const struct orl_plan_deed *deed, const struct pair *pair, bool is_group,
        struct orl_err *err)
{
    struct orl_store *store = deed->plan->broker->store;
    struct orl_group_member member = {.is_group = is_group};
    orl_msg_text(member.group, sizeof(member.group), pair->group);
    orl_msg_text(member.name, sizeof(member.name), pair->other);
    return deed->op == ORL_PLAN_REMOVE ? orl_group_drop(store, &member, err)
                                       : orl_group_add(store, &member, err);
}

int orl_plan_write_group_user(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct pair pair = {.group = ""};
    struct orl_user_row user;
    int rc = read_pair(deed, "user", &pair, err);
    rc = rc < 0 ? rc : orl_user_get(deed->plan->broker->store, pair.other, &user, err);
    if (rc == 0) {
        orl_msg_text(pair.other, sizeof(pair.other), user.name);
    }
    orl_secret_wipe(&user, sizeof(user));
    return rc < 0 ? rc : write_member(deed, &pair, false, err);
}

int orl_plan_write_group_child(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct pair pair = {.group = ""};
    struct orl_group_row child;
    int rc = read_pair(deed, "child", &pair, err);
    rc = rc < 0 ? rc : orl_group_get(deed->plan->broker->store, pair.other, &child, err);
    if (rc == 0) {
        orl_msg_text(pair.other, sizeof(pair.other), child.name);
    }
    return rc < 0 ? rc : write_member(deed, &pair, true, err);
}

int orl_plan_write_group_pool(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct orl_store *store = deed->plan->broker->store;
    struct pair pair = {.group = ""};
    int rc = read_pair(deed, "pool", &pair, err);
    if (rc < 0) {
        return rc;
    }
    return deed->op == ORL_PLAN_REMOVE
                   ? orl_entitlement_remove_group(store, pair.group, pair.other, err)
                   : orl_entitlement_insert_group(store, pair.group, pair.other, err);
}
