/* D-Bus messages of QEMU's display listener (org.qemu.Display1.Listener), little endian, as far as it sends them; of its
 * listener for sound the headers (what is in them: qemu_voice.h).
 * Bytes to structs and back; no I/O, no allocation. Every length is a peer's word and checked here.
 * Not here: the stream of them (qemu_reader.h); the display socket's calls (qemu_display.h). */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_WIRE_H
#define ORL_PROTOCOLS_QEMU_QEMU_WIRE_H
#include "base/buf.h"
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_QEMU_FIXED_BYTES 16        /* of every header, with the length of its fields */
#define ORL_QEMU_HEADER_MAX 2048       /* fixed part, fields and padding */
#define ORL_QEMU_BODY_MAX (128U << 20) /* D-Bus Specification, "Message Protocol" */
#define ORL_QEMU_ARGS_MAX 28           /* of Update: all before its array's bytes */
#define ORL_QEMU_MAP_INTERFACE "org.qemu.Display1.Listener.Unix.Map"
#define ORL_QEMU_FORMAT_XRGB 0x20020888U /* pixman's x8r8g8b8: BGRX in memory */
#define ORL_QEMU_FORMAT_ARGB 0x20028888U

enum orl_qemu_call {
    ORL_QEMU_OTHER = 0, /* anything else; its body is of no use */
    ORL_QEMU_SCANOUT,
    ORL_QEMU_UPDATE,
    ORL_QEMU_CURSOR,
    ORL_QEMU_MOUSE,
    ORL_QEMU_DISABLE,
    ORL_QEMU_SCANOUT_MAP, /* these two of ORL_QEMU_MAP_INTERFACE */
    ORL_QEMU_UPDATE_MAP,
    ORL_QEMU_GET_ALL,    /* org.freedesktop.DBus.Properties */
    ORL_QEMU_VOICE_INIT, /* these of org.qemu.Display1.AudioOutListener */
    ORL_QEMU_VOICE_FINI,
    ORL_QEMU_VOICE_ENABLE,
    ORL_QEMU_VOICE_WRITE,
};
struct orl_qemu_header {
    enum orl_qemu_call call;
    bool wants_reply;
    uint32_t serial;
    uint32_t body_len;
    uint32_t fds; /* that come with the message: one with ScanoutMap, none with others */
};
/* How long the whole header is. ORL_E_PROTO: not little endian, not version 1, beyond the bounds. */
ORL_NODISCARD int orl_qemu_wire_measure(
        const uint8_t fixed[ORL_QEMU_FIXED_BYTES], size_t *ret_header_len);
/* data is one whole header. A call that we know with another signature, or any with other fds, is ORL_E_PROTO. */
ORL_NODISCARD int orl_qemu_wire_header(
        const uint8_t *data, size_t len, struct orl_qemu_header *ret_header);

/* Bytes of the body before those of its array; 0 for what has no body of use to a picture. */
size_t orl_qemu_wire_args_len(enum orl_qemu_call call);

struct orl_qemu_args {
    int32_t x, y; /* Update's, UpdateMap's and MouseSet's place; hot spot of a cursor */
    uint32_t width_px, height_px;
    uint32_t stride_bytes;
    uint32_t offset_bytes; /* ScanoutMap: of the first row in the shared memory */
    bool is_on;            /* MouseSet */
    bool is_empty;         /* Scanout, Update, UpdateMap of nothing: a head that is off */
    uint32_t data_len;     /* bytes that follow: stride * height */
};
/* len is orl_qemu_wire_args_len(). ORL_E_PROTO: out of range, or lengths that contradict each other;
 * ORL_E_UNSUPPORTED: a pixel format that is not ours. */
ORL_NODISCARD int orl_qemu_wire_args(const struct orl_qemu_header *header, const uint8_t *data,
        size_t len, struct orl_qemu_args *ret_args);

/* Answers: to GetAll on our Listener (which further interfaces it has: the map's, or none), to a call that was done, and
 * to what we do not have. */
void orl_qemu_wire_put_properties(
        struct orl_buf *buf, uint32_t serial, uint32_t reply_to, bool has_map);
void orl_qemu_wire_put_done(struct orl_buf *buf, uint32_t serial, uint32_t reply_to);
void orl_qemu_wire_put_unknown(struct orl_buf *buf, uint32_t serial, uint32_t reply_to);

#endif
