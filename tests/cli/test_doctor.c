/* What doctor says of a host, from files of the test's own. */
#include "base/cert.h"
#include "base/cert_look.h"
#include "cli/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char root[] = "/tmp/oriel-doctor.XXXXXX";
static const char *const folders[] = {"etc", "etc/oriel", "proc", "proc/net", "keys"};
static const char *const files[] = {"etc/oriel/gateway.yaml", "proc/net/tcp", "proc/meminfo",
        "keys/rdp.crt", "keys/rdp.key", "etc/oriel/web.yaml"};

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
    struct orl_cert_pair pair;
    static const char gateway[] = "rdp_port: 4000\nvnc_port: 0\ncertificate: /keys/rdp.crt\n"
                                  "certificate_key: /keys/rdp.key\n";
    static const char tcp[] =
            "  sl  local_address rem_address   st tx_queue\n"
            "   0: 0100007F:0FA0 00000000:0000 0A 00000000:00000000 00:00000000\n"
            "   1: 0100007F:01BB 00000000:0000 01 00000000:00000000 00:00000000\n";
    static const char memory[] = "MemTotal: 8000000 kB\nMemAvailable:   204800 kB\n";
    (void)state;
    assert_non_null(mkdtemp(root));
    for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
        char path[200];
        (void)snprintf(path, sizeof(path), "%s/%s", root, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    assert_int_equal(orl_cert_make(&pair, NULL), 0);
    put(files[0], gateway, sizeof(gateway) - 1, 0644);
    put(files[1], tcp, sizeof(tcp) - 1, 0644);
    put(files[2], memory, sizeof(memory) - 1, 0644);
    put(files[3], pair.cert_pem, pair.cert_len, 0644);
    put(files[4], pair.key_pem, pair.key_len, 0644);
    put(files[5], "https_port: [1\n", 15, 0644);
    orl_cert_pair_fini(&pair);
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

static void each_fault_is_found_and_has_a_remedy(void **state)
{
    json_t *checks = json_array();
    (void)state;
    orl_cli_doctor_host(root, "/run/oriel", checks);
    assert_string_equal(state_of(checks, "RDP, TCP 4000", "listens"), "ok");
    assert_string_equal(state_of(checks, "portal, TCP 443", "nobody"), "bad"); /* a client's */
    assert_string_equal(state_of(checks, "/keys/rdp.crt", "days"), "ok");
    assert_string_equal(state_of(checks, "/keys/rdp.crt", "self-signed"), "warn");
    assert_string_equal(state_of(checks, "/keys/rdp.key", "mode 0644"), "bad");
    assert_string_equal(state_of(checks, "/keys/rdp.key", "is the certificate's"), "ok");
    assert_string_equal(state_of(checks, "/etc/oriel/web.yaml", "2:"), "bad");
    assert_string_equal(state_of(checks, "this host", "200 MiB"), "warn");
    assert_string_equal(state_of(checks, "/run/oriel/broker.sock", "no socket"), "bad");
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
            cmocka_unit_test(a_certificate_says_what_it_is_for),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
