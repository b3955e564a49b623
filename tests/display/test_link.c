#include "display/link.h"
#include "test_support.h"
#include "tests/base/open_files.h"
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

static void open_pair(int fds[2])
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds), 0);
}

static void close_pair(const int fds[2])
{
    close(fds[0]);
    close(fds[1]);
}

static void every_message_comes_back_as_it_was(void **state)
{
    (void)state;
    const struct orl_link_msg msgs[] = {
            {.type = ORL_LINK_SURFACE, .surface_fd = -1},
            {.type = ORL_LINK_WAKE, .surface_fd = -1},
            {.type = ORL_LINK_LOCKS, .locks = ORL_LOCK_CAPS, .surface_fd = -1},
            {.type = ORL_LINK_CLOSED, .reason = 7, .surface_fd = -1},
            {.type = ORL_LINK_INPUT, .input = {ORL_INPUT_RELATIVE, 3, 0, -5, 70}, .surface_fd = -1},
    };
    for (size_t i = 0; i < sizeof(msgs) / sizeof(msgs[0]); i++) {
        uint8_t data[ORL_LINK_MSG_MAX];
        size_t len = orl_link_encode(&msgs[i], data);
        struct orl_link_msg got;
        assert_int_equal(orl_link_decode(data, len, &got), 0);
        assert_int_equal(got.type, msgs[i].type);
        assert_int_equal(got.reason, msgs[i].reason);
        assert_memory_equal(&got.input, &msgs[i].input, sizeof(got.input));
        assert_int_equal(got.surface_fd, -1);
        for (size_t cut = 0; cut < len; cut++) {
            assert_int_equal(orl_link_decode(data, cut, &got), ORL_E_PROTO);
        }
        data[len] = 0;
        assert_int_equal(orl_link_decode(data, len + 1, &got), ORL_E_PROTO);
        data[2] = ORL_LINK_VERSION - 1;
        assert_int_equal(orl_link_decode(data, len, &got), ORL_E_PROTO);
    }
}

static void golden_bytes_of_an_input(void **state)
{
    (void)state;
    const struct orl_link_msg msg = {
            .type = ORL_LINK_INPUT, .input = {ORL_INPUT_KEY, 0x11D, 1, 0, 0}};
    static const uint8_t wanted[] = {
            3, 0, 2, 0, 1, 0, 0, 0, 0x1D, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t data[ORL_LINK_MSG_MAX];
    assert_int_equal(orl_link_encode(&msg, data), sizeof(wanted));
    assert_memory_equal(data, wanted, sizeof(wanted));
}

static void invalid_input_unknown_reason_and_type_are_refused(void **state)
{
    (void)state;
    struct orl_link_msg msg = {.type = ORL_LINK_INPUT, .input = {ORL_INPUT_KEY, 0, 1, 0, 0}};
    uint8_t data[ORL_LINK_MSG_MAX];
    struct orl_link_msg got;
    assert_int_equal(orl_link_decode(data, orl_link_encode(&msg, data), &got), ORL_E_PROTO);
    msg = (struct orl_link_msg){.type = ORL_LINK_CLOSED, .reason = ORL_REASON_COUNT};
    assert_int_equal(orl_link_decode(data, orl_link_encode(&msg, data), &got), ORL_E_PROTO);
    msg = (struct orl_link_msg){.type = 99};
    assert_int_equal(orl_link_decode(data, orl_link_encode(&msg, data), &got), ORL_E_PROTO);
}

static void surface_brings_its_fd_with_cloexec(void **state)
{
    (void)state;
    int fds[2];
    open_pair(fds);
    const struct orl_link_msg msg = {.type = ORL_LINK_SURFACE, .surface_fd = fds[0]};
    assert_int_equal(orl_link_send(fds[0], &msg), 0);
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg got;
    assert_int_equal(orl_link_recv(fds[1], buf, &got), 0);
    assert_true(got.surface_fd >= 0);
    assert_true((fcntl(got.surface_fd, F_GETFD) & FD_CLOEXEC) != 0);
    close(got.surface_fd);
    close_pair(fds);
}

static void send_raw(int fd, const void *data, size_t len, const int *sent_fds, unsigned count)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(8 * sizeof(int))];
    } control;
    memset(&control, 0, sizeof(control));
    uint8_t copy[256];
    memcpy(copy, data, len);
    struct iovec iov = {copy, len};
    struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
    if (count > 0) {
        hdr.msg_control = control.bytes;
        hdr.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(cmsg), sent_fds, count * sizeof(int));
    }
    assert_int_equal(sendmsg(fd, &hdr, MSG_NOSIGNAL), (ssize_t)len);
}

static void wrong_numbers_of_fds_are_refused_and_closed(void **state)
{
    (void)state;
    int fds[2];
    open_pair(fds);
    unsigned before = count_open_files();
    const int sent[8] = {0, 0, 0, 0, 0, 0, 0, 0};
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg got;
    static const uint8_t surface[] = {1, 0, 2, 0};
    static const uint8_t closed[] = {2, 0, 2, 0, 3, 0, 0, 0};
    static const unsigned bad_counts[] = {0, 2, 3, 4, 8};
    for (size_t i = 0; i < sizeof(bad_counts) / sizeof(bad_counts[0]); i++) {
        send_raw(fds[0], surface, sizeof(surface), sent, bad_counts[i]);
        assert_int_equal(orl_link_recv(fds[1], buf, &got), ORL_E_PROTO);
    }
    send_raw(fds[0], closed, sizeof(closed), sent, 2);
    assert_int_equal(orl_link_recv(fds[1], buf, &got), ORL_E_PROTO);
    uint8_t large[200] = {1, 0, 2, 0};
    send_raw(fds[0], large, sizeof(large), sent, 2);
    assert_int_equal(orl_link_recv(fds[1], buf, &got), ORL_E_PROTO);
    assert_int_equal(count_open_files(), before);
    close_pair(fds);
}

static void full_empty_and_closed_sockets_say_so(void **state)
{
    (void)state;
    int fds[2];
    open_pair(fds);
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg got;
    assert_int_equal(orl_link_recv(fds[1], buf, &got), ORL_E_AGAIN);
    const struct orl_link_msg msg = {
            .type = ORL_LINK_INPUT, .input = {ORL_INPUT_POINTER, 0, 0, 5, 5}};
    int rc = 0;
    unsigned sent = 0;
    for (; rc == 0 && sent < 100000; sent++) {
        rc = orl_link_send(fds[0], &msg);
    }
    assert_int_equal(rc, ORL_E_AGAIN);
    close(fds[0]);
    for (unsigned i = 1; i < sent; i++) {
        assert_int_equal(orl_link_recv(fds[1], buf, &got), 0);
    }
    assert_int_equal(orl_link_recv(fds[1], buf, &got), ORL_E_CLOSED);
    assert_int_equal(orl_link_send(fds[1], &msg), ORL_E_CLOSED);
    close(fds[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_message_comes_back_as_it_was),
            cmocka_unit_test(golden_bytes_of_an_input),
            cmocka_unit_test(invalid_input_unknown_reason_and_type_are_refused),
            cmocka_unit_test(surface_brings_its_fd_with_cloexec),
            cmocka_unit_test(wrong_numbers_of_fds_are_refused_and_closed),
            cmocka_unit_test(full_empty_and_closed_sockets_say_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
