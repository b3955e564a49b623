#include "broker/site_doc.h"

#include "broker/api_pools.h"
#include "broker/site.h"
#include "store/entitlement.h"
#include "store/group.h"
#include "store/template.h"
#include "store/user.h"

#include <string.h>

const struct orl_site_section orl_site_sections[ORL_SITE_DOC_SECTIONS] = {
        {"site", "site", {NULL, NULL}, true},
        {"reasons", "reason", {"code", NULL}, false},
        {"users", "user", {"name", NULL}, false},
        {"groups", "group", {"name", NULL}, false},
        {"group_users", "group user", {"group", "user"}, false},
        {"group_children", "group child", {"group", "child"}, false},
        {"templates", "template", {"name", NULL}, false},
        {"pools", "pool", {"name", NULL}, false},
        {"entitlements", "entitlement", {"user", "pool"}, false},
        {"group_entitlements", "group entitlement", {"group", "pool"}, false},
};

static int append(json_t *list, json_t *object)
{
    return json_array_append_new(list, object) < 0 ? ORL_E_NOMEM : 0;
}

struct words {
    json_t *site;
    json_t *reasons;
};

static int add_words(void *ctx, const char *key, const char *value)
{
    static const char start[] = "reason:";
    const struct words *words = ctx;
    if (strncmp(key, start, sizeof(start) - 1) == 0) {
        return append(words->reasons,
                json_pack("{s:s, s:s}", "code", key + sizeof(start) - 1, "text", value));
    }
    return json_object_set_new(words->site, key, json_string(value)) < 0 ? ORL_E_NOMEM : 0;
}

static int add_user(void *ctx, const struct orl_user_row *row)
{
    return append(ctx, json_pack("{s:s, s:s, s:s, s:b, s:I, s:b}", "name", row->name, "display",
                               row->display, "role", orl_role_name(row->role), "is_disabled",
                               row->is_disabled, "max_desktops", (json_int_t)row->max_desktops,
                               "may_break_glass", row->may_break_glass));
}

/* The newest version of each: that is the one whose settings can be changed. */
static int add_template(void *ctx, const struct orl_template_row *row)
{
    json_t *last = json_array_get(ctx, json_array_size(ctx) - 1);
    const char *name = json_string_value(json_object_get(last, "name"));
    if (name != NULL && strcmp(name, row->name) == 0) {
        return 0;
    }
    return append(ctx, json_pack("{s:s, s:I, s:I, s:s}", "name", row->name, "memory_mib",
                               (json_int_t)row->memory_mib, "vcpus", (json_int_t)row->vcpus, "os",
                               row->is_windows ? "windows" : "linux"));
}

static int add_pool(void *ctx, const struct orl_pool_row *row)
{
    if (row->is_deleted) {
        return 0;
    }
    json_t *object =
            json_pack("{s:s, s:s}", "name", row->name, "kind", orl_pool_kind_name(row->kind));
    orl_api_pool_put_settings(object, row);
    return append(ctx, object);
}

static int add_entitlement(void *ctx, const struct orl_entitlement_way *way)
{
    bool is_group = way->group[0] != '\0';
    return append(json_object_get(ctx, is_group ? "group_entitlements" : "entitlements"),
            json_pack("{s:s, s:s}", is_group ? "group" : "user", is_group ? way->group : way->user,
                    "pool", way->pool));
}

static int add_member(void *ctx, const struct orl_group_member *member)
{
    return append(json_object_get(ctx, member->is_group ? "group_children" : "group_users"),
            json_pack("{s:s, s:s}", "group", member->group, member->is_group ? "child" : "user",
                    member->name));
}

static int add_group(void *ctx, const struct orl_group_row *row)
{
    return append(ctx, json_pack("{s:s, s:s}", "name", row->name, "display", row->display));
}

static int put_groups(struct orl_store *store, json_t *doc, struct orl_err *err)
{
    json_t *groups = json_object_get(doc, "groups");
    size_t i;
    json_t *group;
    int rc = orl_group_list(store, NULL, add_group, groups, err);
    json_array_foreach(groups, i, group)
    {
        const char *name = json_string_value(json_object_get(group, "name"));
        rc = rc < 0 ? rc : orl_group_members(store, name, add_member, doc, err);
    }
    return rc;
}

int orl_site_doc(struct orl_broker *broker, json_t **ret_doc, struct orl_err *err)
{
    json_t *doc = json_pack("{s:{s:s, s:s}, s:[], s:[], s:[], s:[], s:[], s:[], s:[], s:[], s:[]}",
            "site", "contact", "", "notice", "", "reasons", "users", "groups", "group_users",
            "group_children", "templates", "pools", "entitlements", "group_entitlements");
    struct words words = {json_object_get(doc, "site"), json_object_get(doc, "reasons")};
    struct orl_store *store = broker->store;
    int rc = doc == NULL ? orl_err_set(err, ORL_E_NOMEM, "out of memory") : 0;
    rc = rc < 0 ? rc : orl_site_list(store, add_words, &words, err);
    rc = rc < 0 ? rc : orl_user_list(store, NULL, add_user, json_object_get(doc, "users"), err);
    rc = rc < 0 ? rc : put_groups(store, doc, err);
    rc = rc < 0 ? rc
                : orl_template_list(
                          store, NULL, add_template, json_object_get(doc, "templates"), err);
    rc = rc < 0 ? rc : orl_pool_list(store, NULL, add_pool, json_object_get(doc, "pools"), err);
    rc = rc < 0 ? rc : orl_entitlement_list(store, NULL, add_entitlement, doc, err);
    if (rc < 0) {
        json_decref(doc);
        return rc;
    }
    *ret_doc = doc;
    return 0;
}
