#include "vmpool/image_convert.h"
#include "base/cleanup.h"
#include "vmpool/image_tool.h"
#include "vmpool/json_top.h"
#include "vmpool/qcow2_head.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    INFO_MS = 20000,
    CHECK_MS = 600000,
    CONVERT_MS = 7200000,
    SAID_MAX = 65536,
    VDI_AT = 0x40,
    PERCENT_CHECK = 5,
    PERCENT_CONVERT = 20,
    VIRTUAL_MIN = 1024 * 1024,
};
/* Its tables, for the largest disk that we take. */
#define MORE_BYTES (UINT64_C(1) << 30)
/* What qemu-img writes at once: it is killed that far below its file's bound, or less. */
#define IN_FLIGHT_BYTES (UINT64_C(32) << 20)

const char *orl_image_format(const uint8_t *head, size_t len, const char **ret_fault)
{
    static const uint8_t vdi[] = {0x7f, 0x10, 0xda, 0xbe};
    *ret_fault = NULL;
    if (len >= 4 && memcmp(head, "QFI\xfb", 4) == 0) {
        *ret_fault = orl_qcow2_fault(head, len, false);
        return *ret_fault ? NULL : "qcow2";
    }
    if (len >= 8 && memcmp(head, "vhdxfile", 8) == 0) {
        return "vhdx";
    }
    if (len >= VDI_AT + sizeof vdi && memcmp(head + VDI_AT, vdi, sizeof vdi) == 0) {
        return "vdi";
    }
    bool is_vmdk = (len >= 4 && (memcmp(head, "KDMV", 4) == 0 || memcmp(head, "COWD", 4) == 0)) ||
                   (len >= 21 && memcmp(head, "# Disk DescriptorFile", 21) == 0);
    *ret_fault = is_vmdk ? "is a VMDK, which may name other files: make a qcow2 of it with "
                           "qemu-img convert"
                         : "is not a disk image in one of the formats qcow2, VDI and VHDX";
    return NULL;
}

const char *orl_image_info_fault(const char *json, uint64_t max_virtual_bytes)
{
    uint64_t bytes = 0;
    if (!orl_json_top_u64(json, "virtual-size", &bytes) || bytes < VIRTUAL_MIN) {
        return "has no disk in it";
    }
    if (bytes > max_virtual_bytes) {
        return "holds a disk larger than max_template_gib";
    }
    if (orl_json_top_has(json, "backing-filename") ||
            orl_json_top_has(json, "full-backing-filename") || strstr(json, "\"data-file\"")) {
        return "needs another file";
    }
    return strstr(json, "\"encrypted\": true") ? "is encrypted" : NULL;
}

const char *orl_image_check_fault(const char *json)
{
    uint64_t count = 0;
    if (!orl_json_top_has(json, "check-errors")) {
        return "can't be checked";
    }
    bool is_bad = (orl_json_top_u64(json, "corruptions", &count) && count > 0) ||
                  (orl_json_top_u64(json, "check-errors", &count) && count > 0);
    return is_bad ? "is damaged or not whole" : NULL;
}

static int refuse(
        struct orl_image_convert *c, enum orl_reason reason, const char *fault, struct orl_err *err)
{
    c->reason = reason;
    return orl_err_set(err, ORL_E_INVAL, "the file %s", fault);
}

/* What it prints is wanted also where it ends badly. ret: NUL-terminated, SAID_MAX at most. */
static int ask(struct orl_image_convert *c, const char *verb, const char *format,
        unsigned timeout_ms, struct orl_buf *out, struct orl_err *err)
{
    const char *words[] = {verb, "--output=json", "-U", "-f", format, "--", c->from, NULL};
    const struct orl_image_tool tool = {
            .from = c->from, .timeout_ms = timeout_ms, .is_cancelled = &c->is_cancelled};
    orl_buf_init(out, SAID_MAX);
    int r = orl_image_tool_run(&tool, words, out, err);
    orl_buf_put_u8(out, 0);
    return out->is_failed ? orl_err_set(err, ORL_E_LIMIT, "qemu-img says too much of it") : r;
}

static int look(struct orl_image_convert *c, const char **ret_format, struct orl_err *err)
{
    uint8_t head[ORL_IMAGE_HEAD_LEN];
    const char *fault = NULL;
    struct orl_buf said;
    ORL_AUTO(orl_close_auto) int fd = open(c->from, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd >= 0 ? read(fd, head, sizeof head) : -1;
    if (n < 0) {
        return orl_err_sys(err, errno, "%s", c->from);
    }
    const char *format = orl_image_format(head, (size_t)n, &fault);
    if (!format) {
        return refuse(c, ORL_REASON_IMAGE_REFUSED, fault, err);
    }
    int r = ask(c, "info", format, INFO_MS, &said, err);
    fault = r < 0 ? NULL : orl_image_info_fault((const char *)said.data, c->max_virtual_bytes);
    orl_buf_fini(&said);
    if (fault) {
        bool is_large = strstr(fault, "max_template_gib") != NULL;
        return refuse(
                c, is_large ? ORL_REASON_IMAGE_TOO_LARGE : ORL_REASON_IMAGE_REFUSED, fault, err);
    }
    *ret_format = format;
    return r;
}

static int check(struct orl_image_convert *c, const char *format, struct orl_err *err)
{
    struct orl_buf said;
    struct orl_err why = {0};
    atomic_store(&c->percent, PERCENT_CHECK);
    int r = ask(c, "check", format, CHECK_MS, &said, &why);
    const char *fault = said.is_failed ? NULL : orl_image_check_fault((const char *)said.data);
    orl_buf_fini(&said);
    if (r < 0 && r != ORL_E_BACKEND) {
        return orl_err_set(err, r, "%s", why.text);
    }
    return fault ? refuse(c, ORL_REASON_IMAGE_REFUSED, fault, err) : 0; /* leaks are none */
}

/* It may write this one, and make none. */
static int make_empty(const char *path, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto)
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    return fd < 0 ? orl_err_sys(err, errno, "%s", path) : 0;
}

static int convert(struct orl_image_convert *c, const char *format, struct orl_err *err)
{
    const char *words[] = {
            "convert", "-f", format, "-O", "qcow2", "-t", "writeback", "--", c->from, c->to, NULL};
    static const char no_room[] = "needs more room than there is in images_dir";
    struct stat st;
    if (stat(c->from, &st) < 0) {
        return orl_err_sys(err, errno, "%s", c->from);
    }
    atomic_store(&c->percent, PERCENT_CONVERT);
    uint64_t room = orl_import_files_room(c->files, c->reserve_bytes);
    uint64_t most = c->max_virtual_bytes + MORE_BYTES;
    if (room < (uint64_t)st.st_blocks * ORL_STAT_BLOCK) {
        return refuse(c, ORL_REASON_NO_SPACE, no_room, err);
    }
    int r = make_empty(c->to, err);
    if (r < 0) {
        return r;
    }
    /* A compressed one grows: not into what running desktops need. */
    const struct orl_image_tool tool = {.from = c->from,
            .to = c->to,
            .to_max_bytes = room < most ? room : most,
            .timeout_ms = CONVERT_MS,
            .is_cancelled = &c->is_cancelled};
    r = orl_image_tool_run(&tool, words, NULL, err);
    bool is_full = r == ORL_E_BACKEND && stat(c->to, &st) == 0 &&
                   (uint64_t)st.st_size + IN_FLIGHT_BYTES > room;
    if (is_full || (r < 0 && strstr(err->text, strerror(ENOSPC)))) {
        return refuse(c, ORL_REASON_NO_SPACE, no_room, err);
    }
    if (r == 0 && chmod(c->to, 0444) < 0) { /* QEMU's user reads it below every clone */
        r = orl_err_sys(err, errno, "%s", c->to);
    }
    return r;
}

int orl_image_convert(struct orl_image_convert *c, struct orl_err *err)
{
    const char *format = NULL;
    c->reason = ORL_REASON_IMAGE_REFUSED;
    int r = look(c, &format, err);
    r = r < 0 ? r : check(c, format, err);
    r = r < 0 ? r : convert(c, format, err);
    if (r < 0) {
        (void)unlink(c->to);
    }
    return r;
}
