/* scan.c - see scan.h. */
#include "scan.h"

/* What a processor of these days takes at once, and others in two steps. */
typedef uint64_t two_words __attribute__((vector_size(16)));

size_t
scan_ascii(const char *p, size_t n)
{
    two_words w[4];
    size_t i = 0;
    for (; i + sizeof(w) <= n; i += sizeof(w)) {
        memcpy(w, p + i, sizeof(w));
        two_words any = w[0] | w[1] | w[2] | w[3];
        if ((any[0] | any[1]) & SCAN_HIGH) {
            break;
        }
    }
    for (; i + 8 <= n; i += 8) {
        size_t run = scan_ascii_word(p + i);
        if (run < 8) {
            return i + run;
        }
    }
    while (i < n && (unsigned char)p[i] < 0x80) {
        i++;
    }
    return i;
}

size_t
scan_count_crlf(const char *p, size_t n)
{
    size_t count = 0;
    const char *end = p + n;
    while (p < end && (p = memchr(p, '\r', (size_t)(end - p))) != NULL) {
        p++;
        count += p < end && *p == '\n';
    }
    return count;
}

unsigned
scan_newlines(const char *p, size_t n)
{
    const char *end = p + n;
    const char *cr = memchr(p, '\r', n);
    unsigned kinds = 0;
    if (cr == NULL) {
        return n > 0 && memchr(p, '\n', n) != NULL ? SCAN_LF : 0;
    }
    for (; p < end && kinds != (SCAN_CR | SCAN_LF | SCAN_CRLF); p++) {
        if (*p == '\n') {
            kinds |= SCAN_LF;
        }
        else if (*p == '\r') {
            bool pair = p + 1 < end && p[1] == '\n';
            kinds |= pair ? SCAN_CRLF : SCAN_CR;
            p += pair;
        }
    }
    return kinds;
}

size_t
scan_line_universal(const char *p, size_t n)
{
    const char *lf = memchr(p, '\n', n);
    const char *cr = memchr(p, '\r', lf == NULL ? n : (size_t)(lf - p));
    if (cr == NULL) {
        return lf == NULL ? 0 : (size_t)(lf - p) + 1;
    }
    return (size_t)(cr - p) + (cr + 1 == lf ? 2 : 1);
}

size_t
scan_forward(const char *p, size_t n, bool utf8, bool crlf, size_t *chars)
{
    size_t i = 0, count = 0;
    if (!utf8 && !crlf) {
        *chars = n < *chars ? n : *chars;
        return *chars;
    }
    if (utf8 && !crlf) {
        return scan_utf8_forward(p, n, chars);
    }
    while (i < n && count < *chars) {
        if (crlf && p[i] == '\r' && i + 1 < n && p[i + 1] == '\n') {
            i++;
        }
        i++;
        while (utf8 && i < n && ((unsigned char)p[i] & 0xC0) == 0x80) {
            i++;
        }
        count++;
    }
    *chars = count;
    return i;
}

size_t
scan_translate(char *to, const char *p, size_t n)
{
    char *start = to;
    const char *end = p + n;
    while (p < end) {
        const char *cr = memchr(p, '\r', (size_t)(end - p));
        size_t part = (size_t)((cr == NULL ? end : cr) - p);
        memcpy(to, p, part);
        to += part;
        if (cr == NULL) {
            break;
        }
        *to++ = '\n';
        p = cr + 1;
        p += p < end && *p == '\n';
    }
    return (size_t)(to - start);
}
