#include "base/seal.h"

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

static const struct orl_seal_key key = {{1, 2, 3}};
static const struct orl_seal_key other_key = {{1, 2, 4}};

static void opens_only_with_its_key_and_purpose_and_unchanged(void **state)
{
    (void)state;
    char text[ORL_SEAL_TEXT_LEN(6) + 1];
    char out[16];
    size_t len = 0;
    assert_int_equal(orl_seal(&key, "ticket", "secret", 6, text, sizeof(text)), 0);
    assert_null(strstr(text, "secret"));
    assert_int_equal(orl_unseal(&key, "ticket", text, out, sizeof(out), &len), 0);
    assert_int_equal(len, 6);
    assert_memory_equal(out, "secret", 6);
    assert_int_equal(orl_unseal(&other_key, "ticket", text, out, sizeof(out), &len), ORL_E_DENIED);
    assert_int_equal(orl_unseal(&key, "vnc:1", text, out, sizeof(out), &len), ORL_E_DENIED);
    assert_int_equal(orl_unseal(&key, "ticket", text, out, 5, &len), ORL_E_DENIED);
    for (size_t i = 0; i < strlen(text); i++) {
        char kept = text[i];
        text[i] = kept == '0' ? '1' : '0';
        assert_int_equal(orl_unseal(&key, "ticket", text, out, sizeof(out), &len), ORL_E_DENIED);
        text[i] = kept;
    }
    text[10] = '\0';
    assert_int_equal(orl_unseal(&key, "ticket", text, out, sizeof(out), &len), ORL_E_DENIED);
    assert_int_equal(orl_unseal(&key, "ticket", "zz", out, sizeof(out), &len), ORL_E_DENIED);
}

static void the_same_secret_never_looks_the_same(void **state)
{
    (void)state;
    char a[ORL_SEAL_TEXT_LEN(0) + 1];
    char b[ORL_SEAL_TEXT_LEN(0) + 1];
    assert_int_equal(orl_seal(&key, "x", "", 0, a, sizeof(a)), 0);
    assert_int_equal(orl_seal(&key, "x", "", 0, b, sizeof(b)), 0);
    assert_string_not_equal(a, b);
}

static void a_key_file_is_made_once_and_kept(void **state)
{
    (void)state;
    char dir[] = "/tmp/oriel-seal-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/key", dir);
    struct orl_seal_key first;
    struct orl_seal_key second;
    assert_int_equal(orl_seal_key_load(path, &first, NULL), 0);
    assert_int_equal(orl_seal_key_load(path, &second, NULL), 0);
    assert_memory_equal(&first, &second, sizeof(first));
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777U, 0640);
    assert_int_equal(truncate(path, 5), 0);
    assert_int_equal(orl_seal_key_load(path, &second, NULL), ORL_E_CONFIG);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0); /* no temporary is left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(opens_only_with_its_key_and_purpose_and_unchanged),
            cmocka_unit_test(the_same_secret_never_looks_the_same),
            cmocka_unit_test(a_key_file_is_made_once_and_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
