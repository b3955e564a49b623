#include "base/heap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>

static const char *const relocated[] = {"one", "two"};
static int written = 7;

/* Pages of files that are resident here. */
static long file_pages(void)
{
    long size = 0;
    long resident = 0;
    long shared = 0;
    FILE *file = fopen("/proc/self/statm", "re");
    assert_non_null(file);
    const int got = fscanf(file, "%ld %ld %ld", &size, &resident, &shared);
    assert_int_equal(got, 3);
    assert_int_equal(fclose(file), 0);
    return shared;
}

static void code_that_was_dropped_comes_again_and_data_stays(void **state)
{
    (void)state;
    written = 8;
    const long before = file_pages();
    orl_heap_drop_loaded();
    assert_true(file_pages() < before);
    assert_int_equal(written, 8);
    assert_string_equal(relocated[1], "two");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(code_that_was_dropped_comes_again_and_data_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
