/* What the parts of broker/plan_write.c share. */
#ifndef ORL_BROKER_PLAN_PRIV_H
#define ORL_BROKER_PLAN_PRIV_H
#include "broker/plan.h"

enum orl_plan_op { ORL_PLAN_ADD = 0, ORL_PLAN_CHANGE, ORL_PLAN_REMOVE };
/* One object that is to be made, changed or removed. */
struct orl_plan_deed {
    struct orl_plan *plan;
    enum orl_plan_op op;
    const char *name;
    const json_t *object; /* as it is wanted; NULL: removed */
};
/* "alice/office" */
void orl_plan_split(
        const char *name, char ret_first[ORL_USER_MAX + 1], char ret_second[ORL_USER_MAX + 1]);

/* plan_groups.c */
ORL_NODISCARD int orl_plan_write_group(const struct orl_plan_deed *deed, struct orl_err *err);
ORL_NODISCARD int orl_plan_write_group_user(const struct orl_plan_deed *deed, struct orl_err *err);
ORL_NODISCARD int orl_plan_write_group_child(const struct orl_plan_deed *deed, struct orl_err *err);
ORL_NODISCARD int orl_plan_write_group_pool(const struct orl_plan_deed *deed, struct orl_err *err);

#endif
