/* The command line to one request, by the table of cli/cmd.h. Asks for passwords; no network. */
#ifndef ORL_CLI_ARGS_H
#define ORL_CLI_ARGS_H
#include "base/err.h"
#include "base/ipc_msgs.h"
#include "cli/cmd.h"
#include "cli/path.h"
#include <jansson.h>
#include <stdint.h>

enum orl_cli_mode {
    ORL_CLI_RUN = 0,
    ORL_CLI_HELP, /* of cmd, or of noun, or of all */
    ORL_CLI_MAN,
    ORL_CLI_VERSION,
    ORL_CLI_COMPLETION, /* for bash */
};
struct orl_cli_call {
    enum orl_cli_mode mode;
    const struct orl_cli_cmd *cmd; /* NULL: none was named */
    const char *noun;              /* of help; NULL: all */
    const char *socket;
    const char *url;        /* of the portal; NULL: the socket */
    const char *token_file; /* NULL: none */
    const char *ca_file;    /* NULL: the system's */
    const char *if_match;   /* NULL: whatever it is now */
    bool is_json;
    bool is_live;
    const char *args[ORL_CLI_MAX_ARGS];
    char path[ORL_CLI_PATH_MAX + 1];     /* with its query */
    json_t *body;                        /* NULL: none */
    char password[ORL_PASSWORD_MAX + 1]; /* a generated one, to be shown; else empty */
};
/* ORL_E_INVAL: usage; err says what. Fini in any case. */
ORL_NODISCARD int orl_cli_parse(
        int argc, char **argv, uint64_t now_ms, struct orl_cli_call *ret_call, struct orl_err *err);
void orl_cli_call_fini(struct orl_cli_call *call); /* wipes the password */

#endif
