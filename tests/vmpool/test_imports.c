/* Files from outside: what is read of them, and what of them lies on the disk. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/sha256.h"
#include "store/job.h"
#include "tests/store/store_fixture.h"
#include "vmpool/file_copy.h"
#include "vmpool/image_convert.h"
#include "vmpool/imports.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define JOB "0123456789abcdef0123456789abcdef"
#define TICKET "abcdefghabcdefghabcdefghabcdefghabcdefghabcdefghabcd"

static void only_a_whole_head_is_a_piece(void **state)
{
    (void)state;
    struct orl_upload_piece piece;
    static const char good[] = "PUT " JOB " " TICKET " 4096 67108864";
    static const char *const bad[] = {"", "PUT", "GET " JOB " " TICKET " 0 1",
            "PUT " JOB " " TICKET " 0", "PUT " JOB " " TICKET " 0 1 ",
            "PUT " JOB " " TICKET " 0 1 2", "PUT " JOB " short 0 1",
            "PUT ../etc/passwd " TICKET " 0 1", "PUT " JOB " " TICKET " -1 1",
            "PUT " JOB " " TICKET " 0 67108865", "PUT " JOB " " TICKET " 99999999999999999999 1",
            "PUT  " JOB " " TICKET " 0 1"};
    assert_true(orl_upload_head_parse(good, strlen(good), &piece));
    assert_string_equal(piece.job, JOB);
    assert_string_equal(piece.ticket, TICKET);
    assert_int_equal(piece.offset, 4096);
    assert_int_equal(piece.length, ORL_UPLOAD_PIECE_MAX);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(orl_upload_head_parse(bad[i], strlen(bad[i]), &piece));
    }
}

static void an_image_is_known_by_its_first_bytes(void **state)
{
    (void)state;
    uint8_t head[ORL_IMAGE_HEAD_LEN] = "vhdxfile";
    const char *fault = NULL;
    assert_string_equal(orl_image_format(head, sizeof head, &fault), "vhdx");
    memset(head, 0, sizeof head);
    memcpy(head + 0x40, "\x7f\x10\xda\xbe", 4);
    assert_string_equal(orl_image_format(head, sizeof head, &fault), "vdi");
    assert_null(orl_image_format(head, 0x42, &fault));
    memcpy(head, "KDMV", 4);
    memset(head + 0x40, 0, 4);
    assert_null(orl_image_format(head, sizeof head, &fault));
    assert_non_null(strstr(fault, "VMDK"));
    memcpy(head, "QFI\xfb\0\0\0\x09", 8);
    assert_null(orl_image_format(head, sizeof head, &fault));
    assert_non_null(fault);
    assert_null(orl_image_format(head, 0, &fault));
    assert_non_null(fault);
}

static void what_qemu_img_says_is_judged(void **state)
{
    (void)state;
    const uint64_t gib = UINT64_C(1) << 30;
    assert_null(orl_image_info_fault("{\"virtual-size\": 16777216, \"format\": \"qcow2\"}", gib));
    assert_non_null(orl_image_info_fault("{\"format\": \"qcow2\"}", gib));
    assert_non_null(orl_image_info_fault("{\"virtual-size\": 512}", gib));
    assert_non_null(strstr(
            orl_image_info_fault("{\"virtual-size\": 2147483648}", gib), "max_template_gib"));
    assert_non_null(orl_image_info_fault(
            "{\"virtual-size\": 16777216, \"backing-filename\": \"/etc/shadow\"}", gib));
    assert_non_null(orl_image_info_fault("{\"virtual-size\": 16777216, \"encrypted\": true}", gib));
    assert_null(orl_image_check_fault("{\"check-errors\": 0, \"leaks\": 7}"));
    assert_non_null(orl_image_check_fault("{\"check-errors\": 0, \"corruptions\": 1}"));
    assert_non_null(orl_image_check_fault("{\"check-errors\": 1}"));
    assert_non_null(orl_image_check_fault(""));
}

static void put(const char *path, off_t size, const char *end)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, size), 0);
    assert_int_equal(pwrite(fd, end, strlen(end), size), (ssize_t)strlen(end));
}

static void a_copy_has_the_holes_and_not_more(void **state)
{
    (void)state;
    char dir[] = "/tmp/oriel-copy.XXXXXX";
    char from[64];
    char to[64];
    char end[4] = "";
    struct stat st;
    struct orl_err err = {0};
    atomic_bool is_cancelled = false;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(from, sizeof from, "%s/a", dir);
    (void)snprintf(to, sizeof to, "%s/b", dir);
    put(from, (off_t)64 << 20, "end");
    int fd = open(from, O_RDONLY | O_CLOEXEC);
    assert_int_equal(orl_file_copy(fd, to, &is_cancelled, &err), 0);
    assert_int_equal(stat(to, &st), 0);
    assert_int_equal(st.st_size, ((off_t)64 << 20) + 3);
    assert_true(st.st_blocks < 8192);
    int copy = open(to, O_RDONLY | O_CLOEXEC);
    assert_int_equal(pread(copy, end, 3, (off_t)64 << 20), 3);
    assert_string_equal(end, "end");
    assert_int_equal(orl_file_copy(fd, to, &is_cancelled, &err), ORL_E_SYS); /* it is there */
    assert_int_equal(unlink(to), 0);
    atomic_store(&is_cancelled, true);
    assert_int_equal(orl_file_copy(fd, to, &is_cancelled, &err), ORL_E_CLOSED);
    assert_int_equal(stat(to, &st), -1);
    close(copy);
    close(fd);
    (void)unlink(from);
    (void)rmdir(dir);
}

static bool is_there(const struct orl_import_files *files, const char *name)
{
    char path[ORL_VM_PATH_MAX + 1];
    (void)snprintf(path, sizeof path, "%.400s/%s", files->dir, name);
    return access(path, F_OK) == 0;
}

static void make(const struct orl_import_files *files, const char *name)
{
    char path[ORL_VM_PATH_MAX + 1];
    (void)snprintf(path, sizeof path, "%.400s/%s", files->dir, name);
    put(path, 1, "x");
}

static void what_a_dead_vmpool_left_goes_and_what_was_registered_stays(void **state)
{
    struct fixture *f = *state;
    struct orl_import_files files;
    char images[] = "/tmp/oriel-tidy.XXXXXX";
    char dir[200];
    const char *installation = orl_store_installation(f->store);
    assert_non_null(mkdtemp(images));
    (void)snprintf(dir, sizeof dir, "%s/%s", images, installation);
    assert_int_equal(mkdir(dir, 0700), 0);
    assert_ok(f, orl_import_files_init(&files, images, installation, &f->err));
    make(&files, JOB ".part");
    make(&files, JOB ".qcow2");
    make(&files, JOB ".fd");
    make(&files, "old-0123456789ab.qcow2");
    make(&files, "notes.txt"); /* somebody else's */
    make(&files, "half-0123456789ab.qcow2.new");
    make(&files, "named-0123456789ab.qcow2.new");
    struct orl_template_row row = {
            .name = "named", .kind = ORL_TEMPLATE_DISK, .memory_mib = 64, .vcpus = 1};
    (void)snprintf(row.path, sizeof row.path, "%.400s/named-0123456789ab.qcow2", files.dir);
    assert_ok(f, orl_template_insert(f->store, &row, ++f->now_ms, &f->err));
    assert_ok(f, orl_import_files_tidy(&files, f->store, "a", &f->err));
    assert_false(is_there(&files, JOB ".part"));
    assert_false(is_there(&files, JOB ".qcow2"));
    assert_false(is_there(&files, JOB ".fd"));
    assert_false(is_there(&files, "half-0123456789ab.qcow2.new"));
    static const char *const left[] = {
            "old-0123456789ab.qcow2", "named-0123456789ab.qcow2", "notes.txt"};
    for (size_t i = 0; i < 3; i++) {
        assert_true(is_there(&files, left[i]));
        char path[ORL_VM_PATH_MAX + 1];
        (void)snprintf(path, sizeof path, "%.400s/%s", files.dir, left[i]);
        (void)unlink(path);
    }
    (void)rmdir(files.dir);
    (void)rmdir(dir);
    (void)rmdir(images);
}

struct rig {
    struct fixture *f;
    char images[32];
    bool is_ready;
    struct orl_imports *imports;
    struct orl_import_files files; /* the same folder */
};

static bool is_ready(void *ctx)
{
    const struct rig *rig = ctx;
    return rig->is_ready;
}

static void begin_life(struct rig *rig, uint64_t reserve_bytes)
{
    struct fixture *f = rig->f;
    const struct orl_imports_cfg cfg = {.store = f->store,
            .host = "a",
            .images_dir = rig->images,
            .import_dir = "",
            .max_virtual_bytes = UINT64_C(1) << 30,
            .max_file_bytes = UINT64_C(1) << 30,
            .reserve_bytes = reserve_bytes,
            .is_ready = is_ready,
            .ctx = rig};
    assert_ok(f, orl_imports_new(&cfg, &rig->imports, &f->err));
    assert_ok(f, orl_import_files_init(
                         &rig->files, rig->images, orl_store_installation(f->store), &f->err));
}

static void open_rig(struct rig *rig, struct fixture *f, uint64_t reserve_bytes)
{
    *rig = (struct rig){.f = f, .images = "/tmp/oriel-imports.XXXXXX", .is_ready = true};
    assert_non_null(mkdtemp(rig->images));
    begin_life(rig, reserve_bytes);
}

static void close_rig(struct rig *rig)
{
    char command[] = "/bin/rm";
    char flags[] = "-rf";
    char *const argv[] = {command, flags, rig->images, NULL};
    orl_imports_free(rig->imports);
    pid_t pid = fork();
    if (pid == 0) {
        (void)execv(command, argv);
        _exit(1);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* A job that waits for its file, and the piece that asks for it. */
static struct orl_upload_piece wait_for_disk(struct fixture *f, const char *kind, unsigned disk_mib)
{
    struct orl_job_row row = {.actor = "admin:0", .state = ORL_JOB_WAITING};
    struct orl_upload_piece piece = {.ticket = TICKET};
    char sum[ORL_SHA256_HEX_LEN + 1];
    struct orl_id id;
    orl_sha256(TICKET, strlen(TICKET), sum);
    orl_msg_text(row.kind, sizeof row.kind, kind);
    (void)snprintf(row.parameters, sizeof row.parameters,
            "{\"name\":\"new\",\"size_bytes\":4096,\"disk_mib\":%u,\"ticket\":\"%s\"}", disk_mib,
            sum);
    assert_ok(f, orl_job_add(f->store, &row, ++f->now_ms, &id, &f->err));
    memcpy(piece.job, id.text, sizeof piece.job);
    return piece;
}

static struct orl_upload_piece wait_for(struct fixture *f, const char *kind)
{
    return wait_for_disk(f, kind, 2048);
}

static enum orl_reason reason_of(struct fixture *f, const char *job)
{
    struct orl_job_row row;
    assert_ok(f, orl_job_get(f->store, job, &row, &f->err));
    assert_int_equal(row.state, ORL_JOB_FAILED);
    return row.reason;
}

static bool has_part(const struct rig *rig, const struct orl_upload_piece *piece)
{
    char name[ORL_ID_LEN + 8];
    (void)snprintf(name, sizeof name, "%s.part", piece->job);
    return is_there(&rig->files, name);
}

static void a_file_without_room_is_refused_at_its_first_byte(void **state)
{
    struct rig rig;
    struct orl_upload_answer answer = {.status = 0};
    int fd = -1;
    open_rig(&rig, *state, UINT64_MAX);
    struct orl_upload_piece piece = wait_for(rig.f, "template.import");
    piece.length = 10;
    assert_false(orl_imports_begin_piece(rig.imports, &piece, &fd, &answer));
    assert_int_equal(answer.status, 507);
    assert_string_equal(answer.code, "no_space");
    assert_int_equal(reason_of(rig.f, piece.job), ORL_REASON_NO_SPACE);
    assert_false(has_part(&rig, &piece));
    struct orl_upload_piece disk = wait_for(rig.f, "template.build");
    assert_false(orl_imports_begin_piece(rig.imports, &disk, &fd, &answer));
    assert_string_equal(answer.code, "image_too_large"); /* more than max_template_gib */
    assert_int_equal(reason_of(rig.f, disk.job), ORL_REASON_IMAGE_TOO_LARGE);
    close_rig(&rig);
}

static void what_others_ended_is_called_off_also_while_libvirt_is_away(void **state)
{
    struct rig rig;
    struct orl_upload_answer answer = {.status = 0};
    int fd = -1;
    open_rig(&rig, *state, 0);
    struct orl_upload_piece piece = wait_for(rig.f, "template.import");
    piece.length = 10;
    assert_true(orl_imports_begin_piece(rig.imports, &piece, &fd, &answer));
    assert_true(has_part(&rig, &piece));
    assert_true(
            fcntl(fd, F_GETFD) & FD_CLOEXEC); /* nothing of it for programs that run meanwhile */
    close(fd);
    orl_imports_end_piece(rig.imports, &piece, 0, ORL_E_CLOSED, &answer);
    assert_int_equal(answer.status, 408);
    assert_ok(rig.f, orl_job_fail_lost(rig.f->store, "a", ++rig.f->now_ms, &rig.f->err));
    rig.is_ready = false;
    orl_imports_tick(rig.imports, orl_clock_wall_ms());
    assert_false(has_part(&rig, &piece));
    assert_int_equal(reason_of(rig.f, piece.job), ORL_REASON_VMPOOL_DOWN);
    close_rig(&rig);
}

static void an_installation_is_found_again_by_the_next_life(void **state)
{
    struct rig rig;
    struct orl_job_row job;
    struct orl_job_wish wish;
    char machine[ORL_NAME_MAX + 1];
    char names[2][ORL_ID_LEN + 8];
    open_rig(&rig, *state, 0);
    struct orl_upload_piece piece = wait_for_disk(rig.f, "template.build", 64);
    assert_ok(rig.f,
            orl_job_take_waiting(rig.f->store, piece.job, "a", ++rig.f->now_ms, &job, &rig.f->err));
    assert_ok(rig.f, orl_job_progress(rig.f->store, &job, ORL_JOB_SEAL_PERCENT, "", ++rig.f->now_ms,
                             &wish, &rig.f->err));
    (void)snprintf(machine, sizeof machine, "oriel-%.12s-1", piece.job);
    (void)snprintf(names[0], sizeof names[0], "%s.part", piece.job);
    (void)snprintf(names[1], sizeof names[1], "%s.qcow2", piece.job);
    for (unsigned life = 0; life < 3; life++) {
        make(&rig.files, names[life % 2]);
        orl_imports_stop(rig.imports);
        orl_imports_free(rig.imports);
        begin_life(&rig, 0);
        assert_true(orl_imports_holds(rig.imports, machine)); /* no leftover to be swept */
        assert_true(is_there(&rig.files, names[0]));
    }
    assert_true(is_there(&rig.files, names[1]));
    rig.is_ready = false; /* libvirt is away: told, and not ended */
    assert_ok(rig.f,
            orl_job_cancel(rig.f->store, piece.job, "admin:0", ++rig.f->now_ms, &rig.f->err));
    orl_imports_tick(rig.imports, orl_clock_wall_ms());
    assert_ok(rig.f, orl_job_get(rig.f->store, piece.job, &job, &rig.f->err));
    assert_int_equal(job.state, ORL_JOB_RUNNING);
    assert_non_null(strstr(job.progress, "runs on"));
    assert_true(orl_imports_holds(rig.imports, machine));
    close_rig(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_a_whole_head_is_a_piece),
            cmocka_unit_test(an_image_is_known_by_its_first_bytes),
            cmocka_unit_test(what_qemu_img_says_is_judged),
            cmocka_unit_test(a_copy_has_the_holes_and_not_more),
            cmocka_unit_test_setup_teardown(
                    what_a_dead_vmpool_left_goes_and_what_was_registered_stays, fixture_set_up,
                    fixture_tear_down),
            cmocka_unit_test_setup_teardown(an_installation_is_found_again_by_the_next_life,
                    fixture_set_up, fixture_tear_down),
            cmocka_unit_test_setup_teardown(a_file_without_room_is_refused_at_its_first_byte,
                    fixture_set_up, fixture_tear_down),
            cmocka_unit_test_setup_teardown(
                    what_others_ended_is_called_off_also_while_libvirt_is_away, fixture_set_up,
                    fixture_tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
