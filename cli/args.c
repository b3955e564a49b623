#include "cli/args.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include "cli/password.h"
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GENERATED_LEN 20 /* 100 bits */

enum { TEXT_MAX_BYTES = 65536 };

struct parser {
    int argc;
    char **argv;
    int at;
    uint64_t now_ms;
    struct orl_cli_call *call;
    const char *words[2 + ORL_CLI_MAX_ARGS]; /* noun, verb, arguments */
    int word_count;
    struct given {
        const char *name; /* borrowed from argv, without dashes */
        size_t name_len;
        const char *value; /* NULL: none */
    } given[32];
    int given_count;
    struct orl_err *err;
};

static int usage(struct parser *p, const char *text, const char *what)
{
    return orl_err_set(p->err, ORL_E_INVAL, "%s%.120s", text, what);
}

/* A name takes a value in all commands or in none: values can be told from words at once. */
static const struct orl_cli_opt *find_any(const char *name, size_t len)
{
    char text[64];
    if (len >= sizeof(text)) {
        return NULL;
    }
    memcpy(text, name, len);
    text[len] = '\0';
    return orl_cli_find_opt(NULL, text);
}

static int take_option(struct parser *p, const char *word)
{
    if (p->given_count == (int)(sizeof(p->given) / sizeof(p->given[0]))) {
        return usage(p, "too many options at ", word);
    }
    struct given *given = &p->given[p->given_count++];
    given->name = word + 2;
    given->name_len = strcspn(given->name, "=");
    given->value = NULL;
    const struct orl_cli_opt *opt = find_any(given->name, given->name_len);
    if (opt == NULL) {
        return orl_err_set(p->err, ORL_E_INVAL, "unknown option --%.*s",
                given->name_len < 64 ? (int)given->name_len : 64, given->name);
    }
    if (given->name[given->name_len] == '=') {
        given->value = given->name + given->name_len + 1;
    } else if (opt->value != NULL) {
        if (p->at == p->argc) {
            return usage(p, "a value is missing after ", word);
        }
        given->value = p->argv[p->at++];
    }
    return 0;
}

static int split(struct parser *p)
{
    bool is_literal = false;
    while (p->at < p->argc) {
        const char *word = p->argv[p->at++];
        if (!is_literal && strcmp(word, "--") == 0) {
            is_literal = true;
            continue;
        }
        if (!is_literal && strcmp(word, "-h") == 0) {
            word = "--help";
        }
        if (!is_literal && word[0] == '-' && word[1] != '\0') {
            if (word[1] != '-') {
                return usage(p, "unknown option ", word);
            }
            int rc = take_option(p, word);
            if (rc < 0) {
                return rc;
            }
            continue;
        }
        if (p->word_count == (int)(sizeof(p->words) / sizeof(p->words[0]))) {
            return usage(p, "one argument too many: ", word);
        }
        p->words[p->word_count++] = word;
    }
    return 0;
}

static bool is_named(const struct given *given, const char *name)
{
    return strlen(name) == given->name_len && memcmp(name, given->name, given->name_len) == 0;
}

/* Removes the options that every command has from the list. */
static void take_globals(struct parser *p)
{
    int kept = 0;
    for (int i = 0; i < p->given_count; i++) {
        const struct given *given = &p->given[i];
        if (is_named(given, "json")) {
            p->call->is_json = true;
        } else if (is_named(given, "socket")) {
            p->call->socket = given->value;
        } else if (is_named(given, "url")) {
            p->call->url = given->value;
        } else if (is_named(given, "token")) {
            p->call->token_file = given->value;
        } else if (is_named(given, "ca")) {
            p->call->ca_file = given->value;
        } else if (is_named(given, "if-match")) {
            p->call->if_match = given->value;
        } else if (is_named(given, "help")) {
            p->call->mode = ORL_CLI_HELP;
        } else if (is_named(given, "man")) {
            p->call->mode = ORL_CLI_MAN;
        } else if (is_named(given, "version")) {
            p->call->mode = ORL_CLI_VERSION;
        } else {
            p->given[kept++] = *given;
        }
    }
    p->given_count = kept;
}

static int find_cmd(struct parser *p)
{
    struct orl_cli_call *call = p->call;
    call->noun = p->word_count > 0 ? p->words[0] : NULL;
    if (call->noun == NULL) {
        return call->mode != ORL_CLI_RUN ? 0 : usage(p, "a command is missing", "");
    }
    if (strcmp(call->noun, "completion") == 0) {
        call->mode = call->mode == ORL_CLI_RUN ? ORL_CLI_COMPLETION : call->mode;
        return p->word_count == 2 && strcmp(p->words[1], "bash") == 0
                       ? 0
                       : usage(p, "only completion bash is known", "");
    }
    if (orl_cli_noun_help(call->noun) == NULL) {
        return usage(p, "unknown command: ", call->noun);
    }
    call->cmd = orl_cli_find(call->noun, p->word_count > 1 ? p->words[1] : "");
    if (call->cmd == NULL) { /* a noun that takes an argument itself */
        const struct orl_cli_cmd *alone = orl_cli_find(call->noun, "");
        call->cmd = alone != NULL && orl_cli_arg_count(alone) > 0 ? alone : NULL;
    }
    if (call->cmd != NULL || (p->word_count == 1 && call->mode == ORL_CLI_HELP)) {
        return 0;
    }
    if (p->word_count == 1) {
        return usage(p, "a verb is missing after ", call->noun);
    }
    return usage(p, "unknown verb: ", p->words[1]);
}

static int take_args(struct parser *p)
{
    const struct orl_cli_cmd *cmd = p->call->cmd;
    int first = cmd->verb[0] == '\0' ? 1 : 2;
    int wanted = (int)orl_cli_arg_count(cmd);
    if (p->word_count - first < wanted) {
        return usage(p, "an argument is missing: ", cmd->args[p->word_count - first].name);
    }
    if (p->word_count - first > wanted) {
        return usage(p, "one argument too many: ", p->words[first + wanted]);
    }
    for (int i = 0; i < wanted; i++) {
        p->call->args[i] = p->words[first + i];
        if (p->call->args[i][0] == '\0') {
            return usage(p, "an argument is empty: ", cmd->args[i].name);
        }
        if (cmd->args[i].key != NULL) {
            (void)json_object_set_new(
                    p->call->body, cmd->args[i].key, json_string(p->call->args[i]));
        }
    }
    return 0;
}

static int build_path(struct parser *p)
{
    struct orl_cli_call *call = p->call;
    size_t len = 0;
    for (const char *c = call->cmd->path; *c != '\0'; c++) {
        bool is_too_long = len + 1 > ORL_CLI_PATH_MAX;
        if (*c == '{') {
            const char *arg = call->args[c[1] - '0'];
            /* Dots are kept by the escaping, and mean something in a path. */
            if (strcmp(arg, ".") == 0 || strcmp(arg, "..") == 0) {
                return usage(p, "not a name: ", arg);
            }
            is_too_long = !orl_cli_path_escape(call->path, &len, arg);
            c += 2;
        } else if (!is_too_long) {
            call->path[len++] = *c;
        }
        if (is_too_long) {
            return usage(p, "an argument is too long", "");
        }
    }
    call->path[len] = '\0';
    return 0;
}

static int add_query(struct parser *p, const char *key, const char *value)
{
    return orl_cli_path_query(p->call->path, key, value) ? 0
                                                         : usage(p, "the options are too long", "");
}

static bool parse_number(const char *text, uint64_t max, uint64_t *ret, const char **ret_end)
{
    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    unsigned long long v = strtoull(text, &end, 10);
    *ret = v;
    *ret_end = end;
    return errno == 0 && v <= max;
}

static int parse_time(struct parser *p, const char *text, uint64_t *ret_ms)
{
    const char *end = NULL;
    uint64_t v = 0;
    if (!parse_number(text, UINT64_C(1) << 50, &v, &end)) {
        return usage(p, "not a time: ", text);
    }
    static const struct {
        const char *unit;
        uint64_t ms;
    } units[] = {{"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
    if (*end == '\0') {
        *ret_ms = v;
        return 0;
    }
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (strcmp(end, units[i].unit) == 0 && v <= p->now_ms / units[i].ms) {
            *ret_ms = p->now_ms - v * units[i].ms;
            return 0;
        }
    }
    return usage(p, "not a time: ", text);
}

static int set_value(struct parser *p, const char *key, const char *text, json_t *value)
{
    if (p->call->body != NULL) {
        return json_object_set_new(p->call->body, key, value) == 0
                       ? 0
                       : usage(p, "not valid UTF-8: ", key);
    }
    json_decref(value);
    return add_query(p, key, text);
}

static int set_password(struct parser *p, enum orl_cli_opt_kind kind, const char *path)
{
    char text[ORL_PASSWORD_MAX + 1] = "";
    int rc = 0;
    if (json_object_get(p->call->body, "password") != NULL) {
        return usage(p, "one password is enough", "");
    }
    if (kind == ORL_CLI_OPT_FILE) {
        rc = orl_cli_password_read(path, text, sizeof(text), p->err);
    } else if (kind == ORL_CLI_OPT_ASK) {
        rc = orl_cli_password_ask("Password", text, sizeof(text), p->err);
    } else {
        orl_secret_text(text, GENERATED_LEN);
        memcpy(p->call->password, text, sizeof(text));
    }
    rc = rc < 0 ? rc : set_value(p, "password", "", json_string(text));
    orl_secret_wipe(text, sizeof(text));
    return rc;
}

static int set_path(struct parser *p, const char *key, const char *value)
{
    char path[PATH_MAX];
    if (value[0] == '/') {
        return set_value(p, key, value, json_string(value));
    }
    if (value[0] == '\0' || getcwd(path, sizeof(path)) == NULL) {
        return usage(p, "not a path: ", value);
    }
    size_t len = strlen(path);
    int n = snprintf(path + len, sizeof(path) - len, "/%s", value);
    if (n < 0 || (size_t)n >= sizeof(path) - len) {
        return usage(p, "the path is too long: ", value);
    }
    return set_value(p, key, path, json_string(path));
}

static int set_text(struct parser *p, const char *key, const char *path)
{
    ORL_AUTO(orl_close_auto)
    int fd = strcmp(path, "-") == 0 ? dup(STDIN_FILENO) : open(path, O_RDONLY | O_CLOEXEC);
    char *text = fd >= 0 ? calloc(1, TEXT_MAX_BYTES + 1) : NULL;
    size_t len = 0;
    ssize_t got = text != NULL ? 1 : -1;
    while (got > 0 && len <= TEXT_MAX_BYTES) {
        got = read(fd, text + len, TEXT_MAX_BYTES + 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    int errno_value = errno;
    json_t *value = got == 0 ? json_stringn(text, len) : NULL;
    int rc = got < 0   ? orl_err_set(p->err, ORL_E_INVAL, "%.150s: %s", path,
                                 strerrordesc_np(errno_value))
             : got > 0 ? orl_err_set(p->err, ORL_E_INVAL, "%.150s is larger than 64 KiB", path)
             : value == NULL ? orl_err_set(p->err, ORL_E_INVAL, "%.150s is no text", path)
                             : set_value(p, key, "", value);
    if (text != NULL) {
        orl_secret_wipe(text, len);
    }
    free(text);
    return rc;
}

static int set_live(struct parser *p)
{
    static const char end[] = "/live";
    char *path = p->call->path;
    const size_t len = strlen(path);
    if (len + sizeof(end) > sizeof(p->call->path)) {
        return usage(p, "an argument is too long", "");
    }
    memcpy(path + len, end, sizeof(end));
    p->call->is_live = true;
    return 0;
}

static int apply(struct parser *p, const struct orl_cli_opt *opt, const char *value)
{
    char text[24];
    const char *end = NULL;
    uint64_t v = 0;
    int rc = 0;
    switch (opt->kind) {
    case ORL_CLI_OPT_STR:
        return set_value(p, opt->key, value, json_string(value));
    case ORL_CLI_OPT_NUM:
        if (!parse_number(value, UINT32_MAX, &v, &end) || *end != '\0') {
            return usage(p, "not a number: ", value);
        }
        return set_value(p, opt->key, value, json_integer((json_int_t)v));
    case ORL_CLI_OPT_ON:
        return set_value(p, opt->key, "1", json_true());
    case ORL_CLI_OPT_OFF:
        return set_value(p, opt->key, "0", json_false());
    case ORL_CLI_OPT_TIME:
        rc = parse_time(p, value, &v);
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
        return rc < 0 ? rc : set_value(p, opt->key, text, json_integer((json_int_t)v));
    case ORL_CLI_OPT_PATH:
        return set_path(p, opt->key, value);
    case ORL_CLI_OPT_TEXT:
        return set_text(p, opt->key, value);
    case ORL_CLI_OPT_FILE:
    case ORL_CLI_OPT_ASK:
    case ORL_CLI_OPT_GENERATE:
        return set_password(p, opt->kind, value);
    case ORL_CLI_OPT_LIVE:
        return set_live(p);
    case ORL_CLI_OPT_CONFIRM:
    case ORL_CLI_OPT_NONE:
    default:
        return 0;
    }
}

static const struct given *find_given(const struct parser *p, const char *name)
{
    for (int i = 0; i < p->given_count; i++) {
        if (is_named(&p->given[i], name)) {
            return &p->given[i];
        }
    }
    return NULL;
}

static int check_required(struct parser *p)
{
    for (const struct orl_cli_opt *o = p->call->cmd->opts; o != NULL && o->name != NULL; o++) {
        if (o->is_required && find_given(p, o->name) == NULL) {
            return usage(p, "an option is missing: --", o->name);
        }
    }
    return 0;
}

static int apply_all(struct parser *p)
{
    for (int i = 0; i < p->given_count; i++) {
        const struct given *given = &p->given[i];
        char name[64] = "";
        if (given->name_len < sizeof(name)) {
            memcpy(name, given->name, given->name_len);
        }
        const struct orl_cli_opt *opt = orl_cli_find_opt(p->call->cmd, name);
        if (opt == NULL) {
            return usage(p, "unknown option --", name);
        }
        if (find_given(p, name) != given) {
            return usage(p, "an option is given twice: --", name);
        }
        if ((opt->value == NULL) != (given->value == NULL)) {
            return usage(
                    p, opt->value == NULL ? "takes no value: --" : "a value is missing: --", name);
        }
        int rc = apply(p, opt, given->value);
        if (rc < 0) {
            return rc;
        }
    }
    return check_required(p);
}

static int check_change(struct parser *p)
{
    bool is_empty = strcmp(p->call->cmd->verb, "set") == 0 && json_object_size(p->call->body) == 0;
    return is_empty ? usage(p, "nothing to change: no option was given", "") : 0;
}

static int ask_password(struct parser *p)
{
    bool is_asked = p->call->cmd->asks_password && find_given(p, "no-password") == NULL &&
                    json_object_get(p->call->body, "password") == NULL;
    return is_asked ? set_password(p, ORL_CLI_OPT_ASK, NULL) : 0;
}

int orl_cli_parse(
        int argc, char **argv, uint64_t now_ms, struct orl_cli_call *ret_call, struct orl_err *err)
{
    *ret_call = (struct orl_cli_call){.socket = ORL_CLI_SOCKET};
    struct parser p = {
            .argc = argc, .argv = argv, .at = 1, .now_ms = now_ms, .call = ret_call, .err = err};
    int rc = split(&p);
    if (rc == 0) {
        take_globals(&p);
        rc = find_cmd(&p);
    } else if (p.word_count > 1) {
        ret_call->cmd = orl_cli_find(p.words[0], p.words[1]); /* whose help is of use */
    }
    if (rc < 0 || ret_call->mode != ORL_CLI_RUN) {
        return rc;
    }
    bool has_body = ret_call->cmd->method == ORL_CLI_POST ||
                    ret_call->cmd->method == ORL_CLI_PATCH ||
                    ret_call->cmd->method == ORL_CLI_LOCAL || ret_call->cmd->method == ORL_CLI_OWN;
    ret_call->body = has_body ? json_object() : NULL;
    rc = take_args(&p);
    rc = rc < 0 ? rc : build_path(&p);
    rc = rc < 0 ? rc : apply_all(&p);
    rc = rc < 0 ? rc : check_change(&p);
    return rc < 0 ? rc : ask_password(&p);
}

void orl_cli_call_fini(struct orl_cli_call *call)
{
    json_decref(call->body);
    call->body = NULL;
    orl_secret_wipe(call->password, sizeof(call->password));
}
