#include "broker/api_fields.h"

#include <stdio.h>
#include <string.h>

#define NUMBER_MAX ((json_int_t)1 << 53)

json_t *orl_api_parse(const char *text, size_t len, struct orl_err *err)
{
    json_error_t why;
    json_t *root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    if (root == NULL) {
        (void)orl_err_set(
                err, ORL_E_INVAL, "the body is not JSON: %s (line %d)", why.text, why.line);
        return NULL;
    }
    if (!json_is_object(root)) {
        json_decref(root);
        (void)orl_err_set(err, ORL_E_INVAL, "the body must be an object");
        return NULL;
    }
    return root;
}

static const struct orl_api_field *find(
        const struct orl_api_field *fields, const char *name, unsigned *ret_index)
{
    for (unsigned i = 0; fields[i].name != NULL; i++) {
        if (strcmp(fields[i].name, name) == 0) {
            *ret_index = i;
            return &fields[i];
        }
    }
    return NULL;
}

static int read_str(
        const struct orl_api_field *field, const json_t *value, char *ret, struct orl_err *err)
{
    if (!json_is_string(value)) {
        return orl_err_set(err, ORL_E_INVAL, "field '%s' must be a string", field->name);
    }
    size_t len = json_string_length(value);
    if (len >= field->size) {
        return orl_err_set(err, ORL_E_INVAL, "field '%s' is longer than %zu bytes", field->name,
                field->size - 1);
    }
    const char *text = json_string_value(value);
    const char *spaces = field->type == ORL_API_LINES ? "\n\r\t" : "";
    for (size_t i = 0; i < len; i++) {
        bool is_control = (unsigned char)text[i] < 0x20 || text[i] == 0x7f;
        if (is_control && (text[i] == '\0' || strchr(spaces, text[i]) == NULL)) {
            return orl_err_set(err, ORL_E_INVAL, "field '%s' has a control character", field->name);
        }
    }
    memset(ret, 0, field->size);
    memcpy(ret, text, len);
    return 0;
}

static int read_choice(
        const struct orl_api_field *field, const json_t *value, char *ret, struct orl_err *err)
{
    char list[128] = "";
    size_t len = 0;
    for (uint32_t i = 0; field->choices[i] != NULL; i++) {
        if (json_is_string(value) && strcmp(json_string_value(value), field->choices[i]) == 0) {
            memcpy(ret, &i, sizeof(i));
            return 0;
        }
        int n = snprintf(
                list + len, sizeof(list) - len, "%s\"%s\"", i > 0 ? ", " : "", field->choices[i]);
        len = n > 0 && (size_t)n < sizeof(list) - len ? len + (size_t)n : len;
    }
    return orl_err_set(err, ORL_E_INVAL, "field '%s' must be one of %s", field->name, list);
}

static int read_field(
        const struct orl_api_field *field, const json_t *value, void *base, struct orl_err *err)
{
    char *at = (char *)base + field->offset;
    if (field->type == ORL_API_STR || field->type == ORL_API_LINES) {
        return read_str(field, value, at, err);
    }
    if (field->type == ORL_API_CHOICE) {
        return read_choice(field, value, at, err);
    }
    if (field->type == ORL_API_BOOL || field->type == ORL_API_FLAG) {
        if (!json_is_boolean(value)) {
            return orl_err_set(err, ORL_E_INVAL, "field '%s' must be true or false", field->name);
        }
        bool flag = json_is_true(value);
        uint32_t wide = flag;
        memcpy(at, field->type == ORL_API_FLAG ? (void *)&wide : (void *)&flag,
                field->type == ORL_API_FLAG ? sizeof(wide) : sizeof(flag));
        return 0;
    }
    json_int_t number = json_is_integer(value) ? json_integer_value(value) : -1;
    if (field->type == ORL_API_U64) {
        uint64_t wide = (uint64_t)number;
        if (number < (json_int_t)field->size || number > NUMBER_MAX) {
            return orl_err_set(err, ORL_E_INVAL, "field '%s' must be a number from %zu to 2^53",
                    field->name, field->size);
        }
        memcpy(at, &wide, sizeof(wide));
        return 0;
    }
    if (number < (json_int_t)field->size || number > (json_int_t)field->max) {
        return orl_err_set(err, ORL_E_INVAL, "field '%s' must be a number from %zu to %u",
                field->name, field->size, field->max);
    }
    uint32_t narrow = (uint32_t)number;
    memcpy(at, &narrow, sizeof(narrow));
    return 0;
}

int orl_api_fields_read(const json_t *object, const struct orl_api_field *fields, void *ret,
        uint64_t *ret_seen, struct orl_err *err)
{
    uint64_t seen = 0;
    void *iter = json_object_iter((json_t *)(uintptr_t)object);
    for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)object, iter)) {
        unsigned index = 0;
        const char *name = json_object_iter_key(iter);
        const struct orl_api_field *field = find(fields, name, &index);
        if (field == NULL) {
            return orl_err_set(err, ORL_E_INVAL, "unknown field '%.64s'", name);
        }
        int rc = read_field(field, json_object_iter_value(iter), ret, err);
        if (rc < 0) {
            return rc;
        }
        seen |= UINT64_C(1) << index;
    }
    for (unsigned i = 0; fields[i].name != NULL; i++) {
        if (fields[i].is_required && (seen & UINT64_C(1) << i) == 0) {
            return orl_err_set(err, ORL_E_INVAL, "field '%s' is missing", fields[i].name);
        }
    }
    *ret_seen = seen;
    return 0;
}
