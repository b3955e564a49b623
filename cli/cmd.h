/* The commands of `oriel` as data: parser, help, completion and manual page are made from this. */
#ifndef ORL_CLI_CMD_H
#define ORL_CLI_CMD_H
#include <stdbool.h>
#include <stddef.h>

#define ORL_CLI_MAX_ARGS 2
#define ORL_CLI_SOCKET "/run/oriel/broker.sock"

enum orl_cli_exit {
    ORL_CLI_EXIT_OK = 0,
    ORL_CLI_EXIT_REFUSED = 1,     /* the broker said no; its reason is on stderr */
    ORL_CLI_EXIT_UNREACHABLE = 2, /* no broker there, or no sense in its answer */
    ORL_CLI_EXIT_CHANGES =
            2, /* apply --dry-run, which fails with 1 alone: there is something to do */
    ORL_CLI_EXIT_USAGE = 64,
};
enum orl_cli_method {
    ORL_CLI_GET = 0,
    ORL_CLI_POST,
    ORL_CLI_PATCH,
    ORL_CLI_DELETE,
    ORL_CLI_LOCAL, /* no request: cli/local.h */
    ORL_CLI_OWN, /* requests of its own: cli/site_file.h, cli/doctor.h, cli/audit.h, cli/import.h */
};

enum orl_cli_opt_kind {
    ORL_CLI_OPT_NONE = 0,
    ORL_CLI_OPT_STR,
    ORL_CLI_OPT_NUM,      /* 0 .. 2^32 - 1 */
    ORL_CLI_OPT_ON,       /* no value: key is true */
    ORL_CLI_OPT_OFF,      /* no value: key is false */
    ORL_CLI_OPT_TIME,     /* "2h", "30m", "7d" ago; or ms since 1970 */
    ORL_CLI_OPT_PATH,     /* made absolute: another program opens it */
    ORL_CLI_OPT_TEXT,     /* all of a file, - for stdin, is the value */
    ORL_CLI_OPT_FILE,     /* --password-file FILE, - for stdin */
    ORL_CLI_OPT_ASK,      /* a password is asked for on the terminal */
    ORL_CLI_OPT_GENERATE, /* a password is made and shown once */
    ORL_CLI_OPT_LIVE,     /* is not sent: asks path + "/live" again and again */
    ORL_CLI_OPT_CONFIRM,  /* is not sent: the person knows what this does */
};
struct orl_cli_opt {
    const char *name; /* "memory"; NULL ends the list */
    enum orl_cli_opt_kind kind;
    const char *value; /* "MIB"; NULL: takes none */
    const char *key;   /* in the body, or in the query of a GET */
    const char *help;
    bool is_required;
};
struct orl_cli_arg {
    const char *name; /* "NAME" */
    const char *key;  /* in the body; NULL: it stands in the path */
    const char *help;
};
enum orl_cli_format { ORL_CLI_FMT_TEXT = 0, ORL_CLI_FMT_TIME };
struct orl_cli_column {
    const char *title;
    const char *key; /* "desktops.ready" goes into objects; NULL ends the list */
    enum orl_cli_format format;
};
enum orl_cli_output {
    ORL_CLI_OUT_DONE = 0, /* the sentence of `done` */
    ORL_CLI_OUT_LIST,     /* a table of `columns` */
    ORL_CLI_OUT_OBJECT,   /* every field on a line */
};
struct orl_cli_cmd {
    const char *noun; /* NULL ends a table */
    const char *verb; /* "": the noun alone is the command */
    const char *help; /* one sentence */
    enum orl_cli_method method;
    const char *path; /* {0}, {1}: arguments, percent-encoded */
    struct orl_cli_arg args[ORL_CLI_MAX_ARGS];
    const struct orl_cli_opt *opts; /* NULL: none */
    bool asks_password;             /* on the terminal, when no option says what it is */
    enum orl_cli_output output;
    bool waits;       /* the answer names a job: its progress is shown until it ends */
    const char *done; /* {0}, {1}: arguments; {id}: a field of the answer */
    const char *also; /* a line more, as done, where the answer's list also_key has something */
    const char *also_key;
    const struct orl_cli_column *columns;
    bool is_endless; /* a list of which one page is shown */
};

/* Every command in turn, those of a noun together; NULL: the first; gives NULL after the last. */
const struct orl_cli_cmd *orl_cli_next(const struct orl_cli_cmd *cmd);
extern const struct orl_cli_opt orl_cli_global_opts[];
/* "user" to "People who may log in."; NULL for what is no noun. */
const char *orl_cli_noun_help(const char *noun);
/* NULL: there is none. verb NULL or "": the noun alone. */
const struct orl_cli_cmd *orl_cli_find(const char *noun, const char *verb);
/* Of the command; cmd NULL: of all commands and the global ones. A name always takes the same. */
const struct orl_cli_opt *orl_cli_find_opt(const struct orl_cli_cmd *cmd, const char *name);
unsigned orl_cli_arg_count(const struct orl_cli_cmd *cmd);

#endif
