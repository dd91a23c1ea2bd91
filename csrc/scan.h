/* scan.h - what a run of text bytes is made of.  No Python, any thread. */
#ifndef AIOFILES_C_SCAN_H
#define AIOFILES_C_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Kinds of line ends, as bits; io.IncrementalNewlineDecoder.newlines. */
enum { SCAN_CR = 1, SCAN_LF = 2, SCAN_CRLF = 4 };

/* Bytes from the start that are ASCII. */
size_t scan_ascii(const char *p, size_t n);

/* The same, for runs that are short most of the time. */
#define SCAN_HIGH UINT64_C(0x8080808080808080)

static inline size_t
scan_ascii_word(const char *p)
{
    uint64_t w;
    memcpy(&w, p, sizeof(w));
    w &= SCAN_HIGH;
    if (w == 0) {
        return sizeof(w);
    }
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    return (size_t)__builtin_ctzll(w) / 8;
#else
    return (size_t)__builtin_clzll(w) / 8;
#endif
}

static inline size_t
scan_ascii_run(const char *p, size_t n)
{
    size_t run = n < sizeof(uint64_t) ? 0 : scan_ascii_word(p);
    return run < sizeof(uint64_t) && n >= sizeof(uint64_t)
               ? run
               : run + scan_ascii(p + run, n - run);
}

/* Bytes from the start that are whole, valid UTF-8 characters, those that
 * CPython's decoder takes.  What is left is *bad, or the start of a character
 * that more bytes may complete; the start of a surrogate is *bad.  *chars: how
 * many they are; *max: the widest, as far as a str's kind depends on it, 0x7F,
 * 0xFF, 0xFFFF or 0x10FFFF, or where something is left perhaps a wider one. */
size_t scan_utf8_measure(const char *p, size_t n, bool *bad, size_t *chars,
                         unsigned *max);

/* Characters of valid UTF-8; *max: as above. */
size_t scan_utf8_count(const char *p, size_t n, unsigned *max);

/* Bytes of at most *chars of its characters; *chars becomes their number. */
size_t scan_utf8_forward(const char *p, size_t n, size_t *chars);

/* Make it the characters of a str, of width 1, 2 or 4 bytes, which have room
 * for the widest, from index at on; the index behind. */
size_t scan_utf8_decode(void *str, int width, size_t at, const char *p,
                        size_t n);

/* The other way, n characters, which take up to four bytes each: how many they
 * took, or SIZE_MAX: one is a surrogate. */
size_t scan_utf8_encode(char *to, const void *str, int width, size_t n);

size_t scan_count_crlf(const char *p, size_t n);

/* The kinds of line ends in a run that does not end inside of one. */
unsigned scan_newlines(const char *p, size_t n);

/* Length of the line at p, its end included, in universal newlines; 0 if no
 * end is there.  A '\r' at the very end counts. */
size_t scan_line_universal(const char *p, size_t n);

/* Bytes of at most *chars characters; *chars becomes their number.  utf8:
 * characters of several bytes; crlf: "\r\n" is one character. */
size_t scan_forward(const char *p, size_t n, bool utf8, bool crlf,
                    size_t *chars);

/* Copy with "\r\n" and '\r' as '\n'; the number of bytes copied. */
size_t scan_translate(char *to, const char *p, size_t n);

#endif
