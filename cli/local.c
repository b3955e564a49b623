#include "cli/local.h"

#include "base/clock.h"
#include "base/secret.h"
#include "cli/backup.h"
#include "cli/home_copy.h"
#include "store/home.h"
#include "store/store_copy.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STORE "/var/lib/oriel/store/oriel.db"

static const char *text_of(const struct orl_cli_call *call, const char *key, const char *otherwise)
{
    const char *text = json_string_value(json_object_get(call->body, key));
    return text != NULL ? text : otherwise;
}

/* A whole store as SQLite sees it, in a folder that is nobody else's: SQLite also reads a journal that lies beside it. */
struct plain {
    char folder[1100];
    char file[1120];
};

static int plain_open(const char *beside, struct plain *ret_plain, struct orl_err *err)
{
    (void)snprintf(ret_plain->folder, sizeof(ret_plain->folder), "%.1000s.XXXXXX", beside);
    if (mkdtemp(ret_plain->folder) == NULL) {
        int rc = orl_err_sys(err, errno, "%s", ret_plain->folder);
        ret_plain->folder[0] = '\0';
        return rc;
    }
    (void)snprintf(ret_plain->file, sizeof(ret_plain->file), "%s/store", ret_plain->folder);
    return 0;
}

static void plain_close(const struct plain *plain)
{
    static const char *const ends[] = {"", "-wal", "-shm", "-journal"};
    char path[1140];
    for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && plain->folder[0] != '\0'; i++) {
        (void)snprintf(path, sizeof(path), "%s%s", plain->file, ends[i]);
        (void)unlink(path);
    }
    if (plain->folder[0] != '\0') {
        (void)rmdir(plain->folder);
    }
}

static int load_key(const struct orl_cli_call *call, bool can_make,
        uint8_t ret_key[ORL_BACKUP_KEY_BYTES], struct orl_err *err)
{
    bool is_new = false;
    const char *path = text_of(call, "key_file", ORL_BACKUP_KEY);
    int rc = orl_backup_key_load(path, can_make, ret_key, &is_new, err);
    if (rc == 0 && is_new) {
        (void)printf("%s is new: keep a copy of it elsewhere, no backup opens without it\n", path);
    }
    return rc;
}

static int backup(const struct orl_cli_call *call, struct orl_err *err)
{
    uint8_t key[ORL_BACKUP_KEY_BYTES];
    const char *file = text_of(call, "file", "");
    bool is_plain = json_is_true(json_object_get(call->body, "is_plain"));
    struct orl_store *store = NULL;
    const char *from = text_of(call, "store", STORE);
    /* A mistyped name must not make a new store. */
    if (from[0] == '/' && access(from, R_OK) < 0) {
        return orl_err_sys(err, errno, "%s", from);
    }
    int rc = orl_store_open(from, &store, err);
    if (rc == 0 && is_plain) {
        rc = orl_store_backup(store, file, err);
    } else if (rc == 0) {
        struct plain plain = {0};
        rc = load_key(call, true, key, err);
        rc = rc < 0 ? rc : plain_open(file, &plain, err);
        rc = rc < 0 ? rc : orl_store_backup(store, plain.file, err);
        rc = rc < 0 ? rc : orl_backup_seal(plain.file, file, key, err);
        plain_close(&plain);
        orl_secret_wipe(key, sizeof(key));
    }
    orl_store_close(store);
    if (rc == 0) {
        (void)printf("backup of %s in %s%s\n", from, file, is_plain ? ", not encrypted" : "");
    }
    return rc;
}

static void say_copied(const char *what, const char *to, const struct orl_store_copied *copied)
{
    (void)printf("%s %s: %llu rows of %u tables, read back and compared\n", what, to,
            (unsigned long long)copied->rows, copied->tables);
}

/* Into a file of its own: opening a store may bring its schema up to date. */
static int unpack(
        const struct orl_cli_call *call, const char *file, const char *plain, struct orl_err *err)
{
    uint8_t key[ORL_BACKUP_KEY_BYTES];
    bool is_sealed = false;
    int rc = orl_backup_is_sealed(file, &is_sealed, err);
    if (rc < 0) {
        return rc;
    }
    if (is_sealed) {
        rc = load_key(call, false, key, err);
        rc = rc < 0 ? rc : orl_backup_open(file, plain, key, err);
        orl_secret_wipe(key, sizeof(key));
        return rc;
    }
    struct orl_store *store = NULL;
    rc = orl_store_open(file, &store, err);
    rc = rc < 0 ? rc : orl_store_backup(store, plain, err);
    orl_store_close(store);
    return rc;
}

static int restore(const struct orl_cli_call *call, struct orl_err *err)
{
    struct plain plain = {0};
    struct orl_store_copied copied = {0};
    const char *file = text_of(call, "file", "");
    const char *to = text_of(call, "store", STORE);
    int rc = plain_open(to[0] == '/' ? to : "/tmp/oriel-restore", &plain, err);
    rc = rc < 0 ? rc : unpack(call, file, plain.file, err);
    rc = rc < 0 ? rc : orl_store_restore(plain.file, to, &copied, err);
    plain_close(&plain);
    if (rc == 0) {
        say_copied("restored", to, &copied);
        (void)printf("vmpool compares it with the machines that are there: oriel alarm list, oriel "
                     "desktop quarantined\n");
    }
    return rc;
}

static int migrate(const struct orl_cli_call *call, struct orl_err *err)
{
    struct orl_store_copied copied = {0};
    const char *to = text_of(call, "to", "");
    int rc = orl_store_migrate(text_of(call, "from", ""), to, &copied, err);
    if (rc == 0) {
        say_copied("migrated to", to, &copied);
        (void)printf("set `store:` in broker.yaml and vmpool.yaml, then start the programs\n");
    }
    return rc;
}

static int restored(const struct orl_cli_call *call, struct orl_err *err)
{
    struct orl_store *store = NULL;
    const char *target = text_of(call, "store", STORE);
    int rc = orl_store_open(target, &store, err);
    rc = rc < 0 ? rc : orl_store_restored(store, orl_clock_wall_ms(), err);
    orl_store_close(store);
    if (rc == 0) {
        (void)printf("what %s took for free is not given to anybody\n", target);
    }
    return rc;
}

static int create(const struct orl_cli_call *call, struct orl_err *err)
{
    struct orl_store *store = NULL;
    const char *target = text_of(call, "store", STORE);
    const char *broker = text_of(call, "broker", NULL);
    const char *vmpool = text_of(call, "vmpool", NULL);
    int rc = orl_store_open(target, &store, err);
    if (rc == 0 && (broker != NULL || vmpool != NULL)) {
        rc = orl_store_grant(store, broker, vmpool, err);
    }
    if (rc == 0) {
        (void)printf("store %s is at version %d\n", target, orl_store_schema(store));
    }
    orl_store_close(store);
    return rc;
}

static int home_backup(const struct orl_cli_call *call, struct orl_err *err)
{
    struct orl_store *store = NULL;
    struct orl_home_row row = {0};
    const char *file = text_of(call, "file", "");
    int rc = orl_store_open(text_of(call, "store", STORE), &store, err);
    rc = rc < 0 ? rc : orl_home_get(store, text_of(call, "id", ""), &row, err);
    orl_store_close(store);
    if (rc == 0 && row.kind != ORL_HOME_VOLUME) {
        rc = orl_err_set(err, ORL_E_INVAL, "%s is on a file server, and backed up there", row.path);
    } else if (rc == 0 && row.desktop[0] != '\0') {
        rc = orl_err_set(err, ORL_E_CONFLICT, "it is on desktop %s: its person must log off first",
                row.desktop);
    }
    rc = rc < 0 ? rc : orl_home_copy(row.path, file, err);
    if (rc == 0) {
        (void)printf("the home of %s in %s is copied to %s\n", row.user, row.pool, file);
    }
    return rc;
}

enum orl_cli_exit orl_cli_local(const struct orl_cli_call *call, struct orl_err *err)
{
    int rc = 0;
    if (strcmp(call->cmd->noun, "backup") == 0) {
        rc = backup(call, err);
    } else if (strcmp(call->cmd->noun, "restore") == 0) {
        rc = restore(call, err);
    } else if (strcmp(call->cmd->noun, "home") == 0) {
        rc = home_backup(call, err);
    } else if (strcmp(call->cmd->verb, "migrate") == 0) {
        rc = migrate(call, err);
    } else if (strcmp(call->cmd->verb, "restored") == 0) {
        rc = restored(call, err);
    } else {
        rc = create(call, err);
    }
    return rc < 0 ? ORL_CLI_EXIT_REFUSED : ORL_CLI_EXIT_OK;
}
