"""The native files: methods in C before the delegate's in Python.

A native file answers by its C methods.  Once its synchronous object has been
asked for, they call on to the delegate's method of the same name, which works
on that object.
"""

from __future__ import annotations

from asyncio import get_running_loop

from .. import _core
from .._engine import run_delegate
from .binary import AsyncBufferedIOBase, AsyncBufferedReader, AsyncFileIO
from .text import AsyncTextIOWrapper

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio import AbstractEventLoop
    from collections.abc import Callable, Coroutine
    from typing import Any

__all__ = ("open", "register")

open = _core.open


# An executor is never theirs, so that `_executor` cannot be set as it can on
# the delegates.
class NativeFileIO(  # type: ignore[override]
    _core.RawFile, AsyncFileIO
):
    """A raw file."""

    __slots__ = ()


class NativeBufferedIOBase(  # type: ignore[override]
    _core.BufferedFile, AsyncBufferedIOBase
):
    """A buffered file that is only written to."""

    __slots__ = ()


class NativeBufferedReader(  # type: ignore[override]
    _core.BufferedReaderFile, AsyncBufferedReader
):
    """A buffered file that is read, or read and written."""

    __slots__ = ()


class NativeTextIOWrapper(  # type: ignore[override]
    _core.TextFile, AsyncTextIOWrapper
):
    """A text file."""

    __slots__ = ()


async def call_opener(
    opener: Callable[[Any, int], int],
    path: Any,
    flags: int,
    loop: AbstractEventLoop | None,
) -> int:
    """Run the caller's opener, which may block, in the loop's executor."""
    return await run_delegate(
        loop or get_running_loop(), None, lambda: opener(path, flags)
    )


def register(delegate_open: Callable[..., Coroutine[Any, Any, Any]]) -> None:
    """Tell the engine its Python classes, and who opens what it does not."""
    _core.register(
        raw=NativeFileIO,
        buffered=NativeBufferedIOBase,
        reader=NativeBufferedReader,
        text=NativeTextIOWrapper,
        delegate_open=delegate_open,
        call_opener=call_opener,
    )
