#include "vmpool/template_check.h"
#include "base/cleanup.h"
#include "vmpool/json_top.h"
#include "vmpool/proc.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { INFO_TIMEOUT_MS = 20000, INFO_MAX = 65536, MIN_VIRTUAL_BYTES = 1024 * 1024 };
#define MIB (UINT64_C(1024) * 1024)

static void say(struct orl_template_row *row, enum orl_template_state state, const char *what,
        const char *subject, const char *detail)
{
    row->state = state;
    row->reason = state == ORL_TEMPLATE_READY     ? ORL_REASON_NONE
                  : state == ORL_TEMPLATE_MISSING ? ORL_REASON_TEMPLATE_MISSING
                                                  : ORL_REASON_TEMPLATE_CORRUPT;
    char text[ORL_STORE_PATH_MAX + 2 * ORL_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%s%s%s%s", subject, what, detail[0] ? ": " : "", detail);
    orl_msg_text(row->reason_text, sizeof row->reason_text, text);
}

static bool is_file(struct orl_template_row *row, const char *path)
{
    struct stat st;
    if (path[0] != '/') {
        say(row, ORL_TEMPLATE_MISSING, " is not an absolute path", path, "");
        return false;
    }
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &st) < 0) {
        say(row, ORL_TEMPLATE_MISSING, " can't be read", path, strerror(errno));
        return false;
    }
    if (!S_ISREG(st.st_mode) || st.st_size == 0) {
        say(row, ORL_TEMPLATE_CORRUPT, " is empty or not a file", path, "");
        return false;
    }
    return true;
}

void orl_template_judge(
        const struct orl_template_rules *rules, const char *json, struct orl_template_row *row)
{
    char format[16];
    uint64_t bytes = 0;
    if (!orl_json_top_text(json, "format", format, sizeof format) ||
            !orl_json_top_u64(json, "virtual-size", &bytes)) {
        say(row, ORL_TEMPLATE_CORRUPT, "qemu-img says neither format nor size", "", "");
        return;
    }
    if (strcmp(format, "qcow2") != 0) {
        say(row, ORL_TEMPLATE_CORRUPT, " is not qcow2 but", row->path, format);
        return;
    }
    bool is_corrupt = strstr(json, "\"corrupt\": true") != NULL;
    bool has_other =
            strstr(json, "\"data-file\"") != NULL ||
            (!rules->allows_backing && (orl_json_top_has(json, "backing-filename") ||
                                               orl_json_top_has(json, "full-backing-filename")));
    if (is_corrupt) {
        say(row, ORL_TEMPLATE_CORRUPT, " is marked as corrupt", row->path, "");
    } else if (has_other) {
        say(row, ORL_TEMPLATE_CORRUPT, " needs another file", row->path,
                "flatten it with qemu-img convert, or set allow_backing");
    } else if (bytes < MIN_VIRTUAL_BYTES || bytes / MIB > rules->max_virtual_mib) {
        say(row, ORL_TEMPLATE_CORRUPT, " has a virtual size that is out of range", row->path, "");
    } else {
        (void)snprintf(row->disk_format, sizeof row->disk_format, "%s", format);
        row->virtual_bytes = bytes;
        say(row, ORL_TEMPLATE_READY, "", "", "");
    }
}

static void check_disk(const struct orl_template_rules *rules, struct orl_template_row *row)
{
    struct orl_buf out;
    struct orl_err err = {0};
    const char *argv[] = {"qemu-img", "info", "--output=json", "-U", "--", row->path, NULL};
    if (!is_file(row, row->path)) {
        return;
    }
    orl_buf_init(&out, INFO_MAX);
    int r = orl_proc_run(argv, INFO_TIMEOUT_MS, &out, &err);
    orl_buf_put_u8(&out, 0);
    if (r < 0 || out.is_failed) {
        say(row, ORL_TEMPLATE_CORRUPT, " can't be opened", row->path, err.text);
    } else {
        orl_template_judge(rules, (const char *)out.data, row);
    }
    orl_buf_fini(&out);
}

void orl_template_check(const struct orl_template_rules *rules, struct orl_template_row *row)
{
    if (row->kind == ORL_TEMPLATE_KERNEL && !row->kernel[0]) {
        say(row, ORL_TEMPLATE_MISSING, "the template names no kernel", "", "");
        return;
    }
    if ((row->kernel[0] && !is_file(row, row->kernel)) ||
            (row->initrd[0] && !is_file(row, row->initrd))) {
        return;
    }
    if (row->path[0] || row->kind == ORL_TEMPLATE_DISK) {
        check_disk(rules, row);
    } else {
        say(row, ORL_TEMPLATE_READY, "", "", "");
    }
}
