#include "cli/live.h"
#include "cli/http.h"
#include "cli/output.h"
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { LINES_PER_HEAD = 20 };

static volatile sig_atomic_t want_end;

static void on_signal(int signum)
{
    (void)signum;
    want_end = 1;
}

static double number(const json_t *object, const char *key)
{
    return json_number_value(json_object_get(object, key)); /* 0 for what is no number */
}

/* "-" for what did not happen in this second. */
static void put_times(const json_t *times, FILE *out)
{
    if (number(times, "count") > 0) {
        (void)fprintf(out, " %7.2f %7.2f", number(times, "p50_us") / 1000,
                number(times, "p95_us") / 1000);
    } else {
        (void)fprintf(out, " %7s %7s", "-", "-");
    }
}

/* The parts of its bytes: "h264 96% lossless 4%". */
static void put_kinds(const json_t *kinds, FILE *out)
{
    static const char *const names[] = {"h264", "lossless", "refine", "copy"};
    double all = 0;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        all += number(json_object_get(kinds, names[i]), "bytes");
    }
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && all > 0; i++) {
        const double part = number(json_object_get(kinds, names[i]), "bytes") / all;
        if (part > 0) {
            (void)fprintf(out, " %s %.0f%%", names[i], part * 100);
        }
    }
    (void)fputs(all > 0 ? "" : " -", out);
}

void orl_cli_live_head(FILE *out)
{
    (void)fprintf(out, "%6s %9s %7s %15s %15s %7s %11s  %s\n", "FPS", "KBIT/S", "RTT",
            "ENCODE p50 p95", "ACK p50 p95", "KEY p50", "SIZE", "BYTES (times in ms)");
}

void orl_cli_live_line(const json_t *sample, FILE *out)
{
    const json_t *key = json_object_get(sample, "key");
    const double rtt_us = number(sample, "rtt_us");
    char size[32];
    (void)snprintf(size, sizeof(size), "%.0fx%.0f", number(sample, "width_px"),
            number(sample, "height_px"));
    (void)fprintf(out, "%6.1f %9.1f", number(sample, "fps"), number(sample, "kbit_s"));
    if (rtt_us > 0) {
        (void)fprintf(out, " %7.1f", rtt_us / 1000);
    } else {
        (void)fprintf(out, " %7s", "-");
    }
    put_times(json_object_get(sample, "encode"), out);
    put_times(json_object_get(sample, "ack"), out);
    if (number(key, "count") > 0) {
        (void)fprintf(out, " %7.2f", number(key, "p50_us") / 1000);
    } else {
        (void)fprintf(out, " %7s", "-");
    }
    (void)fprintf(out, " %11s ", size);
    put_kinds(json_object_get(sample, "kinds"), out);
    (void)fputc('\n', out);
}

struct live {
    const struct orl_cli_call *call;
    json_int_t seq; /* of what was shown last */
    unsigned lines;
};

static void show(struct live *live, const json_t *answer)
{
    const json_t *sample = json_object_get(answer, "sample");
    const json_int_t seq = json_integer_value(json_object_get(sample, "seq"));
    if (!json_is_object(sample) || seq == live->seq) {
        return;
    }
    live->seq = seq;
    if (live->call->is_json) {
        (void)json_dumpf(sample, stdout, JSON_COMPACT);
        (void)fputc('\n', stdout);
    } else {
        if (live->lines % LINES_PER_HEAD == 0 && (live->lines == 0 || isatty(STDOUT_FILENO))) {
            orl_cli_live_head(stdout);
        }
        orl_cli_live_line(sample, stdout);
    }
    live->lines++;
    (void)fflush(stdout);
}

/* True: nothing more will come; *ret_code is the end. */
static bool is_over(struct live *live, enum orl_cli_exit *ret_code)
{
    struct orl_err err = {0};
    struct orl_cli_answer answer = {0};
    json_error_t why;
    bool is_over = true;
    const int rc = orl_cli_request(live->call, &answer, &err);
    json_t *root =
            rc == 0 ? json_loadb((const char *)answer.body.data, answer.body.len, 0, &why) : NULL;
    *ret_code = ORL_CLI_EXIT_UNREACHABLE;
    if (rc < 0) {
        (void)fprintf(stderr, "oriel: %s\n", err.text);
    } else if (answer.status != 200) {
        *ret_code = ORL_CLI_EXIT_REFUSED;
        orl_cli_print_refusal(root, answer.status, stderr);
    } else if (!json_is_object(root)) {
        (void)fprintf(stderr, "oriel: %s does not answer like a broker\n", live->call->socket);
    } else {
        const char *state = json_string_value(json_object_get(root, "state"));
        const char *reason = json_string_value(json_object_get(root, "reason"));
        show(live, root);
        is_over = state != NULL && strcmp(state, "ended") == 0;
        if (is_over) {
            *ret_code = ORL_CLI_EXIT_OK;
            (void)fprintf(
                    stderr, "oriel: the session has ended: %s\n", reason != NULL ? reason : "");
        }
    }
    json_decref(root);
    orl_buf_fini(&answer.body);
    return is_over;
}

enum orl_cli_exit orl_cli_live(const struct orl_cli_call *call)
{
    const struct sigaction action = {.sa_handler = on_signal}; /* no SA_RESTART: ends the pause */
    const struct timespec second = {.tv_sec = 1};
    struct live live = {.call = call};
    enum orl_cli_exit code = ORL_CLI_EXIT_OK;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    while (want_end == 0 && !is_over(&live, &code)) {
        (void)nanosleep(&second, NULL);
        code = ORL_CLI_EXIT_OK;
    }
    return code;
}
