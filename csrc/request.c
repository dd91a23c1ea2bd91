/* request.c - which calls of open() are plainly valid.
 *
 * Whatever is not - a mode that does not parse, an unknown codec, a
 * descriptor below 0 - is somebody else's to do or to refuse.  Each function
 * gives 0, or -1, perhaps with an exception.
 */
#include "request.h"

#include <langinfo.h>

static int
parse_mode(PyObject *mode, unsigned *flags)
{
    unsigned seen = 0;
    if (!PyUnicode_CheckExact(mode)) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(mode); i++) {
        static const char letters[] = "rwaxb+t";
        Py_UCS4 c = PyUnicode_READ_CHAR(mode, i);
        const char *at = c < 128 ? strchr(letters, (int)c) : NULL;
        unsigned bit = at == NULL || c == 0 ? 0 : 1u << (at - letters);
        if (bit == 0 || seen & bit) {
            return -1;
        }
        seen |= bit;
    }
    unsigned kind = seen & 15;
    if (kind == 0 || kind & (kind - 1) || (seen & 0x50) == 0x50) {
        return -1;
    }
    *flags = kind == 1   ? MODE_READ
             : kind == 2 ? MODE_WRITE | MODE_TRUNCATE
             : kind == 4 ? MODE_WRITE | MODE_APPEND
                         : MODE_WRITE | MODE_CREATE;
    if (seen & 0x20) {
        *flags |= MODE_READ | MODE_WRITE | MODE_PLUS;
    }
    if (!(seen & 0x10)) {
        *flags |= MODE_TEXT;
    }
    return 0;
}

static enum codec
codec_of_name(PyObject *name)
{
    if (PyUnicode_CompareWithASCIIString(name, "utf-8") == 0) {
        return CODEC_UTF8;
    }
    if (PyUnicode_CompareWithASCIIString(name, "ascii") == 0) {
        return CODEC_ASCII;
    }
    if (PyUnicode_CompareWithASCIIString(name, "iso8859-1") == 0) {
        return CODEC_LATIN1;
    }
    return CODEC_OTHER;
}

/* The native codec behind an encoding's name, remembered by the name. */
static int
parse_encoding(ModuleState *state, PyObject *encoding, enum codec *codec)
{
    PyObject *known = PyDict_GetItemWithError(state->codecs, encoding);
    if (known == NULL) {
        if (PyErr_Occurred()) {
            return -1;
        }
        PyObject *info = PyObject_CallOneArg(state->codecs_lookup, encoding);
        PyObject *name = info == NULL ? NULL
                                      : PyObject_GetAttrString(info, "name");
        Py_XDECREF(info);
        if (name == NULL) {
            return -1;
        }
        *codec = PyUnicode_Check(name) ? codec_of_name(name) : CODEC_OTHER;
        Py_DECREF(name);
        known = PyLong_FromLong(*codec);
        if (known == NULL
            || PyDict_SetItem(state->codecs, encoding, known) < 0) {
            Py_XDECREF(known);
            return -1;
        }
        Py_DECREF(known);
    }
    else {
        *codec = (enum codec)PyLong_AsLong(known);
    }
    return *codec == CODEC_OTHER ? -1 : 0;
}

/* What TextIOWrapper makes of encoding=None: asked once for each code set
 * that the locale has.  Borrowed. */
static PyObject *
locale_encoding(ModuleState *state)
{
    const char *codeset = nl_langinfo(CODESET);
    const char *known = state->locale_codeset;
    if (state->locale_encoding != NULL
        && strncmp(codeset, known, sizeof(state->locale_codeset)) == 0) {
        return state->locale_encoding;
    }
    PyObject *name = NULL, *wrapper = NULL;
    PyObject *io = PyImport_ImportModule("io");
    PyObject *bytes = io == NULL ? NULL
                                 : PyObject_CallMethod(io, "BytesIO", NULL);
    if (bytes != NULL) {
        wrapper = PyObject_CallMethod(io, "TextIOWrapper", "O", bytes);
    }
    if (wrapper != NULL) {
        name = PyObject_GetAttrString(wrapper, "encoding");
    }
    Py_XDECREF(io);
    Py_XDECREF(bytes);
    Py_XDECREF(wrapper);
    if (name == NULL) {
        return NULL;
    }
    strncpy(state->locale_codeset, codeset, sizeof(state->locale_codeset) - 1);
    Py_XSETREF(state->locale_encoding, name);
    return name;
}

static int
parse_errors(ModuleState *state, PyObject *errors)
{
    int known = PyDict_Contains(state->error_handlers, errors);
    if (known != 0) {
        return known < 0 ? -1 : 0;
    }
    PyObject *handler = PyObject_CallOneArg(state->lookup_error, errors);
    if (handler == NULL) {
        return -1;
    }
    Py_DECREF(handler);
    return PyDict_SetItem(state->error_handlers, errors, Py_None);
}

static int
parse_text(ModuleState *state, struct request *r)
{
    if (r->encoding == Py_None) {
        if (state->warn_default_encoding) {
            return -1; /* the built-in open warns */
        }
        r->encoding = locale_encoding(state);
    }
    if (r->encoding == NULL || !PyUnicode_CheckExact(r->encoding)
        || parse_encoding(state, r->encoding, &r->codec) < 0) {
        return -1;
    }
    if (r->errors == Py_None) {
        r->errors = state->str_strict;
    }
    else if (!PyUnicode_CheckExact(r->errors)
             || parse_errors(state, r->errors) < 0) {
        return -1;
    }
    if (r->newline == Py_None) {
        return 0;
    }
    if (!PyUnicode_CheckExact(r->newline)) {
        return -1;
    }
    static const char *const legal[] = {"", "\n", "\r", "\r\n"};
    for (size_t i = 0; i < sizeof(legal) / sizeof(legal[0]); i++) {
        if (PyUnicode_CompareWithASCIIString(r->newline, legal[i]) == 0) {
            return 0;
        }
    }
    return -1;
}

static int
parse_buffering(struct request *r, PyObject *buffering)
{
    if (!PyLong_CheckExact(buffering)) {
        return -1;
    }
    long n = PyLong_AsLong(buffering);
    if (n < -1 || n > (1 << 30) || (n == 0 && r->flags & MODE_TEXT)) {
        return -1;
    }
    r->buffering = (int)n;
    return 0;
}

int
request_parse(ModuleState *state, struct request *r, PyObject *buffering)
{
    if (parse_mode(r->mode, &r->flags) < 0
        || parse_buffering(r, buffering) < 0) {
        return -1;
    }
    if (r->flags & MODE_TEXT) {
        if (parse_text(state, r) < 0) {
            return -1;
        }
    }
    else if (r->encoding != Py_None || r->errors != Py_None
             || r->newline != Py_None) {
        return -1;
    }
    if (r->adopted) {
        int overflow;
        long fd = PyLong_AsLongAndOverflow(r->file, &overflow);
        return overflow != 0 || fd < 0 || fd > INT_MAX ? -1 : 0;
    }
    return r->closefd ? 0 : -1;
}
