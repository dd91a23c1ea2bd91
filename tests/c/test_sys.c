/* test_sys.c - the system calls and the classes of devices. */
#include "sys.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "check.h"
#include "device.h"
#include "processor.h"

#if defined(__linux__) && !defined(AIOF_PORTABLE)
#define ON_LINUX true
#else
#define ON_LINUX false
#endif

/* --- devices --- */

static void
test_classes(void)
{
    static const unsigned long local[] = {0xef53, 0x58465342, 0x9123683e,
                                          0x794c7630, 0xf2f52010};
    static const unsigned long slow[] = {0x6969,     0xff534d42, 0x517b,
                                         0x01021997, 0x65735546, 0x9fa0,
                                         0x62656572, 0,          0x12345678};
    enum device_class want = ON_LINUX ? DEVICE_LOCAL : DEVICE_SLOW;
    bool ok = true;

    for (size_t i = 0; i < sizeof(local) / sizeof(local[0]); i++) {
        ok = ok && device_classify(local[i]) == want;
    }
    check(ok, "device: local disks");
    ok = true;
    for (size_t i = 0; i < sizeof(slow) / sizeof(slow[0]); i++) {
        ok = ok && device_classify(slow[i]) == DEVICE_SLOW;
    }
    check(ok, "device: network, FUSE, computed and unknown ones are slow");
    want = ON_LINUX ? DEVICE_MEMORY : DEVICE_SLOW;
    check(device_classify(0x01021994) == want
              && device_classify(0x858458f6) == want,
          "device: memory");
    check(strcmp(device_fs_name(0xef53), ON_LINUX ? "ext4" : "unknown") == 0
              && strcmp(device_fs_name(0x12345678), "unknown") == 0,
          "device: names");
}

static void *
note_main(void *arg)
{
    struct device_table *table = arg;
    for (uint64_t key = 1; key <= 200; key++) {
        device_note(table, key, DEVICE_LOCAL);
        if (device_lookup(table, key) != DEVICE_LOCAL) {
            return NULL;
        }
    }
    return arg;
}

static void
test_device_table(struct device_table *table)
{
    pthread_t threads[3];
    void *ok = table;

    check(device_lookup(table, 1) == DEVICE_UNKNOWN
              && device_lookup(table, 2049) == DEVICE_UNKNOWN,
          "device: unknown until learnt");
    device_note(table, 2049, DEVICE_SLOW);
    for (int i = 0; i < 3; i++) {
        pthread_create(&threads[i], NULL, note_main, table);
    }
    for (int i = 0; i < 3; i++) {
        void *result;
        pthread_join(threads[i], &result);
        ok = result == NULL ? NULL : ok;
    }
    check(ok != NULL, "device: noted by three threads at once");
    check(device_lookup(table, 2049) == DEVICE_SLOW
              && device_lookup(table, 7) == DEVICE_LOCAL,
          "device: all are there afterwards");
    device_note(table, 7, DEVICE_MEMORY);
    check(device_lookup(table, 7) == DEVICE_MEMORY, "device: noted anew");
    bool newest = true;
    for (uint64_t key = 1000; key < 4000; key++) {
        device_note(table, key, DEVICE_SLOW);
        newest = newest && device_lookup(table, key) == DEVICE_SLOW;
    }
    check(newest && device_lookup(table, 99999) == DEVICE_UNKNOWN,
          "device: a full table takes what is new and claims nothing");
}

static void
test_device_learn(struct device_table *table)
{
    unsigned long type = 0;
    bool still = false;
    struct stat st;
    int fd = sys_open("/", O_RDONLY, 0);
    int err = sys_fs_type(fd, &type, &still);
    check(ON_LINUX ? err == 0 && type != 0 : err == -EOPNOTSUPP,
          "device: the type of the root");
    check(sys_fstat(fd, &st) == 0
              && device_learn(table, fd, &st)
                     == device_if_still(device_classify(type), still)
              && device_lookup(table, device_key(&st, sys_mount(fd)))
                     == device_if_still(device_classify(type), still),
          "device: learnt and looked up");
    check(device_learn(table, -1, &st) == DEVICE_SLOW,
          "device: slow where the kernel cannot tell");
    sys_close(fd);
}

void
test_device(void)
{
    struct device_table *table = device_table_create();
    test_classes();
    test_device_learn(table);
    device_table_destroy(table);
    table = device_table_create();
    test_device_table(table);
    device_table_destroy(table);
}

/* --- reads and writes --- */

static int
temp_file(void)
{
    char path[] = "/tmp/aiofiles_c_XXXXXX";
    int fd = mkstemp(path);
    if (fd >= 0) {
        unlink(path);
    }
    return fd;
}

static void
test_read_write(int fd)
{
    char a[4] = "", b[8] = "";
    struct iovec out[3] = {{"ab", 2}, {"", 0}, {"cdef", 4}};
    struct iovec in[3] = {{a, 0}, {a, 3}, {b, 8}};
    ssize_t all = ON_LINUX ? 6 : 2; /* portable: a segment a call */

    check(sys_writev(fd, out, 3, SYS_OFF_CURRENT) == all
              && sys_lseek(fd, 0, SEEK_CUR) == all,
          "sys: writev at the descriptor's offset");
    check(sys_writev(fd, &out[2], 1, 2) == 4
              && sys_lseek(fd, 0, SEEK_CUR) == all,
          "sys: write at an offset leaves the descriptor's");
    all = ON_LINUX ? 6 : 3;
    check(sys_readv(fd, in, 3, 0) == all && memcmp(a, "abc", 3) == 0
              && (all == 3 || memcmp(b, "def", 3) == 0),
          "sys: readv at an offset");
    check(sys_lseek(fd, 1, SEEK_SET) == 1
              && sys_readv(fd, &in[1], 1, SYS_OFF_CURRENT) == 3
              && memcmp(a, "bcd", 3) == 0 && sys_lseek(fd, 0, SEEK_CUR) == 4,
          "sys: read at the descriptor's offset");
    check(sys_readv(fd, &in[1], 1, 6) == 0, "sys: the end is 0");
    check(sys_readv(fd, in, 0, 0) == 0 || !ON_LINUX, "sys: no segments");
    struct iovec many[1100];
    for (int i = 0; i < 1100; i++) {
        many[i] = (struct iovec){a, 0};
    }
    many[0] = in[1];
    check(sys_readv(fd, many, 1100, 0) == 3,
          "sys: more than IOV_MAX segments");
    check(sys_readv(-1, &in[1], 1, 0) == -EBADF, "sys: errors are -errno");
}

static void
test_files(void)
{
    struct stat st;
    char path[] = "/tmp/aiofiles_c_XXXXXX";
    int tmp = mkstemp(path);
    int fd = sys_open(path, O_RDWR | O_APPEND, 0);

    check(fd >= 0 && (fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0,
          "sys: open adds O_CLOEXEC");
    unlink(path);
    check(sys_open(path, O_RDONLY, 0) == -ENOENT, "sys: open fails");
    check(sys_ftruncate(fd, 5000) == 0 && sys_fstat(fd, &st) == 0
              && st.st_size == 5000 && sys_fsync(fd) == 0,
          "sys: ftruncate, fstat, fsync");
    check(sys_lseek(fd, -1, SEEK_SET) == -EINVAL, "sys: lseek fails");
    check(sys_isatty(fd) == 0 && sys_isatty(-1) == 0, "sys: isatty");
    check(sys_close(fd) == 0 && sys_close(fd) == -EBADF, "sys: close");
    close(tmp);
}

static void
test_nowait(int fd)
{
    char a[8];
    struct iovec in = {a, 6};
    int p[2];

    if (pipe(p) < 0) {
        check(false, "pipe");
        return;
    }
    ssize_t n = sys_read_nowait(fd, &in, 1, 0);
    if (!sys_has_read_nowait()) {
        check(n == -EOPNOTSUPP
                  && sys_read_nowait(p[0], &in, 1, SYS_OFF_CURRENT)
                         == -EOPNOTSUPP,
              "nowait: not in this kernel or build");
    }
    else {
        check((n == 6 && memcmp(a, "abcdef", 6) == 0) || n == -EAGAIN
                  || n == -EOPNOTSUPP,
              "nowait: a file");
        printf("     (a file answered %zd)\n", n);
        check(sys_read_nowait(p[0], &in, 1, SYS_OFF_CURRENT) == -EAGAIN,
              "nowait: an empty pipe");
        check(write(p[1], "xyz", 3) == 3
                  && sys_read_nowait(p[0], &in, 1, SYS_OFF_CURRENT) == 3
                  && memcmp(a, "xyz", 3) == 0,
              "nowait: a pipe with bytes");
        close(p[1]);
        p[1] = -1;
        check(sys_read_nowait(p[0], &in, 1, SYS_OFF_CURRENT) == 0,
              "nowait: the end of a pipe");
        check(sys_read_nowait(fd, &in, 1, -5) == -EOPNOTSUPP,
              "nowait: EINVAL counts as unsupported");
        check(sys_read_nowait(-1, &in, 1, 0) == -EBADF,
              "nowait: other errors are passed on");
    }
    close(p[0]);
    if (p[1] >= 0) {
        close(p[1]);
    }
}

/* --- interrupts --- */

static atomic_int interrupts;

static void
on_signal(int signo)
{
    (void)signo;
    atomic_fetch_add(&interrupts, 1);
}

struct reader {
    int fd;
    char buf[4];
    ssize_t result;
};

static void *
reader_main(void *arg)
{
    struct reader *reader = arg;
    struct iovec in = {reader->buf, sizeof(reader->buf)};
    reader->result = sys_readv(reader->fd, &in, 1, SYS_OFF_CURRENT);
    return NULL;
}

/* Each signal is sent when the one before was handled.  The first may come
 * before the read begins; the later ones find the thread in it, or on its
 * way from the handler back to it. */
static void
test_interrupted(void)
{
    struct sigaction action = {.sa_handler = on_signal}, saved;
    struct reader reader = {.result = -1};
    pthread_t thread;
    int p[2];

    if (pipe(p) < 0) {
        check(false, "pipe");
        return;
    }
    sigaction(SIGUSR1, &action, &saved);
    reader.fd = p[0];
    pthread_create(&thread, NULL, reader_main, &reader);
    for (int sent = 0; sent < 20; sent++) {
        pthread_kill(thread, SIGUSR1);
        for (int i = 0; i < CHECK_MS && atomic_load(&interrupts) <= sent;
             i++) {
            breathe();
        }
        breathe();
    }
    check(atomic_load(&interrupts) == 20, "eintr: the read was interrupted");
    check(write(p[1], "data", 4) == 4, "eintr: then there are bytes");
    pthread_join(thread, NULL);
    check(reader.result == 4 && memcmp(reader.buf, "data", 4) == 0,
          "eintr: and the read gives them");
    sigaction(SIGUSR1, &saved, NULL);
    close(p[0]);
    close(p[1]);
}

/* --- faults --- */

static void
test_faults(int fd)
{
#ifdef AIOF_DEBUG
    char a[8];
    struct iovec in[2] = {{a, 0}, {a, 6}}, out = {"abcdef", 6};
    struct stat st;

    sys_inject(SYS_READV, 1, 2, EIO, 0);
    check(sys_readv(fd, in, 2, 0) >= 0 && sys_readv(fd, in, 2, 0) == -EIO
              && sys_readv(fd, in, 2, 0) == -EIO
              && sys_readv(fd, in, 2, 0) >= 0,
          "faults: skipped, counted, over");
    sys_inject(SYS_READV, 0, 3, EINTR, 0);
    check(sys_readv(fd, &in[1], 1, 0) == 6, "faults: EINTR is retried");
    sys_inject(SYS_READV, 0, 1, 0, 2);
    check(sys_readv(fd, in, 2, 0) == 2, "faults: a short read");
    sys_inject(SYS_WRITEV, 0, 1, 0, 4);
    check(sys_writev(fd, &out, 1, 0) == 4, "faults: a short write");
    sys_inject(SYS_WRITEV, 0, 1, ENOSPC, 0);
    check(sys_writev(fd, &out, 1, 0) == -ENOSPC, "faults: a full disk");
    sys_inject(SYS_WRITEV, 0, 1, ENOSPC, 0);
    sys_inject(SYS_WRITEV, 0, 0, 0, 0);
    check(sys_writev(fd, &out, 1, 0) == 6, "faults: taken back");
    sys_inject(SYS_READ_NOWAIT, 0, 1, EAGAIN, 0);
    check(sys_read_nowait(fd, &in[1], 1, 0)
              == (ON_LINUX ? -EAGAIN : -EOPNOTSUPP),
          "faults: nothing cached");
    sys_inject(SYS_READ_NOWAIT, 0, 1, ENOSYS, 0);
    check(sys_read_nowait(fd, &in[1], 1, 0) == -EOPNOTSUPP,
          "faults: an old kernel");
    sys_inject(SYS_READ_NOWAIT, 0, 0, 0, 0);
    for (int call = SYS_OPEN; call <= SYS_FSYNC; call++) {
        sys_inject((enum sys_call)call, 0, 1, EIO, 0);
    }
    check(sys_open("/", O_RDONLY, 0) == -EIO && sys_fstat(fd, &st) == -EIO
              && sys_lseek(fd, 0, SEEK_SET) == -EIO
              && sys_ftruncate(fd, 0) == -EIO && sys_fsync(fd) == -EIO,
          "faults: the other calls");
    int copy = dup(fd);
    check(sys_close(copy) == -EIO && fcntl(copy, F_GETFD) < 0,
          "faults: a close that fails has closed");
    sys_inject(SYS_CLOSE, 0, 1, EINTR, 0);
    copy = dup(fd);
    check(sys_close(copy) == 0 && fcntl(copy, F_GETFD) < 0,
          "faults: an interrupted close is none to repeat");
#else
    (void)fd;
#endif
}

/* --- processors --- */

static void
test_processors(void)
{
    unsigned count = processor_count();
    check(count >= 1, "processors: there is one");
    int here = processor_current();
    check((here >= 0) == ON_LINUX, "processors: that of this thread");
    processor_leave(-1);
    processor_leave(here);
    check(processor_count() == count, "processors: all may be used again");
#if defined(__linux__) && !defined(AIOF_PORTABLE)
    cpu_set_t all, one;
    sched_getaffinity(0, sizeof(all), &all);
    CPU_ZERO(&one);
    CPU_SET((size_t)processor_current(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    here = processor_current();
    check(processor_count() == 1, "processors: those that may be used");
    processor_leave(here);
    check(processor_current() == here, "processors: the only one is kept");
    sched_setaffinity(0, sizeof(all), &all);
#endif
}

void
test_sys(void)
{
    int fd = temp_file();
    check(fd >= 0, "sys: a temporary file");
    test_read_write(fd);
    test_files();
    test_nowait(fd);
    test_interrupted();
    test_faults(fd);
    test_processors();
    close(fd);
}
