#include "tests/store/store_place.h"

#include "store/store_db.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char schema_option[] = " options=-csearch_path=";

static void run(const char *script)
{
    struct orl_err err = {0};
    struct orl_db *db = NULL;
    int rc = orl_db_open(getenv("ORIEL_TEST_PG"), 10000, &db, &err);
    rc = rc < 0 ? rc : orl_db_exec(db, script, &err);
    if (rc < 0) {
        (void)fprintf(stderr, "store_place: %s\n", err.text);
        abort();
    }
    orl_db_close(db);
}

bool store_place_is_postgres(void)
{
    return getenv("ORIEL_TEST_PG") != NULL;
}

void store_place(const char *file, char ret_target[STORE_PLACE_MAX])
{
    static unsigned made;
    char script[80];
    if (!store_place_is_postgres()) {
        (void)snprintf(ret_target, STORE_PLACE_MAX, "%s", file);
        return;
    }
    (void)snprintf(script, sizeof(script), "CREATE SCHEMA p%d_%u", (int)getpid(), made);
    run(script);
    (void)snprintf(ret_target, STORE_PLACE_MAX, "%s%sp%d_%u", getenv("ORIEL_TEST_PG"),
            schema_option, (int)getpid(), made++);
}

void store_place_remove(const char *target)
{
    const char *option = strstr(target, schema_option);
    char script[100];
    if (option != NULL) {
        (void)snprintf(script, sizeof(script), "DROP SCHEMA %.40s CASCADE",
                option + sizeof(schema_option) - 1);
        run(script);
    }
}
