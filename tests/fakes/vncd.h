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
    const char *log_path, *dump_path, *hold_path;
    bool is_resize_refused, has_ext_keys, has_cursor, want_echo;
    const char *clipboard_path, *latin1_path; /* on SIGHUP: the desktop's clipboard now */
    int sine_hz;                              /* QEMU's audio extension plays it; 0: none */
    int max_seconds;
};
/* False: it printed why, or the help. */
bool vncd_parse_options(int argc, char **argv, struct vncd_options *ret_options);

/* QEMU Extended Key Event and LED state, which libvncserver lacks. */
struct vncd_keys {
    FILE *log;
    bool has_ext_keys;
    unsigned locks; /* as QEMU counts them: 1 scroll, 2 num, 4 caps */
    void (*on_key)(bool is_pause);
};
void vncd_keys_register(struct vncd_keys *keys);

/* Cut text, plain and extended: what comes goes to the log. */
void vncd_cut_open(rfbScreenInfoPtr screen, FILE *log);
void vncd_cut_send(rfbScreenInfoPtr screen, const struct vncd_options *options);

#define VNCD_ENCODING_QEMU_AUDIO (-259)
#define VNCD_SUB_AUDIO 1
/* A sine of half the full scale, in what format the client asked for: S16, one or two channels. */
void vncd_sound_open(FILE *log, int sine_hz);
bool vncd_sound_is_on(void);
void vncd_sound_message(rfbClientPtr cl); /* after the submessage's type */
void vncd_sound_forget(rfbClientPtr cl);
void vncd_sound_step(uint64_t now_us);

#endif
