#include "broker/ntlm_verify.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

/* MS-NLMP 4.2.1 and 4.2.4. */
static const uint8_t ms_nt_hash[16] = {0xa4, 0xf4, 0x9c, 0x40, 0x65, 0x10, 0xbd, 0xca, 0xb6, 0x82,
        0x4e, 0xe7, 0xc3, 0x0f, 0xd8, 0x52};
static const uint8_t ms_ntowfv2[16] = {0x0c, 0x86, 0x8a, 0x40, 0x3b, 0xfd, 0x7a, 0x93, 0xa3, 0x00,
        0x1e, 0xf2, 0x2e, 0xf0, 0x2e, 0x3f};
static const uint8_t ms_encrypted_key[16] = {0xc5, 0xda, 0xd2, 0x54, 0x4f, 0xc9, 0x79, 0x90, 0x94,
        0xce, 0x1c, 0xe9, 0x0b, 0xc9, 0xd0, 0x3e};
static const uint8_t ms_proof[] = {0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, /* challenge */
        0x01, 0x01, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa,
        0xaa, 0xaa, 0, 0, 0, 0, 0x02, 0, 0x0c, 0, 'D', 0, 'o', 0, 'm', 0, 'a', 0, 'i', 0, 'n', 0,
        0x01, 0, 0x0c, 0, 'S', 0, 'e', 0, 'r', 0, 'v', 0, 'e', 0, 'r', 0, 0, 0, 0, 0, 0, 0, 0, 0};
static const uint8_t messages[] = "NEGOTIATE CHALLENGE AUTHENTICATE";

struct exchange {
    struct orl_ntlm *ntlm;
    uint8_t mic[16];
    struct orl_ntlm_proof proof;
};

/* RandomSessionKey is 55..55 in 4.2.1: only who derives all keys as the specification does finds it
 * in ms_encrypted_key and so the MIC. */
static int set_up(void **state)
{
    static struct exchange x;
    uint8_t exported[16];
    unsigned len = 0;
    memset(exported, 0x55, sizeof(exported));
    assert_int_equal(orl_ntlm_new(&x.ntlm, NULL), 0);
    assert_non_null(HMAC(EVP_md5(), exported, 16, messages, sizeof(messages), x.mic, &len));
    x.proof = (struct orl_ntlm_proof){.user = "User",
            .domain = "Domain",
            .proof = ms_proof,
            .proof_len = sizeof(ms_proof),
            .messages = messages,
            .messages_len = sizeof(messages),
            .session_key = ms_encrypted_key,
            .mic = x.mic};
    *state = &x;
    return 0;
}

static int tear_down(void **state)
{
    struct exchange *x = *state;
    orl_ntlm_free(x->ntlm);
    return 0;
}

static void hashes_are_those_of_the_specification(void **state)
{
    struct exchange *x = *state;
    uint8_t hash[16];
    uint8_t ntowfv2[16];
    assert_int_equal(orl_ntlm_nt_hash(x->ntlm, "Password", hash), 0);
    assert_memory_equal(hash, ms_nt_hash, 16);
    assert_int_equal(orl_ntlm_ntowfv2(x->ntlm, hash, "User", "Domain", ntowfv2), 0);
    assert_memory_equal(ntowfv2, ms_ntowfv2, 16);
}

static void exchange_of_the_specification_is_proven(void **state)
{
    struct exchange *x = *state;
    uint8_t ntowfv2[16] = {0};
    assert_int_equal(orl_ntlm_verify(x->ntlm, ms_nt_hash, &x->proof, ntowfv2), 0);
    assert_memory_equal(ntowfv2, ms_ntowfv2, 16);
}

static void user_is_folded_and_domain_is_not(void **state)
{
    struct exchange *x = *state;
    uint8_t ntowfv2[16] = {0};
    x->proof.user = "uSER";
    assert_int_equal(orl_ntlm_verify(x->ntlm, ms_nt_hash, &x->proof, ntowfv2), 0);
    x->proof.domain = "DOMAIN";
    assert_int_equal(orl_ntlm_verify(x->ntlm, ms_nt_hash, &x->proof, ntowfv2), ORL_E_DENIED);
}

static void every_changed_part_is_refused_and_gives_nothing(void **state)
{
    struct exchange *x = *state;
    static const uint8_t nothing[16];
    uint8_t *parts[5];
    static uint8_t hash[16], proof[sizeof(ms_proof)], msgs[sizeof(messages)], key[16], mic[16];
    const size_t lens[5] = {sizeof(hash), sizeof(proof), sizeof(msgs), sizeof(key), sizeof(mic)};
    memcpy(hash, ms_nt_hash, 16);
    memcpy(proof, ms_proof, sizeof(proof));
    memcpy(msgs, messages, sizeof(msgs));
    memcpy(key, ms_encrypted_key, 16);
    memcpy(mic, x->mic, 16);
    parts[0] = hash;
    parts[1] = proof;
    parts[2] = msgs;
    parts[3] = key;
    parts[4] = mic;
    x->proof.proof = proof;
    x->proof.messages = msgs;
    x->proof.session_key = key;
    x->proof.mic = mic;
    for (int part = 0; part < 5; part++) {
        for (size_t i = 0; i < lens[part]; i++) {
            uint8_t ntowfv2[16] = {0};
            parts[part][i] ^= 1;
            assert_int_equal(orl_ntlm_verify(x->ntlm, hash, &x->proof, ntowfv2), ORL_E_DENIED);
            assert_memory_equal(ntowfv2, nothing, 16);
            parts[part][i] ^= 1;
        }
    }
}

static void client_without_mic_has_no_proof(void **state)
{
    struct exchange *x = *state;
    static const uint8_t zeros[16];
    uint8_t ntowfv2[16];
    x->proof.mic = zeros;
    assert_int_equal(orl_ntlm_verify(x->ntlm, ms_nt_hash, &x->proof, ntowfv2), ORL_E_DENIED);
}

static void short_or_impossible_input_is_refused(void **state)
{
    struct exchange *x = *state;
    uint8_t out[16];
    char longest[300];
    memset(longest, 'a', sizeof(longest));
    longest[299] = '\0';
    x->proof.proof_len = 35;
    assert_int_equal(orl_ntlm_verify(x->ntlm, ms_nt_hash, &x->proof, out), ORL_E_INVAL);
    x->proof.proof_len = sizeof(ms_proof);
    x->proof.messages_len = 0;
    assert_int_equal(orl_ntlm_verify(x->ntlm, ms_nt_hash, &x->proof, out), ORL_E_INVAL);
    assert_int_equal(orl_ntlm_ntowfv2(x->ntlm, ms_nt_hash, longest, "", out), ORL_E_INVAL);
    assert_int_equal(orl_ntlm_ntowfv2(x->ntlm, ms_nt_hash, "u", longest, out), ORL_E_INVAL);
    assert_int_equal(orl_ntlm_ntowfv2(x->ntlm, ms_nt_hash, "\xc3\xa4", "", out), ORL_E_INVAL);
    assert_int_equal(orl_ntlm_ntowfv2(x->ntlm, ms_nt_hash, "u", "\xc3", out), ORL_E_INVAL);
    assert_int_equal(orl_ntlm_ntowfv2(x->ntlm, ms_nt_hash, "u", "\xed\xa0\x80", out), ORL_E_INVAL);
    assert_int_equal(orl_ntlm_nt_hash(x->ntlm, longest, out), ORL_E_INVAL);
    assert_int_equal(orl_ntlm_nt_hash(x->ntlm, "\xc3\xa4", out), ORL_E_INVAL);
}

/* The same bytes as UTF-16LE, by hand: "\u00e4\u20ac\U0001f600". */
static void domain_beyond_ascii_is_utf16(void **state)
{
    struct exchange *x = *state;
    static const uint8_t wide[] = {'U', 0, 0xe4, 0, 0xac, 0x20, 0x3d, 0xd8, 0x00, 0xde};
    uint8_t expected[16];
    uint8_t out[16];
    unsigned len = 0;
    assert_non_null(HMAC(EVP_md5(), ms_nt_hash, 16, wide, sizeof(wide), expected, &len));
    assert_int_equal(
            orl_ntlm_ntowfv2(x->ntlm, ms_nt_hash, "u", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", out),
            0);
    assert_memory_equal(out, expected, 16);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup_teardown(
                    hashes_are_those_of_the_specification, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    exchange_of_the_specification_is_proven, set_up, tear_down),
            cmocka_unit_test_setup_teardown(user_is_folded_and_domain_is_not, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    every_changed_part_is_refused_and_gives_nothing, set_up, tear_down),
            cmocka_unit_test_setup_teardown(client_without_mic_has_no_proof, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    short_or_impossible_input_is_refused, set_up, tear_down),
            cmocka_unit_test_setup_teardown(domain_beyond_ascii_is_utf16, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
