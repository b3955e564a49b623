#include "cli/wait.h"
#include "cli/output.h"
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t want_end;

static void on_signal(int signum)
{
    (void)signum;
    want_end = 1;
}

static const char *text_of(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

static void put_cell(const char *text, int width, FILE *out)
{
    int len = 0;
    for (; *text != '\0'; text++, len++) {
        (void)fputc(*text >= ' ' && *text != 127 ? *text : '?', out);
    }
    (void)fprintf(out, "%*s", len < width ? width - len : 0, "");
}

/* Items with what was found and what to do; the worst of them is the exit code. */
static enum orl_cli_exit show_result(const json_t *job, FILE *out)
{
    const json_t *result = json_object_get(job, "result");
    const json_t *items = json_object_get(result, "items");
    const json_t *item = NULL;
    size_t i = 0;
    json_array_foreach(items, i, item)
    {
        const char *todo = text_of(item, "todo");
        put_cell(text_of(item, "finding"), 9, out);
        put_cell(text_of(item, "item"), 13, out);
        put_cell(text_of(item, "text"), 0, out);
        (void)fputc('\n', out);
        if (todo[0] != '\0') {
            (void)fprintf(out, "%22s", "");
            put_cell(todo, 0, out);
            (void)fputc('\n', out);
        }
    }
    const char *template_name = text_of(result, "template");
    if (template_name[0] != '\0') {
        (void)fprintf(out, "template %s has version %d\n", template_name,
                (int)json_integer_value(json_object_get(result, "version")));
    }
    return strcmp(text_of(result, "worst"), "bad") == 0 ? ORL_CLI_EXIT_REFUSED : ORL_CLI_EXIT_OK;
}

static enum orl_cli_exit show_end(const struct orl_cli_call *call, const json_t *job)
{
    bool is_done = strcmp(text_of(job, "state"), "done") == 0;
    enum orl_cli_exit code = ORL_CLI_EXIT_REFUSED;
    if (call->is_json) {
        const json_t *result = json_object_get(job, "result");
        (void)json_dumpf(job, stdout, JSON_INDENT(2));
        (void)fputc('\n', stdout);
        code = is_done && strcmp(text_of(result, "worst"), "bad") != 0 ? ORL_CLI_EXIT_OK : code;
    } else if (is_done) {
        code = show_result(job, stdout);
    }
    if (!is_done) {
        (void)fprintf(stderr, "oriel: the job is %s: ", text_of(job, "state"));
        put_cell(text_of(job, "reason_text"), 0, stderr);
        (void)fprintf(stderr, " (%s)\n", text_of(job, "reason"));
    }
    return code;
}

struct wait {
    const struct orl_cli_call *call;
    struct orl_cli_call ask;
    json_int_t percent; /* that was shown last */
    char text[64];
};

static void show_progress(struct wait *wait, const json_t *job)
{
    json_int_t percent = json_integer_value(json_object_get(job, "progress_percent"));
    const char *state = text_of(job, "state");
    const char *text = strcmp(state, "queued") == 0    ? "waits for a host"
                       : strcmp(state, "waiting") == 0 ? "waits for its file"
                                                       : text_of(job, "progress_text");
    if (percent == wait->percent && strncmp(text, wait->text, sizeof(wait->text) - 1) == 0) {
        return;
    }
    wait->percent = percent;
    (void)snprintf(wait->text, sizeof(wait->text), "%s", text);
    (void)fprintf(stderr, "%3d %%  ", (int)percent);
    put_cell(text, 0, stderr);
    (void)fputc('\n', stderr);
}

/* True: it has ended, or cannot be asked for; *ret_code is the end. */
static bool is_over(struct wait *wait, enum orl_cli_exit *ret_code)
{
    struct orl_err err = {0};
    struct orl_cli_answer answer = {0};
    bool is_over = true;
    int rc = orl_cli_request(&wait->ask, &answer, &err);
    json_t *job =
            rc == 0 ? json_loadb((const char *)answer.body.data, answer.body.len, 0, NULL) : NULL;
    const char *state = text_of(job, "state");
    *ret_code = ORL_CLI_EXIT_UNREACHABLE;
    if (rc < 0) {
        (void)fprintf(stderr, "oriel: %s\n", err.text);
    } else if (answer.status != 200) {
        *ret_code = ORL_CLI_EXIT_REFUSED;
        orl_cli_print_refusal(job, answer.status, stderr);
    } else if (strcmp(state, "waiting") == 0 || strcmp(state, "queued") == 0 ||
               strcmp(state, "running") == 0) {
        show_progress(wait, job);
        is_over = false;
    } else {
        *ret_code = show_end(wait->call, job);
    }
    json_decref(job);
    orl_buf_fini(&answer.body);
    return is_over;
}

enum orl_cli_exit orl_cli_wait(const struct orl_cli_call *call, const struct orl_cli_answer *answer)
{
    static const struct orl_cli_cmd get = {.noun = "job", .verb = "show", .method = ORL_CLI_GET};
    const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: ends the pause */
    const struct timespec second = {.tv_sec = 1};
    struct wait wait = {.call = call,
            .ask = {.cmd = &get,
                    .socket = call->socket,
                    .url = call->url,
                    .token_file = call->token_file,
                    .ca_file = call->ca_file},
            .percent = -1};
    enum orl_cli_exit code = ORL_CLI_EXIT_OK;
    json_t *root = json_loadb((const char *)answer->body.data, answer->body.len, 0, NULL);
    char id[64];
    (void)snprintf(id, sizeof(id), "%s", text_of(root, "job"));
    json_decref(root);
    (void)snprintf(wait.ask.path, sizeof(wait.ask.path), "/v1/jobs/%s", id);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    while (want_end == 0 && !is_over(&wait, &code)) {
        (void)nanosleep(&second, NULL);
    }
    if (want_end != 0) {
        (void)fprintf(
                stderr, "oriel: it goes on: oriel job show %s; oriel job cancel %s\n", id, id);
    }
    return code;
}
