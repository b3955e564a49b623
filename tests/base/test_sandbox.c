#include "base/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* Each deed runs in a child of its own that entered the sandbox. Exit code 0: it was allowed. */
typedef int (*deed_fn)(void);

static int run_in_sandbox(enum orl_sandbox_profile profile, deed_fn deed)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        struct orl_sandbox_report report;
        orl_sandbox_harden();
        if (orl_sandbox_enter(profile, &report, NULL) < 0 || !report.has_seccomp) {
            _exit(99);
        }
        _exit(deed());
    }
    int status;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void assert_killed(deed_fn deed)
{
    int status = run_in_sandbox(ORL_SANDBOX_SESSION, deed);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_allowed(enum orl_sandbox_profile profile, deed_fn deed)
{
    int status = run_in_sandbox(profile, deed);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static int do_fork(void)
{
    return fork() >= 0 ? 0 : 1;
}

static int do_socket(void)
{
    return socket(AF_INET, SOCK_STREAM, 0) >= 0 ? 0 : 1;
}

static int do_socketpair(void)
{
    int fds[2];
    return socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
}

static int do_connect(void)
{
    struct sockaddr_in addr = {.sin_family = AF_INET};
    return connect(0, (struct sockaddr *)&addr, sizeof(addr));
}

static int do_execve(void)
{
    char *argv[] = {NULL};
    char *envp[] = {NULL};
    return execve("/bin/true", argv, envp);
}

static int do_ptrace(void)
{
    return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int do_kill_parent(void)
{
    return kill(getppid(), 0);
}

static int do_kill(void)
{
    return kill(1, 0);
}

static int do_memfd(void)
{
    return memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING) >= 0 ? 0 : 1;
}

static int do_exec_page(void)
{
    return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
                   0) != MAP_FAILED
                   ? 0
                   : 1;
}

static int do_open(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    return fd < 0 && errno == ENOENT ? 0 : 1;
}

static int do_create(void)
{
    int fd = open("/tmp/oriel-sandbox-escape", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    return fd < 0 && errno == ENOENT ? 0 : 1;
}

static int do_stat(void)
{
    struct stat st;
    return stat("/etc/passwd", &st) < 0 && errno == ENOENT ? 0 : 1;
}

static void *thread_main(void *arg)
{
    *(int *)arg = 7;
    return NULL;
}

static int do_thread(void)
{
    pthread_t thread;
    int result = 0;
    if (pthread_create(&thread, NULL, thread_main, &result) != 0 ||
            pthread_join(thread, NULL) != 0) {
        return 1;
    }
    return result == 7 ? 0 : 1;
}

static void dangerous_calls_kill(void **state)
{
    (void)state;
    assert_killed(do_fork);
    assert_killed(do_socket);
    assert_killed(do_socketpair);
    assert_killed(do_connect);
    assert_killed(do_execve);
    assert_killed(do_ptrace);
    assert_killed(do_kill);
    assert_killed(do_kill_parent);
    assert_killed(do_memfd);
    assert_killed(do_exec_page);
}

static void files_are_not_there(void **state)
{
    (void)state;
    assert_allowed(ORL_SANDBOX_SESSION, do_open);
    assert_allowed(ORL_SANDBOX_SESSION, do_create);
    assert_allowed(ORL_SANDBOX_SESSION, do_stat);
    assert_int_equal(access("/tmp/oriel-sandbox-escape", F_OK), -1);
}

static void threads_and_a_consoles_memfd_are_allowed(void **state)
{
    (void)state;
    assert_allowed(ORL_SANDBOX_SESSION, do_thread);
    assert_allowed(ORL_SANDBOX_CONSOLE, do_memfd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(dangerous_calls_kill),
            cmocka_unit_test(files_are_not_there),
            cmocka_unit_test(threads_and_a_consoles_memfd_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
