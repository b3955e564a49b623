/* oriel-web: HTTPS, pages, /api to the broker, desktops to the gateway; one loop. */
#ifndef ORL_WEB_WEB_H
#define ORL_WEB_WEB_H
#include "base/loop.h"
#include "base/shown_cert.h"
#include "web/server/config.h"
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct orl_web;
struct orl_web_opts {
    const struct orl_web_cfg *cfg; /* borrowed for life */
    int https_fd;                  /* taken, also on failure; listening */
    int http_fd;                   /* the same; -1: none */
    uint16_t https_port;           /* what it is bound to */
    uint16_t http_port;            /* the same; 0: none */
    struct orl_shown_cert *shown;  /* borrowed for life */
    const char *broker_path;       /* borrowed for life: as it is seen from where we are confined */
    const char *control_path;      /* the same: the broker's gateway.sock */
    const char *gateway_path;
    const char *upload_path;
    uid_t broker_uid, gateway_uid, vmpool_uid;
};
/* Reads pages and keys, but accepts nobody. */
ORL_NODISCARD int orl_web_new(struct orl_loop *loop, const struct orl_web_opts *opts,
        struct orl_web **ret_web, struct orl_err *err);
/* After the sandbox: accepts browsers. */
ORL_NODISCARD int orl_web_open(struct orl_web *web, struct orl_err *err);
/* In this order, and the loop runs for a moment after each of the first two. */
bool orl_web_stop(struct orl_web *web);  /* accepts nobody more; true: it told desktops goodbye */
void orl_web_close(struct orl_web *web); /* closes what is open */
void orl_web_free(struct orl_web *web);

#endif
