/* survey.h - what kernel, sandbox and file system allow: for explanations. */
#ifndef AIOFILES_C_SURVEY_H
#define AIOFILES_C_SURVEY_H

#include "state.h"

/* survey(folder, file, /), two descriptors, the second of a file with data:
 * the name of the file system, "local", "memory" or "slow", the errno (or 0) of
 * opening and of reading without waiting, and whether it can be told what is
 * cached of a file of one's own. */
PyObject *survey(PyObject *module, PyObject *args);

#endif
