#include "base/ipc_msgs.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

static void encode(const struct orl_msg *msg, struct orl_buf *buf)
{
    orl_buf_init(buf, ORL_MSG_MAX_BYTES);
    assert_int_equal(orl_msg_encode(msg, buf), 0);
}

static struct orl_msg sample_proof(void)
{
    struct orl_msg msg = {.type = ORL_MSG_PROOF, .conn = 7};
    struct orl_msg_proof *proof = &msg.u.proof;
    orl_msg_text(proof->user, sizeof(proof->user), "t-0123");
    proof->proof_len = ORL_NTLM_MAX;
    memset(proof->proof, 0x5A, ORL_NTLM_MAX);
    proof->messages_len = ORL_NTLM_MAX;
    memset(proof->messages, 0xA5, ORL_NTLM_MAX);
    memset(proof->mic, 9, sizeof(proof->mic));
    return msg;
}

static void every_type_comes_back_as_it_was(void **state)
{
    (void)state;
    for (uint16_t type = 1; type < ORL_MSG_TYPE_COUNT; type++) {
        struct orl_msg msg = {.type = type, .conn = 0x01020304};
        struct orl_buf buf;
        encode(&msg, &buf);
        struct orl_msg back;
        assert_int_equal(orl_msg_decode(buf.data, buf.len, &back), 0);
        assert_int_equal(back.type, type);
        assert_int_equal(back.conn, 0x01020304);
        assert_memory_equal(&back.u, &msg.u, sizeof(msg.u));
        orl_buf_fini(&buf);
    }
}

static void statistics_come_back_with_every_count(void **state)
{
    (void)state;
    struct orl_msg msg = {.type = ORL_MSG_STATS};
    struct orl_stats_since *since = &msg.u.stats.since;
    since->elapsed_ms = 10000;
    for (uint32_t t = 0; t < ORL_STATS_TIME_COUNT; t++) {
        for (uint32_t i = 0; i < ORL_HISTOGRAM_BUCKETS; i++) {
            since->counts[t][i] = (t << 24) + i + 1;
        }
        since->sums_us[t] = (UINT64_C(1) << 40) + t;
    }
    for (uint32_t k = 0; k < ORL_STATS_KIND_COUNT; k++) {
        since->kind_frames[k] = k + 1;
        since->kind_bytes[k] = UINT64_MAX - k;
    }
    struct orl_buf buf;
    encode(&msg, &buf);
    struct orl_msg back;
    assert_int_equal(orl_msg_decode(buf.data, buf.len, &back), 0);
    assert_memory_equal(&back.u.stats, &msg.u.stats, sizeof(msg.u.stats));
    assert_int_equal(orl_msg_decode(buf.data, buf.len - 1, &back), ORL_E_PROTO);
    orl_buf_fini(&buf);
}

static void the_largest_proof_fits_a_datagram(void **state)
{
    (void)state;
    struct orl_msg msg = sample_proof();
    struct orl_buf buf;
    encode(&msg, &buf);
    struct orl_msg back;
    assert_int_equal(orl_msg_decode(buf.data, buf.len, &back), 0);
    assert_memory_equal(back.u.proof.messages, msg.u.proof.messages, ORL_NTLM_MAX);
    assert_string_equal(back.u.proof.user, "t-0123");
    orl_buf_fini(&buf);
}

static void every_truncation_is_refused(void **state)
{
    (void)state;
    struct orl_msg msg = {.type = ORL_MSG_LOGIN};
    orl_msg_text(msg.u.login.user, sizeof(msg.u.login.user), "anna");
    orl_msg_text(msg.u.login.password, sizeof(msg.u.login.password), "pa\xC3\xA9ss");
    struct orl_buf buf;
    encode(&msg, &buf);
    struct orl_msg back;
    for (size_t len = 0; len < buf.len; len++) {
        assert_int_equal(orl_msg_decode(buf.data, len, &back), ORL_E_PROTO);
    }
    orl_buf_put_u8(&buf, 0);
    assert_int_equal(orl_msg_decode(buf.data, buf.len, &back), ORL_E_PROTO);
    orl_buf_fini(&buf);
}

/* The first text of a login (user) starts at byte 12: header 8, protocol 4. */
static int decode_login_user(const char *bytes, uint16_t len)
{
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_MSG_MAX_BYTES);
    orl_buf_put_u16le(&buf, ORL_MSG_VERSION);
    orl_buf_put_u16le(&buf, ORL_MSG_LOGIN);
    orl_buf_put_u32le(&buf, 1);
    orl_buf_put_u32le(&buf, ORL_PROTOCOL_RDP);
    orl_buf_put_u16le(&buf, len);
    orl_buf_put(&buf, bytes, len);
    for (int i = 0; i < 9; i++) { /* the other texts */
        orl_buf_put_u16le(&buf, 0);
    }
    struct orl_msg back;
    int code = orl_msg_decode(buf.data, buf.len, &back);
    orl_buf_fini(&buf);
    return code;
}

static void text_must_be_utf8_without_nul(void **state)
{
    (void)state;
    assert_int_equal(decode_login_user("anna", 4), 0);
    assert_int_equal(decode_login_user("\xF0\x9F\x98\x80", 4), 0);
    assert_int_equal(decode_login_user("an\0na", 5), ORL_E_PROTO);
    assert_int_equal(decode_login_user("\xC3", 1), ORL_E_PROTO);
    assert_int_equal(decode_login_user("\xC0\x80", 2), ORL_E_PROTO);         /* overlong */
    assert_int_equal(decode_login_user("\xED\xA0\x80", 3), ORL_E_PROTO);     /* surrogate */
    assert_int_equal(decode_login_user("\xF4\x90\x80\x80", 4), ORL_E_PROTO); /* > 10FFFF */
    char longest[ORL_USER_MAX + 1];
    memset(longest, 'a', sizeof(longest));
    assert_int_equal(decode_login_user(longest, ORL_USER_MAX), 0);
    assert_int_equal(decode_login_user(longest, ORL_USER_MAX + 1), ORL_E_PROTO);
}

static void unknown_version_and_type_are_refused(void **state)
{
    (void)state;
    static const uint8_t version9[] = {9, 0, ORL_MSG_POKE, 0, 0, 0, 0, 0};
    static const uint8_t type0[] = {ORL_MSG_VERSION, 0, 0, 0, 0, 0, 0, 0};
    static const uint8_t type99[] = {ORL_MSG_VERSION, 0, 99, 0, 0, 0, 0, 0};
    struct orl_msg back;
    assert_int_equal(orl_msg_decode(version9, sizeof(version9), &back), ORL_E_PROTO);
    assert_int_equal(orl_msg_decode(type0, sizeof(type0), &back), ORL_E_PROTO);
    assert_int_equal(orl_msg_decode(type99, sizeof(type99), &back), ORL_E_PROTO);
}

static void encoding_checks_our_own_mistakes(void **state)
{
    (void)state;
    struct orl_msg msg = sample_proof();
    msg.u.proof.proof_len = ORL_NTLM_MAX + 1;
    struct orl_buf buf;
    orl_buf_init(&buf, ORL_MSG_MAX_BYTES);
    assert_int_equal(orl_msg_encode(&msg, &buf), ORL_E_INVAL);
    orl_buf_reset(&buf);
    msg = (struct orl_msg){.type = ORL_MSG_LOGIN};
    memset(msg.u.login.user, 'x', sizeof(msg.u.login.user));
    assert_int_equal(orl_msg_encode(&msg, &buf), ORL_E_INVAL);
    orl_buf_fini(&buf);
}

static void text_is_cut_between_characters(void **state)
{
    (void)state;
    char four[4];
    orl_msg_text(four, sizeof(four), "ab\xC3\xA9");
    assert_string_equal(four, "ab");
    orl_msg_text(four, sizeof(four), "a\xC3\xA9z");
    assert_string_equal(four, "a\xC3\xA9");
    orl_msg_text(four, sizeof(four), "");
    assert_string_equal(four, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_type_comes_back_as_it_was),
            cmocka_unit_test(statistics_come_back_with_every_count),
            cmocka_unit_test(the_largest_proof_fits_a_datagram),
            cmocka_unit_test(every_truncation_is_refused),
            cmocka_unit_test(text_must_be_utf8_without_nul),
            cmocka_unit_test(unknown_version_and_type_are_refused),
            cmocka_unit_test(encoding_checks_our_own_mistakes),
            cmocka_unit_test(text_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
