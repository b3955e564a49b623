#include "vmpool/console_grants.h"
#include "base/id.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_GRANTS = 1024 };

struct grant {
    char desktop[ORL_ID_LEN + 1];
    char session[ORL_ID_LEN + 1];
    int fd;
};
struct orl_console_grants {
    struct grant *list;
    size_t count;
};

int orl_console_grants_new(struct orl_console_grants **ret_grants)
{
    struct orl_console_grants *grants = calloc(1, sizeof *grants);
    struct grant *list = calloc(MAX_GRANTS, sizeof *list);
    if (!grants || !list) {
        free(grants);
        free(list);
        return ORL_E_NOMEM;
    }
    grants->list = list;
    *ret_grants = grants;
    return 0;
}

void orl_console_grants_free(struct orl_console_grants *grants)
{
    if (grants) {
        for (size_t i = 0; i < grants->count; i++) {
            close(grants->list[i].fd);
        }
        free(grants->list);
        free(grants);
    }
}

/* Its console has ended, which shut it down, or the machine hung up. */
static bool is_over(int fd)
{
    struct pollfd poll_fd = {.fd = fd};
    return poll(&poll_fd, 1, 0) > 0 && (poll_fd.revents & (POLLHUP | POLLERR | POLLNVAL)) != 0;
}

int orl_console_grants_give(
        struct orl_console_grants *grants, const char *desktop, const char *session, int fd)
{
    size_t kept = 0;
    for (size_t i = 0; i < grants->count; i++) {
        const struct grant *grant = &grants->list[i];
        bool is_former = strcmp(grant->desktop, desktop) == 0 && strcmp(grant->session, session);
        if (is_former) {
            (void)shutdown(grant->fd, SHUT_RDWR);
        }
        if (is_former || is_over(grant->fd)) {
            close(grant->fd);
        } else {
            grants->list[kept++] = *grant;
        }
    }
    grants->count = kept;
    if (kept == MAX_GRANTS) {
        return ORL_E_LIMIT;
    }
    struct grant grant = {.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0)};
    if (grant.fd < 0) {
        return ORL_E_SYS;
    }
    (void)snprintf(grant.desktop, sizeof grant.desktop, "%s", desktop);
    (void)snprintf(grant.session, sizeof grant.session, "%s", session);
    grants->list[grants->count++] = grant;
    return 0;
}
