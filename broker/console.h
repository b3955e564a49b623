/* Open consoles of administrators: each hears by server-sent events which kinds of things have changed, every five
 * seconds the numbers of the overview, and when its login is over. However many are open, the store is looked at once
 * a second; nothing is queued for anybody. */
#ifndef ORL_BROKER_CONSOLE_H
#define ORL_BROKER_CONSOLE_H
#include "broker/http.h"

struct orl_console;
ORL_NODISCARD int orl_console_new(
        struct orl_broker *broker, struct orl_console **ret_console, struct orl_err *err);
void orl_console_free(struct orl_console *console); /* NULL is fine; streams end with broker.sock */
/* Answers req, which is at least a VIEWER's, with a stream. */
void orl_console_open(struct orl_console *console, struct orl_http_req *req);
/* Answers req with what the charts show, of so many minutes. */
void orl_console_history(struct orl_console *console, struct orl_http_req *req, unsigned minutes);
unsigned orl_console_count(const struct orl_console *console);

#endif
