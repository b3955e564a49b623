#include "base/ipc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct peer {
    struct orl_loop *loop;
    struct orl_ipc *ipc;
    unsigned received;
    unsigned stop_after;
    int answer;
    int closed_code;
    bool frees_itself;
};

static int on_msg(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct peer *peer = ctx;
    (void)msg;
    (void)fds;
    peer->received++;
    if (peer->frees_itself) {
        orl_ipc_free(ipc);
        peer->ipc = NULL;
        orl_loop_stop(peer->loop);
        return 0;
    }
    if (peer->received == peer->stop_after) {
        orl_loop_stop(peer->loop);
    }
    return peer->answer;
}

static void on_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct peer *peer = ctx;
    peer->closed_code = code;
    orl_ipc_free(ipc);
    peer->ipc = NULL;
    orl_loop_stop(peer->loop);
}

static void open_peer(struct peer *peer, int *ret_other, unsigned max_queued)
{
    static const struct orl_ipc_events events = {on_msg, on_closed};
    int fds[2];
    assert_int_equal(orl_ipc_pair(fds, NULL), 0);
    assert_int_equal(orl_loop_new(&peer->loop, NULL), 0);
    assert_int_equal(
            orl_ipc_new(peer->loop, fds[0], max_queued, &events, peer, &peer->ipc, NULL), 0);
    *ret_other = fds[1];
}

static void close_peer(struct peer *peer, int other)
{
    orl_ipc_free(peer->ipc);
    orl_loop_free(peer->loop);
    if (other >= 0) {
        close(other);
    }
}

static void fds_travel_with_their_message(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(orl_ipc_pair(fds, NULL), 0);
    int pipe_fds[2];
    assert_int_equal(pipe2(pipe_fds, O_CLOEXEC), 0);
    struct orl_msg msg = {.type = ORL_MSG_SURFACE};
    assert_int_equal(orl_ipc_send(fds[0], &msg, &pipe_fds[1], 1), 0);
    struct orl_msg back;
    struct orl_ipc_fds got;
    assert_int_equal(orl_ipc_recv(fds[1], 1000, &back, &got), 0);
    assert_int_equal(got.count, 1);
    int copy = orl_ipc_fds_take(&got, 0);
    assert_true((fcntl(copy, F_GETFD) & FD_CLOEXEC) != 0);
    assert_int_equal(orl_ipc_fds_take(&got, 1), -1);
    assert_int_equal(write(copy, "x", 1), 1);
    char c;
    assert_int_equal(read(pipe_fds[0], &c, 1), 1);
    close(copy);
    close(pipe_fds[0]);
    close(pipe_fds[1]);
    close(fds[0]);
    assert_int_equal(orl_ipc_recv(fds[1], 1000, &back, &got), ORL_E_CLOSED);
    close(fds[1]);
}

static void nothing_to_read_is_again_or_timeout(void **state)
{
    (void)state;
    int fds[2];
    assert_int_equal(orl_ipc_pair(fds, NULL), 0);
    struct orl_msg back;
    struct orl_ipc_fds got;
    assert_int_equal(orl_ipc_recv(fds[1], 0, &back, &got), ORL_E_AGAIN);
    assert_int_equal(orl_ipc_recv(fds[1], 1, &back, &got), ORL_E_TIMEOUT);
    close(fds[0]);
    close(fds[1]);
}

static void garbage_closes_the_peer_with_a_protocol_error(void **state)
{
    (void)state;
    struct peer peer = {0};
    int other;
    open_peer(&peer, &other, 4);
    assert_int_equal(send(other, "garbage", 7, 0), 7);
    orl_loop_run(peer.loop);
    assert_int_equal(peer.closed_code, ORL_E_PROTO);
    assert_int_equal(peer.received, 0);
    close_peer(&peer, other);
}

static void a_peer_that_goes_away_is_reported_once_after_its_messages(void **state)
{
    (void)state;
    struct peer peer = {0};
    int other;
    open_peer(&peer, &other, 4);
    struct orl_msg msg = {.type = ORL_MSG_POKE};
    for (int i = 0; i < 40; i++) {
        assert_int_equal(orl_ipc_send(other, &msg, NULL, 0), 0);
        if (i % 10 == 9) { /* the kernel holds few datagrams: let the loop drain them */
            peer.stop_after = (unsigned)i + 1;
            orl_loop_run(peer.loop);
        }
    }
    close(other);
    orl_loop_run(peer.loop);
    assert_int_equal(peer.received, 40);
    assert_int_equal(peer.closed_code, ORL_E_CLOSED);
    close_peer(&peer, -1);
}

static void a_handler_may_refuse_and_may_free(void **state)
{
    (void)state;
    struct orl_msg msg = {.type = ORL_MSG_POKE};
    struct peer refusing = {.answer = ORL_E_DENIED};
    int other;
    open_peer(&refusing, &other, 4);
    assert_int_equal(orl_ipc_send(other, &msg, NULL, 0), 0);
    orl_loop_run(refusing.loop);
    assert_int_equal(refusing.closed_code, ORL_E_DENIED);
    close_peer(&refusing, other);

    struct peer freeing = {.frees_itself = true};
    open_peer(&freeing, &other, 4);
    assert_int_equal(orl_ipc_send(other, &msg, NULL, 0), 0);
    orl_loop_run(freeing.loop);
    assert_int_equal(freeing.received, 1);
    assert_int_equal(freeing.closed_code, 0);
    close_peer(&freeing, other);
}

static void a_peer_that_never_reads_is_closed_at_the_bound(void **state)
{
    (void)state;
    struct peer peer = {0};
    int other;
    open_peer(&peer, &other, 8);
    struct orl_msg msg = {.type = ORL_MSG_LOGIN};
    for (int i = 0; i < 10000 && peer.closed_code == 0; i++) {
        orl_ipc_post(peer.ipc, &msg, NULL, 0);
    }
    orl_loop_run(peer.loop);
    assert_int_equal(peer.closed_code, ORL_E_LIMIT);
    close_peer(&peer, other);
}

static void stop_loop(void *loop)
{
    orl_loop_stop(loop);
}

static void what_the_socket_does_not_take_is_sent_later_in_order(void **state)
{
    (void)state;
    struct peer peer = {0};
    int other;
    open_peer(&peer, &other, 1000);
    struct orl_msg msg = {.type = ORL_MSG_LOGIN};
    for (uint32_t i = 0; i < 1000; i++) {
        msg.conn = i;
        orl_ipc_post(peer.ipc, &msg, NULL, 0);
    }
    uint32_t wanted = 0;
    while (wanted < 1000) {
        struct orl_msg back;
        struct orl_ipc_fds got;
        int code = orl_ipc_recv(other, 0, &back, &got);
        if (code == ORL_E_AGAIN) {
            orl_loop_defer(peer.loop, stop_loop, peer.loop);
            orl_loop_run(peer.loop);
            continue;
        }
        assert_int_equal(code, 0);
        assert_int_equal(back.conn, wanted++);
    }
    close_peer(&peer, other);
}

static void a_stale_socket_file_is_replaced_and_a_live_one_is_not(void **state)
{
    (void)state;
    char dir[] = "/tmp/oriel-ipc-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char path[64];
    (void)snprintf(path, sizeof(path), "%s/s", dir);
    int first;
    assert_int_equal(orl_ipc_listen(path, 4, &first, NULL), 0);
    int second;
    struct orl_err err;
    assert_int_equal(orl_ipc_listen(path, 4, &second, &err), ORL_E_EXISTS);
    int client;
    assert_int_equal(orl_ipc_connect(path, &client, NULL), 0);
    uid_t uid;
    pid_t pid;
    assert_int_equal(orl_ipc_peer(client, &uid, &pid, NULL), 0);
    assert_int_equal(uid, getuid());
    close(client);
    close(first);
    assert_int_equal(orl_ipc_listen(path, 4, &second, NULL), 0);
    close(second);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(fds_travel_with_their_message),
            cmocka_unit_test(nothing_to_read_is_again_or_timeout),
            cmocka_unit_test(garbage_closes_the_peer_with_a_protocol_error),
            cmocka_unit_test(a_peer_that_goes_away_is_reported_once_after_its_messages),
            cmocka_unit_test(a_handler_may_refuse_and_may_free),
            cmocka_unit_test(a_peer_that_never_reads_is_closed_at_the_bound),
            cmocka_unit_test(what_the_socket_does_not_take_is_sent_later_in_order),
            cmocka_unit_test(a_stale_socket_file_is_replaced_and_a_live_one_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
