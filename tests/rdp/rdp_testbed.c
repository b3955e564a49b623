#include "tests/rdp/rdp_testbed.h"
#include "base/err.h"
#include "base/ipc.h"
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static char *cert_pem;
static char *key_pem;
static const uint64_t WATCHDOG_US = 20 * UINT64_C(1000000);

static char *text_of(BIO *bio)
{
    char *data = NULL;
    const long len = BIO_get_mem_data(bio, &data);
    char *text = calloc(1, (size_t)len + 1);
    orl_assert(text != NULL);
    memcpy(text, data, (size_t)len);
    BIO_free(bio);
    return text;
}

static void free_pem(void)
{
    free(cert_pem);
    free(key_pem);
}

void testbed_init_once(void)
{
    struct orl_err err = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    orl_assert(orl_rdp_init(&err) == 0);
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *cert = X509_new();
    orl_assert(key != NULL && cert != NULL);
    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
    X509_gmtime_adj(X509_getm_notBefore(cert), 0);
    X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
    X509_set_pubkey(cert, key);
    X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
            (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(cert, X509_get_subject_name(cert));
    orl_assert(X509_sign(cert, key, EVP_sha256()) > 0);
    BIO *bio = BIO_new(BIO_s_mem());
    orl_assert(PEM_write_bio_X509(bio, cert) == 1);
    cert_pem = text_of(bio);
    bio = BIO_new(BIO_s_mem());
    orl_assert(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1);
    key_pem = text_of(bio);
    X509_free(cert);
    EVP_PKEY_free(key);
    (void)atexit(free_pem);
}

const char *testbed_cert_pem(void)
{
    return cert_pem;
}

const char *testbed_key_pem(void)
{
    return key_pem;
}

uint32_t testbed_random(unsigned *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static void set_cursors(struct testbed *bed)
{
    static struct orl_cursor cursor;
    const struct orl_viewer_ops *ops = bed->viewer.ops;
    cursor = (struct orl_cursor){.is_visible = true, .width_px = 32, .height_px = 32};
    const uint64_t before = ops->bytes_out(bed->viewer.viewer);
    for (uint32_t i = 1; i <= bed->cursors; i++) {
        for (unsigned k = 0; k < 32 * 32; k++) {
            cursor.pixels[k] = UINT32_C(0xFF000000) | i;
        }
        ops->set_cursor(bed->viewer.viewer, &cursor);
    }
    bed->cursor_bytes = ops->bytes_out(bed->viewer.viewer) - before;
    bed->has_set_cursors = true;
}

static void on_login(void *ctx, struct orl_msg_login *login, struct orl_viewer_login_answer *answer)
{
    struct testbed *bed = ctx;
    bed->logins++;
    answer->is_accepted = bed->accepts && strcmp(login->password, "secret") == 0;
    answer->reason = ORL_REASON_AUTH_FAILED;
    if (bed->sets_cursors_early) {
        set_cursors(bed);
    }
}

static void on_proof(void *ctx, struct orl_msg_proof *proof, struct orl_viewer_login_answer *answer)
{
    struct testbed *bed = ctx;
    (void)proof;
    bed->logins++;
    answer->reason = ORL_REASON_TICKET_INVALID;
}

static void send_picture(struct testbed *bed)
{
    const struct orl_op op = {
            .kind = ORL_OP_LOSSLESS, .rect = {0, 0, TESTBED_WIDTH, TESTBED_HEIGHT}};
    const struct orl_update update = {.frame_id = bed->frame_id + 1,
            .pixels = bed->pixels,
            .stride_bytes = (size_t)TESTBED_WIDTH * 4,
            .width_px = TESTBED_WIDTH,
            .height_px = TESTBED_HEIGHT,
            .ops = &op,
            .op_count = 1};
    if (bed->viewer.ops->send(bed->viewer.viewer, &update) == 0) {
        bed->frame_id++;
    }
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    struct testbed *bed = ctx;
    bed->readies++;
    bed->caps = *caps;
    bed->viewer.ops->probe(bed->viewer.viewer);
    if (bed->cursors > 0) {
        if (!bed->sets_cursors_early) {
            set_cursors(bed);
        }
        return;
    }
    for (size_t i = 0; i < sizeof(bed->pixels); i++) {
        bed->pixels[i] = (uint8_t)(i % 4 == 3 ? 0 : (i * 7 + i / 1024 * 13) & 0xFF);
    }
    if (bed->viewer.ops->set_size(bed->viewer.viewer, TESTBED_WIDTH, TESTBED_HEIGHT) == 0) {
        send_picture(bed);
    }
}

static void on_input(void *ctx, const struct orl_input *input)
{
    (void)ctx;
    orl_assert(orl_input_is_valid(input));
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    struct testbed *bed = ctx;
    bed->acks++;
    orl_assert(frame_id <= bed->frame_id);
}

static void on_arrived(void *ctx, uint64_t bytes_out)
{
    struct testbed *bed = ctx;
    bed->arrivals++;
    orl_assert(bytes_out <= bed->viewer.ops->bytes_out(bed->viewer.viewer));
}

static void on_writable(void *ctx)
{
    struct testbed *bed = ctx;
    if (bed->frame_id < 3) {
        send_picture(bed);
    }
}

static void on_visible(void *ctx, bool is_visible)
{
    (void)ctx;
    (void)is_visible;
}

static void on_refresh(void *ctx, const struct orl_rect *r)
{
    struct testbed *bed = ctx;
    orl_assert(!orl_rect_is_empty(r));
    bed->refreshes++;
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct testbed *bed = ctx;
    (void)text;
    bed->closes++;
    bed->reason = reason;
    bed->viewer.ops->free(bed->viewer.viewer);
    bed->viewer.viewer = NULL;
    orl_loop_stop(bed->loop);
}

static void on_watchdog(void *ctx)
{
    struct testbed *bed = ctx;
    bed->has_timed_out = true;
    orl_loop_stop(bed->loop);
}

static void *client_main(void *ctx)
{
    struct testbed *bed = ctx;
    bed->play(bed);
    if (bed->client_fd >= 0) {
        (void)close(bed->client_fd);
    }
    return NULL;
}

void testbed_run(struct testbed *bed, void (*play)(struct testbed *bed))
{
    static const struct orl_viewer_events events = {.on_login = on_login,
            .on_proof = on_proof,
            .on_ready = on_ready,
            .on_input = on_input,
            .on_ack = on_ack,
            .on_arrived = on_arrived,
            .on_writable = on_writable,
            .on_visible = on_visible,
            .on_refresh = on_refresh,
            .on_closed = on_closed};
    struct orl_err err = {0};
    int fds[2];
    orl_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
    bed->client_fd = fds[1];
    bed->play = play;
    const struct orl_rdp_opts opts = {.fd = fds[0],
            .cert_pem = cert_pem,
            .key_pem = key_pem,
            .threads = 1,
            .client = "test",
            .has_clear = true,
            .has_bulk_compression = true};
    orl_assert(orl_loop_new(&bed->loop, &err) == 0);
    orl_assert(orl_timer_new(bed->loop, on_watchdog, bed, &bed->watchdog, &err) == 0);
    orl_timer_start(bed->watchdog, WATCHDOG_US, 0);
    orl_assert(orl_rdp_viewer_new(bed->loop, &opts, &events, bed, &bed->viewer, &err) == 0);
    orl_assert(orl_rdp_viewer_start(bed->viewer.viewer, &err) == 0);
    orl_assert(pthread_create(&bed->client, NULL, client_main, bed) == 0);
    orl_loop_run(bed->loop);
    if (bed->viewer.viewer != NULL) {
        bed->viewer.ops->free(bed->viewer.viewer);
    }
    (void)pthread_join(bed->client, NULL);
    orl_timer_free(bed->watchdog);
    orl_loop_free(bed->loop);
}
