/* Component: what sessions tell about their frames, through a real broker to /metrics and to who looks. */
#include "broker_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define TEXT_MAX (1 << 18)

static struct broker b;
static char text[TEXT_MAX];

static int start(void **state)
{
    static const char *const sets[] = {"lease_s=30", NULL};
    (void)state;
    broker_start(&b, sets);
    add_static_pool(&b, "demo", 3);
    add_user(&b, "alice", "demo");
    add_user(&b, "bob", "demo");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static void send_frames(int gw, uint32_t conn, const char *session, uint32_t frames)
{
    struct orl_msg msg = {.type = ORL_MSG_STATS, .conn = conn};
    struct orl_msg_stats *stats = &msg.u.stats;
    orl_msg_text(stats->session, sizeof(stats->session), session);
    stats->width_px = 1920;
    stats->height_px = 1080;
    stats->frames = frames;
    stats->bytes_out = (uint64_t)frames * 100;
    stats->since.elapsed_ms = 1000;
    stats->since.frames = frames;
    stats->since.counts[ORL_STATS_ENCODE][2] = frames;
    stats->since.sums_us[ORL_STATS_ENCODE] = (uint64_t)frames * 750;
    stats->since.kind_frames[ORL_STATS_H264] = frames;
    stats->since.kind_bytes[ORL_STATS_H264] = (uint64_t)frames * 90;
    assert_int_equal(orl_ipc_send(gw, &msg, NULL, 0), 0);
}

/* The number behind a line's name and labels; -1: there is no such line. */
static double metric(const char *name)
{
    char start[128];
    (void)snprintf(start, sizeof(start), "\n%s ", name);
    const char *line = strstr(text, start);
    return line != NULL ? strtod(line + strlen(start), NULL) : -1;
}

static bool await_metric(const char *name, double value)
{
    for (unsigned i = 0; i < 300; i++) {
        api_metrics(&b, text, sizeof(text));
        if (metric(name) == value) {
            return true;
        }
        (void)usleep(20000);
    }
    return false;
}

static json_t *live(const char *session)
{
    char path[80];
    int status = 0;
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s/live", session);
    json_t *answer = api(&b, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    return answer;
}

static void frames_of_all_sessions_are_one_histogram(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t alice = send_login(&b, gw, "alice", "password-alice", "", "10.0.0.1:1");
    struct orl_msg_plan first = expect_plan(gw, alice, true);
    uint32_t bob = send_login(&b, gw, "bob", "password-bob", "", "10.0.0.2:1");
    struct orl_msg_plan second = expect_plan(gw, bob, true);
    send_frames(gw, alice, first.session, 30);
    send_frames(gw, bob, second.session, 12);
    assert_true(await_metric("oriel_frame_encode_seconds_count{protocol=\"rdp\"}", 42));
    assert_true(metric("oriel_frame_encode_seconds_bucket{protocol=\"rdp\",le=\"0.0005\"}") == 0);
    assert_true(metric("oriel_frame_encode_seconds_bucket{protocol=\"rdp\",le=\"0.001\"}") == 42);
    assert_true(metric("oriel_frame_encode_seconds_bucket{protocol=\"rdp\",le=\"1\"}") == 42);
    assert_true(metric("oriel_frame_encode_seconds_bucket{protocol=\"rdp\",le=\"+Inf\"}") == 42);
    assert_true(metric("oriel_frame_encode_seconds_sum{protocol=\"rdp\"}") == 0.0315);
    assert_true(metric("oriel_frame_encode_seconds_count{protocol=\"vnc\"}") == 0);
    assert_true(metric("oriel_frames_total{protocol=\"rdp\"}") == 42);
    assert_true(metric("oriel_frame_bytes_total{protocol=\"rdp\",kind=\"h264\"}") == 3780);
    assert_null(strstr(text, first.session)); /* no label names anybody */
    assert_null(strstr(text, "alice"));
    send_close(gw, alice, ORL_REASON_CLIENT_CLOSED);
    send_close(gw, bob, ORL_REASON_CLIENT_CLOSED);
    close(gw);
}

static void who_looks_makes_the_session_speak_and_hears_it(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "alice", "password-alice", "", "10.0.0.1:2");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    json_t *answer = live(plan.session);
    assert_true(json_is_null(json_object_get(answer, "sample")));
    json_decref(answer);
    (void)expect(gw, conn, ORL_MSG_WATCH);
    json_decref(live(plan.session));
    expect_silence(gw); /* it was asked a moment ago */
    send_frames(gw, conn, plan.session, 30);
    answer = NULL;
    for (unsigned i = 0; i < 300 && !json_is_object(json_object_get(answer, "sample")); i++) {
        json_decref(answer);
        answer = live(plan.session);
        (void)usleep(20000);
    }
    const json_t *sample = json_object_get(answer, "sample");
    assert_int_equal(json_integer_value(json_object_get(sample, "seq")), 1);
    assert_int_equal(json_integer_value(json_object_get(sample, "width_px")), 1920);
    assert_true(json_number_value(json_object_get(sample, "fps")) == 30.0);
    const json_t *encode = json_object_get(sample, "encode");
    assert_int_equal(json_integer_value(json_object_get(encode, "count")), 30);
    assert_in_range(json_integer_value(json_object_get(encode, "p95_us")), 501, 1000);
    const json_t *video = json_object_get(json_object_get(sample, "kinds"), "h264");
    assert_int_equal(json_integer_value(json_object_get(video, "bytes")), 2700);
    assert_string_equal(json_string_value(json_object_get(answer, "state")), "active");
    json_decref(answer);
    send_close(gw, conn, ORL_REASON_CLIENT_CLOSED);
    await_session(&b, plan.session, "disconnected");
    answer = live(plan.session);
    assert_true(json_is_null(json_object_get(answer, "sample")));
    json_decref(answer);
    api_ok(&b, "GET", "/v1/sessions/00/live", NULL, 404);
    close(gw);
}

static void statistics_that_cannot_be_true_keep_the_lease_and_count_for_nothing(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    uint32_t conn = send_login(&b, gw, "bob", "password-bob", "", "10.0.0.2:2");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    api_metrics(&b, text, sizeof(text));
    const double before = metric("oriel_frames_total{protocol=\"rdp\"}");
    send_frames(gw, conn, plan.session, UINT32_MAX);
    assert_true(await_metric("oriel_frame_stats_refused_total", 1));
    assert_true(metric("oriel_frames_total{protocol=\"rdp\"}") == before);
    await_session(&b, plan.session, "active");
    close(gw);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(frames_of_all_sessions_are_one_histogram),
            cmocka_unit_test(who_looks_makes_the_session_speak_and_hears_it),
            cmocka_unit_test(statistics_that_cannot_be_true_keep_the_lease_and_count_for_nothing),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
