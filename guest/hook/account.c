#include "guest/hook/account.h"
#include "guest/hook/skel.h"
#include "guest/hook/text_file.h"

#include <crypt.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

/* Nobody guesses what is random: many rounds would only hold up the login. */
#define CHEAP_HASH "$6$rounds=1000$"
enum {
    FILE_MAX = 256 * 1024,
    LINE_MAX_BYTES = 512,
    NOBODYS = 65533, /* an id that no account has */
};

/* The line of text that begins with "name:", or NULL. */
static char *line_of(char *text, const char *name)
{
    size_t len = strlen(name);
    for (char *at = text; at != NULL && *at != '\0';) {
        if (strncmp(at, name, len) == 0 && at[len] == ':') {
            return at;
        }
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return NULL;
}

/* Whose third field of passwd or group is id; NULL: nobody's. */
static const char *line_with_id(char *text, uint32_t id)
{
    char wanted[16];
    (void)snprintf(wanted, sizeof(wanted), ":%" PRIu32 ":", id);
    for (char *at = text; at != NULL && *at != '\0';) {
        const char *colon = strchr(at, ':');
        colon = colon != NULL ? strchr(colon + 1, ':') : NULL;
        if (colon != NULL && strncmp(colon, wanted, strlen(wanted)) == 0) {
            return at;
        }
        at = strchr(at, '\n');
        at = at != NULL ? at + 1 : NULL;
    }
    return NULL;
}

/* Replaces name's line, or appends it. */
static bool set_line(
        const char *etc, const char *file, const char *name, const char *line, mode_t mode)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", etc, file);
    char *text = malloc(FILE_MAX + LINE_MAX_BYTES);
    ssize_t len = text != NULL ? orl_text_read(path, text, FILE_MAX) : -1;
    if (text != NULL && len < 0 && errno == ENOENT) {
        text[0] = '\0';
        len = 0;
    }
    /* One that is there and cannot be read is not written anew: everybody else is in it. */
    bool is_good = len >= 0 && len < FILE_MAX - 1;
    char *old = is_good ? line_of(text, name) : NULL;
    if (old != NULL) {
        char *end = strchr(old, '\n');
        end = end != NULL ? end + 1 : text + len;
        memmove(old, end, (size_t)(text + len - end) + 1);
        len = (ssize_t)strlen(text);
    }
    if (is_good) {
        if (len > 0 && text[len - 1] != '\n') {
            text[len++] = '\n';
        }
        len += snprintf(text + len, LINE_MAX_BYTES, "%s\n", line);
        is_good = orl_text_write(path, text, (size_t)len, mode);
    }
    free(text);
    return is_good;
}

/* 1: name is there with that id; 0: neither; -1: one of them is somebody else's. */
static int look_up(const char *etc, const char *file, const char *name, uint32_t id)
{
    char path[PATH_MAX];
    (void)snprintf(path, sizeof(path), "%s/%s", etc, file);
    char *text = malloc(FILE_MAX);
    if (text == NULL || orl_text_read(path, text, FILE_MAX) < 0) {
        int result = text != NULL && errno == ENOENT ? 0 : -1;
        free(text);
        return result;
    }
    const char *by_name = line_of(text, name);
    const char *by_id = line_with_id(text, id);
    int result = by_name == NULL && by_id == NULL ? 0 : by_name == by_id ? 1 : -1;
    free(text);
    return result;
}

/* What passwd's comment may hold. */
static void gecos_of(const char *user, char ret_gecos[65])
{
    size_t used = 0;
    for (; user[used] != '\0' && used < 64; used++) {
        char c = user[used];
        ret_gecos[used] =
                c == ':' || c == ',' || c == '&' || (c >= 0 && c < ' ') || c == 127 ? '_' : c;
    }
    ret_gecos[used] = '\0';
}

/* False: somebody else has the name already, or it cannot be written. */
static bool take_prepared(const char *etc, const struct orl_prepared *p, const char *name)
{
    if (look_up(etc, "passwd", p->name, p->uid) != 1) {
        return true; /* it has been somebody's; whose, is looked at next */
    }
    return look_up(etc, "passwd", name, NOBODYS) == 0 &&
           (look_up(etc, "group", name, NOBODYS) == 0 ||
                   look_up(etc, "group", name, p->uid) == 1) &&
           orl_prepared_rename(etc, p, name);
}

const char *orl_account_choose(const char *etc, const struct orl_hook_msg *assign, uint32_t number,
        const struct orl_prepared **prepared)
{
    char name[ORL_UNIX_NAME_MAX + 1];
    bool is_nfs = orl_hook_msg_get(assign, "home_nfs")[0] != '\0';
    bool is_rdp = strcmp(orl_hook_msg_get(assign, "display"), "rdp") == 0;
    if (*prepared == NULL) {
        return NULL;
    }
    orl_unix_name(orl_hook_msg_get(assign, "user"), name);
    if (look_up(etc, "passwd", name, (*prepared)->uid) == 1) {
        return is_nfs ? "the account was made without the person's number, which a home by NFS "
                        "needs: they need a new desktop"
                      : NULL;
    }
    if (is_nfs || is_rdp || look_up(etc, "passwd", name, number) == 1) {
        *prepared = NULL;
    }
    return NULL;
}

const char *orl_account_open(const char *etc, const char *user, uint32_t number,
        const struct orl_prepared *prepared, struct orl_account *ret_account)
{
    struct orl_account a = {.number = number, .uid = prepared != NULL ? prepared->uid : number};
    if (user[0] == '\0' || number < ORL_UID_MIN || number > ORL_UID_MAX) {
        return "no user or uid";
    }
    orl_unix_name(user, a.name);
    (void)snprintf(a.home, sizeof(a.home), "/home/%s", a.name);
    if (prepared != NULL && !take_prepared(etc, prepared, a.name)) {
        return "the prepared account cannot be renamed";
    }
    uint32_t uid = a.uid;
    int has_user = look_up(etc, "passwd", a.name, uid);
    int has_group = look_up(etc, "group", a.name, uid);
    if (has_user < 0 || has_group < 0) {
        return "name or uid is another account's in this template, or it cannot be read";
    }
    char gecos[65];
    char line[LINE_MAX_BYTES];
    gecos_of(user, gecos);
    (void)snprintf(line, sizeof(line), "%s:x:%" PRIu32 ":", a.name, uid);
    bool is_good = has_group > 0 || set_line(etc, "group", a.name, line, 0644);
    (void)snprintf(line, sizeof(line), "%s:x:%" PRIu32 ":%" PRIu32 ":%s:%s:%s", a.name, uid, uid,
            gecos, a.home, access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh");
    is_good = is_good &&
              ((has_user > 0 && prepared == NULL) || set_line(etc, "passwd", a.name, line, 0644)) &&
              orl_account_set_secret(etc, &a, NULL);
    if (!is_good) {
        return "passwd or group cannot be written";
    }
    *ret_account = a;
    return NULL;
}

bool orl_account_set_secret(const char *etc, const struct orl_account *account, const char *secret)
{
    static const char digits[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    char line[LINE_MAX_BYTES];
    const char *hash = "!";
    struct crypt_data data = {0};
    if (secret != NULL && secret[0] != '\0') {
        unsigned char random[16];
        char setting[] = CHEAP_HASH "0123456789abcdef";
        if (getrandom(random, sizeof(random), 0) != (ssize_t)sizeof(random)) {
            return false;
        }
        for (size_t i = 0; i < sizeof(random); i++) {
            setting[sizeof(CHEAP_HASH) - 1 + i] = digits[random[i] & 63U];
        }
        hash = crypt_r(secret, setting, &data);
    }
    if (hash == NULL || hash[0] == '*') {
        return false;
    }
    (void)snprintf(line, sizeof(line), "%s:%s:20000:0:99999:7:::", account->name, hash);
    bool is_good = set_line(etc, "shadow", account->name, line, 0600);
    explicit_bzero(&data, sizeof(data));
    explicit_bzero(line, sizeof(line));
    return is_good;
}

const char *orl_account_make_home(const struct orl_account *account, bool *ret_is_new)
{
    struct stat st;
    *ret_is_new = false;
    (void)mkdir("/home", 0755);
    (void)mkdir(account->home, 0700);
    /* Of whoever it was, as of a person whose uid was given anew: nobody's by accident. */
    if (lstat(account->home, &st) < 0 || !S_ISDIR(st.st_mode)) {
        return "the home folder cannot be made";
    }
    if (st.st_uid == account->uid) {
        return NULL;
    }
    if (st.st_uid != 0) {
        return "the home folder is somebody else's";
    }
    const char *to = account->home;
    /* A home without some of it is a home. The folder itself last: until it is the person's, this is done again. */
    (void)orl_skel_copy("/etc/skel", to);
    (void)orl_skel_give(to, account->uid);
    if (chmod(to, 0700) < 0 || chown(to, account->uid, account->uid) < 0) {
        return "the home folder cannot be given to its owner";
    }
    *ret_is_new = true;
    return NULL;
}
