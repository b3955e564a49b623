#include "base/cert_slots.h"

#include "base/cert_check.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include "base/sha256.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A head of text and zeros, then chain and key. The digest is of number, lengths and both. */
enum {
    HEAD_BYTES = 160,
    MAX_BYTES = HEAD_BYTES + ORL_CERT_CHAIN_MAX + ORL_CERT_KEY_MAX,
    DIGESTED = 64
};
#define MAGIC "oriel-certificate-1"

struct slot {
    uint64_t number; /* 0: there is nothing whole */
    size_t chain_len, key_len;
    size_t size; /* of the file */
    char data[MAX_BYTES + 1];
};

static void head_of(uint64_t number, size_t chain_len, size_t key_len, char ret[DIGESTED])
{
    memset(ret, 0, DIGESTED);
    (void)snprintf(ret, DIGESTED, MAGIC " %016llx %05zu %05zu", (unsigned long long)number,
            chain_len, key_len);
}

/* bytes: HEAD_BYTES of room, chain, key. Puts the head in its place, all but the digest's own bytes being digested. */
static void seal(char *bytes, size_t len)
{
    char hex[ORL_SHA256_HEX_LEN + 1];
    memset(bytes + DIGESTED, 0, HEAD_BYTES - DIGESTED);
    orl_sha256(bytes, len, hex);
    memcpy(bytes + DIGESTED, hex, ORL_SHA256_HEX_LEN);
}

static bool is_sealed(char *bytes, size_t len)
{
    char was[ORL_SHA256_HEX_LEN];
    memcpy(was, bytes + DIGESTED, sizeof(was));
    seal(bytes, len);
    return memcmp(was, bytes + DIGESTED, sizeof(was)) == 0;
}

static void read_slot(int fd, struct slot *ret_slot)
{
    unsigned long long number = 0;
    size_t len = 0;
    ssize_t got = 1;
    *ret_slot = (struct slot){.number = 0};
    while (got > 0 && len < MAX_BYTES) {
        got = pread(fd, ret_slot->data + len, MAX_BYTES - len, (off_t)len);
        len += got > 0 ? (size_t)got : 0;
    }
    ret_slot->size = len;
    char end = ret_slot->data[DIGESTED - 1];
    if (len < HEAD_BYTES || end != '\0' ||
            sscanf(ret_slot->data, MAGIC " %16llx %5zu %5zu", &number, &ret_slot->chain_len,
                    &ret_slot->key_len) != 3) {
        return;
    }
    char head[DIGESTED];
    head_of(number, ret_slot->chain_len, ret_slot->key_len, head);
    bool is_whole = memcmp(head, ret_slot->data, DIGESTED) == 0 &&
                    ret_slot->chain_len <= ORL_CERT_CHAIN_MAX &&
                    ret_slot->key_len <= ORL_CERT_KEY_MAX &&
                    HEAD_BYTES + ret_slot->chain_len + ret_slot->key_len == len &&
                    is_sealed(ret_slot->data, len);
    ret_slot->number = is_whole ? number : 0;
}

static int copy_pair(const struct slot *slot, struct orl_cert_pair *ret_pair, struct orl_err *err)
{
    struct orl_cert_pair pair = {.cert_pem = calloc(1, slot->chain_len + 1),
            .cert_len = slot->chain_len,
            .key_pem = calloc(1, slot->key_len + 1),
            .key_len = slot->key_len};
    if (pair.cert_pem == NULL || pair.key_pem == NULL) {
        orl_cert_pair_fini(&pair);
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    memcpy(pair.cert_pem, slot->data + HEAD_BYTES, slot->chain_len);
    memcpy(pair.key_pem, slot->data + HEAD_BYTES + slot->chain_len, slot->key_len);
    *ret_pair = pair;
    return 0;
}

static int get(struct orl_cert_slots *slots, unsigned which, struct orl_cert_pair *ret_pair,
        struct orl_err *err)
{
    struct slot *slot = calloc(1, sizeof(*slot));
    if (slot == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    read_slot(slots->fd[which], slot);
    int rc = slot->number == 0 || slot->chain_len == 0
                     ? orl_err_set(err, ORL_E_NOTFOUND, "no certificate was uploaded")
                     : copy_pair(slot, ret_pair, err);
    orl_secret_wipe(slot, sizeof(*slot));
    free(slot);
    return rc;
}

static void find_current(struct orl_cert_slots *slots, struct slot *slot)
{
    uint64_t numbers[2];
    bool is_torn = false;
    for (unsigned i = 0; i < 2; i++) {
        read_slot(slots->fd[i], slot);
        numbers[i] = slot->number;
        is_torn = is_torn || (slot->size > 0 && slot->number == 0);
        orl_secret_wipe(slot, sizeof(*slot));
    }
    slots->current = numbers[1] > numbers[0] ? 1 : 0;
    slots->number = numbers[slots->current];
    slots->is_damaged = is_torn;
}

int orl_cert_slots_open(const char *dir, struct orl_cert_slots *ret_slots, struct orl_err *err)
{
    struct orl_cert_slots slots = {.fd = {-1, -1}};
    struct slot *slot = calloc(1, sizeof(*slot));
    int rc = slot != NULL ? 0 : orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    for (unsigned i = 0; i < 2 && rc == 0; i++) {
        char path[400];
        (void)snprintf(path, sizeof(path), "%s/uploaded-%c", dir, "ab"[i]);
        slots.fd[i] = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY, 0600);
        rc = slots.fd[i] >= 0 ? 0 : orl_err_sys(err, errno, "%s", path);
    }
    if (rc == 0) {
        find_current(&slots, slot);
        *ret_slots = slots;
    } else {
        orl_cert_slots_close(&slots);
    }
    free(slot);
    return rc;
}

int orl_cert_slots_get(
        struct orl_cert_slots *slots, struct orl_cert_pair *ret_pair, struct orl_err *err)
{
    return get(slots, slots->current, ret_pair, err);
}

int orl_cert_slots_get_former(
        struct orl_cert_slots *slots, struct orl_cert_pair *ret_pair, struct orl_err *err)
{
    return get(slots, 1 - slots->current, ret_pair, err);
}

static int write_slot(int fd, const char *bytes, size_t len)
{
    size_t at = 0;
    while (at < len) {
        ssize_t wrote = pwrite(fd, bytes + at, len - at, (off_t)at);
        if (wrote <= 0) {
            return -1;
        }
        at += (size_t)wrote;
    }
    return ftruncate(fd, (off_t)len) < 0 || fdatasync(fd) < 0 ? -1 : 0;
}

int orl_cert_slots_put(
        struct orl_cert_slots *slots, const struct orl_cert_pair *pair, struct orl_err *err)
{
    const size_t len = HEAD_BYTES + pair->cert_len + pair->key_len;
    if (pair->cert_len > ORL_CERT_CHAIN_MAX || pair->key_len > ORL_CERT_KEY_MAX) {
        return orl_err_set(err, ORL_E_LIMIT, "the certificate is too large");
    }
    char *bytes = calloc(1, len);
    if (bytes == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    const unsigned next = slots->number == 0 ? slots->current : 1 - slots->current;
    head_of(slots->number + 1, pair->cert_len, pair->key_len, bytes);
    if (pair->cert_len > 0) {
        memcpy(bytes + HEAD_BYTES, pair->cert_pem, pair->cert_len);
        memcpy(bytes + HEAD_BYTES + pair->cert_len, pair->key_pem, pair->key_len);
    }
    seal(bytes, len);
    int rc = write_slot(slots->fd[next], bytes, len) < 0
                     ? orl_err_sys(err, errno, "the certificate can't be kept")
                     : 0;
    if (rc < 0) {
        (void)!ftruncate(slots->fd[next], 0); /* what was refused is not there after a restart */
    } else {
        slots->current = next;
        slots->number++;
        slots->is_damaged = false;
    }
    orl_secret_wipe(bytes, len);
    free(bytes);
    return rc;
}

int orl_cert_slots_clear(struct orl_cert_slots *slots, struct orl_err *err)
{
    static const struct orl_cert_pair none = {.cert_len = 0};
    /* That there is none is on the disk before the former goes: else it would come back. */
    int rc = orl_cert_slots_put(slots, &none, err);
    if (rc == 0 && ftruncate(slots->fd[1 - slots->current], 0) < 0) {
        rc = orl_err_sys(err, errno, "the former certificate can't be removed");
    }
    return rc;
}

void orl_cert_slots_close(struct orl_cert_slots *slots)
{
    orl_close_fd(&slots->fd[0]);
    orl_close_fd(&slots->fd[1]);
}
