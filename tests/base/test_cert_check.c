/* Each fault of a chain or key is named; what passes holds nothing but chain and key. */
#include "base/cert_check.h"
#include "base/clock.h"
#include "tests/base/cert_maker.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static struct made root, middle, leaf;

static int begin(void **state)
{
    (void)state;
    make(&(struct wish){.name = "Own Root", .is_ca = true}, &root);
    make(&(struct wish){.name = "Own Middle", .is_ca = true, .issuer = &root}, &middle);
    make(&(struct wish){.name = "desktops.example.org", .issuer = &middle}, &leaf);
    return 0;
}

static int end(void **state)
{
    (void)state;
    made_fini(&leaf);
    made_fini(&middle);
    made_fini(&root);
    return 0;
}

static const char *fault_of(const char *chain, const char *key, bool is_rsa_only)
{
    static struct orl_err err;
    const struct orl_cert_rules rules = {
            .now_ms = orl_clock_wall_ms(), .is_rsa_only = is_rsa_only, .needs_chain = true};
    err = (struct orl_err){0};
    int rc = orl_cert_check(chain, strlen(chain), key, strlen(key), &rules, NULL, NULL, &err);
    assert_true(rc == 0 || rc == ORL_E_INVAL);
    return rc == 0 ? "" : err.text;
}

static const char *join(const char *a, const char *b, const char *c)
{
    static char text[20000];
    (void)snprintf(text, sizeof(text), "%s%s%s", a, b, c);
    return text;
}

#define EXPECT(fault, word) assert_non_null(strstr((fault), (word)))

static void a_whole_chain_and_one_without_its_root_are_good(void **state)
{
    (void)state;
    assert_string_equal(fault_of(join(leaf.cert, middle.cert, root.cert), leaf.secret, true), "");
    assert_string_equal(fault_of(join(leaf.cert, middle.cert, ""), leaf.secret, false), "");
    assert_string_equal(fault_of(root.cert, leaf.secret, false),
            "field 'key' is not the key of this certificate");
}

static void what_is_no_pem_is_said_so(void **state)
{
    char encrypted[4096];
    static char large[ORL_CERT_TEXT_MAX + 2];
    (void)state;
    made_encrypted(&leaf, encrypted, sizeof(encrypted));
    memset(large, 'x', sizeof(large) - 1);
    EXPECT(fault_of("", leaf.secret, false), "'certificate' is not PEM");
    EXPECT(fault_of("\x30\x82 der", leaf.secret, false), "'certificate' is not PEM");
    EXPECT(fault_of(large, leaf.secret, false), "'certificate' is too large");
    EXPECT(fault_of(leaf.cert, large, false), "'key' is too large");
    EXPECT(fault_of(leaf.cert, leaf.cert, false), "'key' is not PEM");
    EXPECT(fault_of(leaf.cert, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                   false),
            "'key' is damaged");
    EXPECT(fault_of(leaf.cert, encrypted, false), "'key' is encrypted");
}

static void a_chain_that_is_cut_off_anywhere_is_never_good(void **state)
{
    const char *whole = join(leaf.cert, middle.cert, "");
    char cut[20000];
    (void)state;
    (void)snprintf(cut, sizeof(cut), "%s", whole);
    for (size_t len = strlen(cut) - 3; len > strlen(leaf.cert) + 1; len -= 37) {
        cut[len] = '\0';
        const char *fault = fault_of(cut, leaf.secret, false);
        assert_string_not_equal(fault, "");
        if (len < 37 + strlen(leaf.cert)) {
            break;
        }
    }
}

static void order_and_gaps_are_told_apart_from_a_wrong_key(void **state)
{
    (void)state;
    EXPECT(fault_of(join(middle.cert, leaf.cert, ""), leaf.secret, false), "out of order");
    EXPECT(fault_of(join(leaf.cert, root.cert, ""), leaf.secret, false), "gap");
    EXPECT(fault_of(leaf.cert, leaf.secret, false), "incomplete");
    EXPECT(fault_of(leaf.cert, middle.secret, false), "not the key");
}

static void one_fault(const struct wish *wish, bool is_rsa_only, const char *word)
{
    struct made made;
    make(wish, &made);
    const char *chain = wish->issuer != NULL ? join(made.cert, wish->issuer->cert, "") : made.cert;
    const char *fault = fault_of(chain, made.secret, is_rsa_only);
    if (word != NULL) {
        EXPECT(fault, word);
    } else {
        assert_string_equal(fault, "");
    }
    made_fini(&made);
}

static void dates_strength_and_use_are_looked_at(void **state)
{
    (void)state;
    one_fault(&(struct wish){.name = "a", .from_days = -9, .until_days = -1}, false, "has expired");
    one_fault(&(struct wish){.name = "a", .from_days = 2, .until_days = 9}, false, "not good yet");
    one_fault(&(struct wish){.name = "a", .bits = 1024}, false, "'key' is too weak");
    one_fault(&(struct wish){.name = "a", .issuer = &middle, .is_sha1 = true}, false, "SHA-256");
    one_fault(&(struct wish){.name = "a", .use = "clientAuth"}, false, "not for servers");
    one_fault(&(struct wish){.name = "a", .kind = "EC"}, false, NULL);
    one_fault(&(struct wish){.name = "a", .kind = "EC"}, true, "'key' is not RSA");
    one_fault(&(struct wish){.name = "a"}, true, NULL);
}

static void what_passes_is_written_anew(void **state)
{
    const struct orl_cert_rules rules = {.now_ms = 0};
    struct orl_cert_pair pair;
    struct orl_cert_facts facts;
    (void)state;
    char text[20000];
    (void)snprintf(text, sizeof(text), "a comment\n%s%s%s", leaf.cert, leaf.secret, middle.cert);
    assert_int_equal(
            orl_cert_check(text, strlen(text), text, strlen(text), &rules, &pair, &facts, NULL), 0);
    assert_null(strstr(pair.cert_pem, "PRIVATE"));
    assert_null(strstr(pair.cert_pem, "comment"));
    assert_null(strstr(pair.key_pem, "CERTIFICATE"));
    assert_true(orl_cert_is_pair(pair.cert_pem, pair.cert_len, pair.key_pem, pair.key_len));
    assert_int_equal(facts.count, 2);
    assert_string_equal(facts.issuer, "CN=Own Middle");
    assert_string_equal(facts.names, "desktops.example.org");
    orl_cert_pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_whole_chain_and_one_without_its_root_are_good),
            cmocka_unit_test(what_is_no_pem_is_said_so),
            cmocka_unit_test(a_chain_that_is_cut_off_anywhere_is_never_good),
            cmocka_unit_test(order_and_gaps_are_told_apart_from_a_wrong_key),
            cmocka_unit_test(dates_strength_and_use_are_looked_at),
            cmocka_unit_test(what_passes_is_written_anew),
    };
    return cmocka_run_group_tests(tests, begin, end);
}
