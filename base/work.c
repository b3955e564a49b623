#include "base/work.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

enum { WORK_MAX_THREADS = 16 };

struct work_item {
    orl_work_fn run;
    orl_work_done_fn done;
    void *job;
    void *ctx;
    struct work_item *next;
};

struct work_queue {
    struct work_item *first;
    struct work_item **last;
};

struct orl_work {
    pthread_mutex_t lock; /* guards all below but wake and threads */
    pthread_cond_t has_work;
    struct work_queue waiting;
    struct work_queue finished;
    unsigned waiting_count;
    unsigned max_queued;
    bool is_stopping;
    struct orl_wake *wake;
    pthread_t threads[WORK_MAX_THREADS];
    unsigned thread_count;
};

static void queue_init(struct work_queue *queue)
{
    queue->first = NULL;
    queue->last = &queue->first;
}

static void queue_push(struct work_queue *queue, struct work_item *item)
{
    item->next = NULL;
    *queue->last = item;
    queue->last = &item->next;
}

static struct work_item *queue_pop(struct work_queue *queue)
{
    struct work_item *item = queue->first;
    if (item != NULL) {
        queue->first = item->next;
        if (queue->first == NULL) {
            queue->last = &queue->first;
        }
    }
    return item;
}

static void *work_thread(void *arg)
{
    struct orl_work *work = arg;
    (void)pthread_mutex_lock(&work->lock);
    for (;;) {
        struct work_item *item = queue_pop(&work->waiting);
        if (item == NULL) {
            if (work->is_stopping) {
                break;
            }
            (void)pthread_cond_wait(&work->has_work, &work->lock);
            continue;
        }
        work->waiting_count--;
        (void)pthread_mutex_unlock(&work->lock);
        item->run(item->job);
        (void)pthread_mutex_lock(&work->lock);
        queue_push(&work->finished, item);
        orl_wake_send(work->wake);
    }
    (void)pthread_mutex_unlock(&work->lock);
    return NULL;
}

static void deliver_finished(void *ctx)
{
    struct orl_work *work = ctx;
    (void)pthread_mutex_lock(&work->lock);
    struct work_item *item = work->finished.first;
    queue_init(&work->finished);
    (void)pthread_mutex_unlock(&work->lock);
    while (item != NULL) {
        struct work_item *next = item->next;
        item->done(item->job, item->ctx);
        free(item);
        item = next;
    }
}

/* Signals belong to the loop's thread. */
static int start_threads(struct orl_work *work, unsigned count)
{
    sigset_t all;
    sigset_t old;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    int code = 0;
    while (work->thread_count < count && code == 0) {
        code = pthread_create(&work->threads[work->thread_count], NULL, work_thread, work);
        work->thread_count += code == 0 ? 1 : 0;
    }
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    return code;
}

int orl_work_new(struct orl_loop *loop, unsigned threads, unsigned max_queued,
        struct orl_work **ret_work, struct orl_err *err)
{
    if (threads < 1 || threads > WORK_MAX_THREADS) {
        return orl_err_set(err, ORL_E_INVAL, "work: %u threads", threads);
    }
    struct orl_work *work = calloc(1, sizeof(*work));
    if (work == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "work: out of memory");
    }
    queue_init(&work->waiting);
    queue_init(&work->finished);
    work->max_queued = max_queued;
    (void)pthread_mutex_init(&work->lock, NULL);
    (void)pthread_cond_init(&work->has_work, NULL);
    int code = orl_wake_new(loop, deliver_finished, work, &work->wake, err);
    if (code == 0) {
        int failed = start_threads(work, threads);
        if (failed != 0) {
            code = orl_err_sys(err, failed, "start a thread");
        }
    }
    if (code < 0) {
        orl_work_free(work);
        return code;
    }
    *ret_work = work;
    return 0;
}

int orl_work_submit(
        struct orl_work *work, orl_work_fn run, orl_work_done_fn done, void *job, void *ctx)
{
    struct work_item *item = malloc(sizeof(*item));
    if (item == NULL) {
        return ORL_E_NOMEM;
    }
    *item = (struct work_item){.run = run, .done = done, .job = job, .ctx = ctx};
    (void)pthread_mutex_lock(&work->lock);
    bool has_room = !work->is_stopping && work->waiting_count < work->max_queued;
    if (has_room) {
        queue_push(&work->waiting, item);
        work->waiting_count++;
        (void)pthread_cond_signal(&work->has_work);
    }
    (void)pthread_mutex_unlock(&work->lock);
    if (!has_room) {
        free(item);
        return ORL_E_LIMIT;
    }
    return 0;
}

int orl_work_grow(struct orl_work *work)
{
    return work->thread_count < WORK_MAX_THREADS && start_threads(work, work->thread_count + 1) == 0
                   ? 0
                   : ORL_E_LIMIT;
}

void orl_work_free(struct orl_work *work)
{
    if (work == NULL) {
        return;
    }
    (void)pthread_mutex_lock(&work->lock);
    work->is_stopping = true;
    (void)pthread_cond_broadcast(&work->has_work);
    (void)pthread_mutex_unlock(&work->lock);
    for (unsigned i = 0; i < work->thread_count; i++) {
        (void)pthread_join(work->threads[i], NULL);
    }
    deliver_finished(work);
    orl_wake_free(work->wake);
    (void)pthread_cond_destroy(&work->has_work);
    (void)pthread_mutex_destroy(&work->lock);
    free(work);
}
