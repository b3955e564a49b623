#include "broker/hashing.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/secret.h"
#include "base/work.h"
#include "broker/fair_queue.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_THREADS = 16, MEAN_OF = 8 };

struct entry {
    struct orl_fair_item item; /* first: an item is its entry */
    struct orl_hashing_job job;
    uint64_t began_us, took_us; /* by the thread that ran it */
};
struct orl_hashing {
    struct orl_work *work;
    struct orl_fair_queue *queue;
    struct entry *next; /* taken from the queue, waits for memory */
    uint8_t key[crypto_shorthash_KEYBYTES];
    uint64_t memory_kib;
    uint64_t running_kib;
    unsigned running, threads;
    uint64_t mean_us; /* of one */
    uint64_t done, refused;
    bool is_stopping;
};

static unsigned threads_of(unsigned wanted)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned spare = cores > 1 ? (unsigned)cores - 1 : 1;
    unsigned threads = wanted != 0 ? wanted : spare;
    return threads < MAX_THREADS ? threads : MAX_THREADS;
}

int orl_hashing_new(struct orl_loop *loop, const struct orl_hashing_opts *opts,
        struct orl_hashing **ret_hashing, struct orl_err *err)
{
    struct orl_hashing *hashing = calloc(1, sizeof(*hashing));
    if (hashing == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "hashing: out of memory");
    }
    hashing->threads = threads_of(opts->threads);
    hashing->memory_kib = opts->memory_kib;
    orl_secret_random(hashing->key, sizeof(hashing->key));
    int rc = orl_fair_queue_new(opts->max_waiting, &hashing->queue, err);
    if (rc == 0) {
        rc = orl_work_new(loop, hashing->threads, hashing->threads, &hashing->work, err);
    }
    if (rc < 0) {
        orl_hashing_free(hashing);
        return rc;
    }
    *ret_hashing = hashing;
    return 0;
}

static void finish(struct entry *entry, bool was_run)
{
    struct orl_hashing_job job = entry->job;
    free(entry);
    job.done(job.ctx, was_run);
}

static void refuse(struct orl_hashing *hashing, struct entry *entry)
{
    hashing->refused++;
    finish(entry, false);
}

static void run(void *arg)
{
    struct entry *entry = arg;
    entry->began_us = orl_clock_now_us();
    entry->job.run(entry->job.ctx);
    entry->took_us = orl_clock_now_us() - entry->began_us;
}

static bool has_room(const struct orl_hashing *hashing, const struct entry *entry)
{
    return hashing->running == 0 ||
           (hashing->running < hashing->threads &&
                   hashing->running_kib + entry->job.memory_kib <= hashing->memory_kib);
}

static void start_some(struct orl_hashing *hashing);

static void on_done(void *arg, void *ctx)
{
    struct entry *entry = arg;
    struct orl_hashing *hashing = ctx;
    hashing->running--;
    hashing->running_kib -= entry->job.memory_kib;
    hashing->done++;
    hashing->mean_us = hashing->mean_us == 0
                               ? entry->took_us
                               : (hashing->mean_us * (MEAN_OF - 1) + entry->took_us) / MEAN_OF;
    finish(entry, true);
    if (!hashing->is_stopping) {
        start_some(hashing);
    }
}

/* Whose turn it is waits for room, and is not overtaken by somebody whose hash is cheaper. */
static void start_some(struct orl_hashing *hashing)
{
    for (;;) {
        if (hashing->next == NULL) {
            hashing->next = (struct entry *)(void *)orl_fair_queue_pop(hashing->queue);
        }
        struct entry *entry = hashing->next;
        if (entry == NULL || !has_room(hashing, entry)) {
            return;
        }
        hashing->next = NULL;
        hashing->running++;
        hashing->running_kib += entry->job.memory_kib;
        if (orl_work_submit(hashing->work, run, on_done, entry, hashing) < 0) {
            hashing->running--;
            hashing->running_kib -= entry->job.memory_kib;
            refuse(hashing, entry);
        }
    }
}

static uint64_t hash(const struct orl_hashing *hashing, const void *data, size_t len)
{
    uint64_t value = 0;
    (void)crypto_shorthash((uint8_t *)&value, data, len, hashing->key);
    return value;
}

static uint64_t place_of(const struct orl_hashing *hashing, const char *client)
{
    struct sockaddr_storage addr;
    socklen_t len = 0;
    if (!orl_addr_parse(client, &addr, &len)) {
        return hash(hashing, client, strlen(client));
    }
    struct orl_prefix prefix = orl_prefix_of((const struct sockaddr *)&addr, len);
    return hash(hashing, &prefix, sizeof(prefix));
}

/* Letters of either case are one account. */
static uint64_t account_of(const struct orl_hashing *hashing, const char *account)
{
    char folded[256] = "";
    size_t len = 0;
    for (; account[len] != '\0' && len < sizeof(folded); len++) {
        char c = account[len];
        folded[len] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
    }
    return hash(hashing, folded, len);
}

int orl_hashing_submit(struct orl_hashing *hashing, const struct orl_hashing_job *job)
{
    struct orl_fair_item *out = NULL;
    struct entry *entry = calloc(1, sizeof(*entry));
    if (entry == NULL) {
        return ORL_E_NOMEM;
    }
    entry->job = *job;
    int rc = orl_fair_queue_push(hashing->queue, place_of(hashing, job->client),
            account_of(hashing, job->account), &entry->item, &out);
    if (rc < 0) {
        free(entry);
        return rc;
    }
    start_some(hashing);
    if (out != NULL) {
        refuse(hashing, (struct entry *)(void *)out);
    }
    return 0;
}

unsigned orl_hashing_wait_s(const struct orl_hashing *hashing)
{
    uint64_t ahead = orl_fair_queue_count(hashing->queue) + hashing->running;
    return (unsigned)(ahead * hashing->mean_us / hashing->threads / ORL_US_PER_S) + 1;
}

void orl_hashing_stats(const struct orl_hashing *hashing, struct orl_hashing_stats *ret_stats)
{
    *ret_stats = (struct orl_hashing_stats){.running = hashing->running,
            .waiting = orl_fair_queue_count(hashing->queue) + (hashing->next != NULL),
            .threads = hashing->threads,
            .done = hashing->done,
            .refused = hashing->refused};
}

void orl_hashing_free(struct orl_hashing *hashing)
{
    if (hashing == NULL) {
        return;
    }
    hashing->is_stopping = true;
    orl_work_free(hashing->work);
    while (hashing->next != NULL ||
            (hashing->queue != NULL && (hashing->next = (struct entry *)(void *)orl_fair_queue_pop(
                                                hashing->queue)) != NULL)) {
        struct entry *entry = hashing->next;
        hashing->next = NULL;
        finish(entry, false);
    }
    orl_fair_queue_free(hashing->queue);
    free(hashing);
}
