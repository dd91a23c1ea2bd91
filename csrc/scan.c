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

/* Length of the character that starts with c: 2-4, or 0 if none does.  The
 * second byte has to be in [*low, *high], the others in [80, BF]. */
static size_t
utf8_lead(unsigned char c, unsigned char *low, unsigned char *high)
{
    *low = 0x80;
    *high = 0xBF;
    if (c >= 0xC2 && c <= 0xDF) {
        return 2;
    }
    if (c >= 0xE0 && c <= 0xEF) {
        if (c == 0xE0) {
            *low = 0xA0;
        }
        else if (c == 0xED) {
            *high = 0x9F; /* no surrogates */
        }
        return 3;
    }
    if (c >= 0xF0 && c <= 0xF4) {
        if (c == 0xF0) {
            *low = 0x90;
        }
        else if (c == 0xF4) {
            *high = 0x8F;
        }
        return 4;
    }
    return 0;
}

/* The character at u, of which n bytes are there: its length; 0 if it is bad
 * or, with *cut set, not whole. */
static inline size_t
utf8_next(const unsigned char *u, size_t n, bool *cut)
{
    unsigned char low, high;
    size_t len = utf8_lead(u[0], &low, &high);
    for (size_t k = 1; k < len; k++) {
        if (k >= n) {
            *cut = true;
            return 0;
        }
        if (u[k] < low || u[k] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return len;
}

size_t
scan_utf8_measure(const char *p, size_t n, bool *bad, size_t *chars,
                  unsigned char *most)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t i = 0, count = 0;
    unsigned char top = 0;
    bool cut = false;
    *bad = false;
    for (;;) {
        size_t run = scan_ascii_run(p + i, n - i);
        i += run;
        count += run;
        if (i >= n) {
            break;
        }
        do {
            size_t len = utf8_next(u + i, n - i, &cut);
            if (len == 0) {
                *bad = !cut;
                goto done;
            }
            top = u[i] > top ? u[i] : top;
            i += len;
            count++;
        } while (i < n && u[i] >= 0x80);
    }
done:
    *chars = count;
    *most = top;
    return i;
}

size_t
scan_utf8(const char *p, size_t n, bool *bad)
{
    size_t chars;
    unsigned char most;
    return scan_utf8_measure(p, n, bad, &chars, &most);
}

/* All but the bytes 10xxxxxx. */
size_t
scan_utf8_count(const char *p, size_t n)
{
    size_t count = n, i = 0;
    for (; i + 8 <= n; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, sizeof(w));
        w = w >> 7 & ~(w >> 6) & UINT64_C(0x0101010101010101);
        count -= (size_t)(w * UINT64_C(0x0101010101010101) >> 56);
    }
    for (; i < n; i++) {
        count -= ((unsigned char)p[i] & 0xC0) == 0x80;
    }
    return count;
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
