#include "broker/throttle.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/names.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define FORGET_US (UINT64_C(15) * 60 * ORL_US_PER_S)

enum { WAYS = 8, ACCOUNT_BYTES = 256, ADDRESS_BYTES = 64 };

enum table { BY_BOTH, BY_PREFIX, BY_ACCOUNT, TABLES };

static const struct {
    unsigned free_failures;
    unsigned max_s;
} rules[TABLES] = {[BY_BOTH] = {3, 300}, [BY_PREFIX] = {20, 4}, [BY_ACCOUNT] = {50, 1}};

struct entry {
    uint64_t key; /* SipHash by a secret key: nobody can aim at a bucket */
    uint64_t last_us;
    uint32_t failures; /* 0 and not good: unused */
    bool is_good;      /* BY_BOTH: it was right once */
};

struct orl_throttle {
    uint8_t hash_key[crypto_shorthash_KEYBYTES];
    size_t buckets; /* power of two */
    struct entry *entries[TABLES];
};

struct keys {
    uint64_t of[TABLES];
};

int orl_throttle_new(unsigned entries, struct orl_throttle **ret_throttle, struct orl_err *err)
{
    struct orl_throttle *throttle = calloc(1, sizeof(*throttle));
    if (throttle == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "throttle: out of memory");
    }
    throttle->buckets = 1;
    while (throttle->buckets * WAYS < entries && throttle->buckets < (1U << 20)) {
        throttle->buckets *= 2;
    }
    for (int t = 0; t < TABLES; t++) {
        throttle->entries[t] = calloc(throttle->buckets * WAYS, sizeof(struct entry));
        if (throttle->entries[t] == NULL) {
            orl_throttle_free(throttle);
            return orl_err_set(err, ORL_E_NOMEM, "throttle: out of memory");
        }
    }
    orl_secret_random(throttle->hash_key, sizeof(throttle->hash_key));
    *ret_throttle = throttle;
    return 0;
}

void orl_throttle_free(struct orl_throttle *throttle)
{
    if (throttle == NULL) {
        return;
    }
    for (int t = 0; t < TABLES; t++) {
        free(throttle->entries[t]);
    }
    free(throttle);
}

/* Writes 16 bytes that all addresses of one prefix share; text that is no address is its own. */
static void prefix_of(const char *client, uint8_t ret_prefix[16])
{
    char host[ADDRESS_BYTES] = {0};
    const char *begin = client[0] == '[' ? client + 1 : client;
    const char *end = client[0] == '[' ? strchr(begin, ']') : strrchr(begin, ':');
    if (client[0] != '[' && end != NULL && strchr(begin, ':') != end) {
        end = NULL; /* a bare IPv6 address */
    }
    size_t len = end == NULL ? strlen(begin) : (size_t)(end - begin);
    memcpy(host, begin, len < sizeof(host) - 1 ? len : sizeof(host) - 1);
    struct in6_addr six;
    struct in_addr four;
    memset(ret_prefix, 0, 16);
    if (inet_pton(AF_INET, host, &four) == 1) {
        ret_prefix[0] = 4;
        memcpy(ret_prefix + 1, &four, sizeof(four));
    } else if (inet_pton(AF_INET6, host, &six) == 1 && IN6_IS_ADDR_V4MAPPED(&six)) {
        ret_prefix[0] = 4;
        memcpy(ret_prefix + 1, six.s6_addr + 12, 4);
    } else if (inet_pton(AF_INET6, host, &six) == 1) {
        ret_prefix[0] = 6;
        memcpy(ret_prefix + 1, &six, 8);
    } else {
        memcpy(ret_prefix + 1, client, strnlen(client, 15));
    }
}

static uint64_t hash(const struct orl_throttle *throttle, const uint8_t *data, size_t len)
{
    uint64_t value;
    (void)crypto_shorthash((uint8_t *)&value, data, len, throttle->hash_key);
    return value;
}

static struct keys keys_of(
        const struct orl_throttle *throttle, const char *account, const char *client)
{
    uint8_t data[16 + ACCOUNT_BYTES] = {0};
    size_t len = strnlen(account, ACCOUNT_BYTES);
    prefix_of(client, data);
    for (size_t i = 0; i < len; i++) {
        char c = account[i];
        data[16 + i] = (uint8_t)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    struct keys keys;
    keys.of[BY_BOTH] = hash(throttle, data, 16 + len);
    keys.of[BY_PREFIX] = hash(throttle, data, 16);
    keys.of[BY_ACCOUNT] = hash(throttle, data + 16, len);
    return keys;
}

static struct entry *bucket_of(const struct orl_throttle *throttle, enum table table, uint64_t key)
{
    return &throttle->entries[table][(key & (throttle->buckets - 1)) * WAYS];
}

static bool is_used(const struct entry *entry)
{
    return entry->failures > 0 || entry->is_good;
}

static struct entry *find(const struct orl_throttle *throttle, enum table table, uint64_t key)
{
    struct entry *bucket = bucket_of(throttle, table, key);
    for (int i = 0; i < WAYS; i++) {
        if (is_used(&bucket[i]) && bucket[i].key == key) {
            return &bucket[i];
        }
    }
    return NULL;
}

static struct entry *find_or_make(struct orl_throttle *throttle, enum table table, uint64_t key)
{
    struct entry *found = find(throttle, table, key);
    if (found != NULL) {
        return found;
    }
    struct entry *bucket = bucket_of(throttle, table, key);
    struct entry *victim = &bucket[0];
    for (int i = 0; i < WAYS; i++) {
        if (!is_used(&bucket[i])) {
            victim = &bucket[i];
            break;
        }
        bool is_better = victim->is_good && !bucket[i].is_good;
        if (is_better ||
                (bucket[i].is_good == victim->is_good && bucket[i].last_us < victim->last_us)) {
            victim = &bucket[i];
        }
    }
    *victim = (struct entry){.key = key};
    return victim;
}

static uint64_t delay_of(enum table table, const struct entry *entry, uint64_t now_us)
{
    if (entry == NULL || entry->failures <= rules[table].free_failures ||
            now_us - entry->last_us >= FORGET_US) {
        return 0;
    }
    unsigned over = entry->failures - rules[table].free_failures - 1;
    uint64_t delay_s = over < 16 ? UINT64_C(1) << over : rules[table].max_s;
    return (delay_s < rules[table].max_s ? delay_s : rules[table].max_s) * ORL_US_PER_S;
}

static bool is_ticket(const char *account)
{
    return orl_names_ticket_is_valid(account);
}

struct orl_throttle_verdict orl_throttle_check(
        struct orl_throttle *throttle, const char *account, const char *client, uint64_t now_us)
{
    struct keys keys = keys_of(throttle, account, client);
    struct orl_throttle_verdict verdict = {0};
    const struct entry *both = find(throttle, BY_BOTH, keys.of[BY_BOTH]);
    uint64_t until_us = both != NULL ? both->last_us + delay_of(BY_BOTH, both, now_us) : 0;
    verdict.wait_us = until_us > now_us ? until_us - now_us : 0;
    if (is_ticket(account)) {
        return verdict;
    }
    verdict.is_known = both != NULL && both->is_good;
    for (enum table t = verdict.is_known ? BY_ACCOUNT : BY_PREFIX; t < TABLES; t++) {
        uint64_t hold_us = delay_of(t, find(throttle, t, keys.of[t]), now_us);
        verdict.hold_us = hold_us > verdict.hold_us ? hold_us : verdict.hold_us;
    }
    return verdict;
}

static void count(struct orl_throttle *throttle, enum table table, uint64_t key, uint64_t now_us)
{
    struct entry *entry = find_or_make(throttle, table, key);
    if (entry->failures > 0 && now_us - entry->last_us >= FORGET_US) {
        entry->failures = 0;
    }
    if (entry->failures < UINT32_MAX) {
        entry->failures++;
    }
    entry->last_us = now_us;
}

void orl_throttle_begin(
        struct orl_throttle *throttle, const char *account, const char *client, uint64_t now_us)
{
    struct keys keys = keys_of(throttle, account, client);
    count(throttle, BY_BOTH, keys.of[BY_BOTH], now_us);
}

void orl_throttle_fail(
        struct orl_throttle *throttle, const char *account, const char *client, uint64_t now_us)
{
    struct keys keys = keys_of(throttle, account, client);
    if (!is_ticket(account)) {
        count(throttle, BY_PREFIX, keys.of[BY_PREFIX], now_us);
        count(throttle, BY_ACCOUNT, keys.of[BY_ACCOUNT], now_us);
    }
}

void orl_throttle_undo(struct orl_throttle *throttle, const char *account, const char *client)
{
    struct keys keys = keys_of(throttle, account, client);
    struct entry *entry = find(throttle, BY_BOTH, keys.of[BY_BOTH]);
    if (entry != NULL && entry->failures > 0) {
        entry->failures--;
    }
}

void orl_throttle_forgive(struct orl_throttle *throttle, const char *account, const char *client)
{
    struct keys keys = keys_of(throttle, account, client);
    struct entry *entry = find(throttle, BY_BOTH, keys.of[BY_BOTH]);
    if (entry != NULL) {
        entry->failures = 0;
        entry->is_good = !is_ticket(account);
    }
}
