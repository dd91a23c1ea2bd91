/* survey.c - what kernel, sandbox and file system allow: for explanations.
 *
 * Any thread, with the GIL, which is given up for the calls: they may wait.
 */
#include "survey.h"

#include <errno.h>
#include <fcntl.h>

#include "device.h"
#include "resident.h"
#include "sys.h"

struct survey {
    unsigned long type; /* of the file system; 0 where it is not told */
    int open_err;       /* of opening a cached name; 0 or an errno */
    int read_err;       /* of reading what is cached; then, whether it is */
    bool told;          /* what is: see resident.h */
};

/* What asks without waiting says EOPNOTSUPP for each reason; errno still has
 * the kernel's. */
static int
survey_reason(long rc)
{
    return rc >= 0 || rc == -EAGAIN ? 0 : errno;
}

static void
survey_make(int folder, int file, struct survey *s)
{
    char byte;
    struct iovec iov = {.iov_base = &byte, .iov_len = 1};
    bool still;
    if (sys_fs_type(file, &s->type, &still) < 0) {
        s->type = 0;
    }
    errno = EOPNOTSUPP;
    int fd = sys_openat_cached(folder, ".", O_RDONLY);
    s->open_err = survey_reason(fd);
    if (fd >= 0) {
        (void)sys_close(fd);
    }
    errno = EOPNOTSUPP;
    s->read_err = survey_reason((long)sys_read_nowait(file, &iov, 1, 0));
    struct resident *r = NULL;
    s->told = true;
    (void)resident_has(&r, file, 0, 1, &s->told);
    resident_end(&r);
}

PyObject *
survey(PyObject *Py_UNUSED(module), PyObject *args)
{
    static const char *const classes[] = {
        [DEVICE_UNKNOWN] = "slow",  [DEVICE_SLOW] = "slow",
        [DEVICE_LOCAL] = "local",   [DEVICE_STILL] = "local",
        [DEVICE_MEMORY] = "memory",
    };
    struct survey s;
    int folder, file;
    if (!PyArg_ParseTuple(args, "ii:survey", &folder, &file)) {
        return NULL;
    }
    Py_BEGIN_ALLOW_THREADS
    survey_make(folder, file, &s);
    Py_END_ALLOW_THREADS
    return Py_BuildValue("ssiii", device_fs_name(s.type),
                         classes[device_classify(s.type)], s.open_err,
                         s.read_err, s.told);
}
