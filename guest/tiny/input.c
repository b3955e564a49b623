/* See input.h. */
#include "input.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { EVENT_NODES = 32 };

void orl_input_init(struct orl_input *input)
{
    memset(input, 0, sizeof *input);
    for (unsigned i = 0; i < ORL_INPUT_MAX; i++) {
        input->devices[i].fd = -1;
    }
}

static struct orl_input_device *free_slot(struct orl_input *input, unsigned number)
{
    struct orl_input_device *slot = NULL;
    for (unsigned i = 0; i < ORL_INPUT_MAX; i++) {
        struct orl_input_device *device = &input->devices[i];
        if (device->fd >= 0 && device->number == number) {
            return NULL;
        }
        if (device->fd < 0 && slot == NULL) {
            slot = device;
        }
    }
    return slot;
}

static int32_t axis_max(int fd, unsigned axis)
{
    struct input_absinfo info = {0};
    return ioctl(fd, EVIOCGABS(axis), &info) < 0 ? 0 : info.maximum;
}

void orl_input_rescan(struct orl_input *input, void (*on_device)(const char *name))
{
    for (unsigned n = 0; n < EVENT_NODES; n++) {
        struct orl_input_device *slot = free_slot(input, n);
        char path[32];
        if (slot == NULL) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/dev/input/event%u", n);
        const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0) {
            continue;
        }
        *slot = (struct orl_input_device){
                .fd = fd, .number = n, .max_x = axis_max(fd, ABS_X), .max_y = axis_max(fd, ABS_Y)};
        if (ioctl(fd, EVIOCGNAME(sizeof slot->name - 1), slot->name) < 0) {
            (void)snprintf(slot->name, sizeof slot->name, "event%u", n);
        }
        on_device(slot->name);
    }
}

int orl_input_read(struct orl_input_device *device, struct input_event *ret_event)
{
    const ssize_t got = read(device->fd, ret_event, sizeof *ret_event);
    if (got == (ssize_t)sizeof *ret_event) {
        return 1;
    }
    if (got >= 0 || (errno != EAGAIN && errno != EINTR)) {
        (void)close(device->fd);
        device->fd = -1;
    }
    return 0;
}
