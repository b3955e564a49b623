#include "cli/site_file.h"

#include "cli/http.h"
#include "cli/output.h"
#include "cli/yaml.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A file as it was read. */
struct site_file {
    const char *name;
    json_t *objects;
    json_t *lines;
};

static int fail(const struct orl_err *err)
{
    (void)fprintf(stderr, "oriel: %s\n", err->text);
    return ORL_CLI_EXIT_REFUSED;
}

/* Takes body. *ret_answer NULL: nobody answers, and that was said. */
static long request(const struct orl_cli_call *call, enum orl_cli_method method, const char *path,
        json_t *body, json_t **ret_answer)
{
    struct orl_err err = {0};
    struct orl_cli_answer answer = {0};
    struct orl_cli_cmd cmd = *call->cmd;
    struct orl_cli_call own = *call;
    own.cmd = &cmd;
    own.body = body;
    cmd.method = method;
    orl_msg_text(own.path, sizeof(own.path), path);
    int rc = orl_cli_request(&own, &answer, &err);
    *ret_answer =
            rc < 0 ? NULL : json_loadb((const char *)answer.body.data, answer.body.len, 0, NULL);
    if (rc == 0 && *ret_answer == NULL) {
        (void)orl_err_set(&err, ORL_E_PROTO, "%.120s does not answer like a broker", call->socket);
    }
    if (*ret_answer == NULL) {
        (void)fail(&err);
    }
    orl_buf_fini(&answer.body);
    json_decref(body);
    return answer.status;
}

static int export_all(const struct orl_cli_call *call)
{
    struct orl_err err = {0};
    json_t *answer = NULL;
    long status = request(call, ORL_CLI_GET, "/v1/export", NULL, &answer);
    int code = ORL_CLI_EXIT_REFUSED;
    if (answer != NULL && status != 200) {
        orl_cli_print_refusal(answer, status, stderr);
    } else if (answer != NULL && call->is_json) {
        code = json_dumpf(answer, stdout, JSON_INDENT(2)) == 0 ? ORL_CLI_EXIT_OK : code;
        (void)fputc('\n', stdout);
    } else if (answer != NULL) {
        code = orl_cli_yaml_write(answer, stdout, &err) == 0 ? ORL_CLI_EXIT_OK : fail(&err);
    }
    json_decref(answer);
    return code;
}

static int read_text(const char *name, struct orl_buf *text, struct orl_err *err)
{
    char piece[8192];
    const bool is_stdin = strcmp(name, "-") == 0;
    FILE *file = is_stdin ? stdin : fopen(name, "re");
    if (file == NULL) {
        return orl_err_sys(err, errno, "%s", name);
    }
    size_t got = 0;
    while ((got = fread(piece, 1, sizeof(piece), file)) > 0) {
        orl_buf_put(text, piece, got);
    }
    bool is_broken = ferror(file) != 0;
    if (!is_stdin) {
        (void)fclose(file);
    }
    if (is_broken || text->is_failed) {
        return orl_err_set(err, ORL_E_LIMIT, "%.150s: can't be read, or is over 4 MiB", name);
    }
    return 0;
}

static int open_file(const char *name, struct site_file *ret_file, struct orl_err *err)
{
    struct orl_buf text;
    orl_buf_init(&text, ORL_CLI_YAML_MAX_BYTES);
    ret_file->name = name;
    int rc = read_text(name, &text, err);
    if (rc == 0) {
        rc = orl_cli_yaml_read(
                (const char *)text.data, text.len, &ret_file->objects, &ret_file->lines, err);
        if (rc < 0) {
            const struct orl_err why = *err; /* which begins with the line */
            rc = orl_err_set(err, why.code, "%s:%s", name, why.text);
        }
    }
    orl_buf_fini(&text);
    return rc;
}

/* "site.yaml:12: TEXT" for each fault of the file, else the refusal. */
static void print_faults(const struct site_file *file, const json_t *answer, long status)
{
    const json_t *errors = json_object_get(answer, "errors");
    size_t i;
    json_t *error;
    bool has_place = false;
    json_array_foreach(errors, i, error)
    {
        const char *place = json_string_value(json_object_get(error, "field"));
        unsigned line = place != NULL ? orl_cli_yaml_line(file->lines, place) : 0;
        if (line > 0) {
            (void)fprintf(stderr, "%s:%u: ", file->name, line);
            orl_cli_print_text(json_string_value(json_object_get(error, "text")), stderr);
            (void)fputc('\n', stderr);
            has_place = true;
        }
    }
    if (!has_place) {
        orl_cli_print_refusal(answer, status, stderr);
    }
    (void)fprintf(stderr, "oriel: nothing was changed\n");
}

static void print_value(const json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY);
    orl_cli_print_text(text, stdout);
    free(text);
}

static void print_affects(const json_t *affects)
{
    size_t i;
    size_t k;
    json_t *affect;
    json_t *name;
    json_array_foreach(affects, i, affect)
    {
        const json_t *names = json_object_get(affect, "names");
        json_int_t count = json_integer_value(json_object_get(affect, "count"));
        (void)printf("      %lld ", (long long)count);
        orl_cli_print_text(json_string_value(json_object_get(affect, "what")), stdout);
        json_array_foreach(names, k, name)
        {
            (void)fputs(k == 0 ? ": " : ", ", stdout);
            orl_cli_print_text(json_string_value(name), stdout);
        }
        (void)puts(json_array_size(names) > 0 && (json_int_t)json_array_size(names) < count
                           ? ", ..."
                           : "");
    }
}

static void print_plan(const json_t *plan)
{
    size_t i;
    json_t *change;
    json_array_foreach(json_object_get(plan, "changes"), i, change)
    {
        const char *op = json_string_value(json_object_get(change, "op"));
        const char *field = json_string_value(json_object_get(change, "field"));
        bool is_change = op != NULL && strcmp(op, "change") == 0;
        (void)fputs(is_change ? "~ " : op != NULL && op[0] == 'a' ? "+ " : "- ", stdout);
        orl_cli_print_text(json_string_value(json_object_get(change, "kind")), stdout);
        const char *name = json_string_value(json_object_get(change, "name"));
        (void)fputs(name != NULL && name[0] != '\0' ? " " : "", stdout);
        orl_cli_print_text(name, stdout);
        if (is_change) {
            (void)fputs(": ", stdout);
            orl_cli_print_text(field, stdout);
            (void)fputc(' ', stdout);
            print_value(json_object_get(change, "from"));
            (void)fputs(" -> ", stdout);
            print_value(json_object_get(change, "to"));
        }
        (void)fputc('\n', stdout);
        print_affects(json_object_get(change, "affects"));
    }
}

static void print_lost(const json_t *plan)
{
    size_t i;
    json_t *lost;
    json_array_foreach(json_object_get(plan, "lost"), i, lost)
    {
        orl_cli_print_text(json_string_value(json_object_get(lost, "user")), stdout);
        (void)fputs(" loses access to pool ", stdout);
        orl_cli_print_text(json_string_value(json_object_get(lost, "pool")), stdout);
        (void)fputs(", and is disconnected\n", stdout);
    }
}

static json_t *body_of(const struct orl_cli_call *call, const struct site_file *file)
{
    return json_pack("{s:O, s:b}", "objects", file->objects, "prune",
            json_is_true(json_object_get(call->body, "prune")));
}

static void print_answer(const struct orl_cli_call *call, const json_t *answer)
{
    if (call->is_json) {
        (void)json_dumpf(answer, stdout, JSON_COMPACT);
        (void)fputc('\n', stdout);
    } else {
        print_plan(answer);
        print_lost(answer);
    }
}

static int apply_plan(
        const struct orl_cli_call *call, const struct site_file *file, const char *hash)
{
    json_t *answer = NULL;
    json_t *body = body_of(call, file);
    (void)json_object_set_new(body, "plan", json_string(hash));
    long status = request(call, ORL_CLI_POST, "/v1/apply", body, &answer);
    const size_t count = json_array_size(json_object_get(answer, "changes"));
    int code = ORL_CLI_EXIT_REFUSED;
    if (answer != NULL && status == 412) {
        (void)fprintf(
                stderr, "oriel: somebody changed something since that plan. It would now be:\n");
        print_plan(json_object_get(answer, "current"));
        (void)fprintf(stderr, "oriel: nothing was changed\n");
    } else if (answer != NULL && status != 200) {
        print_faults(file, answer, status);
    } else if (answer != NULL) {
        code = ORL_CLI_EXIT_OK;
        print_answer(call, answer);
        if (!call->is_json) {
            (void)printf("%zu change%s made\n", count, count == 1 ? "" : "s");
        }
    }
    json_decref(answer);
    return code;
}

static int end_dry_run(const struct orl_cli_call *call, const json_t *plan, size_t count)
{
    const char *hash = json_string_value(json_object_get(plan, "plan"));
    print_answer(call, plan);
    if (!call->is_json && count > 0) {
        (void)printf("%zu change%s; to make exactly these: --plan %s\n", count,
                count == 1 ? "" : "s", hash != NULL ? hash : "");
    } else if (!call->is_json) {
        (void)puts("nothing to do");
    }
    return count > 0 ? ORL_CLI_EXIT_CHANGES : ORL_CLI_EXIT_OK;
}

static int plan_file(const struct orl_cli_call *call, const struct site_file *file)
{
    json_t *plan = NULL;
    const bool is_dry = json_is_true(json_object_get(call->body, "dry_run"));
    const char *hash = json_string_value(json_object_get(call->body, "plan"));
    if (hash != NULL && !is_dry) {
        return apply_plan(call, file, hash);
    }
    long status = request(call, ORL_CLI_POST, "/v1/plan", body_of(call, file), &plan);
    const size_t count = json_array_size(json_object_get(plan, "changes"));
    int code = ORL_CLI_EXIT_REFUSED;
    if (plan != NULL && status != 200) {
        print_faults(file, plan, status);
    } else if (plan != NULL && (is_dry || count == 0)) {
        code = end_dry_run(call, plan, count);
    } else if (plan != NULL) {
        hash = json_string_value(json_object_get(plan, "plan"));
        code = apply_plan(call, file, hash != NULL ? hash : "");
    }
    json_decref(plan);
    return code;
}

int orl_cli_site_file(const struct orl_cli_call *call)
{
    struct orl_err err = {0};
    struct site_file file = {0};
    if (strcmp(call->cmd->noun, "export") == 0) {
        return export_all(call);
    }
    int code = ORL_CLI_EXIT_REFUSED;
    if (open_file(json_string_value(json_object_get(call->body, "file")), &file, &err) < 0) {
        (void)fail(&err);
    } else {
        code = plan_file(call, &file);
    }
    json_decref(file.objects);
    json_decref(file.lines);
    return code;
}
