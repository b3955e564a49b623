#include "protocols/qemu/qemu_wire.h"
#include "base/rd.h"
#include "display/surface.h"
#include <string.h>

/* D-Bus Specification, "Message Protocol" and "Header Fields". */
enum {
    TYPE_CALL = 1,
    TYPE_RETURN = 2,
    TYPE_ERROR = 3,
    FLAG_NO_REPLY = 1,
    FIELD_INTERFACE = 2,
    FIELD_MEMBER = 3,
    FIELD_ERROR_NAME = 4,
    FIELD_REPLY_SERIAL = 5,
    FIELD_SIGNATURE = 8,
    FIELD_FDS = 9,
    NAME_MAX_BYTES = 63,
};
#define CURSOR_MAX_PX 512 /* QEMU's cursor_alloc() */
#define BYTES_PER_PX 4U

struct fields {
    char interface[NAME_MAX_BYTES + 1], member[NAME_MAX_BYTES + 1], signature[NAME_MAX_BYTES + 1];
    uint32_t fds;
};

static size_t align8(size_t n)
{
    return (n + 7) & ~(size_t)7;
}

int orl_qemu_wire_measure(const uint8_t fixed[ORL_QEMU_FIXED_BYTES], size_t *ret_header_len)
{
    struct orl_rd rd;
    orl_rd_init(&rd, fixed, ORL_QEMU_FIXED_BYTES);
    uint8_t endian = orl_rd_u8(&rd);
    uint8_t type = orl_rd_u8(&rd);
    orl_rd_skip(&rd, 1);
    uint8_t version = orl_rd_u8(&rd);
    uint32_t body_len = orl_rd_u32le(&rd);
    uint32_t serial = orl_rd_u32le(&rd);
    uint32_t fields_len = orl_rd_u32le(&rd);
    if (endian != 'l' || type == 0 || version != 1 || serial == 0 || body_len > ORL_QEMU_BODY_MAX ||
            fields_len > ORL_QEMU_HEADER_MAX - ORL_QEMU_FIXED_BYTES) {
        return ORL_E_PROTO;
    }
    *ret_header_len = align8(ORL_QEMU_FIXED_BYTES + fields_len);
    return ORL_OK;
}

/* What does not fit stays empty: then it is none of the names we know. */
static void take_text(struct orl_rd *rd, size_t len, char ret[NAME_MAX_BYTES + 1])
{
    const uint8_t *text = orl_rd_bytes(rd, len);
    ret[0] = '\0';
    if (orl_rd_u8(rd) != 0) {
        rd->is_failed = true;
    }
    if (text != NULL && len <= NAME_MAX_BYTES && memchr(text, 0, len) == NULL) {
        memcpy(ret, text, len);
        ret[len] = '\0';
    }
}

/* One struct of a code and a variant; basic types only, which is all that header fields have. */
static void take_field(struct orl_rd *rd, struct fields *fields)
{
    char other[NAME_MAX_BYTES + 1];
    char *to = other;
    uint8_t code = orl_rd_u8(rd);
    uint8_t sig_len = orl_rd_u8(rd);
    uint8_t type = orl_rd_u8(rd);
    if (sig_len != 1 || orl_rd_u8(rd) != 0) {
        rd->is_failed = true;
    }
    if (code == FIELD_INTERFACE && type == 's') {
        to = fields->interface;
    } else if (code == FIELD_MEMBER && type == 's') {
        to = fields->member;
    } else if (code == FIELD_SIGNATURE && type == 'g') {
        to = fields->signature;
    }
    if (type == 's' || type == 'o') {
        take_text(rd, orl_rd_u32le(rd), to);
    } else if (type == 'g') {
        take_text(rd, orl_rd_u8(rd), to);
    } else if (type == 'u') {
        uint32_t value = orl_rd_u32le(rd);
        fields->fds = code == FIELD_FDS ? value : fields->fds;
    } else {
        rd->is_failed = true;
    }
}

static int identify(const struct fields *fields, enum orl_qemu_call *ret_call)
{
    static const struct {
        const char *interface, *member, *signature;
        enum orl_qemu_call call;
    } calls[] = {
            {"org.qemu.Display1.Listener", "Scanout", "uuuuay", ORL_QEMU_SCANOUT},
            {"org.qemu.Display1.Listener", "Update", "iiiiuuay", ORL_QEMU_UPDATE},
            {"org.qemu.Display1.Listener", "CursorDefine", "iiiiay", ORL_QEMU_CURSOR},
            {"org.qemu.Display1.Listener", "MouseSet", "iii", ORL_QEMU_MOUSE},
            {"org.qemu.Display1.Listener", "Disable", "", ORL_QEMU_DISABLE},
            {ORL_QEMU_MAP_INTERFACE, "ScanoutMap", "huuuuu", ORL_QEMU_SCANOUT_MAP},
            {ORL_QEMU_MAP_INTERFACE, "UpdateMap", "iiii", ORL_QEMU_UPDATE_MAP},
            {"org.freedesktop.DBus.Properties", "GetAll", "s", ORL_QEMU_GET_ALL},
            {"org.qemu.Display1.AudioOutListener", "Init", "tybbuyuub", ORL_QEMU_VOICE_INIT},
            {"org.qemu.Display1.AudioOutListener", "Fini", "t", ORL_QEMU_VOICE_FINI},
            {"org.qemu.Display1.AudioOutListener", "SetEnabled", "tb", ORL_QEMU_VOICE_ENABLE},
            {"org.qemu.Display1.AudioOutListener", "Write", "tay", ORL_QEMU_VOICE_WRITE},
    };
    *ret_call = ORL_QEMU_OTHER;
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        if (strcmp(fields->interface, calls[i].interface) == 0 &&
                strcmp(fields->member, calls[i].member) == 0) {
            *ret_call = calls[i].call;
            return strcmp(fields->signature, calls[i].signature) == 0 ? ORL_OK : ORL_E_PROTO;
        }
    }
    return ORL_OK;
}

int orl_qemu_wire_header(const uint8_t *data, size_t len, struct orl_qemu_header *ret_header)
{
    struct fields fields = {.fds = 0};
    struct orl_rd rd;
    size_t header_len = 0;
    if (len < ORL_QEMU_FIXED_BYTES || orl_qemu_wire_measure(data, &header_len) < 0 ||
            header_len != len) {
        return ORL_E_PROTO;
    }
    orl_rd_init(&rd, data, len);
    orl_rd_skip(&rd, 1);
    uint8_t type = orl_rd_u8(&rd);
    uint8_t flags = orl_rd_u8(&rd);
    orl_rd_skip(&rd, 1);
    struct orl_qemu_header header = {.body_len = orl_rd_u32le(&rd)};
    header.serial = orl_rd_u32le(&rd);
    size_t end = ORL_QEMU_FIXED_BYTES + orl_rd_u32le(&rd);
    rd.len = end;
    while (!rd.is_failed && rd.at < end) {
        orl_rd_skip(&rd, align8(rd.at) - rd.at);
        take_field(&rd, &fields);
    }
    if (rd.is_failed) {
        return ORL_E_PROTO;
    }
    int rc = ORL_OK;
    if (type == TYPE_CALL) {
        header.wants_reply = (flags & FLAG_NO_REPLY) == 0;
        rc = identify(&fields, &header.call);
    }
    header.fds = fields.fds;
    if (rc == ORL_OK && header.fds != (header.call == ORL_QEMU_SCANOUT_MAP ? 1U : 0U)) {
        rc = ORL_E_PROTO;
    }
    if (rc == ORL_OK) {
        *ret_header = header;
    }
    return rc;
}

size_t orl_qemu_wire_args_len(enum orl_qemu_call call)
{
    switch (call) {
    case ORL_QEMU_SCANOUT:
    case ORL_QEMU_CURSOR:
        return 20;
    case ORL_QEMU_UPDATE:
        return ORL_QEMU_ARGS_MAX;
    case ORL_QEMU_MOUSE:
        return 12;
    case ORL_QEMU_SCANOUT_MAP:
        return 24;
    case ORL_QEMU_UPDATE_MAP:
        return 16;
    default:
        return 0;
    }
}

static bool is_side(uint32_t px, uint32_t max_px)
{
    return px >= 1 && px <= max_px;
}

/* The array holds whole rows, and the body ends with it. */
static bool is_data_whole(const struct orl_qemu_args *args, size_t args_len, uint32_t body_len)
{
    uint64_t row = (uint64_t)args->width_px * BYTES_PER_PX;
    return args->stride_bytes >= row && args->stride_bytes <= row + ORL_SURFACE_MAX_PX &&
           (uint64_t)args->stride_bytes * args->height_px == args->data_len &&
           body_len == args_len + (uint64_t)args->data_len;
}

static bool is_size(const struct orl_qemu_args *args, uint32_t min_px)
{
    return is_side(args->width_px, ORL_SURFACE_MAX_PX) && args->width_px >= min_px &&
           is_side(args->height_px, ORL_SURFACE_MAX_PX) && args->height_px >= min_px &&
           (uint64_t)args->width_px * args->height_px <= ORL_SURFACE_MAX_PIXELS;
}

static bool is_place(const struct orl_qemu_args *args)
{
    return args->x >= 0 && args->y >= 0 && args->x < ORL_SURFACE_MAX_PX &&
           args->y < ORL_SURFACE_MAX_PX;
}

static int check_pixels(
        const struct orl_qemu_header *header, size_t len, const struct orl_qemu_args *args)
{
    uint32_t min_px = header->call == ORL_QEMU_UPDATE ? 1 : ORL_SURFACE_MIN_PX;
    return is_size(args, min_px) && is_place(args) && is_data_whole(args, len, header->body_len)
                   ? ORL_OK
                   : ORL_E_PROTO;
}

static int check_cursor(
        const struct orl_qemu_header *header, size_t len, const struct orl_qemu_args *args)
{
    return is_side(args->width_px, CURSOR_MAX_PX) && is_side(args->height_px, CURSOR_MAX_PX) &&
                           is_data_whole(args, len, header->body_len)
                   ? ORL_OK
                   : ORL_E_PROTO;
}

static int read_mouse(struct orl_rd *rd, struct orl_qemu_args *args)
{
    args->x = (int32_t)orl_rd_u32le(rd);
    args->y = (int32_t)orl_rd_u32le(rd);
    args->is_on = orl_rd_u32le(rd) != 0;
    return ORL_OK;
}

static int read_cursor(
        struct orl_rd *rd, const struct orl_qemu_header *header, struct orl_qemu_args *args)
{
    args->width_px = orl_rd_u32le(rd);
    args->height_px = orl_rd_u32le(rd);
    args->x = (int32_t)orl_rd_u32le(rd);
    args->y = (int32_t)orl_rd_u32le(rd);
    args->stride_bytes = args->width_px <= CURSOR_MAX_PX ? args->width_px * BYTES_PER_PX : 0;
    args->data_len = orl_rd_u32le(rd);
    return check_cursor(header, rd->len, args);
}

static int check_format(uint32_t format)
{
    return format == ORL_QEMU_FORMAT_XRGB || format == ORL_QEMU_FORMAT_ARGB ? ORL_OK
                                                                            : ORL_E_UNSUPPORTED;
}

static int read_pixels(
        struct orl_rd *rd, const struct orl_qemu_header *header, struct orl_qemu_args *args)
{
    if (header->call == ORL_QEMU_UPDATE) {
        args->x = (int32_t)orl_rd_u32le(rd);
        args->y = (int32_t)orl_rd_u32le(rd);
    }
    args->width_px = orl_rd_u32le(rd);
    args->height_px = orl_rd_u32le(rd);
    args->stride_bytes = orl_rd_u32le(rd);
    uint32_t format = orl_rd_u32le(rd);
    args->data_len = orl_rd_u32le(rd);
    args->is_empty = args->width_px == 0 && args->height_px == 0 && args->data_len == 0 &&
                     header->body_len == rd->len;
    int rc = args->is_empty ? ORL_OK : check_pixels(header, rd->len, args);
    return rc < 0 ? rc : check_format(format);
}

/* The message brings one fd, and the handle is a number in the list of those. */
static int read_scanout_map(struct orl_rd *rd, struct orl_qemu_args *args)
{
    uint32_t handle = orl_rd_u32le(rd);
    args->offset_bytes = orl_rd_u32le(rd);
    args->width_px = orl_rd_u32le(rd);
    args->height_px = orl_rd_u32le(rd);
    args->stride_bytes = orl_rd_u32le(rd);
    bool is_right = handle == 0 && is_size(args, ORL_SURFACE_MIN_PX) &&
                    args->stride_bytes / BYTES_PER_PX >= args->width_px;
    return is_right ? check_format(orl_rd_u32le(rd)) : ORL_E_PROTO;
}

static int read_update_map(struct orl_rd *rd, struct orl_qemu_args *args)
{
    args->x = (int32_t)orl_rd_u32le(rd);
    args->y = (int32_t)orl_rd_u32le(rd);
    args->width_px = orl_rd_u32le(rd);
    args->height_px = orl_rd_u32le(rd);
    args->is_empty = args->width_px == 0 || args->height_px == 0;
    return args->is_empty || (is_size(args, 1) && is_place(args)) ? ORL_OK : ORL_E_PROTO;
}

int orl_qemu_wire_args(const struct orl_qemu_header *header, const uint8_t *data, size_t len,
        struct orl_qemu_args *ret_args)
{
    struct orl_qemu_args args = {0};
    struct orl_rd rd;
    bool has_array = false;
    int rc = ORL_OK;
    orl_rd_init(&rd, data, len);
    switch (header->call) {
    case ORL_QEMU_MOUSE:
        rc = read_mouse(&rd, &args);
        break;
    case ORL_QEMU_CURSOR:
        has_array = true;
        rc = read_cursor(&rd, header, &args);
        break;
    case ORL_QEMU_SCANOUT_MAP:
        rc = read_scanout_map(&rd, &args);
        break;
    case ORL_QEMU_UPDATE_MAP:
        rc = read_update_map(&rd, &args);
        break;
    default:
        has_array = true;
        rc = read_pixels(&rd, header, &args);
    }
    if (rd.is_failed || (!has_array && header->body_len != len)) {
        return ORL_E_PROTO;
    }
    if (rc == ORL_OK) {
        *ret_args = args;
    }
    return rc;
}

static void put_pad(struct orl_buf *buf, size_t to)
{
    while (buf->len % to != 0 && !buf->is_failed) {
        orl_buf_put_u8(buf, 0);
    }
}

static void put_text(struct orl_buf *buf, const char *text)
{
    orl_buf_put_u32le(buf, (uint32_t)strlen(text));
    orl_buf_put(buf, text, strlen(text) + 1);
}

static void put_signature(struct orl_buf *buf, const char *text)
{
    orl_buf_put_u8(buf, (uint8_t)strlen(text));
    orl_buf_put(buf, text, strlen(text) + 1);
}

static void put_field(struct orl_buf *buf, uint8_t code, const char *type)
{
    put_pad(buf, 8);
    orl_buf_put_u8(buf, code);
    put_signature(buf, type);
}

/* buf is empty: D-Bus aligns by the message's start. */
static void put_fixed(struct orl_buf *buf, uint8_t type, uint32_t body_len, uint32_t serial,
        uint32_t fields_len, uint32_t reply_to)
{
    orl_assert(buf->len == 0);
    orl_buf_put_u8(buf, 'l');
    orl_buf_put_u8(buf, type);
    orl_buf_put_u8(buf, FLAG_NO_REPLY);
    orl_buf_put_u8(buf, 1);
    orl_buf_put_u32le(buf, body_len);
    orl_buf_put_u32le(buf, serial);
    orl_buf_put_u32le(buf, fields_len);
    put_field(buf, FIELD_REPLY_SERIAL, "u");
    orl_buf_put_u32le(buf, reply_to);
}

/* QEMU looks for "Interfaces" among the properties and warns when it is missing. */
void orl_qemu_wire_put_properties(
        struct orl_buf *buf, uint32_t serial, uint32_t reply_to, bool has_map)
{
    uint32_t names_len = has_map ? 4 + sizeof(ORL_QEMU_MAP_INTERFACE) : 0;
    put_fixed(buf, TYPE_RETURN, 32 + names_len, serial, 19, reply_to);
    put_field(buf, FIELD_SIGNATURE, "g");
    put_signature(buf, "a{sv}");
    put_pad(buf, 8);
    orl_buf_put_u32le(buf, 24 + names_len);
    put_pad(buf, 8);
    put_text(buf, "Interfaces");
    put_signature(buf, "as");
    put_pad(buf, 4);
    orl_buf_put_u32le(buf, names_len);
    if (has_map) {
        put_text(buf, ORL_QEMU_MAP_INTERFACE);
    }
}

void orl_qemu_wire_put_done(struct orl_buf *buf, uint32_t serial, uint32_t reply_to)
{
    put_fixed(buf, TYPE_RETURN, 0, serial, 8, reply_to);
}

void orl_qemu_wire_put_unknown(struct orl_buf *buf, uint32_t serial, uint32_t reply_to)
{
    static const char name[] = "org.freedesktop.DBus.Error.UnknownMethod";
    put_fixed(buf, TYPE_ERROR, 0, serial, 8 + 8 + sizeof(name), reply_to);
    put_field(buf, FIELD_ERROR_NAME, "s");
    put_text(buf, name);
    put_pad(buf, 8);
}
