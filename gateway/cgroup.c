#include "gateway/cgroup.h"
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CGROUP_MAX_TASKS = 64, CGROUP_MAX_MEMORY_MIB = 1536 };

/* Our line of /proc/self/cgroup is "0::/path". */
static void own_path(char *ret_path, size_t size)
{
    char line[400] = "";
    FILE *file = fopen("/proc/self/cgroup", "re");
    while (file != NULL && fgets(line, sizeof(line), file) != NULL) {
        if (strncmp(line, "0::/", 4) == 0) {
            line[strcspn(line, "\n")] = '\0';
            (void)snprintf(ret_path, size, "/sys/fs/cgroup%s", line + 3);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
}

void orl_cgroup_init(struct orl_cgroup *cgroup)
{
    char probe[600];
    cgroup->path[0] = '\0';
    own_path(cgroup->path, sizeof(cgroup->path));
    (void)snprintf(probe, sizeof(probe), "%s/oriel-probe-%d", cgroup->path, (int)getpid());
    if (cgroup->path[0] == '\0' || mkdir(probe, 0755) < 0 || rmdir(probe) < 0) {
        cgroup->path[0] = '\0';
    }
}

static void put(const char *dir, const char *name, long long value)
{
    char path[700];
    char text[24];
    (void)snprintf(path, sizeof(path), "%s/%s", dir, name);
    int len = snprintf(text, sizeof(text), "%lld", value);
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        /* A controller that is not delegated to us is not an error: the rlimits hold anyway. */
        if (write(fd, text, (size_t)len) < 0) {
            text[0] = '\0';
        }
        close(fd);
    }
}

static void child_dir(const struct orl_cgroup *cgroup, pid_t pid, char *ret_dir, size_t size)
{
    (void)snprintf(ret_dir, size, "%s/oriel-%d", cgroup->path, (int)pid);
}

void orl_cgroup_add(const struct orl_cgroup *cgroup, pid_t pid)
{
    char dir[600];
    if (cgroup->path[0] == '\0') {
        return;
    }
    child_dir(cgroup, pid, dir, sizeof(dir));
    if (mkdir(dir, 0755) < 0) {
        return;
    }
    put(dir, "pids.max", CGROUP_MAX_TASKS);
    put(dir, "memory.max", (long long)CGROUP_MAX_MEMORY_MIB << 20);
    put(dir, "cgroup.procs", pid);
}

void orl_cgroup_remove(const struct orl_cgroup *cgroup, pid_t pid)
{
    char dir[600];
    if (cgroup->path[0] != '\0') {
        child_dir(cgroup, pid, dir, sizeof(dir));
        (void)rmdir(dir);
    }
}

void orl_cgroup_fini(struct orl_cgroup *cgroup)
{
    cgroup->path[0] = '\0';
}
