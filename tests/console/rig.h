/* A real oriel-console, with the test in the gateway's and the sessions' place, and a display. */
#ifndef ORL_TESTS_CONSOLE_RIG_H
#define ORL_TESTS_CONSOLE_RIG_H
#include "base/ipc.h"
#include "display/link.h"
#include "display/surface.h"
#include <stdbool.h>
#include <sys/types.h>

#define RIG_WAIT_MS 20000 /* an upper bound, never a measure */

struct rig_vncd {
    pid_t pid;
    char dir[64];
    char socket_path[96], log_path[96], cut_path[96];
};
#define RIG_CUT_FILE "CUT" /* of the args: a file that rig_vncd_copy() writes */
/* args: further options, ended by NULL. */
void rig_vncd_start(struct rig_vncd *vncd, const char *const *args);
void rig_vncd_copy(
        const struct rig_vncd *vncd, const char *text); /* --clipboard, --clipboard-latin1 */
void rig_vncd_stop(struct rig_vncd *vncd);
int rig_vncd_connect(const struct rig_vncd *vncd);
/* Waits until the log holds that text. */
bool rig_vncd_logged(const struct rig_vncd *vncd, const char *text);
unsigned rig_vncd_count(const struct rig_vncd *vncd, const char *text);

/* A liar behind one end of a socket pair. */
pid_t rig_liar_start(const char *lie, int *ret_fd);

struct rig_console {
    pid_t pid;
    int control;
};
void rig_console_start(struct rig_console *console, int display_fd, const char *password);
void rig_console_start_as(
        struct rig_console *console, int display_fd, const char *password, uint32_t source);
/* Takes the fds. */
void rig_console_start_on(struct rig_console *console, const int *fds, unsigned count,
        const char *password, uint32_t source);
/* The CLOSE message; ORL_REASON_NONE: none came. */
enum orl_reason rig_console_reason(struct rig_console *console, int timeout_ms);
int rig_console_wait(
        struct rig_console *console); /* the exit status; -1: did not end, or by a signal */
void rig_console_kill(struct rig_console *console);

struct rig_link {
    int fd;
    bool is_woken;
    bool has_locks;
    uint32_t locks;              /* the guest's */
    struct orl_surface *surface; /* the last one offered */
    enum orl_reason closed;
    struct orl_clipboard_in text_in;
    struct orl_clipboard step; /* the last one; its text is copied: */
    char text[4096];
    unsigned steps;
    uint64_t sound_bytes, loud_samples; /* above half of the sine's height */
    uint32_t sound_rate_hz, sound_channels;
    unsigned sound_stops;
};
void rig_link_want(struct rig_link *link, uint32_t wants);
void rig_link_clipboard(struct rig_link *link, const struct orl_clipboard *step);
/* Waits for one step more than there were; it is in link->step. */
bool rig_link_wait_step(struct rig_link *link, enum orl_clipboard_step step);
void rig_link_open(struct rig_link *link, struct rig_console *console);
void rig_link_close(struct rig_link *link);
/* Takes a message: a surface, or the end. False: nothing came. */
bool rig_link_pump(struct rig_link *link, int timeout_ms);
bool rig_link_wait_surface(struct rig_link *link, uint32_t width_px, uint32_t height_px);
bool rig_link_wait_woken(struct rig_link *link);
void rig_link_input(struct rig_link *link, const struct orl_input *input);
void rig_link_layout(struct rig_link *link, const struct orl_layout *layout);
void rig_link_key(struct rig_link *link, uint32_t code, bool is_down);
/* Waits until the surface is that picture (tests/fakes/scene.h), all but its X bytes. */
bool rig_link_wait_scene(struct rig_link *link, const char *scene);
void rig_surface_dump(const struct orl_surface *surface, const char *path); /* PPM */

void rig_stop(pid_t *pid); /* SIGTERM, then SIGKILL; by id only */

#endif
