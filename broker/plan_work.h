/* Reading, planning and applying a whole site's document away from the loop: on a thread, with a connection to the
 * store of its own. Others wait for it only where they write, and only while it writes. One at a time. */
#ifndef ORL_BROKER_PLAN_WORK_H
#define ORL_BROKER_PLAN_WORK_H
#include "broker/http.h"

enum orl_plan_deed_kind { ORL_PLAN_EXPORT = 0, ORL_PLAN_SHOW, ORL_PLAN_APPLY };

struct orl_plan_work;
ORL_NODISCARD int orl_plan_work_new(
        struct orl_broker *broker, struct orl_plan_work **ret_work, struct orl_err *err);
/* Takes no more, and begins none of those that wait: they are answered that the broker stops. */
void orl_plan_work_stop(struct orl_plan_work *work);
/* Stops, and waits for the one that runs: it ends with what it is at, or all of it where it writes. NULL is fine. */
void orl_plan_work_free(struct orl_plan_work *work);
/* Answers, in its time. */
void orl_plan_work_do(struct orl_http_req *req, enum orl_plan_deed_kind kind);

#endif
