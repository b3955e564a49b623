/* The gateway's side of the spawner: asks for children by number, hears of their ends. */
#ifndef ORL_GATEWAY_SPAWN_H
#define ORL_GATEWAY_SPAWN_H
#include "base/loop.h"
#include "gateway/spawner.h"

struct orl_spawn;
struct orl_spawn_events {
    void (*on_child)(void *ctx, const struct orl_spawner_rep *rep);
    void (*on_lost)(void *ctx); /* the spawner is gone: nothing can be started any more */
};
/* Takes fd (of orl_spawner_start()). */
ORL_NODISCARD int orl_spawn_new(struct orl_loop *loop, int fd,
        const struct orl_spawn_events *events, void *ctx, struct orl_spawn **ret_spawn,
        struct orl_err *err);
/* Borrows control_fd. STARTED or FAILED follows, after STARTED one EXITED. Negative: none follows. */
ORL_NODISCARD int orl_spawn_start(
        struct orl_spawn *spawn, enum orl_child_kind kind, uint32_t id, int control_fd);
void orl_spawn_kill(struct orl_spawn *spawn, enum orl_child_kind kind, uint32_t id);
void orl_spawn_free(struct orl_spawn *spawn);

#endif
