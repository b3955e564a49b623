/* YAML in and out: what comes back, where it stood, what is refused. */
#include "cli/yaml.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void what_is_written_is_read_back_as_it_was(void **state)
{
    static const char doc[] =
            "{\"site\":{\"contact\":\"Gr\xc3\xbc\xc3\x9f"
            "e: 4711 # x\",\"notice\":\"\"},\"users\":[{\"name\":\"007\",\"display\":\"no\","
            "\"is_disabled\":false,\"max\":4294967295},{\"name\":\"a: b\",\"display\":\"- x\"},"
            "{\"name\":\"true\",\"display\":\"it's \\\"it\\\"\"}],\"pools\":[],"
            "\"none\":null,\"minus\":-3,\"float\":\"1e3\",\"time\":\"08:00\",\"blank\":\"  a \"}";
    char *text = NULL;
    size_t len = 0;
    json_t *root = json_loads(doc, 0, NULL);
    json_t *back = NULL;
    json_t *lines = NULL;
    struct orl_err err = {0};
    (void)state;
    assert_non_null(root);
    FILE *out = open_memstream(&text, &len);
    assert_int_equal(orl_cli_yaml_write(root, out, &err), 0);
    (void)fclose(out);
    assert_int_equal(orl_cli_yaml_read(text, len, &back, &lines, &err), 0);
    if (!json_equal(root, back)) {
        fail_msg("%s\n%s", text, json_dumps(back, 0));
    }
    json_decref(root);
    json_decref(back);
    json_decref(lines);
    free(text);
}

static void each_place_has_its_line(void **state)
{
    static const char text[] = "# a comment\n"
                               "site:\n"
                               "  contact: help\n"
                               "pools:\n"
                               "- name: one\n"
                               "  max: 3\n"
                               "\n"
                               "- {name: two, max: 4}\n";
    json_t *root = NULL;
    json_t *lines = NULL;
    (void)state;
    assert_int_equal(orl_cli_yaml_read(text, strlen(text), &root, &lines, NULL), 0);
    assert_int_equal(orl_cli_yaml_line(lines, "/site/contact"), 3);
    assert_int_equal(orl_cli_yaml_line(lines, "/site/phone"), 2); /* the nearest around it */
    assert_int_equal(orl_cli_yaml_line(lines, "/pools/0"), 5);
    assert_int_equal(orl_cli_yaml_line(lines, "/pools/0/max"), 6);
    assert_int_equal(orl_cli_yaml_line(lines, "/pools/1/max"), 8);
    json_decref(root);
    json_decref(lines);
}

static void expect_refused(const char *text, const char *start)
{
    struct orl_err err = {0};
    json_t *root = NULL;
    json_t *lines = NULL;
    assert_true(orl_cli_yaml_read(text, strlen(text), &root, &lines, &err) < 0);
    if (strncmp(err.text, start, strlen(start)) != 0) {
        fail_msg("%s: %s", text, err.text);
    }
}

static void what_is_not_understood_is_refused_with_its_line(void **state)
{
    (void)state;
    expect_refused("a: 1\nb: [1\nc: 2\n", "3:");
    expect_refused("a: 1\nb: 2\na: 3\n", "3: this name is there twice");
    expect_refused("- a\n", "1:");
    expect_refused("a\n", "1:");
    expect_refused("? [x]\n: 1\n", "1: a name is needed");
    expect_refused("a: {b: {c: {d: {e: {f: {g: {h: {i: 1}}}}}}}}\n", "1: too much");
    expect_refused("a: \"\\0\"\n", "1: a text holds NUL");
    expect_refused("\xff\xfe\xfd", "1:");
    expect_refused("a: [*b]\n", "1:");
    expect_refused("a: 1\nb: !!int \"5\"\n", "2: tags");
    expect_refused("a: 1\nb: !own [x]\n", "2: tags");
    expect_refused("a: 1\n---\nb: 2\n", "3: a second document");
    expect_refused("a: 1\n---\nb: [\n", "4:");
}

/* Nine lines that would become a thousand million texts. */
static void aliases_do_not_blow_up(void **state)
{
    char text[2000] = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
    (void)state;
    for (unsigned i = 1; i < 7; i++) {
        char line[200];
        (void)snprintf(line, sizeof(line),
                "a%u: &a%u [*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u,*a%u]\n", i, i, i - 1,
                i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);
        strncat(text, line, sizeof(text) - strlen(text) - 1);
    }
    expect_refused(text, "1: too much");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_written_is_read_back_as_it_was),
            cmocka_unit_test(each_place_has_its_line),
            cmocka_unit_test(what_is_not_understood_is_refused_with_its_line),
            cmocka_unit_test(aliases_do_not_blow_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
