/* The guest's clipboard on QEMU's D-Bus display, against a bus that plays QEMU; the test is the console. */
#include "base/cleanup.h"
#include "base/ipc.h"
#include "display/link.h"
#include "protocols/qemu/qemu_clipboard.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

#define PATH "/org/qemu/Display1/Clipboard"
#define INTERFACE "org.qemu.Display1.Clipboard"
#define MIME "text/plain;charset=utf-8"

enum { TURNS = 200 };

struct rig {
    sd_bus *ours, *qemu;
    struct orl_qemu_clipboard clipboard;
    struct orl_qemu_copy console; /* the other end of the link */
    struct orl_clipboard step;    /* the last one that the console heard */
    char text[64];
    unsigned steps;
    char noted[256];        /* what QEMU was called */
    uint32_t grab;          /* the last Grab's serial */
    const char *guest_text; /* what it answers Request with; NULL: an error */
    char pasted[64];        /* what it got */
    int link;
};

static int on_call(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct rig *rig = ctx;
    const char *member = sd_bus_message_get_member(m);
    size_t len = strlen(rig->noted);
    (void)error;
    if (sd_bus_message_is_method_call(m, NULL, NULL) <= 0) {
        return 0; /* an answer */
    }
    (void)snprintf(rig->noted + len, sizeof rig->noted - len, "%s;", member);
    if (strcmp(member, "Grab") == 0) {
        uint32_t selection = 0;
        assert_true(sd_bus_message_read(m, "uu", &selection, &rig->grab) >= 0);
    }
    if (strcmp(member, "Request") != 0) {
        return sd_bus_reply_method_return(m, NULL);
    }
    if (rig->guest_text == NULL) {
        return sd_bus_reply_method_errorf(m, SD_BUS_ERROR_FAILED, "no");
    }
    sd_bus_message *reply = NULL;
    assert_true(sd_bus_message_new_method_return(m, &reply) >= 0);
    assert_true(sd_bus_message_append(reply, "s", MIME) >= 0);
    assert_true(
            sd_bus_message_append_array(reply, 'y', rig->guest_text, strlen(rig->guest_text)) >= 0);
    assert_true(sd_bus_send(NULL, reply, NULL) >= 0);
    (void)sd_bus_message_unref(reply);
    return 1;
}

static int on_pasted(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct rig *rig = ctx;
    const char *mime = NULL;
    const void *data = NULL;
    size_t len = 0;
    (void)error;
    if (sd_bus_message_is_method_error(m, NULL) != 0) {
        (void)snprintf(rig->pasted, sizeof rig->pasted, "(error)");
        return 0;
    }
    assert_true(sd_bus_message_read(m, "s", &mime) >= 0);
    assert_true(sd_bus_message_read_array(m, 'y', &data, &len) >= 0);
    (void)snprintf(rig->pasted, sizeof rig->pasted, "%.*s", (int)len, (const char *)data);
    return 0;
}

/* Everything that can go on without anybody's waiting. */
static void turn(struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    for (unsigned i = 0; i < TURNS; i++) {
        assert_true(sd_bus_process(rig->ours, NULL) >= 0);
        assert_true(sd_bus_process(rig->qemu, NULL) >= 0);
        while (orl_link_recv(rig->link, buf, &msg) == ORL_OK) { /* vmpool's end */
            if (msg.type == ORL_LINK_WANT) {
                orl_qemu_clipboard_want(&rig->clipboard, msg.wants);
            } else {
                assert_int_equal(msg.type, ORL_LINK_CLIPBOARD);
                assert_int_equal(orl_qemu_clipboard_take(&rig->clipboard, &msg.clipboard), 0);
            }
        }
        while (orl_link_recv(rig->console.fd, buf, &msg) == ORL_OK) {
            assert_int_equal(msg.type, ORL_LINK_CLIPBOARD);
            struct orl_clipboard step;
            if (orl_clipboard_in_add(&rig->console.in, &msg.clipboard, &step, NULL) == 1) {
                rig->steps++;
                rig->step = step;
                (void)snprintf(rig->text, sizeof rig->text, "%.*s", (int)step.len,
                        step.len > 0 ? step.text : "");
            }
        }
    }
}

static void begin(struct rig *rig)
{
    int pair[2];
    int link[2];
    sd_id128_t id;
    memset(rig, 0, sizeof *rig);
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), 0);
    assert_int_equal(orl_ipc_pair(link, NULL), 0);
    assert_true(sd_id128_randomize(&id) >= 0);
    assert_true(sd_bus_new(&rig->qemu) >= 0 && sd_bus_set_fd(rig->qemu, pair[0], pair[0]) >= 0);
    assert_true(sd_bus_set_server(rig->qemu, 1, id) >= 0);
    assert_true(sd_bus_set_anonymous(rig->qemu, 1) >= 0);
    assert_true(sd_bus_add_filter(rig->qemu, NULL, on_call, rig) >= 0);
    assert_true(sd_bus_new(&rig->ours) >= 0 && sd_bus_set_fd(rig->ours, pair[1], pair[1]) >= 0);
    assert_true(sd_bus_set_bus_client(rig->ours, 0) >= 0 && sd_bus_set_trusted(rig->ours, 1) >= 0);
    assert_true(sd_bus_start(rig->qemu) >= 0 && sd_bus_start(rig->ours) >= 0);
    rig->link = link[0];
    orl_qemu_clipboard_init(&rig->clipboard, rig->ours);
    orl_qemu_clipboard_set_link(&rig->clipboard, rig->link);
    orl_qemu_copy_init(&rig->console, link[1]);
    turn(rig);
    orl_qemu_copy_want(&rig->console, ORL_WANT_CLIPBOARD);
    turn(rig);
}

static void end(struct rig *rig)
{
    orl_qemu_clipboard_fini(&rig->clipboard);
    int fd = rig->console.fd;
    orl_qemu_copy_fini(&rig->console);
    orl_close_fd(&fd);
    orl_close_fd(&rig->link);
    sd_bus_close(rig->ours);
    sd_bus_close(rig->qemu);
    (void)sd_bus_unref(rig->ours);
    (void)sd_bus_unref(rig->qemu);
}

static void guest_copies(struct rig *rig, uint32_t serial, const char *text)
{
    rig->guest_text = text;
    assert_true(sd_bus_call_method_async(rig->qemu, NULL, NULL, PATH, INTERFACE, "Grab", NULL, NULL,
                        "uuas", 0, serial, 1, MIME) >= 0);
    turn(rig);
}

static void guest_pastes(struct rig *rig)
{
    rig->pasted[0] = '\0';
    assert_true(sd_bus_call_method_async(rig->qemu, NULL, NULL, PATH, INTERFACE, "Request",
                        on_pasted, rig, "uas", 0, 1, MIME) >= 0);
    turn(rig);
}

static void say(struct rig *rig, enum orl_clipboard_step step, uint32_t serial, const char *text)
{
    const struct orl_clipboard s = {.step = step,
            .serial = serial,
            .has_text = text != NULL,
            .text = text,
            .len = step == ORL_CLIPBOARD_DATA && text != NULL ? strlen(text) : 0};
    orl_qemu_copy_put(&rig->console, &s);
    turn(rig);
}

static void nothing_is_registered_before_somebody_wants_it(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    assert_string_equal(rig.noted, "Unregister;Register;");
    orl_qemu_copy_want(&rig.console, 0);
    orl_qemu_copy_want(&rig.console, ORL_WANT_CLIPBOARD);
    turn(&rig);
    assert_string_equal(rig.noted, "Unregister;Register;"); /* once */
    end(&rig);
}

static void guests_text_comes_when_it_is_asked_for(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    guest_copies(&rig, 4, "gr\xC3\xBC\xC3\x9F\r\n");
    assert_int_equal(rig.step.step, ORL_CLIPBOARD_OFFER);
    assert_true(rig.step.has_text);
    assert_null(strstr(rig.noted, "Request"));
    uint32_t serial = rig.step.serial;
    say(&rig, ORL_CLIPBOARD_REQUEST, serial + 1, NULL);
    assert_int_equal(rig.step.step, ORL_CLIPBOARD_DATA);
    assert_false(rig.step.has_text);
    say(&rig, ORL_CLIPBOARD_REQUEST, serial, NULL);
    assert_true(rig.step.has_text);
    assert_string_equal(rig.text, "gr\xC3\xBC\xC3\x9F\n");
    end(&rig);
}

static void text_that_is_not_utf8_or_an_error_cannot_be_had(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    guest_copies(&rig, 1, "\xFF");
    say(&rig, ORL_CLIPBOARD_REQUEST, rig.step.serial, NULL);
    assert_int_equal(rig.step.step, ORL_CLIPBOARD_DATA);
    assert_false(rig.step.has_text);
    guest_copies(&rig, 2, NULL);
    say(&rig, ORL_CLIPBOARD_REQUEST, rig.step.serial, NULL);
    assert_int_equal(rig.step.step, ORL_CLIPBOARD_DATA);
    assert_false(rig.step.has_text);
    end(&rig);
}

static void clients_text_goes_when_the_guest_pastes(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    say(&rig, ORL_CLIPBOARD_OFFER, 7, "");
    assert_string_equal(rig.noted, "Unregister;Register;Grab;");
    assert_int_equal(rig.steps, 0);
    guest_pastes(&rig);
    assert_int_equal(rig.step.step, ORL_CLIPBOARD_REQUEST);
    assert_int_equal(rig.step.serial, 7);
    assert_string_equal(rig.pasted, "");
    say(&rig, ORL_CLIPBOARD_DATA, 6, "another");
    assert_string_equal(rig.pasted, "");
    say(&rig, ORL_CLIPBOARD_DATA, 7, "a\nb");
    assert_string_equal(rig.pasted, "a\nb");
    unsigned steps = rig.steps;
    guest_pastes(&rig); /* the text is here */
    assert_string_equal(rig.pasted, "a\nb");
    assert_int_equal(rig.steps, steps);
    say(&rig, ORL_CLIPBOARD_OFFER, 8, NULL);
    guest_pastes(&rig);
    assert_string_equal(rig.pasted, "(error)");
    end(&rig);
}

/* spice-vdagentd drops any other. */
static void a_grab_has_the_serial_of_the_one_before(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    rig.grab = 99;
    say(&rig, ORL_CLIPBOARD_OFFER, 7, "");
    assert_int_equal(rig.grab, 0);
    say(&rig, ORL_CLIPBOARD_OFFER, 8, "");
    assert_int_equal(rig.grab, 0);
    guest_copies(&rig, 5, "x");
    say(&rig, ORL_CLIPBOARD_OFFER, 9, "");
    assert_int_equal(rig.grab, 5);
    end(&rig);
}

/* Whatever a console sends: QEMU's thread queues all of it for its main loop. */
static void of_many_offers_qemu_gets_the_newest_one_by_one(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    for (uint32_t serial = 1; serial <= 60; serial++) {
        const struct orl_clipboard_part offer = {
                .step = ORL_CLIPBOARD_OFFER, .serial = serial, .has_text = serial % 2};
        assert_int_equal(orl_qemu_clipboard_take(&rig.clipboard, &offer), 0);
    }
    turn(&rig);
    assert_string_equal(rig.noted, "Unregister;Register;Grab;Release;");
    guest_pastes(&rig);
    assert_string_equal(rig.pasted, "(error)");
    end(&rig);
}

static void qemu_waits_no_longer_than_the_limit_and_a_late_text_is_offered_again(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    say(&rig, ORL_CLIPBOARD_OFFER, 1, "");
    guest_pastes(&rig);
    orl_qemu_clipboard_tick(&rig.clipboard, rig.clipboard.paste_us + ORL_QEMU_PASTE_MAX_US);
    turn(&rig);
    assert_string_equal(rig.pasted, "");
    orl_qemu_clipboard_tick(&rig.clipboard, rig.clipboard.paste_us + ORL_QEMU_PASTE_MAX_US + 1);
    turn(&rig);
    assert_string_equal(rig.pasted, "(error)");
    say(&rig, ORL_CLIPBOARD_DATA, 1, "late");
    assert_string_equal(rig.noted, "Unregister;Register;Grab;Grab;");
    guest_pastes(&rig);
    assert_string_equal(rig.pasted, "late");
    end(&rig);
}

static void qemu_is_answered_when_the_display_ends(void **state)
{
    struct rig rig;
    (void)state;
    begin(&rig);
    say(&rig, ORL_CLIPBOARD_OFFER, 1, "");
    guest_pastes(&rig);
    orl_qemu_clipboard_fini(&rig.clipboard);
    turn(&rig);
    assert_string_equal(rig.pasted, "(error)");
    assert_string_equal(rig.noted, "Unregister;Register;Grab;Unregister;");
    end(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(nothing_is_registered_before_somebody_wants_it),
            cmocka_unit_test(guests_text_comes_when_it_is_asked_for),
            cmocka_unit_test(text_that_is_not_utf8_or_an_error_cannot_be_had),
            cmocka_unit_test(clients_text_goes_when_the_guest_pastes),
            cmocka_unit_test(a_grab_has_the_serial_of_the_one_before),
            cmocka_unit_test(of_many_offers_qemu_gets_the_newest_one_by_one),
            cmocka_unit_test(qemu_waits_no_longer_than_the_limit_and_a_late_text_is_offered_again),
            cmocka_unit_test(qemu_is_answered_when_the_display_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
