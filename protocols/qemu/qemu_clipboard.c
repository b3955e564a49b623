#include "protocols/qemu/qemu_clipboard.h"
#include "base/utf8.h"
#include "display/link.h"
#include <errno.h>
#include <string.h>

#define PATH "/org/qemu/Display1/Clipboard"
#define INTERFACE "org.qemu.Display1.Clipboard"
#define MIME "text/plain;charset=utf-8"
#define REQUEST_MAX_US (6 * ORL_US_PER_S) /* QEMU gives up after five seconds */
#define TELL_MAX_US (2 * ORL_US_PER_S)

enum { SELECTION_CLIPBOARD = 0 };

static void call(const struct orl_qemu_clipboard *c, sd_bus_message *m)
{
    (void)sd_bus_message_set_expect_reply(m, 0);
    (void)sd_bus_send(
            c->bus, m, NULL); /* what fails is told by the bus itself, which is then over */
}

static sd_bus_message *new_call(const struct orl_qemu_clipboard *c, const char *member)
{
    sd_bus_message *m = NULL;
    return sd_bus_message_new_method_call(c->bus, &m, NULL, PATH, INTERFACE, member) < 0 ? NULL : m;
}

static int on_told(sd_bus_message *m, void *ctx, sd_bus_error *error);

/* One at a time, and only the newest: QEMU queues all that it is sent. The serial is the last grab's, whosever it was:
 * a guest's agent takes that one and the next, QEMU 7.2 (ui/clipboard.c compares the wrong way round) none that is
 * greater than what it has. */
static void tell_qemu(struct orl_qemu_clipboard *c)
{
    if (c->is_telling) {
        c->is_tell_due = true;
        return;
    }
    c->is_tell_due = false;
    sd_bus_message *m = new_call(c, c->has_client_text ? "Grab" : "Release");
    int rc = m == NULL            ? -ENOMEM
             : c->has_client_text ? sd_bus_message_append(
                                            m, "uuas", SELECTION_CLIPBOARD, c->qemu_serial, 1, MIME)
                                  : sd_bus_message_append(m, "u", SELECTION_CLIPBOARD);
    c->is_telling = rc >= 0 && sd_bus_call_async(c->bus, NULL, m, on_told, c, TELL_MAX_US) >= 0;
    (void)sd_bus_message_unref(m);
}

static int on_told(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_clipboard *c = ctx;
    (void)m;
    (void)error;
    c->is_telling = false;
    if (c->is_tell_due && c->is_wanted) {
        tell_qemu(c);
    }
    return 0;
}

static void forget_kept(struct orl_qemu_clipboard *c)
{
    orl_buf_wipe(&c->kept);
    orl_buf_fini(&c->kept);
    c->is_kept = c->is_late = false;
}

static void refuse(sd_bus_message *m)
{
    (void)sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "no text");
}

/* Sent at once where the socket takes it: QEMU waits. */
static void answer_paste(struct orl_qemu_clipboard *c)
{
    sd_bus_message *reply = NULL;
    if (c->paste == NULL) {
        return;
    }
    if (c->is_kept && sd_bus_message_new_method_return(c->paste, &reply) >= 0 &&
            sd_bus_message_append(reply, "s", MIME) >= 0 &&
            sd_bus_message_append_array(reply, 'y', c->kept.data, c->kept.len) >= 0) {
        (void)sd_bus_send(c->bus, reply, NULL);
    } else {
        refuse(c->paste);
    }
    (void)sd_bus_message_unref(reply);
    c->paste = sd_bus_message_unref(c->paste);
}

static void tell(
        struct orl_qemu_clipboard *c, enum orl_clipboard_step step, uint32_t serial, bool has_text)
{
    const struct orl_clipboard s = {.step = step, .serial = serial, .has_text = has_text};
    orl_qemu_copy_put(&c->copy, &s);
}

static void guest_offers(struct orl_qemu_clipboard *c, bool has_text)
{
    forget_kept(c);
    c->has_client_text = c->is_tell_due = false;
    c->has_guest_text = has_text;
    tell(c, ORL_CLIPBOARD_OFFER, ++c->guest_serial, has_text);
}

/* QEMU counts anew: also what it calls back with while we register. */
static int on_register(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_clipboard *c = ctx;
    (void)error;
    c->qemu_serial = 0;
    return sd_bus_reply_method_return(m, NULL);
}

static int on_unregister(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    (void)ctx;
    (void)error;
    return sd_bus_reply_method_return(m, NULL);
}

static bool offers_text(sd_bus_message *m)
{
    const char *mime = NULL;
    bool has_text = false;
    if (sd_bus_message_enter_container(m, 'a', "s") < 0) {
        return false;
    }
    while (sd_bus_message_read(m, "s", &mime) > 0) {
        has_text |= strcmp(mime, MIME) == 0;
    }
    return has_text;
}

static int on_grab(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_clipboard *c = ctx;
    uint32_t selection = 0;
    uint32_t serial = 0;
    (void)error;
    if (sd_bus_message_read(m, "uu", &selection, &serial) >= 0 &&
            selection == SELECTION_CLIPBOARD) {
        c->qemu_serial = serial;
        guest_offers(c, offers_text(m));
    }
    return sd_bus_reply_method_return(m, NULL);
}

static int on_release(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_clipboard *c = ctx;
    uint32_t selection = 0;
    (void)error;
    if (sd_bus_message_read(m, "u", &selection) >= 0 && selection == SELECTION_CLIPBOARD &&
            c->has_guest_text) {
        guest_offers(c, false);
    }
    return sd_bus_reply_method_return(m, NULL);
}

static int on_request(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_clipboard *c = ctx;
    uint32_t selection = 0;
    (void)error;
    if (sd_bus_message_read(m, "u", &selection) < 0 || selection != SELECTION_CLIPBOARD ||
            !offers_text(m) || !c->has_client_text || c->paste != NULL) {
        refuse(m);
        return 1;
    }
    c->paste = sd_bus_message_ref(m);
    c->paste_us = orl_clock_now_us();
    if (c->is_kept) {
        answer_paste(c);
    } else {
        tell(c, ORL_CLIPBOARD_REQUEST, c->client_serial, false);
    }
    return 1;
}

static const sd_bus_vtable vtable[] = {SD_BUS_VTABLE_START(0),
        SD_BUS_METHOD("Register", "", "", on_register, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Unregister", "", "", on_unregister, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Grab", "uuas", "", on_grab, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Release", "u", "", on_release, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_METHOD("Request", "uas", "say", on_request, SD_BUS_VTABLE_UNPRIVILEGED),
        SD_BUS_VTABLE_END};

/* As the steps want it: no NUL, LF, UTF-8. */
static void give_guest_text(struct orl_qemu_clipboard *c, const char *data, size_t len)
{
    struct orl_buf text;
    struct orl_clipboard step = {.step = ORL_CLIPBOARD_DATA, .serial = c->guest_serial};
    orl_buf_init(&text, ORL_CLIPBOARD_MAX_BYTES);
    len = strnlen(data, len);
    orl_buf_put(&text, data, len);
    if (!text.is_failed && orl_utf8_is_valid(text.data, text.len)) {
        step.has_text = true;
        step.text = (const char *)text.data;
        step.len = len > 0 ? orl_clipboard_from_crlf((char *)text.data, text.len) : 0;
    }
    orl_qemu_copy_put(&c->copy, &step);
    orl_buf_wipe(&text);
    orl_buf_fini(&text);
}

static int on_guest_text(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_clipboard *c = ctx;
    const char *mime = NULL;
    const void *data = NULL;
    size_t len = 0;
    (void)error;
    c->is_guest_asked = false;
    if (sd_bus_message_is_method_error(m, NULL) == 0 && sd_bus_message_read(m, "s", &mime) >= 0 &&
            strcmp(mime, MIME) == 0 && sd_bus_message_read_array(m, 'y', &data, &len) >= 0 &&
            c->has_guest_text) {
        give_guest_text(c, len > 0 ? data : "", len);
    } else {
        tell(c, ORL_CLIPBOARD_DATA, c->guest_serial, false);
    }
    return 0;
}

static void ask_guest(struct orl_qemu_clipboard *c, uint32_t serial)
{
    if (!c->has_guest_text || serial != c->guest_serial) {
        tell(c, ORL_CLIPBOARD_DATA, serial, false);
        return;
    }
    if (c->is_guest_asked) {
        return; /* its answer is for both */
    }
    sd_bus_message *m = new_call(c, "Request");
    c->is_guest_asked = m != NULL &&
                        sd_bus_message_append(m, "uas", SELECTION_CLIPBOARD, 1, MIME) >= 0 &&
                        sd_bus_call_async(c->bus, NULL, m, on_guest_text, c, REQUEST_MAX_US) >= 0;
    (void)sd_bus_message_unref(m);
}

static void client_offers(struct orl_qemu_clipboard *c, const struct orl_clipboard *offer)
{
    forget_kept(c);
    answer_paste(c);
    c->client_serial = offer->serial;
    if (offer->has_text) {
        c->has_guest_text = false;
        c->has_client_text = true;
        tell_qemu(c);
    } else if (c->has_client_text) {
        c->has_client_text = false;
        tell_qemu(c);
    }
}

static void client_gives(struct orl_qemu_clipboard *c, const struct orl_clipboard *data)
{
    if (!c->has_client_text || data->serial != c->client_serial) {
        return;
    }
    bool is_late = c->is_late;
    forget_kept(c);
    if (data->has_text) {
        orl_buf_put(&c->kept, data->text, data->len);
        c->is_kept = !c->kept.is_failed;
    }
    if (c->paste == NULL && is_late && c->is_kept) {
        tell_qemu(c); /* QEMU asks only once for each */
    }
    answer_paste(c);
}

int orl_qemu_clipboard_take(
        struct orl_qemu_clipboard *clipboard, const struct orl_clipboard_part *part)
{
    struct orl_clipboard step;
    int rc = orl_clipboard_in_add(&clipboard->copy.in, part, &step, NULL);
    if (rc <= 0 || !clipboard->is_wanted) {
        return rc < 0 ? rc : ORL_OK;
    }
    if (step.step == ORL_CLIPBOARD_OFFER) {
        client_offers(clipboard, &step);
    } else if (step.step == ORL_CLIPBOARD_REQUEST) {
        ask_guest(clipboard, step.serial);
    } else {
        client_gives(clipboard, &step);
    }
    return ORL_OK;
}

void orl_qemu_clipboard_want(struct orl_qemu_clipboard *clipboard, uint32_t wants)
{
    struct orl_qemu_clipboard *c = clipboard;
    if (c->is_wanted || (wants & ORL_WANT_CLIPBOARD) == 0 ||
            sd_bus_add_object_vtable(c->bus, &c->object, PATH, INTERFACE, vtable, c) < 0) {
        return;
    }
    c->is_wanted = true;
    /* QEMU 7.2 keeps a peer whose connection is gone. Without callbacks no answer is asked for. */
    (void)sd_bus_call_method_async(
            c->bus, NULL, NULL, PATH, INTERFACE, "Unregister", NULL, NULL, "");
    (void)sd_bus_call_method_async(c->bus, NULL, NULL, PATH, INTERFACE, "Register", NULL, NULL, "");
}

void orl_qemu_clipboard_tick(struct orl_qemu_clipboard *clipboard, uint64_t now_us)
{
    struct orl_qemu_clipboard *c = clipboard;
    if (c->paste != NULL && now_us - c->paste_us > ORL_QEMU_PASTE_MAX_US) {
        c->is_late = true;
        answer_paste(c);
    }
}

void orl_qemu_clipboard_init(struct orl_qemu_clipboard *clipboard, sd_bus *bus)
{
    *clipboard = (struct orl_qemu_clipboard){.bus = bus};
    orl_qemu_copy_init(&clipboard->copy, -1);
    orl_buf_init(&clipboard->kept, ORL_CLIPBOARD_MAX_BYTES);
}

void orl_qemu_clipboard_set_link(struct orl_qemu_clipboard *clipboard, int link_fd)
{
    clipboard->copy.fd = link_fd;
}

void orl_qemu_clipboard_fini(struct orl_qemu_clipboard *clipboard)
{
    struct orl_qemu_clipboard *c = clipboard;
    forget_kept(c);
    answer_paste(c); /* QEMU must not stand still any longer */
    if (c->is_wanted) {
        sd_bus_message *m = new_call(c, "Unregister");
        if (m != NULL) {
            call(c, m);
        }
        (void)sd_bus_message_unref(m);
    }
    c->is_wanted = false;
    c->object = sd_bus_slot_unref(c->object);
    orl_qemu_copy_fini(&c->copy);
    c->copy.fd = -1;
}
