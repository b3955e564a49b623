#include "vmpool/import_files.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "store/job.h"
#include "store/template.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { JOB_DIGITS = 12 };

static const struct orl_log_ctx log_ctx = {.name = "imports"};

int orl_import_files_init(struct orl_import_files *files, const char *images_dir,
        const char *installation, struct orl_err *err)
{
    int len = snprintf(files->dir, sizeof files->dir, "%s/%s/templates", images_dir, installation);
    if (len < 0 || (size_t)len >= sizeof files->dir) {
        return orl_err_set(err, ORL_E_LIMIT, "images_dir is too long");
    }
    if ((mkdir(files->dir, 0711) < 0 && errno != EEXIST) || chmod(files->dir, 0711) < 0) {
        return orl_err_sys(err, errno, "mkdir %s", files->dir);
    }
    return 0;
}

int orl_import_files_of_job(const struct orl_import_files *files, const char *job,
        const char *suffix, char ret_path[ORL_VM_PATH_MAX + 1], struct orl_err *err)
{
    int len = snprintf(ret_path, ORL_VM_PATH_MAX + 1, "%s/%s%s", files->dir, job, suffix);
    return len > 0 && len <= ORL_VM_PATH_MAX
                   ? 0
                   : orl_err_set(err, ORL_E_LIMIT, "images_dir is too long");
}

int orl_import_files_of_template(const struct orl_import_files *files, const char *name,
        const char *job, char ret_path[ORL_VM_PATH_MAX + 1], struct orl_err *err)
{
    int len = snprintf(
            ret_path, ORL_VM_PATH_MAX + 1, "%s/%s-%.*s.qcow2", files->dir, name, JOB_DIGITS, job);
    return len > 0 && len + (int)strlen(ORL_IMPORT_NEW) <= ORL_VM_PATH_MAX
                   ? 0
                   : orl_err_set(err, ORL_E_LIMIT, "images_dir is too long");
}

uint64_t orl_import_files_room(const struct orl_import_files *files, uint64_t reserve_bytes)
{
    struct statvfs st;
    uint64_t free_bytes = statvfs(files->dir, &st) == 0 ? (uint64_t)st.f_bavail * st.f_frsize : 0;
    return free_bytes > reserve_bytes ? free_bytes - reserve_bytes : 0;
}

struct named {
    const char *path;
    bool is_found;
};

static int compare(void *ctx, const struct orl_template_row *row)
{
    struct named *named = ctx;
    named->is_found = named->is_found || strcmp(row->path, named->path) == 0;
    return 0;
}

static bool has_suffix(const char *text, const char *suffix)
{
    size_t len = strlen(text);
    size_t end = strlen(suffix);
    return len > end && strcmp(text + len - end, suffix) == 0;
}

static bool is_job_file(const char *file)
{
    char id[ORL_ID_LEN + 1];
    (void)snprintf(id, sizeof id, "%s", file);
    return orl_id_is_valid(id) && file[ORL_ID_LEN] == '.';
}

/* 1: its job goes on; 0: it does not. */
static int goes_on(struct orl_store *store, const char *host, const char *file, struct orl_err *err)
{
    struct orl_job_row job;
    char id[ORL_ID_LEN + 1];
    (void)snprintf(id, sizeof id, "%s", file);
    int r = orl_job_get(store, id, &job, err);
    return r == 0 ? orl_job_outlives(&job, host) : r == ORL_E_NOTFOUND ? 0 : r;
}

struct tidying {
    const struct orl_import_files *files;
    struct orl_store *store;
    const char *host;
};

static int tidy_one(const struct tidying *t, const char *file, struct orl_err *err)
{
    const struct orl_import_files *files = t->files;
    char path[ORL_VM_PATH_MAX + 1];
    char whole[ORL_VM_PATH_MAX + 1];
    struct named named = {.path = whole};
    int len = snprintf(path, sizeof path, "%s/%s", files->dir, file);
    bool is_new = has_suffix(file, ".qcow2" ORL_IMPORT_NEW);
    if (len < 0 || (size_t)len >= sizeof path || (!is_new && !is_job_file(file))) {
        return 0;
    }
    int is_live = is_new ? 0 : goes_on(t->store, t->host, file, err);
    if (is_live != 0) {
        return is_live < 0 ? is_live : 0;
    }
    if (is_new) {
        (void)snprintf(whole, sizeof whole, "%.*s", len - (int)strlen(ORL_IMPORT_NEW), path);
        int r = orl_template_list(t->store, NULL, compare, &named, err);
        if (r < 0) {
            return r;
        }
    }
    if (named.is_found ? rename(path, whole) < 0 : unlink(path) < 0) {
        /* No reason for a host to stay away. */
        orl_log_warn(&log_ctx, "left over, and stays", "file", file, "error", strerror(errno));
        return 0;
    }
    orl_log_info(&log_ctx, named.is_found ? "finished" : "left over, removed", "file", file);
    return 0;
}

int orl_import_files_tidy(const struct orl_import_files *files, struct orl_store *store,
        const char *host, struct orl_err *err)
{
    const struct tidying t = {.files = files, .store = store, .host = host};
    int r = 0;
    DIR *dir = opendir(files->dir);
    if (!dir) {
        return orl_err_sys(err, errno, "%s", files->dir);
    }
    for (struct dirent *entry = readdir(dir); entry && r == 0; entry = readdir(dir)) {
        r = entry->d_name[0] == '.' ? 0 : tidy_one(&t, entry->d_name, err);
    }
    closedir(dir);
    return r;
}

int orl_import_open_below(
        const char *root, const char *path, int *ret_fd, uint64_t *ret_size, struct orl_err *err)
{
    const struct open_how how = {.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
            .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
    struct stat st;
    ORL_AUTO(orl_close_auto) int dir = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0) {
        return orl_err_sys(err, errno, "%s", root);
    }
    ORL_AUTO(orl_close_auto) int fd = (int)syscall(SYS_openat2, dir, path, &how, sizeof how);
    if (fd < 0 || fstat(fd, &st) < 0) {
        return errno == EXDEV ? orl_err_set(err, ORL_E_DENIED, "%s leads out of %s", path, root)
                              : orl_err_sys(err, errno, "%s/%s", root, path);
    }
    if (!S_ISREG(st.st_mode)) {
        return orl_err_set(err, ORL_E_INVAL, "%s/%s is not a file", root, path);
    }
    *ret_size = (uint64_t)st.st_size;
    *ret_fd = orl_steal_fd(&fd);
    return 0;
}
