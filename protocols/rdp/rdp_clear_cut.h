/* Where the ink of a picture is: cuts it at rows and columns of plain background, so that lines of text become bands
 * of their own and find the bars of earlier ones wherever they stood. */
#ifndef ORL_PROTOCOLS_RDP_RDP_CLEAR_CUT_H
#define ORL_PROTOCOLS_RDP_RDP_CLEAR_CUT_H
#include "protocols/rdp/rdp_clear_priv.h"

/* Fills the residual layer with everything outside of the ink, and calls put for each box of ink, with the background
 * around it. */
void orl_clear_cut(struct orl_clear *clear,
        void (*put)(struct orl_clear *clear, const struct orl_clear_box *box, uint32_t background));

#endif
