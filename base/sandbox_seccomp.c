#include "base/sandbox.h"

#include "base/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Memory that one connection may take: 8192 x 5120 twice, an encoder, libraries. */
static const rlim_t address_space_bytes = (rlim_t)4 << 30;
/* The largest surface (display/surface.h) is 161 MiB. */
static const rlim_t surface_file_bytes = (rlim_t)176 << 20;
enum { SESSION_FDS = 128, CONSOLE_FDS = 64, WEB_FDS = 65536 };

static const int allowed[] = {
        SCMP_SYS(read),
        SCMP_SYS(write),
        SCMP_SYS(readv),
        SCMP_SYS(writev),
        SCMP_SYS(close),
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(select),
        SCMP_SYS(pselect6),
        SCMP_SYS(epoll_ctl),
        SCMP_SYS(epoll_wait),
        SCMP_SYS(epoll_pwait),
        SCMP_SYS(eventfd2),
        SCMP_SYS(recvfrom),
        SCMP_SYS(recvmsg),
        SCMP_SYS(shutdown),
        SCMP_SYS(getsockopt),
        SCMP_SYS(getsockname),
        SCMP_SYS(getpeername),
        SCMP_SYS(brk),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        SCMP_SYS(futex),
        SCMP_SYS(set_robust_list),
        SCMP_SYS(rseq),
        SCMP_SYS(sched_yield),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(gettid),
        SCMP_SYS(getpid),
        SCMP_SYS(getuid),
        SCMP_SYS(geteuid),
        SCMP_SYS(getgid),
        SCMP_SYS(getegid),
        SCMP_SYS(uname),
        SCMP_SYS(sysinfo),
        SCMP_SYS(getrandom),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_getres),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(nanosleep),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(getrusage),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(fstat),
        SCMP_SYS(lseek),
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
};

/* Files answer "not there": WinPR looks for a registry file, glibc for locales. */
static const int not_there[] = {
        SCMP_SYS(open),
        SCMP_SYS(openat),
        SCMP_SYS(openat2),
        SCMP_SYS(stat),
        SCMP_SYS(lstat),
        SCMP_SYS(statx),
        SCMP_SYS(access),
        SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
};

/* Libraries have calls for these on paths that we do not take: no, rather than the end. */
static const int refused[] = {
        SCMP_SYS(epoll_create1),
        SCMP_SYS(pipe2),
        SCMP_SYS(timerfd_create),
        SCMP_SYS(dup),
};

/* A number of ours in a register: what is above its 32 bits is nothing to the kernel, and must not be
 * to the filter. */
#define FD_BITS UINT64_C(0xFFFFFFFF)

/* O_NONBLOCK belongs to what an fd names, not to the fd: our stderr is the gateway's and everybody's.
 * fds from 3 on, as ranges of a power of two. */
static int allow_above_stderr(scmp_filter_ctx ctx, int syscall_number, struct scmp_arg_cmp command)
{
    int code = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, syscall_number, 2,
            SCMP_A0(SCMP_CMP_MASKED_EQ, FD_BITS, STDERR_FILENO + 1), command);
    for (uint64_t first = 4; first < WEB_FDS; first *= 2) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, syscall_number, 2,
                SCMP_A0(SCMP_CMP_MASKED_EQ, FD_BITS & ~(first - 1), first), command);
    }
    return code;
}

/* What FreeRDP and our viewers set on the client's socket. Others are more of the kernel than a
 * client needs to see. */
static int allow_socket_options(scmp_filter_ctx ctx)
{
    static const struct {
        int level, name;
    } options[] = {
            {SOL_SOCKET, SO_KEEPALIVE},
            {IPPROTO_TCP, TCP_NODELAY},
            {IPPROTO_TCP, TCP_CORK},
            {IPPROTO_TCP, TCP_KEEPIDLE},
            {IPPROTO_TCP, TCP_KEEPINTVL},
            {IPPROTO_TCP, TCP_KEEPCNT},
            {IPPROTO_TCP, TCP_USER_TIMEOUT},
            {IPPROTO_TCP, TCP_NOTSENT_LOWAT},
    };
    int code = 0;
    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
                SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)options[i].level),
                SCMP_A2(SCMP_CMP_EQ, (scmp_datum_t)options[i].name));
    }
    return code;
}

/* What it opens after the sandbox: connections that it accepts, pairs for desktops, Unix sockets of broker and
 * gateway. Which of those it reaches, its root (web/server/confine.h) and its user's rights decide. */
static int allow_web(scmp_filter_ctx ctx)
{
    static const int calls[] = {SCMP_SYS(accept4), SCMP_SYS(connect), SCMP_SYS(sendmsg)};
    int code = allow_socket_options(ctx);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
    }
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 1, SCMP_A0(SCMP_CMP_EQ, AF_UNIX));
    code |= allow_above_stderr(ctx, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_DUPFD_CLOEXEC));
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(setsockopt), 2,
            SCMP_A1(SCMP_CMP_EQ, SOL_SOCKET), SCMP_A2(SCMP_CMP_EQ, SO_SNDBUF));
    /* Two files that were opened before: an uploaded certificate (base/cert_slots.h). */
    static const int file_calls[] = {
            SCMP_SYS(pread64), SCMP_SYS(pwrite64), SCMP_SYS(ftruncate), SCMP_SYS(fdatasync)};
    for (size_t i = 0; i < sizeof(file_calls) / sizeof(file_calls[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, file_calls[i], 0);
    }
    return code;
}

/* A session sends no fds: in flight they count for its user, and would keep consoles from sending theirs. */
static int allow_by_profile(scmp_filter_ctx ctx, enum orl_sandbox_profile profile)
{
    if (profile == ORL_SANDBOX_SESSION) {
        return allow_socket_options(ctx);
    }
    if (profile == ORL_SANDBOX_WEB) {
        return allow_web(ctx);
    }
    /* A console reads the memory that QEMU shares. */
    int code = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(pread64), 0);
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 0);
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(memfd_create), 1,
            SCMP_A1(SCMP_CMP_EQ, MFD_CLOEXEC | MFD_ALLOW_SEALING));
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(ftruncate), 0);
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, F_ADD_SEALS));
    return code;
}

static int allow_with_arguments(scmp_filter_ctx ctx, enum orl_sandbox_profile profile)
{
    int code = 0;
    /* Threads only: with CLONE_THREAD and without any new namespace. clone3's arguments are in
     * memory, out of a filter's sight; glibc falls back to clone on ENOSYS. */
    const unsigned long namespaces = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
                                     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (profile != ORL_SANDBOX_WEB) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | namespaces, CLONE_THREAD));
    }
    code |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    /* No new executable pages. */
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1, SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    /* To the connected peer only. */
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 2, SCMP_A4(SCMP_CMP_EQ, 0),
            SCMP_A5(SCMP_CMP_EQ, 0));
    code |= allow_above_stderr(ctx, SCMP_SYS(fcntl), SCMP_A1(SCMP_CMP_EQ, F_SETFL));
    code |= allow_above_stderr(ctx, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO));
    const int fcntls[] = {F_GETFL, F_GETFD, F_SETFD, F_GET_SEALS};
    for (size_t i = 0; i < sizeof(fcntls) / sizeof(fcntls[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1,
                SCMP_A1(SCMP_CMP_EQ, (scmp_datum_t)fcntls[i]));
    }
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), 1, SCMP_A1(SCMP_CMP_EQ, FIONREAD));
    code |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 1,
            SCMP_A1(SCMP_CMP_EQ, 0x5401 /* TCGETS: isatty() */));
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1, SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME));
    /* glibc's fstat() is newfstatat() with an empty path; landlock does not cover stat by path. */
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
            SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
    code |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOENT), SCMP_SYS(newfstatat), 1,
            SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, 0));
    /* raise() and abort() signal only ourselves. */
    code |= seccomp_rule_add(
            ctx, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid()));
    return code | allow_by_profile(ctx, profile);
}

static int load_filter(enum orl_sandbox_profile profile, struct orl_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
    if (ctx == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "seccomp: out of memory");
    }
    /* Every thread, were there one already; other instruction sets end the whole process, too. */
    int code = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
    code |= seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    for (size_t i = 0; i < sizeof(not_there) / sizeof(not_there[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOENT), not_there[i], 0);
    }
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), refused[i], 0);
    }
    code |= allow_with_arguments(ctx, profile);
    int failed = code != 0 ? -EINVAL : seccomp_load(ctx);
    seccomp_release(ctx);
    if (failed != 0) {
        return orl_err_sys(err, -failed,
                "seccomp: the kernel refused the filter; Oriel does not run "
                "without (CONFIG_SECCOMP_FILTER)");
    }
    return 0;
}

/* No rule is added: every path, TCP address and abstract socket is out of reach. */
static int enter_landlock(void)
{
    int abi = 0;
    int fd = orl_landlock_new(&abi);
    if (fd < 0) {
        return 0;
    }
    bool is_in = orl_landlock_enter(fd);
    close(fd);
    return is_in ? abi : 0;
}

static rlim_t max_fds(enum orl_sandbox_profile profile)
{
    struct rlimit now = {0};
    if (profile == ORL_SANDBOX_WEB) {
        (void)getrlimit(RLIMIT_NOFILE, &now);
        return now.rlim_cur < WEB_FDS ? now.rlim_cur : WEB_FDS;
    }
    return profile == ORL_SANDBOX_CONSOLE ? CONSOLE_FDS : SESSION_FDS;
}

static void set_limits(enum orl_sandbox_profile profile)
{
    const rlim_t fds = max_fds(profile);
    const struct rlimit files = {fds, fds};
    const struct rlimit memory = {address_space_bytes, address_space_bytes};
    const struct rlimit file_size = {surface_file_bytes, surface_file_bytes};
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)setrlimit(RLIMIT_AS, &memory);
    (void)setrlimit(RLIMIT_CORE, &none);
    (void)setrlimit(RLIMIT_MEMLOCK, &none);
    if (profile == ORL_SANDBOX_CONSOLE) {
        /* A memory file that nobody maps counts for no other limit. */
        (void)setrlimit(RLIMIT_FSIZE, &file_size);
        (void)signal(SIGXFSZ, SIG_IGN);
    }
}

/* Also when it runs as root: the name alone is then left. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    const struct __user_cap_data_struct none[2] = {{0}};
    return (int)syscall(SYS_capset, &head, none);
}

int orl_sandbox_enter(enum orl_sandbox_profile profile, struct orl_sandbox_report *ret_report,
        struct orl_err *err)
{
    struct orl_sandbox_report report = {.has_seccomp = false};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        return orl_err_sys(err, errno, "no_new_privs");
    }
    if (drop_capabilities() < 0) {
        return orl_err_sys(err, errno, "capabilities");
    }
    set_limits(profile);
    report.landlock_abi = enter_landlock();
    report.has_landlock = report.landlock_abi > 0;
    int code = load_filter(profile, err);
    if (code < 0) {
        return code;
    }
    report.has_seccomp = true;
    *ret_report = report;
    return 0;
}
