#include "base/sandbox_program.h"

#include "base/cleanup.h"
#include "base/landlock.h"

#include <errno.h>
#include <link.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FDS = 64 };

struct orl_sandbox_program {
    struct orl_sandbox_program_opts limits; /* its paths are not looked at any more */
    int ruleset;                            /* -1: this kernel has none */
    struct sock_fprog filter;               /* owned */
};

/* Threads, files, memory, time. No socket, no other process, no other program's memory, no namespace, no mount, no key. */
static const int allowed[] = {
        SCMP_SYS(read),
        SCMP_SYS(write),
        SCMP_SYS(readv),
        SCMP_SYS(writev),
        SCMP_SYS(pread64),
        SCMP_SYS(pwrite64),
        SCMP_SYS(preadv),
        SCMP_SYS(pwritev),
        SCMP_SYS(preadv2),
        SCMP_SYS(pwritev2),
        SCMP_SYS(copy_file_range),
        SCMP_SYS(lseek),
        SCMP_SYS(fallocate),
        SCMP_SYS(ftruncate),
        SCMP_SYS(fsync),
        SCMP_SYS(fdatasync),
        SCMP_SYS(sync_file_range),
        SCMP_SYS(fadvise64),
        SCMP_SYS(fcntl),
        SCMP_SYS(flock),
        SCMP_SYS(dup),
        SCMP_SYS(dup2),
        SCMP_SYS(dup3),
        SCMP_SYS(pipe2),
        SCMP_SYS(close),
        SCMP_SYS(open),
        SCMP_SYS(openat),
        SCMP_SYS(stat),
        SCMP_SYS(lstat),
        SCMP_SYS(fstat),
        SCMP_SYS(newfstatat),
        SCMP_SYS(statx),
        SCMP_SYS(statfs),
        SCMP_SYS(fstatfs),
        SCMP_SYS(access),
        SCMP_SYS(faccessat),
        SCMP_SYS(faccessat2),
        SCMP_SYS(readlink),
        SCMP_SYS(readlinkat),
        SCMP_SYS(getdents64),
        SCMP_SYS(getcwd),
        SCMP_SYS(umask),
        SCMP_SYS(poll),
        SCMP_SYS(ppoll),
        SCMP_SYS(select),
        SCMP_SYS(pselect6),
        SCMP_SYS(epoll_create1),
        SCMP_SYS(epoll_ctl),
        SCMP_SYS(epoll_wait),
        SCMP_SYS(epoll_pwait),
        SCMP_SYS(eventfd2),
        SCMP_SYS(signalfd4),
        SCMP_SYS(timerfd_create),
        SCMP_SYS(timerfd_settime),
        SCMP_SYS(brk),
        SCMP_SYS(mmap),
        SCMP_SYS(mprotect),
        SCMP_SYS(munmap),
        SCMP_SYS(mremap),
        SCMP_SYS(madvise),
        SCMP_SYS(membarrier),
        SCMP_SYS(get_mempolicy),
        SCMP_SYS(futex),
        SCMP_SYS(set_tid_address),
        SCMP_SYS(set_robust_list),
        SCMP_SYS(rseq),
        SCMP_SYS(arch_prctl),
        SCMP_SYS(sched_yield),
        SCMP_SYS(sched_getaffinity),
        SCMP_SYS(gettid),
        SCMP_SYS(getpid),
        SCMP_SYS(getppid),
        SCMP_SYS(getuid),
        SCMP_SYS(geteuid),
        SCMP_SYS(getgid),
        SCMP_SYS(getegid),
        SCMP_SYS(getrlimit),
        SCMP_SYS(getrusage),
        SCMP_SYS(uname),
        SCMP_SYS(sysinfo),
        SCMP_SYS(getrandom),
        SCMP_SYS(clock_gettime),
        SCMP_SYS(clock_getres),
        SCMP_SYS(clock_nanosleep),
        SCMP_SYS(nanosleep),
        SCMP_SYS(gettimeofday),
        SCMP_SYS(time),
        SCMP_SYS(rt_sigaction),
        SCMP_SYS(rt_sigprocmask),
        SCMP_SYS(rt_sigreturn),
        SCMP_SYS(rt_sigtimedwait),
        SCMP_SYS(sigaltstack),
        SCMP_SYS(restart_syscall),
        SCMP_SYS(execve), /* which, landlock says */
        SCMP_SYS(exit),
        SCMP_SYS(exit_group),
};

static int add_rules(scmp_filter_ctx ctx)
{
    const unsigned long namespaces = CLONE_NEWNS | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET |
                                     CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    int code = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i], 0);
    }
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | namespaces, CLONE_THREAD));
    code |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    code |= seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
    /* Asks for a limit, sets none. */
    code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
            SCMP_A0(SCMP_CMP_EQ, 0, 0), SCMP_A2(SCMP_CMP_EQ, 0, 0));
    static const int prctls[] = {PR_SET_NAME, PR_GET_NAME, PR_SET_TIMERSLACK};
    for (size_t i = 0; i < sizeof(prctls) / sizeof(prctls[0]); i++) {
        code |= seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)prctls[i], 0));
    }
    return code;
}

/* The filter as the kernel wants it: libseccomp 2.5 writes it to a file only. */
static int export_filter(scmp_filter_ctx ctx, struct sock_fprog *ret_filter)
{
    struct stat st;
    ORL_AUTO(orl_close_auto) int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0 || seccomp_export_bpf(ctx, fd) < 0 || fstat(fd, &st) < 0) {
        return ORL_E_SYS;
    }
    size_t size = (size_t)st.st_size;
    size_t count = size / sizeof(struct sock_filter);
    struct sock_filter *code = count > 0 && count <= BPF_MAXINSNS ? malloc(size) : NULL;
    if (code == NULL || pread(fd, code, size, 0) != (ssize_t)size) {
        free(code);
        return ORL_E_NOMEM;
    }
    *ret_filter = (struct sock_fprog){.len = (unsigned short)count, .filter = code};
    return 0;
}

static int make_filter(struct sock_fprog *ret_filter, struct orl_err *err)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    int r = ctx != NULL && add_rules(ctx) == 0 ? export_filter(ctx, ret_filter) : ORL_E_NOMEM;
    seccomp_release(ctx);
    return r < 0 ? orl_err_set(err, r, "seccomp: no filter could be made") : 0;
}

/* Of the first, which is ourselves: the loader's path. */
static int find_loader(struct dl_phdr_info *info, size_t size, void *ret_path)
{
    (void)size;
    for (unsigned i = 0; i < info->dlpi_phnum; i++) {
        if (info->dlpi_phdr[i].p_type == PT_INTERP) {
            const char **path = ret_path;
            *path = (const char *)(uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
        }
    }
    return 1;
}

/* What any program reads before it is at its own business, and /dev/null, whose locks QEMU tries. */
static bool add_paths(int ruleset, int abi, const struct orl_sandbox_program_opts *opts)
{
    static const char *const reads[] = {"/usr", "/lib", "/lib64", "/etc/ld.so.cache",
            "/etc/localtime", "/etc/ssl/openssl.cnf", "/etc/gnutls", "/dev/urandom",
            "/sys/devices/system/cpu", "/sys/devices/system/node"};
    bool is_good = orl_landlock_allow(ruleset, abi, "/dev/null", ORL_LANDLOCK_WRITE);
    for (size_t i = 0; i < sizeof(reads) / sizeof(reads[0]); i++) {
        is_good = is_good && orl_landlock_allow(ruleset, abi, reads[i], ORL_LANDLOCK_READ);
    }
    const char *loader = opts->path; /* of programs that need one, ours is theirs */
    (void)dl_iterate_phdr(find_loader, &loader);
    const char *const programs[] = {opts->path, loader};
    for (size_t i = 0; i < sizeof(programs) / sizeof(programs[0]); i++) {
        is_good = is_good && orl_landlock_allow(ruleset, abi, programs[i],
                                     ORL_LANDLOCK_EXECUTE | ORL_LANDLOCK_READ);
    }
    is_good = is_good && (opts->reads == NULL ||
                                 orl_landlock_allow(ruleset, abi, opts->reads, ORL_LANDLOCK_READ));
    return is_good && (opts->writes == NULL ||
                              orl_landlock_allow(ruleset, abi, opts->writes, ORL_LANDLOCK_WRITE));
}

int orl_sandbox_program_new(const struct orl_sandbox_program_opts *opts,
        struct orl_sandbox_program **ret_program, struct orl_err *err)
{
    int abi = 0;
    struct orl_sandbox_program *program = calloc(1, sizeof(*program));
    if (program == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "sandbox");
    }
    program->limits = *opts;
    program->ruleset = orl_landlock_new(&abi);
    int r = make_filter(&program->filter, err);
    if (r == 0 && program->ruleset >= 0 && !add_paths(program->ruleset, abi, opts)) {
        r = orl_err_sys(err, errno, "landlock");
    }
    if (r < 0) {
        orl_sandbox_program_free(program);
        return r;
    }
    *ret_program = program;
    return 0;
}

static bool limit(__rlimit_resource_t what, rlim_t most)
{
    const struct rlimit both = {most, most};
    return setrlimit(what, &both) == 0;
}

bool orl_sandbox_program_enter(const struct orl_sandbox_program *program)
{
    return limit(RLIMIT_AS, program->limits.memory_bytes) &&
           limit(RLIMIT_FSIZE, program->limits.file_bytes) &&
           limit(RLIMIT_CPU, program->limits.cpu_s) && limit(RLIMIT_NOFILE, FDS) &&
           limit(RLIMIT_CORE, 0) && limit(RLIMIT_MEMLOCK, 0) &&
           prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
           (program->ruleset < 0 || orl_landlock_enter(program->ruleset)) &&
           prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program->filter) == 0;
}

void orl_sandbox_program_free(struct orl_sandbox_program *program)
{
    if (program != NULL) {
        orl_close_fd(&program->ruleset);
        free(program->filter.filter);
        free(program);
    }
}
