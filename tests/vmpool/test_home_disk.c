#include "vmpool/home_disk.h"
#include "vmpool/proc.h"

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

/* Of a home that is made, a raw copy of its first bytes. */
static void home_is_made_with_a_file_system(void **state)
{
    (void)state;
    char folder[] = "/tmp/oriel-homes-XXXXXX";
    char raw[64];
    char source[ORL_VM_PATH_MAX + 8];
    unsigned char head[2048] = {0};
    struct orl_err err = {0};
    struct orl_vm_home home = {.size_mib = 10240};
    assert_non_null(mkdtemp(folder));
    (void)snprintf(home.path, sizeof home.path, "%s/homes/ann.qcow2", folder);
    (void)snprintf(raw, sizeof raw, "of=%s/raw", folder);
    (void)snprintf(source, sizeof source, "if=%s", home.path);
    assert_int_equal(orl_home_disk_make(&home, &err), 0);
    const char *argv[] = {
            "qemu-img", "dd", "-f", "qcow2", "-O", "raw", "bs=2048", "count=1", source, raw, NULL};
    assert_int_equal(orl_proc_run(argv, 30000, NULL, &err), 0);
    FILE *file = fopen(raw + 3, "re");
    assert_non_null(file);
    assert_int_equal(fread(head, 1, sizeof head, file), sizeof head);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(head[0x438], 0x53);
    assert_int_equal(head[0x439], 0xEF);
    assert_int_equal(unlink(raw + 3), 0);
    assert_int_equal(unlink(home.path), 0);
    (void)snprintf(raw, sizeof raw, "%s/homes", folder);
    assert_int_equal(rmdir(raw), 0); /* nothing else was left in it */
    assert_int_equal(rmdir(folder), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(home_that_is_missing_is_not_made_anew),
            cmocka_unit_test(home_that_cannot_be_looked_at_is_a_fault),
            cmocka_unit_test(home_that_is_there_stays),
            cmocka_unit_test(home_is_made_with_a_file_system),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
