/* A cgroup (v2) per child under our own, where we may make one; without, all calls do nothing. */
#ifndef ORL_GATEWAY_CGROUP_H
#define ORL_GATEWAY_CGROUP_H
#include <sys/types.h>

struct orl_cgroup {
    char path[512]; /* of our own group; empty: none that we may write */
};
void orl_cgroup_init(struct orl_cgroup *cgroup);
void orl_cgroup_add(const struct orl_cgroup *cgroup, pid_t pid);
void orl_cgroup_remove(const struct orl_cgroup *cgroup, pid_t pid); /* after it was reaped */
void orl_cgroup_fini(struct orl_cgroup *cgroup);

#endif
