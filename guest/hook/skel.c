#include "guest/hook/skel.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MAX = 200 };

/* Calls fn for each entry of the folder, which is closed; all of them, also after a failure. */
static bool each(int folder, bool (*fn)(void *ctx, int folder, const char *name), void *ctx)
{
    DIR *dir = folder >= 0 ? fdopendir(folder) : NULL;
    bool is_good = dir != NULL;
    if (dir == NULL && folder >= 0) {
        close(folder);
    }
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
            entry = readdir(dir)) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            is_good = fn(ctx, folder, entry->d_name) && is_good;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    return is_good;
}

static int open_folder(int at, const char *name)
{
    return openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool finish(int fd, const struct stat *st)
{
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, st->st_mtim};
    return fchmod(fd, st->st_mode & 07777) == 0 && futimens(fd, times) == 0;
}

struct target {
    int folder;
    unsigned depth;
};

static bool copy_file(int from, const char *name, int to, const struct stat *st)
{
    int in = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    int out =
            in >= 0 ? openat(to, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600)
                    : -1;
    ssize_t n = 1;
    while (out >= 0 && n > 0) {
        n = sendfile(out, in, NULL, SSIZE_MAX & ~0xFFF);
    }
    bool is_good = out >= 0 && n == 0 && finish(out, st);
    if (in >= 0) {
        close(in);
    }
    if (out >= 0) {
        is_good = close(out) == 0 && is_good;
    }
    return is_good;
}

static bool copy_link(int from, const char *name, int to)
{
    char text[PATH_MAX];
    ssize_t len = readlinkat(from, name, text, sizeof(text) - 1);
    if (len < 0) {
        return false;
    }
    text[len] = '\0';
    return symlinkat(text, to, name) == 0 || errno == EEXIST;
}

static bool copy_entry(void *ctx, int from, const char *name)
{
    const struct target *to = ctx;
    struct stat st;
    if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return false;
    }
    if (S_ISLNK(st.st_mode)) {
        return copy_link(from, name, to->folder);
    }
    if (S_ISREG(st.st_mode)) {
        return copy_file(from, name, to->folder, &st);
    }
    if (!S_ISDIR(st.st_mode)) {
        return true;
    }
    if (to->depth >= DEPTH_MAX || (mkdirat(to->folder, name, 0700) < 0 && errno != EEXIST)) {
        return false;
    }
    struct target inner = {.folder = open_folder(to->folder, name), .depth = to->depth + 1};
    if (inner.folder < 0) {
        return false;
    }
    bool is_good = each(open_folder(from, name), copy_entry, &inner);
    is_good = finish(inner.folder, &st) && is_good;
    close(inner.folder);
    return is_good;
}

bool orl_skel_copy(const char *from, const char *to)
{
    struct target target = {.folder = open_folder(AT_FDCWD, to)};
    if (target.folder < 0) {
        return false;
    }
    bool is_good = each(open_folder(AT_FDCWD, from), copy_entry, &target);
    close(target.folder);
    return is_good;
}

struct owner {
    uint32_t uid;
    unsigned depth;
};

static bool give_entry(void *ctx, int folder, const char *name)
{
    const struct owner *owner = ctx;
    struct owner inner = {.uid = owner->uid, .depth = owner->depth + 1};
    struct stat st;
    if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
        return false;
    }
    bool is_good =
            !S_ISDIR(st.st_mode) ||
            (owner->depth < DEPTH_MAX && each(open_folder(folder, name), give_entry, &inner));
    return fchownat(folder, name, owner->uid, owner->uid, AT_SYMLINK_NOFOLLOW) == 0 && is_good;
}

bool orl_skel_give(const char *folder, uint32_t uid)
{
    struct owner owner = {.uid = uid};
    return each(open_folder(AT_FDCWD, folder), give_entry, &owner);
}
