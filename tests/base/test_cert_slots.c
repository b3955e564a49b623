/* Whenever its writer dies, a kept certificate is the former one or the new one, whole. */
#include "base/cert_slots.h"
#include "base/cleanup.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

struct world {
    char dir[64];
    struct orl_cert_slots slots;
};

static int begin(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    assert_non_null(w);
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/oriel-slots.XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    assert_int_equal(orl_cert_slots_open(w->dir, &w->slots, NULL), 0);
    *state = w;
    return 0;
}

static void path_of(const struct world *w, char which, char ret[80])
{
    (void)snprintf(ret, 80, "%s/uploaded-%c", w->dir, which);
}

static int end(void **state)
{
    struct world *w = *state;
    char path[80];
    orl_cert_slots_close(&w->slots);
    for (const char *at = "ab"; *at != '\0'; at++) {
        path_of(w, *at, path);
        (void)unlink(path);
    }
    int rc = rmdir(w->dir);
    free(w);
    return rc;
}

static void again(struct world *w)
{
    orl_cert_slots_close(&w->slots);
    assert_int_equal(orl_cert_slots_open(w->dir, &w->slots, NULL), 0);
}

static void put(struct world *w, const char *cert, const char *key)
{
    char cert_text[100];
    char key_text[100];
    const struct orl_cert_pair pair = {.cert_pem = cert_text,
            .cert_len = (size_t)snprintf(cert_text, sizeof(cert_text), "%s", cert),
            .key_pem = key_text,
            .key_len = (size_t)snprintf(key_text, sizeof(key_text), "%s", key)};
    assert_int_equal(orl_cert_slots_put(&w->slots, &pair, NULL), 0);
}

static void expect(struct world *w, const char *cert, const char *key)
{
    struct orl_cert_pair pair;
    int rc = orl_cert_slots_get(&w->slots, &pair, NULL);
    if (cert == NULL) {
        assert_int_equal(rc, ORL_E_NOTFOUND);
        return;
    }
    assert_int_equal(rc, 0);
    assert_string_equal(pair.cert_pem, cert);
    assert_string_equal(pair.key_pem, key);
    orl_cert_pair_fini(&pair);
}

static void the_newest_is_there_after_a_restart(void **state)
{
    struct world *w = *state;
    struct stat st;
    char path[80];
    expect(w, NULL, NULL);
    put(w, "one", "key one");
    expect(w, "one", "key one");
    put(w, "two", "key two");
    put(w, "three", "key three");
    again(w);
    expect(w, "three", "key three");
    path_of(w, 'a', path);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    struct orl_cert_pair former;
    assert_int_equal(orl_cert_slots_get_former(&w->slots, &former, NULL), 0);
    assert_string_equal(former.cert_pem, "two");
    orl_cert_pair_fini(&former);
}

static void what_was_taken_back_leaves_no_key(void **state)
{
    struct world *w = *state;
    put(w, "one", "key one");
    put(w, "two", "key two");
    assert_int_equal(orl_cert_slots_clear(&w->slots, NULL), 0);
    again(w);
    expect(w, NULL, NULL);
    assert_false(w->slots.is_damaged);
    for (const char *at = "ab"; *at != '\0'; at++) {
        char path[80];
        char text[1000] = "";
        path_of(w, *at, path);
        ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = read(fd, text, sizeof(text));
        assert_true(len >= 0);
        assert_null(memmem(text, (size_t)len, "key", 3));
    }
    put(w, "three", "key three");
    again(w);
    expect(w, "three", "key three");
}

/* The file as it is when the write stopped after so many bytes: over an old one, or over nothing. */
static void stop_after(
        const char *path, const char *old, size_t old_len, const char *new, size_t stop)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(pwrite(fd, old, old_len, 0), (ssize_t)old_len);
    assert_int_equal(pwrite(fd, new, stop, 0), (ssize_t)stop);
}

static void a_write_that_stops_anywhere_changes_nothing(void **state)
{
    struct world *w = *state;
    char path[80];
    char old[1000];
    char new[1000];
    put(w, "one", "key one is rather a long one, longer than that of three");
    put(w, "two", "key two");
    path_of(w, 'a', path);
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t old_len = pread(fd, old, sizeof(old), 0);
    put(w, "three", "key three");
    ssize_t new_len = pread(fd, new, sizeof(new), 0);
    assert_true(old_len > 100 && new_len > 100 && old_len > new_len);
    for (size_t stop = 0; stop < (size_t)new_len; stop++) {
        stop_after(path, old, (size_t)old_len, new, stop);
        again(w);
        expect(w, "two", "key two");
        stop_after(path, "", 0, new, stop);
        again(w);
        expect(w, "two", "key two");
        assert_int_equal(w->slots.is_damaged, stop > 0);
    }
    /* All written but not yet cut to its length. */
    stop_after(path, old, (size_t)old_len, new, (size_t)new_len);
    again(w);
    expect(w, "two", "key two");
    assert_true(w->slots.is_damaged);
    put(w, "four", "key four");
    again(w);
    expect(w, "four", "key four");
    assert_false(w->slots.is_damaged);
}

static void what_could_not_be_kept_is_not_there_later(void **state)
{
    struct world *w = *state;
    struct rlimit old;
    char text[900];
    const struct orl_cert_pair pair = {
            .cert_pem = text, .cert_len = sizeof(text), .key_pem = text, .key_len = sizeof(text)};
    memset(text, 'x', sizeof(text));
    put(w, "one", "key one");
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    const struct rlimit small = {.rlim_cur = 400, .rlim_max = old.rlim_max};
    void (*handler)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int rc = orl_cert_slots_put(&w->slots, &pair, NULL);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    (void)signal(SIGXFSZ, handler);
    assert_int_equal(rc, ORL_E_SYS);
    expect(w, "one", "key one");
    again(w);
    assert_false(w->slots.is_damaged);
    expect(w, "one", "key one");
}

static void each_bit_counts(void **state)
{
    struct world *w = *state;
    char path[80];
    char data[1000];
    put(w, "one", "key one");
    put(w, "two", "key two");
    path_of(w, 'b', path);
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDWR | O_CLOEXEC);
    ssize_t len = pread(fd, data, sizeof(data), 0);
    for (ssize_t i = 0; i < len; i++) {
        char changed = (char)(data[i] ^ 4);
        assert_int_equal(pwrite(fd, &changed, 1, i), 1);
        again(w);
        if (i < 128 || i >= 160) { /* the zeros behind the digest say nothing */
            expect(w, "one", "key one");
        }
        assert_int_equal(pwrite(fd, &data[i], 1, i), 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(the_newest_is_there_after_a_restart, begin, end),
            cmocka_unit_test_setup_teardown(what_was_taken_back_leaves_no_key, begin, end),
            cmocka_unit_test_setup_teardown(
                    a_write_that_stops_anywhere_changes_nothing, begin, end),
            cmocka_unit_test_setup_teardown(what_could_not_be_kept_is_not_there_later, begin, end),
            cmocka_unit_test_setup_teardown(each_bit_counts, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
