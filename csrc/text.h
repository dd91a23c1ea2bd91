/* text.h - the text layer of a native file.
 *
 * io.TextIOWrapper reads its file in chunks, decodes each whole, and gives
 * out characters of the newest one.  That is seen from outside: in tell()'s
 * cookies, in `newlines`, in when and with what a UnicodeDecodeError comes.
 * So the text layer goes by the same chunks; but it leaves the bytes where
 * they are, in the file's buffer, and knows of each chunk only what it is
 * made of.  A string is made of bytes that are known to be valid, when it is
 * asked for.  A chunk with invalid bytes is decoded whole, by the codec with
 * its error handler, into `decoded`, until that is used up.
 *
 *            rbuf.pos        cur      lim  pend  end           rbuf.end
 *   ------------|-------------|--------|----|-----|----------------|
 *               |   returned  | to be  | held '\r'| read ahead by  |
 *               |             | returned, then the  the file        |
 *               |               start of a character                |
 *
 * All indices are into rbuf.data; text_shift follows when bytes move.
 */
#ifndef AIOFILES_C_TEXT_H
#define AIOFILES_C_TEXT_H

#include "chars.h"
#include "file.h"
#include "scan.h"

enum codec { CODEC_OTHER, CODEC_UTF8, CODEC_ASCII, CODEC_LATIN1 };

enum {
    TEXT_CHUNK = 8192,   /* as io.TextIOWrapper's */
    TEXT_LARGE = 1 << 20 /* from here on it is decoded by parts */
};

struct recode;
struct cookie;

/* A chunk before the newest, of whose characters some are in decoded still: an
 * operation has looked ahead and was cancelled.  For tell(). */
struct older_chunk {
    struct older_chunk *next; /* the one behind it */
    PyObject *input;          /* its bytes, with the codec's pending */
    int flags;                /* the decoder's at its start */
    size_t span;              /* from its start to that of the next */
    size_t chars;             /* that these give */
    bool plain; /* of bytes that are valid, line ends as they are */
};

struct older {
    struct older_chunk *first; /* owned, as those behind it */
    struct older_chunk **last; /* where the next one will hang, if not there */
    size_t span;               /* of all, */
    size_t chars;              /* as these */
};

struct text {
    enum codec codec : 8;
    bool translate; /* newline=None: every line end becomes '\n' */
    bool universal; /* newline=None or '' */
    bool line_buffering;
    char readnl[3];  /* else the line end, "\n", "\r" or "\r\n" */
    char writenl[3]; /* what '\n' becomes, or "" */

    bool held;   /* a '\r' was decoded and waits for what follows */
    bool ascii;  /* bytes in [cur, lim) are ASCII */
    bool has_cr; /* universal, and there is a '\r' in [cur, lim) */
    bool listed; /* readlines() has taken chunks that io has not noted */
    unsigned char tail_len;      /* how many are in tail, */
    unsigned char snap_tail_len; /* and in snap_tail */
    unsigned seen;               /* SCAN_* bits for `newlines` */

    int snap_flags; /* the newline decoder's at the chunk's start; 1: held */
    char tail[4];   /* bytes the codec kept from before a failed chunk */
    char snap_tail[4]; /* the newest chunk's first, if they are not at win */

    size_t cur;  /* next byte to return, where decoded is NULL */
    size_t lim;  /* behind the bytes that may be returned */
    size_t pend; /* first byte that the codec has not taken */
    size_t end;  /* behind the newest chunk: the position of the buffer */
    size_t from; /* io's buffer, where a seek has filled it: */
    size_t till; /* empty unless it ends behind the newest chunk */

    struct chars *decoded; /* owned: what is to be returned, where bytes do not
                            * say it: of chunks with invalid ones, and what was
                            * left before these */
    struct cookie *owed;  /* owned: a seek has gone to its start, no farther */
    struct cookie *bound; /* owned: to where one is under way; to the end: its
                           * start is -1 */

    struct recode *recode; /* owned: what is decoded by parts, or NULL */
    size_t pending;        /* private: what TextIOWrapper would have in out */

    /* Where others see the descriptor, what TextIOWrapper has not yet passed
     * to its buffer: when that happens decides what is in the file. */
    struct buffer out;

    /* The newest chunk, for tell(); TextIOWrapper's snapshot. */
    bool has_snap;
    bool noted;        /* TextIOWrapper has one, be it an older chunk's */
    bool telling_off;  /* tell() is refused, as after next() */
    bool listing;      /* readlines() runs, in which io has it off */
    bool plain;        /* its positions are byte offsets */
    bool lost;         /* its characters were dropped by a decoding error */
    bool spent;        /* they were read by what met that error */
    size_t snap_len;   /* bytes from its start, with the codec's pending */
    size_t win;        /* index of these */
    size_t dec_start;  /* first byte of its characters */
    size_t chars;      /* number of its characters, which are the last of what
                        * was read; 0: none there */
    size_t lost_chars; /* what chars was when they were lost */
    double b2c;        /* its bytes per character */

    struct older older; /* all that decoded has characters of, or none */
};

/* Of the characters in decoded, those of chunks before the newest. */
static inline size_t
text_carry(const struct text *text)
{
    size_t left = text->decoded == NULL ? 0
                                        : (size_t)chars_left(text->decoded);
    return left > text->chars ? left - text->chars : 0;
}

/* There is a new chunk. */
static inline void
text_note_chunk(struct text *text)
{
    text->has_snap = !text->telling_off;
    text->noted = text->noted || (text->has_snap && !text->listing);
    text->listed = text->listed || text->listing;
    text->lost = text->spent = false;
}

/* The module's part in opening. */
struct text *text_new(void);
void text_free(struct text *text);

/* Accept what out holds: 0 or -1. */
int text_pass_on(FileObject *file);

/* Whether it hands on what is pending before it takes n bytes more. */
bool text_goes_first(const FileObject *file, size_t pending, size_t n);

/* As TextIOWrapper hands its pending bytes to its buffer, and that what does
 * not fit to the file.  May be called again after BLOCK. */
enum step text_hand_on(OpObject *op);

/* Bytes in the buffer have moved down by shift. */
void text_shift(struct text *text, size_t shift);

/* n characters of decoded have been returned. */
void text_take_decoded(struct text *text, Py_ssize_t n);

/* Forget the chunks before the newest. */
void text_drop_older(struct text *text);

/* Nothing is decoded and nothing is held (seek, write); the buffer is empty.*/
void text_forget(struct text *text);

/* Load the next chunk, as TextIOWrapper would with this hint in characters.
 * *more: false at the end of the file. */
enum step text_chunk(OpObject *op, size_t hint, bool *more);

/* All that is left of the file has been read behind end: decode it to its
 * end and give it with what was left.  STEP_DONE or ERROR. */
enum step text_take_all(OpObject *op, PyObject **result);

/* read() of all that is left. */
enum step text_read_all(OpObject *op, PyObject **result);
void text_drop_recode(struct text *text);

/* All has been given: nothing is left in the buffer. */
void text_taken_all(FileObject *file);

/* Whether what comes next can be looked at as bytes that follow lim. */
bool text_is_contiguous(const FileObject *file);

/* n valid bytes of a window that is not all ASCII, as a new str. */
PyObject *text_from_wide(const struct text *text, const char *p, size_t n);

/* The same of any window. */
static inline PyObject *
text_from_valid(const struct text *text, const char *p, size_t n)
{
    if (!text->ascii) {
        return text_from_wide(text, p, n);
    }
    PyObject *str = PyUnicode_New((Py_ssize_t)n, 127);
    if (str != NULL && n > 0) {
        memcpy((PyASCIIObject *)str + 1, p, n);
    }
    return str;
}

/* The same for those that start skip behind cur, with their line ends. */
PyObject *text_string(FileObject *file, size_t skip, size_t n);

/* Characters that n valid bytes at index at make. */
size_t text_count(FileObject *file, size_t at, size_t n);

/* Of the bytes in the buffer, those that are still needed stay. */
void text_keep(FileObject *file);

/* The first write after reading: what is decoded is dropped, or, where io does
 * so, kept.  0 or -1. */
int text_begin_write(FileObject *file);

void text_drop_owed(struct text *text);

/* A job has moved the offset that others see to where a seek is bound, and its
 * operation may be gone. */
void text_moved(FileObject *file);

/* Skip what is owed, the characters of a cookie that a seek has gone to the
 * start of: STEP_DONE, BLOCK, or ERROR.  Then a seek() that was cancelled there
 * is done. */
enum step text_settle(OpObject *op);

/* As file_begin(), for what depends on the position or passes it on: that of a
 * text file is settled. */
static inline enum step
text_begin(OpObject *op, unsigned need)
{
    const struct text *text = op->file->text;
    enum step step = file_begin(op, need);
    bool owes = text != NULL && text->owed != NULL;
    return step == STEP_DONE && owes ? text_settle(op) : step;
}

/* What is left to return, as a new str. */
PyObject *text_rest(FileObject *file);

/* What is left to return, and more behind it if that is not NULL, becomes
 * `decoded`: 0, or -1 and nothing has changed. */
int text_to_decoded(FileObject *file, PyObject *more);

#endif
