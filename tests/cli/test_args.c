#include "cli/args.h"

#include "store/pool_settings.h"
#include "tests/cli/cli_test.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NOW_MS UINT64_C(1700000000000)
#define MAX_WORDS 16

struct parsed {
    struct orl_cli_call call;
    struct orl_err err;
    int rc;
    char *body; /* sorted, compact; NULL: none */
};

/* The line is cut at blanks. */
static struct parsed parse(const char *line)
{
    static char words[1024];
    char *argv[MAX_WORDS] = {words};
    int argc = 1;
    char *rest = NULL;
    (void)snprintf(words, sizeof(words), "oriel %s", line);
    for (char *word = strtok_r(words + 6, " ", &rest); word != NULL && argc < MAX_WORDS;
            word = strtok_r(NULL, " ", &rest)) {
        argv[argc++] = word;
    }
    struct parsed p = {.rc = 0};
    p.rc = orl_cli_parse(argc, argv, NOW_MS, &p.call, &p.err);
    p.body = p.call.body != NULL ? json_dumps(p.call.body, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    return p;
}

static void done(struct parsed *p)
{
    free(p->body);
    orl_cli_call_fini(&p->call);
}

static void good_lines_become_requests(void **state)
{
    (void)state;
    static const struct {
        const char *line;
        enum orl_cli_method method;
        const char *path;
        const char *body;
    } cases[] = {
            {"status", ORL_CLI_GET, "/v1/status", NULL},
            {"user list", ORL_CLI_GET, "/v1/users", NULL},
            {"user show bob", ORL_CLI_GET, "/v1/users/bob", NULL},
            {"user show a/b?c#d%", ORL_CLI_GET, "/v1/users/a%2Fb%3Fc%23d%25", NULL},
            {"user show -- --odd", ORL_CLI_GET, "/v1/users/--odd", NULL},
            {"user add bob --no-password --role=admin", ORL_CLI_POST, "/v1/users",
                    "{\"name\":\"bob\",\"role\":\"admin\"}"},
            {"--json user set bob --disable", ORL_CLI_PATCH, "/v1/users/bob",
                    "{\"is_disabled\":true}"},
            {"user set bob --enable", ORL_CLI_PATCH, "/v1/users/bob", "{\"is_disabled\":false}"},
            {"user remove bob --socket /x", ORL_CLI_DELETE, "/v1/users/bob", NULL},
            {"pool add demo --kind floating --template tiny --spares 1 --max 4 "
             "--disconnect-timeout 60",
                    ORL_CLI_POST, "/v1/pools",
                    "{\"disconnect_timeout_s\":60,\"kind\":\"floating\",\"max\":4,\"name\":"
                    "\"demo\","
                    "\"spares\":1,\"template\":\"tiny\"}"},
            {"template add tiny --kind kernel --kernel /boot/k --cmdline=quiet", ORL_CLI_POST,
                    "/v1/templates",
                    "{\"cmdline\":\"quiet\",\"kernel\":\"/boot/k\",\"kind\":\"kernel\","
                    "\"name\":\"tiny\"}"},
            {"entitlement add bob demo", ORL_CLI_POST, "/v1/entitlements",
                    "{\"pool\":\"demo\",\"user\":\"bob\"}"},
            {"entitlement remove bob demo", ORL_CLI_DELETE, "/v1/entitlements/bob/demo", NULL},
            {"desktop set 01 --maintenance", ORL_CLI_POST, "/v1/desktops/01/maintenance",
                    "{\"on\":true}"},
            {"desktop purge 01 --yes", ORL_CLI_POST, "/v1/desktops/01/purge", "{}"},
            {"desktop remove 01 --force", ORL_CLI_DELETE, "/v1/desktops/01?force=1", NULL},
            {"desktop list --pool demo --user b&b", ORL_CLI_GET,
                    "/v1/desktops?pool=demo&user=b%26b", NULL},
            {"session list --all", ORL_CLI_GET, "/v1/sessions?all=1", NULL},
            {"session logoff 01", ORL_CLI_POST, "/v1/sessions/01/logoff", "{}"},
            {"ticket issue bob --pool demo", ORL_CLI_POST, "/v1/tickets",
                    "{\"pool\":\"demo\",\"user\":\"bob\"}"},
            {"audit list --since 1h --limit 5 --reason any", ORL_CLI_GET,
                    "/v1/audit?since_ms=1699996400000&limit=5&reason=any", NULL},
            {"audit list --since 1234", ORL_CLI_GET, "/v1/audit?since_ms=1234", NULL},
            {"host list", ORL_CLI_GET, "/v1/hosts", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed p = parse(cases[i].line);
        if (p.rc < 0) {
            fail_msg("%s: %s", cases[i].line, p.err.text);
        }
        assert_int_equal(p.call.mode, ORL_CLI_RUN);
        assert_int_equal(p.call.cmd->method, cases[i].method);
        assert_string_equal(p.call.path, cases[i].path);
        if (cases[i].body == NULL) {
            assert_null(p.body);
        } else {
            assert_non_null(p.body);
            assert_string_equal(p.body, cases[i].body);
        }
        done(&p);
    }
}

static void bad_lines_are_refused_with_what_is_wrong(void **state)
{
    (void)state;
    static const char *const cases[][2] = {
            {"", "a command is missing"},
            {"frob", "unknown command: frob"},
            {"user", "a verb is missing"},
            {"user frob", "unknown verb: frob"},
            {"user show", "an argument is missing: NAME"},
            {"user show a b", "too many: b"},
            {"user show ..", "not a name"},
            {"user list --pool x", "unknown option --pool"},
            {"user set bob --password secret", "unknown option --password"},
            {"user set bob --disable=1", "takes no value: --disable"},
            {"user set bob --display", "a value is missing"},
            {"user list -x", "unknown option -x"},
            {"pool add p", "an option is missing: --kind"},
            {"pool set p --max four", "not a number: four"},
            {"pool set p --max 4x", "not a number: 4x"},
            {"pool set p --max 4294967296", "not a number"},
            {"pool set p --max 1 --max 2", "given twice: --max"},
            {"desktop purge 01", "an option is missing: --yes"},
            {"audit list --since yesterday", "not a time: yesterday"},
            {"audit list --since 99999999999999999999", "not a time"},
            {"user set bob", "nothing to change"},
            {"desktop set 01", "nothing to change"},
            {"completion zsh", "only completion bash"},
            {"user add bob --generate-password --password-file /dev/null", "one password"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct parsed p = parse(cases[i][0]);
        assert_int_equal(p.rc, ORL_E_INVAL);
        if (strstr(p.err.text, cases[i][1]) == NULL) {
            fail_msg("%s: %s", cases[i][0], p.err.text);
        }
        done(&p);
    }
}

static void help_needs_no_arguments(void **state)
{
    (void)state;
    static const char *const lines[] = {
            "--help", "user --help", "user add --help", "-h pool add", "desktop purge -h"};
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        struct parsed p = parse(lines[i]);
        assert_int_equal(p.rc, 0);
        assert_int_equal(p.call.mode, ORL_CLI_HELP);
        done(&p);
    }
}

static void a_generated_password_is_sent_and_kept_to_be_shown(void **state)
{
    (void)state;
    struct parsed p = parse("user add bob --generate-password");
    assert_int_equal(p.rc, 0);
    assert_int_equal(strlen(p.call.password), 20);
    assert_string_equal(
            json_string_value(json_object_get(p.call.body, "password")), p.call.password);
    done(&p);
    assert_string_equal(p.call.password, "");
}

static void a_password_comes_from_the_first_line_of_a_file(void **state)
{
    (void)state;
    static const struct {
        const char *content;
        const char *password; /* NULL: refused */
    } cases[] = {
            {"secret one\nsecond line\n", "secret one"},
            {"dos\r\n", "dos"},
            {"no newline", "no newline"},
            {"\n", NULL},
            {"", NULL},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char path[] = "/tmp/oriel-cli-XXXXXX";
        int fd = mkstemp(path);
        assert_true(fd >= 0);
        size_t len = strlen(cases[i].content);
        assert_int_equal(write(fd, cases[i].content, len), len);
        close(fd);
        char line[100];
        (void)snprintf(line, sizeof(line), "user set bob --password-file %s", path);
        struct parsed p = parse(line);
        (void)unlink(path);
        if (cases[i].password == NULL) {
            assert_int_equal(p.rc, ORL_E_INVAL);
        } else {
            assert_int_equal(p.rc, 0);
            assert_string_equal(
                    json_string_value(json_object_get(p.call.body, "password")), cases[i].password);
            assert_string_equal(p.call.password, "");
        }
        done(&p);
    }
    struct parsed p = parse("user set bob --password-file /nonexistent");
    assert_int_equal(p.rc, ORL_E_INVAL);
    assert_non_null(strstr(p.err.text, "/nonexistent"));
    done(&p);
}

static void files_for_others_are_absolute(void **state)
{
    (void)state;
    char folder[4096];
    assert_non_null(getcwd(folder, sizeof(folder)));
    struct parsed p = parse("template add-version tiny --path disk.qcow2");
    assert_int_equal(p.rc, 0);
    const char *path = json_string_value(json_object_get(p.call.body, "path"));
    assert_int_equal(strncmp(path, folder, strlen(folder)), 0);
    assert_string_equal(path + strlen(folder), "/disk.qcow2");
    done(&p);
}

/* The table itself: what the parser and the help take for granted. */
static void the_table_is_sound(void **state)
{
    (void)state;
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        assert_non_null(orl_cli_noun_help(cmd->noun));
        assert_ptr_equal(orl_cli_find(cmd->noun, cmd->verb), cmd);
        assert_non_null(cmd->help);
        assert_true(cmd->output != ORL_CLI_OUT_LIST || cmd->columns != NULL);
        assert_true(cmd->output != ORL_CLI_OUT_DONE || cmd->done != NULL ||
                    cmd->method == ORL_CLI_LOCAL || cmd->method == ORL_CLI_OWN || cmd->waits);
        for (const struct orl_cli_opt *o = cmd->opts; o != NULL && o->name != NULL; o++) {
            const struct orl_cli_opt *any = orl_cli_find_opt(NULL, o->name);
            assert_int_equal(any->value == NULL, o->value == NULL);
            bool has_value = o->kind == ORL_CLI_OPT_STR || o->kind == ORL_CLI_OPT_NUM ||
                             o->kind == ORL_CLI_OPT_TIME || o->kind == ORL_CLI_OPT_PATH ||
                             o->kind == ORL_CLI_OPT_FILE || o->kind == ORL_CLI_OPT_TEXT;
            assert_int_equal(has_value, o->value != NULL);
            for (const struct orl_cli_opt *g = orl_cli_global_opts; g->name != NULL; g++) {
                assert_string_not_equal(g->name, o->name);
            }
        }
    }
}

static bool has_key(const struct orl_cli_cmd *cmd, const char *key, enum orl_cli_opt_kind kind)
{
    for (const struct orl_cli_opt *o = cmd->opts; o->name != NULL; o++) {
        if (o->key != NULL && strcmp(o->key, key) == 0 && o->kind == kind) {
            return true;
        }
    }
    return false;
}

/* And a switch can be turned both ways, where a new pool has it off or on. */
static void each_setting_of_a_pool_has_its_option(void **state)
{
    (void)state;
    static const char *const verbs[] = {"add", "set"};
    for (unsigned i = 0; i < 2; i++) {
        const struct orl_cli_cmd *cmd = orl_cli_find("pool", verbs[i]);
        for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
            bool is_switch = s->type == ORL_SETTING_BOOL || s->type == ORL_SETTING_FLAG;
            enum orl_cli_opt_kind kind = is_switch                    ? ORL_CLI_OPT_ON
                                         : s->type == ORL_SETTING_U32 ? ORL_CLI_OPT_NUM
                                                                      : ORL_CLI_OPT_STR;
            if (!has_key(cmd, s->key, kind) ||
                    (is_switch && i == 1 && !has_key(cmd, s->key, ORL_CLI_OPT_OFF))) {
                fail_msg("oriel pool %s has no option for %s", verbs[i], s->key);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(good_lines_become_requests),
            cmocka_unit_test(bad_lines_are_refused_with_what_is_wrong),
            cmocka_unit_test(help_needs_no_arguments),
            cmocka_unit_test(a_generated_password_is_sent_and_kept_to_be_shown),
            cmocka_unit_test(a_password_comes_from_the_first_line_of_a_file),
            cmocka_unit_test(files_for_others_are_absolute),
            cmocka_unit_test(the_table_is_sound),
            cmocka_unit_test(each_setting_of_a_pool_has_its_option),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
