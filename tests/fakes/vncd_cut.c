#include "tests/fakes/vncd.h"
#include <stdlib.h>

#define FILE_MAX_BYTES (1 << 20)

static FILE *cut_log; /* libvncserver's hooks have no context of their own */

/* One line, whatever the text holds. */
static void log_text(const char *kind, const char *text, int len)
{
    (void)fprintf(cut_log, "cut %s len=%d text=", kind, len);
    for (int i = 0; i < len && i < 200; i++) {
        uint8_t c = (uint8_t)text[i];
        (void)fprintf(cut_log, c < 0x20 || c == '\\' ? "\\x%02x" : "%c", c);
    }
    (void)fprintf(cut_log, "\n");
}

static void on_plain(char *text, int len, rfbClientPtr cl)
{
    (void)cl;
    log_text("latin1", text, len);
}

static void on_utf8(char *text, int len, rfbClientPtr cl)
{
    (void)cl;
    log_text("utf8", text, len);
}

void vncd_cut_open(rfbScreenInfoPtr screen, FILE *log)
{
    cut_log = log;
    screen->setXCutText = on_plain;
    screen->setXCutTextUTF8 = on_utf8;
}

/* libvncserver 0.9.14 keeps the lock of a client that has not, and has no plain text for it either. */
static bool is_extended(rfbScreenInfoPtr screen)
{
    bool is_all = true;
    rfbClientIteratorPtr it = rfbGetClientIterator(screen);
    for (rfbClientPtr cl; (cl = rfbClientIteratorNext(it)) != NULL;) {
        is_all &= cl->enableExtendedClipboard != 0;
    }
    rfbReleaseClientIterator(it);
    return is_all;
}

void vncd_cut_send(rfbScreenInfoPtr screen, const struct vncd_options *options)
{
    bool is_utf8 = options->clipboard_path != NULL;
    if (is_utf8 && !is_extended(screen)) {
        return;
    }
    const char *path = is_utf8 ? options->clipboard_path : options->latin1_path;
    FILE *f = path != NULL ? fopen(path, "re") : NULL;
    char *text = f != NULL ? malloc(FILE_MAX_BYTES) : NULL;
    if (text != NULL) {
        int len = (int)fread(text, 1, FILE_MAX_BYTES, f);
        if (is_utf8) {
            rfbSendServerCutTextUTF8(screen, text, len, NULL, 0);
        } else {
            rfbSendServerCutText(screen, text, len);
        }
        (void)fprintf(cut_log, "cut sent len=%d\n", len);
    }
    free(text);
    if (f != NULL) {
        (void)fclose(f);
    }
}
