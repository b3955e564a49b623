/* Where a test's store is: the file that it names, or with ORIEL_TEST_PG (tests/store/with_postgres) a new schema in
 * PostgreSQL. Failures end the program. */
#ifndef ORL_TESTS_STORE_PLACE_H
#define ORL_TESTS_STORE_PLACE_H
#include <stdbool.h>

#define STORE_PLACE_MAX 400

bool store_place_is_postgres(void);
void store_place(const char *file, char ret_target[STORE_PLACE_MAX]);
void store_place_remove(const char *target); /* of a file: nothing */

#endif
