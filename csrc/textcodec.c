/* textcodec.c - chunks that are not valid as they are: see textcodec.h.
 *
 * Loop thread, with the GIL.
 */
#include "textcodec.h"

PyObject *
text_decoder(FileObject *file)
{
    struct text *text = file->text;
    PyObject *decoder = NULL;
    PyObject *info = PyObject_CallOneArg(file->state->codecs_lookup,
                                         file->encoding);
    if (info == NULL) {
        return NULL;
    }
    decoder = PyObject_CallMethod(info, "incrementaldecoder", "O",
                                  file->errors);
    Py_DECREF(info);
    if (decoder != NULL && text->universal) {
        Py_SETREF(decoder,
                  PyObject_CallFunction(file->state->newline_decoder, "Oi",
                                        decoder, (int)text->translate));
    }
    return decoder;
}

int
text_decoder_start(PyObject *decoder, int flags)
{
    PyObject *none = PyObject_CallMethod(decoder, "setstate", "((yi))", "",
                                         flags);
    Py_XDECREF(none);
    return none == NULL ? -1 : 0;
}

/* bytes [pend, stop), with what the codec had kept before. */
static PyObject *
chunk_bytes(FileObject *file, size_t stop)
{
    struct text *text = file->text;
    size_t n = stop - text->pend;
    PyObject *bytes = PyBytes_FromStringAndSize(
        NULL, (Py_ssize_t)(text->tail_len + n));
    if (bytes != NULL) {
        memcpy(PyBytes_AS_STRING(bytes), text->tail, text->tail_len);
        if (n > 0) {
            memcpy(PyBytes_AS_STRING(bytes) + text->tail_len,
                   file->rbuf.data + text->pend, n);
        }
    }
    return bytes;
}

/* Decode as the codec's incremental decoder does: *kept bytes wait for more.*/
static PyObject *
codec_decode(FileObject *file, PyObject *bytes, bool last, size_t *kept)
{
    const char *errors = PyUnicode_AsUTF8(file->errors);
    const char *p = PyBytes_AS_STRING(bytes);
    Py_ssize_t n = PyBytes_GET_SIZE(bytes), taken = n;
    PyObject *str = NULL;
    if (errors == NULL) {
        return NULL;
    }
    switch (file->text->codec) {
    case CODEC_UTF8:
        str = PyUnicode_DecodeUTF8Stateful(p, n, errors, last ? NULL : &taken);
        break;
    case CODEC_ASCII:
        str = PyUnicode_DecodeASCII(p, n, errors);
        break;
    case CODEC_LATIN1:
    case CODEC_OTHER:
        str = PyUnicode_DecodeLatin1(p, n, errors);
        break;
    }
    *kept = (size_t)(n - taken);
    return str;
}

unsigned
text_newline_kinds(PyObject *newlines)
{
    unsigned kinds = 0;
    PyObject *one[3] = {newlines, NULL, NULL};
    Py_ssize_t n = 1;
    if (PyTuple_Check(newlines)) {
        n = PyTuple_GET_SIZE(newlines);
        for (Py_ssize_t i = 0; i < n && i < 3; i++) {
            one[i] = PyTuple_GET_ITEM(newlines, i);
        }
    }
    for (Py_ssize_t i = 0; i < n && i < 3; i++) {
        if (PyUnicode_Check(one[i])) {
            bool pair = PyUnicode_GET_LENGTH(one[i]) == 2;
            bool cr = PyUnicode_READ_CHAR(one[i], 0) == '\r';
            kinds |= pair ? SCAN_CRLF : cr ? SCAN_CR : SCAN_LF;
        }
    }
    return kinds;
}

/* Line ends of decoded characters, by the standard decoder; steals str. */
static PyObject *
newlines_decode(FileObject *file, PyObject *str, bool last)
{
    struct text *text = file->text;
    PyObject *out = NULL, *seen = NULL, *st = NULL;
    if (!text->universal) {
        return str;
    }
    PyObject *decoder = PyObject_CallFunction(
        file->state->newline_decoder, "Oi", Py_None, (int)text->translate);
    if (decoder == NULL || text_decoder_start(decoder, text->held) < 0) {
        goto done;
    }
    out = PyObject_CallMethod(decoder, "decode", "Oi", str, (int)last);
    if (out == NULL) {
        goto done;
    }
    st = PyObject_CallMethod(decoder, "getstate", NULL);
    seen = PyObject_GetAttrString(decoder, "newlines");
    if (st == NULL || seen == NULL) {
        Py_CLEAR(out);
        goto done;
    }
    text->held = PyLong_AsLong(PyTuple_GET_ITEM(st, 1)) & 1;
    text->seen |= text_newline_kinds(seen);
done:
    Py_XDECREF(decoder);
    Py_XDECREF(st);
    Py_XDECREF(seen);
    Py_DECREF(str);
    return out;
}

/* The bytes up to stop could not be decoded and are gone; the codec keeps
 * what it had kept before them. */
static void
codec_skip(FileObject *file, size_t stop)
{
    struct text *text = file->text;
    size_t kept = text->end - text->pend;
    if (kept > 0 && text->tail_len + kept <= sizeof(text->tail)) {
        memcpy(text->tail + text->tail_len, file->rbuf.data + text->pend,
               kept);
        text->tail_len = (unsigned char)(text->tail_len + kept);
    }
    text->end = text->pend = stop;
}

/* So is what was to be returned before them. */
static void
chunk_lose(FileObject *file, size_t stop)
{
    struct text *text = file->text;
    if (stop > text->end && (text->telling_off || text->listing)
        && text->snap_len > 0) {
        text->has_snap = false; /* that was an older chunk's */
    }
    codec_skip(file, stop);
    chars_free(&text->decoded);
    text->lim = text->cur = stop;
    text->lost_chars = text->chars;
    text->chars = 0;
    text->lost = true;
}

/* Of the last kept bytes of input the codec wants to see more.  Those that
 * do not lie before stop in the buffer are put aside. */
static void
codec_keep(FileObject *file, PyObject *input, size_t stop, size_t kept)
{
    struct text *text = file->text;
    size_t there = stop - text->pend;
    text->tail_len = 0;
    if (kept > there) {
        text->tail_len = (unsigned char)(kept - there);
        memcpy(text->tail,
               PyBytes_AS_STRING(input) + PyBytes_GET_SIZE(input) - kept,
               text->tail_len);
        kept = there;
    }
    text->end = stop;
    text->pend = stop - kept;
}

PyObject *
chunk_input(FileObject *file)
{
    const struct text *text = file->text;
    PyObject *bytes = PyBytes_FromStringAndSize(NULL,
                                                (Py_ssize_t)text->snap_len);
    if (bytes != NULL) {
        char *to = PyBytes_AS_STRING(bytes);
        memcpy(to, text->snap_tail, text->snap_tail_len);
        memcpy(to + text->snap_tail_len, file->rbuf.data + text->win,
               text->snap_len - text->snap_tail_len);
    }
    return bytes;
}

static void
older_chunk_free(struct older_chunk *chunk)
{
    if (chunk != NULL) {
        Py_DECREF(chunk->input);
        PyMem_Free(chunk);
    }
}

/* The chunks of what is left to be returned, before another one comes: NULL
 * with an exception, or NULL where nothing is left or nobody could tell. */
static struct older_chunk *
chunk_as_older(FileObject *file)
{
    struct text *text = file->text;
    struct older_chunk *owned;
    struct older_chunk chunk = {.flags = text->snap_flags,
                                .chars = text->chars};
    if (!file->seekable) {
        return NULL; /* nor does it tell */
    }
    if (text->decoded == NULL) { /* all in one: it is nothing but bytes */
        chunk.flags = 0;
        chunk.plain = !(text->universal && (text->has_cr || text->held));
        chunk.span = text->pend - text->cur;
        chunk.chars = text_count(file, text->cur, text->lim - text->cur);
        if (chunk.chars == 0) {
            return NULL;
        }
        chunk.input = PyBytes_FromStringAndSize(file->rbuf.data + text->cur,
                                                (Py_ssize_t)chunk.span);
    }
    else {
        chunk.span = text->snap_len - text->tail_len
                     - (text->end - text->pend);
        if (!text->has_snap || chars_left(text->decoded) == 0) {
            return NULL;
        }
        chunk.input = chunk_input(file);
    }
    owned = chunk.input == NULL ? NULL : PyMem_Malloc(sizeof(*owned));
    if (owned == NULL) {
        Py_XDECREF(chunk.input);
        PyErr_NoMemory();
        return NULL;
    }
    *owned = chunk;
    return owned;
}

static void
older_add(struct older *older, struct older_chunk *chunk)
{
    if (older->first == NULL) {
        older->last = &older->first;
    }
    *older->last = chunk;
    older->last = &chunk->next;
    older->span += chunk->span;
    older->chars += chunk->chars;
}

static void
older_drop_first(struct older *older)
{
    struct older_chunk *chunk = older->first;
    older->first = chunk->next;
    older->span -= chunk->span;
    older->chars -= chunk->chars;
    older_chunk_free(chunk);
}

void
text_drop_older(struct text *text)
{
    while (text->older.first != NULL) {
        older_drop_first(&text->older);
    }
}

/* Drop those of which all has been returned. */
static void
older_trim(struct text *text)
{
    struct older *older = &text->older;
    while (older->first != NULL
           && older->chars - older->first->chars >= text_carry(text)) {
        older_drop_first(older);
    }
}

/* The rest of what is to be returned and str, which becomes the newest
 * chunk's: 0, or -1 and nothing has changed. */
static int
chunk_append(FileObject *file, PyObject *str)
{
    struct text *text = file->text;
    bool follows = text_carry(text) > 0; /* those that the list has */
    struct older_chunk *chunk = chunk_as_older(file);
    if (chunk == NULL && PyErr_Occurred()) {
        return -1;
    }
    if (text_to_decoded(file, str) < 0) {
        older_chunk_free(chunk);
        return -1;
    }
    text->chars = (size_t)PyUnicode_GET_LENGTH(str);
    if (chunk == NULL || !follows) { /* the list would have a gap */
        text_drop_older(text);
    }
    if (chunk != NULL) {
        older_add(&text->older, chunk);
    }
    older_trim(text);
    return 0;
}

void
text_take_decoded(struct text *text, Py_ssize_t n)
{
    chars_take(text->decoded, n);
    older_trim(text);
}

enum step
chunk_take_decoded(FileObject *file, size_t stop, bool last)
{
    struct text *text = file->text;
    size_t kept, bytes = stop - text->end;
    bool held = text->held;
    PyObject *input = chunk_bytes(file, stop);
    if (input == NULL) {
        return STEP_ERROR;
    }
    PyObject *str = codec_decode(file, input, last, &kept);
    if (str != NULL) {
        str = newlines_decode(file, str, last);
    }
    if (str == NULL) {
        Py_DECREF(input);
        if (!PyErr_ExceptionMatches(PyExc_MemoryError)) {
            chunk_lose(file, stop);
        }
        return STEP_ERROR;
    }
    int rc = chunk_append(file, str);
    Py_DECREF(str);
    if (rc < 0) {
        Py_DECREF(input);
        text->held = held; /* it is decoded again */
        return STEP_ERROR;
    }
    text_note_chunk(text);
    text->plain = false;
    text->snap_flags = held;
    text->snap_len = (size_t)PyBytes_GET_SIZE(input);
    text->snap_tail_len = text->tail_len;
    memcpy(text->snap_tail, text->tail, sizeof(text->tail));
    text->win = text->pend;
    text->b2c = text->chars > 0 ? (double)bytes / (double)text->chars : 0.0;
    codec_keep(file, input, stop, kept);
    Py_DECREF(input);
    text->lim = text->pend - (text->held && text->pend > 0);
    text->cur = text->dec_start = text->lim;
    return STEP_DONE;
}

PyObject *
chunk_take_rest(FileObject *file, size_t stop)
{
    struct text *text = file->text;
    size_t kept;
    bool held = text->held;
    PyObject *input = chunk_bytes(file, stop);
    PyObject *str = input == NULL ? NULL
                                  : codec_decode(file, input, true, &kept);
    Py_XDECREF(input);
    if (str != NULL) {
        str = newlines_decode(file, str, true);
    }
    if (str == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_MemoryError)) {
            codec_skip(file, stop);
        }
        return NULL;
    }
    PyObject *rest = text_rest(file);
    PyObject *all = rest == NULL ? NULL : PyUnicode_Concat(rest, str);
    Py_XDECREF(rest);
    Py_DECREF(str);
    text->held = held && all == NULL; /* it is decoded again */
    return all;
}
