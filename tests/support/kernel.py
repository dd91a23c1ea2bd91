"""What this kernel and this file system can do, asked without the library.

A test that would hold nothing where they cannot is skipped for that reason,
and not since the library did not do it.
"""

import ctypes
import os
import platform
import re
import struct

import aiofiles_c
import pytest

OPENAT2 = 437  # its number on each of Linux's architectures but alpha
AT_FDCWD = -100
RESOLVE_CACHED = 0x20  # of <linux/openat2.h>, since Linux 5.12
LOCAL = ("ext2", "ext3", "ext4", "xfs", "btrfs", "overlay", "tmpfs")


def version():
    """The kernel's, as a tuple of two numbers."""
    return tuple(int(n) for n in re.findall(r"\d+", platform.release())[:2])


def is_local(path):
    """Whether the file system is one of those that are tested on."""
    path, found = os.path.realpath(path), ("", None)
    with open("/proc/self/mountinfo") as mounts:
        for line in mounts:
            first, last = line.split(" - ", 1)
            point = first.split()[4].encode().decode("unicode_escape")
            if os.path.commonpath([path, point]) == point:
                if len(point) >= len(found[0]):
                    found = point, last.split()[0]
    return found[1] in LOCAL


def reads_at_once(path):
    """Whether a read can be told not to wait: preadv2(2), RWF_NOWAIT."""
    if not hasattr(os, "RWF_NOWAIT"):
        return False
    fd = os.open(path, os.O_RDONLY)
    try:
        os.pread(fd, 1, 0)
        return os.preadv(fd, [bytearray(1)], 0, os.RWF_NOWAIT) == 1
    except OSError:
        return False
    finally:
        os.close(fd)


def opens_at_once(path):
    """Whether an open can be told not to wait: openat2(2), RESOLVE_CACHED."""
    libc = ctypes.CDLL(None)
    how = struct.pack("QQQ", os.O_RDONLY | os.O_CLOEXEC, 0, RESOLVE_CACHED)
    os.stat(path)
    fd = libc.syscall(OPENAT2, AT_FDCWD, os.fsencode(path), how, len(how))
    if fd >= 0:
        os.close(fd)
    return fd >= 0


def evict(path):
    """Write a file out, and take it out of the page cache."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
        os.posix_fadvise(fd, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(fd)


def skip_unless(answer, path):
    """Skip the test where the engine has to use workers for a local file."""
    if aiofiles_c._engine.core.PORTABLE:
        pytest.skip("the portable build has all of it done by workers")
    for ask in (is_local, answer):
        if not ask(path):
            pytest.skip(f"it is not so: {ask.__doc__}")
