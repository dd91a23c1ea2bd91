"""Faults in the calls of the system that a debug build's workers make.

A fault is for all uses of a call in the process, so that only what a test
itself does may be under way.
"""

import errno
from contextlib import contextmanager

import aiofiles_c
import pytest

# enum sys_call of csrc/sys.h
CALLS = {"fsync": 5, "read": 6, "write": 7, "read at once": 8}

FOR_EVER = 2**31 - 1


def inject_or_skip():
    """The engine's function that injects faults."""
    core = aiofiles_c._engine.core
    if not hasattr(core, "_inject"):
        pytest.skip("the engine is no debug build")
    return core._inject


@contextmanager
def fault(call, error=0, *, skip=0, count=1, limit=0):
    """Have a call fail with error, or move at most limit bytes."""
    inject = inject_or_skip()
    inject(CALLS[call], skip, count, error, limit)
    try:
        yield
    finally:
        # The same fault, no more: a worker may be on its way to read it.
        inject(CALLS[call], 0, 0, error, limit)


@contextmanager
def held(call):
    """Hold every worker that makes this call inside it.

    The call is interrupted, and made again, until the block ends, or what it
    gives is called.
    """
    with fault(call, errno.EINTR, count=FOR_EVER):
        yield lambda: inject_or_skip()(CALLS[call], 0, 0, errno.EINTR, 0)


@contextmanager
def uncached():
    """Have the kernel say that no data is cached."""
    with fault("read at once", errno.EAGAIN, count=FOR_EVER):
        yield
