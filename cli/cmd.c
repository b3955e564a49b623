#include "cli/cmd_table.h"

#include <string.h>

static const struct {
    const char *noun;
    const char *help;
} nouns[] = {
        {"status", "What the broker is doing."},
        {"user", "People who may log in."},
        {"group", "Groups of people."},
        {"pool", "Pools of desktops."},
        {"template", "What desktops are cloned of."},
        {"entitlement", "Who may use which pool."},
        {"desktop", "Desktops of all pools."},
        {"session", "People's stays on desktops."},
        {"watch", "Who looks at whose desktop."},
        {"message", "Words to people at their desktops."},
        {"ticket", "One-time tickets."},
        {"token", "Personal access tokens, for scripts."},
        {"login", "Where people are logged in at the portal."},
        {"golden", "Prepared desktops that others begin as copies of."},
        {"home", "People's files in pools that keep them."},
        {"job", "What hosts were asked to do that takes a while."},
        {"alarm", "What is wrong now."},
        {"audit", "What happened, to whom and why."},
        {"host", "Hosts that desktops run on."},
        {"load", "How busy everything was."},
        {"certificate", "What RDP and VNC clients, and browsers, are shown."},
        {"site", "The site's own words at the log-in and on refusals."},
        {"reason", "What people read when they are refused or sent away."},
        {"doctor", "What is wrong with this host, and what to do."},
        {"export", "All that an administrator decides, as YAML."},
        {"apply", "Make it as a YAML file says, whole or not at all."},
        {"store", "Where all this is kept; needs no broker."},
        {"backup", "Copy the store into an encrypted file, while the programs run."},
        {"restore", "Make the store what a backup has; the programs are stopped before."},
};

const char *orl_cli_noun_help(const char *noun)
{
    for (size_t i = 0; i < sizeof(nouns) / sizeof(nouns[0]); i++) {
        if (strcmp(nouns[i].noun, noun) == 0) {
            return nouns[i].help;
        }
    }
    return NULL;
}

const struct orl_cli_cmd *orl_cli_next(const struct orl_cli_cmd *cmd)
{
    static const struct orl_cli_cmd *const tables[] = {
            orl_cli_people_cmds, orl_cli_template_cmds, orl_cli_cmds, orl_cli_watch_cmds};
    enum { TABLES = sizeof(tables) / sizeof(tables[0]) };
    if (cmd == NULL) {
        return tables[0];
    }
    if (cmd[1].noun != NULL) {
        return cmd + 1;
    }
    /* The last of its table. */
    for (unsigned i = 0; i + 1 < TABLES; i++) {
        const struct orl_cli_cmd *last = tables[i];
        while (last[1].noun != NULL) {
            last++;
        }
        if (cmd == last) {
            return tables[i + 1];
        }
    }
    return NULL;
}

const struct orl_cli_cmd *orl_cli_find(const char *noun, const char *verb)
{
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        if (strcmp(cmd->noun, noun) == 0 && strcmp(cmd->verb, verb != NULL ? verb : "") == 0) {
            return cmd;
        }
    }
    return NULL;
}

static const struct orl_cli_opt *find_in(const struct orl_cli_opt *opts, const char *name)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        if (strcmp(opts->name, name) == 0) {
            return opts;
        }
    }
    return NULL;
}

const struct orl_cli_opt *orl_cli_find_opt(const struct orl_cli_cmd *cmd, const char *name)
{
    if (cmd != NULL) {
        return find_in(cmd->opts, name);
    }
    const struct orl_cli_opt *opt = find_in(orl_cli_global_opts, name);
    for (cmd = orl_cli_next(NULL); opt == NULL && cmd != NULL; cmd = orl_cli_next(cmd)) {
        opt = find_in(cmd->opts, name);
    }
    return opt;
}

unsigned orl_cli_arg_count(const struct orl_cli_cmd *cmd)
{
    unsigned count = 0;
    while (count < ORL_CLI_MAX_ARGS && cmd->args[count].name != NULL) {
        count++;
    }
    return count;
}
