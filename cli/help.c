#include "cli/help.h"

#include <ctype.h>
#include <string.h>

struct exit_text {
    enum orl_cli_exit code;
    const char *text;
};
static const struct exit_text exits[] = {
        {ORL_CLI_EXIT_OK, "Done."},
        {ORL_CLI_EXIT_REFUSED, "The broker refused; its reason is on standard error."},
        {ORL_CLI_EXIT_UNREACHABLE, "No broker answers at the socket."},
        {ORL_CLI_EXIT_USAGE, "The command line is wrong; nothing was done."},
};
#define EXITS (sizeof(exits) / sizeof(exits[0]))

/* Calls fn once for each noun, in the table's order. */
static bool is_first_of_noun(const struct orl_cli_cmd *cmd)
{
    const struct orl_cli_cmd *at = orl_cli_next(NULL);
    while (strcmp(at->noun, cmd->noun) != 0) {
        at = orl_cli_next(at);
    }
    return at == cmd;
}

static void put_usage(const struct orl_cli_cmd *cmd, FILE *out)
{
    (void)fprintf(out, "oriel %s", cmd->noun);
    if (cmd->verb[0] != '\0') {
        (void)fprintf(out, " %s", cmd->verb);
    }
    for (unsigned i = 0; i < orl_cli_arg_count(cmd); i++) {
        (void)fprintf(out, " %s", cmd->args[i].name);
    }
    for (const struct orl_cli_opt *o = cmd->opts; o != NULL && o->name != NULL; o++) {
        if (o->is_required) {
            (void)fprintf(out, " --%s%s%s", o->name, o->value != NULL ? " " : "",
                    o->value != NULL ? o->value : "");
        }
    }
}

static void put_opts(const struct orl_cli_opt *opts, FILE *out)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        char left[48];
        (void)snprintf(left, sizeof(left), "--%s%s%s", opts->name, opts->value != NULL ? " " : "",
                opts->value != NULL ? opts->value : "");
        (void)fprintf(out, "  %-30s %s\n", left, opts->help);
    }
}

static void help_all(FILE *out)
{
    (void)fputs("Usage: oriel [OPTIONS] COMMAND [VERB] [ARGUMENTS]\n\n"
                "Manages an Oriel installation through its broker.\n\nCommands:\n",
            out);
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        if (is_first_of_noun(cmd)) {
            (void)fprintf(out, "  %-14s %s\n", cmd->noun, orl_cli_noun_help(cmd->noun));
        }
    }
    (void)fputs("  completion     Write a completion script: oriel completion bash.\n\nOptions:\n",
            out);
    put_opts(orl_cli_global_opts, out);
    (void)fputs("\nExit codes:\n", out);
    for (size_t i = 0; i < EXITS; i++) {
        (void)fprintf(out, "  %-3d %s\n", exits[i].code, exits[i].text);
    }
    (void)fputs("\noriel COMMAND --help shows its verbs, oriel COMMAND VERB --help its options.\n",
            out);
}

static void help_noun(const char *noun, FILE *out)
{
    (void)fprintf(out, "%s\n\n", orl_cli_noun_help(noun));
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        if (strcmp(cmd->noun, noun) == 0) {
            (void)fputs("  ", out);
            put_usage(cmd, out);
            (void)fprintf(out, "\n      %s\n", cmd->help);
        }
    }
}

void orl_cli_help(const struct orl_cli_cmd *cmd, const char *noun, FILE *out)
{
    if (cmd == NULL) {
        if (noun == NULL) {
            help_all(out);
        } else {
            help_noun(noun, out);
        }
        return;
    }
    (void)fputs("Usage: ", out);
    put_usage(cmd, out);
    (void)fprintf(out, "%s\n\n%s\n", cmd->opts != NULL ? " [OPTIONS]" : "", cmd->help);
    if (orl_cli_arg_count(cmd) > 0) {
        (void)fputs("\nArguments:\n", out);
    }
    for (unsigned i = 0; i < orl_cli_arg_count(cmd); i++) {
        (void)fprintf(out, "  %-30s %s\n", cmd->args[i].name, cmd->args[i].help);
    }
    (void)fputs("\nOptions:\n", out);
    put_opts(cmd->opts, out);
    put_opts(orl_cli_global_opts, out);
}

/* roff: a dash is a hyphen unless escaped; a dot at a line's start is a request. */
static void put_roff(const char *text, FILE *out)
{
    if (*text == '.' || *text == '\'') {
        (void)fputs("\\&", out);
    }
    for (; *text != '\0'; text++) {
        if (*text == '-' || *text == '\\') {
            (void)fputc('\\', out);
        }
        (void)fputc(*text, out);
    }
}

static void man_opts(const struct orl_cli_opt *opts, FILE *out)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        (void)fputs(".TP\n.B \\-\\-", out);
        put_roff(opts->name, out);
        if (opts->value != NULL) {
            (void)fprintf(out, " \\fI%s\\fR", opts->value);
        }
        (void)fputc('\n', out);
        put_roff(opts->help, out);
        (void)fputs(opts->is_required ? " Needed.\n" : "\n", out);
    }
}

static void man_cmd(const struct orl_cli_cmd *cmd, FILE *out)
{
    if (is_first_of_noun(cmd)) {
        (void)fputs(".SH \"", out);
        for (const char *c = cmd->noun; *c != '\0'; c++) {
            (void)fputc(toupper((unsigned char)*c), out);
        }
        (void)fprintf(out, "\"\n%s\n", orl_cli_noun_help(cmd->noun));
    }
    (void)fprintf(out, ".SS \"oriel %s%s%s", cmd->noun, cmd->verb[0] != '\0' ? " " : "", cmd->verb);
    for (unsigned i = 0; i < orl_cli_arg_count(cmd); i++) {
        (void)fprintf(out, " %s", cmd->args[i].name);
    }
    (void)fputs("\"\n", out);
    put_roff(cmd->help, out);
    (void)fputc('\n', out);
    for (unsigned i = 0; i < orl_cli_arg_count(cmd); i++) {
        (void)fprintf(out, ".TP\n.I %s\n", cmd->args[i].name);
        put_roff(cmd->args[i].help, out);
        (void)fputc('\n', out);
    }
    man_opts(cmd->opts, out);
}

void orl_cli_man(FILE *out)
{
    (void)fputs(
            ".\\\" Made by `oriel --man`.\n.TH ORIEL 1 \"\" \"Oriel " ORIEL_VERSION
            "\" \"Oriel\"\n.SH NAME\noriel \\- manage desktops, people and sessions of an Oriel "
            "installation\n.SH SYNOPSIS\n.B oriel\n[\\fIOPTIONS\\fR] \\fICOMMAND\\fR "
            "[\\fIVERB\\fR] [\\fIARGUMENTS\\fR]\n.SH DESCRIPTION\n.B oriel\nis a client of the "
            "broker's API. It answers to root, to the broker's own user and to the uids in "
            "the broker's setting\n.BR admin_uids .\nPasswords are never taken from the "
            "command line.\n.SH OPTIONS\n",
            out);
    man_opts(orl_cli_global_opts, out);
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        man_cmd(cmd, out);
    }
    (void)fputs(".SH \"COMPLETION\"\n.B oriel completion bash\nwrites a script for bash: source "
                "it, or put it where bash\\-completion looks.\n.SH \"EXIT STATUS\"\n",
            out);
    for (size_t i = 0; i < EXITS; i++) {
        (void)fprintf(out, ".TP\n.B %d\n%s\n", exits[i].code, exits[i].text);
    }
}

static void put_words(const struct orl_cli_opt *opts, FILE *out)
{
    for (; opts != NULL && opts->name != NULL; opts++) {
        (void)fprintf(out, " --%s", opts->name);
    }
}

static void put_verbs(const char *noun, FILE *out)
{
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        if (strcmp(cmd->noun, noun) == 0 && cmd->verb[0] != '\0') {
            (void)fprintf(out, " %s", cmd->verb);
        }
    }
}

void orl_cli_completion_bash(FILE *out)
{
    (void)fputs("# Made by `oriel completion bash`.\n_oriel()\n{\n"
                "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}\n"
                "    local noun= verb= word= words=\n"
                "    case $prev in\n"
                "    --password-file|--path|--kernel|--initrd|--socket)\n"
                "        COMPREPLY=($(compgen -f -- \"$cur\"))\n        return\n        ;;\n"
                "    esac\n"
                "    for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n"
                "        case $word in\n        -*) ;;\n"
                "        *) if [ -z \"$noun\" ]; then noun=$word; elif [ -z \"$verb\" ]; then "
                "verb=$word; fi ;;\n"
                "        esac\n    done\n    case \"$noun $verb\" in\n    ' ') words='completion",
            out);
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        if (is_first_of_noun(cmd)) {
            (void)fprintf(out, " %s", cmd->noun);
        }
    }
    (void)fputs("' ;;\n    'completion ') words=bash ;;\n", out);
    for (const struct orl_cli_cmd *cmd = orl_cli_next(NULL); cmd != NULL; cmd = orl_cli_next(cmd)) {
        if (is_first_of_noun(cmd)) {
            (void)fprintf(out, "    '%s ') words='", cmd->noun);
            put_verbs(cmd->noun, out);
            (void)fputs("' ;;\n", out);
        }
        if (cmd->verb[0] != '\0') {
            (void)fprintf(out, "    '%s %s') words='", cmd->noun, cmd->verb);
            put_words(cmd->opts, out);
            (void)fputs("' ;;\n", out);
        }
    }
    (void)fputs("    esac\n    COMPREPLY=($(compgen -W \"$words", out);
    put_words(orl_cli_global_opts, out);
    (void)fputs("\" -- \"$cur\"))\n}\ncomplete -F _oriel oriel\n", out);
}
