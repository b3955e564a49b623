/* One pair of rows, portable or accelerated; all give exactly the same bytes. */
#ifndef ORL_DISPLAY_CSC_PRIV_H
#define ORL_DISPLAY_CSC_PRIV_H
#include "display/csc.h"
#include <stdint.h>

#define ORL_CSC_BITS 15

/* In the order of BGRX, times 2^15; the fourth is 0, so X never counts. */
struct orl_csc_matrix {
    int16_t y[4], u[4], v[4];
    int32_t y_bias;  /* offset and rounding, times 2^15 */
    int32_t uv_bias; /* the same for the sum of four pixels, times 2^17 */
};
/* 2 x 2 blocks: two rows of 2 * blocks pixels give two rows of luma and one of each chroma. */
struct orl_csc_rows {
    const uint8_t *src[2];
    uint8_t *y[2];
    uint8_t *u, *v;
    unsigned blocks;
};
typedef void orl_csc_rows_fn(const struct orl_csc_matrix *m, const struct orl_csc_rows *rows);

extern const struct orl_csc_matrix orl_csc_matrices[ORL_COLOURS_COUNT];
void orl_csc_rows_portable(const struct orl_csc_matrix *m, const struct orl_csc_rows *rows);
void orl_csc_rows_avx2(const struct orl_csc_matrix *m, const struct orl_csc_rows *rows);
/* The best for this processor; CMake picks the file that has it. */
orl_csc_rows_fn *orl_csc_choose_rows(void);

#endif
