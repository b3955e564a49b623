#include "broker/api_fields.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

struct out {
    char name[8];
    uint32_t count;
    bool is_on;
};
static const struct orl_api_field fields[] = {
        {"name", ORL_API_STR, offsetof(struct out, name), 8, 0, true, NULL},
        {"count", ORL_API_U32, offsetof(struct out, count), 0, 100, false, NULL},
        {"on", ORL_API_BOOL, offsetof(struct out, is_on), 0, 0, false, NULL},
        {0},
};

static int read_text(const char *text, struct out *out, uint64_t *seen, struct orl_err *err)
{
    json_t *root = orl_api_parse(text, strlen(text), err);
    int rc = root == NULL ? ORL_E_INVAL : orl_api_fields_read(root, fields, out, seen, err);
    json_decref(root);
    return rc;
}

static void good_object_is_read(void **state)
{
    struct out out = {.count = 7};
    uint64_t seen = 0;
    (void)state;
    assert_int_equal(read_text("{\"name\":\"abc\",\"on\":true}", &out, &seen, NULL), 0);
    assert_string_equal(out.name, "abc");
    assert_int_equal(out.count, 7);
    assert_true(out.is_on);
    assert_int_equal(seen, 5);
}

static void faults_are_refused_and_named(void **state)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
            {"{\"name\":\"a\",\"naem\":1}", "'naem'"},
            {"{\"count\":1}", "'name'"},
            {"{\"name\":1}", "'name'"},
            {"{\"name\":\"12345678\"}", "'name'"},
            {"{\"name\":\"a\\n\"}", "'name'"},
            {"{\"name\":\"a\",\"count\":101}", "'count'"},
            {"{\"name\":\"a\",\"count\":-1}", "'count'"},
            {"{\"name\":\"a\",\"count\":1.0}", "'count'"},
            {"{\"name\":\"a\",\"count\":\"1\"}", "'count'"},
            {"{\"name\":\"a\",\"on\":1}", "'on'"},
            {"{\"name\":\"a\",\"on\":null}", "'on'"},
            {"{\"name\":\"a\",\"name\":\"b\"}", "JSON"},
            {"{\"name\":\"a\\u0000b\"}", "JSON"},
            {"{\"name\":\"a\"} x", "JSON"},
            {"{\"name\":\"\xff\"}", "JSON"},
            {"", "JSON"},
            {"[]", "object"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct out out = {0};
        struct orl_err err = {0};
        uint64_t seen = 0;
        assert_int_equal(read_text(bad[i].text, &out, &seen, &err), ORL_E_INVAL);
        assert_non_null(strstr(err.text, bad[i].says));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(good_object_is_read),
            cmocka_unit_test(faults_are_refused_and_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
