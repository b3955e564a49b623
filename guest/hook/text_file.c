#include "guest/hook/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ssize_t orl_text_read(const char *path, char *buf, size_t max)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return -1;
    }
    size_t used = 0;
    ssize_t n = 1;
    while (n > 0 && used < max - 1) {
        n = read(fd, buf + used, max - 1 - used);
        used += n > 0 ? (size_t)n : 0;
    }
    int why = errno;
    close(fd);
    errno = why;
    buf[used] = '\0';
    return n < 0 ? -1 : (ssize_t)used;
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, text, len);
        if (n <= 0) {
            return false;
        }
        text += n;
        len -= (size_t)n;
    }
    return true;
}

bool orl_text_write(const char *path, const char *text, size_t len, mode_t mode)
{
    char fresh[PATH_MAX];
    struct stat st = {.st_mode = mode};
    (void)stat(path, &st);
    (void)snprintf(fresh, sizeof(fresh), "%s.oriel", path);
    (void)unlink(fresh);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0) {
        return false;
    }
    bool is_good = write_all(fd, text, len) && fchown(fd, st.st_uid, st.st_gid) == 0 &&
                   fchmod(fd, st.st_mode & 07777) == 0;
    is_good = close(fd) == 0 && is_good && rename(fresh, path) == 0;
    if (!is_good) {
        (void)unlink(fresh);
    }
    return is_good;
}

bool orl_text_put(const char *path, mode_t mode, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    return len >= 0 && (size_t)len < sizeof(text) && orl_text_write(path, text, (size_t)len, mode);
}
