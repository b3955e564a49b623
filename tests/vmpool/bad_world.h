/* What the tests of bad input ask of the world of pool_world.h. */
#ifndef ORL_TESTS_VMPOOL_BAD_WORLD_H
#define ORL_TESTS_VMPOOL_BAD_WORLD_H
#include "pool_world.h"
#include "store/pool.h"

int bad_open(void **state);
int bad_close(void **state);
#define WITH_WORLD(fn) cmocka_unit_test_setup_teardown(fn, bad_open, bad_close)
bool bad_has_alarm(struct world *w, enum orl_reason reason, const char *object);
/* Of one desktop, by its id. */
bool bad_has_desktop_alarm(struct world *w, enum orl_reason reason, const char *id);
unsigned bad_count_alarms(struct world *w);
struct orl_pool_row bad_pool(struct world *w, const char *name);
void bad_set(struct world *w, const struct orl_pool_row *pool);
void bad_minutes(struct world *w, unsigned count);
unsigned bad_count_ready(struct world *w, const char *pool);
/* A desktop of the pool, in use. */
struct orl_desktop_row bad_give(struct world *w, const char *pool, const char *user);
struct orl_desktop_row bad_row(struct world *w, const char *id);
/* As an administrator does it who has no API at hand. sql: a literal. */
/* What the store says: rows that were changed, or an error. */
int bad_try_edit(struct world *w, const char *sql);
void bad_edit(struct world *w, const char *sql);

#endif
