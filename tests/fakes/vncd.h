/* oriel-test-vncd: a synthetic VNC desktop on libvncserver. Parts of one program. */
#ifndef ORL_TESTS_FAKES_VNCD_H
#define ORL_TESTS_FAKES_VNCD_H
#include "tests/fakes/scene.h"
#include <rfb/rfb.h>
#include <stdio.h>

struct vncd_options {
    const char *unix_path; /* or */
    int port;              /* 0: any free one; -1: none */
    int width, height;
    enum orl_scene_kind scene;
    int first_frame;
    int copies;
    int fps;
    const char *password;
    const char *log_path, *dump_path;
    bool is_resize_refused, has_ext_keys, has_cursor, want_echo;
    int max_seconds;
};
/* False: it printed why, or the help. */
bool vncd_parse_options(int argc, char **argv, struct vncd_options *ret_options);

/* QEMU Extended Key Event and LED state, which libvncserver lacks. */
struct vncd_keys {
    FILE *log;
    unsigned locks; /* as QEMU counts them: 1 scroll, 2 num, 4 caps */
    void (*on_key)(bool is_pause);
};
void vncd_keys_register(struct vncd_keys *keys);

#endif
