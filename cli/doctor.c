#include "cli/doctor.h"

#include "base/host_check.h"
#include "cli/http.h"
#include "cli/output.h"

#include <string.h>
#include <unistd.h>

static void add_check(void *ctx, const struct orl_check *check)
{
    (void)json_array_append_new(
            ctx, json_pack("{s:s, s:s, s:s, s:s, s:s}", "area", check->area, "object",
                         check->object, "state", orl_check_state_name(check->state), "text",
                         check->text, "remedy", check->remedy));
}

static void add_silent(const struct orl_cli_call *call, const char *why, json_t *checks)
{
    const char *remedy = call->url == NULL ? "start oriel-broker; its log says why not"
                                           : "check the address, the token and, there, oriel-web";
    (void)json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:s, s:s}", "area", "programs",
                                                "object", call->url == NULL ? "broker" : call->url,
                                                "state", "bad", "text", why, "remedy", remedy));
}

/* false: no host has such a name. */
static bool set_path(struct orl_cli_call *own, const char *host)
{
    size_t len = strlen("/v1/hosts/");
    orl_msg_text(own->path, sizeof(own->path), host != NULL ? "/v1/hosts/" : "/v1/doctor");
    if (host == NULL) {
        return true;
    }
    bool fits = orl_cli_path_escape(own->path, &len, host) &&
                len + sizeof("/doctor") <= sizeof(own->path);
    if (fits) {
        memcpy(own->path + len, "/doctor", sizeof("/doctor"));
    }
    return fits;
}

static void ask_broker(const struct orl_cli_call *call, const char *host, json_t *checks)
{
    struct orl_err err = {0};
    struct orl_cli_answer answer = {0};
    struct orl_cli_cmd cmd = *call->cmd;
    struct orl_cli_call own = *call;
    own.cmd = &cmd;
    own.body = NULL;
    cmd.method = ORL_CLI_GET;
    int rc = set_path(&own, host) ? orl_cli_request(&own, &answer, &err)
                                  : orl_err_set(&err, ORL_E_INVAL, "no host has such a name");
    json_t *root =
            rc < 0 ? NULL : json_loadb((const char *)answer.body.data, answer.body.len, 0, NULL);
    const char *why = json_string_value(json_object_get(root, "detail"));
    if (rc < 0) {
        add_silent(call, err.text, checks);
    } else if (answer.status != 200) {
        add_silent(call, why != NULL ? why : "it does not answer like a broker", checks);
    } else {
        (void)json_array_extend(checks, json_object_get(root, "checks"));
    }
    json_decref(root);
    orl_buf_fini(&answer.body);
}

static const char *text_of(const json_t *check, const char *key)
{
    const char *text = json_string_value(json_object_get(check, key));
    return text != NULL ? text : "";
}

static void print_check(const json_t *check)
{
    (void)printf("%-5s", text_of(check, "state"));
    orl_cli_print_text(text_of(check, "area"), stdout);
    (void)fputs("  ", stdout);
    orl_cli_print_text(text_of(check, "object"), stdout);
    (void)fputs(": ", stdout);
    orl_cli_print_text(text_of(check, "text"), stdout);
    (void)fputc('\n', stdout);
    if (text_of(check, "remedy")[0] != '\0') {
        (void)fputs("     -> ", stdout);
        orl_cli_print_text(text_of(check, "remedy"), stdout);
        (void)fputc('\n', stdout);
    }
}

static void check_here(const struct orl_cli_call *call, json_t *checks)
{
    char run_dir[256];
    orl_msg_text(run_dir, sizeof(run_dir), call->socket);
    char *slash = strrchr(run_dir, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    const struct orl_host_check_opts opts = {.root = "", .run_dir = run_dir};
    orl_host_check(&opts, add_check, checks);
}

/* What is asked elsewhere, or of one host, says nothing of the machine that we run on. */
int orl_cli_doctor(const struct orl_cli_call *call)
{
    const char *host = json_string_value(json_object_get(call->body, "host"));
    json_t *checks = json_array();
    size_t i;
    json_t *check;
    unsigned bad = 0;
    unsigned warn = 0;
    const bool is_here = call->url == NULL && host == NULL;
    if (is_here) {
        check_here(call, checks);
    }
    ask_broker(call, host, checks);
    json_array_foreach(checks, i, check)
    {
        bad += strcmp(text_of(check, "state"), "bad") == 0;
        warn += strcmp(text_of(check, "state"), "warn") == 0;
        if (!call->is_json) {
            print_check(check);
        }
    }
    if (call->is_json) {
        json_t *root = json_pack("{s:O}", "checks", checks);
        (void)json_dumpf(root, stdout, JSON_COMPACT);
        (void)fputc('\n', stdout);
        json_decref(root);
    } else {
        (void)printf("%zu checks: %u bad, %u to look at%s\n", json_array_size(checks), bad, warn,
                is_here && geteuid() != 0 ? "; root sees more" : "");
    }
    json_decref(checks);
    return bad > 0 ? ORL_CLI_EXIT_REFUSED : ORL_CLI_EXIT_OK;
}
