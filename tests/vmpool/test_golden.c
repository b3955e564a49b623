/* Golden images without a hypervisor: what is wanted and done next, files that are whole or not there, identities. */
#include "base/log.h"
#include "vmpool/golden_files.h"
#include "vmpool/golden_plan.h"
#include "vmpool/identity.h"
#include "vmpool/qmp.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

enum { MEMORY_MIB = 1, NOW_MS = 1000000 };

#define ID "0123456789abcdef0123456789abcdef"

static struct orl_golden_want want_of(uint32_t version)
{
    return (struct orl_golden_want){.template_name = "t",
            .template_version = version,
            .devices = "d",
            .machine = "pc-q35-7.2",
            .qemu = 7002022,
            .is_shared = true,
            .memory_mib = MEMORY_MIB,
            .vcpus = 1};
}

static struct orl_golden_row row_of(uint32_t version, enum orl_golden_state state)
{
    return (struct orl_golden_row){.id = ID,
            .template_name = "t",
            .template_version = version,
            .devices = "d",
            .machine = "pc-q35-7.2",
            .qemu = 7002022,
            .is_shared = true,
            .memory_mib = MEMORY_MIB,
            .state = state,
            .attempts = 1,
            .created_ms = NOW_MS,
            .changed_ms = NOW_MS};
}

/* The first thing to do about one row (and, if there is one, a want). */
static struct orl_golden_action first(struct orl_golden_seen seen,
        const struct orl_golden_want *want, uint32_t copies, uint64_t now_ms)
{
    const struct orl_golden_input input = {.seen = &seen,
            .seen_count = seen.row ? 1 : 0,
            .copies = &copies,
            .wants = want,
            .want_count = want ? 1 : 0,
            .limits = {.look_period_ms = 1000, .build_timeout_ms = 60000},
            .free_memory_mib = MEMORY_MIB,
            .golden_free_mib = MEMORY_MIB,
            .can_build = true,
            .now_ms = now_ms};
    struct orl_golden_todo todo;
    orl_golden_plan(&input, &todo);
    return todo.count > 0 ? todo.actions[0] : (struct orl_golden_action){0};
}

static void one_is_made_step_by_step_from_wherever_it_was_left(void **state)
{
    (void)state;
    struct orl_golden_want want = want_of(1);
    struct orl_golden_row row = row_of(1, ORL_GOLDEN_BUILDING);
    struct orl_golden_seen seen = {.row = &row};
    assert_int_equal(first((struct orl_golden_seen){0}, &want, 0, NOW_MS).act, ORL_GOLDEN_INSERT);
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_BOOT);
    seen.is_here = true; /* files of a boot that was cut short */
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_BOOT);
    seen.is_running = true;
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_LOOK);
    seen.has_rested = true;
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_FREEZE);
    assert_int_equal(first(seen, &want, 0, NOW_MS + 60000).act, ORL_GOLDEN_FAIL);
    seen.is_running = false;
    seen.is_whole = true; /* its names were given, its row not written */
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_PUBLISH);
    seen.is_busy = true;
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_NOTHING);
}

static void one_that_fails_is_tried_again_later(void **state)
{
    (void)state;
    struct orl_golden_want want = want_of(1);
    struct orl_golden_row row = row_of(1, ORL_GOLDEN_BUILDING);
    struct orl_golden_seen seen = {.row = &row, .boots = 3};
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_FAIL);
    row.state = ORL_GOLDEN_FAILED;
    seen.is_here = true;
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_ERASE);
    seen.is_here = false;
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_NOTHING);
    uint64_t later_ms = NOW_MS + orl_golden_backoff_ms(1);
    assert_int_equal(first(seen, &want, 0, later_ms).act, ORL_GOLDEN_INSERT);
    assert_int_equal(orl_golden_failures(&row, 1, &want), 1);
    want.qemu++; /* another QEMU is another chance */
    assert_int_equal(orl_golden_failures(&row, 1, &want), 0);
}

static void an_old_one_serves_until_the_new_one_is_there_and_goes_with_its_last_copy(void **state)
{
    (void)state;
    struct orl_golden_want want = want_of(2);
    struct orl_golden_row rows[2] = {row_of(2, ORL_GOLDEN_BUILDING), row_of(1, ORL_GOLDEN_READY)};
    const struct orl_golden_row *found = NULL;
    assert_int_equal(orl_golden_pick(rows, 2, &want, &found), ORL_GOLDEN_WAIT);
    assert_int_equal(orl_golden_older_version(rows, 2, &want), 1);
    struct orl_golden_seen old = {.row = &rows[1], .is_here = true, .is_whole = true};
    want.template_version = 1;
    assert_int_equal(orl_golden_pick(rows, 2, &want, &found), ORL_GOLDEN_SERVES);
    want.qemu++; /* one of another QEMU serves as well, until its own is made */
    assert_int_equal(orl_golden_pick(rows, 2, &want, &found), ORL_GOLDEN_SERVES);
    assert_int_equal(first(old, &want, 0, NOW_MS).act, ORL_GOLDEN_INSERT);
    want = want_of(2);
    rows[0].state = ORL_GOLDEN_READY;
    assert_int_equal(orl_golden_pick(rows, 2, &want, &found), ORL_GOLDEN_SERVES);
    assert_ptr_equal(found, &rows[0]);
    assert_int_equal(orl_golden_older_version(rows, 2, &want), 0);
    assert_int_equal(first(old, NULL, 1, NOW_MS).act, ORL_GOLDEN_RETIRE);
    rows[1].state = ORL_GOLDEN_STALE;
    assert_int_equal(first(old, &want, 1, NOW_MS).act, ORL_GOLDEN_INSERT); /* not erased */
    assert_int_equal(first(old, NULL, 1, NOW_MS).act, ORL_GOLDEN_NOTHING);
    assert_int_equal(first(old, NULL, 0, NOW_MS).act, ORL_GOLDEN_ERASE);
    old.is_here = old.is_whole = false;
    assert_int_equal(first(old, NULL, 0, NOW_MS).act, ORL_GOLDEN_FORGET);
}

static void one_without_its_files_serves_nobody(void **state)
{
    (void)state;
    struct orl_golden_want want = want_of(1);
    struct orl_golden_row row = row_of(1, ORL_GOLDEN_READY);
    struct orl_golden_seen seen = {.row = &row, .is_here = true};
    assert_int_equal(first(seen, &want, 0, NOW_MS).act, ORL_GOLDEN_RETIRE);
}

struct files {
    char dir[64];
    struct orl_golden_dirs dirs;
    struct orl_golden_paths paths;
};

static int make_files(void **state)
{
    struct files *f = calloc(1, sizeof *f);
    (void)snprintf(f->dir, sizeof f->dir, "/tmp/oriel-golden-XXXXXX");
    if (!f || !mkdtemp(f->dir)) {
        return -1;
    }
    (void)snprintf(f->dirs.images_dir, sizeof f->dirs.images_dir, "%s/i", f->dir);
    (void)snprintf(f->dirs.memory_dir, sizeof f->dirs.memory_dir, "%s/m", f->dir);
    (void)snprintf(f->dirs.installation, sizeof f->dirs.installation,
            "11111111-2222-4333-8444-555555555555");
    f->dirs.qemu_uid = (uid_t)-1;
    char own[ORL_VM_PATH_MAX + 64];
    (void)snprintf(own, sizeof own, "%s/%s", f->dirs.images_dir, f->dirs.installation);
    *state = f;
    return mkdir(f->dirs.images_dir, 0700) || mkdir(own, 0700) || mkdir(f->dirs.memory_dir, 0700) ||
                           orl_golden_paths(&f->dirs, ID, &f->paths, NULL) < 0
                   ? -1
                   : 0;
}

static int remove_files(void **state)
{
    struct files *f = *state;
    static const char *const left[] = {"/i/11111111-2222-4333-8444-555555555555/golden",
            "/i/11111111-2222-4333-8444-555555555555", "/i",
            "/m/oriel-11111111-2222-4333-8444-555555555555", "/m", ""};
    (void)!orl_golden_erase(&f->dirs, ID, NULL);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        char path[160];
        (void)snprintf(path, sizeof path, "%s%s", f->dir, left[i]);
        (void)rmdir(path);
    }
    free(f);
    return 0;
}

static void put(const char *path)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs("x", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static bool is_whole(const struct files *f, bool *ret_is_here)
{
    struct orl_vm_list list = {0};
    assert_int_equal(orl_golden_list(&f->dirs, &list, NULL), 0);
    bool is_whole =
            list.image_count == 1 && list.images[0].is_published && list.images[0].has_memory;
    *ret_is_here = list.image_count > 0;
    orl_vm_list_fini(&list);
    return is_whole;
}

static void files_are_an_image_only_when_all_have_their_names(void **state)
{
    const struct files *f = *state;
    bool is_here = false;
    struct stat st;
    assert_int_equal(orl_golden_begin(&f->dirs, ID, MEMORY_MIB, NULL), 0);
    assert_int_equal(stat(f->paths.ram_part, &st), 0);
    assert_int_equal(st.st_size, MEMORY_MIB * 1024 * 1024);
    assert_int_equal(st.st_mode & 0007, 0);
    put(f->paths.disk_part);
    put(f->paths.state_part);
    assert_false(is_whole(f, &is_here));
    assert_true(is_here);
    /* Cut short between the two renames. */
    assert_int_equal(rename(f->paths.ram_part, f->paths.ram), 0);
    assert_false(is_whole(f, &is_here));
    assert_int_equal(orl_golden_begin(&f->dirs, ID, MEMORY_MIB, NULL), 0);
    put(f->paths.disk_part);
    put(f->paths.state_part);
    assert_int_equal(orl_golden_publish(&f->dirs, ID, true, NULL), 0);
    assert_true(is_whole(f, &is_here));
    assert_int_equal(unlink(f->paths.ram), 0); /* as after a restart of the host */
    assert_false(is_whole(f, &is_here));
    assert_int_equal(orl_golden_erase(&f->dirs, ID, NULL), 0);
    assert_int_equal(orl_golden_erase(&f->dirs, ID, NULL), 0);
    assert_false(is_whole(f, &is_here));
    assert_false(is_here);
}

static void two_identities_have_nothing_in_common(void **state)
{
    (void)state;
    struct orl_vm_spec spec = {.name = "oriel-0123456789ab-1",
            .network = {.name = "n"},
            .meta = {.desktop = ID, .version = 1}};
    struct orl_vm_identity a;
    struct orl_vm_identity b;
    struct orl_buf out;
    orl_identity_make(&spec, &a);
    orl_identity_make(&spec, &b);
    assert_string_equal(a.hostname, spec.name);
    assert_int_equal(strlen(a.machine_id), 32);
    assert_int_equal(strlen(a.seed), 64);
    assert_string_not_equal(a.machine_id, b.machine_id);
    assert_string_not_equal(a.seed, b.seed);
    assert_string_equal(a.mac, b.mac); /* the card's, which is the desktop's */
    orl_buf_init(&out, ORL_IDENTITY_COMMAND_MAX);
    orl_identity_command(&a, 1234567890123, &out);
    orl_buf_put_u8(&out, 0);
    assert_false(out.is_failed);
    assert_non_null(strstr((const char *)out.data, "\"1234567890\",\"123\"]}}"));
    assert_null(strchr((const char *)out.data, '\n'));
    orl_buf_fini(&out);
}

static void a_guests_answers_are_read_with_care(void **state)
{
    (void)state;
    struct orl_err err = {0};
    assert_int_equal(orl_identity_pid("{\"return\":{\"pid\":4711}}"), 4711);
    assert_int_equal(orl_identity_pid("{\"return\":{}}"), -1);
    assert_int_equal(orl_identity_pid("{\"return\":{\"pid\":-1}}"), -1);
    assert_int_equal(orl_identity_judge("{\"return\":{\"exited\":false}}", &err), ORL_E_AGAIN);
    assert_int_equal(orl_identity_judge("{\"return\":{\"exitcode\":0,\"exited\":true}}", &err), 0);
    assert_int_equal(orl_identity_judge("{\"return\":{\"exitcode\":41,\"exited\":true}}", &err),
            ORL_E_BACKEND);
    assert_int_equal(orl_identity_judge("", &err), ORL_E_BACKEND);
    assert_true(orl_identity_is_on_time("{\"return\":1000000000000}", 1000900, 1000900));
    assert_false(orl_identity_is_on_time("{\"return\":1000000000000}", 1002000, 1002000));
    assert_false(orl_identity_is_on_time("{\"return\":{}}", 2000, 2000));
    assert_int_equal(
            orl_qmp_progress_of("{\"return\":{\"status\":\"completed\"}}"), ORL_QMP_COMPLETED);
    assert_int_equal(orl_qmp_progress_of("{\"return\":{\"status\":\"failed\"}}"), ORL_QMP_FAILED);
    assert_int_equal(orl_qmp_progress_of("{\"return\":{}}"), ORL_QMP_UNDER_WAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(one_is_made_step_by_step_from_wherever_it_was_left),
            cmocka_unit_test(one_that_fails_is_tried_again_later),
            cmocka_unit_test(
                    an_old_one_serves_until_the_new_one_is_there_and_goes_with_its_last_copy),
            cmocka_unit_test(one_without_its_files_serves_nobody),
            cmocka_unit_test_setup_teardown(
                    files_are_an_image_only_when_all_have_their_names, make_files, remove_files),
            cmocka_unit_test(two_identities_have_nothing_in_common),
            cmocka_unit_test(a_guests_answers_are_read_with_care),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
