#include "vmpool/home_disk.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void home_that_is_missing_is_not_made_anew(void **state)
{
    (void)state;
    char folder[] = "/tmp/oriel-homes-XXXXXX";
    struct orl_err err = {0};
    struct orl_vm_home home = {.size_mib = 1, .is_used = true};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(home.path, sizeof home.path, "%s/homes/ann.qcow2", folder);
    assert_int_equal(orl_home_disk_make(&home, &err), ORL_E_NOTFOUND);
    assert_non_null(strstr(err.text, home.path));
    assert_int_equal(rmdir(folder), 0); /* nothing was made in it */
}

static void home_that_cannot_be_looked_at_is_a_fault(void **state)
{
    (void)state;
    char file[] = "/tmp/oriel-homes-XXXXXX";
    struct orl_err err = {0};
    struct orl_vm_home home = {.size_mib = 1};
    int fd = mkstemp(file);
    assert_true(fd >= 0);
    close(fd);
    (void)snprintf(home.path, sizeof home.path, "%s/ann.qcow2", file);
    assert_true(orl_home_disk_make(&home, &err) < 0);
    assert_non_null(strstr(err.text, "Not a directory"));
    assert_null(strstr(err.text, "mkdir"));
    assert_int_equal(unlink(file), 0);
}

static void home_that_is_there_stays(void **state)
{
    (void)state;
    struct orl_err err = {0};
    struct orl_vm_home home = {.path = "/tmp/oriel-homes-XXXXXX", .size_mib = 1, .is_used = true};
    int fd = mkstemp(home.path);
    assert_true(fd >= 0 && write(fd, "kept", 4) == 4);
    assert_int_equal(orl_home_disk_make(&home, &err), 0);
    assert_int_equal(lseek(fd, 0, SEEK_END), 4);
    close(fd);
    assert_int_equal(unlink(home.path), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(home_that_is_missing_is_not_made_anew),
            cmocka_unit_test(home_that_cannot_be_looked_at_is_a_fault),
            cmocka_unit_test(home_that_is_there_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
