#include "base/secret.h"
#include "broker/api_fields.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

enum { PIECES = 256, PIECE_MAX = 65536 };
static struct {
    void *at;
    size_t size;
} pieces[PIECES];
static size_t piece_count;

static void *malloc_noted(size_t size)
{
    void *at = malloc(size);
    assert_true(piece_count < PIECES && size <= PIECE_MAX);
    pieces[piece_count].at = at;
    pieces[piece_count++].size = size;
    return at;
}

/* How many of the pieces that are free by now still have some of the text: through the kernel, which reads what a
 * program may not. */
static unsigned count_remains(const char *text)
{
    static char bytes[PIECE_MAX];
    unsigned count = 0;
    int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
    assert_true(memory >= 0);
    for (size_t i = 0; i < piece_count; i++) {
        ssize_t got = pread(memory, bytes, pieces[i].size, (off_t)(uintptr_t)pieces[i].at);
        count += got > 0 && memmem(bytes, (size_t)got, text, strlen(text)) != NULL;
    }
    close(memory);
    return count;
}

static void of_a_secret_in_a_body_nothing_remains(void **state)
{
    struct {
        char secret[128];
    } out;
    static const struct orl_api_field secret_fields[] = {
            {"secret", ORL_API_STR, 0, sizeof(out.secret), 0, true, NULL}, {0}};
    static const char text[] =
            "{\"secret\":\"begin-of-it-0123456789-0123456789-0123456789-0123456789-end-of-it\"}";
    uint64_t seen = 0;
    (void)state;
    json_set_alloc_funcs(malloc_noted, orl_secret_free);
    json_t *root = orl_api_parse(text, strlen(text), NULL);
    assert_int_equal(orl_api_fields_read(root, secret_fields, &out, &seen, NULL), 0);
    assert_true(count_remains("-end-of-it") > 0); /* it can be found */
    json_decref(root);
    json_set_alloc_funcs(malloc, free);
    assert_int_equal(count_remains("-end-of-it"), 0);
    assert_int_equal(count_remains("begin-of-it"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(good_object_is_read),
            cmocka_unit_test(faults_are_refused_and_named),
            cmocka_unit_test(of_a_secret_in_a_body_nothing_remains),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
