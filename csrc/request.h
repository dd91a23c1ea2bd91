/* request.h - the arguments of open(), and what they come to. */
#ifndef AIOFILES_C_REQUEST_H
#define AIOFILES_C_REQUEST_H

#include "file.h"
#include "text.h"

/* All borrowed.  The caller sets the objects, adopted and closefd. */
struct request {
    PyObject *file, *mode, *encoding, *errors, *newline, *loop;
    int buffering;
    unsigned flags; /* MODE_* */
    enum codec codec;
    bool closefd;
    bool adopted;      /* file is a descriptor */
    PyObject *opener;  /* or NULL */
    PyObject *name;    /* .name, where it is not file itself */
    PyObject *classes; /* of create(): a tuple, or NULL */
    int create_flags;  /* of create(), as open(2) has them */
    enum fate fate;
};

/* Read what was given: 0; -1, perhaps with an exception, where it is not
 * plainly valid, or nothing that the engine does. */
int request_parse(ModuleState *state, struct request *r, PyObject *buffering);

#endif
