/* XML text into a buffer; everything that is not ours is escaped. Pure. */
#ifndef ORL_VMPOOL_XML_TEXT_H
#define ORL_VMPOOL_XML_TEXT_H
#include "base/buf.h"

/* For fixed text and numbers only. */
void orl_xml_putf(struct orl_buf *out, const char *fmt, ...) ORL_PRINTF(2, 3);
/* Escaped; characters that XML 1.0 does not allow become U+FFFD. */
void orl_xml_text(struct orl_buf *out, const char *text);
void orl_xml_attr(struct orl_buf *out, const char *name, const char *value); /* " name='value'" */
void orl_xml_element(
        struct orl_buf *out, const char *name, const char *text); /* "<name>text</name>" */

#endif
