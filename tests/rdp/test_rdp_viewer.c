/* Clients that break the protocol before a session exists. tests/rdp/test_rdp_chaos.c has those that do later. */
#include "tests/rdp/rdp_testbed.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SEEDS = 24 };
static const uint8_t request_tls[] = {3, 0, 0, 19, 14, 0xE0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 1, 0, 0, 0};
static const uint8_t request_plain[] = {
        3, 0, 0, 19, 14, 0xE0, 0, 0, 0, 0, 0, 1, 0, 8, 0, 0, 0, 0, 0};

static void put(const struct testbed *bed, const void *data, size_t len)
{
    (void)send(bed->client_fd, data, len, MSG_NOSIGNAL);
}

static void put_random(struct testbed *bed, uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        data[i] = (uint8_t)testbed_random(&bed->seed);
    }
}

static void play_nothing(struct testbed *bed)
{
    (void)bed;
}

static void play_http(struct testbed *bed)
{
    put(bed, "GET / HTTP/1.1\r\n\r\n", 18);
    char byte;
    (void)!read(bed->client_fd, &byte, 1);
}

static void play_half_a_request(struct testbed *bed)
{
    for (size_t i = 0; i < sizeof(request_tls) - 1; i++) {
        put(bed, request_tls + i, 1);
        (void)usleep(1000);
    }
}

static void play_plain_rdp(struct testbed *bed)
{
    uint8_t answer[64];
    put(bed, request_plain, sizeof(request_plain));
    (void)!read(bed->client_fd, answer, sizeof(answer));
}

static void play_garbage_for_tls(struct testbed *bed)
{
    uint8_t data[300];
    put(bed, request_tls, sizeof(request_tls));
    put_random(bed, data, sizeof(data));
    put(bed, data, sizeof(data));
}

/* Past TLS: frames that look like TPKT or fast-path and hold anything. */
static void play_garbage_in_tls(struct testbed *bed)
{
    uint8_t data[600];
    put(bed, request_tls, sizeof(request_tls));
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(context);
    (void)!read(bed->client_fd, data, 19); /* Connection Confirm */
    SSL_set_fd(ssl, bed->client_fd);
    if (SSL_connect(ssl) == 1) {
        for (int i = 0; i < 20; i++) {
            const size_t len = 20 + testbed_random(&bed->seed) % (sizeof(data) - 20);
            put_random(bed, data, len);
            const uint8_t head[] = {3, 0, (uint8_t)(len >> 8), (uint8_t)len, 2, 0xF0, 0x80};
            memcpy(data, head, i % 4 == 3 ? 4 : sizeof(head));
            if (SSL_write(ssl, data, (int)len) <= 0) {
                break;
            }
        }
    }
    SSL_free(ssl);
    SSL_CTX_free(context);
}

static void expect(void (*play)(struct testbed *bed), enum orl_reason reason)
{
    static struct testbed bed;
    bed = (struct testbed){.seed = 1, .accepts = true};
    testbed_run(&bed, play);
    assert_false(bed.has_timed_out);
    assert_int_equal(bed.closes, 1);
    assert_int_equal(bed.readies, 0);
    assert_int_equal(bed.reason, reason);
}

static void a_client_that_says_nothing_has_closed(void **state)
{
    (void)state;
    expect(play_nothing, ORL_REASON_CLIENT_CLOSED);
}

static void a_browser_breaks_the_protocol(void **state)
{
    (void)state;
    expect(play_http, ORL_REASON_CLIENT_PROTOCOL);
}

static void half_a_request_byte_by_byte_has_closed(void **state)
{
    (void)state;
    expect(play_half_a_request, ORL_REASON_CLIENT_CLOSED);
}

static void standard_rdp_security_is_unsupported(void **state)
{
    (void)state;
    expect(play_plain_rdp, ORL_REASON_CLIENT_UNSUPPORTED);
}

static void garbage_ends_in_one_close(void **state)
{
    void (*const plays[])(struct testbed *) = {play_garbage_for_tls, play_garbage_in_tls};
    (void)state;
    for (unsigned i = 0; i < SEEDS; i++) {
        static struct testbed bed;
        bed = (struct testbed){.seed = i + 100, .accepts = true};
        testbed_run(&bed, plays[i % 2]);
        assert_false(bed.has_timed_out);
        assert_int_equal(bed.closes, 1);
        assert_int_equal(bed.readies, 0);
        assert_true(
                bed.reason == ORL_REASON_CLIENT_PROTOCOL || bed.reason == ORL_REASON_CLIENT_CLOSED);
    }
}

static int setup(void **state)
{
    (void)state;
    testbed_init_once();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_client_that_says_nothing_has_closed),
            cmocka_unit_test(a_browser_breaks_the_protocol),
            cmocka_unit_test(half_a_request_byte_by_byte_has_closed),
            cmocka_unit_test(standard_rdp_security_is_unsupported),
            cmocka_unit_test(garbage_ends_in_one_close),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
