#include "web/server/request.h"
#include "web/server/upload.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static void paths_that_can_be_read_in_two_ways_have_no_route(void **state)
{
    const char *paths[] = {"", "api/v1/me", "/api", "/api/", "/api/v1", "/api/v1/", "/api/v2/me",
            "/api/v1/../v1/me", "/api/v1/./me", "/api/v1//me", "//api/v1/me", "/..", "/a/..", "/.",
            "/a\\b", "/a%2e", "/a\x01", "/a\x7f", "/a\nb", "/API/v1/me/../x"};
    (void)state;
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(orl_request_route(paths[i]), ORL_ROUTE_NONE);
    }
    char path[ORL_REQUEST_PATH_MAX + 2];
    memset(path, 'a', sizeof(path));
    path[0] = '/';
    path[sizeof(path) - 1] = '\0';
    assert_int_equal(orl_request_route(path), ORL_ROUTE_NONE);
    path[sizeof(path) - 2] = '\0';
    assert_int_equal(orl_request_route(path), ORL_ROUTE_PAGE);
}

static void each_path_has_one_route(void **state)
{
    (void)state;
    assert_int_equal(orl_request_route("/"), ORL_ROUTE_PAGE);
    assert_int_equal(orl_request_route("/desktop/demo"), ORL_ROUTE_PAGE);
    assert_int_equal(orl_request_route("/assets/a..b.js"), ORL_ROUTE_PAGE);
    assert_int_equal(orl_request_route("/ws/desktop"), ORL_ROUTE_DESKTOP);
    assert_int_equal(orl_request_route("/ws/aux"), ORL_ROUTE_AUX);
    assert_int_equal(orl_request_route("/ws/desktop/"), ORL_ROUTE_PAGE);
    assert_int_equal(orl_request_route("/api/v1/me"), ORL_ROUTE_API);
    assert_int_equal(orl_request_route("/apis"), ORL_ROUTE_PAGE);
}

#define JOB "0123456789abcdef0123456789abcdef"
#define TICKET "abcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcd"

static void a_piece_of_a_file_has_job_ticket_and_offset(void **state)
{
    (void)state;
    struct orl_upload_to to;
    char json[700];
    unsigned status = 0;
    assert_int_equal(orl_request_route("/upload/" JOB), ORL_ROUTE_UPLOAD);
    assert_int_equal(orl_request_route("/upload/"), ORL_ROUTE_NONE);
    assert_int_equal(orl_request_route("/upload/" JOB "/x"), ORL_ROUTE_NONE);
    assert_true(orl_upload_parse("/upload/" JOB, "offset=17", "Upload " TICKET, &to));
    assert_string_equal(to.job, JOB);
    assert_string_equal(to.ticket, TICKET);
    assert_int_equal(to.offset, 17);
    assert_true(orl_upload_parse("/upload/" JOB, "", "Upload " TICKET, &to));
    assert_int_equal(to.offset, 0);
    assert_false(orl_upload_parse("/upload/x", "", "Upload " TICKET, &to));
    assert_false(orl_upload_parse("/upload/" JOB, "offset=-1", "Upload " TICKET, &to));
    assert_false(orl_upload_parse("/upload/" JOB, "offset=1&x=2", "Upload " TICKET, &to));
    assert_false(orl_upload_parse("/upload/" JOB, "", "Bearer " TICKET, &to));
    assert_false(orl_upload_parse("/upload/" JOB, "", "Upload " TICKET "a", &to));
    assert_false(orl_upload_parse("/upload/" JOB, "", "Upload a b", &to));
    assert_true(orl_upload_answer_json("200 ok 42 ", &status, json, sizeof(json)));
    assert_string_equal(json, "{\"offset\":42}");
    assert_true(orl_upload_answer_json("409 x 7 not \"it\"", &status, json, sizeof(json)));
    assert_int_equal(status, 409);
    assert_non_null(strstr(json, "\"detail\":\"not ?it?\",\"code\":\"x\",\"offset\":7"));
    assert_false(orl_upload_answer_json("", &status, json, sizeof(json)));
    assert_false(orl_upload_answer_json("42 x 1 y", &status, json, sizeof(json)));
}

static void a_brokers_path_is_encoded_again(void **state)
{
    char path[64];
    (void)state;
    assert_true(orl_request_broker_path("/api/v1/users/a b\xc3\xa9?#", path, sizeof(path)));
    assert_string_equal(path, "/v1/users/a%20b%C3%A9%3F%23");
    assert_true(orl_request_add_query(path, sizeof(path), "a=b&c=d", true));
    assert_string_equal(path, "/v1/users/a%20b%C3%A9%3F%23?a=b%26c%3Dd");
    assert_true(orl_request_add_query(path, sizeof(path), "x", false));
    assert_string_equal(path, "/v1/users/a%20b%C3%A9%3F%23?a=b%26c%3Dd&x");
    assert_false(
            orl_request_add_query(path, sizeof(path), "name=0123456789012345678901234", false));
    assert_false(orl_request_broker_path("/v1/me", path, sizeof(path)));
    assert_false(orl_request_broker_path("/api/v1/0123456789", path, 8));
}

static void only_the_hosts_own_listed_origin_may(void **state)
{
    const char *const list[] = {"https://portal.example", "https://127.0.0.1:8443", NULL};
    (void)state;
    assert_true(orl_request_origin_may(list, "https://portal.example", "portal.example"));
    assert_true(orl_request_origin_may(list, "https://127.0.0.1:8443", "127.0.0.1:8443"));
    assert_false(orl_request_origin_may(list, "https://127.0.0.1:8443", "portal.example"));
    assert_false(orl_request_origin_may(list, "https://other.example", "other.example"));
    assert_false(orl_request_origin_may(list, "http://portal.example", "portal.example"));
    assert_false(orl_request_origin_may(list, "https://portal.example.", "portal.example."));
    assert_false(orl_request_origin_may(list, "https://portal.example:443", "portal.example:443"));
    assert_false(orl_request_origin_may(list, "null", "null"));
    assert_false(orl_request_origin_may(list, "", ""));
    assert_false(orl_request_origin_may(NULL, "https://portal.example", "portal.example"));
}

static void origins_are_written_as_browsers_do(void **state)
{
    (void)state;
    assert_true(orl_request_origin_is_valid("https://a.example:8443"));
    assert_true(orl_request_origin_is_valid("https://[2001:db8::1]:8443"));
    assert_false(orl_request_origin_is_valid("https://"));
    assert_false(orl_request_origin_is_valid("https://A.example"));
    assert_false(orl_request_origin_is_valid("https://a.example/"));
    assert_false(orl_request_origin_is_valid("https://user@a.example"));
    assert_false(orl_request_origin_is_valid("*"));
}

static void an_offer_is_exactly_binary_and_one_ticket(void **state)
{
    const char *bad[] = {"", "binary", "binary, ", "oriel.t-0123456789abcdef.abcdefghjkmnpq23",
            "oriel.t-0123456789abcdef.abcdefghjkmnpq23, binary",
            "binary, oriel.t-0123456789abcde.abcdefghjkmnpq23",
            "binary, oriel.t-0123456789abcdef.abcdefghjkmnpq2",
            "binary, oriel.t-0123456789abcdef.abcdefghjkmnpq234",
            "binary, oriel.t-0123456789ABCDEF.abcdefghjkmnpq23",
            "binary, oriel.x-0123456789abcdef.abcdefghjkmnpq23",
            "binary, oriel.t-0123456789abcdef.abcdefghjkmnpq2.",
            "binary, oriel.t-0123456789abcdef.abcdefghjkmnpq23, binary",
            " binary, oriel.t-0123456789abcdef.abcdefghjkmnpq23"};
    struct orl_offer offer = {.ticket = "none"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(orl_offer_parse(bad[i], &offer));
    }
    assert_string_equal(offer.ticket, "none");
    assert_true(orl_offer_parse("binary, oriel.t-0123456789abcdef.abcdefghjkmnpq23", &offer));
    assert_string_equal(offer.ticket, "t-0123456789abcdef");
    assert_string_equal(offer.password, "abcdefghjkmnpq23");
    assert_true(orl_offer_parse("binary,oriel.t-0123456789abcdef.abcdefghjkmnpq23", &offer));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(paths_that_can_be_read_in_two_ways_have_no_route),
            cmocka_unit_test(each_path_has_one_route),
            cmocka_unit_test(a_piece_of_a_file_has_job_ticket_and_offset),
            cmocka_unit_test(a_brokers_path_is_encoded_again),
            cmocka_unit_test(only_the_hosts_own_listed_origin_may),
            cmocka_unit_test(origins_are_written_as_browsers_do),
            cmocka_unit_test(an_offer_is_exactly_binary_and_one_ticket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
