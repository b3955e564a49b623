#include "guest/hook/prepared.h"
#include "guest/hook/text_file.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MAX = 256 * 1024, UID_FIRST = 1000, UID_LAST = 9999, MEMBERS_FIELD = 3 };

bool orl_prepared_read(const char *path, struct orl_prepared *ret_prepared)
{
    struct orl_prepared p = {0};
    char text[128];
    char *end = NULL;
    if (orl_text_read(path, text, sizeof(text)) <= 0) {
        return false;
    }
    size_t len = strcspn(text, " \n");
    if (len == 0 || len > ORL_UNIX_NAME_MAX || text[len] != ' ') {
        return false;
    }
    memcpy(p.name, text, len);
    unsigned long uid = strtoul(text + len + 1, &end, 10);
    p.uid = (uint32_t)uid;
    if (*end != '\n' || uid < UID_FIRST || uid > UID_LAST || strpbrk(p.name, ":,/") != NULL ||
            p.name[0] == '.') {
        return false;
    }
    *ret_prepared = p;
    return true;
}

pid_t orl_prepared_pid(const char *path)
{
    char text[32];
    char *end = NULL;
    if (orl_text_read(path, text, sizeof(text)) <= 0) {
        return 0;
    }
    long pid = strtol(text, &end, 10);
    return *end == '\n' && pid > 1 && pid <= INT_MAX && kill((pid_t)pid, 0) == 0 ? (pid_t)pid : 0;
}

/* Copies text with from as to where it is a line's name, or a group's member. -1: more than max. */
static ssize_t rename_in(const char *text, const char *from, const char *to, char *out, size_t max)
{
    unsigned field = 0;
    size_t used = 0;
    for (const char *at = text; *at != '\0';) {
        size_t len = strcspn(at, ":,\n");
        bool is_place = field == 0 || field == MEMBERS_FIELD;
        bool is_name = is_place && len == strlen(from) && strncmp(at, from, len) == 0;
        size_t put = is_name ? strlen(to) : len;
        if (used + put + 1 >= max) {
            return -1;
        }
        memcpy(out + used, is_name ? to : at, put);
        used += put;
        at += len;
        if (*at != '\0') {
            field = *at == ':' ? field + 1 : *at == '\n' ? 0 : field;
            out[used++] = *at++;
        }
    }
    return (ssize_t)used;
}

static bool rename_file(const char *path, const char *from, const char *to)
{
    char *text = malloc(FILE_MAX);
    char *out = malloc(FILE_MAX);
    bool is_good = false;
    if (text != NULL && out != NULL) {
        ssize_t len = orl_text_read(path, text, FILE_MAX);
        if (len >= 0) {
            ssize_t used = rename_in(text, from, to, out, FILE_MAX);
            bool is_same = used == len && memcmp(text, out, (size_t)len) == 0;
            is_good = used >= 0 && (is_same || orl_text_write(path, out, (size_t)used, 0600));
        } else {
            is_good = errno == ENOENT;
        }
    }
    free(text);
    free(out);
    return is_good;
}

bool orl_prepared_rename(const char *etc, const struct orl_prepared *prepared, const char *name)
{
    /* passwd last: until then its number leads to the old name, and all of this is done again. */
    static const char *const files[] = {"group", "gshadow", "subuid", "subgid", "shadow", "passwd"};
    bool is_good = true;
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]) && is_good; i++) {
        char path[PATH_MAX];
        (void)snprintf(path, sizeof(path), "%s/%s", etc, files[i]);
        is_good = rename_file(path, prepared->name, name);
    }
    return is_good;
}

const char *orl_prepared_move_home(
        const char *base, const struct orl_prepared *prepared, const char *name)
{
    char from[PATH_MAX];
    char to[PATH_MAX];
    struct stat st;
    (void)snprintf(from, sizeof(from), "%s/%s", base, prepared->name);
    (void)snprintf(to, sizeof(to), "%s/%s", base, name);
    bool is_old = lstat(from, &st) == 0 && S_ISDIR(st.st_mode);
    if (is_old && lstat(to, &st) == 0) {
        return "there is a home folder of that name in this template";
    }
    if ((is_old && rename(from, to) < 0) || (symlink(name, from) < 0 && errno != EEXIST)) {
        return "the home folder cannot be renamed";
    }
    return NULL;
}
