/* Small files of the guest's system, written whole or not at all. */
#ifndef ORL_GUEST_HOOK_TEXT_FILE_H
#define ORL_GUEST_HOOK_TEXT_FILE_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* The whole file, at most max - 1 bytes, with a NUL; -1: errno. */
ssize_t orl_text_read(const char *path, char *buf, size_t max);
/* Replaces path, which keeps owner and mode where it exists; else they are root's and mode. */
bool orl_text_write(const char *path, const char *text, size_t len, mode_t mode);
bool orl_text_put(const char *path, mode_t mode, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

#endif
