/* text.c - the windows of the text layer: see text.h.
 *
 * Loop thread, with the GIL.
 */
#include "text.h"

struct text *
text_new(void)
{
    return PyMem_Calloc(1, sizeof(struct text));
}

void
text_free(struct text *text)
{
    if (text != NULL) {
        Py_XDECREF(text->decoded);
        text_drop_recode(text);
        buffer_free(&text->out);
        PyMem_Free(text);
    }
}

void
text_shift(struct text *text, size_t shift)
{
    text->cur -= shift;
    text->lim -= shift;
    text->pend -= shift;
    text->end -= shift;
    text->from -= shift < text->from ? shift : text->from;
    text->till -= shift < text->till ? shift : text->till;
    text->win -= shift;
    text->dec_start -= shift;
}

void
text_forget(struct text *text)
{
    text->cur = text->lim = text->pend = text->end = 0;
    text->from = text->till = 0;
    text->win = text->dec_start = 0;
    text->held = text->has_snap = text->noted = false;
    text->lost = text->spent = false;
    text->tail_len = 0;
    text->chars = 0;
    Py_CLEAR(text->decoded);
}

int
text_pass_on(FileObject *file)
{
    struct buffer *out = &file->text->out;
    size_t n = buffer_avail(out);
    if (n > 0 && file_accept(file, out->data, n, NULL) < 0) {
        return -1;
    }
    buffer_reset(out);
    return 0;
}

/* ---- strings ---- */

static PyObject *
text_decode_valid(struct text *text, const char *p, size_t n, bool ascii)
{
    if (ascii) {
        PyObject *str = PyUnicode_New((Py_ssize_t)n, 127);
        if (str != NULL && n > 0) {
            memcpy(PyUnicode_1BYTE_DATA(str), p, n);
        }
        return str;
    }
    if (text->codec == CODEC_LATIN1) {
        return PyUnicode_DecodeLatin1(p, (Py_ssize_t)n, NULL);
    }
    return PyUnicode_DecodeUTF8(p, (Py_ssize_t)n, NULL);
}

PyObject *
text_string(FileObject *file, size_t skip, size_t n)
{
    struct text *text = file->text;
    char *p = file->rbuf.data + text->cur + skip;
    if (!text->translate || !text->has_cr || n == 0) {
        return text_decode_valid(text, p, n, text->ascii);
    }
    const char *cr = memchr(p, '\r', n);
    if (cr == NULL) {
        return text_decode_valid(text, p, n, text->ascii);
    }
    if ((size_t)(cr - p) >= n - 2 + (n == 1)) {
        /* A line: its end is made '\n' in place for as long as it takes. */
        size_t len = (size_t)(cr - p) + 1;
        if (len == n || p[len] == '\n') {
            p[len - 1] = '\n';
            PyObject *str = text_decode_valid(text, p, len, text->ascii);
            p[len - 1] = '\r';
            return str;
        }
    }
    char *copy = PyMem_Malloc(n);
    if (copy == NULL) {
        return PyErr_NoMemory();
    }
    size_t len = scan_translate(copy, p, n);
    PyObject *str = text_decode_valid(text, copy, len, text->ascii);
    PyMem_Free(copy);
    return str;
}

int
text_to_decoded(FileObject *file, PyObject *more)
{
    struct text *text = file->text;
    PyObject *rest;
    if (text->decoded == NULL) {
        rest = text_string(file, 0, text->lim - text->cur);
    }
    else {
        rest = PyUnicode_Substring(text->decoded, text->used,
                                   PyUnicode_GET_LENGTH(text->decoded));
    }
    if (rest == NULL) {
        return -1;
    }
    text->carry = PyUnicode_GET_LENGTH(rest);
    PyObject *all = more == NULL ? Py_NewRef(rest)
                                 : PyUnicode_Concat(rest, more);
    Py_DECREF(rest);
    if (all == NULL) {
        return -1;
    }
    Py_XSETREF(text->decoded, all);
    text->used = 0;
    return 0;
}

int
text_begin_write(FileObject *file)
{
    struct text *text = file->text;
    PyObject *kept = NULL;
    if (file->state->text_keeps && !text->noted) {
        if (text_to_decoded(file, NULL) < 0) {
            return -1;
        }
        kept = Py_NewRef(text->decoded);
    }
    text_forget(text);
    text->seen = 0; /* as the decoder's reset() does */
    if (kept != NULL && PyUnicode_GET_LENGTH(kept) > 0) {
        text->decoded = Py_NewRef(kept);
        text->used = text->carry = 0;
    }
    Py_XDECREF(kept);
    return 0;
}

/* ---- valid chunks ---- */

/* Whether the bytes [pend, stop) can stay bytes; *valid: how far they are
 * whole characters. */
static bool
chunk_is_valid(FileObject *file, size_t stop, bool last, size_t *valid,
               bool *ascii)
{
    struct text *text = file->text;
    const char *p = file->rbuf.data + text->pend;
    size_t n = stop - text->pend;
    bool bad = false;
    size_t len = n == 0 ? 0 : scan_ascii(p, n);
    *ascii = len == n;
    *valid = stop;
    if (*ascii || text->codec == CODEC_LATIN1) {
        return true;
    }
    if (text->codec == CODEC_ASCII) {
        return false;
    }
    len += scan_utf8(p + len, n - len, &bad);
    *valid = text->pend + len;
    return !bad && (!last || len == n);
}

static size_t
count_chars(const struct text *text, const char *p, size_t n, bool ascii,
            bool has_cr)
{
    size_t chars = n;
    if (!ascii && text->codec == CODEC_UTF8) {
        chars = scan_utf8_count(p, n);
    }
    if (has_cr && text->translate) {
        chars -= scan_count_crlf(p, n);
    }
    return chars;
}

size_t
text_count(FileObject *file, size_t at, size_t n)
{
    const struct text *text = file->text;
    return n == 0 ? 0
                  : count_chars(text, file->rbuf.data + at, n, text->ascii,
                                text->has_cr);
}

/* Take [end, stop) in as the newest chunk. */
static void
chunk_take_valid(FileObject *file, size_t stop, size_t valid, bool ascii,
                 bool last)
{
    struct text *text = file->text;
    const char *data = file->rbuf.data;
    size_t first = text->lim, bytes = stop - text->end;
    text->has_snap = !text->telling_off;
    text->noted = text->noted || text->has_snap;
    text->lost = text->spent = false;
    text->snap_flags = text->held;
    text->snap_len = stop - text->pend;
    text->snap_tail_len = 0;
    text->win = text->pend;
    text->dec_start = first;
    text->pend = valid;
    text->end = stop;
    text->lim = valid;
    text->held = false;
    if (text->universal && !last && valid > first && data[valid - 1] == '\r') {
        text->held = true;
        text->lim = valid - 1;
    }
    size_t n = text->lim - first;
    bool has_cr = n > 0 && memchr(data + first, '\r', n) != NULL;
    bool drained = text->cur == first;
    text->ascii = ascii && (drained || text->ascii);
    text->has_cr = has_cr || (!drained && text->has_cr);
    text->plain = !(text->universal
                    && (has_cr || text->held || text->snap_flags != 0));
    if (text->universal && n > 0) {
        text->seen |= scan_newlines(data + first, n);
    }
    text->chars = count_chars(text, data + first, n, ascii, has_cr);
    text->b2c = text->chars > 0 ? (double)bytes / (double)text->chars : 0.0;
}

/* ---- chunks for the codec ---- */

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
    PyObject *out = NULL, *seen = NULL, *none = NULL, *st = NULL;
    if (!text->universal) {
        return str;
    }
    PyObject *decoder = PyObject_CallFunction(
        file->state->newline_decoder, "Oi", Py_None, (int)text->translate);
    if (decoder == NULL) {
        goto done;
    }
    none = PyObject_CallMethod(decoder, "setstate", "((yi))", "",
                               (int)text->held);
    if (none == NULL) {
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
    Py_XDECREF(none);
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
        text->tail_len += kept;
    }
    text->end = text->pend = stop;
}

/* So is what was to be returned before them. */
static void
chunk_lose(FileObject *file, size_t stop)
{
    struct text *text = file->text;
    if (stop > text->end && text->telling_off) {
        text->has_snap = false; /* that was an older chunk's */
    }
    codec_skip(file, stop);
    Py_CLEAR(text->decoded);
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
        text->tail_len = kept - there;
        memcpy(text->tail,
               PyBytes_AS_STRING(input) + PyBytes_GET_SIZE(input) - kept,
               text->tail_len);
        kept = there;
    }
    text->end = stop;
    text->pend = stop - kept;
}

static enum step
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
    text->chars = (size_t)PyUnicode_GET_LENGTH(str);
    int rc = text_to_decoded(file, str);
    Py_DECREF(str);
    if (rc < 0) {
        Py_DECREF(input);
        text->held = held; /* it is decoded again */
        return STEP_ERROR;
    }
    text->has_snap = !text->telling_off;
    text->noted = text->noted || text->has_snap;
    text->lost = text->spent = false;
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

bool
text_is_contiguous(const FileObject *file)
{
    const struct text *text = file->text;
    if (text->decoded != NULL || text->tail_len > 0
        || text->lim + text->held != text->pend) {
        return false;
    }
    return !text->held || file->rbuf.data[text->lim] == '\r';
}

static enum step
chunk_take(FileObject *file, size_t stop, bool last)
{
    struct text *text = file->text;
    size_t valid;
    bool ascii;
    if (text->decoded != NULL
        && text->used == PyUnicode_GET_LENGTH(text->decoded)) {
        Py_CLEAR(text->decoded);
    }
    if (text_is_contiguous(file)
        && chunk_is_valid(file, stop, last, &valid, &ascii)) {
        chunk_take_valid(file, stop, valid, ascii, last);
        return STEP_DONE;
    }
    return chunk_take_decoded(file, stop, last);
}

void
text_keep(FileObject *file)
{
    const struct text *text = file->text;
    size_t keep = text->cur < text->win ? text->cur : text->win;
    keep = keep < text->dec_start ? keep : text->dec_start;
    if (text->till > text->end && text->from < keep) {
        keep = text->from; /* a seek may go back there */
    }
    file->rbuf.pos = keep;
}

enum step
text_chunk(OpObject *op, size_t hint, bool *more)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    double scaled = (text->b2c > 1.0 ? text->b2c : 1.0) * (double)hint;
    size_t size = scaled > TEXT_CHUNK ? (size_t)scaled : TEXT_CHUNK;
    if (text->till > text->end && text->till - text->end < size) {
        size = text->till - text->end;
    }
    text_keep(file);
    while (op->filling || file->rbuf.end - text->end < size) {
        size_t avail = file->rbuf.end - text->end;
        if (avail > 0 && !op->filling && (!file->regular || file->shared)) {
            break; /* what one read has given */
        }
        enum step step = file_fill(op, size - avail);
        if (step != STEP_DONE) {
            return step;
        }
        if (file->eof) {
            break;
        }
    }
    size_t avail = file->rbuf.end - text->end;
    size_t n = avail < size ? avail : size;
    op_charge(op, n);
    enum step step = chunk_take(file, text->end + n, n == 0);
    *more = n > 0 || text->chars > 0;
    if (step == STEP_DONE) {
        file_read_ahead(op);
    }
    return step;
}

void
text_taken_all(FileObject *file)
{
    text_forget(file->text);
    if (file->rbuf.cap > FILE_KEEP_MOST) {
        buffer_free(&file->rbuf);
    }
    buffer_reset(&file->rbuf);
}

enum step
text_take_all(OpObject *op, PyObject **result)
{
    FileObject *file = op->file;
    struct text *text = file->text;
    size_t stop = file->rbuf.end, valid;
    bool ascii;
    op_charge(op, stop - text->end);
    if (text->decoded != NULL
        && text->used == PyUnicode_GET_LENGTH(text->decoded)) {
        Py_CLEAR(text->decoded);
    }
    if (text_is_contiguous(file)
        && chunk_is_valid(file, stop, true, &valid, &ascii)) {
        chunk_take_valid(file, stop, valid, ascii, true);
        *result = text_string(file, 0, text->lim - text->cur);
    }
    else {
        /* An error here leaves what was to be returned where it is. */
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
            return STEP_ERROR;
        }
        int rc = text_to_decoded(file, str);
        Py_DECREF(str);
        *result = rc < 0 ? NULL : Py_NewRef(text->decoded);
        text->held = held && rc < 0; /* it is decoded again */
    }
    if (*result == NULL) {
        return STEP_ERROR;
    }
    text_taken_all(file);
    return STEP_DONE;
}
