/* oriel-keyboard FOLDER NAME: gives the X server the keyboard FOLDER/NAME.xkm, which xkbcomp has compiled, and its name
 * ("de", "ch(fr)") to who asks the server for that, as setxkbmap does. xkbcomp would send the file too, but asks the
 * server for each of its some 200 words, and an emulated machine pays for each question: this asks once for all.
 * Not here: keyboards that nobody has compiled, which are setxkbmap's. */
#include <stdio.h> /* for those that follow */

#include <X11/XKBlib.h>
#include <X11/Xlib.h>
#include <X11/extensions/XKBfile.h>
#include <X11/extensions/XKBrules.h>
#include <X11/extensions/XKM.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>

/* Not the picture of its keys. */
#define REQUIRED ((unsigned)XkmKeymapRequired)
#define WANTED ((unsigned)XkmKeymapLegal & ~(unsigned)XkmGeometryMask)
enum { WORDS_MAX = 2048, NAME_MAX_BYTES = 32, HEAD_BYTES = 16 };

/* What a keyboard's words are called here, before the server is asked: 1 and up, as libxkbfile counts them. */
struct words {
    int count;
    char *text[WORDS_MAX];
    Atom atom[WORDS_MAX];
};

static int fail(const char *name, const char *why)
{
    (void)fprintf(stderr, "oriel-keyboard: %s: %s\n", name, why);
    return 1;
}

/* The keyboard of a whole file, its words not the server's yet; NULL: it is none. */
static XkbDescPtr read_keyboard(FILE *file)
{
    XkbFileInfo found = {0};
    XkbInitAtoms(NULL);
    unsigned missing = XkmReadFile(file, REQUIRED, WANTED, &found);
    bool is_whole = (missing & REQUIRED) == 0 && _XkbErrCode == _XkbSuccess;
    return is_whole && found.type == XkmKeymapFile && found.xkb->names != NULL ? found.xkb : NULL;
}

static XkbDescPtr open_keyboard(const char *folder, const char *name)
{
    char path[PATH_MAX];
    if (name[0] == '\0' || strchr(name, '/') != NULL || strlen(name) > NAME_MAX_BYTES ||
            snprintf(path, sizeof(path), "%s/%s.xkm", folder, name) >= (int)sizeof(path)) {
        return NULL;
    }
    FILE *file = fopen(path, "re");
    /* Its reader takes a head for granted. */
    bool has_head = file != NULL && fseek(file, 0, SEEK_END) == 0 && ftell(file) > HEAD_BYTES;
    XkbDescPtr xkb = NULL;
    if (has_head) {
        rewind(file);
        xkb = read_keyboard(file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return xkb;
}

/* All of them with one wait. */
static bool ask_words(Display *display, struct words *ret)
{
    ret->count = 0;
    while (ret->count < WORDS_MAX &&
            (ret->text[ret->count] = XkbAtomGetString(NULL, (Atom)ret->count + 1)) != NULL) {
        ret->count++;
    }
    return ret->count > 0 && ret->count < WORDS_MAX &&
           XInternAtoms(display, ret->text, ret->count, False, ret->atom) != 0;
}

static void translate(const struct words *words, Atom *atoms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (atoms[i] != None) {
            atoms[i] = words->atom[atoms[i] - 1];
        }
    }
}

/* What XkbChangeKbdDisplay() does, word for word. */
static void translate_all(const struct words *words, XkbDescPtr xkb)
{
    XkbNamesPtr names = xkb->names;
    Atom *const single[] = {&names->keycodes, &names->geometry, &names->symbols, &names->types,
            &names->compat, &names->phys_symbols};
    for (size_t i = 0; i < sizeof(single) / sizeof(single[0]); i++) {
        translate(words, single[i], 1);
    }
    translate(words, names->vmods, XkbNumVirtualMods);
    translate(words, names->indicators, XkbNumIndicators);
    translate(words, names->groups, XkbNumKbdGroups);
    translate(words, names->radio_groups, names->num_rg);
    for (size_t i = 0; i < xkb->map->num_types; i++) {
        XkbKeyTypePtr type = &xkb->map->types[i];
        translate(words, &type->name, 1);
        if (type->level_names != NULL) {
            translate(words, type->level_names, type->num_levels);
        }
    }
}

/* "ch(fr)" is the variant fr of ch. */
static bool set_name(Display *display, const char *name)
{
    char layout[NAME_MAX_BYTES + 1];
    char variant[NAME_MAX_BYTES + 1] = "";
    char rules[] = "evdev";
    char model[] = "pc105";
    char options[] = "";
    size_t len = strcspn(name, "(");
    (void)snprintf(layout, sizeof(layout), "%.*s", (int)len, name);
    if (name[len] == '(') {
        (void)snprintf(variant, sizeof(variant), "%.*s", (int)strcspn(name + len + 1, ")"),
                name + len + 1);
    }
    XkbRF_VarDefsRec defs = {
            .model = model, .layout = layout, .variant = variant, .options = options};
    return XkbRF_SetNamesProp(display, rules, &defs) != False;
}

int main(int argc, char **argv)
{
    static struct words words;
    if (argc != 3) {
        (void)fprintf(stderr, "usage: oriel-keyboard FOLDER NAME\n");
        return 64;
    }
    XkbDescPtr xkb = open_keyboard(argv[1], argv[2]);
    if (xkb == NULL) {
        return fail(argv[2], "is no keyboard that was compiled");
    }
    Display *display = XOpenDisplay(NULL);
    if (display == NULL) {
        return fail(argv[2], "the X server does not answer");
    }
    if (!ask_words(display, &words)) {
        return fail(argv[2], "the X server does not take its words");
    }
    translate_all(&words, xkb);
    xkb->dpy = display;
    XkbFileInfo whole = {.type = XkmKeymapFile, .xkb = xkb};
    if (!XkbWriteToServer(&whole) || !set_name(display, argv[2])) {
        return fail(argv[2], "the X server does not take it");
    }
    /* An error of the server's ends us here: with a message, and not with 0. */
    XSync(display, False);
    return 0;
}
