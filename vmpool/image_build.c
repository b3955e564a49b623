#include "vmpool/image_build.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "vmpool/file_copy.h"
#include "vmpool/overlay.h"
#include "vmpool/proc.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <sys/stat.h>

enum { CREATE_MS = 30000, LOOK_MS = 500, ASK_AGAIN_MS = 10000, AWAY_MS = 60000 };

static int make_disk(const struct orl_image_build *b, struct orl_err *err)
{
    char size[32];
    (void)snprintf(size, sizeof size, "%" PRIu64 "M", b->disk_mib);
    const char *argv[] = {
            "qemu-img", "create", "-q", "-f", "qcow2", "--", b->spec.overlay, size, NULL};
    int r = orl_overlay_remove(b->spec.overlay, err);
    r = r < 0 ? r : orl_proc_run(argv, CREATE_MS, NULL, err);
    if (r < 0) {
        return r;
    }
    /* libvirt may leave the file to root; who goes on with this after us reads it, too. */
    return chmod(b->spec.overlay, 0644) < 0 ? orl_err_sys(err, errno, "%s", b->spec.overlay) : 0;
}

static int open_disk(const struct orl_image_build *b, int *ret_fd, struct orl_err *err)
{
    *ret_fd = open(b->spec.overlay, O_RDONLY | O_CLOEXEC);
    return *ret_fd < 0 ? orl_err_sys(err, errno, "%s", b->spec.overlay) : 0;
}

/* Until it is off and sealed. */
static int await(struct orl_image_build *b, struct orl_err *err)
{
    const struct orl_backend *backend = b->backend;
    uint64_t asked_us = 0;
    uint64_t seen_us = orl_clock_now_us();
    for (;;) {
        struct orl_vm_look look = {.is_running = false};
        if (atomic_load(&b->is_cancelled)) {
            return ORL_E_CLOSED;
        }
        int r = backend->ops->look(backend->self, b->spec.uuid, &look, err);
        uint64_t now_us = orl_clock_now_us();
        if (r == ORL_E_NOTFOUND || (r < 0 && now_us > seen_us + AWAY_MS * ORL_US_PER_MS)) {
            return r;
        }
        seen_us = r == 0 ? now_us : seen_us;
        bool is_sealed = atomic_load(&b->is_seal_wanted);
        if (r == 0 && !look.is_running && is_sealed) {
            return 0;
        }
        if (r == 0) {
            atomic_store(&b->step, !look.is_running ? ORL_BUILD_IS_OFF
                                   : is_sealed      ? ORL_BUILD_SHUTS_DOWN
                                                    : ORL_BUILD_RUNS);
        }
        if (r == 0 && is_sealed && now_us >= asked_us + ASK_AGAIN_MS * ORL_US_PER_MS) {
            asked_us = now_us;
            (void)backend->ops->stop(backend->self, b->spec.uuid, ORL_VM_STOP_ASK, NULL);
        }
        (void)poll(NULL, 0, LOOK_MS);
    }
}

static int copy(const struct orl_image_build *b, int fd, struct orl_err *err)
{
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return orl_err_sys(err, errno, "%s", b->spec.overlay);
    }
    if (orl_import_files_room(b->files, b->reserve_bytes) <
            (uint64_t)st.st_blocks * ORL_STAT_BLOCK) {
        return orl_err_set(err, ORL_E_LIMIT, "a copy of its disk needs more room than there is");
    }
    return orl_file_copy(fd, b->to, &b->is_cancelled, err);
}

static int begin(const struct orl_image_build *b, struct orl_err *err)
{
    const struct orl_backend *backend = b->backend;
    int r = make_disk(b, err);
    r = r < 0 ? r : backend->ops->clone(backend->self, &b->spec, err);
    return r < 0 ? r : backend->ops->start(backend->self, b->spec.uuid, err);
}

/* Until its disk is a file of its own. The machine stays until then, so that all of it can be done once more. */
static int finish(struct orl_image_build *b, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = -1;
    int r = open_disk(b, &fd, err);
    r = r < 0 ? r : await(b, err);
    if (r == ORL_E_NOTFOUND) {
        return orl_err_set(err, r, "its machine is not there any more");
    }
    if (r < 0) {
        return r;
    }
    atomic_store(&b->step, ORL_BUILD_COPIES);
    r = copy(b, fd, err);
    b->reason = r == ORL_E_LIMIT ? ORL_REASON_NO_SPACE : ORL_REASON_INTERNAL;
    return r == 0 && chmod(b->to, 0444) < 0 ? orl_err_sys(err, errno, "%s", b->to) : r;
}

int orl_image_build(struct orl_image_build *b, struct orl_err *err)
{
    const struct orl_backend *backend = b->backend;
    struct orl_err why = {0};
    b->reason = ORL_REASON_GUEST_START_FAILED;
    int r = b->is_adopted ? 0 : begin(b, err);
    if (r == 0) {
        r = finish(b, err);
        if (r < 0 && atomic_load(&b->is_left)) {
            return ORL_E_AGAIN;
        }
    }
    int removed = backend->ops->remove(backend->self, b->spec.uuid, b->spec.overlay, &why);
    if (removed < 0) {
        (void)!orl_overlay_remove(b->spec.overlay, NULL);
    }
    if (r == 0 && removed < 0) {
        r = orl_err_set(err, removed, "its machine was not removed: %.120s", why.text);
    }
    if (r < 0) {
        (void)unlink(b->to);
    }
    return r;
}
