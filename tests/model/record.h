/* What a client was sent, and what it showed at rest, in a file: for decoders that cannot be in this process
 * (replay_freerdp2.c). Records of native integers: 'N' width height, a new client; 'M' length bytes, a message of the
 * graphics channel; 'R' width height pixels. */
#ifndef ORL_TESTS_MODEL_RECORD_H
#define ORL_TESTS_MODEL_RECORD_H
#include <stddef.h>
#include <stdint.h>

/* Without it nothing is recorded. */
void record_open(const char *path);
void record_close(void);
void record_client(uint32_t width, uint32_t height);
void record_message(const uint8_t *data, size_t len);
void record_picture(const uint8_t *pixels, size_t stride, uint32_t width, uint32_t height);

#endif
