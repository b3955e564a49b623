/* RFB clients that break the rules, or nearly; and the network's handshake with its TLS. */
#include "base/cert.h"
#include "protocols/vnc/rfb_encoding.h"
#include "rfb_bed.h"
#include <openssl/ssl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FLOOD = 200000, TURNS = 2000 };

static const int32_t raw_only[] = {ORL_RFB_RAW};
static const int32_t fenced[] = {ORL_RFB_FENCE, ORL_RFB_CONTINUOUS_UPDATES, ORL_RFB_RAW};

static void assert_ends(struct bed *bed, enum orl_reason reason)
{
    assert_true(bed_is_over(bed));
    assert_int_equal(bed->reason, reason);
    bed_close(bed);
}

static void messages_that_are_none_end_it(void **state)
{
    static const char *const bad[] = {"07", "01 00 00 00", "02 00 ff ff 00 00 00 00",
            "f8 00 00 00 00 00 00 00 ff", "fb 00 01 00 01 00 ff 00", "ff 01 00 00",
            "06 00 00 00 ff ff ff fc 08 00 00 01"};
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        const struct orl_permit permit = {
                .clipboard = ORL_CLIPBOARD_BOTH, .clipboard_max_bytes = 1000};
        struct bed bed;
        bed_open(&bed, NULL);
        bed_ready(&bed, raw_only);
        bed.viewer.ops->permit(bed.viewer.viewer, &permit);
        bed_send_text(&bed, bad[i]);
        assert_ends(&bed, ORL_REASON_CLIENT_PROTOCOL);
    }
}

static void colour_maps_are_not_supported(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    bed_send_text(&bed, "00 00 00 00 08 08 00 00 00 00 00 00 00 00 00 00 00 00 00 00");
    assert_ends(&bed, ORL_REASON_CLIENT_UNSUPPORTED);
}

static void half_a_message_and_the_end_is_an_end(void **state)
{
    struct bed bed;
    (void)state;
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    bed_send_text(&bed, "05 00 00");
    assert_int_equal(shutdown(bed.fd, SHUT_WR), 0);
    assert_ends(&bed, ORL_REASON_CLIENT_CLOSED);
}

/* It asks, and reads no answer: we stop to read, too, and keep no more than a little. */
static void questions_without_reading_are_not_answered_without_end(void **state)
{
    static const uint8_t question[] = {248, 0, 0, 0, 0x80, 0, 0, 1, 64, 1, 2, 3};
    uint8_t fence[9 + 64] = {0};
    struct bed bed;
    size_t sent = 0;
    (void)state;
    memcpy(fence, question, sizeof(question));
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    const uint64_t before = bed.viewer.ops->bytes_out(bed.viewer.viewer);
    for (int i = 0; i < TURNS; i++) {
        if (send(bed.fd, fence, sizeof(fence), MSG_DONTWAIT | MSG_NOSIGNAL) ==
                (ssize_t)sizeof(fence)) {
            sent += sizeof(fence);
        }
        bed_turn(&bed);
    }
    size_t held = bed.viewer.ops->bytes_out(bed.viewer.viewer) - before;
    for (int i = 0; i < FLOOD; i++) {
        sent += send(bed.fd, fence, sizeof(fence), MSG_DONTWAIT | MSG_NOSIGNAL) > 0 ? sizeof(fence)
                                                                                    : 0;
        if (i % 1000 == 0) {
            bed_turn(&bed);
        }
    }
    held = bed.viewer.ops->bytes_out(bed.viewer.viewer) - before;
    assert_true(held < (size_t)2 << 20); /* what a socket holds, and our 64 KiB */
    assert_true(sent < (size_t)4 << 20);
    assert_int_equal(bed.closes, 0);
    bed_close(&bed);
}

static void who_does_not_read_is_sent_no_second_frame(void **state)
{
    struct bed bed;
    uint64_t before;
    (void)state;
    bed_open(&bed, NULL);
    bed_shake_hands(&bed);
    bed_encodings(&bed, fenced);
    bed_send_text(&bed, "96 01 00 00 00 00 04 00 03 00");
    assert_int_equal(bed_frame(&bed, 1, 1024, 768, 0), 0);
    before = bed.viewer.ops->bytes_out(bed.viewer.viewer);
    assert_true(before > 1024 * 768 * 4);
    for (uint32_t id = 2; id < 20; id++) {
        assert_int_equal(bed_frame(&bed, id, 1024, 768, 0), ORL_E_AGAIN);
        bed_turn(&bed);
    }
    assert_int_equal(bed.viewer.ops->bytes_out(bed.viewer.viewer), before);
    assert_int_equal(bed.writables, 0);
    /* And it is told when there is room again. */
    uint8_t *waste = malloc((size_t)before);
    assert_non_null(waste);
    bed_read(&bed, waste, (size_t)before - 12 - 2 - 4 - 4 - 4 - 24 - 5);
    free(waste);
    bed_turn(&bed);
    assert_int_equal(bed.writables, 1);
    assert_int_equal(bed_frame(&bed, 2, 1, 1, 0), 0);
    bed_close(&bed);
}

/* The format of what is on its way does not change; the next update has the new one. */
static void format_may_change_in_the_middle_of_a_frame(void **state)
{
    struct bed bed;
    uint8_t *frame = malloc((size_t)1024 * 768 * 4);
    (void)state;
    assert_non_null(frame);
    bed_open(&bed, NULL);
    bed_ready(&bed, raw_only);
    assert_int_equal(bed_frame(&bed, 1, 1024, 768, 0x00FF8000), 0);
    bed_expect(&bed, "00 00 00 01 00 00 00 00 04 00 03 00 00 00 00 00");
    bed_read(&bed, frame, 100000);
    bed_send_text(&bed, "00 00 00 00 10 10 00 01 00 1f 00 3f 00 1f 0b 05 00 00 00 00"); /* RGB565 */
    bed_request(&bed, true);
    bed_read(&bed, frame + 100000, (size_t)1024 * 768 * 4 - 100000);
    for (size_t i = 0; i < (size_t)1024 * 768; i++) {
        assert_memory_equal(frame + i * 4, "\x00\x80\xff", 3);
    }
    assert_int_equal(bed_frame(&bed, 2, 1, 1, 0x00FF8000), 0);
    bed_expect(&bed, "00 00 00 01 00 00 00 00 00 01 00 01 00 00 00 00 00 fc");
    bed_close(&bed);
    free(frame);
}

/* ---- from the network ---- */

static struct orl_tls_keys *make_keys(void)
{
    struct orl_cert_pair pair;
    struct orl_tls_keys *keys = NULL;
    assert_int_equal(orl_cert_make(&pair, NULL), 0);
    char *cert = strndup(pair.cert_pem, pair.cert_len);
    char *key = strndup(pair.key_pem, pair.key_len);
    assert_int_equal(orl_tls_keys_new(cert, key, &keys, NULL), 0);
    free(cert);
    free(key);
    orl_cert_pair_fini(&pair);
    return keys;
}

static void choose_x509_plain(struct bed *bed)
{
    bed_expect(bed, "52 46 42 20 30 30 33 2e 30 30 38 0a");
    bed_send(bed, "RFB 003.008\n", 12);
    bed_expect(bed, "01 13");
    bed_send_text(bed, "13");
    bed_expect(bed, "00 02");
    bed_send_text(bed, "00 02");
    bed_expect(bed, "00 01 00 00 01 06");
    bed_send_text(bed, "00 00 01 06");
    bed_expect(bed, "01");
}

/* What SSL_* says in the end, while the viewer has its turns. */
static int until_done(
        struct bed *bed, SSL *ssl, int (*step)(SSL *ssl, void *data, int len), void *data, int len)
{
    int rc = -1;
    for (int i = 0; i < TURNS && rc <= 0; i++) {
        rc = step(ssl, data, len);
        if (rc <= 0 && SSL_get_error(ssl, rc) == SSL_ERROR_ZERO_RETURN) {
            return 0;
        }
        bed_turn(bed);
    }
    return rc;
}

static int do_connect(SSL *ssl, void *data, int len)
{
    (void)data;
    (void)len;
    return SSL_connect(ssl);
}

static int do_read(SSL *ssl, void *data, int len)
{
    return SSL_read(ssl, data, len);
}

static void user_and_password_come_through_tls(void **state)
{
    static const char plain[] = "\0\0\0\x0a\0\0\0\6alice@poolsecret";
    struct bed bed;
    uint8_t answer[64];
    (void)state;
    struct orl_tls_keys *keys = make_keys();
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    for (unsigned accepts = 0; accepts < 2; accepts++) {
        bed_open(&bed, keys);
        bed.accepts = accepts == 1;
        choose_x509_plain(&bed);
        SSL *ssl = SSL_new(ctx);
        assert_int_equal(SSL_set_fd(ssl, bed.fd), 1);
        assert_int_equal(until_done(&bed, ssl, do_connect, NULL, 0), 1);
        assert_int_equal(SSL_write(ssl, plain, sizeof(plain) - 1), (int)sizeof(plain) - 1);
        assert_true(until_done(&bed, ssl, do_read, answer, 4) == 4);
        assert_int_equal(bed.logins, 1);
        assert_string_equal(bed.login.user, "alice@pool");
        assert_string_equal(bed.login.password, "secret");
        assert_int_equal(answer[3], accepts == 1 ? 0 : 1);
        if (accepts == 1) {
            assert_int_equal(SSL_write(ssl, "\1", 1), 1);
            assert_int_equal(until_done(&bed, ssl, do_read, answer, 24), 24); /* ServerInit */
        } else {
            assert_true(until_done(&bed, ssl, do_read, answer, 4) == 4);
            assert_int_equal(answer[3], 0x35);
            assert_int_equal(until_done(&bed, ssl, do_read, answer, 0x35), 0x35);
            assert_int_equal(until_done(&bed, ssl, do_read, answer, 1), 0); /* close_notify */
            assert_int_equal(bed.closes, 0);
        }
        SSL_free(ssl);
        bed_close(&bed);
    }
    SSL_CTX_free(ctx);
    orl_tls_keys_free(keys);
}

static void what_comes_before_tls_or_instead_ends_it(void **state)
{
    struct bed bed;
    (void)state;
    struct orl_tls_keys *keys = make_keys();
    bed_open(&bed, keys);
    choose_x509_plain(&bed);
    bed_send_text(&bed, "00 00 00 02 00 00 00 02 6d 65 70 77 01 01 01 01 01 01"); /* in the clear */
    assert_int_equal(bed.logins, 0);
    assert_ends(&bed, ORL_REASON_CLIENT_PROTOCOL);

    bed_open(&bed, keys);
    bed_send(&bed, "RFB 003.008\n\x13\x00\x02\x00\x00\x01\x06 and more", 28);
    assert_int_equal(bed.logins, 0);
    assert_ends(&bed, ORL_REASON_CLIENT_PROTOCOL);

    bed_open(&bed, keys);
    bed_send(&bed, "RFB 003.003\n", 12);
    assert_ends(&bed, ORL_REASON_CLIENT_UNSUPPORTED);
    orl_tls_keys_free(keys);
}

static void without_a_key_a_network_socket_is_refused(void **state)
{
    struct orl_loop *loop = NULL;
    struct orl_viewer_handle viewer;
    static const struct orl_viewer_events none = {.on_ready = NULL};
    (void)state;
    assert_int_equal(orl_loop_new(&loop, NULL), 0);
    const struct orl_rfb_opts opts = {.fd = socket(AF_INET, SOCK_STREAM, 0), .aux_fd = -1};
    assert_int_equal(orl_rfb_viewer_new(loop, &opts, &none, NULL, &viewer, NULL), ORL_E_DENIED);
    orl_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(messages_that_are_none_end_it),
            cmocka_unit_test(colour_maps_are_not_supported),
            cmocka_unit_test(half_a_message_and_the_end_is_an_end),
            cmocka_unit_test(questions_without_reading_are_not_answered_without_end),
            cmocka_unit_test(who_does_not_read_is_sent_no_second_frame),
            cmocka_unit_test(format_may_change_in_the_middle_of_a_frame),
            cmocka_unit_test(user_and_password_come_through_tls),
            cmocka_unit_test(what_comes_before_tls_or_instead_ends_it),
            cmocka_unit_test(without_a_key_a_network_socket_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
