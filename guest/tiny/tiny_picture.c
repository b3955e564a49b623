/* tiny-picture: writes on the host, as PPM, the picture that the tiny guest shows. */
#include "picture.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int usage(void)
{
    (void)fputs("Usage: tiny-picture WIDTH HEIGHT [--key CODE+|CODE-]... [--pointer X Y]\n"
                "           [--buttons MASK] [--wheel V H] > picture.ppm\n"
                "  WIDTH, HEIGHT 1..16384. The last 8 keys are shown, as in the guest.\n",
            stderr);
    return 64;
}

static int parse_number(const char *text, long min, long max, long *ret_value)
{
    char *end = NULL;
    errno = 0;
    const long value = strtol(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < min || value > max) {
        return -1;
    }
    *ret_value = value;
    return 0;
}

static int parse_key(char *text, struct orl_picture_state *state)
{
    const size_t length = strlen(text);
    if (length < 2 || (text[length - 1] != '+' && text[length - 1] != '-')) {
        return -1;
    }
    const bool is_down = text[length - 1] == '+';
    long code = 0;
    text[length - 1] = '\0';
    if (parse_number(text, 0, UINT16_MAX, &code) < 0) {
        return -1;
    }
    orl_picture_add_key(state, (uint16_t)code, is_down);
    return 0;
}

/* Returns how many arguments were used, or -1. */
static int parse_option(int left, char **argv, struct orl_picture_state *state)
{
    long a = 0;
    long b = 0;
    if (left >= 2 && strcmp(argv[0], "--key") == 0) {
        return parse_key(argv[1], state) < 0 ? -1 : 2;
    }
    if (left >= 2 && strcmp(argv[0], "--buttons") == 0 && parse_number(argv[1], 0, 31, &a) == 0) {
        state->buttons = (uint32_t)a;
        return 2;
    }
    if (left < 3 || parse_number(argv[1], INT16_MIN, INT16_MAX, &a) < 0 ||
            parse_number(argv[2], INT16_MIN, INT16_MAX, &b) < 0) {
        return -1;
    }
    if (strcmp(argv[0], "--pointer") == 0 && a >= 0 && b >= 0) {
        state->x = (uint32_t)a;
        state->y = (uint32_t)b;
        return 3;
    }
    if (strcmp(argv[0], "--wheel") == 0) {
        state->wheel = (int32_t)a;
        state->hwheel = (int32_t)b;
        return 3;
    }
    return -1;
}

static int write_ppm(const struct orl_canvas *canvas)
{
    (void)printf("P6\n%u %u\n255\n", canvas->width, canvas->height);
    for (uint64_t i = 0; i < (uint64_t)canvas->width * canvas->height; i++) {
        const uint32_t px = canvas->px[i];
        const unsigned char bytes[3] = {(unsigned char)(px >> 16 & 255),
                (unsigned char)(px >> 8 & 255), (unsigned char)(px & 255)};
        if (fwrite(bytes, sizeof bytes, 1, stdout) != 1) {
            return -1;
        }
    }
    return fflush(stdout) == 0 ? 0 : -1;
}

int main(int argc, char **argv)
{
    long width = 0;
    long height = 0;
    struct orl_picture_state state = {0};
    if (argc < 3 || parse_number(argv[1], 1, ORL_PICTURE_MAX, &width) < 0 ||
            parse_number(argv[2], 1, ORL_PICTURE_MAX, &height) < 0) {
        return usage();
    }
    for (int i = 3; i < argc;) {
        const int used = parse_option(argc - i, argv + i, &state);
        if (used < 0) {
            return usage();
        }
        i += used;
    }
    struct orl_canvas canvas = {
            .stride = (uint32_t)width, .width = (uint32_t)width, .height = (uint32_t)height};
    canvas.px = calloc((size_t)width * (size_t)height, sizeof *canvas.px);
    if (canvas.px == NULL) {
        (void)fputs("tiny-picture: out of memory\n", stderr);
        return 1;
    }
    orl_picture_paint(&canvas, &state);
    const int r = write_ppm(&canvas);
    free(canvas.px);
    if (r < 0) {
        (void)fputs("tiny-picture: write failed\n", stderr);
    }
    return r < 0 ? 1 : 0;
}
