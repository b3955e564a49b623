/* The real qemu-img, confined: each format it may be given becomes a template's disk, and nothing else is in its reach. */
#include "base/landlock.h"
#include "vmpool/image_convert.h"
#include "vmpool/image_tool.h"
#include "vmpool/proc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LONG_MS = 120000 };

static char folder[] = "/tmp/oriel-image.XXXXXX";
static char from[64];
static char to[64];
static char other[64];

static int make_folder(void **state)
{
    (void)state;
    bool is_made = mkdtemp(folder) != NULL;
    (void)snprintf(from, sizeof from, "%s/from", folder);
    (void)snprintf(to, sizeof to, "%s/to", folder);
    (void)snprintf(other, sizeof other, "%s/other", folder);
    return is_made ? 0 : -1;
}

static int remove_folder(void **state)
{
    (void)state;
    return rmdir(folder);
}

static void make_image(const char *format, const char *path)
{
    struct orl_err err = {0};
    const char *create[] = {"qemu-img", "create", "-q", "-f", format, "--", path, "16M", NULL};
    const char *fill[] = {"qemu-io", "-f", format, "-c", "write -P 7 1M 3M", path, NULL};
    assert_int_equal(orl_proc_run(create, LONG_MS, NULL, &err), 0);
    assert_int_equal(orl_proc_run(fill, LONG_MS, NULL, &err), 0);
}

static void each_format_becomes_qcow2(void **state)
{
    static const char *const formats[] = {"qcow2", "vdi", "vhdx"};
    (void)state;
    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        struct orl_import_files files = {.dir = ""};
        struct orl_image_convert convert = {.files = &files, .max_virtual_bytes = 1 << 30};
        struct orl_err err = {0};
        struct stat st;
        (void)snprintf(files.dir, sizeof files.dir, "%s", folder);
        (void)snprintf(convert.from, sizeof convert.from, "%s", from);
        (void)snprintf(convert.to, sizeof convert.to, "%s", to);
        make_image(formats[i], from);
        int r = orl_image_convert(&convert, &err);
        assert_string_equal(err.text, "");
        assert_int_equal(r, 0);
        assert_int_equal(stat(to, &st), 0);
        assert_int_equal(st.st_mode & 0777, 0444);
        const char *compare[] = {
                "qemu-img", "compare", "-f", formats[i], "-F", "qcow2", from, to, NULL};
        assert_int_equal(orl_proc_run(compare, LONG_MS, NULL, &err), 0);
        (void)unlink(from);
        (void)unlink(to);
    }
}

static void assert_refused(const struct orl_image_tool *tool, const char *const *words)
{
    struct orl_err err = {0};
    assert_int_equal(orl_image_tool_run(tool, words, NULL, &err), ORL_E_BACKEND);
    bool is_refused = strstr(err.text, "Permission denied") || strstr(err.text, "not permitted");
    if (!is_refused) {
        print_message("%s: %s\n", words[0], err.text);
    }
    assert_true(is_refused);
}

static void only_the_named_files_are_in_reach(void **state)
{
    int abi = 0;
    int ruleset = orl_landlock_new(&abi);
    (void)state;
    if (ruleset < 0) {
        skip();
    }
    close(ruleset);
    const struct orl_image_tool tool = {
            .from = from, .to = to, .to_max_bytes = 1 << 20, .timeout_ms = LONG_MS};
    const char *look[] = {"info", "-f", "qcow2", other, NULL};
    const char *backing[] = {"info", "--backing-chain", "-f", "qcow2", from, NULL};
    const char *make[] = {"create", "-q", "-f", "qcow2", other, "16M", NULL};
    const char *write[] = {"convert", "-f", "qcow2", "-O", "qcow2", from, from, NULL};
    make_image("qcow2", other);
    const char *overlay[] = {
            "qemu-img", "create", "-q", "-f", "qcow2", "-F", "qcow2", "-b", other, from, NULL};
    struct orl_err err = {0};
    assert_int_equal(orl_proc_run(overlay, LONG_MS, NULL, &err), 0);
    assert_refused(&tool, look);
    assert_refused(&tool, backing);
    (void)unlink(other);
    (void)unlink(from);
    make_image("qcow2", from);
    assert_refused(&tool, make);
    assert_refused(&tool, write);
    assert_int_equal(access(other, F_OK), -1);
    (void)unlink(from);
}

static void it_reaches_no_network(void **state)
{
    (void)state;
    make_image("qcow2", from);
    const struct orl_image_tool tool = {.from = from, .timeout_ms = LONG_MS};
    const char *far[] = {"info", "nbd://127.0.0.1:1", NULL};
    const char *near[] = {"info", "nbd+unix:///?socket=/run/x", NULL};
    assert_refused(&tool, far);
    assert_refused(&tool, near);
    (void)unlink(from);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_format_becomes_qcow2),
            cmocka_unit_test(only_the_named_files_are_in_reach),
            cmocka_unit_test(it_reaches_no_network),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
