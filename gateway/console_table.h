/* The consoles of open desktops, by desktop and version: asks the vmpool for displays, has consoles
 * started, links sessions to them, keeps a console for a while when nobody looks, and tries again
 * with growing pauses when one dies. Processes and sockets are behind orl_console_ops. */
#ifndef ORL_GATEWAY_CONSOLE_TABLE_H
#define ORL_GATEWAY_CONSOLE_TABLE_H
#include "base/ipc_msgs.h"
#include <stdint.h>

struct orl_ipc_fds;

#define ORL_CONSOLE_MAX_VIEWERS 8 /* connections on one desktop */

struct orl_console_ops {
    bool (*ask)(void *ctx, const struct orl_msg *msg); /* the vmpool; false: it is down */
    /* Starts a console process and sends it start and display's fds (borrowed). Negative: it can't. */
    int (*start)(void *ctx, uint32_t process, const struct orl_msg *start,
            const struct orl_ipc_fds *display);
    void (*post)(void *ctx, uint32_t process, const struct orl_msg *msg, int fd);
    void (*kill)(void *ctx, uint32_t process); /* nothing more is heard of it */
    void (*arm)(void *ctx, uint64_t due_us);   /* call orl_console_table_tick() then; 0: never */
    /* To the connection of this number; fd is borrowed. They may drop, but not free the table. */
    void (*on_link)(void *ctx, uint32_t conn, uint32_t link, int fd);
    void (*on_notice)(void *ctx, uint32_t conn, enum orl_reason reason, const char *text);
    void (*on_final)(void *ctx, uint32_t conn, enum orl_reason reason, const char *text);
};
struct orl_console_limits {
    unsigned max_consoles;
    uint64_t keep_us;  /* a console without viewers */
    uint64_t retry_us; /* how long to go on after the first failure */
};

struct orl_console_table;
ORL_NODISCARD int orl_console_table_new(const struct orl_console_limits *limits,
        const struct orl_console_ops *ops, void *ctx, struct orl_console_table **ret_table);
/* conn wants to see plan's desktop: on_link, or on_notice and more tries, or on_final follow. */
void orl_console_table_want(struct orl_console_table *table, uint32_t conn,
        const struct orl_msg_plan *plan, uint64_t now_us);
void orl_console_table_drop(struct orl_console_table *table, uint32_t conn, uint64_t now_us);
/* The vmpool's answer; display is borrowed: its fds, or none. */
void orl_console_table_on_answer(struct orl_console_table *table,
        const struct orl_msg_console *answer, const struct orl_ipc_fds *display, uint64_t now_us);
/* A console said that it is over (or broke its protocol), or its process is gone. */
void orl_console_table_on_gone(struct orl_console_table *table, uint32_t process,
        enum orl_reason reason, const char *text, uint64_t now_us);
void orl_console_table_tick(struct orl_console_table *table, uint64_t now_us);
unsigned orl_console_table_count(const struct orl_console_table *table);
void orl_console_table_free(struct orl_console_table *table); /* kills no process */

#endif
