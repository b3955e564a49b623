/* The command line that all daemons share. */
#include "base/cfg.h"

#include "base/cleanup.h"

#include <string.h>

enum { ARGS_MAX_SETS = 64 };

struct args {
    const char *config; /* NULL: the default path, which may be missing */
    const char *sets[ARGS_MAX_SETS];
    unsigned set_count;
    bool wants_check;
    bool wants_dump;
    bool wants_help;
    bool wants_version;
};

static void print_help(const char *program, const char *what, const char *default_path)
{
    (void)printf("Usage: %s [OPTIONS]\n%s\n\n"
                 "  --config FILE     read this configuration (default: %s, if it is there)\n"
                 "  --set KEY=VALUE   set one key over the file; may be repeated\n"
                 "  --check-config    check the configuration and exit: 0 good, 1 not\n"
                 "  --dump-config     print the configuration with every key explained\n"
                 "  --version         print the version\n"
                 "  --help            print this\n",
            program, what, default_path);
}

static int add_set(struct args *args, const char *text, struct orl_err *err)
{
    if (args->set_count == ARGS_MAX_SETS) {
        return orl_err_set(err, ORL_E_LIMIT, "more than %d --set", ARGS_MAX_SETS);
    }
    args->sets[args->set_count++] = text;
    return 0;
}

static int parse(int argc, char **argv, struct args *args, struct orl_err *err)
{
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        const char *next = i + 1 < argc ? argv[i + 1] : NULL;
        bool is_config = strcmp(arg, "--config") == 0;
        if (is_config || strcmp(arg, "--set") == 0) {
            if (next == NULL) {
                return orl_err_set(err, ORL_E_INVAL, "%s needs a value", arg);
            }
            i++;
            if (is_config) {
                args->config = next;
            } else if (add_set(args, next, err) < 0) {
                return ORL_E_LIMIT;
            }
        } else if (strcmp(arg, "--check-config") == 0) {
            args->wants_check = true;
        } else if (strcmp(arg, "--dump-config") == 0) {
            args->wants_dump = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            args->wants_help = true;
        } else if (strcmp(arg, "--version") == 0) {
            args->wants_version = true;
        } else {
            return orl_err_set(err, ORL_E_INVAL, "unknown option '%.80s' (see --help)", arg);
        }
    }
    return 0;
}

static int apply_set(
        const struct orl_cfg_key *keys, void *cfg, const char *text, struct orl_err *err)
{
    const char *equals = strchr(text, '=');
    if (equals == NULL) {
        return orl_err_set(err, ORL_E_INVAL, "--set %.80s: it is KEY=VALUE", text);
    }
    ORL_AUTO(orl_free_auto) char *name = strndup(text, (size_t)(equals - text));
    if (name == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    return orl_cfg_set(keys, cfg, name, equals + 1, err);
}

int orl_cfg_args(int argc, char **argv, const char *program, const char *what,
        const char *default_path, const struct orl_cfg_key *keys, void *ret_cfg,
        struct orl_err *err)
{
    struct args args = {0};
    int code = parse(argc, argv, &args, err);
    if (code < 0) {
        return code;
    }
    if (args.wants_help) {
        print_help(program, what, default_path);
        return 1;
    }
    if (args.wants_version) {
        (void)printf("%s " ORIEL_VERSION "\n", program);
        return 1;
    }
    code = orl_cfg_load(args.config != NULL ? args.config : default_path, args.config == NULL, keys,
            ret_cfg, err);
    if (code < 0) {
        return code;
    }
    for (unsigned i = 0; i < args.set_count && code == 0; i++) {
        code = apply_set(keys, ret_cfg, args.sets[i], err);
    }
    if (code == 0 && args.wants_dump) {
        orl_cfg_dump(keys, ret_cfg, stdout);
        code = 1;
    } else if (code == 0 && args.wants_check) {
        (void)printf("%s: the configuration is good\n", program);
        code = 1;
    }
    if (code != 0) {
        orl_cfg_fini(keys, ret_cfg);
    }
    return code;
}
