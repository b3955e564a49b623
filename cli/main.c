/* oriel: the command line, a client of the broker's API. */
#include "base/clock.h"
#include "base/secret.h"
#include "cli/args.h"
#include "cli/audit.h"
#include "cli/doctor.h"
#include "cli/help.h"
#include "cli/http.h"
#include "cli/import.h"
#include "cli/live.h"
#include "cli/local.h"
#include "cli/output.h"
#include "cli/pages.h"
#include "cli/site_file.h"
#include "cli/wait.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int fail(enum orl_cli_exit code, const struct orl_err *err)
{
    (void)fprintf(stderr, "oriel: %s\n", err->text);
    return (int)code;
}

/* The answer's bytes as they came (body NULL: of several pages, or with its etag); a password that was made here is put in. */
static void print_json(const struct orl_cli_call *call, const struct orl_buf *body, json_t *answer)
{
    if (call->password[0] != '\0' && json_is_object(answer)) {
        (void)json_object_set_new(answer, "password", json_string(call->password));
        body = NULL;
    }
    if (body == NULL) {
        (void)json_dumpf(answer, stdout, JSON_COMPACT);
    } else {
        (void)fwrite(body->data, 1, body->len, stdout);
    }
    if (body == NULL || body->len == 0 || body->data[body->len - 1] != '\n') {
        (void)fputc('\n', stdout);
    }
}

/* What to do about a refusal. */
static void print_hint(const struct orl_cli_call *call, const json_t *answer)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    if (code == NULL) {
        return;
    }
    if (strcmp(code, "not_found") == 0) {
        bool is_pair = strcmp(call->cmd->noun, "entitlement") == 0 ||
                       strcmp(call->cmd->noun, "ticket") == 0;
        (void)fprintf(stderr, "Try: oriel %s list%s\n", call->cmd->noun,
                is_pair ? ", oriel user list, oriel pool list" : "");
    } else if (strcmp(code, "pool_ambiguous") == 0) {
        (void)fprintf(stderr, "Try: --pool, with one of: oriel entitlement list\n");
    } else if (strcmp(code, "bad_request") == 0) {
        (void)fprintf(stderr, "Try: oriel %s %s --help\n", call->cmd->noun, call->cmd->verb);
    } else if (strcmp(code, "not_entitled") == 0 && strcmp(call->cmd->noun, "ticket") != 0) {
        (void)fprintf(stderr, "Try: as root, or have your uid put into admin_uids of "
                              "/etc/oriel/broker.yaml\n");
    }
}

static int show(const struct orl_cli_call *call, struct orl_cli_answer *answer)
{
    struct orl_err err = {0};
    json_error_t why;
    bool is_ok = answer->status >= 200 && answer->status < 300;
    json_t *root = json_loadb((const char *)answer->body.data, answer->body.len, 0, &why);
    if (root == NULL && is_ok) {
        (void)orl_err_set(&err, ORL_E_PROTO, "%.120s does not answer like a broker: %s",
                call->socket, why.text);
        return fail(ORL_CLI_EXIT_UNREACHABLE, &err);
    }
    bool has_more = is_ok && !call->cmd->is_endless && json_object_get(root, "next") != NULL;
    if (has_more) {
        json_t *refusal = NULL;
        if (orl_cli_pages(call, root, answer, &refusal, &err) < 0) {
            json_decref(root);
            return fail(ORL_CLI_EXIT_UNREACHABLE, &err);
        }
        is_ok = answer->status == 200;
        if (!is_ok) {
            json_decref(root);
            root = refusal;
        }
    }
    bool has_etag = is_ok && answer->etag[0] != '\0' && json_is_object(root);
    if (has_etag) {
        (void)json_object_set_new(root, "etag", json_string(answer->etag));
    }
    if (call->is_json && root != NULL) {
        print_json(call, has_more || has_etag ? NULL : &answer->body, root);
    } else if (is_ok) {
        orl_cli_print(call, root, stdout);
    }
    if (!is_ok) {
        orl_cli_print_refusal(root, answer->status, stderr);
        print_hint(call, root);
    }
    json_decref(root);
    return is_ok ? ORL_CLI_EXIT_OK : ORL_CLI_EXIT_REFUSED;
}

static int run(const struct orl_cli_call *call)
{
    struct orl_err err = {0};
    struct orl_cli_answer answer = {0};
    if (call->cmd->method == ORL_CLI_LOCAL) {
        enum orl_cli_exit end = orl_cli_local(call, &err);
        return end == ORL_CLI_EXIT_OK ? (int)end : fail(end, &err);
    }
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        (void)orl_err_set(&err, ORL_E_NOMEM, "libcurl does not start");
        return fail(ORL_CLI_EXIT_UNREACHABLE, &err);
    }
    if (call->cmd->method == ORL_CLI_OWN) {
        bool is_doctor = strcmp(call->cmd->noun, "doctor") == 0;
        bool is_audit = strcmp(call->cmd->noun, "audit") == 0;
        bool is_template = strcmp(call->cmd->noun, "template") == 0;
        int end = is_template ? (int)orl_cli_import(call)
                  : is_doctor ? orl_cli_doctor(call)
                  : is_audit  ? orl_cli_audit(call)
                              : orl_cli_site_file(call);
        curl_global_cleanup();
        return end;
    }
    if (call->is_live) {
        int end = (int)orl_cli_live(call);
        curl_global_cleanup();
        return end;
    }
    int rc = orl_cli_request(call, &answer, &err);
    bool is_job = rc == 0 && call->cmd->waits && answer.status == 202;
    int code = rc < 0   ? fail(ORL_CLI_EXIT_UNREACHABLE, &err)
               : is_job ? (int)orl_cli_wait(call, &answer)
                        : show(call, &answer);
    orl_buf_wipe(&answer.body);
    orl_buf_fini(&answer.body);
    curl_global_cleanup();
    return code;
}

static int dispatch(const struct orl_cli_call *call)
{
    switch (call->mode) {
    case ORL_CLI_HELP:
        orl_cli_help(call->cmd, call->noun, stdout);
        return ORL_CLI_EXIT_OK;
    case ORL_CLI_MAN:
        orl_cli_man(stdout);
        return ORL_CLI_EXIT_OK;
    case ORL_CLI_VERSION:
        (void)printf("oriel %s\n", ORIEL_VERSION);
        return ORL_CLI_EXIT_OK;
    case ORL_CLI_COMPLETION:
        orl_cli_completion_bash(stdout);
        return ORL_CLI_EXIT_OK;
    case ORL_CLI_RUN:
    default:
        return run(call);
    }
}

int main(int argc, char **argv)
{
    struct orl_err err = {0};
    struct orl_cli_call call;
    json_set_alloc_funcs(malloc, orl_secret_free); /* passwords and tokens come in answers */
    int rc = orl_cli_parse(argc, argv, orl_clock_wall_ms(), &call, &err);
    int code = ORL_CLI_EXIT_USAGE;
    if (rc < 0) {
        (void)fail(ORL_CLI_EXIT_USAGE, &err);
        bool has_cmd = call.cmd != NULL;
        (void)fprintf(stderr, "Try: oriel %s%s%s%s--help\n", has_cmd ? call.cmd->noun : "",
                has_cmd ? " " : "", has_cmd ? call.cmd->verb : "",
                has_cmd && call.cmd->verb[0] != '\0' ? " " : "");
    } else {
        code = dispatch(&call);
    }
    orl_cli_call_fini(&call);
    if (fflush(stdout) != 0) {
        perror("oriel");
        code = ORL_CLI_EXIT_UNREACHABLE;
    }
    return code;
}
