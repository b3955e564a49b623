#include "display/jpeg.h"
#include "display/surface.h"
#include <stdlib.h>
#include <turbojpeg.h>

struct orl_jpeg {
    tjhandle turbo;
    uint8_t *data;
    size_t capacity;
};

int orl_jpeg_new(struct orl_jpeg **ret_jpeg)
{
    struct orl_jpeg *jpeg = calloc(1, sizeof(*jpeg));
    if (jpeg == NULL) {
        return ORL_E_NOMEM;
    }
    jpeg->turbo = tjInitCompress();
    if (jpeg->turbo == NULL) {
        free(jpeg);
        return ORL_E_NOMEM;
    }
    *ret_jpeg = jpeg;
    return ORL_OK;
}

void orl_jpeg_free(struct orl_jpeg *jpeg)
{
    if (jpeg != NULL) {
        (void)tjDestroy(jpeg->turbo);
        free(jpeg->data);
        free(jpeg);
    }
}

static int reserve(struct orl_jpeg *jpeg, size_t bytes)
{
    if (bytes > jpeg->capacity) {
        free(jpeg->data);
        jpeg->data = malloc(bytes);
        jpeg->capacity = jpeg->data == NULL ? 0 : bytes;
    }
    return jpeg->data == NULL ? ORL_E_NOMEM : ORL_OK;
}

int orl_jpeg_encode(struct orl_jpeg *jpeg, const struct orl_jpeg_picture *picture, int quality,
        bool has_full_colour, const uint8_t **ret_data, size_t *ret_len)
{
    orl_assert(picture->width_px >= 1 && picture->width_px <= ORL_SURFACE_MAX_PX &&
               picture->height_px >= 1 && picture->height_px <= ORL_SURFACE_MAX_PX);
    const int width = (int)picture->width_px;
    const int height = (int)picture->height_px;
    const int sampling = has_full_colour ? TJSAMP_444 : TJSAMP_420;
    unsigned long len = tjBufSize(width, height, sampling);
    if (reserve(jpeg, len) < 0) {
        return ORL_E_NOMEM;
    }
    if (tjCompress2(jpeg->turbo, picture->bgrx, width, (int)picture->stride_bytes, height,
                TJPF_BGRX, &jpeg->data, &len, sampling, quality,
                TJFLAG_NOREALLOC | TJFLAG_FASTDCT) < 0) {
        return ORL_E_BACKEND;
    }
    *ret_data = jpeg->data;
    *ret_len = len;
    return ORL_OK;
}
