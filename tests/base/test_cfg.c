#include "base/cfg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct sample {
    char *name;
    int64_t port;
    bool is_on;
    int colour;
    char **items;
};
static const char *const colours[] = {"red", "green", NULL};
static const struct orl_cfg_key keys[] = {
        {"name", ORL_CFG_STR, offsetof(struct sample, name), 0, 10, NULL, "oriel", NULL, "A name."},
        {"port", ORL_CFG_INT, offsetof(struct sample, port), 1, 65535, NULL, "3389", NULL,
                "A port."},
        {"is_on", ORL_CFG_BOOL, offsetof(struct sample, is_on), 0, 0, NULL, "true", NULL, "On."},
        {"colour", ORL_CFG_ENUM, offsetof(struct sample, colour), 0, 0, NULL, "green", colours,
                "C."},
        {"items", ORL_CFG_LIST, offsetof(struct sample, items), 0, 20, NULL, "a, b", NULL, "L."},
        {0},
};
static char path[] = "/tmp/oriel-cfg-XXXXXX";

static int load(const char *text, struct sample *ret, struct orl_err *err)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    memset(ret, 0, sizeof(*ret));
    return orl_cfg_load(path, false, keys, ret, err);
}

static void refused(const char *text, const char *wanted)
{
    struct sample cfg;
    struct orl_err err;
    assert_true(load(text, &cfg, &err) < 0);
    if (strstr(err.text, wanted) == NULL || strstr(err.text, path) == NULL) {
        fail_msg("'%s' does not say '%s' and the file", err.text, wanted);
    }
}

static void without_a_file_all_defaults_hold(void **state)
{
    (void)state;
    struct sample cfg = {0};
    assert_int_equal(orl_cfg_load("/nonexistent/x.yaml", true, keys, &cfg, NULL), 0);
    assert_string_equal(cfg.name, "oriel");
    assert_int_equal(cfg.port, 3389);
    assert_true(cfg.is_on);
    assert_int_equal(cfg.colour, 1);
    assert_string_equal(cfg.items[0], "a");
    assert_string_equal(cfg.items[1], "b");
    assert_null(cfg.items[2]);
    orl_cfg_fini(keys, &cfg);
    struct orl_err err;
    assert_true(orl_cfg_load("/nonexistent/x.yaml", false, keys, &cfg, &err) < 0);
    assert_non_null(strstr(err.text, "/nonexistent/x.yaml"));
}

static void a_file_replaces_what_it_names(void **state)
{
    (void)state;
    struct sample cfg;
    assert_int_equal(
            load("# c\nport: 1\nis_on: no\ncolour: red\nitems: [x, \"y z\"]\n", &cfg, NULL), 0);
    assert_string_equal(cfg.name, "oriel");
    assert_int_equal(cfg.port, 1);
    assert_false(cfg.is_on);
    assert_int_equal(cfg.colour, 0);
    assert_string_equal(cfg.items[1], "y z");
    orl_cfg_fini(keys, &cfg);
    assert_int_equal(load("# only a comment\n\n", &cfg, NULL), 0);
    assert_int_equal(cfg.port, 3389);
    orl_cfg_fini(keys, &cfg);
}

static void mistakes_are_refused_with_file_and_key(void **state)
{
    (void)state;
    refused("prot: 1\n", "prot");
    refused("port: 0\n", "port");
    refused("port: 65536\n", "65535");
    refused("port: abc\n", "port");
    refused("port: 12x\n", "port");
    refused("port: [1]\n", "port");
    refused("is_on: maybe\n", "is_on");
    refused("colour: blue\n", "green");
    refused("name: 01234567890\n", "name");
    refused("port: 1\nport: 2\n", "second time");
    refused("port: 1\n bad\n  indent: [\n", ":");
    refused("- a\n", "");
}

static void a_dump_reads_back_the_same(void **state)
{
    (void)state;
    struct sample cfg;
    assert_int_equal(load("name: 'a\"b\\c'\nport: 77\nitems: []\n", &cfg, NULL), 0);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    orl_cfg_dump(keys, &cfg, out);
    assert_int_equal(fclose(out), 0);
    struct sample back = {0};
    assert_int_equal(orl_cfg_load(path, false, keys, &back, NULL), 0);
    assert_string_equal(back.name, cfg.name);
    assert_int_equal(back.port, 77);
    assert_null(back.items[0]);
    orl_cfg_fini(keys, &cfg);
    orl_cfg_fini(keys, &back);
}

static int make_file(void **state)
{
    (void)state;
    int fd = mkstemp(path);
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(without_a_file_all_defaults_hold),
            cmocka_unit_test(a_file_replaces_what_it_names),
            cmocka_unit_test(mistakes_are_refused_with_file_and_key),
            cmocka_unit_test(a_dump_reads_back_the_same),
    };
    return cmocka_run_group_tests(tests, make_file, remove_file);
}
