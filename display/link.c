/* One datagram is one message; SURFACE, HEAD and SPEAKER bring exactly one fd, nothing else brings any. */
#include "display/link.h"
#include "base/cleanup.h"
#include "base/rd.h"
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#define LINK_MAX_FDS 4 /* room to see, and to close, more than are allowed */

struct put {
    uint8_t *data;
    size_t len;
};

static void put_u16(struct put *put, uint16_t v)
{
    put->data[put->len++] = (uint8_t)(v & 0xFF);
    put->data[put->len++] = (uint8_t)(v >> 8);
}

static void put_u32(struct put *put, uint32_t v)
{
    put_u16(put, (uint16_t)(v & 0xFFFF));
    put_u16(put, (uint16_t)(v >> 16));
}

static void put_bytes(struct put *put, const uint8_t *data, size_t len)
{
    orl_assert(len <= ORL_LINK_MSG_MAX - put->len);
    if (len > 0) {
        memcpy(put->data + put->len, data, len);
        put->len += len;
    }
}

static void put_clipboard(struct put *put, const struct orl_clipboard_part *part)
{
    put_u32(put, part->step);
    put_u32(put, part->serial);
    put_u32(put, part->has_text);
    put_u32(put, part->total);
    put_u32(put, part->at);
    put_bytes(put, part->data, part->len);
}

static void put_layout(struct put *put, const struct orl_layout *layout)
{
    put_u32(put, layout->count);
    for (uint32_t i = 0; i < ORL_HEADS_MAX; i++) {
        const struct orl_rect *r = &layout->heads[i];
        put_u32(put, (uint32_t)r->x);
        put_u32(put, (uint32_t)r->y);
        put_u32(put, (uint32_t)r->width);
        put_u32(put, (uint32_t)r->height);
    }
}

static void put_sound(struct put *put, const struct orl_sound *sound)
{
    put_u32(put, sound->rate_hz);
    put_u32(put, sound->channels);
    put_bytes(put, sound->samples, sound->len);
}

size_t orl_link_encode(const struct orl_link_msg *msg, uint8_t ret_data[ORL_LINK_MSG_MAX])
{
    struct put put = {ret_data, 0};
    put_u16(&put, msg->type);
    put_u16(&put, ORL_LINK_VERSION);
    if (msg->type == ORL_LINK_CLOSED) {
        put_u32(&put, msg->reason);
    } else if (msg->type == ORL_LINK_INPUT) {
        put_u32(&put, msg->input.kind);
        put_u32(&put, msg->input.code);
        put_u32(&put, msg->input.is_down);
        put_u32(&put, (uint32_t)msg->input.x);
        put_u32(&put, (uint32_t)msg->input.y);
    } else if (msg->type == ORL_LINK_LAYOUT) {
        put_layout(&put, &msg->layout);
    } else if (msg->type == ORL_LINK_WANT) {
        put_u32(&put, msg->wants);
    } else if (msg->type == ORL_LINK_LOCKS) {
        put_u32(&put, msg->locks);
    } else if (msg->type == ORL_LINK_CLIPBOARD) {
        put_clipboard(&put, &msg->clipboard);
    } else if (msg->type == ORL_LINK_SOUND) {
        put_sound(&put, &msg->sound);
    }
    return put.len;
}

static void decode_input(struct orl_rd *rd, struct orl_input *ret_input)
{
    ret_input->kind = orl_rd_u32le(rd);
    ret_input->code = orl_rd_u32le(rd);
    ret_input->is_down = orl_rd_u32le(rd);
    ret_input->x = (int32_t)orl_rd_u32le(rd);
    ret_input->y = (int32_t)orl_rd_u32le(rd);
}

static void decode_layout(struct orl_rd *rd, struct orl_layout *ret_layout)
{
    ret_layout->count = orl_rd_u32le(rd);
    for (uint32_t i = 0; i < ORL_HEADS_MAX; i++) {
        struct orl_rect *r = &ret_layout->heads[i];
        r->x = (int32_t)orl_rd_u32le(rd);
        r->y = (int32_t)orl_rd_u32le(rd);
        r->width = (int32_t)orl_rd_u32le(rd);
        r->height = (int32_t)orl_rd_u32le(rd);
    }
}

static const uint8_t *take_rest(struct orl_rd *rd, size_t *ret_len)
{
    *ret_len = orl_rd_left(rd);
    return *ret_len > 0 ? orl_rd_bytes(rd, *ret_len) : NULL;
}

static void decode_clipboard(struct orl_rd *rd, struct orl_clipboard_part *ret_part)
{
    ret_part->step = orl_rd_u32le(rd);
    ret_part->serial = orl_rd_u32le(rd);
    ret_part->has_text = orl_rd_u32le(rd);
    ret_part->total = orl_rd_u32le(rd);
    ret_part->at = orl_rd_u32le(rd);
    ret_part->data = take_rest(rd, &ret_part->len);
}

static void decode_sound(struct orl_rd *rd, struct orl_sound *ret_sound)
{
    ret_sound->rate_hz = orl_rd_u32le(rd);
    ret_sound->channels = orl_rd_u32le(rd);
    ret_sound->samples = take_rest(rd, &ret_sound->len);
}

/* True when what was read is in range. */
static bool decode_body(struct orl_rd *rd, struct orl_link_msg *msg)
{
    switch (msg->type) {
    case ORL_LINK_SURFACE:
    case ORL_LINK_HEAD:
    case ORL_LINK_SPEAKER:
    case ORL_LINK_WAKE:
        return true;
    case ORL_LINK_CLOSED:
        msg->reason = orl_rd_u32le(rd);
        return msg->reason < ORL_REASON_COUNT;
    case ORL_LINK_INPUT:
        decode_input(rd, &msg->input);
        return orl_input_is_valid(&msg->input);
    case ORL_LINK_LAYOUT:
        decode_layout(rd, &msg->layout);
        return orl_layout_is_valid(&msg->layout);
    case ORL_LINK_WANT:
        msg->wants = orl_rd_u32le(rd);
        return (msg->wants & ~(uint32_t)(ORL_WANT_CLIPBOARD | ORL_WANT_SOUND)) == 0;
    case ORL_LINK_LOCKS:
        msg->locks = orl_rd_u32le(rd);
        return (msg->locks & ~(uint32_t)ORL_LOCKS_ALL) == 0;
    case ORL_LINK_CLIPBOARD:
        decode_clipboard(rd, &msg->clipboard);
        return orl_clipboard_part_is_valid(&msg->clipboard);
    case ORL_LINK_SOUND:
        decode_sound(rd, &msg->sound);
        return orl_sound_is_valid(&msg->sound);
    default:
        return false;
    }
}

int orl_link_decode(const uint8_t *data, size_t len, struct orl_link_msg *ret_msg)
{
    struct orl_link_msg msg = {.surface_fd = -1};
    struct orl_rd rd;
    orl_rd_init(&rd, data, len);
    msg.type = orl_rd_u16le(&rd);
    if (orl_rd_u16le(&rd) != ORL_LINK_VERSION || !decode_body(&rd, &msg) || rd.is_failed ||
            orl_rd_left(&rd) != 0) {
        return ORL_E_PROTO;
    }
    *ret_msg = msg;
    return ORL_OK;
}

static bool brings_fd(const struct orl_link_msg *msg)
{
    return msg->type == ORL_LINK_SURFACE || msg->type == ORL_LINK_HEAD ||
           msg->type == ORL_LINK_SPEAKER;
}

static int from_errno(int errno_value)
{
    switch (errno_value) {
    case EAGAIN:
    case ENOBUFS:
    case ETOOMANYREFS: /* too many fds in flight; it passes */
        return ORL_E_AGAIN;
    case EPIPE:
    case ECONNRESET:
    case ENOTCONN:
        return ORL_E_CLOSED;
    default:
        return ORL_E_SYS;
    }
}

static ssize_t send_with_fd(int fd, struct iovec *iov, int sent_fd)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    memset(&control, 0, sizeof(control));
    struct msghdr hdr = {.msg_iov = iov,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof(control.bytes)};
    struct cmsghdr *cmsg = CMSG_FIRSTHDR(&hdr);
    cmsg->cmsg_level = SOL_SOCKET;
    cmsg->cmsg_type = SCM_RIGHTS;
    cmsg->cmsg_len = CMSG_LEN(sizeof(int));
    memcpy(CMSG_DATA(cmsg), &sent_fd, sizeof(int));
    return sendmsg(fd, &hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Without an fd by send(2): a session's sandbox has no sendmsg(2). */
int orl_link_send(int fd, const struct orl_link_msg *msg)
{
    uint8_t data[ORL_LINK_MSG_MAX];
    struct iovec iov = {data, orl_link_encode(msg, data)};
    ssize_t sent;
    do {
        sent = brings_fd(msg) ? send_with_fd(fd, &iov, msg->surface_fd)
                              : send(fd, data, iov.iov_len, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent < 0 ? from_errno(errno) : ORL_OK;
}

static unsigned collect_fds(struct msghdr *hdr, int ret_fds[LINK_MAX_FDS])
{
    unsigned count = 0;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t bytes = c->cmsg_len - CMSG_LEN(0);
        for (size_t at = 0; at + sizeof(int) <= bytes && count < LINK_MAX_FDS; at += sizeof(int)) {
            memcpy(&ret_fds[count++], CMSG_DATA(c) + at, sizeof(int));
        }
    }
    return count;
}

static int accept_msg(const uint8_t *data, size_t len, int flags, int *fds, unsigned fd_count,
        struct orl_link_msg *ret_msg)
{
    if ((flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        return ORL_E_PROTO;
    }
    struct orl_link_msg msg;
    int rc = orl_link_decode(data, len, &msg);
    if (rc < 0) {
        return rc;
    }
    if (fd_count != (brings_fd(&msg) ? 1U : 0U)) {
        return ORL_E_PROTO;
    }
    if (fd_count == 1) {
        msg.surface_fd = orl_steal_fd(&fds[0]);
    }
    *ret_msg = msg;
    return ORL_OK;
}

int orl_link_recv(int fd, uint8_t buf[ORL_LINK_MSG_MAX], struct orl_link_msg *ret_msg)
{
    union {
        struct cmsghdr align;
        char bytes[CMSG_SPACE(LINK_MAX_FDS * sizeof(int))];
    } control;
    struct iovec iov = {buf, ORL_LINK_MSG_MAX};
    struct msghdr hdr = {.msg_iov = &iov,
            .msg_iovlen = 1,
            .msg_control = control.bytes,
            .msg_controllen = sizeof(control.bytes)};
    ssize_t len;
    do {
        len = recvmsg(fd, &hdr, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (len < 0 && errno == EINTR);
    if (len < 0) {
        return from_errno(errno);
    }
    int fds[LINK_MAX_FDS] = {-1, -1, -1, -1};
    unsigned fd_count = collect_fds(&hdr, fds);
    int rc = len == 0 ? ORL_E_CLOSED
                      : accept_msg(buf, (size_t)len, hdr.msg_flags, fds, fd_count, ret_msg);
    for (unsigned i = 0; i < LINK_MAX_FDS; i++) {
        orl_close_fd(&fds[i]);
    }
    return rc;
}
