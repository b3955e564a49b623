/* The second factor's codes, and what a person needs to open a desktop in an RDP client. */
#include "broker/rdp_file.h"
#include "broker/totp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static const struct orl_seal_key key = {{1, 2, 3}};

/* RFC 6238 appendix B: SHA-1, the secret of 20 bytes; its codes of 8 digits end in ours of 6. */
static void codes_are_those_of_rfc_6238(void **state)
{
    static const struct {
        uint64_t time_s;
        const char *code;
    } vectors[] = {{59, "287082"}, {1111111109, "081804"}, {1111111111, "050471"},
            {1234567890, "005924"}, {2000000000, "279037"}, {20000000000, "353130"}};
    char sealed[256];
    (void)state;
    assert_int_equal(
            orl_seal(&key, "totp:alice", "12345678901234567890", 20, sealed, sizeof(sealed)), 0);
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        uint64_t now_ms = vectors[i].time_s * 1000;
        uint64_t step = 0;
        assert_int_equal(orl_totp_check(&key, "alice", sealed, vectors[i].code, now_ms, &step), 0);
        assert_int_equal(step, vectors[i].time_s / 30);
        assert_int_equal(
                orl_totp_check(&key, "alice", sealed, vectors[i].code, now_ms + 30000, &step), 0);
        assert_int_equal(step, vectors[i].time_s / 30);
        assert_int_equal(
                orl_totp_check(&key, "alice", sealed, vectors[i].code, now_ms + 60000, &step),
                ORL_E_DENIED);
        assert_int_equal(
                orl_totp_check(&key, "alice", sealed, "000000", now_ms, &step), ORL_E_DENIED);
    }
}

static void a_secret_is_sealed_for_its_person(void **state)
{
    static const struct orl_seal_key other = {{9}};
    char sealed[256];
    char text[ORL_TOTP_TEXT_LEN + 1];
    char again[ORL_TOTP_TEXT_LEN + 1];
    uint64_t step = 0;
    (void)state;
    assert_int_equal(orl_totp_new(&key, "alice", sealed, sizeof(sealed), text), 0);
    assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"), ORL_TOTP_TEXT_LEN);
    assert_null(strstr(sealed, text));
    assert_int_equal(orl_totp_check(&key, "bob", sealed, "123456", 1, &step), ORL_E_BACKEND);
    assert_int_equal(orl_totp_check(&other, "alice", sealed, "123456", 1, &step), ORL_E_BACKEND);
    assert_int_equal(orl_totp_new(&key, "alice", sealed, sizeof(sealed), again), 0);
    assert_string_not_equal(text, again);
}

static void codes_are_six_digits(void **state)
{
    char code[ORL_TOTP_DIGITS + 1];
    (void)state;
    assert_true(orl_totp_parse("123456", code));
    assert_true(orl_totp_parse(" 123 456 ", code));
    assert_string_equal(code, "123456");
    static const char *const bad[] = {"", "12345", "1234567", "12345a", "-12345", "123456\n"};
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_false(orl_totp_parse(bad[i], code));
    }
}

static void a_uri_is_escaped(void **state)
{
    char uri[ORL_TOTP_URI_MAX + 1];
    (void)state;
    orl_totp_uri("Oriel", "a b&secret=x", "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", uri);
    assert_string_equal(uri, "otpauth://totp/Oriel:a%20b%26secret%3Dx?secret="
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567&issuer=Oriel");
}

static void has_address(const char *address, const char *url, const char *line)
{
    struct orl_rdp_file file;
    const struct orl_rdp_target target = {.address = address,
            .portal_url = url,
            .fingerprint = "",
            .pool = "office",
            .user = "t-0123456789abcdef",
            .password = "secret"};
    orl_rdp_file_make(&target, &file);
    assert_non_null(strstr(file.text, line));
    assert_null(strstr(file.text, "secret"));
    assert_non_null(strstr(file.command, "/u:t-0123456789abcdef /p:secret /cert:tofu"));
}

static void an_rdp_file_names_the_public_address(void **state)
{
    (void)state;
    has_address(
            "rdp.example:3390", "https://vdi.example:8443/", "full address:s:rdp.example:3390\r\n");
    has_address("", "https://vdi.example:8443/", "full address:s:vdi.example\r\n");
    has_address("", "https://vdi.example/portal", "full address:s:vdi.example\r\n");
    has_address("", "https://[2001:db8::1]:8443", "full address:s:[2001:db8::1]\r\n");
    has_address("", "", "full address:s:");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(codes_are_those_of_rfc_6238),
            cmocka_unit_test(a_secret_is_sealed_for_its_person),
            cmocka_unit_test(codes_are_six_digits), cmocka_unit_test(a_uri_is_escaped),
            cmocka_unit_test(an_rdp_file_names_the_public_address)};
    return orl_totp_init(NULL) < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
