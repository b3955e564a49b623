#include "guest/hook/ssh_keys.h"
#include "guest/hook/run.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool is_key(const char *name)
{
    const char *end = strrchr(name, '_');
    return strncmp(name, "ssh_host_", strlen("ssh_host_")) == 0 &&
           (strcmp(end, "_key") == 0 || strcmp(end, "_key.pub") == 0);
}

bool orl_ssh_keys_renew(const char *root)
{
    char path[PATH_MAX];
    unsigned removed = 0;
    bool is_good = true;
    (void)snprintf(path, sizeof(path), "%s/etc/ssh", root);
    DIR *dir = opendir(path);
    for (struct dirent *entry = dir != NULL ? readdir(dir) : NULL; entry != NULL;
            entry = readdir(dir)) {
        if (is_key(entry->d_name)) {
            is_good = unlinkat(dirfd(dir), entry->d_name, 0) == 0 && is_good;
            removed++;
        }
    }
    if (dir != NULL) {
        closedir(dir);
    }
    if (removed > 0) { /* takes its time: the desktop is there before */
        char script[] = "ssh-keygen -A -f \"$0\" >/dev/null && sync && "
                        "[ -d \"$0/run/systemd/system\" ] && "
                        "systemctl try-restart ssh.service sshd.service";
        (void)snprintf(path, sizeof(path), "%s", root);
        orl_run_apart((char *[]){(char *)"sh", (char *)"-c", script, path, NULL});
    }
    return is_good;
}
