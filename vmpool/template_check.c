#include "vmpool/template_check.h"
#include "base/cleanup.h"
#include "base/sha256.h"
#include "vmpool/image_tool.h"
#include "vmpool/json_top.h"
#include "vmpool/qcow2_head.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { INFO_TIMEOUT_MS = 20000, INFO_MAX = 65536, MIN_VIRTUAL_BYTES = 1024 * 1024 };
#define MIB (UINT64_C(1024) * 1024)
#define NS_PER_S UINT64_C(1000000000)

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

static bool is_sound_head(const struct orl_template_rules *rules, struct orl_template_row *row)
{
    uint8_t head[ORL_QCOW2_HEAD_LEN];
    ORL_AUTO(orl_close_auto) int fd = open(row->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t n = fd >= 0 ? read(fd, head, sizeof head) : -1;
    const char *fault = orl_qcow2_fault(head, n > 0 ? (size_t)n : 0, rules->allows_backing);
    if (fault) {
        char what[ORL_TEXT_MAX];
        (void)snprintf(what, sizeof what, " %s", fault);
        say(row, ORL_TEMPLATE_CORRUPT, what, row->path, "");
    }
    return fault == NULL;
}

static const char *main_file(const struct orl_template_row *row)
{
    return row->path[0] ? row->path : row->kernel;
}

static struct orl_template_stamp stamp_of(const struct stat *st)
{
    return (struct orl_template_stamp){.size_bytes = (uint64_t)st->st_size,
            .mtime_ns = (uint64_t)st->st_mtim.tv_sec * NS_PER_S + (uint64_t)st->st_mtim.tv_nsec,
            .inode = st->st_ino,
            .device = st->st_dev};
}

static bool is_same(const struct orl_template_stamp *a, const struct orl_template_stamp *b)
{
    return a->size_bytes == b->size_bytes && a->mtime_ns == b->mtime_ns && a->inode == b->inode &&
           a->device == b->device;
}

/* Of the disk, or of the kernel when there is none. Reads the file only when it is not the known one. */
static void check_sum(struct orl_template_stamp *stamp, struct orl_template_row *row, bool is_new)
{
    const char *path = main_file(row);
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    struct orl_err err = {0};
    if (fd < 0 || fstat(fd, &st) < 0) {
        say(row, ORL_TEMPLATE_MISSING, " can't be read", path, strerror(errno));
        return;
    }
    struct orl_template_stamp now = stamp_of(&st);
    if (stamp->sha256[0] && is_same(stamp, &now)) {
        memcpy(now.sha256, stamp->sha256, sizeof now.sha256);
    } else if (orl_sha256_fd(fd, now.sha256, &err) < 0) {
        say(row, ORL_TEMPLATE_CORRUPT, " can't be read", path, err.text);
        return;
    }
    *stamp = now;
    if (is_new || !row->sha256[0]) {
        memcpy(row->sha256, now.sha256, sizeof now.sha256);
    } else if (strcmp(row->sha256, now.sha256) != 0) {
        say(row, ORL_TEMPLATE_CORRUPT, " was changed after it was registered", path,
                "clones lie on what it was; put it back, or register the new one as another "
                "version");
    }
}

/* All that was said about it still holds: nothing needs to be opened. */
static bool is_as_it_was(const struct orl_template_stamp *stamp, const struct orl_template_row *row)
{
    struct stat st;
    if (row->state != ORL_TEMPLATE_READY || strcmp(stamp->sha256, row->sha256) != 0 ||
            stat(main_file(row), &st) < 0) {
        return false;
    }
    struct orl_template_stamp now = stamp_of(&st);
    return is_same(stamp, &now) && (!row->kernel[0] || access(row->kernel, R_OK) == 0) &&
           (!row->initrd[0] || access(row->initrd, R_OK) == 0);
}

static void check_disk(const struct orl_template_rules *rules, struct orl_template_row *row)
{
    struct orl_buf out;
    struct orl_err err = {0};
    const char *words[] = {"info", "--output=json", "-U", "-f", "qcow2", "--", row->path, NULL};
    const struct orl_image_tool tool = {.from = row->path, .timeout_ms = INFO_TIMEOUT_MS};
    if (!is_file(row, row->path) || !is_sound_head(rules, row)) {
        return;
    }
    orl_buf_init(&out, INFO_MAX);
    int r = orl_image_tool_run(&tool, words, &out, &err);
    orl_buf_put_u8(&out, 0);
    if (r < 0 || out.is_failed) {
        say(row, ORL_TEMPLATE_CORRUPT, " can't be opened", row->path, err.text);
    } else {
        orl_template_judge(rules, (const char *)out.data, row);
    }
    orl_buf_fini(&out);
}

static void check_files(const struct orl_template_rules *rules, struct orl_template_row *row)
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

void orl_template_check(const struct orl_template_rules *rules, struct orl_template_stamp *stamp,
        struct orl_template_row *row)
{
    bool is_new = row->state == ORL_TEMPLATE_CHECKING || row->state == ORL_TEMPLATE_UNKNOWN;
    if (is_as_it_was(stamp, row)) {
        return;
    }
    check_files(rules, row);
    if (row->state == ORL_TEMPLATE_READY) {
        check_sum(stamp, row, is_new);
    }
}
