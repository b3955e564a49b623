/* Configuration files: one table of keys per program gives parser, defaults, --dump-config and the
 * manual. Flat YAML mapping, read by libcyaml. Unknown key, duplicate, wrong type or out of range is
 * an error that names file, line where known, and key. */
#ifndef ORL_BASE_CFG_H
#define ORL_BASE_CFG_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum orl_cfg_type {
    ORL_CFG_STR = 1, /* char *, owned by the configuration */
    ORL_CFG_INT,     /* int64_t, min .. max */
    ORL_CFG_BOOL,    /* bool */
    ORL_CFG_ENUM,    /* int: index into choices */
    ORL_CFG_LIST,    /* char **, NULL-terminated list of strings, owned */
};
struct orl_cfg_key {
    const char *name; /* "rdp_port"; NULL ends the table */
    enum orl_cfg_type type;
    size_t offset;        /* of the member in the program's struct */
    int64_t min, max;     /* ORL_CFG_INT; ORL_CFG_STR and LIST: max length in bytes, of items */
    const char *unit;     /* "s", "px"; NULL */
    const char *fallback; /* default, as text; LIST: comma-separated; never NULL */
    const char *const *choices; /* ORL_CFG_ENUM, ended by NULL */
    const char *help;           /* one sentence */
};
/* Fills *ret_cfg (zeroed by the caller) from defaults and the file at path. A missing file is an error unless
 * is_optional. */
ORL_NODISCARD int orl_cfg_load(const char *path, bool is_optional, const struct orl_cfg_key *keys,
        void *ret_cfg, struct orl_err *err);
/* Replaces one value ("rdp_port", "3390"), for command-line options. */
ORL_NODISCARD int orl_cfg_set(const struct orl_cfg_key *keys, void *cfg, const char *name,
        const char *value, struct orl_err *err);
void orl_cfg_fini(const struct orl_cfg_key *keys, void *cfg);
/* Commented YAML that orl_cfg_load() reads back to the same values. */
void orl_cfg_dump(const struct orl_cfg_key *keys, const void *cfg, FILE *out);

/* The command line that every daemon has:
 *   --config FILE  --set KEY=VALUE (repeatable)  --check-config  --dump-config  --help  --version
 * Returns 0 to go on, 1 to exit with success (it printed what was asked), negative on an error. */
ORL_NODISCARD int orl_cfg_args(int argc, char **argv, const char *program, const char *what,
        const char *default_path, const struct orl_cfg_key *keys, void *ret_cfg,
        struct orl_err *err);

#endif
