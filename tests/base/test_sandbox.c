#include "base/sandbox.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
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

static void assert_killed_as(enum orl_sandbox_profile profile, deed_fn deed)
{
    int status = run_in_sandbox(profile, deed);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void assert_killed(deed_fn deed)
{
    assert_killed_as(ORL_SANDBOX_SESSION, deed);
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

static int do_sendmsg(void)
{
    struct msghdr hdr = {0};
    return sendmsg(3, &hdr, 0) < 0 ? 1 : 0;
}

static int do_send_elsewhere(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "\0elsewhere"};
    return sendto(3, "x", 1, 0, (struct sockaddr *)&addr, sizeof(addr)) < 0 ? 1 : 0;
}

static int do_load_a_kernel_module(void)
{
    return setsockopt(3, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls"));
}

static int do_change_what_stderr_is(void)
{
    return fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
}

static int do_change_what_stderr_is_with_high_bits(void)
{
    return (int)syscall(SYS_fcntl, UINT64_C(1) << 32 | STDERR_FILENO, F_SETFL, O_NONBLOCK);
}

static int do_copy_stderr(void)
{
    return fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 10);
}

static int do_x32(void)
{
    return (int)syscall(0x40000000 | SYS_getppid);
}

static int do_ordinary_things(void)
{
    for (int fd = 3; fd < 128; fd++) { /* closed ones: the filter passed them */
        if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0 && errno != EBADF) {
            return 1;
        }
    }
    int on = 1;
    bool is_refused = dup(STDERR_FILENO) < 0 && errno == EPERM;
    (void)setsockopt(3, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    (void)send(3, "x", 1, MSG_NOSIGNAL);
    return is_refused ? 0 : 1;
}

static int do_huge_memfd(void)
{
    return memfd_create("x", MFD_CLOEXEC | MFD_HUGETLB) >= 0 ? 0 : 1;
}

static int do_large_memfd(void)
{
    int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd >= 0 && ftruncate(fd, (off_t)1 << 30) < 0 && errno == EFBIG &&
                           ftruncate(fd, (off_t)161 << 20) == 0 &&
                           fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) == 0
                   ? 0
                   : 1;
}

/* What QEMU shares: is it memory, how long is it, its bytes. */
static int do_read_memory(void)
{
    char byte = 0;
    struct stat st;
    int fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd >= 0 && ftruncate(fd, 4096) == 0 && fcntl(fd, F_GET_SEALS) >= 0 &&
                           fstat(fd, &st) == 0 && st.st_size == 4096 &&
                           pread(fd, &byte, 1, 4095) == 1 && pread(fd, &byte, 1, 4096) == 0
                   ? 0
                   : 1;
}

static int do_seal(void)
{
    return fcntl(3, F_ADD_SEALS, F_SEAL_WRITE);
}

/* As oriel-web hands a desktop over: a pair, and an fd sent along a Unix socket. */
static int do_unix_sockets(void)
{
    int fds[2];
    struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/nonexistent/oriel.sock"};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0) {
        return 1;
    }
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, fds);
}

static int do_listen(void)
{
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd >= 0 ? listen(fd, 1) : 1;
}

static int do_bind(void)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/tmp/oriel-sandbox-escape"};
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    return fd >= 0 ? bind(fd, (struct sockaddr *)&addr, sizeof(addr)) : 1;
}

static int do_chroot(void)
{
    return chroot("/");
}

static void oriel_web_has_unix_sockets_and_nothing_else(void **state)
{
    const deed_fn deeds[] = {do_fork, do_socket, do_thread, do_execve, do_ptrace, do_kill, do_memfd,
            do_exec_page, do_listen, do_bind, do_chroot, do_copy_stderr, do_change_what_stderr_is,
            do_send_elsewhere, do_load_a_kernel_module, do_x32, do_seal};
    (void)state;
    for (size_t i = 0; i < sizeof(deeds) / sizeof(deeds[0]); i++) {
        assert_killed_as(ORL_SANDBOX_WEB, deeds[i]);
    }
    assert_allowed(ORL_SANDBOX_WEB, do_unix_sockets);
    assert_allowed(ORL_SANDBOX_WEB, do_open);
    assert_allowed(ORL_SANDBOX_WEB, do_create);
    assert_allowed(ORL_SANDBOX_WEB, do_stat);
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
    assert_killed(do_sendmsg);
    assert_killed(do_send_elsewhere);
    assert_killed(do_load_a_kernel_module);
    assert_killed(do_change_what_stderr_is);
    assert_killed(do_change_what_stderr_is_with_high_bits);
    assert_killed(do_copy_stderr);
    assert_killed(do_x32);
    assert_killed(do_seal);
}

static void a_console_is_held_to_its_surface(void **state)
{
    (void)state;
    assert_allowed(ORL_SANDBOX_CONSOLE, do_large_memfd);
    int status = run_in_sandbox(ORL_SANDBOX_CONSOLE, do_huge_memfd);
    assert_true(WIFSIGNALED(status));
}

static void what_a_session_does_is_allowed(void **state)
{
    (void)state;
    assert_allowed(ORL_SANDBOX_SESSION, do_ordinary_things);
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
    assert_allowed(ORL_SANDBOX_CONSOLE, do_read_memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(dangerous_calls_kill),
            cmocka_unit_test(oriel_web_has_unix_sockets_and_nothing_else),
            cmocka_unit_test(a_console_is_held_to_its_surface),
            cmocka_unit_test(what_a_session_does_is_allowed),
            cmocka_unit_test(files_are_not_there),
            cmocka_unit_test(threads_and_a_consoles_memfd_are_allowed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
