#include "vmpool/file_copy.h"
#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BITE = 4 * 1024 * 1024 };

static int fail(int errno_value, const char *what, struct orl_err *err)
{
    return errno_value == ENOSPC || errno_value == EDQUOT || errno_value == EFBIG
                   ? orl_err_set(err, ORL_E_LIMIT, "there is no space for a copy of it")
                   : orl_err_sys(err, errno_value, "%s", what);
}

static int copy_part(int from, int to, off_t at, off_t end, char *bite,
        const atomic_bool *is_cancelled, struct orl_err *err)
{
    while (at < end) {
        if (atomic_load(is_cancelled)) {
            return ORL_E_CLOSED;
        }
        size_t want = end - at < BITE ? (size_t)(end - at) : BITE;
        ssize_t n = pread(from, bite, want, at);
        if (n <= 0) {
            return n == 0 ? orl_err_set(err, ORL_E_CLOSED, "it became shorter meanwhile")
                          : fail(errno, "read", err);
        }
        for (ssize_t done = 0; done < n;) {
            ssize_t put = pwrite(to, bite + done, (size_t)(n - done), at + done);
            if (put < 0) {
                return fail(errno, "write", err);
            }
            done += put;
        }
        at += n;
    }
    return 0;
}

static int copy_all(int from, int to, const atomic_bool *is_cancelled, struct orl_err *err)
{
    struct stat st;
    if (fstat(from, &st) < 0 || ftruncate(to, st.st_size) < 0) {
        return fail(errno, "its size", err);
    }
    ORL_AUTO(orl_free_auto) char *bite = malloc(BITE);
    int r = bite ? 0 : orl_err_set(err, ORL_E_NOMEM, "copying a file");
    off_t at = 0;
    while (r == 0 && at < st.st_size) {
        off_t data = lseek(from, at, SEEK_DATA);
        if (data < 0) {
            return errno == ENXIO ? 0 : fail(errno, "lseek", err); /* a hole up to its end */
        }
        off_t hole = lseek(from, data, SEEK_HOLE);
        hole = hole < 0 || hole > st.st_size ? st.st_size : hole;
        r = copy_part(from, to, data, hole, bite, is_cancelled, err);
        at = hole;
    }
    return r;
}

int orl_file_copy(int fd, const char *to, const atomic_bool *is_cancelled, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (out < 0) {
        return orl_err_sys(err, errno, "%s", to);
    }
    int r = copy_all(fd, out, is_cancelled, err);
    if (r == 0 && fdatasync(out) < 0) {
        r = fail(errno, "fdatasync", err);
    }
    if (r < 0) {
        (void)unlink(to);
    }
    return r;
}
