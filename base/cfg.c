#include "base/cfg.h"

#include "base/cleanup.h"

#include <cyaml/cyaml.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CFG_MAX_KEYS = 64, CFG_LIST_MAX = 64 };

static size_t key_count(const struct orl_cfg_key *keys)
{
    size_t count = 0;
    while (keys[count].name != NULL) {
        count++;
    }
    orl_assert(count <= CFG_MAX_KEYS);
    return count;
}

/* The program's struct owns the copy, which the analyzer loses behind an offset. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wanalyzer-malloc-leak"
static int set_text(
        const struct orl_cfg_key *key, char **at, const char *value, struct orl_err *err)
{
    if ((int64_t)strlen(value) > key->max) {
        return orl_err_set(
                err, ORL_E_CONFIG, "%s: longer than %lld bytes", key->name, (long long)key->max);
    }
    char *copy = strdup(value);
    if (copy == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "%s: out of memory", key->name);
    }
    free(*at);
    *at = copy;
    return 0;
}
#pragma GCC diagnostic pop

static int set_int(
        const struct orl_cfg_key *key, int64_t *at, const char *value, struct orl_err *err)
{
    char *end = NULL;
    errno = 0;
    long long number = strtoll(value, &end, 10);
    if (errno != 0 || end == value || *end != '\0') {
        return orl_err_set(err, ORL_E_CONFIG, "%s: '%.60s' is not a number", key->name, value);
    }
    if (number < key->min || number > key->max) {
        return orl_err_set(err, ORL_E_CONFIG, "%s: %lld is not in %lld .. %lld%s%s", key->name,
                number, (long long)key->min, (long long)key->max, key->unit != NULL ? " " : "",
                key->unit != NULL ? key->unit : "");
    }
    *at = number;
    return 0;
}

static int set_bool(const struct orl_cfg_key *key, bool *at, const char *value, struct orl_err *err)
{
    bool is_true = strcmp(value, "true") == 0 || strcmp(value, "yes") == 0;
    if (!is_true && strcmp(value, "false") != 0 && strcmp(value, "no") != 0) {
        return orl_err_set(
                err, ORL_E_CONFIG, "%s: '%.60s' is neither true nor false", key->name, value);
    }
    *at = is_true;
    return 0;
}

static int set_enum(const struct orl_cfg_key *key, int *at, const char *value, struct orl_err *err)
{
    char known[120] = "";
    for (int i = 0; key->choices[i] != NULL; i++) {
        if (strcmp(key->choices[i], value) == 0) {
            *at = i;
            return 0;
        }
        size_t used = strlen(known);
        (void)snprintf(
                known + used, sizeof(known) - used, "%s%s", i > 0 ? ", " : "", key->choices[i]);
    }
    return orl_err_set(err, ORL_E_CONFIG, "%s: '%.60s' is none of: %s", key->name, value, known);
}

static void free_list(char **list)
{
    for (size_t i = 0; list != NULL && list[i] != NULL; i++) {
        free(list[i]);
    }
    free(list);
}

static int set_list(const struct orl_cfg_key *key, char ***at, const char *const *items,
        size_t count, struct orl_err *err)
{
    orl_assert(items != NULL || count == 0);
    if (count > CFG_LIST_MAX) {
        return orl_err_set(err, ORL_E_CONFIG, "%s: more than %d items", key->name, CFG_LIST_MAX);
    }
    char **list = calloc(count + 1, sizeof(*list));
    if (list == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "%s: out of memory", key->name);
    }
    int code = 0;
    for (size_t i = 0; i < count && code == 0; i++) {
        code = set_text(key, &list[i], items[i], err);
    }
    if (code < 0) {
        free_list(list);
        return code;
    }
    free_list(*at);
    *at = list;
    return 0;
}

/* "a, b" -> "a", "b"; an empty text is an empty list. */
static int set_list_text(
        const struct orl_cfg_key *key, char ***at, const char *value, struct orl_err *err)
{
    ORL_AUTO(orl_free_auto) char *copy = strdup(value);
    if (copy == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "%s: out of memory", key->name);
    }
    const char *items[CFG_LIST_MAX + 1];
    size_t count = 0;
    char *rest = copy;
    for (char *item; (item = strsep(&rest, ",")) != NULL && count <= CFG_LIST_MAX;) {
        item += strspn(item, " ");
        size_t len = strcspn(item, " ");
        item[len] = '\0';
        if (len > 0) {
            items[count++] = item;
        }
    }
    return set_list(key, at, items, count, err);
}

static int set_value(
        const struct orl_cfg_key *key, void *cfg, const char *value, struct orl_err *err)
{
    void *at = (char *)cfg + key->offset;
    switch (key->type) {
    case ORL_CFG_STR:
        return set_text(key, at, value, err);
    case ORL_CFG_INT:
        return set_int(key, at, value, err);
    case ORL_CFG_BOOL:
        return set_bool(key, at, value, err);
    case ORL_CFG_ENUM:
        return set_enum(key, at, value, err);
    case ORL_CFG_LIST:
        return set_list_text(key, at, value, err);
    default:
        return orl_err_set(err, ORL_E_INVAL, "%s: bad table", key->name);
    }
}

int orl_cfg_set(const struct orl_cfg_key *keys, void *cfg, const char *name, const char *value,
        struct orl_err *err)
{
    for (; keys->name != NULL; keys++) {
        if (strcmp(keys->name, name) == 0) {
            return set_value(keys, cfg, value, err);
        }
    }
    return orl_err_set(err, ORL_E_CONFIG, "%s: there is no such key (see --dump-config)", name);
}

/* What libcyaml fills: every scalar as text, so that an absent key is NULL and the types, ranges and
 * messages are those of the table. */
struct raw_value {
    char *text;
    char **items;
    unsigned item_count;
};

struct yaml_log {
    char text[200];
};

/* libcyaml reports an error as several lines; the first says what, the later ones where. */
__attribute__((format(printf, 3, 0))) static void on_yaml_log(
        cyaml_log_t level, void *ctx, const char *fmt, va_list args)
{
    struct yaml_log *log = ctx;
    (void)level;
    char line[160];
    int len = vsnprintf(line, sizeof(line), fmt, args);
    if (len <= 0) {
        return;
    }
    line[strcspn(line, "\n")] = '\0';
    const char *from = line;
    from = strncmp(from, "Load: ", 6) == 0 ? from + 6 : from;
    from += strspn(from, " ");
    if (strncmp(from, "Backtrace", 9) == 0) {
        return;
    }
    size_t used = strlen(log->text);
    (void)snprintf(log->text + used, sizeof(log->text) - used, "%s%s", used > 0 ? "; " : "", from);
}

static const cyaml_schema_value_t item_schema = {
        .type = CYAML_STRING,
        .flags = CYAML_FLAG_POINTER,
        .data_size = sizeof(char),
        .string = {.min = 0, .max = 4096},
};

static cyaml_schema_field_t field_schema(const struct orl_cfg_key *key, size_t index)
{
    size_t base = index * sizeof(struct raw_value);
    cyaml_schema_field_t field = {.key = key->name};
    if (key->type == ORL_CFG_LIST) {
        field.data_offset = (uint32_t)(base + offsetof(struct raw_value, items));
        field.count_offset = (uint32_t)(base + offsetof(struct raw_value, item_count));
        field.count_size = sizeof(unsigned);
        field.value = (cyaml_schema_value_t){
                .type = CYAML_SEQUENCE,
                .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
                .data_size = sizeof(char *),
                .sequence = {.entry = &item_schema, .min = 0, .max = CFG_LIST_MAX},
        };
    } else {
        field.data_offset = (uint32_t)(base + offsetof(struct raw_value, text));
        field.value = item_schema;
        field.value.flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL;
    }
    return field;
}

static int take_raw(const char *path, const struct orl_cfg_key *keys, const struct raw_value *raw,
        const unsigned *first_line, void *cfg, struct orl_err *err)
{
    int code = 0;
    for (size_t i = 0; keys[i].name != NULL && code == 0; i++) {
        if (raw[i].text != NULL) {
            code = set_value(&keys[i], cfg, raw[i].text, err);
        } else if (raw[i].items != NULL || (keys[i].type == ORL_CFG_LIST && first_line[i] != 0)) {
            code = set_list(&keys[i], (void *)((char *)cfg + keys[i].offset),
                    (const char *const *)raw[i].items, raw[i].item_count, err);
        }
    }
    if (code < 0) {
        (void)orl_err_prefix(err, "%s", path);
    }
    return code;
}

static int load_file(const char *path, const struct orl_cfg_key *keys, const unsigned *first_line,
        void *cfg, struct orl_err *err)
{
    size_t count = key_count(keys);
    cyaml_schema_field_t fields[CFG_MAX_KEYS + 1] = {{0}};
    for (size_t i = 0; i < count; i++) {
        fields[i] = field_schema(&keys[i], i);
    }
    const cyaml_schema_value_t top = {
            .type = CYAML_MAPPING,
            .flags = CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL,
            .data_size = (uint32_t)(count * sizeof(struct raw_value)),
            .mapping = {.fields = fields},
    };
    struct yaml_log log = {.text = ""};
    cyaml_config_t config = {
            .log_fn = on_yaml_log,
            .log_ctx = &log,
            .log_level = CYAML_LOG_ERROR,
            .mem_fn = cyaml_mem,
            .flags = CYAML_CFG_DEFAULT,
    };
    struct raw_value *raw = NULL;
    cyaml_err_t failed = cyaml_load_file(path, &config, &top, (cyaml_data_t **)&raw, NULL);
    if (failed != CYAML_OK) {
        return orl_err_set(err, ORL_E_CONFIG, "%s: %s", path,
                log.text[0] != '\0' ? log.text : cyaml_strerror(failed));
    }
    int code = raw != NULL ? take_raw(path, keys, raw, first_line, cfg, err) : 0;
    (void)cyaml_free(&config, &top, raw, 0);
    return code;
}

/* Which line sets which key. libcyaml lets the last of two equal keys win (an admin who wrote both
 * should hear of it) and does not tell an empty list from an absent one. */
static int find_lines(
        const char *path, const struct orl_cfg_key *keys, unsigned *first_line, struct orl_err *err)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return orl_err_sys(err, errno, "%s", path);
    }
    ORL_AUTO(orl_free_auto) char *line = NULL;
    size_t size = 0;
    int code = 0;
    for (unsigned number = 1; code == 0 && getline(&line, &size, file) >= 0; number++) {
        for (size_t i = 0; keys[i].name != NULL && code == 0; i++) {
            size_t len = strlen(keys[i].name);
            if (strncmp(line, keys[i].name, len) != 0 ||
                    line[len + strspn(line + len, " ")] != ':') {
                continue;
            }
            if (first_line[i] != 0) {
                code = orl_err_set(err, ORL_E_CONFIG,
                        "%s:%u: %s is set a second time (first in line %u)", path, number,
                        keys[i].name, first_line[i]);
            }
            first_line[i] = number;
        }
    }
    (void)fclose(file);
    return code;
}

/* Only comments and blank lines: all defaults. */
static bool is_blank_file(const char *path)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    ORL_AUTO(orl_free_auto) char *line = NULL;
    size_t size = 0;
    bool is_blank = true;
    while (is_blank && getline(&line, &size, file) >= 0) {
        const char *at = line + strspn(line, " \t\r\n");
        is_blank = *at == '\0' || *at == '#' || strncmp(at, "---", 3) == 0;
    }
    (void)fclose(file);
    return is_blank;
}

int orl_cfg_load(const char *path, bool is_optional, const struct orl_cfg_key *keys, void *ret_cfg,
        struct orl_err *err)
{
    int code = 0;
    for (size_t i = 0; keys[i].name != NULL && code == 0; i++) {
        code = set_value(&keys[i], ret_cfg, keys[i].fallback, err);
    }
    if (code == 0 && path != NULL && access(path, R_OK) < 0) {
        if (errno == ENOENT && is_optional) {
            return 0;
        }
        code = orl_err_sys(err, errno, "%s", path);
    }
    if (code == 0 && path != NULL && !is_blank_file(path)) {
        unsigned first_line[CFG_MAX_KEYS] = {0};
        code = find_lines(path, keys, first_line, err);
        if (code == 0) {
            code = load_file(path, keys, first_line, ret_cfg, err);
        }
    }
    if (code < 0) {
        orl_cfg_fini(keys, ret_cfg);
    }
    return code;
}

void orl_cfg_fini(const struct orl_cfg_key *keys, void *cfg)
{
    for (; keys->name != NULL; keys++) {
        void *at = (char *)cfg + keys->offset;
        if (keys->type == ORL_CFG_STR) {
            free(*(char **)at);
            *(char **)at = NULL;
        } else if (keys->type == ORL_CFG_LIST) {
            free_list(*(char ***)at);
            *(char ***)at = NULL;
        }
    }
}

static void dump_quoted(const char *text, FILE *out)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (*text == '"' || *text == '\\') {
            (void)fputc('\\', out);
        }
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void dump_value(const struct orl_cfg_key *key, const void *at, FILE *out)
{
    switch (key->type) {
    case ORL_CFG_STR:
        dump_quoted(*(char *const *)at, out);
        break;
    case ORL_CFG_INT:
        (void)fprintf(out, "%lld", (long long)*(const int64_t *)at);
        break;
    case ORL_CFG_BOOL:
        (void)fputs(*(const bool *)at ? "true" : "false", out);
        break;
    case ORL_CFG_ENUM:
        (void)fputs(key->choices[*(const int *)at], out);
        break;
    case ORL_CFG_LIST:
        (void)fputc('[', out);
        for (char *const *item = *(char *const *const *)at; *item != NULL; item++) {
            dump_quoted(*item, out);
            (void)fputs(item[1] != NULL ? ", " : "", out);
        }
        (void)fputc(']', out);
        break;
    default:
        break;
    }
}

static void dump_help(const struct orl_cfg_key *key, FILE *out)
{
    (void)fprintf(out, "# %s", key->help);
    if (key->type == ORL_CFG_INT) {
        (void)fprintf(out, " %lld .. %lld%s%s.", (long long)key->min, (long long)key->max,
                key->unit != NULL ? " " : "", key->unit != NULL ? key->unit : "");
    } else if (key->type == ORL_CFG_ENUM) {
        (void)fputs(" One of:", out);
        for (int i = 0; key->choices[i] != NULL; i++) {
            (void)fprintf(out, " %s", key->choices[i]);
        }
        (void)fputc('.', out);
    }
    (void)fputc('\n', out);
}

void orl_cfg_dump(const struct orl_cfg_key *keys, const void *cfg, FILE *out)
{
    for (; keys->name != NULL; keys++) {
        dump_help(keys, out);
        (void)fprintf(out, "%s: ", keys->name);
        dump_value(keys, (const char *)cfg + keys->offset, out);
        (void)fputs("\n\n", out);
    }
}
