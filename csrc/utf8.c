/* utf8.c - UTF-8: which bytes are valid, how many characters they are, and
 * these as those of a str, both ways; of scan.h.
 *
 * To find what is not valid, blocks of sixteen bytes are looked at beside the
 * bytes one, two and three places before, which tell whether each may follow.
 * The ends of the text, and the place of an error, are looked at by the
 * character.
 */
#include "scan.h"

#if defined(__GNUC__) && !defined(__clang__)
/* No function that takes or returns a block is called from elsewhere. */
#pragma GCC diagnostic ignored "-Wpsabi"
#endif

typedef unsigned char block __attribute__((vector_size(16)));
typedef uint64_t block_halves __attribute__((vector_size(16)));
typedef unsigned char half __attribute__((vector_size(8)));
typedef uint16_t wide_half __attribute__((vector_size(16)));

/* So far without looking for a run of ASCII, which is scanned faster; what is
 * counted in the bytes of a block has room for 255 of them.  And bytes of ASCII
 * after which the next character is taken to be one alone. */
enum { ROUND = 16 * sizeof(block), LONG_RUN = 8 * sizeof(block) };

struct utf8 {
    const unsigned char *u;
    size_t n;
    size_t i;           /* so far all is valid, and no character is cut */
    size_t chars;       /* up to there */
    unsigned char most; /* of their first bytes, as far as widest() tells */
    bool bad;           /* at i is no character, however it went on */
};

/* The widest character, as far as a str's kind depends on it, given the
 * greatest first byte of one, or another for which it is the same. */
static unsigned
widest(unsigned char most)
{
    return most >= 0xF0   ? 0x10FFFF
           : most >= 0xC4 ? 0xFFFF
           : most >= 0x80 ? 0xFF
                          : 0x7F;
}

static void
widen(struct utf8 *s, unsigned char byte)
{
    s->most = byte > s->most ? byte : s->most;
}

/* ---- by the character ---- */

/* Length of the character of several bytes that w begins with, its first byte
 * the lowest of w; 0: none does.  The second byte tells what is too long a
 * form, a surrogate, or beyond 10FFFF. */
static size_t
utf8_length(uint32_t w)
{
    if ((w & 0xC0E0) == 0x80C0) {
        return (w & 0x1E) != 0 ? 2 : 0;
    }
    if ((w & 0xC0C0F0) == 0x8080E0) {
        uint32_t bits = w & 0x200F;
        return bits != 0 && bits != 0x200D ? 3 : 0;
    }
    if ((w & 0xC0C0C0F8) == 0x808080F0) {
        uint32_t bits = w & 0x3007;
        return bits != 0 && ((bits & 7) < 4 || bits == 4) ? 4 : 0;
    }
    return 0;
}

/* Whether the n bytes in w, too few, are the start of a character. */
static bool
utf8_is_cut(uint32_t w, size_t n)
{
    if (n == 1) {
        return w >= 0xC2 && w <= 0xF4;
    }
    return n < 4 && utf8_length(w | UINT32_C(0x80808080) << 8 * n) > 0;
}

/* Go on by one character, which is not ASCII. */
static bool
utf8_character(struct utf8 *s)
{
    const unsigned char *u = s->u + s->i;
    size_t n = s->n - s->i < 4 ? s->n - s->i : 4;
    uint32_t w = 0;
    for (size_t k = 0; k < n; k++) {
        w |= (uint32_t)u[k] << 8 * k;
    }
    size_t len = utf8_length(w);
    if (len == 0) {
        s->bad = !utf8_is_cut(w, n);
        return false;
    }
    widen(s, u[0]);
    s->i += len;
    s->chars++;
    return true;
}

/* ---- by the block ---- */

static inline block
block_at(const unsigned char *u)
{
    block v;
    memcpy(&v, u, sizeof(v));
    return v;
}

static inline bool
block_any(block v)
{
    block_halves halves = (block_halves)v;
    return (halves[0] | halves[1]) != 0;
}

/* Of its bytes. */
static inline size_t
block_sum(block v)
{
    block_halves w = (block_halves)v;
    w = (w & UINT64_C(0x00FF00FF00FF00FF))
        + (w >> 8 & UINT64_C(0x00FF00FF00FF00FF));
    return (size_t)((w[0] + w[1]) * UINT64_C(0x0001000100010001) >> 48);
}

static inline block
block_is(block v, unsigned char c)
{
    return (block)(v == c);
}

static inline block
block_from(block v, unsigned char c)
{
    return (block)(v >= c);
}

/* Bytes that may not be second after these: too long a form, a surrogate,
 * beyond 10FFFF. */
static block
block_bad_second(block first, block second)
{
    return (block_is(first, 0xE0) & ~block_from(second, 0xA0))
           | (block_is(first, 0xED) & block_from(second, 0xA0))
           | (block_is(first, 0xF0) & ~block_from(second, 0x90))
           | (block_is(first, 0xF4) & block_from(second, 0x90));
}

/* leads: bytes that begin a character of several, ored together, which tell no
 * more than whether one is C4 or more; wide: whether one is F0 or more. */
static void
widen_by_blocks(struct utf8 *s, block leads, block wide)
{
    if (block_any(leads)) {
        widen(s, block_any(wide)           ? 0xF0
                 : block_any(leads & 0x3C) ? 0xC4
                                           : 0xC2);
    }
}

/* Bytes at the end of [u, u + i) that begin a character and do not end it. */
static size_t
utf8_open(const unsigned char *u, size_t i)
{
    for (size_t k = 1; k <= 3; k++) {
        unsigned char c = u[i - k];
        if (c >= 0xC0) {
            return k < (c >= 0xF0 ? 4u : c >= 0xE0 ? 3u : 2u) ? k : 0;
        }
    }
    return 0;
}

/* Go on by as many blocks as are valid, a round at most.  Three bytes are
 * before i. */
static bool
utf8_blocks(struct utf8 *s)
{
    const unsigned char *u = s->u;
    size_t start = s->i, i = start;
    block inside = {0}, leads = {0}, wide = {0};
    for (; s->n - i >= sizeof(block) && i - start < ROUND;
         i += sizeof(block)) {
        block v = block_at(u + i), one = block_at(u + i - 1);
        block two = block_at(u + i - 2), three = block_at(u + i - 3);
        block after_lead = block_from(one, 0xC0);
        block after_four = block_from(three, 0xF0);
        block follows = after_lead | block_from(two, 0xE0) | after_four;
        block is_inside = block_is(v & 0xC0, 0x80);
        block bad = (follows ^ is_inside) | block_is(v & 0xFE, 0xC0)
                    | block_from(v, 0xF5);
        block rare = block_is(one, 0xE0) | block_is(one, 0xED)
                     | block_is(one, 0xF0) | block_is(one, 0xF4);
        if (block_any(bad | rare)
            && block_any(bad | block_bad_second(one, v))) {
            break;
        }
        inside -= is_inside; /* a byte of all ones is -1 */
        leads |= one & after_lead;
        wide |= after_four;
    }
    if (i == start) {
        return false;
    }
    s->chars += i - start - block_sum(inside);
    widen_by_blocks(s, leads, wide);
    size_t open = utf8_open(u, i);
    s->i = i - open;
    s->chars -= open > 0;
    return true;
}

/* ---- all of it ---- */

static bool
utf8_go_on(struct utf8 *s)
{
    size_t run = scan_ascii_run((const char *)s->u + s->i, s->n - s->i);
    s->i += run;
    s->chars += run;
    if (run < LONG_RUN) {
        return run > 0 || (s->i >= 3 && utf8_blocks(s)) || utf8_character(s);
    }
    if (s->i < s->n) {
        (void)utf8_character(s); /* what is none is met again */
    }
    return true;
}

size_t
scan_utf8_measure(const char *p, size_t n, bool *bad, size_t *chars,
                  unsigned *max)
{
    struct utf8 s = {.u = (const unsigned char *)p, .n = n};
    while (s.i < n && utf8_go_on(&s)) {
    }
    *bad = s.bad;
    *chars = s.chars;
    *max = widest(s.most);
    return s.i;
}

size_t
scan_utf8_count(const char *p, size_t n, unsigned *max)
{
    struct utf8 s = {.u = (const unsigned char *)p};
    while (s.i < n) {
        size_t run = scan_ascii_run(p + s.i, n - s.i);
        s.i += run;
        s.chars += run;
        size_t start = s.i, stop = n - start < ROUND ? n : start + ROUND;
        block inside = {0}, leads = {0}, wide = {0};
        while (s.i < stop) {
            block v = {0};
            size_t left = stop - s.i;
            if (left >= sizeof(v)) {
                left = sizeof(v);
                v = block_at(s.u + s.i);
            }
            else {
                memcpy(&v, s.u + s.i, left);
            }
            inside -= block_is(v & 0xC0, 0x80);
            leads |= v & block_from(v, 0xC0);
            wide |= block_from(v, 0xF0);
            s.i += left;
        }
        s.chars += s.i - start - block_sum(inside);
        widen_by_blocks(&s, leads, wide);
    }
    *max = widest(s.most);
    return s.chars;
}

size_t
scan_utf8_forward(const char *p, size_t n, size_t *chars)
{
    const unsigned char *u = (const unsigned char *)p;
    size_t i = 0, left = *chars;
    bool more = true;
    while (more) {
        size_t run = scan_ascii_run(p + i, n - i < left ? n - i : left);
        i += run;
        left -= run;
        more = n - i >= ROUND;
        for (size_t stop = more ? i + ROUND : n; stop - i >= 8; i += 8) {
            uint64_t w;
            memcpy(&w, u + i, sizeof(w));
            /* All but the bytes 10xxxxxx begin one. */
            w = (~(w >> 7) | w >> 6) & UINT64_C(0x0101010101010101);
            size_t begin = (size_t)(w * UINT64_C(0x0101010101010101) >> 56);
            if (begin > left) {
                more = false;
                break;
            }
            left -= begin;
        }
    }
    for (; i < n; i++) {
        if ((u[i] & 0xC0) == 0x80) {
            continue;
        }
        if (left == 0) {
            break;
        }
        left--;
    }
    *chars -= left;
    return i;
}

/* ---- characters of a str ---- */

static inline void
put(void *dst, int width, size_t i, uint32_t c)
{
    if (width == 1) {
        ((uint8_t *)dst)[i] = (uint8_t)c;
    }
    else if (width == 2) {
        ((uint16_t *)dst)[i] = (uint16_t)c;
    }
    else {
        ((uint32_t *)dst)[i] = c;
    }
}

/* Bytes of ASCII as characters of two: no compiler does it by itself. */
static inline void
put_half(uint16_t *to, const unsigned char *p)
{
#if defined(__clang__) || __GNUC__ >= 9
    half narrow;
    memcpy(&narrow, p, sizeof(narrow));
    wide_half wide = __builtin_convertvector(narrow, wide_half);
    memcpy(to, &wide, sizeof(wide));
#else
    for (size_t k = 0; k < sizeof(half); k++) {
        to[k] = p[k];
    }
#endif
}

/* A block of it. */
static inline void
put_block(void *restrict dst, int width, size_t at,
          const unsigned char *restrict p)
{
    if (width == 1) {
        memcpy((uint8_t *)dst + at, p, sizeof(block));
        return;
    }
    if (width == 2) {
        put_half((uint16_t *)dst + at, p);
        put_half((uint16_t *)dst + at + sizeof(half), p + sizeof(half));
        return;
    }
    for (size_t k = 0; k < sizeof(block); k++) {
        put(dst, width, at + k, p[k]);
    }
}

/* ASCII characters that a block begins with. */
static inline size_t
block_ascii(const unsigned char *u)
{
    size_t low = scan_ascii_word((const char *)u);
    size_t high = scan_ascii_word((const char *)u + 8);
    return low + (low == 8 ? high : 0);
}

/* So much that is looked at is still at hand to be copied. */
enum { PUT_MOST = 8 << 10 };

/* As much ASCII as u begins with, or of it: how much it was.  At first whole
 * blocks are put, while so many characters follow, and what is not ASCII is
 * overwritten: where a short run ends cannot be foreseen, and each branch there
 * costs more. */
static inline size_t
put_ascii(void *restrict dst, int width, size_t at,
          const unsigned char *restrict u, size_t n)
{
    size_t i = 0, run = sizeof(block);
    if (n > 1 && u[1] >= 0x80) { /* one, as between words of other letters */
        put(dst, width, at, u[0]);
        return u[0] < 0x80;
    }
    while (run == sizeof(block) && i < LONG_RUN
           && n - i >= 4 * sizeof(block)) {
        put_block(dst, width, at + i, u + i);
        run = block_ascii(u + i);
        i += run;
    }
    if (run < sizeof(block)) {
        return i;
    }
    n = n < PUT_MOST ? n : PUT_MOST;
    n = i + scan_ascii((const char *)u + i, n - i);
    if (width == 1) {
        memcpy((uint8_t *)dst + at + i, u + i, n - i);
        return n;
    }
    for (; n - i >= sizeof(block); i += sizeof(block)) {
        put_block(dst, width, at + i, u + i);
    }
    for (; i < n; i++) {
        put(dst, width, at + i, u[i]);
    }
    return n;
}

static inline uint32_t
low_bits(const unsigned char *u, size_t k, int shift)
{
    return (uint32_t)(u[k] & 0x3F) << shift;
}

/* Inlined for each width, so that what depends on it is decided when it is
 * compiled.  A loop for each length: mostly the next is as long. */
static inline __attribute__((always_inline)) size_t
decode_all(void *dst, int width, size_t at, const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p, *end = u + n;
    while (u < end) {
        size_t run = put_ascii(dst, width, at, u, (size_t)(end - u));
        at += run;
        u += run;
        for (; u < end && u[0] >= 0x80 && u[0] < 0xE0; u += 2) {
            put(dst, width, at++, (u[0] & 0x1Fu) << 6 | low_bits(u, 1, 0));
        }
        for (; u < end && u[0] >= 0xE0 && u[0] < 0xF0; u += 3) {
            put(dst, width, at++,
                (u[0] & 0x0Fu) << 12 | low_bits(u, 1, 6) | low_bits(u, 2, 0));
        }
        for (; u < end && u[0] >= 0xF0; u += 4) {
            put(dst, width, at++,
                (u[0] & 0x07u) << 18 | low_bits(u, 1, 12) | low_bits(u, 2, 6)
                    | low_bits(u, 3, 0));
        }
    }
    return at;
}

size_t
scan_utf8_decode(void *dst, int width, size_t at, const char *p, size_t n)
{
    switch (width) {
    case 1:
        return decode_all(dst, 1, at, p, n);
    case 2:
        return decode_all(dst, 2, at, p, n);
    default:
        return decode_all(dst, 4, at, p, n);
    }
}

static inline uint32_t
get(const void *str, int width, size_t i)
{
    return width == 1   ? ((const uint8_t *)str)[i]
           : width == 2 ? ((const uint16_t *)str)[i]
                        : ((const uint32_t *)str)[i];
}

static inline char *
put_low_bits(char *to, uint32_t c, int shift)
{
    *to = (char)(0x80 | (c >> shift & 0x3F));
    return to + 1;
}

/* As decode_all. */
static inline __attribute__((always_inline)) size_t
encode_all(char *to, const void *str, int width, size_t n)
{
    char *start = to;
    for (size_t i = 0; i < n; i++) {
        uint32_t c = get(str, width, i);
        if (c < 0x80) {
            *to++ = (char)c;
        }
        else if (c < 0x800) {
            *to++ = (char)(0xC0 | c >> 6);
            to = put_low_bits(to, c, 0);
        }
        else if (c < 0x10000) {
            if (c >= 0xD800 && c < 0xE000) {
                return SIZE_MAX;
            }
            *to++ = (char)(0xE0 | c >> 12);
            to = put_low_bits(put_low_bits(to, c, 6), c, 0);
        }
        else {
            *to++ = (char)(0xF0 | c >> 18);
            to = put_low_bits(put_low_bits(put_low_bits(to, c, 12), c, 6), c,
                              0);
        }
    }
    return (size_t)(to - start);
}

size_t
scan_utf8_encode(char *to, const void *str, int width, size_t n)
{
    switch (width) {
    case 1:
        return encode_all(to, str, 1, n);
    case 2:
        return encode_all(to, str, 2, n);
    default:
        return encode_all(to, str, 4, n);
    }
}
