#include "guest/hook/run.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STEP_MS = 10, KILL_MS = 2000 };

static char path_env[] = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

uint64_t orl_run_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void pause_ms(unsigned ms)
{
    const struct timespec step = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};
    (void)nanosleep(&step, NULL);
}

static _Noreturn void become(char *const argv[], char *const env[])
{
    char *own_env[] = {path_env, NULL};
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    int null = open("/dev/null", O_RDONLY);
    (void)dup2(null, STDIN_FILENO);
    (void)putenv(path_env); /* execvpe() looks along ours */
    (void)execvpe(argv[0], argv, env != NULL ? env : own_env);
    _exit(126);
}

void orl_run_apart(char *const argv[])
{
    pid_t pid = fork();
    if (pid == 0) {
        if (setsid() < 0 || fork() != 0) {
            _exit(0); /* init waits for the other one */
        }
        become(argv, NULL);
    }
    if (pid > 0) {
        (void)waitpid(pid, NULL, 0);
    }
}

int orl_run(char *const argv[], char *const env[], unsigned timeout_ms)
{
    pid_t pid = fork();
    if (pid == 0) {
        (void)setpgid(0, 0);
        become(argv, env);
    }
    uint64_t end_ms = orl_run_now_ms() + timeout_ms;
    int status = 0;
    while (pid > 0) {
        pid_t done = waitpid(pid, &status, WNOHANG);
        if (done == pid) {
            (void)kill(-pid, SIGKILL); /* what it left behind */
            return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        }
        if (done < 0 || orl_run_now_ms() >= end_ms) {
            (void)kill(-pid, SIGKILL);
            (void)waitpid(pid, &status, 0);
            return 137;
        }
        pause_ms(STEP_MS);
    }
    return 126;
}

/* Sends sig to every process of uid; how many there are. */
static unsigned signal_all(uint32_t uid, int sig)
{
    unsigned count = 0;
    DIR *proc = opendir("/proc");
    for (struct dirent *entry = proc != NULL ? readdir(proc) : NULL; entry != NULL;
            entry = readdir(proc)) {
        char path[300];
        char line[1024];
        char *end = NULL;
        long pid = strtol(entry->d_name, &end, 10);
        struct stat st;
        (void)snprintf(path, sizeof(path), "/proc/%s", entry->d_name);
        if (pid <= 1 || *end != '\0' || stat(path, &st) < 0 || st.st_uid != uid) {
            continue;
        }
        (void)snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
        FILE *file = fopen(path, "re");
        char *state =
                file != NULL && fgets(line, sizeof(line), file) != NULL ? strrchr(line, ')') : NULL;
        bool is_dead = state == NULL || state[1] == '\0' || state[2] == 'Z';
        if (file != NULL) {
            (void)fclose(file);
        }
        if (!is_dead) {
            (void)kill((pid_t)pid, sig);
            count++;
        }
    }
    if (proc != NULL) {
        closedir(proc);
    }
    return count;
}

bool orl_run_end_all(uint32_t uid, unsigned grace_ms)
{
    uint64_t start_ms = orl_run_now_ms();
    int sig = SIGTERM;
    for (;;) {
        if (signal_all(uid, sig) == 0) {
            return true;
        }
        while (waitpid(-1, NULL, WNOHANG) > 0) {
        }
        uint64_t spent_ms = orl_run_now_ms() - start_ms;
        if (spent_ms >= grace_ms + KILL_MS) {
            return false;
        }
        /* Asked once; then looked at until the time is over. */
        sig = spent_ms >= grace_ms ? SIGKILL : 0;
        pause_ms(5 * STEP_MS);
    }
}
