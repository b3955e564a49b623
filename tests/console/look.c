/* oriel-test-look PATH OUT.ppm [WxH]: a console on the VNC server at that Unix socket; asks for that size, presses
 * a key, and writes what the surface shows after a while. For looking, not run by ctest. */
#include "tests/console/rig.h"
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define LOOK_AFTER_MS 2000

int main(int argc, char **argv)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (argc < 3 || strlen(argv[1]) >= sizeof(addr.sun_path)) {
        (void)fprintf(stderr, "oriel-test-look PATH OUT.ppm [WxH]\n");
        return 64;
    }
    memcpy(addr.sun_path, argv[1], strlen(argv[1]));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        perror("oriel-test-look");
        return 1;
    }
    struct rig_console console;
    struct rig_link link;
    rig_console_start(&console, fd, "");
    rig_link_open(&link, &console);
    while (link.surface == NULL && link.closed == ORL_REASON_NONE) {
        (void)rig_link_pump(&link, 1000);
    }
    (void)poll(NULL, 0, LOOK_AFTER_MS);
    unsigned width = 0;
    unsigned height = 0;
    if (argc > 3 && sscanf(argv[3], "%ux%u", &width, &height) == 2) {
        const struct orl_layout layout = orl_layout_one(width, height);
        rig_link_layout(&link, &layout);
    }
    rig_link_key(&link, 0x1E, true);
    rig_link_key(&link, 0x1E, false);
    for (int i = 0; i < 5; i++) {
        (void)rig_link_pump(&link, LOOK_AFTER_MS / 5);
    }
    if (link.surface != NULL) {
        (void)printf("%ux%u\n", orl_surface_width(link.surface), orl_surface_height(link.surface));
        rig_surface_dump(link.surface, argv[2]);
    }
    bool has_seen = link.surface != NULL;
    rig_link_close(&link);
    rig_console_kill(&console);
    return has_seen ? 0 : 1;
}
