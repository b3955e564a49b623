/* oriel-test-liar: a VNC server that lies. `--fd N` serves that socket; `--unix PATH` serves each client in turn. */
#include "tests/fakes/liar.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define MAX_SECONDS 300

static int serve_path(const char *lie, const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(addr.sun_path)) {
        return 64;
    }
    memcpy(addr.sun_path, path, strlen(path));
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 4) < 0) {
        perror("oriel-test-liar");
        return 1;
    }
    (void)printf("ready %s\n", path);
    (void)fflush(stdout);
    for (int client; (client = accept(fd, NULL, NULL)) >= 0; close(client)) {
        if (!liar_serve(lie, client)) {
            return 64;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    (void)alarm(MAX_SECONDS); /* nobody leaves it behind */
    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        liar_list();
        return 0;
    }
    if (argc == 4 && strcmp(argv[2], "--fd") == 0) {
        return liar_serve(argv[1], (int)strtol(argv[3], NULL, 10)) ? 0 : 64;
    }
    if (argc == 4 && strcmp(argv[2], "--unix") == 0) {
        return serve_path(argv[1], argv[3]);
    }
    (void)fprintf(stderr, "oriel-test-liar LIE (--fd N | --unix PATH), or --list\n");
    return 64;
}
