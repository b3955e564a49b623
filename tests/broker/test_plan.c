/* Component: what would change, and changing it whole or not at all; a real broker. */
#include "browser.h"

#include "broker/http.h"
#include "store/store_priv.h"

#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {"lease_s=30", "vmpool_silent_s=3600", NULL};
    (void)state;
    broker_start(&b, sets);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static json_t *ask(
        const char *path, const char *objects, bool is_pruning, const char *hash, int expected)
{
    int status = 0;
    json_t *body =
            json_pack("{s:o, s:b}", "objects", json_loads(objects, 0, NULL), "prune", is_pruning);
    if (hash != NULL) {
        (void)json_object_set_new(body, "plan", json_string(hash));
    }
    char *text = json_dumps(body, 0);
    json_t *answer = api(&b, "POST", path, text, &status);
    if (status != expected) {
        fail_msg("%s %s: %d, %s", path, text, status, json_dumps(answer, 0));
    }
    free(text);
    json_decref(body);
    return answer;
}

static size_t changes_of(const json_t *answer)
{
    return json_array_size(json_object_get(answer, "changes"));
}

static const char *hash_of(const json_t *answer)
{
    return json_string_value(json_object_get(answer, "plan"));
}

/* Plans and applies; how many changes. */
static size_t apply(const char *objects, bool is_pruning)
{
    json_t *plan = ask("/v1/plan", objects, is_pruning, NULL, 200);
    json_t *done = ask("/v1/apply", objects, is_pruning, hash_of(plan), 200);
    size_t count = changes_of(done);
    assert_int_equal(count, changes_of(plan));
    json_decref(plan);
    json_decref(done);
    return count;
}

static json_t *get(const char *path)
{
    int status = 0;
    json_t *answer = api(&b, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    return answer;
}

#define SITE                                                                                       \
    "{\"site\":{\"contact\":\"4711\"},\"reasons\":[{\"code\":\"pool_full\",\"text\":\"Full.\"}],"  \
    "\"users\":[{\"name\":\"ada\",\"display\":\"Ada\"},{\"name\":\"bea\"}],"                       \
    "\"pools\":[{\"name\":\"lab\",\"kind\":\"static\",\"max_session_s\":3600}],"                   \
    "\"entitlements\":[{\"user\":\"ada\",\"pool\":\"lab\"},{\"user\":\"Bea\",\"pool\":\"lab\"}]}"

static void what_is_applied_is_there_and_applying_it_again_changes_nothing(void **state)
{
    (void)state;
    assert_int_equal(apply(SITE, false), 7);
    assert_int_equal(apply(SITE, false), 0);
    json_t *pool = get("/v1/pools/lab");
    assert_int_equal(json_integer_value(json_object_get(pool, "max_session_s")), 3600);
    json_decref(pool);
    json_t *doc = get("/v1/export");
    char *text = json_dumps(doc, 0);
    assert_int_equal(apply(text, true), 0); /* what is exported is what is there, all of it */
    assert_null(strstr(text, "password"));
    free(text);
    json_decref(doc);
}

static void a_plan_changes_nothing_and_says_whom_it_touches(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_static_pool(&b, "room", 1);
    add_user(&b, "carl", "room");
    uint32_t conn = send_login(&b, gw, "carl", "password-carl", "", "10.4.0.1:1");
    (void)expect_plan(gw, conn, true);
    json_t *plan = ask("/v1/plan",
            "{\"pools\":[{\"name\":\"room\",\"maintenance\":true,\"idle_timeout_s\":600}]}", false,
            NULL, 200);
    assert_int_equal(changes_of(plan), 2);
    json_t *change = json_array_get(json_object_get(plan, "changes"), 0);
    json_t *affect = json_array_get(json_object_get(change, "affects"), 0);
    assert_string_equal(json_string_value(json_object_get(affect, "what")), "sessions");
    assert_int_equal(json_integer_value(json_object_get(affect, "count")), 1);
    assert_string_equal(
            json_string_value(json_array_get(json_object_get(affect, "names"), 0)), "carl");
    json_decref(plan);
    json_t *pool = get("/v1/pools/room");
    assert_false(json_is_true(json_object_get(pool, "maintenance")));
    json_decref(pool);
    close(gw);
}

static void what_an_apply_gave_to_whom_is_in_the_audit(void **state)
{
    static const struct {
        const char *object;
        const char *detail;
    } wanted[] = {{"user:bea", "apply may_break_glass=true role=\"operator\""},
            {"user:rita", "apply role=\"viewer\" may_break_glass=true"}};
    (void)state;
    assert_int_equal(apply("{\"users\":[{\"name\":\"bea\",\"may_break_glass\":true,"
                           "\"role\":\"operator\"},{\"name\":\"rita\",\"role\":\"viewer\","
                           "\"may_break_glass\":true}]}",
                             false),
            3);
    for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
        char path[80];
        (void)snprintf(path, sizeof(path), "/v1/audit?object=%s&limit=1", wanted[i].object);
        json_t *rows = get(path);
        json_t *row = json_array_get(json_object_get(rows, "audit"), 0);
        assert_string_equal(json_string_value(json_object_get(row, "detail")), wanted[i].detail);
        json_decref(rows);
    }
}

static void one_wrong_line_applies_nothing_and_is_named(void **state)
{
    static const struct {
        const char *objects;
        const char *field;
    } bad[] = {
            {"{\"users\":[{\"name\":\"dora\"},{\"name\":\"emil\",\"role\":\"king\"}]}",
                    "/users/1/role"},
            {"{\"users\":[{\"name\":\"dora\"},{\"name\":\"emil\",\"shoe\":1}]}", "/users/1/shoe"},
            {"{\"users\":[{\"name\":\"dora\"},{\"name\":\"DORA\"}]}", "/users/1"},
            {"{\"users\":[{\"name\":\"dora\"},7]}", "/users/1"},
            {"{\"users\":[{\"name\":\"dora\"}],\"pools\":[{\"name\":\"lab\",\"kind\":\"floating\"}]"
             "}",
                    "/pools/0/kind"},
            {"{\"users\":[{\"name\":\"dora\"}],\"pools\":[{\"name\":\"x\",\"kind\":\"floating\","
             "\"template\":\"none\",\"max\":1}]}",
                    "/pools/0"},
            {"{\"users\":[{\"name\":\"dora\"}],\"pools\":[{\"name\":\"lab\",\"warn_last_s\":9999}]"
             "}",
                    "/pools/0/warn_last_s"},
            {"{\"users\":[{\"name\":\"dora\"}],\"entitlements\":[{\"user\":\"dora\",\"pool\":"
             "\"no\"}]}",
                    "/entitlements/0"},
            {"{\"users\":[{\"name\":\"dora\"}],\"templates\":[{\"name\":\"no\"}]}",
                    "/templates/0/name"},
            {"{\"users\":[{\"name\":\"dora\"}],\"reasons\":[{\"code\":\"no\",\"text\":\"a\"}]}",
                    "/reasons/0/code"},
            {"{\"users\":[{\"name\":\"dora\"}],\"site\":{\"phone\":\"1\"}}", "/site/phone"},
            {"{\"users\":[{\"name\":\"dora\"}],\"stars\":[]}", "/stars"},
            {"{\"users\":{}}", "/users"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        json_t *answer = ask("/v1/plan", bad[i].objects, false, NULL, 400);
        json_t *error = json_array_get(json_object_get(answer, "errors"), 0);
        assert_string_equal(json_string_value(json_object_get(error, "field")), bad[i].field);
        json_decref(answer);
        json_decref(ask("/v1/apply", bad[i].objects, false, "any", 400));
    }
    api_ok(&b, "GET", "/v1/users/dora", NULL, 404);
}

static void who_comes_second_is_told_what_changed(void **state)
{
    static const char wanted[] = "{\"pools\":[{\"name\":\"lab\",\"max_session_s\":7200}]}";
    (void)state;
    json_t *plan = ask("/v1/plan", wanted, false, NULL, 200);
    api_ok(&b, "PATCH", "/v1/pools/lab", "{\"max_session_s\":1800}", 200);
    json_t *refused = ask("/v1/apply", wanted, false, hash_of(plan), 412);
    json_t *now = json_object_get(refused, "current");
    json_t *change = json_array_get(json_object_get(now, "changes"), 0);
    assert_int_equal(json_integer_value(json_object_get(change, "from")), 1800);
    json_decref(ask("/v1/apply", wanted, false, hash_of(now), 200));
    json_decref(refused);
    json_decref(plan);
}

static void only_pruning_removes_and_only_in_lists_that_are_named(void **state)
{
    uint32_t conn = 0;
    (void)state;
    int gw = gateway_connect(&b);
    add_static_pool(&b, "gone", 1);
    add_user(&b, "gert", "gone");
    conn = send_login(&b, gw, "gert", "password-gert", "", "10.4.1.1:1");
    (void)expect_plan(gw, conn, true);
    assert_int_equal(apply("{\"entitlements\":[]}", false), 0);
    json_t *doc = get("/v1/export");
    json_t *kept = json_array();
    size_t i;
    json_t *one;
    json_array_foreach(json_object_get(doc, "entitlements"), i, one)
    {
        if (strcmp(json_string_value(json_object_get(one, "user")), "gert") != 0) {
            json_array_append(kept, one);
        }
    }
    json_t *wanted = json_pack("{s:o}", "entitlements", kept);
    char *text = json_dumps(wanted, 0);
    json_t *plan = ask("/v1/plan", text, true, NULL, 200);
    assert_int_equal(changes_of(plan), 1);
    char *says = json_dumps(plan, 0);
    assert_non_null(strstr(says, "\"people\""));
    assert_non_null(strstr(says, "\"sessions\""));
    free(says);
    json_decref(plan);
    assert_int_equal(apply(text, true), 1);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    api_ok(&b, "GET", "/v1/users/gert", NULL, 200);
    free(text);
    json_decref(wanted);
    json_decref(doc);
    close(gw);
}

static void groups_come_and_go_and_who_loses_access_is_named(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_static_pool(&b, "den", 1);
    add_user(&b, "hanna", NULL);
    assert_int_equal(
            apply("{\"groups\":[{\"name\":\"all\"},{\"name\":\"staff\",\"display\":\"Staff\"}],"
                  "\"group_users\":[{\"group\":\"staff\",\"user\":\"hanna\"}],"
                  "\"group_children\":[{\"group\":\"all\",\"child\":\"staff\"}],"
                  "\"group_entitlements\":[{\"group\":\"all\",\"pool\":\"den\"}]}",
                    false),
            5);
    json_t *doc = get("/v1/export");
    char *text = json_dumps(doc, 0);
    assert_int_equal(apply(text, true), 0);
    free(text);
    json_decref(doc);
    uint32_t conn = send_login(&b, gw, "hanna", "password-hanna", "", "10.4.2.1:1");
    (void)expect_plan(gw, conn, true);
    static const char without[] = "{\"group_children\":[]}";
    json_t *plan = ask("/v1/plan", without, true, NULL, 200);
    json_t *lost = json_array_get(json_object_get(plan, "lost"), 0);
    assert_string_equal(json_string_value(json_object_get(lost, "user")), "hanna");
    assert_string_equal(json_string_value(json_object_get(lost, "pool")), "den");
    char *says = json_dumps(json_object_get(plan, "changes"), JSON_SORT_KEYS);
    assert_non_null(strstr(says, "\"names\": [\"hanna\"], \"what\": \"people\""));
    assert_non_null(strstr(says, "\"names\": [\"hanna\"], \"what\": \"sessions\""));
    free(says);
    json_decref(plan);
    assert_int_equal(apply(without, true), 1);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    assert_int_equal(
            apply("{\"groups\":[]}", true), 4); /* with who is in them and what they may use */
    close(gw);
}

static void who_keeps_a_pool_by_a_group_loses_nothing_with_their_own_entitlement(void **state)
{
    static const char without[] = "{\"entitlements\":[]}";
    (void)state;
    int gw = gateway_connect(&b);
    add_static_pool(&b, "attic", 2);
    add_user(&b, "ines", "attic");
    add_user(&b, "jonas", "attic");
    (void)apply("{\"groups\":[{\"name\":\"keepers\"}],"
                "\"group_users\":[{\"group\":\"keepers\",\"user\":\"ines\"}],"
                "\"group_entitlements\":[{\"group\":\"keepers\",\"pool\":\"attic\"}]}",
            false);
    uint32_t keeps = send_login(&b, gw, "ines", "password-ines", "attic", "10.4.3.1:1");
    (void)expect_plan(gw, keeps, true);
    uint32_t loses = send_login(&b, gw, "jonas", "password-jonas", "attic", "10.4.3.2:1");
    (void)expect_plan(gw, loses, true);
    json_t *plan = ask("/v1/plan", without, true, NULL, 200);
    char *says = json_dumps(plan, JSON_SORT_KEYS);
    assert_null(strstr(says, "[\"ines\"]"));
    assert_non_null(strstr(says, "\"names\": [\"jonas\"], \"what\": \"people\""));
    assert_non_null(strstr(says, "\"names\": [\"jonas\"], \"what\": \"sessions\""));
    assert_non_null(strstr(says, "{\"pool\": \"attic\", \"user\": \"jonas\"}"));
    assert_null(strstr(says, "\"user\": \"ines\"}]"));
    free(says);
    json_decref(plan);
    (void)apply(without, true);
    expect_refusal(&b, gw, loses, ORL_REASON_ACCESS_REVOKED);
    expect_silence(gw);
    close(gw);
}

static void nothing_is_closed_where_the_deed_fails(void **state)
{
    (void)state;
    int gw = gateway_connect(&b);
    add_static_pool(&b, "cellar", 1);
    add_user(&b, "karl", "cellar");
    uint32_t conn = send_login(&b, gw, "karl", "password-karl", "cellar", "10.4.4.1:1");
    struct orl_msg_plan plan = expect_plan(gw, conn, true);
    /* The row comes last: by then karl's session is disconnected, inside the transaction. */
    assert_int_equal(orl_db_exec(b.store->db,
                             "CREATE TRIGGER no_row BEFORE INSERT ON audit"
                             " WHEN NEW.action IN ('user.change', 'entitlement.remove')"
                             " BEGIN SELECT RAISE(ABORT, 'no'); END",
                             NULL),
            0);
    api_ok(&b, "PATCH", "/v1/users/karl", "{\"is_disabled\":true}", 500);
    api_ok(&b, "DELETE", "/v1/entitlements/karl/cellar", NULL, 500);
    expect_silence(gw);
    await_session(&b, plan.session, "active");
    assert_int_equal(orl_db_exec(b.store->db, "DROP TRIGGER no_row", NULL), 0);
    api_ok(&b, "PATCH", "/v1/users/karl", "{\"is_disabled\":true}", 200);
    expect_refusal(&b, gw, conn, ORL_REASON_ACCESS_REVOKED);
    close(gw);
}

/* A document of so many new people, and the hash of its plan (NULL: none yet); the caller frees it. */
static char *crowd_request(const char *path, unsigned count, const char *hash)
{
    json_t *users = json_array();
    for (unsigned i = 0; i < count; i++) {
        char name[24];
        (void)snprintf(name, sizeof(name), "crowd%05u", i);
        (void)json_array_append_new(
                users, json_pack("{s:s, s:s}", "name", name, "display", "One of many"));
    }
    json_t *body = json_pack("{s:{s:o}}", "objects", "users", users);
    if (hash != NULL) {
        (void)json_object_set_new(body, "plan", json_string(hash));
    }
    char *text = json_dumps(body, JSON_COMPACT);
    size_t size = strlen(text) + 200;
    char *request = malloc(size);
    (void)snprintf(request, size,
            "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
            path, strlen(text), text);
    free(text);
    json_decref(body);
    return request;
}

static void others_log_in_and_hear_events_while_many_are_applied(void **state)
{
    enum { PEOPLE = 4000, ANSWER_BYTES = 4 * 1024 * 1024 };
    static char text[65536];
    (void)state;
    char *buf = malloc(ANSWER_BYTES);
    struct browser w = browser_at(&b, "10.4.5.1:1");
    add_user(&b, "vera", NULL);
    api_ok(&b, "PATCH", "/v1/users/vera", "{\"role\":\"viewer\"}", 200);
    char *request = crowd_request("/v1/plan", PEOPLE, NULL);
    assert_int_equal(api_exchange(&b, request, strlen(request), buf, ANSWER_BYTES), 200);
    free(request);
    json_t *plan = json_loads(strstr(buf, "\r\n\r\n") + 4, 0, NULL);
    assert_int_equal(changes_of(plan), PEOPLE);
    request = crowd_request("/v1/apply", PEOPLE, hash_of(plan));
    struct pollfd apply = {.fd = api_connect(&b), .events = POLLIN};
    assert_int_equal(send(apply.fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
    browser_login(&w, "vera");
    int events = browser_send(&w, "GET", "/v1/events", NULL);
    text[0] = '\0';
    assert_true(browser_reads(events, "event: load", text, sizeof(text)));
    json_decref(get("/v1/users?limit=1"));
    assert_int_equal(poll(&apply, 1, 0), 0); /* all that while it is not done */
    text[0] = '\0';
    assert_true(browser_reads(apply.fd, "HTTP/1.1 200", text, sizeof(text)));
    json_decref(get("/v1/users/crowd03999"));
    close(events);
    close(apply.fd);
    free(request);
    json_decref(plan);
    free(buf);
}

/* Status of a body that is larger than others may be. */
static int send_site(const struct browser *w, const char *path, const char *body)
{
    static char answer[1 << 20];
    const size_t size = strlen(body) + 1000;
    char *request = malloc(size);
    size_t len = browser_request(w, "POST", path, body, request, size);
    int status = api_exchange(&b, request, len, answer, sizeof(answer));
    free(request);
    return status;
}

static void a_long_site_is_read_from_an_administrator_who_logged_in_and_from_nobody_else(
        void **state)
{
    enum { PEOPLE = 3000 };
    struct browser nobody = browser_at(&b, "10.4.6.1:1");
    struct browser adele = browser_at(&b, "10.4.6.2:1");
    struct browser oskar = browser_at(&b, "10.4.6.3:1");
    (void)state;
    add_user(&b, "adele", NULL);
    add_user(&b, "oskar", NULL);
    api_ok(&b, "PATCH", "/v1/users/adele", "{\"role\":\"admin\"}", 200);
    api_ok(&b, "PATCH", "/v1/users/oskar", "{\"role\":\"operator\"}", 200);
    browser_login(&adele, "adele");
    browser_login(&oskar, "oskar");
    char *request = crowd_request("/v1/plan", PEOPLE, NULL);
    const char *body = strstr(request, "\r\n\r\n") + 4;
    assert_true(strlen(body) > 2 * ORL_HTTP_BODY_MAX);
    assert_int_equal(send_site(&adele, "/v1/plan", body), 200);
    assert_int_equal(send_site(&adele, "/v1/users", body), 413);
    /* Not even read: their connection may break before they have sent it. */
    int status = send_site(&oskar, "/v1/plan", body);
    assert_true(status == 403 || status == 0);
    status = send_site(&nobody, "/v1/apply", body);
    assert_true(status == 401 || status == 0);
    api_ok(&b, "PATCH", "/v1/users/adele", "{\"role\":\"viewer\"}", 200);
    status = send_site(&adele, "/v1/plan", body);
    assert_true(status == 403 || status == 401 || status == 0);
    free(request);
}

/* Until the broker's log has the word. */
static void await_log(const char *word)
{
    char path[100];
    char line[1024];
    (void)snprintf(path, sizeof(path), "%s/log", b.dir);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (unsigned tries = 0; tries < 600; tries++) {
        while (fgets(line, sizeof(line), file) != NULL) {
            if (strstr(line, word) != NULL) {
                (void)fclose(file);
                return;
            }
        }
        clearerr(file);
        (void)usleep(100000);
    }
    fail_msg("the broker's log has no %s", word);
}

/* The store is held, so that the first can't end and the others wait; the first answer is of one that finds all places
 * taken. */
static void who_waits_for_a_plan_when_the_broker_stops_is_told(void **state)
{
    enum { REQUESTS = 12 };
    static char text[4096];
    struct pollfd asked[REQUESTS];
    unsigned told = 0;
    unsigned refused = 0;
    (void)state;
    {
        ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
        assert_int_equal(orl_store_tx_begin(b.store, &tx, NULL), 0);
        char *request = crowd_request("/v1/plan", 1, NULL);
        for (unsigned i = 0; i < REQUESTS; i++) {
            asked[i] = (struct pollfd){.fd = api_connect(&b), .events = POLLIN};
            assert_true(send(asked[i].fd, request, strlen(request), MSG_NOSIGNAL) > 0);
        }
        free(request);
        assert_true(poll(asked, REQUESTS, 60000) > 0);
        assert_int_equal(kill(b.pid, SIGTERM), 0);
        await_log("stopping");
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        text[0] = '\0';
        assert_true(browser_reads(asked[i].fd, "}", text, sizeof(text)));
        told += strstr(text, " 503 ") != NULL && strstr(text, "The broker stops.") != NULL;
        refused += strstr(text, " 503 ") != NULL && strstr(text, "Others plan") != NULL;
        close(asked[i].fd);
    }
    assert_true(told > 0);
    /* The one that ran may have ended well, and on a slow machine one before it for want of the store. */
    assert_true(told + refused >= REQUESTS - 2);
    broker_kill(&b, SIGTERM); /* again, which changes nothing */
    broker_restart(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_applied_is_there_and_applying_it_again_changes_nothing),
            cmocka_unit_test(a_plan_changes_nothing_and_says_whom_it_touches),
            cmocka_unit_test(what_an_apply_gave_to_whom_is_in_the_audit),
            cmocka_unit_test(one_wrong_line_applies_nothing_and_is_named),
            cmocka_unit_test(who_comes_second_is_told_what_changed),
            cmocka_unit_test(only_pruning_removes_and_only_in_lists_that_are_named),
            cmocka_unit_test(groups_come_and_go_and_who_loses_access_is_named),
            cmocka_unit_test(who_keeps_a_pool_by_a_group_loses_nothing_with_their_own_entitlement),
            cmocka_unit_test(nothing_is_closed_where_the_deed_fails),
            cmocka_unit_test(
                    a_long_site_is_read_from_an_administrator_who_logged_in_and_from_nobody_else),
            cmocka_unit_test(others_log_in_and_hear_events_while_many_are_applied),
            cmocka_unit_test(who_waits_for_a_plan_when_the_broker_stops_is_told),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
