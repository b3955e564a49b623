#include "cli/output.h"

#include "tests/cli/cli_test.h"
#include <stdlib.h>
#include <string.h>

static char *print(const char *noun, const char *verb, const char *json, const char *password)
{
    struct orl_cli_call call = {.cmd = orl_cli_find(noun, verb), .args = {"first", "second"}};
    orl_msg_text(call.password, sizeof(call.password), password);
    json_t *answer = json_loads(json, 0, NULL);
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(answer);
    assert_non_null(out);
    orl_cli_print(&call, answer, out);
    assert_int_equal(fclose(out), 0);
    json_decref(answer);
    return text;
}

static void assert_printed(char *text, const char *wanted)
{
    assert_string_equal(text, wanted);
    free(text);
}

static void a_table_is_as_wide_as_its_cells(void **state)
{
    (void)state;
    assert_printed(print("entitlement", "list",
                           "{\"entitlements\":[{\"user\":\"a-long-name\",\"pool\":\"p\"},"
                           "{\"user\":\"\xc3\xa4\",\"pool\":\"demo\"}]}",
                           ""),
            "USER         GROUP  POOL\n"
            "a-long-name  -      p\n"
            "\xc3\xa4            -      demo\n");
    assert_printed(
            print("entitlement", "list", "{\"entitlements\":[]}", ""), "USER  GROUP  POOL\n");
    assert_printed(print("entitlement", "list", "{}", ""), "USER  GROUP  POOL\n");
}

static void members_of_members_booleans_and_times(void **state)
{
    (void)state;
    char *text = print("pool", "list",
            "{\"pools\":[{\"name\":\"demo\",\"desktops\":{\"ready\":3},\"maintenance\":true}]}",
            "");
    assert_non_null(strstr(text, " 3 "));
    assert_non_null(strstr(text, "yes"));
    free(text);
    text = print("user", "list",
            "{\"users\":[{\"name\":\"bob\",\"created_ms\":1700000000000,\"is_disabled\":false}]}",
            "");
    assert_non_null(strstr(text, "2023-11-14T22:13:20Z"));
    assert_non_null(strstr(text, " no "));
    free(text);
    text = print(
            "host", "list", "{\"hosts\":[{\"name\":\"here\",\"load\":25.690000000000001}]}", "");
    assert_non_null(strstr(text, " 25.69 "));
    free(text);
}

static void an_object_is_printed_to_its_end(void **state)
{
    enum { KINDS = 3, KEYS = 50 };
    (void)state;
    struct orl_cli_call call = {.cmd = orl_cli_find("pool", "defaults")};
    json_t *answer = json_object();
    char key[16];
    char *text = NULL;
    size_t len = 0;
    for (unsigned i = 0; i < KINDS; i++) {
        json_t *kind = json_object();
        for (unsigned k = 0; k < KEYS; k++) {
            (void)snprintf(key, sizeof(key), "key-%u", k);
            assert_int_equal(json_object_set_new(kind, key, json_integer(k)), 0);
        }
        (void)snprintf(key, sizeof(key), "kind-%u", i);
        assert_int_equal(json_object_set_new(answer, key, kind), 0);
    }
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    orl_cli_print(&call, answer, out);
    assert_int_equal(fclose(out), 0);
    json_decref(answer);
    unsigned lines = 0;
    for (const char *c = text; *c != '\0'; c++) {
        lines += *c == '\n';
    }
    assert_int_equal(lines, KINDS * KEYS);
    assert_non_null(strstr(text, "kind-2.key-49"));
    free(text);
}

static void an_object_is_a_line_per_field(void **state)
{
    (void)state;
    assert_printed(
            print("user", "show", "{\"name\":\"bob\",\"created_ms\":0,\"display\":\"\"}", ""),
            "name        bob\ncreated_ms  -\ndisplay     -\n");
}

static void what_was_done_is_a_sentence(void **state)
{
    (void)state;
    assert_printed(print("entitlement", "add", "{}", ""), "first may use pool second\n");
    assert_printed(print("desktop", "add", "{\"id\":\"00ff\"}", ""), "desktop 00ff added\n");
    assert_printed(print("user", "add", "{}", "hunter2"), "user first added\npassword: hunter2\n");
}

static void who_did_not_get_a_message_is_named(void **state)
{
    (void)state;
    assert_printed(print("message", "all", "{\"shown\":2,\"skipped\":0,\"skipped_users\":[]}", ""),
            "shown at 2 desktops\n");
    assert_printed(
            print("message", "pool",
                    "{\"shown\":1,\"skipped\":2,\"skipped_users\":[\"bob\",\"e\\u001bve\"]}", ""),
            "shown at 1 desktops\nnot to 2, who got another one just now: bob, e?ve\n");
}

static void nothing_moves_the_terminal(void **state)
{
    (void)state;
    assert_printed(
            print("user", "show", "{\"display\":\"a\\u001b[2Jb\\u0007\\u009bc\\u00e4\"}", ""),
            "display  a?[2Jb??c\xc3\xa4\n");
}

static void a_refusal_has_text_code_and_audit(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
            {"{\"code\":\"not_entitled\",\"detail\":\"No.\",\"audit\":\"00ff\"}",
                    "oriel: refused: No. (not_entitled, audit 00ff)\n"},
            {"{\"code\":\"conflict\",\"detail\":\"No.\"}", "oriel: refused: No. (conflict)\n"},
            {"{}", "oriel: refused: no reason given (HTTP 418)\n"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        json_t *answer = json_loads(cases[i][0], 0, NULL);
        char *text = NULL;
        size_t len = 0;
        FILE *out = open_memstream(&text, &len);
        assert_non_null(out);
        orl_cli_print_refusal(answer, 418, out);
        assert_int_equal(fclose(out), 0);
        json_decref(answer);
        assert_printed(text, cases[i][1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_table_is_as_wide_as_its_cells),
            cmocka_unit_test(members_of_members_booleans_and_times),
            cmocka_unit_test(an_object_is_printed_to_its_end),
            cmocka_unit_test(an_object_is_a_line_per_field),
            cmocka_unit_test(what_was_done_is_a_sentence),
            cmocka_unit_test(who_did_not_get_a_message_is_named),
            cmocka_unit_test(nothing_moves_the_terminal),
            cmocka_unit_test(a_refusal_has_text_code_and_audit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
