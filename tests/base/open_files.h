/* What a test leaks: the process's open files, counted before and after. */
#ifndef ORL_TESTS_BASE_OPEN_FILES_H
#define ORL_TESTS_BASE_OPEN_FILES_H
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static inline unsigned count_open_files(void)
{
    unsigned count = 0;
    DIR *dir = opendir("/proc/self/fd");
    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        count++;
    }
    closedir(dir);
    return count;
}

#endif
