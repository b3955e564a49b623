/* The commands about templates, as data. */
#include "cli/cmd_table.h"

#define TEMPLATE_SIZE_OPTS                                                                         \
    OPT("memory", ORL_CLI_OPT_NUM, "MIB", "memory_mib", "Memory of a desktop."),                   \
            OPT("vcpus", ORL_CLI_OPT_NUM, "N", "vcpus", "Processors of a desktop."),               \
            OPT("os", ORL_CLI_OPT_STR, "OS", "os", "linux (the default) or windows.")
#define TEMPLATE_OPTS                                                                              \
    OPT("path", ORL_CLI_OPT_PATH, "FILE", "path", "Disk image, qcow2 or raw; never written to."),  \
            OPT("kernel", ORL_CLI_OPT_PATH, "FILE", "kernel", "Kernel to boot directly."),         \
            OPT("initrd", ORL_CLI_OPT_PATH, "FILE", "initrd", "Its initial file system."),         \
            OPT("cmdline", ORL_CLI_OPT_STR, "TEXT", "cmdline", "Its command line."),               \
            TEMPLATE_SIZE_OPTS
static const struct orl_cli_opt template_add_opts[] = {
        OPT("kind", ORL_CLI_OPT_STR, "KIND", "kind",
                "disk or kernel; default: kernel if one is given, else disk."),
        TEMPLATE_OPTS,
        END,
};
static const struct orl_cli_opt template_version_opts[] = {TEMPLATE_OPTS, END};
static const struct orl_cli_opt template_set_opts[] = {TEMPLATE_SIZE_OPTS, END};
static const struct orl_cli_opt template_check_opts[] = {
        OPT("template-version", ORL_CLI_OPT_NUM, "N", "version", "Which one; default: the newest."),
        END,
};
#define IMPORT_OPTS                                                                                \
    OPT("on-host", ORL_CLI_OPT_ON, NULL, "on_host",                                                \
            "FILE lies on the host, below import_dir of vmpool.yaml; nothing is sent."),           \
            OPT("new-version", ORL_CLI_OPT_ON, NULL, "is_version",                                 \
                    "As the next version of a template that is there."),                           \
            OPT("os", ORL_CLI_OPT_STR, "OS", "os", "linux or windows; default: linux."),           \
            OPT("memory", ORL_CLI_OPT_NUM, "MIB", "memory_mib", "Memory of each desktop."),        \
            OPT("vcpus", ORL_CLI_OPT_NUM, "N", "vcpus", "Processors of each desktop.")
static const struct orl_cli_opt template_import_opts[] = {IMPORT_OPTS, END};
static const struct orl_cli_opt template_build_opts[] = {IMPORT_OPTS,
        NEEDED("disk", ORL_CLI_OPT_NUM, "MIB", "disk_mib", "Size of the disk to install on."),
        OPT("user", ORL_CLI_OPT_STR, "NAME", "user",
                "Who installs: may open the machine's screen."),
        END};
static const struct orl_cli_column template_columns[] = {
        {"NAME", "name", 0},
        {"VERSION", "version", 0},
        {"KIND", "kind", 0},
        {"STATE", "state", 0},
        {"MEMORY", "memory_mib", 0},
        {"VCPUS", "vcpus", 0},
        {"PATH", "path", 0},
        {"KERNEL", "kernel", 0},
        {"REASON", "reason_text", 0},
        COL_END,
};

#define TEMPLATE_NAME IN_PATH("NAME", "Name of the template.")

const struct orl_cli_cmd orl_cli_template_cmds[] = {
        LIST("template", "List what desktops are cloned of.", "/v1/templates", orl_cli_find_opts,
                template_columns),
        SHOW("template", "Show the newest version of one, and which others there are.",
                "/v1/templates/{0}", TEMPLATE_NAME),
        ACT("template", "add", "Register a disk image or a kernel; vmpool checks it.", ORL_CLI_POST,
                "/v1/templates", IN_BODY("NAME", "name", "a to z, 0 to 9 and -; at most 63."),
                template_add_opts, "template {0} added; vmpool is checking it"),
        ACT("template", "set", "Change memory and processors of the newest version's new desktops.",
                ORL_CLI_PATCH, "/v1/templates/{0}", TEMPLATE_NAME, template_set_opts,
                "template {0} changed"),
        ACT("template", "add-version",
                "Register other files as the next version; what is not given is as in the newest.",
                ORL_CLI_POST, "/v1/templates/{0}/versions", TEMPLATE_NAME, template_version_opts,
                "template {0} has another version; vmpool is checking it"),
        {.noun = "template",
                .verb = "check",
                .help = "Boot a machine of it, look at it, and say what is wrong.",
                .method = ORL_CLI_POST,
                .path = "/v1/templates/{0}/check",
                .args = {TEMPLATE_NAME},
                .opts = template_check_opts,
                .waits = true},
        {.noun = "template",
                .verb = "import",
                .help = "Make a template of a disk image (qcow2, VDI, VHDX): checked, and copied.",
                .method = ORL_CLI_OWN,
                .path = "/v1/templates/{0}/import",
                .args = {TEMPLATE_NAME, IN_BODY("FILE", "file", "The image, on this machine.")},
                .opts = template_import_opts},
        {.noun = "template",
                .verb = "build",
                .help = "Begin to install a template from an ISO, in a machine that you open as a "
                        "desktop.",
                .method = ORL_CLI_OWN,
                .path = "/v1/templates/{0}/build",
                .args = {TEMPLATE_NAME, IN_BODY("FILE", "file", "The ISO, on this machine.")},
                .opts = template_build_opts},
        {.noun = "template",
                .verb = "seal",
                .help = "End an installation: its machine shuts down, its disk becomes a template.",
                .method = ORL_CLI_OWN,
                .path = "/v1/jobs",
                .args = {TEMPLATE_NAME}},
        ACT("template", "remove", "Forget a template that nothing needs; its files stay.",
                ORL_CLI_DELETE, "/v1/templates/{0}", TEMPLATE_NAME, NULL, "template {0} removed"),
        {.noun = "template",
                .verb = "remove-version",
                .help = "Forget a version that no pool and no desktop needs; its files stay.",
                .method = ORL_CLI_DELETE,
                .path = "/v1/templates/{0}/versions/{1}",
                .args = {TEMPLATE_NAME, IN_PATH("VERSION", "Number of the version.")},
                .done = "version {1} of template {0} removed"},
        {.noun = NULL},
};
