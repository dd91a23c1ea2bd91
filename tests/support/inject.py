"""Faults in the calls that a debug build makes of the system.

A fault is for all uses of a call in the process, so that only what a test
itself does may be under way.  The names of the calls are those of enum
sys_call in csrc/sys.h.
"""

import errno
import functools
import re
from contextlib import contextmanager
from pathlib import Path

import aiofiles_c
import pytest

FOR_EVER = 2**31 - 1


@functools.cache
def _calls():
    """The numbers of the calls; there is no header where none is injected."""
    header = Path(__file__).resolve().parents[2] / "csrc" / "sys.h"
    names = header.read_text().partition("enum sys_call {")[2]
    names = re.sub(r"/\*.*?\*/", "", names, flags=re.DOTALL)
    names = re.findall(r"\bSYS_(\w+)", names.partition("SYS_CALLS")[0])
    return {name: number for number, name in enumerate(names)}


needs_injection = pytest.mark.skipif(
    not hasattr(aiofiles_c._engine.core, "_inject"),
    reason="the engine is no debug build",
)


def inject_or_skip():
    """The engine's function that injects faults."""
    core = aiofiles_c._engine.core
    if not hasattr(core, "_inject"):
        pytest.skip("the engine is no debug build")
    return core._inject


class Fault:
    """A fault; once it is over, whether it was met."""

    happened = None


@contextmanager
def fault(call, error=0, *, skip=0, count=1, limit=0):
    """Have a call fail with error, or move at most limit bytes.

    It does so from its (skip + 1)-th use on, so many times.
    """
    inject = inject_or_skip()
    number = _calls()[call]
    inject(number, skip, count, error, limit)
    what = Fault()
    try:
        yield what
    finally:
        # The same fault, no more: a worker may be on its way to read it.
        what.happened = inject(number, 0, 0, error, limit) < count


@contextmanager
def held(call):
    """Hold every worker that makes this call inside it.

    The call is interrupted, and made again, until the block ends, or what it
    gives is called.
    """
    with fault(call, errno.EINTR, count=FOR_EVER):
        yield lambda: inject_or_skip()(_calls()[call], 0, 0, errno.EINTR, 0)


@contextmanager
def uncached():
    """Have the kernel say that no data is cached."""
    with fault("READ_NOWAIT", errno.EAGAIN, count=FOR_EVER):
        yield
