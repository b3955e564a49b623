#include "cli/output.h"

#include "base/cleanup.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_COLUMNS 16
#define CELL_MAX 1100
#define REAL_DIGITS 4

/* C0, DEL, C1, and bytes that start no character. */
static bool is_control(const char *c)
{
    unsigned char a = (unsigned char)c[0];
    return a < 0x20 || a == 0x7f || (a >= 0x80 && a < 0xc0) ||
           (a == 0xc2 && (unsigned char)c[1] < 0xa0);
}

static size_t char_len(const char *c)
{
    size_t len = 1;
    while (((unsigned char)c[len] & 0xc0U) == 0x80U) {
        len++;
    }
    return len;
}

static void put_clean(const char *text, char *ret, size_t size)
{
    size_t used = 0;
    while (*text != '\0') {
        size_t len = char_len(text);
        bool is_bad = is_control(text);
        if (used + (is_bad ? 1 : len) >= size) {
            break;
        }
        memcpy(ret + used, is_bad ? "?" : text, is_bad ? 1 : len);
        used += is_bad ? 1 : len;
        text += len;
    }
    ret[used] = '\0';
}

void orl_cli_print_text(const char *text, FILE *out)
{
    char clean[CELL_MAX];
    put_clean(text != NULL ? text : "", clean, sizeof(clean));
    (void)fputs(clean, out);
}

static void put_time(json_int_t ms, char *ret, size_t size)
{
    time_t seconds = (time_t)(ms / 1000);
    struct tm tm;
    if (ms == 0 || gmtime_r(&seconds, &tm) == NULL ||
            strftime(ret, size, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0) {
        ret[0] = '\0';
    }
}

static void put_value(const json_t *value, enum orl_cli_format format, char *ret, size_t size)
{
    ret[0] = '\0';
    if (json_is_string(value)) {
        put_clean(json_string_value(value), ret, size);
    } else if (json_is_integer(value) && format == ORL_CLI_FMT_TIME) {
        put_time(json_integer_value(value), ret, size);
    } else if (json_is_integer(value)) {
        (void)snprintf(ret, size, "%lld", (long long)json_integer_value(value));
    } else if (json_is_boolean(value)) {
        (void)snprintf(ret, size, "%s", json_is_true(value) ? "yes" : "no");
    } else if (value != NULL && !json_is_null(value)) {
        ORL_AUTO(orl_free_auto)
        char *text = json_dumps(
                value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));
        put_clean(text != NULL ? text : "", ret, size);
    }
}

/* "desktops.ready": a member of a member. */
static const json_t *member(const json_t *object, const char *key)
{
    const char *dot = strchr(key, '.');
    if (dot == NULL) {
        return json_object_get(object, key);
    }
    char first[64];
    size_t len = (size_t)(dot - key);
    if (len >= sizeof(first)) {
        return NULL;
    }
    memcpy(first, key, len);
    first[len] = '\0';
    return json_object_get(json_object_get(object, first), dot + 1);
}

/* Characters, not bytes: what a terminal gives a column each, but for wide ones. */
static size_t width_of(const char *text)
{
    size_t width = 0;
    for (; *text != '\0'; text++) {
        width += ((unsigned char)*text & 0xc0U) != 0x80U;
    }
    return width;
}

static void put_cell(FILE *out, const char *text, size_t width, bool is_last)
{
    (void)fputs(text, out);
    for (size_t w = width_of(text); !is_last && w < width + 2; w++) {
        (void)fputc(' ', out);
    }
}

static const json_t *find_array(const json_t *answer)
{
    if (json_is_array(answer)) {
        return answer;
    }
    void *iter = json_object_iter((json_t *)(uintptr_t)answer);
    for (; iter != NULL; iter = json_object_iter_next((json_t *)(uintptr_t)answer, iter)) {
        if (json_is_array(json_object_iter_value(iter))) {
            return json_object_iter_value(iter);
        }
    }
    return NULL;
}

static void print_row(
        const struct orl_cli_column *columns, const size_t *widths, const json_t *row, FILE *out)
{
    char cell[CELL_MAX];
    for (unsigned i = 0; columns[i].key != NULL; i++) {
        put_value(member(row, columns[i].key), columns[i].format, cell, sizeof(cell));
        put_cell(out, cell[0] != '\0' ? cell : "-", widths[i], columns[i + 1].key == NULL);
    }
    (void)fputc('\n', out);
}

static void print_table(const struct orl_cli_column *columns, const json_t *rows, FILE *out)
{
    size_t widths[MAX_COLUMNS] = {0};
    char cell[CELL_MAX];
    size_t index = 0;
    const json_t *row = NULL;
    unsigned count = 0;
    while (count < MAX_COLUMNS && columns[count].key != NULL) {
        widths[count] = width_of(columns[count].title);
        count++;
    }
    orl_assert(columns[count].key == NULL);
    json_array_foreach(rows, index, row)
    {
        for (unsigned i = 0; i < count; i++) {
            put_value(member(row, columns[i].key), columns[i].format, cell, sizeof(cell));
            size_t width = width_of(cell);
            widths[i] = width > widths[i] ? width : widths[i];
        }
    }
    for (unsigned i = 0; i < count; i++) {
        put_cell(out, columns[i].title, widths[i], i + 1 == count);
    }
    (void)fputc('\n', out);
    json_array_foreach(rows, index, row)
    {
        print_row(columns, widths, row, out);
    }
}

static bool is_time(const char *key)
{
    size_t len = strlen(key);
    return len > 3 && strcmp(key + len - 3, "_ms") == 0;
}

/* A member, or a member of a member: "connections.live". */
struct line {
    char key[96];
    const json_t *value;
};

static size_t add_lines(struct line *lines, size_t count, const char *prefix, const json_t *object)
{
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        (void)snprintf(lines[count].key, sizeof(lines[count].key), "%s%s%s", prefix,
                prefix[0] != '\0' ? "." : "", key);
        lines[count++].value = value;
    }
    return count;
}

static size_t count_lines(const json_t *object)
{
    size_t count = 0;
    const char *key = NULL;
    json_t *value = NULL;
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        count += json_is_object(value) ? json_object_size(value) : 1;
    }
    return count;
}

/* A list of findings, one a line: its members one after the other. */
static void print_items(const json_t *array, size_t width, FILE *out)
{
    size_t i = 0;
    const json_t *item = NULL;
    json_array_foreach((json_t *)(uintptr_t)array, i, item)
    {
        char cell[CELL_MAX];
        const char *key = NULL;
        const char *gap = "";
        json_t *value = NULL;
        put_cell(out, "", width, false);
        json_object_foreach((json_t *)(uintptr_t)item, key, value)
        {
            put_value(value, ORL_CLI_FMT_TEXT, cell, sizeof(cell));
            if (cell[0] != '\0') {
                (void)fprintf(out, "%s%s", gap, cell);
                gap = ": ";
            }
        }
        (void)fputc('\n', out);
    }
}

static bool is_items(const json_t *value)
{
    return json_is_array(value) && json_is_object(json_array_get(value, 0));
}

static void print_line(const struct line *line, size_t width, FILE *out)
{
    char cell[CELL_MAX] = "";
    if (!is_items(line->value)) {
        put_value(line->value, is_time(line->key) ? ORL_CLI_FMT_TIME : ORL_CLI_FMT_TEXT, cell,
                sizeof(cell));
    }
    put_cell(out, line->key, width, false);
    if (is_items(line->value)) {
        (void)fputc('\n', out);
        print_items(line->value, width, out);
    } else {
        (void)fprintf(out, "%s\n", cell[0] != '\0' ? cell : "-");
    }
}

static void print_object(const json_t *object, FILE *out)
{
    ORL_AUTO(orl_free_auto) struct line *lines = calloc(count_lines(object) + 1, sizeof(*lines));
    size_t count = 0;
    size_t width = 0;
    const char *key = NULL;
    json_t *value = NULL;
    if (lines == NULL) {
        abort();
    }
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (json_is_object(value)) {
            count = add_lines(lines, count, key, value);
        } else {
            (void)snprintf(lines[count].key, sizeof(lines[count].key), "%s", key);
            lines[count++].value = value;
        }
    }
    for (size_t i = 0; i < count; i++) {
        width = strlen(lines[i].key) > width ? strlen(lines[i].key) : width;
    }
    for (size_t i = 0; i < count; i++) {
        print_line(&lines[i], width, out);
    }
}

static void print_names(const json_t *names, FILE *out)
{
    size_t i;
    json_t *name;
    json_array_foreach((json_t *)(uintptr_t)names, i, name)
    {
        (void)fputs(i > 0 ? ", " : "", out);
        orl_cli_print_text(json_string_value(name), out);
    }
}

/* {0}, {1}: arguments; {key}: a field of the answer. */
static void print_sentence(
        const struct orl_cli_call *call, const char *text, const json_t *answer, FILE *out)
{
    for (const char *c = text; *c != '\0'; c++) {
        char key[32] = "";
        char cell[CELL_MAX];
        size_t len = *c == '{' ? strcspn(c + 1, "}") : 0;
        if (len == 0 || len >= sizeof(key)) {
            (void)fputc(*c, out);
            continue;
        }
        memcpy(key, c + 1, len);
        c += len + 1;
        if (key[0] >= '0' && key[0] < '0' + ORL_CLI_MAX_ARGS) {
            put_clean(call->args[key[0] - '0'], cell, sizeof(cell));
        } else {
            const json_t *value = member(answer, key);
            if (json_is_array(value)) {
                print_names(value, out);
                continue;
            }
            put_value(value, ORL_CLI_FMT_TEXT, cell, sizeof(cell));
        }
        (void)fputs(cell, out);
    }
    (void)fputc('\n', out);
}

static void print_done(const struct orl_cli_call *call, const json_t *answer, FILE *out)
{
    const struct orl_cli_cmd *cmd = call->cmd;
    print_sentence(call, cmd->done, answer, out);
    if (cmd->also != NULL && json_array_size(json_object_get(answer, cmd->also_key)) > 0) {
        print_sentence(call, cmd->also, answer, out);
    }
}

void orl_cli_print(const struct orl_cli_call *call, const json_t *answer, FILE *out)
{
    const json_t *rows = find_array(answer);
    if (call->cmd->output == ORL_CLI_OUT_LIST) {
        print_table(call->cmd->columns, rows, out);
    } else if (call->cmd->output == ORL_CLI_OUT_OBJECT) {
        print_object(answer, out);
    } else {
        print_done(call, answer, out);
    }
    if (call->password[0] != '\0') {
        (void)fprintf(out, "password: %s\n", call->password);
    }
}

void orl_cli_print_refusal(const json_t *answer, long status, FILE *out)
{
    char text[CELL_MAX];
    char code[80];
    char audit[80];
    put_value(json_object_get(answer, "detail"), ORL_CLI_FMT_TEXT, text, sizeof(text));
    put_value(json_object_get(answer, "code"), ORL_CLI_FMT_TEXT, code, sizeof(code));
    put_value(json_object_get(answer, "audit"), ORL_CLI_FMT_TEXT, audit, sizeof(audit));
    (void)fprintf(out, "oriel: refused: %s", text[0] != '\0' ? text : "no reason given");
    if (code[0] != '\0') {
        (void)fprintf(out, " (%s%s%s)", code, audit[0] != '\0' ? ", audit " : "", audit);
    } else {
        (void)fprintf(out, " (HTTP %ld)", status);
    }
    (void)fputc('\n', out);
    const json_t *current = json_object_get(answer, "current");
    if (json_is_object(current)) {
        (void)fputs("It is now:\n", out);
        print_object(current, out);
    }
}
