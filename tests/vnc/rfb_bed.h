/* An RFB viewer on one end of a socket pair, with what it reported; the test is the client on the other end. */
#ifndef ORL_TESTS_RFB_BED_H
#define ORL_TESTS_RFB_BED_H
#include "base/loop.h"
#include "base/tls.h"
#include "protocols/vnc/rfb_viewer.h"

enum { BED_INPUTS = 64, BED_STEPS = 16, BED_TEXT = 4096 };

struct bed {
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_viewer_handle viewer; /* ops NULL once it is freed */
    int fd, aux_fd;                  /* the client's ends */
    bool accepts;

    unsigned logins, readies, acks, writables, refreshes, layouts, hidden, shown, closes;
    struct orl_msg_login login;
    struct orl_viewer_caps caps;
    uint32_t acked;
    struct orl_layout layout;
    struct orl_input inputs[BED_INPUTS];
    unsigned input_count;
    struct orl_clipboard steps[BED_STEPS]; /* their text: in texts */
    char texts[BED_STEPS][BED_TEXT];
    unsigned step_count;
    enum orl_reason reason;
    char text[ORL_TEXT_MAX + 1];
};

/* keys NULL: as for a browser, with a pair of its own for aux datagrams. */
void bed_open(struct bed *bed, const struct orl_tls_keys *keys);
void bed_close(struct bed *bed);
void bed_turn(struct bed *bed); /* lets the loop do what is due */
void bed_send(struct bed *bed, const void *data, size_t len);
void bed_send_text(struct bed *bed, const char *hex); /* "00 ff ..." */
/* Waits for exactly len bytes; fails the test when they do not come. */
void bed_read(struct bed *bed, void *ret_data, size_t len);
void bed_expect(struct bed *bed, const char *hex);
bool bed_is_over(struct bed *bed);  /* waits: the viewer is closed and its end, too */
bool bed_is_quiet(struct bed *bed); /* nothing more comes */
/* Version, security None, ClientInit; reads up to the end of ServerInit. */
void bed_shake_hands(struct bed *bed);
/* SetEncodings of these numbers, the last is 0. Raw is always among them. */
void bed_encodings(struct bed *bed, const int32_t *encodings);
void bed_request(struct bed *bed, bool is_incremental);
/* Asks for the picture of these encodings: the viewer is ready. */
void bed_ready(struct bed *bed, const int32_t *encodings);
/* A frame of one lossless rectangle at 0, 0 of this colour; returns what send() said. */
int bed_frame(struct bed *bed, uint32_t frame_id, int32_t width, int32_t height, uint32_t colour);

#endif
