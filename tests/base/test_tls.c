/* The server's end of TLS against OpenSSL's client, on a socket pair, in one thread. */
#include "base/cert.h"
#include "base/tls.h"
#include <fcntl.h>
#include <openssl/ssl.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BIG_BYTES = 3 * 1024 * 1024, ROUNDS = 1000 };

static struct orl_cert_pair pair;
static struct orl_cert_pair other;

struct link {
    struct orl_tls_keys *keys;
    struct orl_tls *tls;
    SSL_CTX *ctx;
    SSL *client;
    int fds[2];
};

static int make_pairs(void **state)
{
    (void)state;
    return orl_cert_make(&pair, NULL) == ORL_OK && orl_cert_make(&other, NULL) == ORL_OK ? 0 : -1;
}

static int free_pairs(void **state)
{
    (void)state;
    orl_cert_pair_fini(&pair);
    orl_cert_pair_fini(&other);
    return 0;
}

/* PEM texts end with a NUL there. */
static char *text_of(const char *pem, size_t len)
{
    char *text = calloc(1, len + 1);
    assert_non_null(text);
    memcpy(text, pem, len);
    return text;
}

static int load(const struct orl_cert_pair *cert, const struct orl_cert_pair *key,
        struct orl_tls_keys **ret_keys)
{
    char *cert_pem = text_of(cert->cert_pem, cert->cert_len);
    char *key_pem = text_of(key->key_pem, key->key_len);
    const int code = orl_tls_keys_new(cert_pem, key_pem, ret_keys, NULL);
    free(cert_pem);
    free(key_pem);
    return code;
}

static void open_link(struct link *link, int max_version)
{
    *link = (struct link){.keys = NULL};
    assert_int_equal(load(&pair, &pair, &link->keys), 0);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, link->fds), 0);
    assert_int_equal(orl_tls_new(link->keys, link->fds[0], &link->tls, NULL), 0);
    link->ctx = SSL_CTX_new(TLS_client_method());
    assert_int_equal(SSL_CTX_set_max_proto_version(link->ctx, max_version), 1);
    SSL_CTX_set_security_level(link->ctx, 0);
    link->client = SSL_new(link->ctx);
    assert_int_equal(SSL_set_fd(link->client, link->fds[1]), 1);
}

static void close_link(struct link *link)
{
    SSL_free(link->client);
    SSL_CTX_free(link->ctx);
    orl_tls_free(link->tls);
    orl_tls_keys_free(link->keys);
    close(link->fds[0]);
    close(link->fds[1]);
}

static int shake_hands(struct link *link)
{
    int code = ORL_E_AGAIN;
    int client = 0;
    for (int i = 0; i < ROUNDS && (code == ORL_E_AGAIN || (code == ORL_OK && client != 1)); i++) {
        client = client == 1 ? 1 : SSL_connect(link->client);
        code = code == ORL_E_AGAIN ? orl_tls_handshake(link->tls) : code;
    }
    return code == ORL_OK && client != 1 ? ORL_E_PROTO : code;
}

static void bytes_pass_both_ways(void **state)
{
    static uint8_t sent[BIG_BYTES];
    static uint8_t got[BIG_BYTES];
    static const int versions[] = {TLS1_2_VERSION, TLS1_3_VERSION};
    (void)state;
    for (size_t i = 0; i < BIG_BYTES; i++) {
        sent[i] = (uint8_t)(i * 7 + i / 251);
    }
    for (unsigned v = 0; v < 2; v++) {
        struct link link;
        open_link(&link, versions[v]);
        assert_int_equal(shake_hands(&link), 0);
        assert_int_equal(SSL_write(link.client, "hello", 5), 5);
        assert_int_equal(orl_tls_read(link.tls, got, sizeof(got)), 5);
        assert_memory_equal(got, "hello", 5);
        assert_int_equal(orl_tls_read(link.tls, got, sizeof(got)), ORL_E_AGAIN);
        assert_false(orl_tls_wants_write(link.tls));
        size_t out = 0;
        size_t in = 0;
        bool was_blocked = false;
        while (in < BIG_BYTES) {
            const int wrote = out < BIG_BYTES ? orl_tls_write(link.tls, sent + out, BIG_BYTES - out)
                                              : ORL_E_AGAIN;
            assert_true(wrote > 0 || wrote == ORL_E_AGAIN);
            was_blocked = was_blocked || (wrote < 0 && orl_tls_wants_write(link.tls));
            out += wrote > 0 ? (size_t)wrote : 0;
            if (wrote < 0) {
                const int read = SSL_read(link.client, got + in, (int)(BIG_BYTES - in));
                in += read > 0 ? (size_t)read : 0;
            }
        }
        assert_true(was_blocked);
        assert_memory_equal(got, sent, BIG_BYTES);
        orl_tls_shutdown(link.tls);
        assert_int_equal(SSL_read(link.client, got, 1), 0);
        assert_int_equal(SSL_get_error(link.client, 0), SSL_ERROR_ZERO_RETURN);
        close_link(&link);
    }
}

static void old_versions_are_refused(void **state)
{
    struct link link;
    (void)state;
    open_link(&link, TLS1_1_VERSION);
    assert_int_equal(shake_hands(&link), ORL_E_PROTO);
    close_link(&link);
}

static void what_is_no_tls_is_refused_and_an_end_is_one(void **state)
{
    struct link link;
    uint8_t byte;
    (void)state;
    open_link(&link, TLS1_3_VERSION);
    assert_int_equal(orl_tls_handshake(link.tls), ORL_E_AGAIN);
    assert_int_equal(write(link.fds[1], "RFB 003.008\nRFB", 15), 15);
    assert_int_equal(orl_tls_handshake(link.tls), ORL_E_PROTO);
    close_link(&link);
    open_link(&link, TLS1_3_VERSION);
    assert_int_equal(shake_hands(&link), 0);
    assert_int_equal(shutdown(link.fds[1], SHUT_WR), 0);
    assert_int_equal(orl_tls_read(link.tls, &byte, 1), ORL_E_CLOSED);
    close_link(&link);
}

static void certificate_and_key_must_belong_together(void **state)
{
    struct orl_tls_keys *keys = NULL;
    (void)state;
    assert_int_equal(load(&pair, &other, &keys), ORL_E_CONFIG);
    assert_int_equal(orl_tls_keys_new("no PEM", "neither", &keys, NULL), ORL_E_CONFIG);
    assert_null(keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(bytes_pass_both_ways),
            cmocka_unit_test(old_versions_are_refused),
            cmocka_unit_test(what_is_no_tls_is_refused_and_an_end_is_one),
            cmocka_unit_test(certificate_and_key_must_belong_together),
    };
    return cmocka_run_group_tests(tests, make_pairs, free_pairs);
}
