#include "web/server/assets.h"
#include "base/cleanup.h"
#include "base/id.h"
#include "base/ipc_msgs.h"
#include "base/sha256.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILES = 512, MAX_FILE_BYTES = 16 * 1024 * 1024, MAX_ALL_BYTES = 64 * 1024 * 1024 };

struct orl_assets {
    struct orl_asset items[MAX_FILES];
    unsigned count;
    size_t bytes;
};

static const char *type_of(const char *name)
{
    static const struct {
        const char *end, *type;
    } types[] = {{".html", "text/html; charset=utf-8"}, {".js", "text/javascript; charset=utf-8"},
            {".css", "text/css; charset=utf-8"}, {".svg", "image/svg+xml"}, {".png", "image/png"},
            {".ico", "image/x-icon"}, {".woff2", "font/woff2"}, {".wasm", "application/wasm"},
            {".txt", "text/plain; charset=utf-8"}, {".json", "application/json"}};
    const char *end = strrchr(name, '.');
    for (size_t i = 0; end != NULL && i < sizeof(types) / sizeof(types[0]); i++) {
        if (strcmp(end, types[i].end) == 0) {
            return types[i].type;
        }
    }
    return NULL;
}

static int read_all(int fd, uint8_t *data, size_t len)
{
    for (size_t at = 0; at < len;) {
        ssize_t got = read(fd, data + at, len - at);
        if (got <= 0) {
            return -1;
        }
        at += (size_t)got;
    }
    return 0;
}

/* *ret_data stays NULL where there is no such file. */
static int read_file(struct orl_assets *assets, const char *path, uint8_t **ret_data,
        size_t *ret_len, struct orl_err *err)
{
    struct stat st;
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0 && errno == ENOENT) {
        return ORL_OK;
    }
    if (fd < 0 || fstat(fd, &st) < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    size_t len = (size_t)st.st_size;
    if (!S_ISREG(st.st_mode) || st.st_size > MAX_FILE_BYTES ||
            assets->bytes + len > MAX_ALL_BYTES) {
        return orl_err_set(err, ORL_E_LIMIT, "%s: no file, or one too large for a page", path);
    }
    ORL_AUTO(orl_free_auto) uint8_t *data = malloc(len + 1);
    if (data == NULL || read_all(fd, data, len) < 0) {
        return orl_err_set(err, ORL_E_SYS, "%s: cannot be read", path);
    }
    assets->bytes += len;
    *ret_data = orl_steal(data);
    *ret_len = len;
    return ORL_OK;
}

static int add(struct orl_assets *assets, const char *dir, const char *prefix, const char *name,
        struct orl_err *err)
{
    char path[512];
    char gz[520];
    char hash[ORL_SHA256_HEX_LEN + 1];
    struct orl_asset *item = &assets->items[assets->count];
    const char *type = type_of(name);
    if (type == NULL) {
        return ORL_OK; /* .gz beside its file; others are no part of a page */
    }
    if (assets->count == MAX_FILES || strlen(prefix) + strlen(name) >= sizeof(item->path)) {
        return orl_err_set(err, ORL_E_LIMIT, "%s: one file too many, or its name too long", name);
    }
    (void)snprintf(path, sizeof(path), "%s%s%s", dir, prefix, name);
    (void)snprintf(gz, sizeof(gz), "%s.gz", path);
    int code = read_file(assets, path, &item->data, &item->len, err);
    if (code == ORL_OK && item->data == NULL) {
        return ORL_OK;
    }
    if (code == ORL_OK) {
        code = read_file(assets, gz, &item->gz, &item->gz_len, err);
    }
    if (code == ORL_OK) {
        (void)snprintf(item->path, sizeof(item->path), "%s%s", prefix, name);
        item->type = type;
        item->is_immutable = strcmp(prefix, "/assets/") == 0;
        orl_sha256(item->data, item->len, hash);
        (void)snprintf(item->etag, sizeof(item->etag), "\"%.32s\"", hash);
    }
    assets->count++; /* also half-built: free() sees to it */
    return code;
}

static int add_dir(
        struct orl_assets *assets, const char *dir, const char *prefix, struct orl_err *err)
{
    char path[512];
    int code = ORL_OK;
    (void)snprintf(path, sizeof(path), "%s%s", dir, prefix);
    DIR *open_dir = opendir(path);
    if (open_dir == NULL) {
        return errno == ENOENT ? ORL_OK : orl_err_sys(err, errno, "%s", path);
    }
    const struct dirent *entry;
    while (code == ORL_OK && (entry = readdir(open_dir)) != NULL) {
        if (entry->d_name[0] != '.' && entry->d_type != DT_DIR) {
            code = add(assets, dir, prefix, entry->d_name, err);
        }
    }
    (void)closedir(open_dir);
    return code;
}

int orl_assets_load(const char *dir, struct orl_assets **ret_assets, struct orl_err *err)
{
    struct orl_assets *assets = calloc(1, sizeof(*assets));
    if (assets == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "pages: out of memory");
    }
    int code = add_dir(assets, dir, "/", err);
    if (code == ORL_OK) {
        code = add_dir(assets, dir, "/assets/", err);
    }
    if (code == ORL_OK && orl_assets_find(assets, "/") == NULL) {
        code = orl_err_set(err, ORL_E_NOTFOUND, "%s: there are no pages", dir);
    }
    if (code < 0) {
        orl_assets_free(assets);
        return code;
    }
    *ret_assets = assets;
    return ORL_OK;
}

/* "POOL" or "POOL:2"; which numbers there are, is the broker's to say. */
static bool is_desktop(const char *text)
{
    char pool[ORL_NAME_MAX + 1] = "";
    size_t len = strcspn(text, ":");
    const char *slot = text + len + (text[len] == ':');
    if (len >= sizeof(pool) || (text[len] == ':' && (slot[0] < '1' || slot[0] > '9'))) {
        return false;
    }
    memcpy(pool, text, len);
    return orl_name_is_valid(pool) && strlen(slot) <= 2 &&
           strspn(slot, "0123456789") == strlen(slot);
}

const struct orl_asset *orl_assets_find(const struct orl_assets *assets, const char *path)
{
    static const char desktop[] = "/desktop/";
    if (strcmp(path, "/") == 0) {
        path = "/index.html";
    } else if (strcmp(path, "/admin") == 0) {
        path = "/admin.html";
    } else if (strncmp(path, desktop, sizeof(desktop) - 1) == 0 &&
               is_desktop(path + sizeof(desktop) - 1)) {
        path = "/desktop.html";
    }
    for (unsigned i = 0; i < assets->count; i++) {
        if (strcmp(assets->items[i].path, path) == 0) {
            return &assets->items[i];
        }
    }
    return NULL;
}

unsigned orl_assets_count(const struct orl_assets *assets)
{
    return assets->count;
}

void orl_assets_free(struct orl_assets *assets)
{
    for (unsigned i = 0; assets != NULL && i < assets->count; i++) {
        free(assets->items[i].data);
        free(assets->items[i].gz);
    }
    free(assets);
}
