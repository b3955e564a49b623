#include "vmpool/xml_text.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { PUTF_MAX = 512 };

void orl_xml_putf(struct orl_buf *out, const char *fmt, ...)
{
    char text[PUTF_MAX];
    va_list args;
    va_start(args, fmt);
    int len = vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    orl_assert(len >= 0 && len < PUTF_MAX);
    orl_buf_put(out, text, (size_t)len);
}

static const char *escape_of(unsigned char c)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '\'':
        return "&apos;";
    case '"':
        return "&quot;";
    default:
        break;
    }
    return c < 0x20 || c == 0x7f ? "\xef\xbf\xbd" : NULL;
}

void orl_xml_text(struct orl_buf *out, const char *text)
{
    for (const char *at = text; *at; at++) {
        const char *escape = escape_of((unsigned char)*at);
        orl_buf_put(out, escape ? escape : at, escape ? strlen(escape) : 1);
    }
}

void orl_xml_attr(struct orl_buf *out, const char *name, const char *value)
{
    orl_xml_putf(out, " %s='", name);
    orl_xml_text(out, value);
    orl_xml_putf(out, "'");
}

void orl_xml_element(struct orl_buf *out, const char *name, const char *text)
{
    orl_xml_putf(out, "<%s>", name);
    orl_xml_text(out, text);
    orl_xml_putf(out, "</%s>", name);
}
