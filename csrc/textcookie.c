/* textcookie.c - see textcookie.h.
 *
 * Nearly always a cookie is a byte offset; the search below, CPython's, is
 * needed next to a lone '\r' and among characters that an error handler has
 * made.
 */
#include "textcookie.h"

#include "textcodec.h"

enum { COOKIE_SIZE = 21 }; /* 8 + 4 + 4 + 4 + 1 bytes, little end first */

static void
put_le(unsigned char *to, unsigned long long value, int size)
{
    for (int i = 0; i < size; i++) {
        to[i] = (unsigned char)(value >> (8 * i));
    }
}

static unsigned long long
get_le(const unsigned char *from, int size)
{
    unsigned long long value = 0;
    for (int i = 0; i < size; i++) {
        value |= (unsigned long long)from[i] << (8 * i);
    }
    return value;
}

static PyObject *
cookie_build(const struct cookie *c)
{
    unsigned char raw[COOKIE_SIZE];
    if (c->flags == 0 && c->feed == 0 && c->skip == 0 && c->eof == 0) {
        return PyLong_FromLongLong(c->start);
    }
    put_le(raw, (unsigned long long)c->start, 8);
    put_le(raw + 8, (unsigned)c->flags, 4);
    put_le(raw + 12, (unsigned)c->feed, 4);
    put_le(raw + 16, (unsigned)c->skip, 4);
    raw[20] = (unsigned char)c->eof;
    return PyObject_CallMethod((PyObject *)&PyLong_Type, "from_bytes", "y#s",
                               (const char *)raw, (Py_ssize_t)COOKIE_SIZE,
                               "little");
}

int
cookie_parse(PyObject *num, struct cookie *c)
{
    int overflow;
    memset(c, 0, sizeof(*c));
    c->start = PyLong_AsLongLongAndOverflow(num, &overflow);
    if (overflow == 0) {
        return c->start < 0 ? -1 : 0;
    }
    c->start = overflow;
    PyObject *raw = PyObject_CallMethod(num, "to_bytes", "is",
                                        (int)COOKIE_SIZE, "little");
    if (raw == NULL) {
        file_forget_refusal();
        return -1;
    }
    const unsigned char *p = (const unsigned char *)PyBytes_AS_STRING(raw);
    c->start = (long long)get_le(p, 8);
    c->flags = (int)get_le(p + 8, 4);
    c->feed = (int)get_le(p + 12, 4);
    c->skip = (int)get_le(p + 16, 4);
    c->eof = p[20];
    Py_DECREF(raw);
    return 0;
}

/* ---- the search for a safe point ---- */

struct search {
    PyObject *decoder;
    const char *input;
    Py_ssize_t size;
    Py_ssize_t buffered; /* bytes that the decoder keeps */
    int flags;
    /* begins where the file does: there the decoder is reset, and with it
     * `newlines` */
    bool afresh;
};

static int
search_reset(struct search *s, int flags)
{
    if (!s->afresh) {
        return text_decoder_start(s->decoder, flags);
    }
    PyObject *none = PyObject_CallMethod(s->decoder, "reset", NULL);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

/* Characters that n bytes give, or -1; then the decoder's state is known. */
static Py_ssize_t
search_feed(struct search *s, Py_ssize_t at, Py_ssize_t n, bool last)
{
    Py_ssize_t chars = -1;
    const char *kept;
    int flags;
    PyObject *state = NULL;
    PyObject *str = PyObject_CallMethod(s->decoder, "decode", "y#i",
                                        s->input + at, n, (int)last);
    if (str == NULL) {
        goto done;
    }
    state = PyObject_CallMethod(s->decoder, "getstate", NULL);
    if (state == NULL
        || !PyArg_ParseTuple(state, "y#i", &kept, &s->buffered, &flags)) {
        goto done;
    }
    s->flags = flags;
    chars = PyUnicode_GET_LENGTH(str);
done:
    Py_XDECREF(str);
    Py_XDECREF(state);
    return chars;
}

/* A start near the wanted character, guessed from the bytes per character:
 * its distance, or -1; *c and *chars are moved there. */
static Py_ssize_t
search_guess(struct search *s, struct cookie *c, Py_ssize_t *chars, double b2c)
{
    Py_ssize_t at = (Py_ssize_t)(b2c * (double)*chars), back = 1;
    at = at < s->size ? at : s->size;
    while (at > 0) {
        if (search_reset(s, c->flags) < 0) {
            return -1;
        }
        Py_ssize_t got = search_feed(s, 0, at, false);
        if (got < 0) {
            return -1;
        }
        if (got > *chars) {
            at -= back;
            back *= 2;
        }
        else if (s->buffered > 0) {
            at -= s->buffered;
            back = 1;
        }
        else {
            c->flags = s->flags;
            *chars -= got;
            return at;
        }
    }
    return search_reset(s, c->flags) < 0 ? -1 : 0;
}

/* From there byte by byte to the last safe point before the character. */
static int
search_walk(struct search *s, struct cookie *c, Py_ssize_t at,
            Py_ssize_t chars)
{
    Py_ssize_t got = 0;
    for (; at < s->size; at++) {
        Py_ssize_t n = search_feed(s, at, 1, false);
        if (n < 0) {
            return -1;
        }
        got += n;
        c->feed++;
        if (s->buffered == 0 && got <= chars) {
            c->start += c->feed;
            chars -= got;
            c->flags = s->flags;
            c->feed = 0;
            got = 0;
        }
        if (got >= chars) {
            break;
        }
    }
    if (at == s->size) {
        Py_ssize_t n = search_feed(s, 0, 0, true);
        if (n < 0) {
            return -1;
        }
        c->eof = 1;
        if (got + n < chars) {
            PyErr_SetString(PyExc_OSError,
                            "can't reconstruct logical file position");
            return -1;
        }
    }
    c->skip = (int)chars;
    return 0;
}

/* The safe point before that many characters of a chunk, and what is from
 * there to these; *c is its start.  0 or -1; steals input, NULL passes an error
 * on. */
static int
cookie_search(FileObject *file, struct cookie *c, PyObject *input,
              Py_ssize_t chars, double b2c)
{
    struct text *text = file->text;
    int rc = -1;
    struct search s = {.decoder = input == NULL ? NULL : text_decoder(file),
                       .afresh = c->start == 0 && c->flags == 0};
    if (s.decoder == NULL) {
        goto done;
    }
    s.input = PyBytes_AS_STRING(input);
    s.size = PyBytes_GET_SIZE(input);
    Py_ssize_t at = search_guess(&s, c, &chars, b2c);
    if (at < 0) {
        goto done;
    }
    c->start += at;
    rc = chars == 0 ? 0 : search_walk(&s, c, at, chars);
    if (rc == 0 && text->universal) {
        PyObject *newlines = PyObject_GetAttrString(s.decoder, "newlines");
        if (newlines == NULL) {
            rc = -1;
            goto done;
        }
        text->seen = (s.afresh ? 0 : text->seen)
                     | text_newline_kinds(newlines);
        Py_DECREF(newlines);
    }
done:
    Py_XDECREF(s.decoder);
    Py_XDECREF(input);
    return rc;
}

/* The position is in a chunk before the newest, which begins at c->start. */
static PyObject *
cookie_in_older(FileObject *file, struct cookie *c)
{
    struct text *text = file->text;
    const struct older_chunk *chunk = text->older.first;
    size_t back = text_carry(text), ahead = text->older.chars;
    unsigned seen = text->seen;
    c->flags = text->snap_flags;
    c->start -= (long long)text->older.span;
    while (chunk != NULL && ahead - chunk->chars >= back) {
        c->start += (long long)chunk->span;
        ahead -= chunk->chars;
        chunk = chunk->next;
    }
    if (chunk != NULL) {
        c->flags = chunk->flags;
    }
    if (chunk != NULL && ahead > back) {
        size_t chars = ahead - back;
        if (chunk->plain) {
            c->start += (long long)scan_forward(
                PyBytes_AS_STRING(chunk->input), chunk->span,
                text->codec == CODEC_UTF8, false, &chars);
            return cookie_build(c);
        }
        double b2c = (double)chunk->span / (double)chunk->chars;
        if (cookie_search(file, c, Py_NewRef(chunk->input), (Py_ssize_t)chars,
                          b2c)
            < 0) {
            return NULL;
        }
        text->seen = seen; /* what is ahead is not decoded again */
    }
    return cookie_build(c);
}

PyObject *
text_cookie(FileObject *file, off_t position)
{
    struct text *text = file->text;
    struct cookie c = {.start = position};
    if (text->owed != NULL) {
        return cookie_build(text->owed);
    }
    if (!text->has_snap) {
        return cookie_build(&c);
    }
    c.start -= (long long)text->snap_len;
    if (text->decoded == NULL && text->cur < text->dec_start) {
        /* A cancelled read had looked ahead. */
        c.start = position - (long long)(text->end - text->cur);
        return cookie_build(&c);
    }
    if (text->plain && !text->lost && text->decoded == NULL) {
        if (c.start == 0 && text->universal && text->cur > text->win) {
            /* The search resets the decoder and feeds it up to here. */
            text->seen = scan_newlines(file->rbuf.data + text->win,
                                       text->cur - text->win);
        }
        c.start += (long long)text->cur - (long long)text->win;
        return cookie_build(&c);
    }
    if (text_carry(text) > 0) {
        return cookie_in_older(file, &c); /* as above */
    }
    Py_ssize_t chars = 0;
    if (text->decoded != NULL) {
        chars = (Py_ssize_t)text->chars - chars_left(text->decoded);
    }
    else if (text->spent) {
        chars = (Py_ssize_t)text->chars;
    }
    else if (!text->lost) {
        chars = (Py_ssize_t)text_count(file, text->dec_start,
                                       text->cur - text->dec_start);
    }
    c.flags = text->snap_flags;
    if (chars > 0
        && cookie_search(file, &c, chunk_input(file), chars, text->b2c) < 0) {
        return NULL;
    }
    return cookie_build(&c);
}
