#include "base/clock.h"
#include "base/secret.h"
#include "broker/api_fields.h"
#include "broker/api_pools.h"
#include "broker/line_text.h"
#include "broker/names.h"
#include "broker/plan_priv.h"
#include "broker/revoke.h"
#include "broker/site.h"
#include "store/entitlement.h"
#include "store/template.h"
#include "store/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int write_site(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct site {
        char contact[ORL_TEXT_MAX + 1];
        char notice[ORL_TEXT_MAX + 1];
    } site;
    static const struct orl_api_field fields[] = {
            {"contact", ORL_API_STR, offsetof(struct site, contact), ORL_TEXT_MAX + 1, 0, false,
                    NULL},
            {"notice", ORL_API_STR, offsetof(struct site, notice), ORL_TEXT_MAX + 1, 0, false,
                    NULL},
            {0},
    };
    struct orl_store *store = deed->plan->broker->store;
    uint64_t seen = 0;
    int rc = orl_site_get(store, ORL_SITE_CONTACT, site.contact, err);
    rc = rc < 0 ? rc : orl_site_get(store, ORL_SITE_NOTICE, site.notice, err);
    rc = rc < 0 ? rc : orl_api_fields_read(deed->object, fields, &site, &seen, err);
    rc = rc < 0 ? rc : orl_site_check(site.contact, site.notice, err);
    rc = rc < 0 ? rc : orl_site_set(store, ORL_SITE_CONTACT, site.contact, err);
    return rc < 0 ? rc : orl_site_set(store, ORL_SITE_NOTICE, site.notice, err);
}

static int write_reason(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct input {
        char code[ORL_STORE_CODE_MAX + 1];
        char text[ORL_TEXT_MAX + 1];
    } in = {0};
    static const struct orl_api_field fields[] = {
            {"code", ORL_API_STR, offsetof(struct input, code), ORL_STORE_CODE_MAX + 1, 0, true,
                    NULL},
            {"text", ORL_API_STR, offsetof(struct input, text), ORL_TEXT_MAX + 1, 0, true, NULL},
            {0},
    };
    char key[ORL_SITE_KEY_MAX + 1];
    enum orl_reason reason;
    uint64_t seen = 0;
    int rc = deed->object != NULL ? orl_api_fields_read(deed->object, fields, &in, &seen, err) : 0;
    rc = rc < 0 ? rc : orl_line_check("field 'text'", in.text, ORL_SITE_REASON_MAX, err);
    if (rc == 0 && (!orl_reason_parse(deed->name, &reason) || reason == ORL_REASON_NONE)) {
        rc = orl_err_set(err, ORL_E_INVAL, "field 'code': there is no reason '%.64s'", deed->name);
    }
    if (rc < 0) {
        return rc;
    }
    orl_site_reason_key(reason, key);
    return orl_site_set(deed->plan->broker->store, key, in.text, err);
}

struct user_input {
    char name[ORL_USER_MAX + 1];
    char display[ORL_TEXT_MAX + 1];
    char role[16];
    bool is_disabled;
    uint32_t max_desktops;
    bool may_break_glass;
};

static int read_user(const json_t *object, struct orl_user_row *row, struct orl_err *err)
{
    static const struct orl_api_field fields[] = {
            {"name", ORL_API_STR, offsetof(struct user_input, name), ORL_USER_MAX + 1, 0, true,
                    NULL},
            {"display", ORL_API_STR, offsetof(struct user_input, display), ORL_TEXT_MAX + 1, 0,
                    false, NULL},
            {"role", ORL_API_STR, offsetof(struct user_input, role), 16, 0, false, NULL},
            {"is_disabled", ORL_API_BOOL, offsetof(struct user_input, is_disabled), 0, 0, false,
                    NULL},
            {"max_desktops", ORL_API_U32, offsetof(struct user_input, max_desktops), 0, 1000, false,
                    NULL},
            {"may_break_glass", ORL_API_BOOL, offsetof(struct user_input, may_break_glass), 0, 0,
                    false, NULL},
            {0},
    };
    struct user_input in = {.is_disabled = row->is_disabled,
            .max_desktops = row->max_desktops,
            .may_break_glass = row->may_break_glass};
    uint64_t seen = 0;
    orl_msg_text(in.display, sizeof(in.display), row->display);
    orl_msg_text(in.role, sizeof(in.role), orl_role_name(row->role));
    int rc = orl_api_fields_read(object, fields, &in, &seen, err);
    if (rc == 0 && !orl_role_parse(in.role, &row->role)) {
        return orl_err_set(err, ORL_E_INVAL,
                "field 'role' must be \"user\", \"viewer\", \"operator\" or \"admin\"");
    }
    if (rc == 0 && !orl_names_user_is_valid(in.name)) {
        return orl_err_set(err, ORL_E_INVAL, "field 'name' can't be a user's name");
    }
    if (rc == 0) {
        memcpy(row->display, in.display, sizeof(row->display));
        row->is_disabled = in.is_disabled;
        row->max_desktops = in.max_desktops;
        row->may_break_glass = in.may_break_glass;
    }
    return rc;
}

static int write_user(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct orl_store *store = deed->plan->broker->store;
    struct orl_user_row row = {.role = ORL_ROLE_USER};
    int rc = 0;
    if (deed->op == ORL_PLAN_REMOVE) {
        return orl_user_remove(store, deed->name, err);
    }
    if (deed->op == ORL_PLAN_CHANGE) {
        rc = orl_user_get(store, deed->name, &row, err);
    } else {
        orl_msg_text(row.name, sizeof(row.name), deed->name);
    }
    rc = rc < 0 ? rc : read_user(deed->object, &row, err);
    if (rc == 0) {
        rc = deed->op == ORL_PLAN_CHANGE ? orl_user_update(store, &row, err)
                                         : orl_user_insert(store, &row, orl_clock_wall_ms(), err);
    }
    orl_secret_wipe(&row, sizeof(row));
    return rc;
}

static int write_template(const struct orl_plan_deed *deed, struct orl_err *err)
{
    static const char *const oses[] = {"linux", "windows", NULL};
    struct input {
        char name[ORL_NAME_MAX + 1];
        uint32_t memory_mib, vcpus, os;
    } in = {0};
    static const struct orl_api_field fields[] = {
            {"name", ORL_API_STR, offsetof(struct input, name), ORL_NAME_MAX + 1, 0, true, NULL},
            {"memory_mib", ORL_API_U32, offsetof(struct input, memory_mib), 16, 4194304, false,
                    NULL},
            {"vcpus", ORL_API_U32, offsetof(struct input, vcpus), 1, 256, false, NULL},
            {"os", ORL_API_CHOICE, offsetof(struct input, os), 0, 0, false, oses},
            {0},
    };
    struct orl_store *store = deed->plan->broker->store;
    struct orl_template_row row;
    uint64_t seen = 0;
    if (deed->op == ORL_PLAN_ADD) {
        return orl_err_set(err, ORL_E_INVAL,
                "field 'name': there is no template '%.63s'; its files are registered by oriel "
                "template add",
                deed->name);
    }
    int rc = orl_template_get(store, deed->name, 0, &row, err);
    if (rc == 0) {
        in.memory_mib = row.memory_mib;
        in.vcpus = row.vcpus;
        in.os = row.is_windows;
        rc = orl_api_fields_read(deed->object, fields, &in, &seen, err);
    }
    if (rc == 0) {
        row.memory_mib = in.memory_mib;
        row.vcpus = in.vcpus;
        row.is_windows = in.os != 0;
        rc = orl_template_update(store, &row, err);
    }
    return rc;
}

/* A pool that is there keeps its kind: what says another is wrong. */
static int change_pool(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct orl_store *store = deed->plan->broker->store;
    struct orl_pool_row row;
    int rc = orl_pool_get(store, deed->name, &row, err);
    if (rc < 0) {
        return rc;
    }
    const char *kind = json_string_value(json_object_get(deed->object, "kind"));
    if (kind != NULL && strcmp(kind, orl_pool_kind_name(row.kind)) != 0) {
        return orl_err_set(err, ORL_E_INVAL, "field 'kind': pool %s is %s and stays so", row.name,
                orl_pool_kind_name(row.kind));
    }
    json_t *settings = json_copy((json_t *)(uintptr_t)deed->object);
    (void)json_object_del(settings, "name");
    (void)json_object_del(settings, "kind");
    rc = orl_api_pool_read(settings, false, &row, err);
    json_decref(settings);
    return rc < 0 ? rc : orl_pool_update(store, &row, err);
}

static int write_pool(const struct orl_plan_deed *deed, struct orl_err *err)
{
    struct orl_store *store = deed->plan->broker->store;
    struct orl_pool_row row = {0};
    if (deed->op == ORL_PLAN_REMOVE) {
        return orl_pool_set_deleted(store, deed->name, err);
    }
    if (deed->op == ORL_PLAN_CHANGE) {
        return change_pool(deed, err);
    }
    int rc = orl_api_pool_read(deed->object, true, &row, err);
    return rc < 0 ? rc : orl_pool_insert(store, &row, orl_clock_wall_ms(), err);
}

void orl_plan_split(
        const char *name, char ret_first[ORL_USER_MAX + 1], char ret_second[ORL_USER_MAX + 1])
{
    const char *slash = strrchr(name, '/');
    ret_first[0] = ret_second[0] = '\0';
    if (slash != NULL && slash - name <= ORL_USER_MAX) {
        memcpy(ret_first, name, (size_t)(slash - name));
        ret_first[slash - name] = '\0';
        orl_msg_text(ret_second, ORL_USER_MAX + 1, slash + 1);
    }
}

struct entitlement {
    char user[ORL_USER_MAX + 1];
    char pool[ORL_USER_MAX + 1];
};

static int write_entitlement(const struct orl_plan_deed *deed, struct orl_err *err)
{
    static const struct orl_api_field fields[] = {
            {"user", ORL_API_STR, offsetof(struct entitlement, user), ORL_USER_MAX + 1, 0, true,
                    NULL},
            {"pool", ORL_API_STR, offsetof(struct entitlement, pool), ORL_NAME_MAX + 1, 0, true,
                    NULL},
            {0},
    };
    struct orl_store *store = deed->plan->broker->store;
    struct entitlement in = {.user = ""};
    struct orl_user_row user;
    uint64_t seen = 0;
    orl_plan_split(deed->name, in.user, in.pool);
    if (deed->op == ORL_PLAN_REMOVE) {
        return orl_entitlement_remove(store, in.user, in.pool, err);
    }
    int rc = orl_api_fields_read(deed->object, fields, &in, &seen, err);
    rc = rc < 0 ? rc : orl_user_get(store, in.user, &user, err);
    rc = rc < 0 ? rc : orl_entitlement_insert(store, user.name, in.pool, err);
    orl_secret_wipe(&user, sizeof(user));
    return rc;
}

static const struct {
    const char *kind;
    int (*write)(const struct orl_plan_deed *deed, struct orl_err *err);
} writers[] = {{"site", write_site}, {"reason", write_reason}, {"user", write_user},
        {"template", write_template}, {"pool", write_pool}, {"entitlement", write_entitlement},
        {"group", orl_plan_write_group}, {"group user", orl_plan_write_group_user},
        {"group child", orl_plan_write_group_child},
        {"group entitlement", orl_plan_write_group_pool}};

static const char *text_of(const json_t *change, const char *key)
{
    return json_string_value(json_object_get(change, key));
}

static enum orl_plan_op op_of(const json_t *change)
{
    const char *op = text_of(change, "op");
    return strcmp(op, "add") == 0      ? ORL_PLAN_ADD
           : strcmp(op, "remove") == 0 ? ORL_PLAN_REMOVE
                                       : ORL_PLAN_CHANGE;
}

static bool is_same_object(const json_t *one, const json_t *other)
{
    return one != NULL && strcmp(text_of(one, "kind"), text_of(other, "kind")) == 0 &&
           strcmp(text_of(one, "name"), text_of(other, "name")) == 0;
}

/* Where in the document: our errors name the field first. */
static void note_fault(struct orl_plan *plan, const struct orl_site_section *section, int place,
        const struct orl_err *err)
{
    char field[64] = "";
    const char *quoted = strncmp(err->text, "unknown field '", 15) == 0 ? err->text + 15
                         : strncmp(err->text, "field '", 7) == 0        ? err->text + 7
                                                                        : NULL;
    if (quoted != NULL) {
        (void)snprintf(field, sizeof(field), "/%.*s", (int)strcspn(quoted, "'"), quoted);
    }
    if (section->is_single) {
        (void)snprintf(
                plan->fault_field, sizeof(plan->fault_field), "/%.20s%s", section->name, field);
    } else if (place >= 0) {
        (void)snprintf(plan->fault_field, sizeof(plan->fault_field), "/%.20s/%d%s", section->name,
                place, field);
    }
}

static int write_one(struct orl_plan *plan, size_t i, struct orl_err *err)
{
    const json_t *change = json_array_get(plan->changes, i);
    const char *kind = text_of(change, "kind");
    unsigned s = 0;
    while (strcmp(orl_site_sections[s].kind, kind) != 0) {
        s++;
    }
    const struct orl_site_section *section = &orl_site_sections[s];
    const int place = (int)json_integer_value(json_array_get(plan->places, i));
    const json_t *part = json_object_get(plan->wanted, section->name);
    const struct orl_plan_deed deed = {.plan = plan,
            .op = op_of(change),
            .name = text_of(change, "name"),
            .object = section->is_single ? part
                      : place >= 0       ? json_array_get(part, (size_t)place)
                                         : NULL};
    int rc = 0;
    for (size_t w = 0; w < sizeof(writers) / sizeof(writers[0]); w++) {
        if (strcmp(writers[w].kind, kind) == 0) {
            rc = writers[w].write(&deed, err);
        }
    }
    if (rc < 0) {
        note_fault(plan, section, place, err);
        (void)orl_err_prefix(err, "%s %s", kind, deed.name);
    }
    return rc;
}

/* What others need is made first and removed last. */
int orl_plan_write(struct orl_plan *plan, struct orl_err *err)
{
    const size_t count = json_array_size(plan->changes);
    const json_t *last = NULL;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        const json_t *change = json_array_get(plan->changes, i);
        if (op_of(change) != ORL_PLAN_REMOVE && !is_same_object(last, change)) {
            rc = write_one(plan, i, err);
        }
        last = change;
    }
    for (size_t i = count; rc == 0 && i-- > 0;) {
        rc = op_of(json_array_get(plan->changes, i)) == ORL_PLAN_REMOVE ? write_one(plan, i, err)
                                                                        : 0;
    }
    return rc;
}

static bool may_lose(const json_t *change)
{
    const char *kind = text_of(change, "kind");
    return op_of(change) == ORL_PLAN_REMOVE &&
           (strncmp(kind, "group", 5) == 0 || strcmp(kind, "entitlement") == 0);
}

static int revoke(struct orl_plan *plan, const json_t *change, struct orl_err *err)
{
    const char *kind = text_of(change, "kind");
    const char *name = text_of(change, "name");
    const char *field = text_of(change, "field");
    if (strcmp(kind, "user") == 0 && op_of(change) == ORL_PLAN_CHANGE) {
        bool is_off =
                strcmp(field, "is_disabled") == 0 && json_is_true(json_object_get(change, "to"));
        return is_off                       ? orl_revoke_person(plan->broker, name, NULL, err)
               : strcmp(field, "role") == 0 ? orl_revoke_logins(plan->broker, name, err)
                                            : 0;
    }
    return 0;
}

static void put_value(char *text, size_t size, const char *field, const json_t *value)
{
    size_t len = strlen(text);
    char *said = value != NULL ? json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT) : NULL;
    if (said != NULL && len + strlen(field) + strlen(said) + 3 < size) {
        (void)snprintf(text + len, size - len, " %s=%s", field, said);
    }
    free(said);
}

/* "apply role=\"operator\" max_desktops=2": the fields of all changes of the object; of one that is new, its rights. */
static void describe(const struct orl_plan *plan, size_t i, char *ret_text, size_t size)
{
    const json_t *first = json_array_get(plan->changes, i);
    const json_t *to = json_object_get(first, "to");
    (void)snprintf(ret_text, size, "apply");
    if (op_of(first) == ORL_PLAN_ADD) {
        put_value(ret_text, size, "role", json_object_get(to, "role"));
        put_value(ret_text, size, "may_break_glass", json_object_get(to, "may_break_glass"));
        return;
    }
    for (; op_of(first) == ORL_PLAN_CHANGE && i < json_array_size(plan->changes); i++) {
        const json_t *change = json_array_get(plan->changes, i);
        if (!is_same_object(first, change)) {
            return;
        }
        put_value(ret_text, size, text_of(change, "field"), json_object_get(change, "to"));
    }
}

static int audit(struct orl_plan *plan, size_t i, const char *actor, struct orl_err *err)
{
    const json_t *change = json_array_get(plan->changes, i);
    char detail[400];
    static const char *const verbs[] = {"add", "change", "remove"};
    struct orl_id id;
    char action[48];
    char object[ORL_USER_MAX + ORL_NAME_MAX + 32];
    const char *kind = text_of(change, "kind");
    const char *name = text_of(change, "name");
    (void)snprintf(action, sizeof(action), "%s.%s", kind, verbs[op_of(change)]);
    for (char *at = strchr(action, ' '); at != NULL; at = strchr(at, ' ')) {
        *at = '_';
    }
    (void)snprintf(object, sizeof(object), "%s%s%s", kind, name[0] != '\0' ? ":" : "", name);
    describe(plan, i, detail, sizeof(detail));
    const struct orl_audit_event event = {.actor = actor,
            .action = action,
            .object = object,
            .user = strcmp(kind, "user") == 0 ? name : NULL,
            .detail = detail};
    return orl_broker_audit(plan->broker, &event, &id) < 0
                   ? orl_err_set(err, ORL_E_BACKEND, "no audit row: no deed")
                   : 0;
}

int orl_plan_carry_out(struct orl_plan *plan, const char *actor, struct orl_err *err)
{
    const json_t *last = NULL;
    bool needs_lost = false;
    size_t i;
    json_t *change;
    json_array_foreach(plan->changes, i, change)
    {
        int rc = revoke(plan, change, err);
        rc = rc < 0 || is_same_object(last, change) ? rc : audit(plan, i, actor, err);
        if (rc < 0) {
            return rc;
        }
        needs_lost = needs_lost || may_lose(change);
        last = change;
    }
    return needs_lost ? orl_revoke_lost(plan->broker, err) : 0;
}
