/* All that an administrator decides at once: read it, see what would change, change it whole or not at all. */
#include "broker/api_handlers.h"
#include "broker/plan_work.h"

void orl_api_export(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    orl_plan_work_do(req, ORL_PLAN_EXPORT);
}

void orl_api_plan(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    orl_plan_work_do(req, ORL_PLAN_SHOW);
}

void orl_api_apply(struct orl_http_req *req, const struct orl_api_args *args)
{
    (void)args;
    orl_plan_work_do(req, ORL_PLAN_APPLY);
}
