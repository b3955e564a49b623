/* The tiny guest's input: every evdev device, found again and again, because USB ones appear late. */
#ifndef ORL_TINY_INPUT_H
#define ORL_TINY_INPUT_H
#include <linux/input.h>
#include <poll.h>
#include <stdint.h>

enum { ORL_INPUT_MAX = 16 };

struct orl_input_device {
    int fd; /* -1: free */
    unsigned number;
    int32_t max_x, max_y; /* 0: not an absolute pointer */
    char name[64];
};

struct orl_input {
    struct orl_input_device devices[ORL_INPUT_MAX];
};

void orl_input_init(struct orl_input *input);
/* Opens what is new under /dev/input; calls back with each new device's name. */
void orl_input_rescan(struct orl_input *input, void (*on_device)(const char *name));
/* One event of one device. Returns 1 with an event, 0 with none; closes a device that is gone. */
int orl_input_read(struct orl_input_device *device, struct input_event *ret_event);
#endif
