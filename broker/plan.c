#include "broker/plan.h"

#include "broker/plan_affects.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEY_MAX 400

static bool key_of(
        const struct orl_site_section *section, const json_t *object, char ret_key[KEY_MAX])
{
    const char *first = json_string_value(json_object_get(object, section->keys[0]));
    const char *second = section->keys[1] != NULL
                                 ? json_string_value(json_object_get(object, section->keys[1]))
                                 : NULL;
    if (first == NULL || (section->keys[1] != NULL && second == NULL)) {
        return false;
    }
    int len = snprintf(
            ret_key, KEY_MAX, "%s%s%s", first, second != NULL ? "/" : "", second ? second : "");
    return len > 0 && len < KEY_MAX;
}

/* Letters of either case are the same. */
static void fold(char *key)
{
    for (; *key != '\0'; key++) {
        *key = (char)tolower((unsigned char)*key);
    }
}

static int fault_at(struct orl_plan *plan, const char *section, size_t index)
{
    (void)snprintf(plan->fault_field, sizeof(plan->fault_field), "/%.20s/%zu", section, index);
    return ORL_E_INVAL;
}

/* Name to object; takes a reference of each. */
static int index_list(struct orl_plan *plan, const struct orl_site_section *section, json_t *list,
        json_t *ret_index, struct orl_err *err)
{
    size_t i;
    json_t *object;
    json_array_foreach(list, i, object)
    {
        char key[KEY_MAX];
        if (!json_is_object(object) || !key_of(section, object, key)) {
            (void)orl_err_set(err, ORL_E_INVAL, "%s: an object with a '%s' is needed",
                    section->name, section->keys[0]);
            return fault_at(plan, section->name, i);
        }
        fold(key);
        if (json_object_get(ret_index, key) != NULL) {
            (void)orl_err_set(err, ORL_E_INVAL, "%s '%.100s' is there twice", section->kind, key);
            return fault_at(plan, section->name, i);
        }
        if (json_object_set(ret_index, key, object) < 0) {
            return orl_err_set(err, ORL_E_NOMEM, "out of memory");
        }
    }
    return 0;
}

struct change {
    const char *op;
    const struct orl_site_section *section;
    const char *name;
    const char *field;
    json_t *from, *to;
    int place; /* in the wanted list; -1: none */
};

static int add_change(struct orl_plan *plan, const struct change *c, struct orl_err *err)
{
    json_t *change = json_pack("{s:s, s:s, s:s, s:s, s:O?, s:O?}", "op", c->op, "kind",
            c->section->kind, "name", c->name, "field", c->field, "from", c->from, "to", c->to);
    if (json_array_append_new(plan->changes, change) < 0 ||
            json_array_append_new(plan->places, json_integer(c->place)) < 0) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    return 0;
}

static int compare(struct orl_plan *plan, const struct change *of, json_t *have, json_t *want,
        struct orl_err *err)
{
    const struct orl_site_section *section = of->section;
    const char *field;
    json_t *value;
    json_object_foreach(want, field, value)
    {
        bool is_key = (section->keys[0] != NULL && strcmp(field, section->keys[0]) == 0) ||
                      (section->keys[1] != NULL && strcmp(field, section->keys[1]) == 0);
        struct change change = *of;
        change.field = field;
        change.from = json_object_get(have, field);
        change.to = value;
        int rc = is_key || json_equal(change.from, value) ? 0 : add_change(plan, &change, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int compare_wanted(struct orl_plan *plan, const struct orl_site_section *section,
        json_t *wanted, json_t *have, struct orl_err *err)
{
    size_t i;
    json_t *want;
    int rc = 0;
    json_array_foreach(wanted, i, want)
    {
        char name[KEY_MAX];
        char key[KEY_MAX];
        if (!key_of(section, want, name)) {
            return fault_at(plan, section->name, i);
        }
        memcpy(key, name, sizeof(key));
        fold(key);
        json_t *now = json_object_get(have, key);
        struct change change = {.op = now != NULL ? "change" : "add",
                .section = section,
                .name = name,
                .field = "",
                .to = want,
                .place = (int)i};
        if (now != NULL && key_of(section, now, name)) { /* the name as it is stored */
            rc = compare(plan, &change, now, want, err);
        } else {
            rc = add_change(plan, &change, err);
        }
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

static int compare_missing(struct orl_plan *plan, const struct orl_site_section *section,
        json_t *list, json_t *wanted, struct orl_err *err)
{
    size_t i;
    json_t *now;
    json_array_foreach(list, i, now)
    {
        char name[KEY_MAX];
        char key[KEY_MAX];
        if (!key_of(section, now, name)) {
            return ORL_E_INVAL;
        }
        memcpy(key, name, sizeof(key));
        fold(key);
        const struct change change = {.op = "remove",
                .section = section,
                .name = name,
                .field = "",
                .from = now,
                .place = -1};
        int rc = json_object_get(wanted, key) != NULL ? 0 : add_change(plan, &change, err);
        if (rc < 0) {
            return rc;
        }
    }
    return 0;
}

/* "user/anna" of each that is removed. */
static json_t *list_removed(const json_t *changes)
{
    json_t *removed = json_object();
    size_t i;
    json_t *change;
    json_array_foreach(changes, i, change)
    {
        char id[KEY_MAX + 32];
        if (strcmp(json_string_value(json_object_get(change, "op")), "remove") == 0) {
            (void)snprintf(id, sizeof(id), "%s/%s",
                    json_string_value(json_object_get(change, "kind")),
                    json_string_value(json_object_get(change, "name")));
            (void)json_object_set_new(removed, id, json_true());
        }
    }
    return removed;
}

static bool goes_with(
        const json_t *removed, const struct orl_site_section *section, const json_t *row)
{
    bool goes = false;
    for (unsigned k = 0; k < 2; k++) {
        char id[KEY_MAX + 32];
        const char *key = section->keys[k];
        (void)snprintf(id, sizeof(id), "%s/%s", strcmp(key, "child") == 0 ? "group" : key,
                json_string_value(json_object_get(row, key)));
        goes = goes || (strcmp(key, "pool") != 0 && json_object_get(removed, id) != NULL);
    }
    return goes;
}

/* A list that the document lacks keeps its rows, but for those of people and groups that are removed. */
static int compare_absent(
        struct orl_plan *plan, const struct orl_site_section *section, struct orl_err *err)
{
    json_t *removed = list_removed(plan->changes);
    size_t i;
    json_t *now;
    int rc = 0;
    json_array_foreach(json_object_get(plan->current, section->name), i, now)
    {
        char name[KEY_MAX];
        const struct change change = {.op = "remove",
                .section = section,
                .name = name,
                .field = "",
                .from = now,
                .place = -1};
        if (rc == 0 && goes_with(removed, section, now)) {
            rc = key_of(section, now, name) ? add_change(plan, &change, err) : ORL_E_INVAL;
        }
    }
    json_decref(removed);
    return rc;
}

static int compare_section(struct orl_plan *plan, const struct orl_site_section *section,
        json_t *wanted, bool is_pruning, struct orl_err *err)
{
    json_t *list = json_object_get(plan->current, section->name);
    json_t *have = json_object();
    json_t *index = json_object();
    int rc = index_list(plan, section, list, have, err);
    rc = rc < 0 ? rc : index_list(plan, section, wanted, index, err);
    rc = rc < 0 ? rc : compare_wanted(plan, section, wanted, have, err);
    /* A template's files are made and taken away by hand. */
    if (rc == 0 && is_pruning && strcmp(section->kind, "template") != 0) {
        rc = compare_missing(plan, section, list, index, err);
    }
    json_decref(have);
    json_decref(index);
    return rc;
}

static const struct orl_site_section *find_section(const char *name)
{
    for (unsigned i = 0; i < ORL_SITE_DOC_SECTIONS; i++) {
        if (strcmp(orl_site_sections[i].name, name) == 0) {
            return &orl_site_sections[i];
        }
    }
    return NULL;
}

static int check_form(struct orl_plan *plan, struct orl_err *err)
{
    const char *name;
    json_t *value;
    json_object_foreach(plan->wanted, name, value)
    {
        const struct orl_site_section *section = find_section(name);
        if (section == NULL) {
            (void)snprintf(plan->fault_field, sizeof(plan->fault_field), "/%.100s", name);
            return orl_err_set(err, ORL_E_INVAL, "unknown section '%.64s'", name);
        }
        if (section->is_single ? !json_is_object(value) : !json_is_array(value)) {
            (void)snprintf(plan->fault_field, sizeof(plan->fault_field), "/%.100s", name);
            return orl_err_set(err, ORL_E_INVAL, "section '%s' must be %s", section->name,
                    section->is_single ? "an object" : "a list");
        }
    }
    return 0;
}

static const char *text_of(const json_t *change, const char *key)
{
    return json_string_value(json_object_get(change, key));
}

static int hash_changes(struct orl_plan *plan, struct orl_err *err)
{
    char *text = json_dumps(plan->changes, JSON_COMPACT | JSON_SORT_KEYS);
    if (text == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    orl_sha256(text, strlen(text), plan->hash);
    free(text);
    return 0;
}

int orl_plan_make(struct orl_broker *broker, json_t *wanted, bool is_pruning,
        struct orl_plan *ret_plan, struct orl_err *err)
{
    *ret_plan = (struct orl_plan){
            .broker = broker, .wanted = wanted, .changes = json_array(), .places = json_array()};
    int rc = check_form(ret_plan, err);
    rc = rc < 0 ? rc : orl_site_doc(broker, &ret_plan->current, err);
    for (unsigned i = 0; rc == 0 && i < ORL_SITE_DOC_SECTIONS; i++) {
        const struct orl_site_section *section = &orl_site_sections[i];
        json_t *part = json_object_get(wanted, section->name);
        if (part != NULL && section->is_single) {
            const struct change change = {.op = "change", .section = section, .name = ""};
            rc = compare(ret_plan, &change, json_object_get(ret_plan->current, section->name), part,
                    err);
        } else if (part != NULL) {
            rc = compare_section(ret_plan, section, part, is_pruning, err);
        } else if (is_pruning && section->keys[1] != NULL) {
            rc = compare_absent(ret_plan, section, err);
        }
    }
    return rc < 0 ? rc : hash_changes(ret_plan, err);
}

int orl_plan_put_affects(struct orl_plan *plan, struct orl_err *err)
{
    size_t i;
    json_t *change;
    json_array_foreach(plan->changes, i, change)
    {
        json_t *affects = NULL;
        int rc = orl_plan_affects(plan->broker, text_of(change, "op"), text_of(change, "kind"),
                text_of(change, "name"), text_of(change, "field"), &affects, err);
        if (rc < 0) {
            return rc;
        }
        if (json_object_set_new(change, "affects", affects) < 0) {
            return orl_err_set(err, ORL_E_NOMEM, "out of memory");
        }
    }
    return 0;
}

void orl_plan_fini(struct orl_plan *plan)
{
    json_decref(plan->current);
    json_decref(plan->changes);
    json_decref(plan->places);
    plan->places = NULL;
    plan->current = NULL;
    plan->changes = NULL;
}
