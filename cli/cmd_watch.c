/* Commands of `oriel` about looking at somebody's desktop. */
#include "cli/cmd_table.h"

static const struct orl_cli_opt ask_opts[] = {
        NEEDED("as", ORL_CLI_OPT_STR, "USER", "watcher",
                "Who will look, in a browser; needs the role operator."),
        OPT("break-glass", ORL_CLI_OPT_ON, NULL, "break_glass",
                "Tell the person, do not ask; needs that right."),
        END,
};
static const struct orl_cli_opt list_opts[] = {
        OPT("session", ORL_CLI_OPT_STR, "ID", "session", "Only of this session."),
        OPT("user", ORL_CLI_OPT_STR, "NAME", "user", "Only where this person looks or is seen."),
        OPT("open", ORL_CLI_OPT_ON, NULL, "open", "Only those that are not over."),
        FIND_OPT,
        END,
};
static const struct orl_cli_column columns[] = {
        {"ID", "id", 0},
        {"WATCHER", "watcher", 0},
        {"USER", "user", 0},
        {"POOL", "pool", 0},
        {"MODE", "mode", 0},
        {"STATE", "state", 0},
        {"ASKED", "created_ms", ORL_CLI_FMT_TIME},
        {"REASON", "reason", 0},
        {"WHY", "why", 0},
        COL_END,
};
#define WATCH_ID IN_PATH("ID", "Id of the watch.")

const struct orl_cli_cmd orl_cli_watch_cmds[] = {
        {.noun = "session",
                .verb = "watch",
                .help = "Ask the person at this session's desktop whether somebody may look at it; "
                        "prints where, for that person's browser.",
                .method = ORL_CLI_POST,
                .path = "/v1/sessions/{0}/watch",
                .args = {IN_PATH("ID", "Id of the session."),
                        IN_BODY("WHY", "why", "Why; they see it, and the audit keeps it.")},
                .opts = ask_opts,
                .output = ORL_CLI_OUT_OBJECT},
        LIST("watch", "List who looked at whose desktop, or wanted to.", "/v1/watches", list_opts,
                columns),
        SHOW("watch", "Show one.", "/v1/watches/{0}", WATCH_ID),
        ACT("watch", "end", "Nobody looks any more.", ORL_CLI_POST, "/v1/watches/{0}/end", WATCH_ID,
                NULL, "watch {0} ended"),
        {.noun = NULL},
};
