/* A program that was confined: Python, because it can be told to do anything. */
#include "base/landlock.h"
#include "base/sandbox_program.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char python[] = "/usr/bin/python3";
static char folder[] = "/tmp/oriel-confined.XXXXXX";
static char given[64];
static char result[64];
static char other[64];

static void put(const char *path)
{
    FILE *file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("text", file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folder(void **state)
{
    (void)state;
    if (mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(given, sizeof(given), "%s/given", folder);
    (void)snprintf(result, sizeof(result), "%s/result", folder);
    (void)snprintf(other, sizeof(other), "%s/other", folder);
    put(given);
    put(result);
    put(other);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    (void)unlink(given);
    (void)unlink(result);
    (void)unlink(other);
    return rmdir(folder);
}

/* "yes": done; else the name of the error. The deed's paths are sys.argv[1..]: given, result, other. */
static void assert_says(const char *deed, const char *wanted)
{
    static const char wrap[] = "import os, socket, subprocess, sys, ctypes, threading\n"
                               "_, given, result, other = sys.argv\n"
                               "try:\n"
                               "    %s\n"
                               "    print('yes', end='')\n"
                               "except OSError as fault:\n"
                               "    print(type(fault).__name__, end='')\n";
    char script[1024];
    char said[256] = "";
    int out[2];
    struct orl_sandbox_program *program = NULL;
    const struct orl_sandbox_program_opts opts = {.path = python,
            .reads = given,
            .writes = result,
            .memory_bytes = UINT64_C(2) << 30,
            .file_bytes = 4096,
            .cpu_s = 60};
    (void)snprintf(script, sizeof(script), wrap, deed);
    assert_int_equal(orl_sandbox_program_new(&opts, &program, NULL), 0);
    assert_int_equal(pipe(out), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        if (dup2(out[1], STDOUT_FILENO) >= 0 && orl_sandbox_program_enter(program)) {
            (void)execl(python, python, "-I", "-S", "-c", script, given, result, other, NULL);
        }
        _exit(99);
    }
    close(out[1]);
    size_t len = 0;
    for (ssize_t n = 1; n > 0 && len < sizeof(said) - 1;) {
        n = read(out[0], said + len, sizeof(said) - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    }
    close(out[0]);
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_string_equal(said, wanted);
    orl_sandbox_program_free(program);
}

static bool has_landlock(void)
{
    int abi = 0;
    int fd = orl_landlock_new(&abi);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0 && abi >= 3;
}

static void its_own_files_and_threads_work(void **state)
{
    (void)state;
    assert_says("assert open(given).read() == 'text'", "yes");
    assert_says("open(result, 'w').write('done')", "yes");
    assert_says("t = threading.Thread(target=print, args=('',), kwargs={'end': ''}); t.start(); "
                "t.join()",
            "yes");
}

static void other_files_are_out_of_reach(void **state)
{
    (void)state;
    if (!has_landlock()) {
        skip();
    }
    assert_says("open(other)", "PermissionError");
    assert_says("open(given, 'w')", "PermissionError");
    assert_says("open('/etc/passwd')", "PermissionError");
    assert_says("open(other + '.new', 'w')", "PermissionError");
    assert_says("os.execv('/bin/sh', ['sh', '-c', 'echo yes'])", "PermissionError");
}

static void calls_that_are_not_listed_fail(void **state)
{
    (void)state;
    assert_says("socket.socket(socket.AF_INET)", "PermissionError");
    assert_says("socket.socket(socket.AF_UNIX)", "PermissionError");
    assert_says("os.fork()", "PermissionError");
    assert_says("os.kill(os.getppid(), 0)", "PermissionError");
    assert_says("os.unlink(result)", "PermissionError");
    assert_says("os.chmod(result, 0o777)", "PermissionError");
    assert_says("os.setsid()", "PermissionError");
}

static void no_file_gets_larger_than_it_may(void **state)
{
    (void)state;
    assert_says("import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
                "os.write(os.open(result, os.O_WRONLY), bytes(4096)); "
                "os.pwrite(os.open(result, os.O_WRONLY), b'x', 4096)",
            "OSError");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(its_own_files_and_threads_work),
            cmocka_unit_test(other_files_are_out_of_reach),
            cmocka_unit_test(calls_that_are_not_listed_fail),
            cmocka_unit_test(no_file_gets_larger_than_it_may),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
