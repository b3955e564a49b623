#include "tests/model/record.h"
#include "base/err.h"
#include <stdio.h>

static FILE *file;

static void put(const void *data, size_t len)
{
    orl_assert(fwrite(data, 1, len, file) == len);
}

static void put_head(char kind, const uint32_t *values, size_t count)
{
    put(&kind, 1);
    put(values, count * sizeof(*values));
}

void record_open(const char *path)
{
    file = fopen(path, "wbe");
    orl_assert(file != NULL);
}

void record_close(void)
{
    if (file != NULL) {
        orl_assert(fclose(file) == 0);
        file = NULL;
    }
}

void record_client(uint32_t width, uint32_t height)
{
    if (file != NULL) {
        put_head('N', (const uint32_t[]){width, height}, 2);
    }
}

void record_message(const uint8_t *data, size_t len)
{
    if (file != NULL) {
        put_head('M', (const uint32_t[]){(uint32_t)len}, 1);
        put(data, len);
    }
}

void record_picture(const uint8_t *pixels, size_t stride, uint32_t width, uint32_t height)
{
    if (file != NULL) {
        put_head('R', (const uint32_t[]){width, height}, 2);
        for (uint32_t y = 0; y < height; y++) {
            put(pixels + stride * y, (size_t)width * 4);
        }
    }
}
