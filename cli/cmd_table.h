/* What the tables of commands are written with. */
#ifndef ORL_CLI_CMD_TABLE_H
#define ORL_CLI_CMD_TABLE_H
#include "cli/cmd.h"

#define END                                                                                        \
    {                                                                                              \
        .name = NULL                                                                               \
    }
#define OPT(opt_name, opt_kind, opt_value, opt_key, text)                                          \
    {                                                                                              \
        .name = (opt_name), .kind = (opt_kind), .value = (opt_value), .key = (opt_key),            \
        .help = (text)                                                                             \
    }
#define NEEDED(opt_name, opt_kind, opt_value, opt_key, text)                                       \
    {                                                                                              \
        .name = (opt_name), .kind = (opt_kind), .value = (opt_value), .key = (opt_key),            \
        .help = (text), .is_required = true                                                        \
    }
#define COL_END                                                                                    \
    {                                                                                              \
        .key = NULL                                                                                \
    }
#define IN_PATH(arg_name, text)                                                                    \
    {                                                                                              \
        .name = (arg_name), .help = (text)                                                         \
    }
#define IN_BODY(arg_name, arg_key, text)                                                           \
    {                                                                                              \
        .name = (arg_name), .key = (arg_key), .help = (text)                                       \
    }
#define FIND_OPT OPT("find", ORL_CLI_OPT_STR, "TEXT", "q", "Only those with this in their names.")
/* Of a list with no options of its own. */
extern const struct orl_cli_opt orl_cli_find_opts[];
#define PASSWORD_OPTS                                                                              \
    OPT("password-file", ORL_CLI_OPT_FILE, "FILE", "password",                                     \
            "Password from the first line of FILE; - is standard input."),                         \
            OPT("generate-password", ORL_CLI_OPT_GENERATE, NULL, "password",                       \
                    "Make a password and show it once.")

#define LIST(noun_text, help_text, path_text, opt_list, column_list)                               \
    {                                                                                              \
        .noun = (noun_text), .verb = "list", .help = (help_text), .path = (path_text),             \
        .opts = (opt_list), .output = ORL_CLI_OUT_LIST, .columns = (column_list)                   \
    }
#define SHOW(noun_text, help_text, path_text, arg)                                                 \
    {                                                                                              \
        .noun = (noun_text), .verb = "show", .help = (help_text), .path = (path_text),             \
        .args = {arg}, .output = ORL_CLI_OUT_OBJECT                                                \
    }
#define ACT(noun_text, verb_text, help_text, how, path_text, arg, opt_list, done_text)             \
    {                                                                                              \
        .noun = (noun_text), .verb = (verb_text), .help = (help_text), .method = (how),            \
        .path = (path_text), .args = {arg}, .opts = (opt_list), .done = (done_text)                \
    }
#define LOCAL(noun_text, verb_text, help_text, arg, opt_list)                                      \
    {                                                                                              \
        .noun = (noun_text), .verb = (verb_text), .help = (help_text), .method = ORL_CLI_LOCAL,    \
        .path = "", .args = {arg}, .opts = (opt_list)                                              \
    }
#define NO_ARG                                                                                     \
    {                                                                                              \
        .name = NULL                                                                               \
    }

extern const struct orl_cli_cmd orl_cli_people_cmds[];
extern const struct orl_cli_cmd orl_cli_watch_cmds[];
extern const struct orl_cli_cmd orl_cli_template_cmds[];
extern const struct orl_cli_cmd orl_cli_cmds[];

#endif
