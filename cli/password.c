#include "cli/password.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

/* One byte at a time: nothing of what follows the line is taken from a shared standard input. */
static int read_line(int fd, char *ret, size_t size, struct orl_err *err)
{
    size_t len = 0;
    for (;;) {
        char c = 0;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return orl_err_sys(err, errno, "password");
        }
        if (got == 0 || c == '\n') {
            break;
        }
        bool is_control = (unsigned char)c < 0x20 && c != '\r';
        if (len + 1 == size || is_control) {
            return orl_err_set(err, ORL_E_INVAL, "the password is too long or no text");
        }
        ret[len++] = c;
    }
    if (len > 0 && ret[len - 1] == '\r') {
        len--;
    }
    ret[len] = '\0';
    return len > 0 ? 0 : orl_err_set(err, ORL_E_INVAL, "the password is empty");
}

int orl_cli_password_read(const char *path, char *ret, size_t size, struct orl_err *err)
{
    if (strcmp(path, "-") == 0) {
        return read_line(STDIN_FILENO, ret, size, err);
    }
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        int errno_value = errno;
        return orl_err_set(err, ORL_E_INVAL, "%.150s: %s", path, strerrordesc_np(errno_value));
    }
    return read_line(fd, ret, size, err);
}

static int ask_once(int fd, const char *prompt, char *ret, size_t size, struct orl_err *err)
{
    (void)dprintf(fd, "%s: ", prompt);
    int rc = read_line(fd, ret, size, err);
    (void)dprintf(fd, "\n");
    return rc;
}

static int ask_twice(int fd, const char *prompt, char *ret, size_t size, struct orl_err *err)
{
    char again[512];
    char text[200];
    int rc = ask_once(fd, prompt, ret, size, err);
    if (rc < 0) {
        return rc;
    }
    (void)snprintf(text, sizeof(text), "%.150s, again", prompt);
    rc = ask_once(fd, text, again, sizeof(again), err);
    if (rc == 0 && strcmp(ret, again) != 0) {
        rc = orl_err_set(err, ORL_E_INVAL, "the two passwords differ");
    }
    orl_secret_wipe(again, sizeof(again));
    return rc;
}

int orl_cli_password_ask(const char *prompt, char *ret, size_t size, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    struct termios before;
    if (fd < 0 || tcgetattr(fd, &before) < 0) {
        return orl_err_set(err, ORL_E_INVAL,
                "no terminal to ask for a password: use --password-file FILE (- for stdin)");
    }
    struct termios silent = before;
    /* Ctrl-C ends the line instead of us: a program that dies here leaves a silent terminal. */
    silent.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ISIG);
    silent.c_lflag |= ICANON;
    silent.c_cc[VEOL] = before.c_cc[VINTR];
    if (tcsetattr(fd, TCSAFLUSH, &silent) < 0) {
        return orl_err_sys(err, errno, "terminal");
    }
    int rc = ask_twice(fd, prompt, ret, size, err);
    (void)tcsetattr(fd, TCSAFLUSH, &before);
    return rc;
}
