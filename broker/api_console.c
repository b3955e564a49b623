/* What an open console listens to: changes, and how busy everything is. */
#include "broker/api_handlers.h"
#include "broker/console.h"
#include "broker/load.h"

#include <stdlib.h>

void orl_api_events(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    orl_console_open(req->broker->console, req);
}

void orl_api_load(struct orl_http_req *req, const struct orl_api_args *args)
{
    char text[8];
    unsigned long minutes = ORL_LOAD_MINUTES;
    (void)args;
    if (orl_http_query_get(req, "minutes", text, sizeof(text))) {
        char *end = NULL;
        minutes = strtoul(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end != '\0' || minutes < 1 ||
                minutes > ORL_LOAD_MINUTES) {
            orl_api_refuse(req, 400, "bad_request", "field 'minutes' must be 1 to 1440");
            return;
        }
    }
    orl_console_history(req->broker->console, req, (unsigned)minutes);
}
