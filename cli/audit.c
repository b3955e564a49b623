#include "cli/audit.h"

#include "cli/http.h"
#include "cli/output.h"
#include "store/audit_chain.h"

#include <stdio.h>
#include <string.h>

enum { CURSOR_BYTES = 700 };

static int fail(enum orl_cli_exit code, const struct orl_err *err)
{
    (void)fprintf(stderr, "oriel: %s\n", err->text);
    return (int)code;
}

static const char *option(const struct orl_cli_call *call, const char *key)
{
    return json_string_value(json_object_get(call->body, key));
}

/* 0 and the answer, or the exit code, and why was said. */
static int get(const struct orl_cli_call *call, const char *path, json_t **ret_answer)
{
    struct orl_err err = {0};
    struct orl_cli_answer answer = {0};
    struct orl_cli_cmd cmd = *call->cmd;
    struct orl_cli_call own = *call;
    own.cmd = &cmd;
    own.body = NULL;
    cmd.method = ORL_CLI_GET;
    orl_msg_text(own.path, sizeof(own.path), path);
    int rc = orl_cli_request(&own, &answer, &err);
    json_t *root =
            rc < 0 ? NULL : json_loadb((const char *)answer.body.data, answer.body.len, 0, NULL);
    orl_buf_fini(&answer.body);
    if (rc == 0 && root == NULL) {
        rc = orl_err_set(&err, ORL_E_PROTO, "%.120s does not answer like a broker", call->socket);
    }
    if (rc < 0) {
        return fail(ORL_CLI_EXIT_UNREACHABLE, &err);
    }
    if (answer.status != 200) {
        orl_cli_print_refusal(root, answer.status, stderr);
        json_decref(root);
        return ORL_CLI_EXIT_REFUSED;
    }
    *ret_answer = root;
    return 0;
}

/* What both ways of looking find. */
struct finding {
    uint64_t rows, old_rows, open_counters, seq, bad_seq;
    char head[ORL_AUDIT_CHAIN_LEN + 1];
    char bad_id[ORL_ID_LEN + 1];
    char bad_text[ORL_TEXT_MAX + 1];
    bool is_head_old;
};

static int print_finding(const struct finding *found)
{
    if (found->bad_seq != 0) {
        (void)fprintf(stderr, "oriel: the audit is not what was written: row %llu%s%s: %s\n",
                (unsigned long long)found->bad_seq, found->bad_id[0] != '\0' ? " " : "",
                found->bad_id, found->bad_text);
        return ORL_CLI_EXIT_REFUSED;
    }
    (void)printf("%llu rows are as they were written, up to row %llu\nhead %s\n",
            (unsigned long long)found->rows, (unsigned long long)found->seq, found->head);
    if (found->open_counters > 0) {
        (void)printf("%llu floods go on: their numbers are not covered yet\n",
                (unsigned long long)found->open_counters);
    }
    if (found->old_rows > 0) {
        (void)printf("%llu rows are from before there was a chain: nothing is known of them\n",
                (unsigned long long)found->old_rows);
    }
    if (found->is_head_old) {
        (void)fprintf(stderr,
                "oriel: that head is older than what is kept, or was never this chain's:"
                " with its number, SEQ:HASH, the second would be told\n");
        return ORL_CLI_EXIT_REFUSED;
    }
    return ORL_CLI_EXIT_OK;
}

static uint64_t number_of(const json_t *object, const char *key)
{
    json_int_t value = json_integer_value(json_object_get(object, key));
    return value > 0 ? (uint64_t)value : 0;
}

static void copy_text(char *ret, size_t size, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    orl_msg_text(ret, size, text != NULL ? text : "");
}

static int verify_by_broker(const struct orl_cli_call *call, const char *head)
{
    struct finding found = {0};
    char next[CURSOR_BYTES] = "";
    do {
        json_t *answer = NULL;
        char path[ORL_CLI_PATH_MAX + 1] = "/v1/audit/verify";
        bool fits = (head == NULL || orl_cli_path_query(path, "head", head)) &&
                    (next[0] == '\0' || orl_cli_path_query(path, "after", next));
        int code = fits ? get(call, path, &answer) : ORL_CLI_EXIT_USAGE;
        if (code != 0) {
            return code;
        }
        const json_t *fault = json_object_get(answer, "fault");
        found.rows += number_of(answer, "rows");
        found.old_rows += number_of(answer, "old_rows");
        found.open_counters += number_of(answer, "open_counters");
        found.seq = number_of(answer, "seq");
        copy_text(found.head, sizeof(found.head), answer, "head");
        found.bad_seq = number_of(fault, "seq");
        copy_text(found.bad_id, sizeof(found.bad_id), fault, "id");
        copy_text(found.bad_text, sizeof(found.bad_text), fault, "text");
        copy_text(next, sizeof(next), answer, "next");
        found.is_head_old = json_is_true(json_object_get(answer, "is_head_old"));
        json_decref(answer);
    } while (next[0] != '\0' && found.bad_seq == 0);
    return print_finding(&found);
}

static int verify_store(const char *target, const char *head)
{
    struct orl_err err = {0};
    struct orl_store *store = NULL;
    struct orl_audit_walk walk = {.rows = 0};
    (void)(head != NULL && orl_audit_walk_want(&walk, head));
    int rc = orl_store_open(target, &store, &err);
    while (rc == 0 && !walk.is_done) {
        rc = orl_audit_walk(store, 0, &walk, &err);
    }
    orl_store_close(store);
    if (rc < 0) {
        return fail(ORL_CLI_EXIT_REFUSED, &err);
    }
    struct finding found = {.rows = walk.rows,
            .old_rows = walk.old_rows,
            .open_counters = walk.open_counters,
            .seq = walk.at.seq,
            .bad_seq = walk.bad_seq,
            .is_head_old = walk.is_want_old};
    memcpy(found.head, walk.at.chain, sizeof(found.head));
    memcpy(found.bad_id, walk.bad_id, sizeof(found.bad_id));
    memcpy(found.bad_text, walk.bad_text, sizeof(found.bad_text));
    return print_finding(&found);
}

static int verify(const struct orl_cli_call *call)
{
    const char *head = option(call, "head");
    const char *store = option(call, "store");
    struct orl_audit_walk check = {.rows = 0};
    if (head != NULL && !orl_audit_walk_want(&check, head)) {
        (void)fprintf(stderr,
                "oriel: --head: SEQ:HASH, or its 64 hex digits, as the broker's log has them\n");
        return ORL_CLI_EXIT_USAGE;
    }
    return store != NULL ? verify_store(store, head) : verify_by_broker(call, head);
}

static const char *const columns[] = {"seq", "time_ms", "id", "action", "reason", "actor", "user",
        "client", "object", "count", "detail", "chain", NULL};

/* RFC 4180. What a spreadsheet would take for a formula gets a ' before it: names come from whoever tries to log in. */
static void put_cell(const char *text)
{
    bool is_formula = text[0] != '\0' && strchr("=+-@\t\r", text[0]) != NULL;
    (void)fputs(is_formula ? "\"'" : "\"", stdout);
    for (const char *at = text; *at != '\0'; at++) {
        (void)fputs(*at == '"' ? "\"" : "", stdout);
        (void)fputc(*at, stdout);
    }
    (void)fputc('"', stdout);
}

static void put_csv(const json_t *row)
{
    for (size_t i = 0; columns[i] != NULL; i++) {
        const json_t *value = json_object_get(row, columns[i]);
        (void)fputs(i > 0 ? "," : "", stdout);
        if (json_is_integer(value)) {
            (void)printf("%lld", (long long)json_integer_value(value));
        } else {
            put_cell(json_is_string(value) ? json_string_value(value) : "");
        }
    }
    (void)fputs("\r\n", stdout);
}

static void put_csv_head(void)
{
    for (size_t i = 0; columns[i] != NULL; i++) {
        (void)printf("%s%s", i > 0 ? "," : "", columns[i]);
    }
    (void)fputs("\r\n", stdout);
}

static bool put_rows(const json_t *answer, bool is_csv)
{
    size_t i = 0;
    const json_t *row = NULL;
    json_array_foreach(json_object_get(answer, "audit"), i, row)
    {
        if (is_csv) {
            put_csv(row);
        } else {
            (void)json_dumpf(row, stdout, JSON_COMPACT);
            (void)fputc('\n', stdout);
        }
    }
    return ferror(stdout) == 0;
}

/* The filters of `audit list`. */
static bool add_filters(const struct orl_cli_call *call, char path[ORL_CLI_PATH_MAX + 1])
{
    static const char *const keys[] = {
            "since_ms", "until_ms", "reason", "user", "action", "object", NULL};
    bool fits = orl_cli_path_query(path, "limit", "1000");
    for (size_t i = 0; keys[i] != NULL; i++) {
        char number[24];
        const json_t *value = json_object_get(call->body, keys[i]);
        (void)snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(value));
        const char *text = json_is_integer(value) ? number : json_string_value(value);
        fits = fits && (text == NULL || orl_cli_path_query(path, keys[i], text));
    }
    return fits;
}

static int export_rows(const struct orl_cli_call *call)
{
    const char *format = option(call, "format");
    bool is_csv = format != NULL && strcmp(format, "csv") == 0;
    char next[CURSOR_BYTES] = "";
    if (format != NULL && !is_csv && strcmp(format, "jsonl") != 0) {
        (void)fprintf(stderr, "oriel: --format: jsonl or csv\n");
        return ORL_CLI_EXIT_USAGE;
    }
    if (is_csv) {
        put_csv_head();
    }
    do {
        json_t *answer = NULL;
        char path[ORL_CLI_PATH_MAX + 1] = "/v1/audit";
        bool fits = add_filters(call, path) &&
                    (next[0] == '\0' || orl_cli_path_query(path, "after", next));
        int code = fits ? get(call, path, &answer) : ORL_CLI_EXIT_USAGE;
        if (code != 0) {
            return code;
        }
        copy_text(next, sizeof(next), answer, "next");
        bool is_put = put_rows(answer, is_csv);
        json_decref(answer);
        if (!is_put) {
            (void)fprintf(stderr, "oriel: the rows can't be written\n");
            return ORL_CLI_EXIT_REFUSED;
        }
    } while (next[0] != '\0');
    return fflush(stdout) == 0 ? ORL_CLI_EXIT_OK : ORL_CLI_EXIT_REFUSED;
}

int orl_cli_audit(const struct orl_cli_call *call)
{
    return strcmp(call->cmd->verb, "verify") == 0 ? verify(call) : export_rows(call);
}
