#include "tests/fakes/vncd.h"
#include <getopt.h>
#include <stdlib.h>

static void usage(FILE *out)
{
    (void)fputs(
            "oriel-test-vncd (--unix PATH | --port N) [options]\n"
            "  --size WxH            1280x800\n"
            "  --scene NAME          still pattern typing scroll drag video motion photo mixed\n"
            "  --at N                the scene begins at its frame N\n"
            "  --fps N               of what moves, 30\n"
            "  --password X          VNC authentication\n"
            "  --log FILE            a line for each key, pointer event, client, size\n"
            "  --dump FILE           on SIGUSR1: the picture as PPM\n"
            "  --refuse-resize       answers SetDesktopSize with a refusal\n"
            "  --no-ext-keys         keysyms only\n"
            "  --no-cursor           no cursor shape\n"
            "  --echo                a key press changes the colour of the top left corner\n"
            "  --max-seconds N       ends by itself, 600\n",
            out);
}

static bool parse_number(const char *text, long min, long max, int *ret)
{
    char *end = NULL;
    long v = strtol(text, &end, 10);
    if (end == text || *end != '\0' || v < min || v > max) {
        (void)fprintf(
                stderr, "oriel-test-vncd: '%s' is not a number from %ld to %ld\n", text, min, max);
        return false;
    }
    *ret = (int)v;
    return true;
}

static bool parse_size(const char *text, struct vncd_options *o)
{
    if (sscanf(text, "%dx%d", &o->width, &o->height) == 2 && o->width >= 64 && o->height >= 64 &&
            o->width <= 8192 && o->height <= 8192) {
        return true;
    }
    (void)fprintf(stderr, "oriel-test-vncd: '%s' is no size\n", text);
    return false;
}

static bool take(int c, struct vncd_options *o)
{
    switch (c) {
    case 'u':
        o->unix_path = optarg;
        return true;
    case 'p':
        return parse_number(optarg, 0, 65535, &o->port);
    case 's':
        return parse_size(optarg, o);
    case 'c':
        return orl_scene_parse(optarg, &o->scene);
    case 'f':
        return parse_number(optarg, 1, 240, &o->fps);
    case 'a':
        return parse_number(optarg, 0, 1000000, &o->first_frame);
    case 'w':
        o->password = optarg;
        return true;
    case 'l':
        o->log_path = optarg;
        return true;
    case 'd':
        o->dump_path = optarg;
        return true;
    case 'r':
        o->is_resize_refused = true;
        return true;
    case 'k':
        o->has_ext_keys = false;
        return true;
    case 'C':
        o->has_cursor = false;
        return true;
    case 'e':
        o->want_echo = true;
        return true;
    case 'H':
        o->hold_path = optarg;
        return true;
    case 'n':
        return parse_number(optarg, 1, 256, &o->copies);
    case 'b':
        o->clipboard_path = optarg;
        return true;
    case 'B':
        o->latin1_path = optarg;
        return true;
    case 'S':
        return parse_number(optarg, 20, 20000, &o->sine_hz);
    case 'm':
        return parse_number(optarg, 1, 86400, &o->max_seconds);
    default:
        return false;
    }
}

bool vncd_parse_options(int argc, char **argv, struct vncd_options *ret_options)
{
    static const struct option longs[] = {{"unix", 1, NULL, 'u'}, {"port", 1, NULL, 'p'},
            {"size", 1, NULL, 's'}, {"scene", 1, NULL, 'c'}, {"at", 1, NULL, 'a'},
            {"fps", 1, NULL, 'f'}, {"password", 1, NULL, 'w'}, {"log", 1, NULL, 'l'},
            {"dump", 1, NULL, 'd'}, {"refuse-resize", 0, NULL, 'r'}, {"no-ext-keys", 0, NULL, 'k'},
            {"no-cursor", 0, NULL, 'C'}, {"echo", 0, NULL, 'e'}, {"copies", 1, NULL, 'n'},
            {"hold", 1, NULL, 'H'}, {"clipboard", 1, NULL, 'b'}, {"clipboard-latin1", 1, NULL, 'B'},
            {"sine", 1, NULL, 'S'}, {"max-seconds", 1, NULL, 'm'}, {"help", 0, NULL, 'h'}, {0}};
    struct vncd_options o = {.port = -1,
            .width = 1280,
            .height = 800,
            .scene = ORL_SCENE_PATTERN,
            .fps = 30,
            .has_ext_keys = true,
            .has_cursor = true,
            .max_seconds = 600};
    for (int c = 0; (c = getopt_long(argc, argv, "", longs, NULL)) != -1;) {
        if (!take(c, &o)) {
            usage(c == 'h' ? stdout : stderr);
            return false;
        }
    }
    if ((o.unix_path == NULL) == (o.port < 0) || optind != argc) {
        usage(stderr);
        return false;
    }
    *ret_options = o;
    return true;
}
