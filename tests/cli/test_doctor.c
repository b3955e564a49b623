/* What doctor says of a host, from files of the test's own. */
#include "base/cert.h"
#include "base/cert_look.h"
#include "base/host_check.h"
#include <jansson.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/oriel-doctor.XXXXXX";
static const char *const folders[] = {"proc", "usr", "usr/bin"};
static const char *const files[] = {"proc/meminfo", "usr/bin/qemu-img"};

static void put(const char *name, const char *text, size_t len, mode_t mode)
{
    char path[200];
    (void)snprintf(path, sizeof(path), "%s/%s", root, name);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, len, file), len);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(chmod(path, mode), 0);
}

static int begin(void **state)
{
    static const char memory[] = "MemTotal: 8000000 kB\nMemAvailable:   204800 kB\n";
    (void)state;
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[200];
        (void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    put(files[0], memory, sizeof(memory) - 1, 0644);
    put(files[1], "", 0, 0755);
    return 0;
}

static int end(void **state)
{
    char path[200];
    (void)state;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", root, files[i]);
        (void)unlink(path);
    }
    for (size_t i = sizeof(folders) / sizeof(folders[0]); i-- > 0;) {
        (void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        (void)rmdir(path);
    }
    return rmdir(root);
}

/* "bad" of the check whose object ends so and whose text has the word. */
static const char *state_of(const json_t *checks, const char *object, const char *word)
{
    size_t i;
    json_t *check;
    json_array_foreach(checks, i, check)
    {
        const char *name = json_string_value(json_object_get(check, "object"));
        const char *text = json_string_value(json_object_get(check, "text"));
        size_t len = strlen(name);
        if (len >= strlen(object) && strcmp(name + len - strlen(object), object) == 0 &&
                strstr(text, word) != NULL) {
            const char *remedy = json_string_value(json_object_get(check, "remedy"));
            const char *state = json_string_value(json_object_get(check, "state"));
            assert_int_equal(strcmp(state, "ok") == 0, remedy[0] == '\0');
            return state;
        }
    }
    fail_msg("nothing about %s: %s", object, json_dumps(checks, 0));
    return "";
}

static void add_check(void *ctx, const struct orl_check *check)
{
    (void)json_array_append_new(ctx, json_pack("{s:s, s:s, s:s, s:s}", "object", check->object,
                                             "state", orl_check_state_name(check->state), "text",
                                             check->text, "remedy", check->remedy));
}

static void each_fault_is_found_and_has_a_remedy(void **state)
{
    struct orl_host_check_opts opts = {.root = root, .run_dir = "/run/oriel"};
    json_t *checks = json_array();
    (void)state;
    orl_host_check(&opts, add_check, checks);
    assert_string_equal(state_of(checks, "this host", "200 MiB"), "warn");
    assert_string_equal(state_of(checks, "/run/oriel/broker.sock", "no socket"), "bad");
    assert_string_equal(state_of(checks, "/usr/bin/qemu-img", "is there"), "ok");
    assert_string_equal(state_of(checks, "/usr/bin/qemu-system-x86_64", "missing"), "bad");
    assert_string_equal(state_of(checks, "/dev/kvm", "missing"), "warn");
    json_decref(checks);
}

/* systemd hides /dev from it: that it sees no KVM says nothing. */
static void a_service_says_nothing_of_devices(void **state)
{
    struct orl_host_check_opts opts = {.root = root, .run_dir = "/run/oriel", .is_confined = true};
    json_t *checks = json_array();
    (void)state;
    orl_host_check(&opts, add_check, checks);
    char *text = json_dumps(checks, 0);
    assert_null(strstr(text, "/dev/"));
    free(text);
    json_decref(checks);
}

static void a_certificate_says_what_it_is_for(void **state)
{
    struct orl_cert_pair one;
    struct orl_cert_pair other;
    struct orl_cert_facts facts;
    (void)state;
    assert_int_equal(orl_cert_make(&one, NULL), 0);
    assert_int_equal(orl_cert_make(&other, NULL), 0);
    assert_int_equal(orl_cert_look(one.cert_pem, one.cert_len, &facts, NULL), 0);
    assert_true(facts.is_self_signed && facts.is_chain && facts.count == 1);
    assert_true(facts.until_ms > facts.from_ms && facts.names[0] != '\0');
    char name[64] = "";
    (void)sscanf(facts.names, "%63s", name);
    assert_true(orl_cert_is_for(one.cert_pem, one.cert_len, name));
    assert_false(orl_cert_is_for(one.cert_pem, one.cert_len, "elsewhere.example"));
    assert_true(orl_cert_look("no certificate", 14, &facts, NULL) < 0);
    assert_true(orl_cert_look("", 0, &facts, NULL) < 0);
    /* Two that have nothing to do with each other are no chain. */
    char *both = calloc(1, one.cert_len + other.cert_len + 1);
    memcpy(both, one.cert_pem, one.cert_len);
    memcpy(both + one.cert_len, other.cert_pem, other.cert_len);
    assert_int_equal(orl_cert_look(both, one.cert_len + other.cert_len, &facts, NULL), 0);
    assert_true(facts.count == 2 && !facts.is_chain);
    free(both);
    orl_cert_pair_fini(&one);
    orl_cert_pair_fini(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_fault_is_found_and_has_a_remedy),
            cmocka_unit_test(a_service_says_nothing_of_devices),
            cmocka_unit_test(a_certificate_says_what_it_is_for),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
