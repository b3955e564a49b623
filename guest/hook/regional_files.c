#include "guest/hook/regional_files.h"
#include "guest/hook/run.h"
#include "guest/hook/text_file.h"

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ARCHIVE "/usr/lib/locale/locale-archive"
/* Of the archive's head (glibc's struct locarhead): where its names are, and how many bytes. */
enum { PROGRAM_MS = 3000, NAMES_AT_FIELD = 5, NAMES_SIZE_FIELD = 7, HEAD_FIELDS = 8 };

/* The archive is many megabytes, which would all be read for a locale that is not in it: only its names are. */
static bool is_in_archive(int fd, const char *locale)
{
    char name[64];
    uint32_t head[HEAD_FIELDS];
    struct stat st;
    int len = snprintf(name, sizeof(name), "%s.utf8", locale);
    if (len <= 0 || fstat(fd, &st) < 0 || pread(fd, head, sizeof(head), 0) != sizeof(head)) {
        return false;
    }
    uint64_t end = (uint64_t)head[NAMES_AT_FIELD] + head[NAMES_SIZE_FIELD];
    if (end <= head[NAMES_AT_FIELD] || end > (uint64_t)st.st_size) {
        return false;
    }
    char *map = mmap(NULL, (size_t)end, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map == MAP_FAILED) {
        return false;
    }
    bool is_found = memmem(map + head[NAMES_AT_FIELD], head[NAMES_SIZE_FIELD], name,
                            (size_t)len + 1) != NULL;
    (void)munmap(map, (size_t)end);
    return is_found;
}

/* glibc's own list: a folder each, or the names in one archive. */
static bool has_locale(const char *locale)
{
    char name[64];
    (void)snprintf(name, sizeof(name), "/usr/lib/locale/%s.utf8", locale);
    if (access(name, F_OK) == 0) {
        return true;
    }
    int fd = open(ARCHIVE, O_RDONLY | O_CLOEXEC);
    bool is_found = fd >= 0 && is_in_archive(fd, locale);
    if (fd >= 0) {
        close(fd);
    }
    return is_found;
}

static void write_timezone(const char *zone)
{
    char path[128];
    (void)snprintf(path, sizeof(path), "/usr/share/zoneinfo/%s", zone);
    if (access(path, R_OK) < 0) {
        return;
    }
    (void)unlink("/etc/localtime.oriel");
    if (symlink(path, "/etc/localtime.oriel") == 0 &&
            rename("/etc/localtime.oriel", "/etc/localtime") == 0) {
        (void)orl_text_put("/etc/timezone", 0644, "%s\n", zone);
    }
}

static void write_keyboard(const char *keyboard)
{
    size_t layout = strcspn(keyboard, "(");
    const char *variant = keyboard[layout] == '(' ? keyboard + layout + 1 : "";
    if (orl_text_put("/etc/default/keyboard", 0644,
                "XKBMODEL=\"pc105\"\nXKBLAYOUT=\"%.*s\"\nXKBVARIANT=\"%.*s\"\nXKBOPTIONS="
                "\"\"\nBACKSPACE=\"guess\"\n",
                (int)layout, keyboard, (int)strcspn(variant, ")"), variant) &&
            access("/bin/setupcon", X_OK) == 0) {
        (void)orl_run(
                (char *[]){(char *)"setupcon", (char *)"--keyboard-only", (char *)"--force", NULL},
                NULL, PROGRAM_MS);
    }
}

void orl_regional_files_write(struct orl_regional *r)
{
    (void)mkdir("/etc/default", 0755);
    if (r->timezone[0] != '\0') {
        write_timezone(r->timezone);
    }
    if (r->keyboard[0] != '\0') {
        write_keyboard(r->keyboard);
    }
    if (r->locale[0] != '\0' && has_locale(r->locale)) {
        (void)orl_text_put("/etc/default/locale", 0644, "LANG=%s.UTF-8\n", r->locale);
    } else {
        r->locale[0] = '\0';
    }
}
