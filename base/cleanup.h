/* Owners marked at the declaration: `ORL_AUTO(orl_free_auto) char *s = NULL;`. */
#ifndef ORL_BASE_CLEANUP_H
#define ORL_BASE_CLEANUP_H
#include <stdlib.h>
#include <unistd.h>

#define ORL_AUTO(fn) __attribute__((cleanup(fn)))

/* Gives the pointer away and leaves NULL behind. */
#define orl_steal(p)                                                                               \
    __extension__({                                                                                \
        __typeof__(p) orl_stolen_ = (p);                                                           \
        (p) = NULL;                                                                                \
        orl_stolen_;                                                                               \
    })

/* Gives an fd away and leaves -1 behind. */
static inline int orl_steal_fd(int *fd)
{
    int taken = *fd;
    *fd = -1;
    return taken;
}

static inline void orl_free_auto(void *pp)
{
    free(*(void **)pp);
}

static inline void orl_close_auto(const int *fd)
{
    if (*fd >= 0) {
        close(*fd);
    }
}

/* Closes *fd if it is open and leaves -1. */
static inline void orl_close_fd(int *fd)
{
    if (*fd >= 0) {
        close(*fd);
        *fd = -1;
    }
}

#endif
