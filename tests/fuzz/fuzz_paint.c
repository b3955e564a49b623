/* The picture of a guest's screen, as PPM or PNG, in pieces of a size that its first byte says. */
#include "vmpool/paint.h"
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct orl_paint *paint = NULL;
    if (size == 0 || orl_paint_new(&paint, NULL) < 0) {
        return 0;
    }
    size_t step = (size_t)data[0] + 1;
    for (size_t at = 1; at < size; at += step) {
        size_t part = size - at < step ? size - at : step;
        if (orl_paint_feed(paint, data + at, part) < 0) {
            break;
        }
    }
    if (orl_paint_percent(paint) > 100) {
        abort();
    }
    orl_paint_free(paint);
    return 0;
}
