/* fuzz_scan.c - the text scanner against one that goes byte by byte.
 *
 * With libFuzzer: clang -fsanitize=fuzzer,address,undefined -DLIBFUZZER.
 * Otherwise a program of its own: fuzz_scan [SECONDS [SEED]] makes inputs of
 * the bytes that matter, and prints the seed of one that differs.  Inputs lie
 * in memory of just their size, so that AddressSanitizer sees a read too far.
 */
#include "scan.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static unsigned long long seed = 1;

#define SAME(what, a, b)                                                      \
    do {                                                                      \
        if ((unsigned long long)(a) != (unsigned long long)(b)) {             \
            fprintf(stderr, "%s: %llu, not %llu, of %zu bytes, seed %llu\n",  \
                    what, (unsigned long long)(a), (unsigned long long)(b),   \
                    n, seed);                                                 \
            abort();                                                          \
        }                                                                     \
    } while (0)

static bool
is_between(unsigned char c, unsigned char low, unsigned char high)
{
    return c >= low && c <= high;
}

/* Bytes of the character at p: 0 if it is cut off, -1 if it is none. */
static int
slow_char(const unsigned char *p, size_t n)
{
    unsigned char low = 0x80, high = 0xBF, c = p[0];
    int len = c < 0x80   ? 1
              : c < 0xC2 ? -1
              : c < 0xE0 ? 2
              : c < 0xF0 ? 3
              : c < 0xF5 ? 4
                         : -1;
    if (c == 0xE0) {
        low = 0xA0;
    }
    else if (c == 0xED) {
        high = 0x9F;
    }
    else if (c == 0xF0) {
        low = 0x90;
    }
    else if (c == 0xF4) {
        high = 0x8F;
    }
    for (int i = 1; i < len; i++) {
        if ((size_t)i == n) {
            return 0;
        }
        if (!is_between(p[i], low, high)) {
            return -1;
        }
        low = 0x80;
        high = 0xBF;
    }
    return len;
}

struct slow {
    size_t valid, chars; /* as UTF-8 */
    bool bad;
    unsigned max;
};

static struct slow
slow_utf8(const unsigned char *p, size_t n)
{
    struct slow s = {.max = 0x7F};
    while (s.valid < n) {
        int len = slow_char(p + s.valid, n - s.valid);
        if (len <= 0) {
            s.bad = len < 0;
            break;
        }
        unsigned max = len == 1             ? 0x7F
                       : len == 4           ? 0x10FFFF
                       : p[s.valid] >= 0xC4 ? 0xFFFF
                                            : 0xFF;
        s.max = max > s.max ? max : s.max;
        s.valid += (size_t)len;
        s.chars++;
    }
    return s;
}

/* Bytes of the line end at p, or 0. */
static size_t
slow_end(const char *p, size_t n)
{
    if (n == 0 || (p[0] != '\n' && p[0] != '\r')) {
        return 0;
    }
    return p[0] == '\r' && n > 1 && p[1] == '\n' ? 2 : 1;
}

static unsigned
slow_value(const unsigned char *p, int len)
{
    static const unsigned char bits[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    unsigned value = p[0] & bits[len];
    for (int i = 1; i < len; i++) {
        value = value << 6 | (p[i] & 0x3Fu);
    }
    return value;
}

static unsigned
value_at(const void *str, int width, size_t i)
{
    return width == 1   ? ((const uint8_t *)str)[i]
           : width == 2 ? ((const uint16_t *)str)[i]
                        : ((const uint32_t *)str)[i];
}

static void
check_surrogates(void)
{
    static const uint16_t bad[] = {0xD800, 0xDBFF, 0xDC00, 0xDFFF};
    static const size_t n = 2;
    char to[6];
    for (int i = 0; i < 4; i++) {
        uint16_t str[] = {'a', bad[i]};
        uint32_t wide[] = {'a', bad[i]};
        SAME("surrogate", scan_utf8_encode(to, str, 2, n), SIZE_MAX);
        SAME("surrogate", scan_utf8_encode(to, wide, 4, n), SIZE_MAX);
    }
}

static void
check_encoded(const void *str, int width, size_t chars, const char *p,
              size_t n)
{
    char *to = malloc(n + 1);
    SAME("encoded", scan_utf8_encode(to, str, width, chars), n);
    SAME("encoding", memcmp(to, p, n), 0);
    free(to);
}

/* The n bytes are whole characters. */
static void
check_decoded(const char *p, size_t n, size_t chars, int width)
{
    void *str = malloc((chars + 1) * (size_t)width);
    size_t at = 1; /* the first is left out */
    SAME("decoded", scan_utf8_decode(str, width, 1, p, n), chars + 1);
    for (size_t i = 0; i < n; at++) {
        const unsigned char *u = (const unsigned char *)p + i;
        int len = slow_char(u, n - i);
        SAME("character", value_at(str, width, at), slow_value(u, len));
        i += (size_t)len;
    }
    check_encoded((char *)str + width, width, chars, p, n);
    free(str);
}

static void
check_utf8(const char *p, size_t n)
{
    struct slow s = slow_utf8((const unsigned char *)p, n);
    size_t chars = 0, ascii = 0;
    unsigned max = 0;
    bool bad = false;
    SAME("valid", scan_utf8_measure(p, n, &bad, &chars, &max), s.valid);
    SAME("bad", bad, s.bad);
    SAME("measured characters", chars, s.chars);
    if (s.valid == n) {
        SAME("widest", max, s.max);
    }
    SAME("no narrower", max < s.max, false);
    SAME("characters", scan_utf8_count(p, s.valid, &max), s.chars);
    SAME("widest of all", max, s.max);
    for (int width = s.max > 0xFFFF ? 4
                     : s.max > 0xFF ? 2
                                    : 1;
         width <= 4; width *= 2) {
        check_decoded(p, s.valid, s.chars, width);
    }
    while (ascii < n && !(p[ascii] & 0x80)) {
        ascii++;
    }
    SAME("ascii", scan_ascii(p, n), ascii);
    SAME("ascii run", scan_ascii_run(p, n), ascii);
}

static void
fill(char *text, size_t n, const char *character)
{
    size_t len = strlen(character);
    for (size_t i = 0; i < n; i++) {
        text[i] = character[i % len];
    }
}

/* Each first byte and the second ones that matter, at each place of a block,
 * among the same characters; and as many of these as count in a byte would
 * overflow. */
static void
check_filled(const char *character)
{
    static const unsigned char seconds[] = {
        0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0,
        0xC2, 0xDF, 0xE0, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF,
    };
    char text[96], many[12 * 1024];
    fill(many, sizeof(many), character);
    check_utf8(many, sizeof(many));
    for (size_t at = 13; at < 32; at++) {
        for (unsigned first = 0x7F; first < 0x100; first++) {
            for (size_t i = 0; i < sizeof(seconds); i++) {
                fill(text, sizeof(text), character);
                text[at] = (char)first;
                text[at + 1] = (char)seconds[i];
                check_utf8(text, sizeof(text));
            }
        }
    }
}

static void
check_ends(const char *p, size_t n)
{
    size_t pairs = 0, len = 0, out = 0;
    unsigned kinds = 0;
    char *slow = malloc(n + 1), *fast = malloc(n + 1);
    for (size_t i = 0; i < n;) {
        size_t end = slow_end(p + i, n - i);
        pairs += end == 2;
        kinds |= end == 2       ? SCAN_CRLF
                 : end == 0     ? 0
                 : p[i] == '\r' ? SCAN_CR
                                : SCAN_LF;
        slow[out++] = end > 0 ? '\n' : p[i];
        i += end > 0 ? end : 1;
        len = len == 0 && end > 0 ? i : len;
    }
    SAME("pairs", scan_count_crlf(p, n), pairs);
    SAME("line", scan_line_universal(p, n), len);
    SAME("kinds", scan_newlines(p, n), kinds);
    SAME("translated", scan_translate(fast, p, n), out);
    SAME("translation", memcmp(slow, fast, out), 0);
    free(slow);
    free(fast);
}

/* Over whole characters, n bytes of them. */
static void
check_forward(const char *p, size_t n, bool utf8, bool crlf, size_t limit)
{
    size_t at = 0, chars = 0, got = limit;
    while (at < n && chars < limit) {
        size_t end = crlf ? slow_end(p + at, n - at) : 0;
        int len = utf8 ? slow_char((const unsigned char *)p + at, n - at) : 1;
        at += end == 2 ? 2 : (size_t)len;
        chars++;
    }
    SAME("forward", scan_forward(p, n, utf8, crlf, &got), at);
    SAME("forward characters", got, chars);
}

static void
check_input(const unsigned char *data, size_t n)
{
    size_t limit = n > 0 ? data[0] : 0;
    char *p = malloc(n > 0 ? n : 1);
    memcpy(p, data, n);
    check_utf8(p, n);
    check_ends(p, n);
    size_t valid = slow_utf8(data, n).valid;
    char *whole = malloc(valid > 0 ? valid : 1);
    memcpy(whole, data, valid);
    for (int i = 0; i < 2; i++) {
        check_forward(whole, valid, true, i, limit);
        check_forward(p, n, false, i, limit);
    }
    free(whole);
    free(p);
}

#ifdef LIBFUZZER

int LLVMFuzzerTestOneInput(const unsigned char *data, size_t n);

int
LLVMFuzzerTestOneInput(const unsigned char *data, size_t n)
{
    check_input(data, n);
    return 0;
}

#else

static unsigned long long random_state;

static unsigned
next_random(void)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 32);
}

static size_t
make_input(unsigned char *data, size_t room)
{
    static const char *const pieces[] = {
        "\r",
        "\n",
        "\r\n",
        "a",
        "abcdefgh",
        "0123456789abcdef\n",
        "\xC3\xA9",
        "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80",
        "\xE0\xA0\x80",
        "\xED\x9F\xBF",
        "\xF4\x8F\xBF\xBF",
        "\xEF\xBF\xBF",
        "\x7F",
        "\xC2\x80",
    };
    unsigned kind = next_random() % 4; /* 0: valid; 3: mostly noise */
    size_t n = 0, most = next_random() % (next_random() % 8 ? 64 : room - 16);
    while (n < most) {
        if (next_random() % 16 < kind * kind) {
            data[n++] = (unsigned char)next_random();
            continue;
        }
        const char *piece = pieces[next_random() % 15];
        size_t len = strlen(piece);
        if (kind > 1 && next_random() % 16 == 0) {
            len = 1 + next_random() % len; /* cut off */
        }
        for (unsigned i = next_random() % 5; i < 5 && n + len < room; i++) {
            memcpy(data + n, piece, len);
            n += len;
        }
    }
    return n;
}

int
main(int argc, char **argv)
{
    double seconds = argc > 1 ? atof(argv[1]) : 2;
    seed = argc > 2 ? strtoull(argv[2], NULL, 0) : 1;
    static const char *const characters[] = {"a", "\xC3\xA9", "\xE2\x82\xAC",
                                             "\xF0\x9F\x98\x80"};
    unsigned long long inputs = 0;
    unsigned char data[16384];
    check_surrogates();
    for (int i = 0; i < 4; i++) {
        check_filled(characters[i]);
    }
    time_t ends = time(NULL) + (time_t)seconds;
    do {
        for (int i = 0; i < 1000; i++, inputs++, seed++) {
            random_state = seed * 0x9E3779B97F4A7C15ULL + 1;
            size_t n = make_input(data, sizeof(data));
            check_input(data, n);
        }
    } while (time(NULL) < ends);
    printf("fuzz_scan: %llu inputs, to seed %llu, no difference\n", inputs,
           seed);
    return 0;
}

#endif
