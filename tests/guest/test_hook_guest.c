#include "guest/hook/account.h"
#include "guest/hook/home.h"
#include "guest/hook/idmap.h"
#include "guest/hook/prepared.h"
#include "guest/hook/run.h"
#include "guest/hook/skel.h"
#include "guest/hook/ssh_keys.h"
#include "guest/hook/text_file.h"
#include "guest/hook/unix_name.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *name_of(const char *user)
{
    static char names[4][ORL_UNIX_NAME_MAX + 1];
    static unsigned next;
    next = (next + 1) % 4;
    orl_unix_name(user, names[next]);
    return names[next];
}

static void a_legal_name_stays(void **state)
{
    (void)state;
    assert_string_equal(name_of("ann"), "ann");
    assert_string_equal(name_of("ann-marie_2"), "ann-marie_2");
}

static void other_names_are_made_legal_and_stay_apart(void **state)
{
    (void)state;
    static const char *const users[] = {"Ann", "ann@example.org", "root", "user", "systemd-x",
            "_apt", "2pac", "J\xC3\xBCrgen", "\xE5\xA4\xA7", "-x", "a b", "a:b", "a\nroot:x:0:0",
            "../x", "abcdefghijklmnopqrstuvwxyz", "abcdefghijklmnopqrstuvwxyy", "ann-0123abcd",
            "a_b@"};
    enum { COUNT = sizeof(users) / sizeof(users[0]) };
    char names[COUNT][ORL_UNIX_NAME_MAX + 1];
    for (size_t i = 0; i < COUNT; i++) {
        orl_unix_name(users[i], names[i]);
        assert_string_not_equal(names[i], users[i]);
        assert_true(names[i][0] >= 'a' && names[i][0] <= 'z');
        assert_int_equal(
                strspn(names[i], "abcdefghijklmnopqrstuvwxyz0123456789_-"), strlen(names[i]));
        assert_true(strlen(names[i]) > 9 && strlen(names[i]) <= ORL_UNIX_NAME_MAX);
        for (size_t k = 0; k < i; k++) {
            assert_string_not_equal(names[i], names[k]);
        }
    }
    assert_string_equal(name_of("Ann"), names[0]); /* always the same */
}

static char etc[] = "/tmp/oriel-etc-XXXXXX";

static const char *file(const char *name)
{
    static char path[128];
    (void)snprintf(path, sizeof(path), "%s/%s", etc, name);
    return path;
}

static char *text_of(const char *name)
{
    static char text[4096];
    assert_true(orl_text_read(file(name), text, sizeof(text)) >= 0);
    return text;
}

static int setup(void **state)
{
    (void)state;
    memcpy(etc + strlen(etc) - 6, "XXXXXX", 6);
    assert_non_null(mkdtemp(etc));
    static const char passwd[] =
            "root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home/user:/bin/sh";
    assert_true(orl_text_write(file("passwd"), passwd, sizeof(passwd) - 1, 0644));
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(file("passwd"));
    (void)unlink(file("group"));
    (void)unlink(file("shadow"));
    return rmdir(etc);
}

static void file_that_cannot_be_read_is_not_written_anew(void **state)
{
    (void)state;
    struct orl_account a;
    static const char *const files[] = {"passwd", "group", "shadow"};
    for (size_t i = 0; i < 3; i++) {
        (void)unlink(file(files[i]));
        assert_int_equal(symlink(files[i], file(files[i])), 0); /* a loop */
        assert_non_null(orl_account_open(etc, "ann", 10000, NULL, &a));
        char target[16];
        assert_true(readlink(file(files[i]), target, sizeof(target)) > 0);
        (void)unlink(file(files[i]));
    }
}

static void an_account_is_made_once_and_opened_again(void **state)
{
    (void)state;
    struct orl_account a;
    assert_null(orl_account_open(etc, "ann", 10000, NULL, &a));
    assert_null(orl_account_open(etc, "ann", 10000, NULL, &a));
    assert_string_equal(a.home, "/home/ann");
    const char *passwd = text_of("passwd");
    const char *first = strstr(passwd, "\nann:x:10000:10000:ann:/home/ann:/bin/");
    assert_non_null(first);
    assert_null(strstr(first + 1, "\nann:"));
    assert_non_null(strstr(passwd, "user:x:1000:1000::/home/user:/bin/sh\n"));
    assert_string_equal(text_of("group"), "ann:x:10000:\n");
    assert_non_null(strstr(text_of("shadow"), "ann:!:"));
}

static void somebody_elses_name_or_number_is_refused(void **state)
{
    (void)state;
    struct orl_account a;
    assert_null(orl_account_open(etc, "ann", 10000, NULL, &a));
    assert_non_null(orl_account_open(etc, "ann", 10001, NULL, &a));
    assert_non_null(orl_account_open(etc, "bob", 10000, NULL, &a));
    assert_non_null(orl_account_open(etc, "eve", 0, NULL, &a));
    assert_non_null(orl_account_open(etc, "eve", 1000, NULL, &a));
    assert_non_null(orl_account_open(etc, "", 10002, NULL, &a));
    assert_null(orl_account_open(etc, "x:0:0:\nroot2:x:0:0:::", 10003, NULL, &a));
    assert_null(strstr(text_of("passwd"), "\nroot2"));
}

static void the_prepared_account_becomes_the_persons(void **state)
{
    (void)state;
    const struct orl_prepared prepared = {.name = "user", .uid = 1000};
    struct orl_account a;
    assert_true(orl_text_put(
            file("group"), 0644, "audio:x:29:user,userx\nuser:x:1000:\nvideo:x:44:x,user\n"));
    assert_true(orl_text_put(file("shadow"), 0600, "user:*:1:0:99999:7:::\n"));
    assert_true(orl_text_put(file("subuid"), 0644, "user:100000:65536\n"));
    assert_null(orl_account_open(etc, "ann", 10007, &prepared, &a));
    assert_null(orl_account_open(etc, "ann", 10007, &prepared, &a)); /* asked again */
    assert_int_equal(a.uid, 1000);
    assert_int_equal(a.number, 10007);
    assert_non_null(strstr(text_of("passwd"), "\nann:x:1000:1000:ann:/home/ann:/bin/"));
    assert_null(strstr(text_of("passwd"), "user"));
    assert_string_equal(text_of("group"), "audio:x:29:ann,userx\nann:x:1000:\nvideo:x:44:x,ann\n");
    assert_string_equal(text_of("shadow"), "ann:!:20000:0:99999:7:::\n");
    assert_string_equal(text_of("subuid"), "ann:100000:65536\n");
    assert_non_null(orl_account_open(etc, "bob", 10008, &prepared, &a)); /* it is hers */
    (void)unlink(file("subuid"));
}

static void the_prepared_account_takes_nobodys_name(void **state)
{
    (void)state;
    const struct orl_prepared prepared = {.name = "user", .uid = 1000};
    struct orl_account a;
    assert_true(orl_text_put(file("passwd"), 0644,
            "user:x:1000:1000::/home/user:/bin/sh\nann:x:33:33::/home/ann:/bin/sh\n"));
    assert_non_null(orl_account_open(etc, "ann", 10007, &prepared, &a));
    assert_true(strncmp(text_of("passwd"), "user:x:1000:", 12) == 0);
}

/* Opens ann's account as an assign with more lines would; her uid here. 0: refused. */
static uint32_t uid_of_ann(const char *key, const char *value)
{
    static const struct orl_prepared of_template = {.name = "user", .uid = 1000};
    const struct orl_prepared *prepared = &of_template;
    struct orl_account a = {.uid = 0};
    struct orl_hook_msg assign;
    orl_hook_msg_init(&assign, "assign", 1);
    orl_hook_msg_put(&assign, "user", "ann");
    orl_hook_msg_put(&assign, key, value);
    const char *why = orl_account_choose(etc, &assign, 10007, &prepared);
    assert_true(why == NULL || strstr(why, "NFS") != NULL);
    if (why == NULL) {
        assert_null(orl_account_open(etc, "ann", 10007, prepared, &a));
        assert_int_equal(a.number, 10007);
    }
    return a.uid;
}

static void prepared_account_stays_theirs_when_the_pool_becomes_another(void **state)
{
    (void)state;
    assert_int_equal(uid_of_ann("display", ""), 1000);
    assert_int_equal(uid_of_ann("display", "rdp"), 1000);
    assert_int_equal(uid_of_ann("home_nfs", "server:/homes/ann"), 0);
    assert_int_equal(uid_of_ann("home_device", "home"), 1000);
}

static void account_of_the_number_stays_theirs_when_the_pool_becomes_another(void **state)
{
    (void)state;
    assert_int_equal(uid_of_ann("display", "rdp"), 10007);
    assert_int_equal(uid_of_ann("display", ""), 10007);
    assert_int_equal(uid_of_ann("home_nfs", "server:/homes/ann"), 10007);
    assert_non_null(strstr(text_of("passwd"), "user:x:1000:1000::/home/user:"));
}

static void what_the_template_says_of_it_is_read_with_care(void **state)
{
    (void)state;
    static const char *const bad[] = {"", "user", "user\n", "user 0\n", "user 10000\n", " 1000\n",
            "user 1000x\n", "a:b 1000\n", "../x 1000\n", "user -1000\n",
            "a-name-that-is-much-too-long-for-it 1000\n"};
    struct orl_prepared prepared;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_true(orl_text_put(file("passwd"), 0644, "%s", bad[i]));
        assert_false(orl_prepared_read(file("passwd"), &prepared));
    }
    assert_true(orl_text_put(file("passwd"), 0644, "user 1000\n"));
    assert_true(orl_prepared_read(file("passwd"), &prepared));
    assert_string_equal(prepared.name, "user");
    assert_int_equal(prepared.uid, 1000);
    assert_true(orl_text_put(file("passwd"), 0644, "%d\n", (int)getpid()));
    assert_int_equal(orl_prepared_pid(file("passwd")), getpid());
    assert_true(orl_text_put(file("passwd"), 0644, "1\n"));
    assert_int_equal(orl_prepared_pid(file("passwd")), 0);
    assert_int_equal(orl_prepared_pid(file("none")), 0);
}

static void its_home_is_found_under_both_paths(void **state)
{
    (void)state;
    const struct orl_prepared prepared = {.name = "user", .uid = 1000};
    char target[64] = "";
    assert_int_equal(mkdir(file("user"), 0700), 0);
    assert_true(orl_text_put(file("user/kept"), 0600, "x"));
    assert_null(orl_prepared_move_home(etc, &prepared, "ann"));
    assert_null(orl_prepared_move_home(etc, &prepared, "ann"));
    assert_int_equal(access(file("ann/kept"), F_OK), 0);
    assert_true(readlink(file("user"), target, sizeof(target) - 1) > 0);
    assert_string_equal(target, "ann");
    (void)unlink(file("user"));
    assert_int_equal(mkdir(file("user"), 0700), 0);
    assert_non_null(orl_prepared_move_home(etc, &prepared, "ann")); /* two homes: neither is lost */
    assert_int_equal(access(file("ann/kept"), F_OK), 0);
    (void)unlink(file("ann/kept"));
    (void)rmdir(file("ann"));
    (void)rmdir(file("user"));
}

static void a_secret_opens_the_account_and_is_gone_after(void **state)
{
    (void)state;
    struct orl_account a;
    assert_null(orl_account_open(etc, "ann", 10000, NULL, &a));
    assert_true(orl_account_set_secret(etc, &a, "one-time"));
    assert_non_null(strstr(text_of("shadow"), "ann:$6$"));
    assert_null(strstr(text_of("shadow"), "one-time"));
    assert_true(orl_account_set_secret(etc, &a, NULL));
    assert_string_equal(text_of("shadow"), "ann:!:20000:0:99999:7:::\n");
}

static void only_a_blank_disk_is_formatted(void **state)
{
    (void)state;
    static unsigned char head[65536];
    bool is_ext4 = true;
    assert_true(orl_home_is_blank(head, sizeof(head), &is_ext4));
    assert_false(is_ext4);
    head[65535] = 1;
    assert_false(orl_home_is_blank(head, sizeof(head), &is_ext4));
    assert_false(is_ext4);
    head[0x438] = 0x53;
    head[0x439] = 0xEF;
    assert_false(orl_home_is_blank(head, sizeof(head), &is_ext4));
    assert_true(is_ext4);
    assert_false(orl_home_is_blank(head, 0, &is_ext4));
}

static void a_home_says_how_large_it_is(void **state)
{
    (void)state;
    unsigned char head[ORL_HOME_HEAD_MIN] = {0};
    unsigned char *super = head + 1024;
    super[5] = 8; /* 2048 blocks */
    assert_int_equal(orl_home_ext4_bytes(head), 2U << 20);
    super[0x18] = 2; /* of 4 KiB */
    assert_int_equal(orl_home_ext4_bytes(head), 8U << 20);
    super[0x150] = 1;
    assert_int_equal(orl_home_ext4_bytes(head), 8U << 20);
    super[0x60] = 0x80; /* 64bit */
    assert_int_equal(orl_home_ext4_bytes(head), (8ULL << 20) + (1ULL << 44));
    super[0x18] = 7;
    assert_int_equal(orl_home_ext4_bytes(head), 0);
}

static int run(const char *script)
{
    char *argv[] = {(char *)"sh", (char *)"-c", (char *)script, (char *)"sh", etc, NULL};
    return orl_run(argv, NULL, 20000);
}

/* $1/disk as /dev/loopN; false: this machine has none for us. */
static bool make_loop(char ret_path[64])
{
    bool is_there = geteuid() == 0 &&
                    run("truncate -s 2M \"$1/disk\" && mke2fs -q -F -t ext4 \"$1/disk\" && "
                        "losetup --find --show \"$1/disk\" >\"$1/loop\" 2>/dev/null") == 0;
    if (is_there) {
        assert_true(orl_text_read(file("loop"), ret_path, 64) > 0);
        ret_path[strcspn(ret_path, "\n")] = '\0';
    }
    (void)unlink(file("loop"));
    return is_there;
}

static void drop_loop(void)
{
    assert_int_equal(run("losetup --detach \"$(losetup --noheadings --output NAME --associated "
                         "\"$1/disk\")\"; rm \"$1/disk\""),
            0);
}

static void a_homes_files_are_the_persons_number_on_its_disk(void **state)
{
    (void)state;
    char loop[64];
    struct stat st;
    if (!make_loop(loop) || unshare(CLONE_NEWNS) < 0) {
        (void)unlink(file("disk"));
        skip();
    }
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 && errno == EINVAL) {
        drop_loop();
        skip(); /* a chroot: its root is no mount of its own */
    }
    assert_int_equal(mkdir(file("home"), 0755), 0);
    assert_true(orl_idmap_mount(loop, file("home"), 10007, 1000));
    assert_true(orl_text_put(file("home/note"), 0600, "hers\n"));
    assert_int_equal(chown(file("home/note"), 1000, 1000), 0);
    assert_int_equal(chown(file("home/note"), 1001, 1001), -1); /* nobody else is on it */
    assert_int_equal(umount(file("home")), 0);
    assert_int_equal(mount(loop, file("home"), "ext4", MS_RDONLY, ""), 0);
    assert_int_equal(stat(file("home/note"), &st), 0);
    assert_int_equal(st.st_uid, 10007);
    assert_int_equal(st.st_gid, 10007);
    assert_int_equal(stat(file("home"), &st), 0);
    assert_int_equal(st.st_uid, 0);
    assert_int_equal(umount(file("home")), 0);
    assert_int_equal(rmdir(file("home")), 0);
    drop_loop();
}

static void a_new_home_has_what_the_skeleton_has(void **state)
{
    (void)state;
    char from[128];
    char to[128];
    char link[32] = "";
    struct stat st;
    (void)snprintf(from, sizeof(from), "%s", file("skel"));
    (void)snprintf(to, sizeof(to), "%s", file("home"));
    assert_int_equal(run("cd \"$1\" && mkdir -p skel/.config/deep home && echo one >skel/.profile "
                         "&& echo two >skel/.config/deep/two && "
                         "chmod 700 skel/.config && chmod 755 skel/.config/deep/two && ln -s "
                         "/nowhere skel/away && ln -s \"$1\"/passwd home/.profile && "
                         "touch -d @1000 skel/.config/deep skel/.config/deep/two && mkfifo "
                         "skel/pipe && echo old >home/kept"),
            0);
    assert_false(orl_skel_copy(from, to)); /* not through a link that somebody left */
    assert_non_null(strstr(text_of("passwd"), "root:"));
    assert_int_equal(unlink(file("home/.profile")), 0);
    assert_true(orl_skel_copy(from, to));
    assert_true(orl_skel_copy(from, to)); /* asked again */
    assert_string_equal(text_of("home/.profile"), "one\n");
    assert_string_equal(text_of("home/.config/deep/two"), "two\n");
    assert_string_equal(text_of("home/kept"), "old\n");
    assert_int_equal(readlink(file("home/away"), link, sizeof(link) - 1), 8);
    assert_string_equal(link, "/nowhere");
    assert_int_equal(lstat(file("home/pipe"), &st), -1);
    assert_int_equal(stat(file("home/.config"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0700);
    assert_int_equal(stat(file("home/.config/deep"), &st), 0);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
    assert_int_equal(stat(file("home/.config/deep/two"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0755);
    assert_int_equal(st.st_mtim.tv_sec, 1000);
    assert_false(orl_skel_copy(file("none"), to));
    if (geteuid() == 0) {
        assert_int_equal(symlink(etc, file("home/out")), 0);
        assert_true(orl_skel_give(to, 1000));
        assert_int_equal(
                run("cd \"$1\" && [ -z \"$(find home -mindepth 1 ! \\( -uid 1000 -gid 1000 \\))\" "
                    "] && [ -z \"$(find . -path ./home -prune -o -uid 1000 -print)\" ] && "
                    "[ \"$(stat -c %u home)\" = 0 ]"),
                0);
    }
    assert_int_equal(run("cd \"$1\" && rm -r skel home"), 0);
}

static void a_copy_has_ssh_keys_of_its_own(void **state)
{
    (void)state;
    static const char golden[] = "the golden image's";
    char text[4096] = "";
    uint64_t end_ms = orl_run_now_ms() + 30000;
    assert_true(orl_ssh_keys_renew(etc)); /* no SSH server: nothing to do */
    assert_int_equal(mkdir(file("etc"), 0755), 0);
    assert_int_equal(mkdir(file("etc/ssh"), 0755), 0);
    assert_true(orl_text_put(file("etc/ssh/sshd_config"), 0644, "Port 22\n"));
    assert_true(orl_ssh_keys_renew(etc));
    assert_int_equal(access(file("etc/ssh/ssh_host_ed25519_key"), F_OK), -1);
    assert_true(orl_text_put(file("etc/ssh/ssh_host_ed25519_key"), 0600, "%s", golden));
    assert_true(orl_text_put(file("etc/ssh/ssh_host_other_key"), 0600, "%s", golden));
    assert_true(orl_text_put(file("etc/ssh/ssh_host_other_key.pub"), 0644, "%s", golden));
    assert_true(orl_ssh_keys_renew(etc));
    assert_int_equal(access(file("etc/ssh/ssh_host_other_key"), F_OK), -1);
    assert_int_equal(access(file("etc/ssh/ssh_host_other_key.pub"), F_OK), -1);
    assert_string_equal(text_of("etc/ssh/sshd_config"), "Port 22\n");
    while (orl_text_read(file("etc/ssh/ssh_host_ed25519_key"), text, sizeof(text)) <= 0 &&
            orl_run_now_ms() < end_ms) {
        (void)poll(NULL, 0, 20);
    }
    assert_non_null(strstr(text, "PRIVATE KEY"));
    char *argv[] = {(char *)"rm", (char *)"-r", (char *)file("etc"), NULL};
    assert_int_equal(orl_run(argv, NULL, 5000), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_legal_name_stays),
            cmocka_unit_test(other_names_are_made_legal_and_stay_apart),
            cmocka_unit_test_setup_teardown(
                    file_that_cannot_be_read_is_not_written_anew, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    an_account_is_made_once_and_opened_again, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    somebody_elses_name_or_number_is_refused, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    the_prepared_account_becomes_the_persons, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    the_prepared_account_takes_nobodys_name, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    what_the_template_says_of_it_is_read_with_care, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    prepared_account_stays_theirs_when_the_pool_becomes_another, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    account_of_the_number_stays_theirs_when_the_pool_becomes_another, setup,
                    teardown),
            cmocka_unit_test_setup_teardown(its_home_is_found_under_both_paths, setup, teardown),
            cmocka_unit_test_setup_teardown(
                    a_secret_opens_the_account_and_is_gone_after, setup, teardown),
            cmocka_unit_test(only_a_blank_disk_is_formatted),
            cmocka_unit_test(a_home_says_how_large_it_is),
            cmocka_unit_test_setup_teardown(
                    a_homes_files_are_the_persons_number_on_its_disk, setup, teardown),
            cmocka_unit_test_setup_teardown(a_new_home_has_what_the_skeleton_has, setup, teardown),
            cmocka_unit_test_setup_teardown(a_copy_has_ssh_keys_of_its_own, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
